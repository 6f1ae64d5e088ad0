"""Degraded images without ground truth: what a semi-supervised recipe shows beside its pairs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_emrestore.core import InputError, IntensityMap
from napari_emrestore.training.data import Batch, SampleMaker

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_emrestore.training.data import Scene
    from napari_emrestore.training.objective import BatchMaker
    from napari_emrestore.training.recipe import DataRecipe, SemiSupervisedRecipe

_BANK_SEED = 20_000


def split_labelled(scenes: Sequence[Scene], share: float, seed: int) -> tuple[list[Scene], list[Scene]]:
    """Return the scenes that keep their ground truth and those that are only shown degraded.

    All sizes of one image fall on the same side; at least one image stays labelled.

    Parameters
    ----------
    scenes : sequence of Scene
        Training scenes.
    share : float
        Share of the images that keep it, above 0 and at most 1.
    seed : int
        Of the draw.
    """
    if share == 1:
        return list(scenes), []
    images = [s.name.rpartition("/")[0] if s.real else f"{s.name} {n}" for n, s in enumerate(scenes)]
    names = sorted(set(images))
    order = np.random.default_rng([seed, 5]).permutation(len(names))
    kept = {names[n] for n in order[: max(1, round(share * len(names)))]}
    sides: tuple[list[Scene], list[Scene]] = ([], [])
    for scene, image in zip(scenes, images, strict=True):
        sides[image not in kept].append(scene)
    return sides


def build_bank(
    recipe: SemiSupervisedRecipe, data: DataRecipe, left_out: Sequence[Scene], folder: Path, seed: int
) -> BatchMaker:
    """Return the maker of batches without ground truth: simulated from `left_out`, or from files.

    Raises
    ------
    InputError
        If there is neither an image left out nor one that matches the recipe's pattern, or if files are to
        be mixed with frames of a burst.
    """
    if not recipe.pattern:
        if not left_out:
            raise InputError(
                "Learning without ground truth needs images",
                came="the recipe gives no pattern and keeps the ground truth of all images",
                remedy="Give semi_supervised a pattern, or a labelled_share below 1.",
            )
        return SampleMaker(left_out, data, _BANK_SEED + seed)
    if data.frames != (1, 1):
        raise InputError("Images without ground truth are single frames", came=f"frames = {data.frames}")
    return DegradedImages(sorted(folder.glob(recipe.pattern)), data.crop_px, seed)


class DegradedImages:
    """Random windows of images as they came from a microscope; the truth of a batch is the image itself.

    Parameters
    ----------
    paths : sequence of Path
        Grey images, at least `crop_px` wide and high.
    crop_px : int
        Side of a window.
    seed : int
        Of the windows.
    """

    def __init__(self, paths: Sequence[Path], crop_px: int, seed: int) -> None:
        from imageio.v3 import imread

        images = [np.asarray(imread(path), np.float32) for path in paths]
        self._images = [IntensityMap.from_signal(i).to_model(i) for i in images if _holds(i, crop_px)]
        if not self._images:
            raise InputError(
                f"Images without ground truth are grey and at least {crop_px} px wide and high",
                came=f"{len(images)} images came, none of them is",
            )
        self._crop_px = crop_px
        self._seed = seed

    def batch(self, indices: Iterable[int], frames: int) -> Batch:
        """Return windows as bursts of `frames` times the same image."""
        windows = np.stack([self._window(index) for index in indices])
        bursts = np.repeat(windows[:, None], frames, axis=1)
        return Batch(bursts, np.zeros((len(windows), 2), np.float32), windows)

    def _window(self, index: int) -> NDArray[np.float32]:
        rng = np.random.default_rng([self._seed, 6, index])
        image = self._images[rng.integers(len(self._images))]
        y, x = (int(rng.integers(0, length - self._crop_px + 1)) for length in image.shape)
        window = np.rot90(image[y : y + self._crop_px, x : x + self._crop_px], int(rng.integers(4)))
        return np.ascontiguousarray(window)


def _holds(image: NDArray[np.float32], crop_px: int) -> bool:
    return image.ndim == 2 and min(image.shape) >= crop_px
