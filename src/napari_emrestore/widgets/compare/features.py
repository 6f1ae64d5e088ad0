"""Numbers of regions in the features of their layer, where napari's own table shows and saves them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Labels

from napari_emrestore.pipeline.comparison.tables import COLUMNS, headings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari.layers import Layer

    from napari_emrestore.pipeline.comparison import Comparison

_SHOWN = ("ssim", "psnr_db", "mse", "mae", "frc_px", "frc_nm")
_RANGE, _AGAINST = "data range", "compared with"
_BETWEEN = ": "  # heading and candidate in the name of a column


def write_features(layer: Layer, comparison: Comparison, rows: Mapping[str, int]) -> None:
    """Write the numbers of all regions into the features of their layer; other columns stay.

    Parameters
    ----------
    layer : Shapes or Labels
        One row per shape, or per label with the label in the column ``index``.
    comparison : Comparison
        With the regions.
    rows : mapping of str to int
        Row of each region: position of its shape, or value of its label.
    """
    table = _kept(layer, rows)
    titles = headings(comparison)
    for name in _SHOWN:
        for candidate in dict.fromkeys(row.candidate for row in comparison.rows):
            table[f"{titles[name]}{_BETWEEN}{candidate}"] = np.nan
    places = {value: at for at, value in enumerate(table["index"])} if "index" in table else None
    for row in comparison.rows:
        if row.region in rows:
            at = rows[row.region] if places is None else places[rows[row.region]]
            for name in _SHOWN:
                value = getattr(row, name)
                column = f"{titles[name]}{_BETWEEN}{row.candidate}"
                table.loc[at, column] = np.nan if value is None else value
    table[_RANGE] = comparison.data_range
    table[_AGAINST] = comparison.against
    layer.features = table


def clear_features(layer: Layer) -> None:
    """Take our columns out of the features of a layer."""
    layer.features = _without_ours(layer.features)


def _kept(layer: Layer, rows: Mapping[str, int]) -> Any:
    """Return what others wrote, with one row per region."""
    table = _without_ours(layer.features)
    if not isinstance(layer, Labels):
        return table
    values = sorted(rows.values())
    if "index" in table:
        return (
            table.set_index("index", drop=False).reindex(values).assign(index=values).reset_index(drop=True)
        )
    # without an index, napari takes row k for label k, 0 being background
    table = table.reindex(values).reset_index(drop=True)
    table.insert(0, "index", values)
    return table


def _without_ours(table: Any) -> Any:
    ours = tuple(f"{title}{_BETWEEN}" for titles in COLUMNS.values() for title in titles[:2])
    kept = [c for c in table.columns if not str(c).startswith(ours) and c not in (_RANGE, _AGAINST)]
    return table[kept].copy()
