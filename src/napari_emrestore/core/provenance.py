"""What made a result: plain JSON that travels with every layer and file."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from napari_emrestore.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Provenance:
    """What ran, on what, with which settings, where and for how long.

    Attributes
    ----------
    tool : str
        What ran, for example ``"restore"``, ``"register"``.
    model : mapping
        ``id``, ``version`` and ``weights_sha256`` of the model; empty if none ran.
    inputs : tuple of mapping
        ``name``, ``path``, ``sha256`` of each input, as far as known.
    settings : mapping
        Every setting that shaped the result, including the intensity map and the tile plan.
    device : str
        Device that really ran, for example ``"cpu"`` or ``"cuda:0 (NVIDIA RTX A4000)"``.
    versions : mapping
        Package name to version.
    seconds : float
        Wall time.
    notes : tuple of str
        Everything a reader must know to judge the result, for example ``"tile shrank to 512 px"``.
    """

    tool: str
    model: Mapping[str, Any] = field(default_factory=dict)
    inputs: tuple[Mapping[str, Any], ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    device: str = "cpu"
    versions: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    notes: tuple[str, ...] = ()

    def to_json(self) -> str:
        """Return the record as one JSON object."""
        return json.dumps(asdict(self), allow_nan=False, default=str)

    @classmethod
    def from_json(cls, text: str) -> Provenance:
        """Return the record written by `to_json`.

        Raises
        ------
        InputError
            If `text` is not such a record.
        """
        try:
            record = json.loads(text)
            inputs, notes = tuple(record.pop("inputs", ())), tuple(record.pop("notes", ()))
            return cls(**record, inputs=inputs, notes=notes)
        except (json.JSONDecodeError, TypeError, AttributeError) as error:
            raise InputError(
                "A provenance record is a JSON object with the fields of Provenance",
                came=f"{text[:80]!r} came",
            ) from error
