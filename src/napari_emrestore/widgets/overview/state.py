"""What a person has set in the overview dock, and why it cannot run; no Qt."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from psygnal import SignalGroupDescriptor

from napari_emrestore.core import InputError
from napari_emrestore.overview import MosaicSettings
from napari_emrestore.overview.mosaic_files import checked_place

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_emrestore.overview.laying import Matching
    from napari_emrestore.overview.planning import Composition

_KEPT = ("model", "frames", "composition", "matching", "dark", "use_stage", "maps")


@dataclass
class OverviewState:
    """The settings of the dock.

    Attributes
    ----------
    layer : str
        Name of the stack that is assembled; empty for none.
    recording : str
        File that is assembled instead; empty for the layer.
    unusable : str
        Why the layer cannot be used; empty if it can.
    output : str
        The mosaic to make.
    model : str
        What each place is restored with; empty for the raw mosaic only.
    frames, composition, matching, dark, use_stage, maps
        As in `MosaicSettings`.
    """

    events: ClassVar[SignalGroupDescriptor] = SignalGroupDescriptor()

    layer: str = ""
    recording: str = ""
    unusable: str = ""
    output: str = ""
    model: str = ""
    frames: int = 5
    composition: Composition = "blend"
    matching: Matching = "shading"
    dark: float = 0.0
    use_stage: bool = True
    maps: bool = True

    def settings(self) -> MosaicSettings:
        """Return how the mosaic is made."""
        return MosaicSettings(
            self.composition, self.frames, self.matching, self.dark, self.use_stage, self.maps
        )

    def obstacle(self) -> str:
        """Return why it cannot run yet; empty if it can."""
        if not self.recording:
            if not self.layer:
                return "Choose a stack of frames, or the file of a recording."
            if self.unusable:
                return self.unusable
        if not self.output:
            return "Choose where the mosaic is written."
        try:
            checked_place(self.output)
        except InputError as error:
            return str(error)
        return ""

    def to_record(self) -> dict[str, Any]:
        """Return what is kept for the next time, as plain JSON values."""
        return {name: getattr(self, name) for name in _KEPT}

    def restore_record(self, record: Mapping[str, Any]) -> None:
        """Take over what was kept, as far as it is of the right type."""
        for name in _KEPT:
            if isinstance(record.get(name), type(getattr(self, name))):
                setattr(self, name, record[name])


def free_output(folder: Path, name: str) -> str:
    """Return a name for a mosaic in a folder that nothing has yet."""
    plain = Path(name).name.removesuffix(".zarr").removesuffix(".ome") or "scan"
    candidates = (f"{plain} mosaic{'' if n == 1 else f' {n}'}.zarr" for n in range(1, 10_000))
    return str(folder / next(c for c in candidates if not (folder / c).exists()))
