"""The table of samples and how each is made."""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib.resources import as_file, files
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.core import Acquisition, InputError
from napari_emrestore.training.draws import fixed
from napari_emrestore.training.presets import find_preset
from napari_emrestore.training.scenes import draw_scene
from napari_emrestore.training.simulator import MARGIN_PX, simulate

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from napari_emrestore.training.simulator import Simulated

SAMPLES: dict[str, str] = {
    "tem-stream": (
        "TEM stream, 9 frames of 384 x 512, simulated from a real TEM image of mouse axons "
        "(AxonDeepSeg demo data, MIT licence, halved in size; pixel size not stated by its authors)"
    ),
    "sem-pair": (
        "SEM image of mouse brain, 768 x 768, scanned fast, with the slow scan of the same field as truth: "
        "a real pair, registered by its authors (EMDiffuse, Lu et al. 2024, MIT licence; pixel size not "
        "stated). The slow scan has some noise and another grey scale, so scores against it have a ceiling"
    ),
    "low-dose-particles": (
        "TEM image of nanoparticles on a film, 512 x 512, 8 electrons per pixel, drawn and simulated; by the "
        "rule of some training scenes, none of which it is"
    ),
}


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """Frames with what they should have been.

    Attributes
    ----------
    frames : ndarray, shape (N, Y, X), uint8 or uint16
        What the camera or detector reported.
    truths : ndarray, shape (N, Y, X), float32
        Noise-free, unblurred counts at the pose of each frame; of a real pair, the better exposure.
    shifts_px : ndarray, shape (N, 2)
        True ``(dy, dx)``: pixel ``r`` of frame 0 is found at ``r + shifts_px[k]`` in frame ``k``.
    acquisition : Acquisition
        Name, exposure and dose; the source and its terms in ``extra``.
    truth_name : str
        What the truths are, for the name of a layer.
    """

    frames: NDArray[np.uint8] | NDArray[np.uint16]
    truths: NDArray[np.float32]
    shifts_px: NDArray[np.float64]
    acquisition: Acquisition
    truth_name: str = "ground truth"


def load_sample(name: str = "tem-stream", *, seed: int = 0) -> Sample:
    """Return a bundled sample.

    Parameters
    ----------
    name : str
        Key of `SAMPLES`.
    seed : int
        Seed of motion and noise; a real pair has none and is the same for all seeds.

    Raises
    ------
    InputError
        If there is no sample of that name.
    """
    if name not in SAMPLES:
        raise InputError(f"A sample is one of {', '.join(SAMPLES)}", came=f"{name!r} came")
    return _MAKERS[name](name, np.random.default_rng(seed))


def clean_image(name: str) -> NDArray[np.float32]:
    """Return a bundled clean image ``(Y, X)``, float32 in 0 to 1."""
    return _stored_image(name).astype(np.float32) / np.float32(255)


def _stored_image(name: str) -> NDArray[np.uint8]:
    from imageio.v3 import imread

    with as_file(files(__name__.rpartition(".")[0]) / "images" / f"{name}.png") as path:
        return np.asarray(imread(path), np.uint8)


def _tem_stream(name: str, rng: np.random.Generator) -> Sample:
    dose_e, exposure_ms = 60.0, 15.0
    preset = find_preset("tem_stream")
    preset = replace(preset, camera=replace(preset.camera, dose_e=fixed(dose_e)), gap_px=fixed(20.0))
    made = simulate(
        clean_image("tem-axons"), preset, frames=9, frame_shape=(384, 512), rng=rng, every_truth=True
    )
    timing: dict[str, Any] = {"frame_axis": "time", "frame_step": 2 * exposure_ms, "exposure_ms": exposure_ms}
    return _simulated(name, made, dose_e=dose_e, **timing)


def _low_dose_particles(name: str, rng: np.random.Generator) -> Sample:
    dose_e, side = 8.0, 512
    preset = find_preset("low_dose")
    preset = replace(preset, camera=replace(preset.camera, dose_e=fixed(dose_e)))
    # the scene stays while the seed draws the noise, as a specimen does
    scene = draw_scene("particles", side + 2 * MARGIN_PX, np.random.default_rng(11))
    made = simulate(scene, preset, frames=1, frame_shape=(side, side), rng=rng)
    return _simulated(name, made, dose_e=dose_e)


def _simulated(name: str, made: Simulated, **known: Any) -> Sample:
    extra = {"source": SAMPLES[name], "simulation": made.record}
    shifts_px = made.poses_px[0] - made.poses_px
    return Sample(made.frames, made.truths, shifts_px, Acquisition(name=name, extra=extra, **known))


def _sem_pair(name: str, _rng: np.random.Generator) -> Sample:
    fast, slow = (_stored_image(f"sem-brain-{speed}")[None] for speed in ("fast", "slow"))
    acquisition = Acquisition(name=name, extra={"source": SAMPLES[name]})
    return Sample(fast, slow.astype(np.float32), np.zeros((1, 2)), acquisition, "slow scan (truth)")


_MAKERS: dict[str, Callable[[str, np.random.Generator], Sample]] = {
    "tem-stream": _tem_stream,
    "sem-pair": _sem_pair,
    "low-dose-particles": _low_dose_particles,
}
