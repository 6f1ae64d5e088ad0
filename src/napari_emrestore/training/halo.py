"""How much context a trained network really uses around a tile."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_emrestore.training.scenes import draw_scene

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from torch import nn

_TOLERANCE = 1e-6


def measure_halo(network: nn.Module, stride_px: int, exact_px: int, *, frames: int, seed: int = 0) -> int:
    """Return a halo at which tiles equal the whole image to 1e-6 of the model range, one stride to spare.

    Weights decide how far influence really reaches; it is often far less than the exact halo of the
    architecture, and context costs time with the square of its size.

    Parameters
    ----------
    network : torch.nn.Module
        In evaluation mode, maps ``(1, N, Y, X)`` to ``(1, Y, X)``.
    stride_px, exact_px : int
        Stride and exact halo of the architecture; `exact_px` is a multiple of `stride_px`.
    frames : int
        Burst length to measure with.
    seed : int
        Seed of the test images: noisy scenes, pure noise, and noise of ten times the trained range.

    Returns
    -------
    int
        A multiple of `stride_px`, at most `exact_px`.
    """
    import torch

    images = [torch.from_numpy(image) for image in _test_images(stride_px, exact_px, frames, seed)]
    core = slice(exact_px, exact_px + 2 * stride_px)
    with torch.inference_mode():
        wholes = [network(image)[..., core, core] for image in images]

        def suffices(halo: int) -> bool:
            window = slice(exact_px - halo, exact_px + 2 * stride_px + halo)
            inner = slice(halo, halo + 2 * stride_px)
            parts = (network(image[..., window, window])[..., inner, inner] for image in images)
            return all(
                (part - whole).abs().max() <= _TOLERANCE * max(1.0, float(image.abs().max()))
                for part, whole, image in zip(parts, wholes, images, strict=True)
            )

        # Influence falls with distance. Two halos in a row must do, lest one does by chance, and the larger
        # is taken: other images reach a little further.
        for halo in range(stride_px, exact_px, stride_px):
            if suffices(halo) and suffices(halo + stride_px):
                return halo + stride_px
    return exact_px


def _test_images(stride_px: int, exact_px: int, frames: int, seed: int) -> Iterator[NDArray[np.float32]]:
    rng = np.random.default_rng(seed)
    size = 2 * (exact_px + stride_px)
    for kind in ("cells", "fringes"):
        scene = draw_scene(kind, size, rng)
        yield (scene + rng.normal(0, 0.3, (1, frames, size, size))).astype(np.float32)
    for deviation in (1.0, 10.0):
        yield rng.normal(0.5, deviation, (1, frames, size, size)).astype(np.float32)
