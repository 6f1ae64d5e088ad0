"""Follow a shifting view whose frames are mostly noise: correlation with the mean of the frames before."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_emrestore.core import Warp
from napari_emrestore.registration.resampling import resample

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_emrestore.registration.reference import Moving

    Image = NDArray[np.float32]

FAINT_NOISE = 0.95
"""Share of noise in a frame's variance from which on a mean places it better; `benchmarks/following.py`."""
_WORKED_AT_PX = 256
_RINGS = 48
_NOISE_RINGS = 8
_SLOWEST_CYCLES = 2.5
_TAPER = 0.08
_SURE_SIGMA = 12.5
_REBUILT_EVERY = 4


class FaintView:
    """The mean of frames placed so far, and where a further one lies in it.

    The correlation of a frame with the scene is the most likely shift in white noise; the scene being known
    only as a mean, its spectrum is weighted by the share of signal in each ring (Wiener), the noise taken
    from the outermost rings. Frames are binned to some 256 pixels a side first.

    Parameters
    ----------
    frame : Moving
        The first frame, whose grid it is.
    averaged : int
        Frames from which on the weight of all before is halved, so that a specimen that changes is followed.
    """

    def __init__(self, frame: Moving, averaged: int = 16) -> None:
        self._averaged = averaged
        self._bin = max(1, -(-max(frame.pixels.shape) // _WORKED_AT_PX))
        image = self._binned(frame)
        self._taper = np.outer(*(_edges(side) for side in image.shape)).astype(np.float32)
        self._rings, self._slow = _rings(image.shape)
        self._total, self._count = image, np.ones(image.shape, np.float32)
        self._frames = self._used = 1
        self._rebuild()

    def place(
        self, frame: Moving, near_px: NDArray[np.float64], reach_px: float
    ) -> tuple[NDArray[np.float64], float]:
        """Return the shift ``(dy, dx)`` in pixels from the grid to a frame, and a score, 0 to 1.

        Parameters
        ----------
        frame : Moving
            The frame.
        near_px : ndarray, shape (2,)
            Where it is sought.
        reach_px : float
            How far from there, along each axis.

        Returns
        -------
        shift_px : ndarray, shape (2,)
        score : float
            Standard deviations by which the correlation stands out, over 12.5, at most 1.
        """
        from scipy import fft

        correlation = fft.irfft2(self._spectrum(self._binned(frame)) * self._scene, s=self._total.shape)
        spread = float(correlation.std())
        sides = np.array(self._total.shape)
        reach = np.clip(round(reach_px / self._bin), 1, (sides - 1) // 2)
        centre = np.rint(near_px / self._bin).astype(int)
        rows, columns = ((c + np.arange(-r, r + 1)) % s for c, r, s in zip(centre, reach, sides, strict=True))
        seen = correlation[np.ix_(rows, columns)]
        best = np.array(np.unravel_index(int(seen.argmax()), seen.shape)) - reach + centre
        shift = best + _summit(correlation, best)
        sigma = float(seen.max()) / spread if spread > 0 else 0.0
        return shift * self._bin, min(1.0, max(0.0, sigma / _SURE_SIGMA))

    def add(self, frame: Moving, shift_px: NDArray[np.float64]) -> None:
        """Take a frame into the mean, at its shift."""
        if self._frames >= self._averaged and self._count.max() >= self._averaged:
            self._total *= np.float32(0.5)
            self._count *= np.float32(0.5)
        image, known = resample(self._binned(frame), Warp.from_shift(tuple(shift_px / self._bin)))
        self._total += image
        self._count += known
        self._frames += 1
        if self._frames - self._used >= min(self._used, _REBUILT_EVERY):
            self._rebuild()

    def move(self, frame: Moving, shift_px: NDArray[np.float64]) -> None:
        """Go over to the grid of a frame at its shift, and take it into the mean."""
        back = Warp.from_shift(tuple(-shift_px / self._bin))
        total, _ = resample(self._total, back)
        count, known = resample(self._count, back)
        self._total = np.where(known, total, 0) + self._binned(frame)
        self._count = np.where(known, np.maximum(count, 0), 0) + np.float32(1)
        self._frames += 1
        self._rebuild()

    def _rebuild(self) -> None:
        mean: Image = np.asarray(self._total / np.maximum(self._count, 1e-3), np.float32)
        spectrum = self._spectrum(mean)
        power = np.abs(spectrum) ** 2
        counts = np.bincount(self._rings.ravel(), minlength=_RINGS + 1)
        mean_power = np.bincount(self._rings.ravel(), power.ravel(), _RINGS + 1) / np.maximum(counts, 1)
        noise = mean_power[_RINGS - _NOISE_RINGS : _RINGS].mean()
        share = np.clip(1 - noise / np.maximum(mean_power, 1e-30), 0, 1)
        smooth = np.convolve(np.pad(share, 1, mode="edge"), (0.25, 0.5, 0.25), mode="valid")
        scene = np.conj(spectrum) * smooth[self._rings]
        scene[self._slow] = 0
        self._scene = scene.astype(np.complex64)
        self._used = self._frames

    def _spectrum(self, image: Image) -> NDArray[np.complex64]:
        from scipy import fft

        return np.asarray(fft.rfft2((image - image.mean()) * self._taper))

    def _binned(self, frame: Moving) -> Image:
        """Return a frame, its mean taken off, masked pixels 0, in steps of several pixels."""
        height, width = (side // self._bin * self._bin for side in frame.pixels.shape)
        image = frame.pixels[:height, :width].astype(np.float32) - np.float32(frame.light.offset)
        if frame.mask is not None:
            image *= frame.mask[:height, :width]
        steps = image.reshape(height // self._bin, self._bin, width // self._bin, self._bin)
        return np.asarray(steps.sum(axis=1).sum(axis=2) / np.float32(self._bin**2))


def _edges(side: int) -> NDArray[np.float64]:
    """Return a window that falls to 0 at both ends."""
    inward = np.minimum(np.arange(side) + 0.5, side - 0.5 - np.arange(side))
    return np.asarray(0.5 - 0.5 * np.cos(np.pi * np.minimum(1, inward / (_TAPER * side))))


def _rings(shape: tuple[int, ...]) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Return the ring of each frequency of a real transform, and which are but a slope of the light."""
    from scipy import fft

    y, x = fft.fftfreq(shape[0])[:, None], fft.rfftfreq(shape[1])[None]
    rings = np.minimum((np.hypot(y, x) * 2 * _RINGS).astype(np.intp), _RINGS)
    return rings, np.hypot(y * shape[0], x * shape[1]) < _SLOWEST_CYCLES


def _summit(values: Image, place: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return how far from a pixel, along each axis, a parabola through it and its neighbours has its top."""
    found = []
    for step in np.eye(2, dtype=int):
        left, here, right = (float(values[tuple((place + k * step) % values.shape)]) for k in (-1, 0, 1))
        bend = left - 2 * here + right
        found.append(0.5 * (left - right) / bend if bend < 0 else 0.0)
    return np.clip(found, -0.5, 0.5)
