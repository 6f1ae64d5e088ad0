"""A clean scene in, frames as a microscope would have taken them out, with the truth beside them.

Order of events: stage path -> motion blur and displacement -> probe -> scan faults -> expected electrons
-> Poisson -> detector spread, noise, gain -> 16 bit. The truth is the scene at the pose of the reference
frame, in the counts the camera would give on average.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import fft

from napari_emrestore.core import InputError
from napari_emrestore.training.camera import Camera, detect, draw_camera, expected_counts
from napari_emrestore.training.motion import MotionRange, draw_path, positions, transfer
from napari_emrestore.training.scanning import charge, distort_rows, probe_transfer

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_emrestore.training.presets import Preset
    from napari_emrestore.training.scanning import ScanRange

MARGIN_PX = 40
_STILL = MotionRange()


@dataclass(frozen=True, slots=True, eq=False)
class Simulated:
    """Frames of one scene and what they should have been.

    Attributes
    ----------
    frames : ndarray, shape (N, Y, X), uint16
        What the camera reported.
    truths : ndarray, shape (M, Y, X), float32
        Noise-free, unblurred counts at the pose of frame 0 (M = 1) or of every frame (M = N).
    poses_px : ndarray, shape (N, 2)
        ``(y, x)`` of each frame's window in the scene; ``poses[k] - poses[0]`` is its true shift:
        reference pixel ``r`` is found at ``r - (poses[k] - poses[0])`` in frame ``k``.
    camera : Camera
        The detector drawn for these frames.
    record : dict
        Every number drawn, as plain JSON values.
    tracks_px : ndarray, shape (N, S, 2)
        ``(y, x)`` of the window's first pixel about its pose, at S times of each exposure.
    probe : ndarray, optional
        Fourier factor of the probe, for ``rfft2`` of a frame with its margin.
    """

    frames: NDArray[np.uint16]
    truths: NDArray[np.float32]
    poses_px: NDArray[np.float64]
    camera: Camera
    record: dict[str, Any]
    tracks_px: NDArray[np.float64]
    probe: NDArray[np.float32] | None

    def point_spread(self) -> NDArray[np.float64]:
        """Return the blur of the mean of all frames placed at their poses, (P, P) with P odd, sum 1.

        Row jitter and charging are no blur and not in it.
        """
        height, width = self.frames.shape[1:]
        shape = height + 2 * MARGIN_PX, width + 2 * MARGIN_PX
        factor = np.mean([transfer(track, shape) for track in self.tracks_px], axis=0)
        if self.probe is not None:
            factor = factor * self.probe
        spread = fft.fftshift(fft.irfft2(factor, s=shape))
        middle = np.asarray(shape) // 2
        rows, columns = (slice(m - MARGIN_PX + 1, m + MARGIN_PX) for m in middle)
        kernel = np.maximum(spread[rows, columns], 0.0)
        return np.asarray(kernel / kernel.sum())


def simulate(
    scene: NDArray[np.float32],
    preset: Preset,
    *,
    frames: int,
    frame_shape: tuple[int, int],
    rng: np.random.Generator,
    poses_px: NDArray[np.float64] | None = None,
    clean: bool = False,
    every_truth: bool = False,
) -> Simulated:
    """Return `frames` degraded views of a clean scene.

    Parameters
    ----------
    scene : ndarray, shape (Y, X), float32
        Clean image in 0 to 1, on the frames' pixel grid, larger than a frame by at least
        ``MARGIN_PX`` on each side along the way of the stage.
    preset : Preset
        What microscope to be.
    frames : int
        Number of frames.
    frame_shape : tuple of int
        ``(Y, X)`` of a frame.
    rng : numpy.random.Generator
        Draws everything.
    poses_px : ndarray, shape (N, 2), optional
        Centre of exposure of each frame, ``(y, x)`` of its first pixel in the scene. By default the
        stage travels `preset.gap_px` per frame along its direction of motion, centred in the scene.
    clean : bool
        Leave out motion, probe and scan faults (for the high-dose partner of a pair).
    every_truth : bool
        Give the truth at the pose of every frame, not of frame 0 alone.

    Raises
    ------
    InputError
        If the scene is too small for the way of the stage.
    """
    low, high = preset.intensity
    intensity = (low + (high - low) * scene).astype(np.float32)
    motion = preset.motion if preset.motion and not clean else _STILL
    scan = None if clean else preset.scan
    path = draw_path(motion, rng)
    if poses_px is None:
        gap_px = preset.gap_px.draw(rng)
        poses_px = _travel(path.velocity_px, gap_px, frames, frame_shape, scene.shape, rng)
    _check_room(poses_px, frame_shape, scene.shape)
    camera = draw_camera(preset.camera, frame_shape, rng)
    spread, drawn = _draw_probe(scan, frame_shape, rng)
    counts, tracks = [], []
    for k, pose in enumerate(poses_px):
        track = positions(path, motion, k * 2 * motion.exposure_ms, rng)
        tracks.append(track - track.mean(0))
        view = render(intensity, tracks[-1] + pose, frame_shape, spread)
        if scan is not None:
            view = charge(distort_rows(view, scan, rng), scan, rng)
        counts.append(detect(view, camera, rng))
    seen = poses_px if every_truth else poses_px[:1]
    truths = [expected_counts(render(intensity, pose[None], frame_shape), camera) for pose in seen]
    record: dict[str, Any] = {"preset": preset.name, "camera": camera.record(), "probe": drawn}
    record |= {"velocity_px": path.velocity_px, "poses_px": np.round(poses_px, 4).tolist()}
    return Simulated(np.stack(counts), np.stack(truths), poses_px, camera, record, np.stack(tracks), spread)


def _draw_probe(
    scan: ScanRange | None, frame_shape: tuple[int, int], rng: np.random.Generator
) -> tuple[NDArray[np.float32] | None, dict[str, float]]:
    if scan is None:
        return None, {}
    padded = (frame_shape[0] + 2 * MARGIN_PX, frame_shape[1] + 2 * MARGIN_PX)
    return probe_transfer(scan, padded, rng)


def render(
    scene: NDArray[np.float32],
    track_px: NDArray[np.float64],
    frame_shape: tuple[int, int],
    spread: NDArray[np.float32] | None = None,
) -> NDArray[np.float32]:
    """Return the noise-free view of `scene` (Y, X) while the window's first pixel runs along a path.

    Parameters
    ----------
    scene : ndarray, shape (Y, X)
        Continued by reflection where the margin leaves it.
    track_px : ndarray, shape (S, 2)
        ``(y, x)`` of the window's first pixel at S times.
    frame_shape : tuple of int
        ``(Y, X)`` of the view.
    spread : ndarray, optional
        Further factor for ``rfft2`` of the window with its margin.
    """
    corner = np.rint(track_px.mean(0)).astype(int)
    window = _window(scene, corner, frame_shape)
    spectrum = fft.rfft2(window) * transfer(track_px - corner, window.shape)
    if spread is not None:
        spectrum *= spread
    view = fft.irfft2(spectrum, s=window.shape)
    return np.asarray(view[MARGIN_PX:-MARGIN_PX, MARGIN_PX:-MARGIN_PX], np.float32)


def _window(
    scene: NDArray[np.float32], corner: NDArray[np.int64], frame_shape: tuple[int, int]
) -> NDArray[np.float32]:
    """Return the window at `corner` with its margin, continued by reflection outside the scene."""
    index = []
    for start, length, limit in zip(corner, frame_shape, scene.shape, strict=True):
        along = np.arange(start - MARGIN_PX, start + length + MARGIN_PX)
        folded = np.abs(along) % max(2 * limit - 2, 1)
        index.append(np.where(folded < limit, folded, 2 * limit - 2 - folded))
    return scene[np.ix_(*index)]


def _travel(
    velocity_px: tuple[float, float],
    gap_px: float,
    frames: int,
    frame_shape: tuple[int, int],
    scene_shape: tuple[int, ...],
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    speed = np.hypot(*velocity_px)
    direction = np.asarray(velocity_px) / speed if speed else np.array([1.0, 0.0])
    way = np.outer(np.arange(frames) - (frames - 1) / 2, direction * gap_px)
    way += rng.normal(0.0, 0.3, way.shape) * bool(gap_px)
    return way + (np.asarray(scene_shape) - frame_shape) / 2


def _check_room(
    poses_px: NDArray[np.float64], frame_shape: tuple[int, int], scene_shape: tuple[int, ...]
) -> None:
    last = poses_px.max(0) + frame_shape
    if poses_px.min() < -0.5 or (last > np.asarray(scene_shape) + 0.5).any():
        raise InputError(
            "The scene must hold every frame of the stream",
            came=f"frames reach from {poses_px.min(0).round(1)} to {last.round(1)} in {scene_shape}",
            remedy="Take a larger scene, fewer or smaller frames.",
        )
