"""Regions as one JSON file, without loss: what is saved at every change and read back after a crash."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

from napari_emrestore.core import FormatError, InputError
from napari_emrestore.overview.region_masks import RegionMask
from napari_emrestore.overview.regions import Overview, Region, RegionClass, RegionSet

FORMAT = "napari-emrestore regions"
VERSION = 1


def regions_to_json(regions: RegionSet) -> str:
    """Return a set as JSON; `regions_from_json` gives the equal set back, to the last digit."""
    record = {
        "format": FORMAT,
        "version": VERSION,
        "overview": _record(regions.overview),
        "classes": [_record(one) for one in regions.classes],
        "regions": [
            _record(one) | {"mask": None if one.mask is None else _record(one.mask)}
            for one in regions.regions
        ],
        "next_id": regions.next_id,
    }
    return json.dumps(record, allow_nan=False)


def regions_from_json(text: str, item: str = "") -> RegionSet:
    """Return the set that `regions_to_json` wrote.

    Parameters
    ----------
    text : str
        The JSON.
    item : str
        What it came from, for the error.

    Raises
    ------
    FormatError
        If it is no JSON of ours, of a newer version, or damaged.
    """
    try:
        record = json.loads(text)
        found = (record.pop("format", None), record.pop("version", None))
    except (ValueError, TypeError, AttributeError) as error:
        raise _damaged(item, error) from error
    if found != (FORMAT, VERSION):
        raise FormatError(
            f"A file of {FORMAT}, version {VERSION}, is needed",
            item=item,
            came=f"is {found[0]!r}, version {found[1]!r}",
            remedy="Open it with the version of the program that wrote it, or a newer one.",
        )
    try:
        return _set(record)
    except (InputError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise _damaged(item, error) from error


def write_regions(regions: RegionSet, path: str | Path) -> None:
    """Write a set as JSON; an older file of that name is replaced only when the new one is complete.

    Raises
    ------
    InputError
        If the folder does not exist.
    WriteError
        If the system refuses to write.
    """
    from napari_emrestore.io.staging import staged

    with staged(Path(path)) as partial:
        partial.write_text(regions_to_json(regions), encoding="utf-8")


def read_regions(path: str | Path) -> RegionSet:
    """Return the set in a file of `write_regions`.

    Raises
    ------
    FormatError
        If it is damaged, of another kind or of a newer version.
    InputError
        If it does not exist or may not be read.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise _damaged(path.name, error) from error
    except OSError as error:
        raise InputError("A file of regions is needed", item=str(path), came=f"gave {error}") from error
    return regions_from_json(text, path.name)


def _record(one: Any) -> dict[str, Any]:
    """Return the fields of a dataclass as they are; `asdict` would copy every vertex, which takes long."""
    return {field.name: getattr(one, field.name) for field in fields(one)}


def _set(record: dict[str, Any]) -> RegionSet:
    overview = dict(record["overview"])
    size = overview["pixel_size_nm"]
    return RegionSet(
        Overview(
            **{
                **overview,
                "shape": tuple(overview["shape"]),
                "pixel_size_nm": None if size is None else tuple(size),
                "to_world": tuple(tuple(row) for row in overview["to_world"]),
            }
        ),
        tuple(RegionClass(**one) for one in record["classes"]),
        tuple(_region(one) for one in record["regions"]),
        record["next_id"],
    )


def _region(record: dict[str, Any]) -> Region:
    mask = record["mask"]
    return Region(
        **{
            **record,
            "vertices": tuple((y, x) for y, x in record["vertices"]),
            "mask": None if mask is None else RegionMask(**{name: tuple(mask[name]) for name in mask}),
        }
    )


def _damaged(item: str, error: Exception) -> FormatError:
    return FormatError(
        "A complete file of regions is needed",
        item=item,
        came=f"could not be read ({type(error).__name__}: {error})",
        remedy="Use an older copy of it.",
    )
