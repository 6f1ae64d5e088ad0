"""From images to training samples: scenes, random crops of them, degraded and registered bursts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from napari_emrestore.core import InputError, IntensityMap
from napari_emrestore.training.camera import noise_line
from napari_emrestore.training.presets import find_preset
from napari_emrestore.training.scenes import SCENES, draw_scene
from napari_emrestore.training.simulator import MARGIN_PX, simulate

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_emrestore.training.camera import Camera
    from napari_emrestore.training.recipe import DataRecipe

_RIM_PX = 4


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """A clean image to degrade.

    Attributes
    ----------
    image : ndarray, shape (Y, X), float32
        Intensities in 0 to 1.
    name : str
        File or kind it came from.
    real : bool
        Whether it was measured.
    intensity : IntensityMap
        The map of the whole scene; filled in from `image`.
    """

    image: NDArray[np.float32]
    name: str
    real: bool
    intensity: IntensityMap = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "intensity", IntensityMap.from_signal(self.image))


def load_scenes(recipe: DataRecipe, folder: Path, seed: int) -> tuple[list[Scene], list[Scene]]:
    """Return training scenes and validation scenes of a recipe.

    Parameters
    ----------
    recipe : DataRecipe
        Names the sources; images matching a source's `validation` glob are kept out of training.
    folder : Path
        Data folder that the globs start from.
    seed : int
        Seed of the procedural scenes.

    Raises
    ------
    InputError
        If a source has no image.
    """
    training = _procedural(recipe, seed)
    validation: list[Scene] = []
    for source in recipe.sources:
        held_out = set(folder.glob(source.validation)) if source.validation else set()
        paths = sorted(set(folder.glob(source.pattern)) | held_out)
        if not paths:
            raise InputError(
                "Every source of a recipe has at least one image",
                item=source.pattern,
                came=f"matches nothing in {folder}",
                remedy="Pass the folder that the recipe's patterns start from.",
            )
        for path in paths:
            target = validation if path in held_out else training
            target += [_read(path, factor) for factor in source.shrink]
    return training, validation


def _procedural(recipe: DataRecipe, seed: int) -> list[Scene]:
    rng = np.random.default_rng([seed, 1])
    kinds = [kind for _ in range(recipe.procedural_scenes) for kind in SCENES]
    kinds += [kind for kind, count in recipe.more_scenes.items() for _ in range(count)]
    return [Scene(draw_scene(kind, recipe.procedural_size_px, rng), kind, real=False) for kind in kinds]


def _read(path: Path, factor: int) -> Scene:
    from imageio.v3 import imread

    image = np.asarray(imread(path), np.float32)
    rows, columns = (length // factor * factor for length in image.shape)
    blocks = image[:rows, :columns].reshape(rows // factor, factor, columns // factor, factor)
    image = blocks.mean((1, 3))
    low, high = np.percentile(image, (0.1, 99.9))
    return Scene(
        np.asarray(np.clip((image - low) / (high - low), 0, 1), np.float32),
        f"{path.name}/{factor}",
        real=True,
    )


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Samples of one burst length, in model range.

    Attributes
    ----------
    bursts : ndarray, shape (B, N, Y, X), float32
        Registered frames.
    noise : ndarray, shape (B, 2), float32
        Slope and height of each sample's line from intensity to noise variance.
    truths : ndarray, shape (B, Y, X), float32
        What they should become.
    """

    bursts: NDArray[np.float32]
    noise: NDArray[np.float32]
    truths: NDArray[np.float32]


class SampleMaker:
    """Makes training samples; sample `index` is always the same one.

    Parameters
    ----------
    scenes : sequence of Scene
        Clean images to draw from.
    recipe : DataRecipe
        How to degrade them.
    seed : int
        First part of the seed of every sample.
    """

    def __init__(self, scenes: Sequence[Scene], recipe: DataRecipe, seed: int) -> None:
        room = recipe.crop_px + 2 * _RIM_PX
        fitting = [s for s in scenes if min(s.image.shape) >= room]
        if not fitting:
            raise InputError(f"Scenes must be at least {room} px wide", came=f"{len(scenes)} scenes came")
        self._real = [s for s in fitting if s.real]
        self._procedural = [s for s in fitting if not s.real]
        self._recipe = recipe
        self._seed = seed

    def batch(self, indices: Iterable[int], frames: int) -> Batch:
        """Return the samples of some indices, all with the same number of frames."""
        samples = [self.sample(index, frames) for index in indices]
        bursts, noise, truths = (np.stack(part) for part in zip(*samples, strict=True))
        return Batch(bursts, noise, truths)

    def draw_frames(self, step: int) -> int:
        """Return the burst length of a training step; short bursts are drawn more often."""
        low, high = self._recipe.frames
        logarithm = np.random.default_rng([self._seed, 2, step]).uniform(np.log(low), np.log(high + 1))
        return min(int(np.exp(logarithm)), high)

    def sample(
        self, index: int, frames: int
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
        """Return one burst (N, Y, X), its noise line (2,) and its truth (Y, X), all in model range."""
        recipe = self._recipe
        rng = np.random.default_rng([self._seed, 3, index])
        presets = list(recipe.presets)
        weights = np.array([recipe.presets[name] for name in presets])
        preset = find_preset(presets[rng.choice(len(presets), p=weights / weights.sum())])
        side = recipe.crop_px + 2 * _RIM_PX
        image, clean = _vary(*_cut(self._draw_scene(rng), side, rng), recipe.contrast, rng)
        if recipe.grain[1] > 0 and index >= recipe.grain_from_step * recipe.batch and rng.random() < 0.7:
            image = _add_grain(image, recipe.grain, rng)
        corner = (np.asarray(image.shape) - side) // 2
        poses = corner + rng.uniform(-0.5, 0.5, (frames, 2))
        poses[0] = corner
        made = simulate(image, preset, frames=frames, frame_shape=(side, side), rng=rng, poses_px=poses)
        error = rng.normal(0.0, recipe.registration_px, (frames, 2))
        burst = _align(made.frames, poses[0] - poses + error)
        of_image = _in_counts(clean, preset.intensity, made.camera)
        intensity = _jitter(of_image if rng.random() < 0.8 else IntensityMap.from_signal(burst), rng)
        inner = slice(_RIM_PX, -_RIM_PX)
        noise = _noise_in_model(made.camera, intensity, recipe, rng)
        return intensity.to_model(burst), noise, intensity.to_model(made.truths[0, inner, inner])

    def _draw_scene(self, rng: np.random.Generator) -> Scene:
        procedural = rng.random() < self._recipe.procedural_share or not self._real
        scenes = self._procedural if procedural and self._procedural else self._real
        return scenes[rng.integers(len(scenes))]


def _cut(scene: Scene, side: int, rng: np.random.Generator) -> tuple[NDArray[np.float32], IntensityMap]:
    """Return a random window of a scene with the margin that a simulation needs, and the scene's map."""
    reach = side + 2 * (MARGIN_PX + 1)
    starts = [int(rng.integers(0, max(length - reach, 0) + 1)) for length in scene.image.shape]
    rows, columns = (slice(start, start + reach) for start in starts)
    return scene.image[rows, columns], scene.intensity


def _vary(
    image: NDArray[np.float32],
    intensity: IntensityMap,
    contrast: tuple[float, float],
    rng: np.random.Generator,
) -> tuple[NDArray[np.float32], IntensityMap]:
    """Return `image` flipped, turned, perhaps inverted, with random contrast in 0 to 1, and its map."""
    turned = np.rot90(image, int(rng.integers(4)))
    turned = turned[::-1] if rng.random() < 0.5 else turned
    if rng.random() < 0.3:
        turned = 1 - turned
        intensity = IntensityMap(1 - intensity.offset - intensity.scale, intensity.scale)
    floor = float(rng.uniform(*contrast))
    lifted = IntensityMap(floor + (1 - floor) * intensity.offset, (1 - floor) * intensity.scale)
    return np.asarray(floor + (1 - floor) * turned, np.float32), lifted


def _add_grain(
    image: NDArray[np.float32], strength: tuple[float, float], rng: np.random.Generator
) -> NDArray[np.float32]:
    """Return `image` with fine random texture, as stain, carbon film and resin have it."""
    from scipy.ndimage import gaussian_filter

    grain = gaussian_filter(rng.standard_normal(image.shape).astype(np.float32), rng.uniform(0.3, 1.2))
    deviation = np.exp(rng.uniform(*np.log(strength)))
    return np.asarray(np.maximum(image + grain * np.float32(deviation / grain.std()), 0), np.float32)


def _in_counts(clean: IntensityMap, intensity: tuple[float, float], camera: Camera) -> IntensityMap:
    """Return the map of a whole scene, given in 0 to 1, in the counts of a camera."""
    low, high = intensity
    counts = camera.dose_e * camera.gain_adu
    offset = (low + (high - low) * clean.offset) * counts + camera.offset_adu
    return IntensityMap(offset, (high - low) * clean.scale * counts)


def _noise_in_model(
    camera: Camera, intensity: IntensityMap, recipe: DataRecipe, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Return slope and height of the noise line in model range, as wrong as an estimate may be."""
    error = np.exp(rng.normal(0.0, recipe.noise_error))
    least, most = recipe.shared_told
    # even in the deviation, not in the variance
    shared = least if least == most else rng.uniform(np.sqrt(least), np.sqrt(most)) ** 2
    slope, height = noise_line(camera, shared)
    line = slope / intensity.scale, (slope * intensity.offset + height) / intensity.scale**2
    return np.asarray(line, np.float32) * np.float32(error)


def _jitter(intensity: IntensityMap, rng: np.random.Generator) -> IntensityMap:
    """Return a map that is off by about as much as another crop of the image would make it."""
    scale = intensity.scale * float(np.exp(rng.normal(0.0, 0.15)))
    shift = rng.normal(0.0, 0.05) * scale
    middle = intensity.offset + 0.5 * intensity.scale
    return IntensityMap(middle - 0.5 * scale + shift, scale)


def _align(frames: NDArray[np.uint16], shifts_px: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return all frames but the reference resampled by their shifts, without the rim, (N, Y, X).

    Frames are interpolated after the noise came in, as in use: a network must know that noise.
    """
    from scipy.ndimage import correlate1d

    aligned = frames.astype(np.float32)
    for frame, shift in zip(aligned[1:], shifts_px[1:], strict=True):
        correlate1d(frame, cubic_taps(shift[0]), axis=0, output=frame, mode="nearest")
        correlate1d(frame, cubic_taps(shift[1]), axis=1, output=frame, mode="nearest")
    inner = slice(_RIM_PX, -_RIM_PX)
    return aligned[:, inner, inner]


def cubic_taps(shift_px: float) -> NDArray[np.float64]:
    """Return the seven Catmull-Rom weights that read a row `shift_px` further on, |shift| below 2."""
    distance = np.abs(np.arange(-3, 4) - shift_px)
    near = 1.5 * distance**3 - 2.5 * distance**2 + 1
    far = -0.5 * distance**3 + 2.5 * distance**2 - 4 * distance + 2
    return np.where(distance < 1, near, np.where(distance < 2, far, 0.0))
