"""Training losses on batches ``(B, Y, X)`` in model range; each returns one value per sample, ``(B,)``."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    Loss = Callable[[Tensor, Tensor], Tensor]


def l1(output: Tensor, truth: Tensor) -> Tensor:
    """Return the mean absolute difference."""
    return (output - truth).abs().mean((1, 2))


def charbonnier(output: Tensor, truth: Tensor, epsilon: float = 1e-3) -> Tensor:
    """Return the mean of ``sqrt(d² + epsilon²)``."""
    return ((output - truth) ** 2 + epsilon**2).sqrt().mean((1, 2))


def mse(output: Tensor, truth: Tensor) -> Tensor:
    """Return the mean squared difference."""
    return ((output - truth) ** 2).mean((1, 2))


def huber_mse(output: Tensor, truth: Tensor, scale: float = 1000.0) -> Tensor:
    """Return ``scale`` times the mean squared difference, its root where that exceeds 1.

    Keeps single bad images from ruling a batch (Ede 2018, DOI 10.1016/j.ultramic.2019.03.017).
    """
    import torch

    scaled = scale * mse(output, truth)
    return torch.where(scaled < 1, scaled, scaled.clamp(min=1).sqrt())


def gradient(output: Tensor, truth: Tensor, normalised: bool = False) -> Tensor:
    """Return the L1 of Prewitt gradients, mean over both directions; `normalised` divides by 6."""
    import torch
    from torch.nn import functional as F

    rows = torch.tensor([[1.0, 0.0, -1.0]] * 3, device=output.device)
    kernels = torch.stack([rows, rows.T])[:, None]
    found = F.conv2d((output - truth)[:, None], kernels).abs().mean((1, 2, 3))
    return found / 6 if normalised else found


def burst(output: Tensor, truth: Tensor, weight: float = 0.1, gradient_weight: float = 1.0) -> Tensor:
    """Return L1 plus the L1 of un-normalised Prewitt gradients, mean over both directions.

    The loss of the burst network that Wieslander 2021 compares with (DOI 10.1371/journal.pone.0246336).
    """
    return weight * l1(output, truth) + gradient_weight * gradient(output, truth)


def charbonnier_fft(output: Tensor, truth: Tensor, spectrum_weight: float = 0.01) -> Tensor:
    """Return Charbonnier plus a share of the L1 between spectra, real and imaginary parts (BANet's loss)."""
    import torch

    spectrum = torch.view_as_real(torch.fft.fft2(output - truth))
    return charbonnier(output, truth) + spectrum_weight * spectrum.abs().mean((1, 2, 3))


def ssim(output: Tensor, truth: Tensor, data_range: float = 1.0) -> Tensor:
    """Return 1 minus the mean SSIM (Gaussian 11x11, sigma 1.5, valid region; Wang 2004)."""
    import torch
    from torch.nn import functional as F

    offsets = torch.arange(-5.0, 6.0, device=output.device)
    taps = torch.exp(-0.5 * (offsets / 1.5) ** 2)
    taps = taps / taps.sum()
    maps = torch.stack([output, truth, output**2 + truth**2, output * truth], 1)
    flat = maps.flatten(0, 1)[:, None]
    blurred = F.conv2d(F.conv2d(flat, taps.view(1, 1, -1, 1)), taps.view(1, 1, 1, -1))
    mu_x, mu_y, squares, product = blurred[:, 0].reshape(len(output), 4, *blurred.shape[-2:]).unbind(1)
    c1, c2 = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2
    means, cross = mu_x**2 + mu_y**2, mu_x * mu_y
    score = (2 * cross + c1) * (2 * (product - cross) + c2) / ((means + c1) * (squares - means + c2))
    loss: Tensor = 1 - score.mean((1, 2))
    return loss


def l1_ssim(output: Tensor, truth: Tensor, ssim_weight: float = 0.2) -> Tensor:
    """Return L1 plus a share of the SSIM loss."""
    return l1(output, truth) + ssim_weight * ssim(output, truth)


def rmse_ssim(output: Tensor, truth: Tensor, ssim_weight: float = 0.1) -> Tensor:
    """Return the root of the mean squared difference plus a share of the SSIM loss.

    Squares make the mean of what may be there the best answer, L1 its median: with few electrons they
    differ. The root keeps bright samples, whose errors are small, from weighing nothing.
    """
    return (mse(output, truth) + 1e-8).sqrt() + ssim_weight * ssim(output, truth)


def ssim_l1(output: Tensor, truth: Tensor) -> Tensor:
    """Return 0.84 of the SSIM loss and 0.16 of L1 (Zhao 2017): SSIM alone leaves the mean free."""
    return 0.84 * ssim(output, truth) + 0.16 * l1(output, truth)


def gaussian_surprise(squared_error: Tensor, log_variance: Tensor) -> Tensor:
    """Return the mean negative log-likelihood of errors under Gaussians of the variances told.

    Less a constant. Least where each variance is the mean of the squared errors that occur with it (Nix &
    Weigend 1994, DOI 10.1109/ICNN.1994.374138). The restoration stands still meanwhile, so easy pixels need
    no extra weight.
    """
    surprise = 0.5 * (log_variance + squared_error * (-log_variance).exp())
    return surprise.mean((1, 2))


def over_scales(outputs: Sequence[Tensor], truth: Tensor, loss: Loss) -> Tensor:
    """Return the sum of a loss over restorations at several sizes, as DeepDeblur (L1) and SRN (MSE) have it.

    Parameters
    ----------
    outputs : sequence of Tensor, each (B, y, x)
        Of ``forward_scales``; each divides the truth's sides by a whole number.
    truth : Tensor, shape (B, Y, X)
        At full size; area means of it are compared with the smaller ones.
    loss : callable
        One of `LOSSES`.
    """
    from torch.nn import functional as F

    scaled = (F.avg_pool2d(truth[:, None], truth.shape[1] // made.shape[1])[:, 0] for made in outputs)
    first, *others = (loss(made, wanted) for made, wanted in zip(outputs, scaled, strict=True))
    for value in others:
        first = first + value
    return first


LOSSES: dict[str, Loss] = {
    "burst": burst,
    "charbonnier": charbonnier,
    "charbonnier_fft": charbonnier_fft,
    "gradient": gradient,
    "huber_mse": huber_mse,
    "l1": l1,
    "l1_ssim": l1_ssim,
    "mse": mse,
    "rmse_ssim": rmse_ssim,
    "ssim": ssim,
    "ssim_l1": ssim_l1,
}
