"""The rows of napari's own tables: what is known and measured of each region, by name with its unit."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.overview.region_numbers import RegionNumbers
from napari_emrestore.widgets.regions.drawn import CLASS, ID

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from napari_emrestore.overview.regions import Region

# a person's own confidence and the restoration's would have one name
_RENAMED = {"confidence": "restoration_confidence"}
_MEASURED = {
    one.name: _RENAMED.get(one.name, one.name) for one in fields(RegionNumbers) if one.name != "note"
}


def columns_of(
    rows: Sequence[Region | None], numbers: Mapping[int, RegionNumbers]
) -> dict[str, NDArray[Any]]:
    """Return the columns of a table of regions, for a layer's features.

    Parameters
    ----------
    rows : sequence of Region or None
        In the order of the layer; ``None`` for what is no region yet.
    numbers : mapping of int to RegionNumbers
        What was measured, by number of the region; a row without has NaN.

    Returns
    -------
    dict of str to ndarray
        Number, class, confidence, note and whether it was accepted; then every number that any of these
        regions has.
    """
    measured = [None if one is None else numbers.get(one.id) for one in rows]
    table = {
        title: np.array([_number(None if one is None else getattr(one, name)) for one in measured])
        for name, title in _MEASURED.items()
    }
    return {
        ID: np.array([0 if one is None else one.id for one in rows], int),
        CLASS: np.array(["" if one is None else one.class_name for one in rows], object),
        "accepted": np.array([one is not None and one.accepted for one in rows], bool),
        "confidence": np.array([_number(None if one is None else one.confidence) for one in rows]),
        "region_note": np.array(["" if one is None else one.note for one in rows], object),
        **{title: values for title, values in table.items() if not np.isnan(values).all()},
    }


def _number(value: float | None) -> float:
    return float("nan") if value is None else float(value)
