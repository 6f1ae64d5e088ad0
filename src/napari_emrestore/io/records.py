"""The plain-JSON record that our files carry: acquisition and provenance, restored exactly."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from napari_emrestore.core import Acquisition, InputError, Provenance

if TYPE_CHECKING:
    from pathlib import Path

RECORD_KEY = "napari-emrestore"
_FIELDS = {field.name for field in fields(Acquisition)}


@dataclass(frozen=True, slots=True)
class Record:
    """What one of our files says about its image.

    Attributes
    ----------
    acquisition : Acquisition
        As it was given to the writer.
    provenance : Provenance, optional
        What made the image.
    """

    acquisition: Acquisition
    provenance: Provenance | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the record as plain JSON values.

        Raises
        ------
        InputError
            If the acquisition or provenance holds something JSON cannot say exactly, such as NaN.
        """
        try:
            acquisition = json.loads(json.dumps(asdict(self.acquisition), allow_nan=False))
            provenance = None if self.provenance is None else json.loads(self.provenance.to_json())
        except (TypeError, ValueError) as error:
            raise InputError(
                "Acquisition and provenance hold plain JSON values",
                came=f"this came: {error}",
                remedy="Turn arrays into lists and not-a-number into None.",
            ) from error
        return {"record": 1, "acquisition": acquisition, "provenance": provenance}

    def to_json(self) -> str:
        """Return the record as one line of ASCII JSON."""
        return json.dumps(self.to_dict())

    @classmethod
    def from_dict(cls, content: Any) -> Record | None:
        """Return the record, or None if `content` is not one."""
        try:
            known = {k: v for k, v in content["acquisition"].items() if k in _FIELDS}
            if known.get("pixel_size_nm") is not None:
                y, x = known["pixel_size_nm"]
                known["pixel_size_nm"] = (float(y), float(x))
            made_by = content.get("provenance")
            provenance = None if made_by is None else Provenance.from_json(json.dumps(made_by))
            return cls(Acquisition(**known), provenance)
        except (AttributeError, InputError, KeyError, TypeError, ValueError):
            return None

    @classmethod
    def from_json(cls, text: str) -> Record | None:
        """Return the record, or None if `text` is not one."""
        try:
            return cls.from_dict(json.loads(text))
        except (ValueError, RecursionError):
            return None

    def acquisition_at(self, path: Path) -> Acquisition:
        """Return the acquisition with the path of the file it was read from."""
        return replace(self.acquisition, path=str(path))


def plain_name(path: Path) -> str:
    """Return a file name without its suffix, nor an ``.ome`` before it."""
    return path.stem.removesuffix(".ome")
