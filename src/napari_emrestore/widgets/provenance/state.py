"""Which layer is looked at, and what can be done with its record; no Qt."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from psygnal import SignalGroupDescriptor

from napari_emrestore.core import Acquisition, EmRestoreError
from napari_emrestore.pipeline.replaying import missing_input, settings_in
from napari_emrestore.widgets.provenance.accounts import Account, account_of

if TYPE_CHECKING:
    from napari_emrestore.core import Provenance


@dataclass
class ProvenanceState:
    """The selected layer.

    Attributes
    ----------
    layer : str
        Its name; empty if none is selected.
    provenance : Provenance, optional
        What made it.
    acquisition : Acquisition
        What is known about its frames.
    inputs : tuple of str
        Names of the image layers that could be the input.
    """

    events: ClassVar[SignalGroupDescriptor] = SignalGroupDescriptor()

    layer: str = ""
    provenance: Provenance | None = None
    acquisition: Acquisition = field(default_factory=Acquisition)
    inputs: tuple[str, ...] = ()

    @property
    def account(self) -> Account:
        """What there is to read."""
        if not self.layer:
            return Account("Select one layer in the layer list to see what made it.", ())
        return account_of(self.provenance, self.acquisition)

    def why_not_repeat(self) -> str:
        """Return why the layer cannot be made again; empty if it can."""
        if self.provenance is None:
            return "Only layers that were restored here can be made again."
        try:
            settings_in(self.provenance)
        except EmRestoreError as error:
            return str(error)
        name = missing_input(self.provenance)
        if name and name not in self.inputs:
            return f"The input {name!r} is neither a file nor a layer any more. Open it again."
        return ""

    def why_no_command(self) -> str:
        """Return why no command line makes the layer again; empty if one does."""
        reason = self.why_not_repeat()
        if not reason and self.provenance is not None and missing_input(self.provenance):
            return (
                "The input is a layer without a file. Save it and restore the file, or export a script, "
                "which takes it along."
            )
        return reason
