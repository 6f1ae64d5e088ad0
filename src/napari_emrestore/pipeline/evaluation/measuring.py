"""What each paper measured: a restored image and its instance in, one value per tile or image out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_emrestore.core import InputError
from napari_emrestore.pipeline.evaluation.degrading import by_percentiles

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from napari_emrestore.pipeline.evaluation.degrading import Instance

    Image = NDArray[np.float32]
    Values = Mapping[str, Sequence[float]]
    Measure = Callable[[Image, Instance], Values]

TILE_PX = 128
RAND_ERROR, RAND_PRECISION, RAND_RECALL = "adapted Rand error", "Rand precision", "Rand recall"


def tile_scores(restored: Image, instance: Instance) -> Values:
    """Return SSIM and PSNR of every whole 128 px tile."""
    from napari_emrestore.metrics import psnr, ssim

    output, truth = np.clip(restored, 0, 1), np.clip(instance.truth, 0, 1)
    cuts = tiles(truth.shape)
    return {
        "SSIM": [float(ssim(output[cut], truth[cut], data_range=1.0)) for cut in cuts],
        "PSNR": [float(psnr(output[cut], truth[cut], data_range=1.0)) for cut in cuts],
    }


def tiles(shape: tuple[int, ...]) -> list[tuple[slice, slice]]:
    """Return the whole 128 px tiles of an image.

    Raises
    ------
    InputError
        If it is smaller than one.
    """
    if min(shape) < TILE_PX:
        raise InputError(
            f"Tiles of {TILE_PX} px need images at least as large",
            came=f"an overlap of {shape} px came",
            remedy="Take larger images, or shrink them less.",
        )
    starts = [range(0, side - TILE_PX + 1, TILE_PX) for side in shape]
    return [np.s_[y : y + TILE_PX, x : x + TILE_PX] for y in starts[0] for x in starts[1]]


def both_targets(restored: Image, instance: Instance) -> Values:
    """Return PSNR and SSIM against the noise-free and against the noisy target."""
    from napari_emrestore.metrics import psnr, ssim

    output = np.clip(restored, 0, 1)
    values: dict[str, list[float]] = {}
    for label, target in (("", instance.truth), (" to noisy", instance.others["noisy"])):
        truth = np.clip(target, 0, 1)
        values[f"PSNR{label}"] = [float(psnr(output, truth, data_range=1.0))]
        values[f"SSIM{label}"] = [float(ssim(output, truth, data_range=1.0))]
    return values


def absolute_error(restored: Image, instance: Instance) -> Values:
    """Return MAE and PSNR of the output scaled by its own percentiles, as the target was."""
    from napari_emrestore.metrics import mae, psnr

    output = by_percentiles(restored)
    return {
        "MAE": [float(mae(output, instance.truth))],
        "PSNR": [float(psnr(output, instance.truth, data_range=1.0))],
    }


def squared_error(restored: Image, instance: Instance) -> Values:
    """Return MSE and SSIM with a 7x7 uniform window, with data range 1 and with that of the output."""
    from napari_emrestore.metrics import mse, ssim

    output = np.clip(restored, 0, 1)
    span = float(np.ptp(output)) or 1.0
    return {
        "MSE": [float(mse(output, instance.truth))],
        "SSIM": [float(ssim(output, instance.truth, data_range=1.0, window="uniform"))],
        "SSIM own range": [float(ssim(output, instance.truth, data_range=span, window="uniform"))],
    }


def segmentation_error(restored: Image, instance: Instance, width_px: float) -> Values:
    """Return adapted Rand error, precision and recall of the fixed segmentation of the restored image.

    Parameters
    ----------
    restored : ndarray, shape (Y, X)
        Any units.
    instance : Instance
        With `labels`.
    width_px : float
        See `segment_membranes`.
    """
    from napari_emrestore.metrics import adapted_rand, segment_membranes

    labels = segment_membranes(restored, width_px=width_px)
    found = adapted_rand(labels, instance.labels)  # type: ignore[arg-type]
    return {RAND_ERROR: [found.error], RAND_PRECISION: [found.precision], RAND_RECALL: [found.recall]}
