"""A simulated scan: frames of a stage driven along strips, with the truth about where each was taken."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from napari_emrestore.cameras.simulated import Detector, Noise
from napari_emrestore.cameras.specimen import expose
from napari_emrestore.cameras.stage import Stage, StageMotion
from napari_emrestore.core import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

Turns = Literal["continuous", "jump"]
_STILL = StageMotion(0.0, 50.0, 0.0, 0.0, (0.0, 0.0))


@dataclass(frozen=True, slots=True)
class ScanPath:
    """A serpentine: strips along x, each one step of y further on and in the other direction.

    Attributes
    ----------
    strips : int
        How many.
    frames_per_strip : int
        Frames of each.
    step_px : float
        How far the stage goes from frame to frame.
    pitch_px : float
        Distance of two strips.
    turns : {"continuous", "jump"}
        Whether frames are taken on the way from strip to strip, or the beam is off there.
    """

    strips: int = 1
    frames_per_strip: int = 50
    step_px: float = 20.0
    pitch_px: float = 200.0
    turns: Turns = "continuous"

    def moves(self) -> NDArray[np.float64]:
        """Return how far the stage is told to go from each frame to the next, ``(y, x)`` in px, (N, 2)."""
        moves: list[tuple[float, float]] = []
        steps = max(1, math.ceil(self.pitch_px / self.step_px)) if self.turns == "continuous" else 1
        for strip in range(self.strips):
            if strip:
                moves += [(self.pitch_px / steps, 0.0)] * steps
            along = self.step_px if strip % 2 == 0 else -self.step_px
            moves += [(0.0, along)] * (self.frames_per_strip - 1)
        return np.array([*moves, (0.0, 0.0)])


@dataclass(frozen=True, slots=True, eq=False)
class SimulatedScan:
    """What a camera recorded over a moving stage, and what nobody knows at a real microscope.

    Attributes
    ----------
    frames : ndarray, shape (N, Y, X), uint16
        Counts.
    truth_px : ndarray, shape (N, 2)
        ``(y, x)`` of the first pixel of each frame in the specimen, the mean over its exposure.
    told_px : ndarray, shape (N, 2)
        Where the stage was told to be: without vibration, slips and drift.
    detector : Detector
        What made counts of electrons.
    """

    frames: NDArray[np.uint16]
    truth_px: NDArray[np.float64]
    told_px: NDArray[np.float64]
    detector: Detector


def simulate_scan(
    specimen: NDArray[np.float32],
    path: ScanPath,
    *,
    frame_shape: tuple[int, int],
    rng: np.random.Generator,
    frame_s: float = 0.04,
    exposure_s: float = 0.01,
    motion: StageMotion = _STILL,
    detector: Detector = Detector(),  # noqa: B008 - frozen
    shading: NDArray[Any] | None = None,
    start_px: tuple[float, float] = (0.0, 0.0),
) -> SimulatedScan:
    """Return the frames of a scan.

    Parameters
    ----------
    specimen : ndarray, shape (Y, X), float32
        0 to 1, see `procedural_specimen`; it continues at the opposite side.
    path : ScanPath
        Where the stage is driven.
    frame_shape : tuple of int
        ``(Y, X)`` of a frame.
    rng : numpy.random.Generator
        Draws noise and slips.
    frame_s, exposure_s : float
        Time from frame to frame, and the part of it in which the moving stage blurs the frame.
    motion : StageMotion
        What the stage does beside what it is told; without it nothing.
    detector : Detector
        Dose, gain, offset and read-out noise.
    shading : ndarray, shape of a frame, optional
        Share of the beam that reaches each pixel.
    start_px : tuple of float
        ``(y, x)`` of the first frame.

    Raises
    ------
    InputError
        If the exposure is not shorter than the time of a frame.
    """
    if not 0 < exposure_s < frame_s:
        raise InputError(
            "An exposure is shorter than the time of a frame", came=f"{exposure_s} s of {frame_s} s came"
        )
    moves = path.moves()
    stage = Stage(motion, (0.0, 0.0), start_px, rng)
    noise = Noise(rng, math.prod(frame_shape))
    frames = np.empty((len(moves), *frame_shape), np.uint16)
    truth = np.empty((len(moves), 2))
    rest_s = frame_s - exposure_s
    for k, move in enumerate(moves):
        jumps = path.turns == "jump" and move[0] != 0
        pace = (moves[k - 1] if jumps else move) / frame_s
        stage.drive((pace[0], pace[1]))
        track = stage.track(k * frame_s, exposure_s)
        # a jump is made with the beam off, in what is left of the frame's time
        rest = (move - pace * exposure_s) / rest_s
        stage.drive((rest[0], rest[1]))
        stage.track(k * frame_s + exposure_s, rest_s)
        truth[k] = track.mean(axis=0)
        view = expose(specimen, track, frame_shape)
        frames[k] = detector.read_out(view if shading is None else view * shading.astype(np.float32), noise)
    told = np.asarray(start_px) + np.vstack([np.zeros(2), np.cumsum(moves[:-1], axis=0)])
    return SimulatedScan(frames, truth, told, detector)
