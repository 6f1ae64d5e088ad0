"""Fresh statistics for networks with batch normalisation, on images unlike those they learnt from.

Wieslander et al. 2021 (DOI 10.1371/journal.pone.0246336) pass about twenty crops of the new images through
the network before they use it there. Nothing here runs by itself: a person asks, gets the new statistics as
a thing of its own, puts them in, and can put the former ones back.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from napari_emrestore.core import InputError, ModelError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import torch
    from numpy.typing import NDArray

_PASSES = 20
_CROP_PX = 128


@dataclass(frozen=True, slots=True, eq=False)
class BatchStatistics:
    """Means, variances and counts of all batch normalisations of one network.

    Attributes
    ----------
    tensors : dict of str to Tensor
        By the names of the network's buffers.
    passes : int
        Batches they were gathered from; 0 for those of training.
    """

    tensors: dict[str, torch.Tensor] = field(repr=False)
    passes: int = 0


def current_statistics(network: torch.nn.Module) -> BatchStatistics:
    """Return a copy of the statistics a network uses now.

    Raises
    ------
    ModelError
        If the network has no batch normalisation.
    """
    tensors = {
        f"{name}.{buffer}".lstrip("."): value.clone()
        for name, layer in _layers(network)
        for buffer, value in layer.named_buffers(recurse=False)
    }
    if not tensors:
        raise ModelError(
            "Only networks with batch normalisation have statistics to refresh",
            came=f"{type(network).__name__} has none",
        )
    return BatchStatistics(tensors)


def recalibrated(
    network: torch.nn.Module,
    frames: NDArray[np.float32],
    *,
    rng: np.random.Generator,
    passes: int = _PASSES,
    crop_px: int = _CROP_PX,
    stride_px: int = 1,
) -> BatchStatistics:
    """Return the statistics of random crops of one image or burst; the network stays as it was.

    Parameters
    ----------
    network : Module
        With batch normalisation, maps ``(B, N, Y, X)`` to ``(B, Y, X)``.
    frames : ndarray, shape (N, Y, X)
        Registered frames in model range, complete, as many as will be used later.
    rng : Generator
        Places the crops and flips them.
    passes : int
        Crops, each a batch of its own; the statistics are the plain average over all of them.
    crop_px : int
        Side of a crop, at most that of the frames; cut to a multiple of `stride_px`.
    stride_px : int
        The network's size rule.

    Returns
    -------
    BatchStatistics
        For `use_statistics`.

    Raises
    ------
    InputError
        If frames are not (N, Y, X), not finite or smaller than two strides, or there is no pass.
    ModelError
        If the network has no batch normalisation.
    """
    crops = list(_crops(frames, rng, passes, crop_px, stride_px))
    return statistics_over(network, (crop[None] for crop in crops))


def statistics_over(network: torch.nn.Module, batches: Iterable[NDArray[np.float32]]) -> BatchStatistics:
    """Return the plain average of the statistics of some batches; the network stays as it was.

    Parameters
    ----------
    network : Module
        As for `recalibrated`.
    batches : iterable of ndarray, shape (B, N, Y, X)
        In model range; of sizes that the network takes.

    Raises
    ------
    ModelError
        If the network has no batch normalisation.
    """
    import torch

    device = next(network.parameters()).device
    former = current_statistics(network)
    passes = 0
    with _gathering(network), torch.no_grad():
        for batch in batches:
            network(torch.from_numpy(batch).to(device))
            passes += 1
        gathered = current_statistics(network)
    use_statistics(network, former)
    return BatchStatistics(gathered.tensors, passes)


def use_statistics(network: torch.nn.Module, statistics: BatchStatistics) -> BatchStatistics:
    """Put statistics into a network and return those it had, which undo this when they are put in.

    Raises
    ------
    ModelError
        If the statistics are those of another network; nothing is changed then.
    """
    former = current_statistics(network)
    shapes = {name: tensor.shape for name, tensor in former.tensors.items()}
    if shapes != {name: tensor.shape for name, tensor in statistics.tensors.items()}:
        raise ModelError("Statistics belong to the network they were gathered with", came="others came")
    buffers = dict(network.named_buffers())
    for name, tensor in statistics.tensors.items():
        buffers[name].copy_(tensor)
    return former


def _layers(network: torch.nn.Module) -> Iterator[tuple[str, torch.nn.Module]]:
    from torch.nn.modules.batchnorm import _BatchNorm

    for name, layer in network.named_modules():
        if isinstance(layer, _BatchNorm) and layer.track_running_stats:
            yield name, layer


@contextmanager
def _gathering(network: torch.nn.Module) -> Iterator[None]:
    """Let only the batch normalisations learn, from nothing, each batch counting alike."""
    layers = [layer for _, layer in _layers(network)]
    before = [(layer.training, layer.momentum) for layer in layers]
    for layer in layers:
        layer.reset_running_stats()  # type: ignore[operator]
        layer.momentum = None  # type: ignore[assignment]
        layer.train()
    try:
        yield
    finally:
        for layer, (training, momentum) in zip(layers, before, strict=True):
            layer.train(bool(training))
            layer.momentum = momentum


def _crops(
    frames: NDArray[np.float32], rng: np.random.Generator, passes: int, crop_px: int, stride_px: int
) -> Iterator[NDArray[np.float32]]:
    if frames.ndim != 3 or not np.isfinite(frames).all() or passes < 1:
        raise InputError(
            "Recalibration takes complete frames (N, Y, X) and at least one pass",
            came=f"frames {frames.shape} and {passes} passes came",
            remedy="Fill what is missing, for one image give (1, Y, X).",
        )
    sides = [min(crop_px, length) // stride_px * stride_px for length in frames.shape[1:]]
    if min(sides) < 2 * stride_px:  # at one stride the deepest layer has one pixel, which has no variance
        raise InputError(
            f"A crop is at least {2 * stride_px} px wide and high",
            came=f"frames {frames.shape} and crop_px {crop_px} came",
        )
    for _ in range(passes):
        y, x = (
            int(rng.integers(0, length - side + 1))
            for length, side in zip(frames.shape[1:], sides, strict=True)
        )
        crop = frames[:, y : y + sides[0], x : x + sides[1]]
        flips = tuple(axis for axis in (1, 2) if rng.random() < 0.5)
        yield np.ascontiguousarray(np.flip(crop, flips), np.float32)
