"""How blurred frames are against a network's sharp restoration of them.

A network that removes blur must not be taught by blurred frames that blur is right. So its restoration is
blurred as the frame was before both are compared: by the kernel that brings the network's own restoration
closest to that frame (least squares with a ridge). What such a kernel wipes out the frames cannot tell, and
there the network stays as it was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_emrestore.training.adapting.fields import shown_to

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import Tensor, nn

    from napari_emrestore.core import Monitor
    from napari_emrestore.training.adapting.fields import Area, Field

RADIUS_PX = 7
_RIDGE = 1e-3
_FITTED_PX = 192


class Blurs:
    """One kernel per frame of some fields.

    Parameters
    ----------
    kernels : sequence of ndarray, each of shape (N, K, K)
        By field.
    """

    def __init__(self, kernels: Sequence[NDArray[np.float32]]) -> None:
        self._kernels = kernels

    def of(self, field: int, frames: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the kernel of the mean of some frames of a field."""
        return np.asarray(self._kernels[field][frames].mean(0), np.float32)


def measure_blurs(
    network: nn.Module,
    fields: Sequence[Field],
    taken: tuple[int, int],
    device: str,
    monitor: Monitor,
) -> Blurs:
    """Return how a network's restorations of the areas to learn from must be blurred to be like each frame.

    Parameters
    ----------
    network : Module
        In evaluation mode.
    fields : sequence of Field
        Bursts.
    taken : tuple of int
        Fewest and most frames of the network.
    device : str
        Where it stands.
    monitor : Monitor
        Told after each frame.
    """
    total, done, kernels = sum(len(field.frames) for field in fields), 0, []
    for field in fields:
        area = _middle(field.learn)
        own = []
        for frame in range(len(field.frames)):
            others = np.setdiff1d(np.arange(len(field.frames)), [frame])
            shown = shown_to(field, others[: max(taken[1], 1)], area, merge=taken[1] == 1)
            sharp = restored(network, *shown, device)
            own.append(fit_kernel(sharp, field.frames[(frame, *area)]))
            done += 1
            monitor.step(done, total, "measuring how blurred the frames are")
        kernels.append(np.stack(own))
    return Blurs(kernels)


def fit_kernel(sharp: NDArray[np.float32], seen: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the kernel (15, 15) that blurs `sharp` (Y, X) to be closest to `seen`; for `blurred`.

    Images of less than 31 px a side tell no kernel and give that of no blur.
    """
    import torch
    from torch.nn import functional as F

    side = 2 * RADIUS_PX + 1
    if min(sharp.shape) < 2 * side + 1:
        return _no_blur()
    given = torch.from_numpy(np.ascontiguousarray(sharp))[None, None]
    columns = F.unfold(given, side)[0]
    inner = slice(RADIUS_PX, -RADIUS_PX)
    wanted = torch.from_numpy(np.ascontiguousarray(seen[inner, inner])).reshape(-1)
    products = columns @ columns.T
    # the ridge pulls towards no blur, not towards nothing
    start = torch.from_numpy(_no_blur()).reshape(-1)
    ridge = _RIDGE * products.diagonal().mean()
    products.diagonal().add_(ridge)
    kernel = torch.linalg.solve(products, columns @ wanted + ridge * start)
    return np.asarray(kernel.reshape(side, side).numpy(), np.float32)


def blurred(images: Tensor, kernel: Tensor) -> Tensor:
    """Return images (B, Y, X) blurred by a kernel (K, K), without the rim of K // 2 px."""
    from torch.nn import functional as F

    return F.conv2d(images[:, None], kernel[None, None])[:, 0]


def restored(
    network: nn.Module, burst: NDArray[np.float32], noise: NDArray[np.float32], device: str
) -> NDArray[np.float32]:
    """Return what a network makes (Y, X) of one burst (N, Y, X) with its noise line."""
    import torch

    with torch.inference_mode():
        given = [torch.from_numpy(np.ascontiguousarray(burst))[None].to(device)]
        if getattr(network, "noise_input", False):
            given.append(torch.from_numpy(noise)[None].to(device))
        return np.asarray(network(*given)[0].float().cpu().numpy())


def _no_blur() -> NDArray[np.float32]:
    kernel = np.zeros((2 * RADIUS_PX + 1,) * 2, np.float32)
    kernel[RADIUS_PX, RADIUS_PX] = 1
    return kernel


def _middle(area: Area) -> Area:
    rows, columns = area
    return _cut(rows), _cut(columns)


def _cut(along: slice) -> slice:
    """Return the first part of a slice, at most 192 px long; a multiple of any stride up to 64."""
    return slice(along.start, min(along.stop, along.start + _FITTED_PX))
