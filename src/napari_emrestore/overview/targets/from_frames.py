"""The stage map of a mosaic whose frames carry stage positions: nothing needs calibrating."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_emrestore.core import InputError
from napari_emrestore.overview.targets.fitting import fit_stage_map

if TYPE_CHECKING:
    from napari_emrestore.overview.layout import Layout
    from napari_emrestore.overview.targets.stage_map import StageMap

_ENOUGH_TO_REJECT = 6
_DEEPEST = 2  # an image of a mosaic lies in its folder, a level of it one deeper


def mosaic_around(path: str | Path) -> Path | None:
    """Return the mosaic that a file or folder is, or belongs to; None if it is of none."""
    from napari_emrestore.overview.mosaic_files import is_mosaic

    if not str(path):
        return None
    place = Path(path).expanduser()
    return next((one for one in (place, *list(place.parents)[:_DEEPEST]) if is_mosaic(one)), None)


def stage_map_of_mosaic(
    path: str | Path, *, mirrored: bool | None = None, z_um: float | None = None
) -> StageMap:
    """Return where a mosaic on disk lies under the stage; see `stage_map_of_layout`."""
    from napari_emrestore.overview.mosaic_files import open_mosaic

    return stage_map_of_layout(open_mosaic(path).layout, mirrored=mirrored, z_um=z_um)


def stage_map_of_layout(
    layout: Layout, *, mirrored: bool | None = None, z_um: float | None = None
) -> StageMap:
    """Return where a mosaic lies under the stage, from the middles of its frames.

    Only frames that were placed by what they show take part: one placed by the stage would agree with the
    stage whatever it said. With six or more, frames whose stage disagrees with the others' are left out and
    listed in the fit.

    Parameters
    ----------
    layout : Layout
        Of the mosaic, with stage positions.
    mirrored : bool, optional
        Whether the image is mirrored against the stage; needed where the stage moved along one line only.
    z_um : float, optional
        Height of the stage.

    Raises
    ------
    InputError
        If the frames carry no stage positions, or too few of them, or they lie in one line and `mirrored` is
        not told.
    """
    by_image = np.array([placed == "image" for placed in layout.placed_by])
    if layout.stage_um is None or not by_image.any():
        raise InputError(
            "Frames with stage positions, placed by what they show, are needed",
            came="the layout has none",
            remedy="Mark three points known on overview and stage instead.",
        )
    middles = layout.places_px[by_image] + (np.array(layout.frame_shape) - 1) / 2
    return fit_stage_map(
        middles,
        layout.stage_um[by_image],
        pixel_size_nm=layout.pixel_size_nm,
        mirrored=mirrored,
        reject=int(by_image.sum()) >= _ENOUGH_TO_REJECT,
        z_um=z_um,
        source=f"stage positions of {int(by_image.sum())} frames",
    )
