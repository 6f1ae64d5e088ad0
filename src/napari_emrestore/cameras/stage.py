"""A specimen stage that moves, vibrates, sticks and slips, and drifts."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_emrestore.core import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

_STEPS = 32
_SLIP_RISE_S = 0.003


@dataclass(frozen=True, slots=True)
class StageMotion:
    """What a stage does beside what it is told; lengths in frame pixels.

    Attributes
    ----------
    vibration_px : float
        Amplitude of a sine along y and half of it along x.
    vibration_hz : float
        Its frequency.
    slips_per_s : float
        Mean number of stick-slip steps per second.
    slip_px : float
        Standard deviation of a step along each axis; it takes some 3 ms.
    drift_px_s : tuple of float
        ``(y, x)`` velocity that nobody asked for.

    Raises
    ------
    InputError
        If an amplitude, frequency or rate is negative.
    """

    vibration_px: float = 0.3
    vibration_hz: float = 50.0
    slips_per_s: float = 0.2
    slip_px: float = 4.0
    drift_px_s: tuple[float, float] = (0.5, 0.3)

    def __post_init__(self) -> None:
        for name in ("vibration_px", "vibration_hz", "slips_per_s", "slip_px"):
            if not getattr(self, name) >= 0:
                raise InputError(
                    f"A stage's {name} is a number of at least 0", came=f"{getattr(self, name)} came"
                )


class Stage:
    """A stage on its way; asked for its path exposure by exposure, steered from any thread.

    Parameters
    ----------
    motion : StageMotion
        What it does on its own.
    velocity_px_s : tuple of float
        ``(y, x)`` it is told to move with.
    start_px : tuple of float
        ``(y, x)`` of the frame's first pixel in the specimen at time 0.
    rng : numpy.random.Generator
        Draws when it slips and how far.
    """

    def __init__(
        self,
        motion: StageMotion,
        velocity_px_s: tuple[float, float],
        start_px: tuple[float, float],
        rng: np.random.Generator,
    ) -> None:
        self._motion = motion
        self._rng = rng
        self._steering = threading.Lock()
        self._velocity = np.asarray(velocity_px_s, float)
        self._told_px = np.asarray(start_px, float)
        self._until_s = 0.0

    def drive(self, velocity_px_s: tuple[float, float]) -> None:
        """Move with another velocity ``(y, x)``, in pixels per second, from the next exposure on."""
        with self._steering:
            self._velocity = np.asarray(velocity_px_s, float)

    def track(self, start_s: float, exposure_s: float) -> NDArray[np.float64]:
        """Return ``(y, x)`` in pixels at equal steps of an exposure, shape (S, 2).

        Exposures are asked for in order of time; what lies between two of them is travelled too.
        """
        motion = self._motion
        with self._steering:
            velocity = self._velocity + motion.drift_px_s
            since_s, origin = self._until_s, self._told_px
            end_s = start_s + exposure_s
            times = start_s + (np.arange(_STEPS) + 0.5) / _STEPS * exposure_s
            path = origin + np.outer(times - since_s, velocity)
            self._told_px = origin + (end_s - since_s) * velocity
            for _ in range(self._rng.poisson(motion.slips_per_s * (end_s - since_s))):
                slip = self._rng.normal(0.0, motion.slip_px, 2)
                elapsed = times - self._rng.uniform(since_s, end_s)
                path += np.outer(
                    np.where(elapsed > 0, 1 - np.exp(-np.maximum(elapsed, 0) / _SLIP_RISE_S), 0), slip
                )
                self._told_px = self._told_px + slip
            self._until_s = end_s
        wave = motion.vibration_px * np.sin(2 * np.pi * motion.vibration_hz * times)
        return np.asarray(path + np.outer(wave, (1.0, 0.5)))
