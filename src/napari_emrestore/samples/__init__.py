"""Sample data that ship with the package: real images, and streams simulated from them with their truth.

A sample's clean source was never used in training. Frames come out as 16-bit counts, the truth in the
same counts; the same seed gives the same frames on every machine.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib.resources import as_file, files
from typing import TYPE_CHECKING

import numpy as np

from napari_emrestore.core import Acquisition, InputError
from napari_emrestore.training.presets import find_preset
from napari_emrestore.training.simulator import simulate

if TYPE_CHECKING:
    from numpy.typing import NDArray

_FRAMES = 9
_FRAME_SHAPE = (384, 512)
_DOSE_E = 60.0
_GAP_PX = 20.0
_EXPOSURE_MS = 15.0

SAMPLES: dict[str, str] = {
    "tem-stream": (
        "TEM stream, 9 frames of 384 x 512, simulated from a real TEM image of mouse axons "
        "(AxonDeepSeg demo data, MIT licence, halved in size; pixel size not stated by its authors)"
    ),
}


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """Frames with what they should have been.

    Attributes
    ----------
    frames : ndarray, shape (N, Y, X), uint16
        What the simulated camera reported.
    truths : ndarray, shape (N, Y, X), float32
        Noise-free, unblurred counts at the pose of each frame.
    shifts_px : ndarray, shape (N, 2)
        True ``(dy, dx)``: pixel ``r`` of frame 0 is found at ``r + shifts_px[k]`` in frame ``k``.
    acquisition : Acquisition
        Name, exposure and dose; the source and its terms in ``extra``.
    """

    frames: NDArray[np.uint16]
    truths: NDArray[np.float32]
    shifts_px: NDArray[np.float64]
    acquisition: Acquisition


def load_sample(name: str = "tem-stream", *, seed: int = 0) -> Sample:
    """Return a bundled sample.

    Parameters
    ----------
    name : str
        Key of `SAMPLES`.
    seed : int
        Seed of motion and noise.

    Raises
    ------
    InputError
        If there is no sample of that name.
    """
    if name not in SAMPLES:
        raise InputError(f"A sample is one of {', '.join(SAMPLES)}", came=f"{name!r} came")
    preset = find_preset("tem_stream")
    camera = replace(preset.camera, dose_e=replace(preset.camera.dose_e, low=_DOSE_E, high=_DOSE_E))
    gap = replace(preset.gap_px, low=_GAP_PX, high=_GAP_PX)
    made = simulate(
        clean_image("tem-axons"),
        replace(preset, camera=camera, gap_px=gap),
        frames=_FRAMES,
        frame_shape=_FRAME_SHAPE,
        rng=np.random.default_rng(seed),
        every_truth=True,
    )
    acquisition = Acquisition(
        name=name,
        frame_axis="time",
        frame_step=2 * _EXPOSURE_MS,
        exposure_ms=_EXPOSURE_MS,
        dose_e=_DOSE_E,
        extra={"source": SAMPLES[name], "simulation": made.record},
    )
    return Sample(made.frames, made.truths, made.poses_px[0] - made.poses_px, acquisition)


def clean_image(name: str) -> NDArray[np.float32]:
    """Return a bundled clean image ``(Y, X)``, float32 in 0 to 1."""
    from imageio.v3 import imread

    with as_file(files(__name__) / "images" / f"{name}.png") as path:
        return np.asarray(imread(path), np.float32) / np.float32(255)
