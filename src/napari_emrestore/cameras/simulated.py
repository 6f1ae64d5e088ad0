"""A simulated microscope: a camera over a moving stage, whose ground truth is known."""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.cameras.clock import FrameClock
from napari_emrestore.cameras.source import SLICE_S, LiveSource
from napari_emrestore.cameras.specimen import expose, mirrored_specimen, procedural_specimen
from napari_emrestore.cameras.stage import Stage, StageMotion
from napari_emrestore.core import Acquisition, Frame, InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

_FULL_SCALE = 65535
_NORMAL_FROM_E = 30.0
_POSES = 1000
_BANK = 1 << 20


@dataclass(frozen=True, slots=True)
class Detector:
    """What turns expected electrons into counts.

    Attributes
    ----------
    dose_e : float
        Electrons per pixel and frame where the specimen is clear (1).
    gain_adu : float
        Counts per electron.
    offset_adu : float
        Counts without any electron.
    read_noise_e : float
        Standard deviation of read-out, electrons.

    Raises
    ------
    InputError
        If dose or gain is not above 0, or another value negative.
    """

    dose_e: float = 60.0
    gain_adu: float = 20.0
    offset_adu: float = 200.0
    read_noise_e: float = 1.5

    def __post_init__(self) -> None:
        if not (self.dose_e > 0 and self.gain_adu > 0 and self.offset_adu >= 0 and self.read_noise_e >= 0):
            raise InputError(
                "A detector has dose and gain above 0, offset and noise of at least 0", came=f"{self}"
            )

    def expected(self, view: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the mean counts of a view ``(Y, X)`` in 0 to 1, without saturation."""
        return view * np.float32(self.dose_e * self.gain_adu) + np.float32(self.offset_adu)

    def read_out(self, view: NDArray[np.float32], noise: Noise) -> NDArray[np.uint16]:
        """Return the counts of a view ``(Y, X)`` in 0 to 1: Poisson, read-out, gain, 16 bit.

        Above a dose of 30 electrons the normal distribution of the same variance stands in for Poisson's,
        which takes far longer.
        """
        electrons = view * np.float32(self.dose_e)
        if self.dose_e < _NORMAL_FROM_E:
            drawn = noise.rng.poisson(electrons).astype(np.float32)
            if self.read_noise_e:
                drawn += noise.normal(view.shape) * np.float32(self.read_noise_e)
        else:
            drawn = np.sqrt(electrons + np.float32(self.read_noise_e**2))
            drawn *= noise.normal(view.shape)
            drawn += electrons
        counts = drawn * np.float32(self.gain_adu) + np.float32(self.offset_adu)
        return np.clip(np.rint(counts, out=counts), 0, _FULL_SCALE, out=counts).astype(np.uint16)


class Noise:
    """Random numbers fast enough for a camera.

    Normal numbers are drawn once, twice as many as a frame has pixels (a million at least), and each frame
    takes those from a random place on.

    Parameters
    ----------
    rng : numpy.random.Generator
        Draws them.
    pixels : int
        Of a frame.
    """

    def __init__(self, rng: np.random.Generator, pixels: int) -> None:
        self.rng = rng
        self._bank = rng.standard_normal(max(2 * pixels, _BANK), np.float32)

    def normal(self, shape: tuple[int, ...]) -> NDArray[np.float32]:
        """Return normal numbers of unit variance in `shape`, no more than a frame's; not to be changed."""
        count = math.prod(shape)
        start = int(self.rng.integers(self._bank.size - count + 1))
        return self._bank[start : start + count].reshape(shape)


def open_simulated(
    *,
    specimen: str | NDArray[Any] = "procedural",
    specimen_px: int = 2048,
    frame_shape: tuple[int, int] = (512, 512),
    frame_rate_hz: float | None = 25.0,
    exposure_ms: float = 15.0,
    dose_e: float = 60.0,
    gain_adu: float = 20.0,
    offset_adu: float = 200.0,
    read_noise_e: float = 1.5,
    pixel_size_nm: float = 4.0,
    velocity_px_s: tuple[float, float] = (150.0, 0.0),
    vibration_px: float = 0.3,
    vibration_hz: float = 50.0,
    slips_per_s: float = 0.2,
    slip_px: float = 4.0,
    drift_px_s: tuple[float, float] = (0.5, 0.3),
    held_frames: int | None = 8,
    silent_after: int | None = None,
    timeout_s: float = 2.0,
    seed: int = 0,
    reader: Callable[..., Any] | None = None,
) -> SimulatedMicroscope:
    """Return a microscope in the act of scanning.

    Parameters
    ----------
    specimen : str or ndarray, shape (Y, X)
        ``"procedural"``, the path of an image, or an image.
    specimen_px : int
        Side of a procedural specimen; it continues without a seam beyond.
    frame_shape : tuple of int
        ``(Y, X)`` of a frame.
    frame_rate_hz : float, optional
        Frames per second; ``None``: as fast as they are asked for, one exposure after the other.
    exposure_ms : float
        During which the stage moves and blurs.
    dose_e, gain_adu, offset_adu, read_noise_e
        See `Detector`.
    pixel_size_nm : float
        Of a frame pixel in the specimen.
    velocity_px_s : tuple of float
        ``(y, x)`` the stage is told to move with; change it with `SimulatedMicroscope.drive`.
    vibration_px, vibration_hz, slips_per_s, slip_px, drift_px_s
        See `StageMotion`.
    held_frames : int, optional
        Frames the camera keeps for a slow reader; older ones are lost and leave a gap. ``None`` keeps all.
    silent_after : int, optional
        Frames after which the camera falls silent, to rehearse an unplugged one.
    timeout_s : float
        See `LiveSource`.
    seed : int
        Of specimen, noise and stage.
    reader : callable, optional
        Opens the image of a path.

    Raises
    ------
    InputError
        If a setting is out of its range.
    """
    rng = np.random.default_rng(seed)
    if isinstance(specimen, str):
        if specimen == "procedural":
            scene = procedural_specimen(specimen_px, rng)
        else:
            scene = mirrored_specimen(_first_image(specimen, reader))
    else:
        scene = mirrored_specimen(specimen)
    stage = Stage(
        StageMotion(vibration_px, vibration_hz, slips_per_s, slip_px, drift_px_s),
        velocity_px_s,
        (scene.shape[0] / 2, scene.shape[1] / 2),
        rng,
    )
    return SimulatedMicroscope(
        scene,
        stage,
        Detector(dose_e, gain_adu, offset_adu, read_noise_e),
        frame_shape=frame_shape,
        frame_rate_hz=frame_rate_hz,
        exposure_ms=exposure_ms,
        pixel_size_nm=pixel_size_nm,
        held_frames=held_frames,
        silent_after=silent_after,
        timeout_s=timeout_s,
        rng=rng,
    )


class SimulatedMicroscope(LiveSource):
    """A camera over a stage; see `open_simulated` for the arguments.

    Frame ``k`` begins ``k`` frame times after the first. Its pose is the mean position of the window's first
    pixel in the specimen during the exposure: reference pixel ``r`` is found at ``r - (pose_k - pose_0)`` in
    frame ``k``. `velocity_px_s`, `dose_e` and `gain_adu` can `change` while it runs.
    """

    changeable = ("velocity_px_s", "dose_e", "gain_adu")

    def __init__(
        self,
        specimen: NDArray[np.float32],
        stage: Stage,
        detector: Detector,
        *,
        frame_shape: tuple[int, int],
        frame_rate_hz: float | None,
        exposure_ms: float,
        pixel_size_nm: float,
        held_frames: int | None,
        silent_after: int | None,
        timeout_s: float,
        rng: np.random.Generator,
    ) -> None:
        frame_ms = exposure_ms if frame_rate_hz is None else 1000 / frame_rate_hz
        _check(frame_shape, exposure_ms, frame_ms, pixel_size_nm)
        acquisition = Acquisition(
            "simulated microscope",
            pixel_size_nm=(pixel_size_nm, pixel_size_nm),
            frame_axis="time",
            frame_step=frame_ms,
            exposure_ms=exposure_ms,
            dose_e=detector.dose_e,
            extra={"camera": "simulated"},
        )
        super().__init__(acquisition, frame_shape, np.dtype(np.uint16), timeout_s)
        self._specimen, self._stage, self._detector = specimen, stage, detector
        self._noise = Noise(rng, math.prod(frame_shape))
        self._frame_s, self._exposure_s = frame_ms / 1000, exposure_ms / 1000
        self._um_per_px = pixel_size_nm / 1000
        self._silent_after = silent_after
        self._clock = FrameClock(frame_rate_hz, held_frames)
        self._next = 0
        self._poses: OrderedDict[int, NDArray[np.float64]] = OrderedDict()

    def drive(self, velocity_px_s: tuple[float, float]) -> None:
        """Move the stage with another velocity ``(y, x)``, in pixels per second, from the next frame on."""
        self._stage.drive(velocity_px_s)

    def pose_px(self, index: int) -> tuple[float, float]:
        """Return the pose ``(y, x)`` of one of the last 1000 frames.

        Raises
        ------
        InputError
            If this frame was not taken, or too long ago.
        """
        if index not in self._poses:
            raise InputError("A pose is known of frames that were taken lately", came=f"frame {index} came")
        y, x = self._poses[index]
        return float(y), float(x)

    def truth(self, index: int) -> NDArray[np.float32]:
        """Return what a frame should have been: unblurred, noise-free counts ``(Y, X)`` at its pose."""
        pose = np.array([self.pose_px(index)])
        return self._detector.expected(expose(self._specimen, pose, self.frame_shape))

    def _change(self, settings: Mapping[str, Any]) -> None:
        counts = {name: value for name, value in settings.items() if name != "velocity_px_s"}
        self._detector = replace(self._detector, **counts)
        self._acquisition = replace(self._acquisition, dose_e=self._detector.dose_e)
        if "velocity_px_s" in settings:
            self._stage.drive(settings["velocity_px_s"])

    def _poll(self) -> Frame | None:
        index = self._clock.oldest_held(self._next)
        if self._silent_after is not None and index >= self._silent_after:
            self._closing.wait(SLICE_S)
            return None
        if not self._clock.due(index, self._closing, SLICE_S):
            return None
        self._next = index + 1
        return self._take(index)

    def _take(self, index: int) -> Frame:
        ends_s = self._clock.end_of(index)
        track = self._stage.track(index * self._frame_s, self._exposure_s)
        pose = track.mean(axis=0)
        self._poses[index] = pose
        if len(self._poses) > _POSES:
            self._poses.popitem(last=False)
        counts = self._detector.read_out(expose(self._specimen, track, self.frame_shape), self._noise)
        stage_um = [round(float(p) * self._um_per_px, 6) for p in pose]
        extra = {**self._acquisition.extra, "stage_um": stage_um}
        return Frame(counts, index, replace(self._acquisition, extra=extra), ends_s)

    def _release(self) -> None:
        """Nothing holds a device here."""


def _check(frame_shape: tuple[int, int], exposure_ms: float, frame_ms: float, pixel_size_nm: float) -> None:
    if len(frame_shape) != 2 or min(frame_shape) < 1:
        raise InputError("A frame has at least one row and column", came=f"{frame_shape} came")
    if not (exposure_ms > 0 and pixel_size_nm > 0):
        raise InputError(
            "Exposure time and pixel size are above 0", came=f"{exposure_ms} ms and {pixel_size_nm} nm came"
        )
    if exposure_ms > frame_ms and not math.isclose(exposure_ms, frame_ms):
        raise InputError(
            "An exposure fits into the time of a frame",
            came=f"{exposure_ms:g} ms of {frame_ms:g} ms came",
            remedy="Lower the frame rate or the exposure.",
        )


def _first_image(path: str, reader: Callable[..., Any] | None) -> NDArray[Any]:
    if reader is None:
        raise InputError(
            "An image is read by a reader", item=path, came="came without one", remedy="Pass reader=."
        )
    with reader(path) as stack:
        return np.asarray(stack[0].data)
