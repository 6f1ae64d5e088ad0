"""What edits make of a set of regions, signed with who did it when; no Qt."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from napari_emrestore.overview.regions import Region, RegionSet
    from napari_emrestore.widgets.regions.drawn import Edit


def signed(region: Region, author: str, **values: Any) -> Region:
    """Return a region with fields replaced, and who did that when."""
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return replace(region, **{**values, "author": author, "time": now})


def with_fields(
    regions: RegionSet, ids: Collection[int], values: Mapping[str, Any], author: str
) -> RegionSet:
    """Return regions with the same fields of some replaced; one that has these values stays as it is."""

    def edited(one: Region) -> Region:
        same = all(getattr(one, name) == value for name, value in values.items())
        return one if same else signed(one, author, **values)

    return regions.change(ids, edited)


def with_edit(regions: RegionSet, edit: Edit, class_name: str, author: str) -> RegionSet:
    """Return regions as a person left them in a layer; new ones are of a class, and come last."""
    kept = regions.remove(edit.removed)
    moved = kept.change(edit.changed, lambda one: signed(edit.changed[one.id], author))
    return moved.add(*(signed(one, author, class_name=class_name) for one in edit.new))


def what_was_done(edit: Edit) -> str:
    """Return an edit in a word, for Undo."""
    if edit.new:
        return "drawing"
    return "moving" if edit.changed else "deleting"


def class_in(regions: RegionSet, name: str) -> str:
    """Return the name of a class if the set has it, else that of its first."""
    names = [one.name for one in regions.classes]
    return name if name in names else names[0]
