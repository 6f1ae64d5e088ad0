"""Networks that are bad on purpose, their good twins, and plain restorers around a function."""

import numpy as np
import pytest
import torch
from scipy.ndimage import correlate, gaussian_filter, zoom
from torch import nn

from napari_emrestore.core import TilingRule
from napari_emrestore.probes import draw_probe
from napari_emrestore.probes.degrading import blur, motion_kernel
from napari_emrestore.probes.drawing import area_mean, canvas, paint_disc

MOTION_PX = 11.0


class Restorer:
    """A restorer around a numpy function of frames ``(N, Y, X)``; always sees the whole image."""

    version, device, tiling = "1", "cpu", TilingRule(mode="whole")

    def __init__(self, name, function, frames=(1, 8)):
        self.id, self.function, self.frames = name, function, frames

    def describe(self):
        return {"id": self.id, "version": self.version, "weights_sha256": ""}

    def restore_window(self, frames):
        return np.asarray(self.function(frames), np.float32)


@pytest.fixture(scope="session")
def restorer_of():
    return Restorer


def trained(last_layers):
    """Train a strided denoiser that ends in `last_layers` for a moment, on smooth scenes."""
    rng = np.random.default_rng(0)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = nn.Sequential(nn.Conv2d(1, 8, 3, stride=2, padding=1), nn.ReLU(), *last_layers())
    optimizer = torch.optim.Adam(network.parameters(), 1e-2)
    for _ in range(100):
        truth = np.stack([gaussian_filter(rng.normal(size=(32, 32)), 3) * 6 + 0.5 for _ in range(4)])[:, None]
        noisy = truth + rng.normal(0, 0.05, truth.shape)
        made = network(torch.from_numpy(noisy.astype(np.float32)))
        loss = (made - torch.from_numpy(truth.astype(np.float32))).abs().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    def restore(frames):
        with torch.no_grad():
            return network(torch.from_numpy(frames.mean(0))[None, None])[0, 0].numpy()

    return restore


@pytest.fixture(scope="session")
def transposed():
    """Upsamples by a transposed convolution whose kernel does not fit its stride: checkerboards."""
    layers = lambda: [nn.ConvTranspose2d(8, 1, 3, stride=2, padding=1, output_padding=1)]  # noqa: E731
    return Restorer("transposed", trained(layers))


@pytest.fixture(scope="session")
def upsampled():
    """The same network with upsampling and a convolution: no checkerboards."""
    layers = lambda: [nn.Upsample(scale_factor=2, mode="bilinear"), nn.Conv2d(8, 1, 3, padding=1)]  # noqa: E731
    return Restorer("upsampled", trained(layers))


def halved(image):
    return image.reshape(image.shape[0] // 2, 2, -1, 2).mean((1, 3))


def deblurring_pairs(noise):
    """Yield blurred and sharp scenes of discs at half the size."""
    rng = np.random.default_rng(0)
    for _ in range(8):
        fine = canvas(64, 0.5)
        for _ in range(12):
            paint_disc(fine, rng.uniform(0, 64, 2), rng.uniform(2, 10), rng.uniform(0, 1))
        sharp = area_mean(fine)
        blurred = blur(sharp, motion_kernel(MOTION_PX, rng)) + rng.normal(0, noise, sharp.shape)
        yield halved(blurred), halved(sharp)


def fitted(noise, views):
    """Fit one convolution at half the size, followed by upsampling, to pairs seen through `views`."""
    rows, columns = 15, 3
    given, wanted = [], []
    for blurred, sharp in deblurring_pairs(noise):
        for view in views:
            patches = np.lib.stride_tricks.sliding_window_view(view(blurred), (rows, columns))
            given.append(patches.reshape(-1, rows * columns))
            wanted.append(view(sharp)[rows // 2 : -(rows // 2), columns // 2 : -(columns // 2)].ravel())
    kernel = np.linalg.lstsq(np.concatenate(given), np.concatenate(wanted), rcond=None)[0]

    def restore(frames):
        low = halved(frames.mean(0, dtype=np.float64))
        made = correlate(low - low.mean(), kernel.reshape(rows, columns), mode="reflect") + low.mean()
        return zoom(made, 2, order=1, mode="nearest", grid_mode=True)

    return restore


@pytest.fixture(scope="session")
def gradient_loss():
    """Deblurs at half the size, fitted to nothing but gradients of clean scenes: wobbles."""
    views = (lambda image: np.diff(image, axis=0), lambda image: np.diff(image, axis=1))
    return Restorer("gradient loss", fitted(0.0, views))


@pytest.fixture(scope="session")
def intensity_loss():
    """The same network fitted to the intensities of noisy scenes."""
    return Restorer("intensity loss", fitted(0.1, (lambda image: image - 0.5,)))


@pytest.fixture(scope="session")
def over_fitted():
    """Knows pieces of a calibration grid and nothing else: answers with the nearest one."""
    side, rng = 32, np.random.default_rng(0)
    grid = draw_probe("crossed-lines", 256).pattern
    seen = blur(grid, motion_kernel(MOTION_PX, rng))
    corners = rng.integers(0, 256 - side, (400, 2))
    sharp, known = (
        np.stack([image[y : y + side, x : x + side] for y, x in corners]) for image in (grid, seen)
    )
    known = known.reshape(len(corners), -1)
    known = (known - known.mean(1, keepdims=True)) / known.std(1, keepdims=True)

    def restore(frames):
        mean = frames.mean(0)
        made = np.empty_like(mean)
        for y in range(0, mean.shape[0], side):
            for x in range(0, mean.shape[1], side):
                part = mean[y : y + side, x : x + side]
                piece = sharp[np.argmax(known @ (part - part.mean()).ravel())]
                made[y : y + side, x : x + side] = part.mean() + piece - piece.mean()
        return made

    return Restorer("over-fitted", restore)
