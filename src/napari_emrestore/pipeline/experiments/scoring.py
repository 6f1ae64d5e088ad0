"""Test tiles of a sequence that was not trained on, and the figures of what a network makes of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.metrics import psnr, ssim
from napari_emrestore.pipeline.experiments.domains import Mixture, draw_sequence
from napari_emrestore.pipeline.experiments.records import Row
from napari_emrestore.training.data import Batch, SampleMaker
from napari_emrestore.training.objective import apply

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from torch import nn

    from napari_emrestore.pipeline.experiments.records import Plan
    from napari_emrestore.training.recipe import DataRecipe

_SEED = 30_000
_TILES_AT_ONCE = 4


@dataclass(frozen=True, slots=True, eq=False)
class Tiles:
    """Degraded tiles with their truths.

    Attributes
    ----------
    domain : str
        In `domains.DOMAINS`.
    shown : Batch
        The tiles.
    sources : tuple of str
        The scene of each tile; tiles are dealt evenly to the scenes.
    """

    domain: str
    shown: Batch
    sources: tuple[str, ...]


def test_tiles(domain: str, sequence: int, data: DataRecipe, frames: int, plan: Plan) -> Tiles:
    """Return the test tiles of a sequence; the same ones for every arm with crops of this size."""
    scenes = draw_sequence(domain, sequence, plan.scenes, plan.scene_px, plan.seed)
    makers = [SampleMaker([scene], data, _SEED + plan.seed) for scene in scenes]
    shown = Mixture(makers).batch(range(plan.tiles), frames)
    return Tiles(domain, shown, tuple(str(n % len(scenes)) for n in range(plan.tiles)))


def unrestored(tiles: Tiles, sequence: int, paper: tuple[float, float] | None) -> Iterator[Row]:
    """Yield the rows of the frames as they came: one of them, and the mean of all."""
    shown = tiles.shown
    yield score(f"one frame, sequence {sequence}", shown.bursts[:, 0], tiles, paper, {})
    if shown.bursts.shape[1] > 1:
        yield score(f"mean of frames, sequence {sequence}", shown.bursts.mean(1), tiles, None, {})


def restore(network: nn.Module, tiles: Tiles) -> NDArray[np.float32]:
    """Return what a network makes of tiles, (K, Y, X), a few of them at a time."""
    import torch

    shown = tiles.shown
    parts = np.array_split(np.arange(len(shown.truths)), -(-len(shown.truths) // _TILES_AT_ONCE))
    with torch.inference_mode():
        made = [
            apply(network, Batch(shown.bursts[i], shown.noise[i], shown.truths[i]), "cpu")[-1].numpy()
            for i in parts
        ]
    return np.concatenate(made)


def restore_recalibrated(network: nn.Module, tiles: Tiles, batch: int) -> NDArray[np.float32]:
    """Restore with batch statistics of the test frames, whose truths are not looked at; then undo it."""
    from napari_emrestore.models import statistics_over, use_statistics

    bursts = tiles.shown.bursts
    batches = (bursts[i : i + batch] for i in range(0, len(bursts), batch))
    former = use_statistics(network, statistics_over(network, batches))
    try:
        return restore(network, tiles)
    finally:
        use_statistics(network, former)


def score(
    label: str,
    made: NDArray[np.float32],
    tiles: Tiles,
    paper: tuple[float, float] | None,
    facts: dict[str, Any],
) -> Row:
    """Score images cut to the range 0 to 1, as both papers do."""
    pairs = list(zip(np.clip(made, 0, 1), np.clip(tiles.shown.truths, 0, 1), strict=True))
    ratios = tuple(float(psnr(image, truth, data_range=1.0)) for image, truth in pairs)
    likenesses = tuple(float(ssim(image, truth, data_range=1.0)) for image, truth in pairs)
    return Row(label, tiles.domain, ratios, likenesses, tiles.sources, paper, facts)
