"""Trains the regression of `metrics.noise_floor`: images and simulated cameras in, its weights out."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from napari_emrestore.core import SILENT, InputError
from napari_emrestore.metrics.noise_floor import BLOCK_PX, PARTS, block_powers
from napari_emrestore.training.camera import MASK
from napari_emrestore.training.data import SampleMaker, Scene

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    import torch
    from numpy.typing import NDArray
    from torch import nn

    from napari_emrestore.core import Monitor
    from napari_emrestore.training.recipe import DataRecipe

    Examples = tuple[NDArray[np.float32], NDArray[np.float32]]

_SIDES_PX = (64, 96, 128, 192, 256)
_WIDTH = 128
_BATCH = 256
_BLUR_OF_FEATURES = 0.03
_CLEAREST = 8.0
_SEEN = 0.001
_FAINTEST = -6.0
# As the camera left it; noise of one strength, as in stabilised images; the difference of two frames of a
# drifting stack; resampled or smoothed by software; noise so smoothed on a sharp scene, as by a detector.
_KINDS = {"camera": 0.42, "even": 0.15, "difference": 0.13, "software": 0.15, "shared": 0.15}
_HALF_OF_KIND = 0.5  # of smoothed kinds, noise of one strength; of differences, white noise
_DRIFT_PX = 2
_MAGNIFIED = (1.1, 2.2)
_SMOOTHED_PX = (0.3, 1.0)
_TRIAL_PX = 192
_PLAIN_SHARE = 0.7
_DEAD_SHARE = 0.4
_STEP_LOGARITHMS = (-1.0, 5.0)


class _Lines(NamedTuple):
    """Slope and height of the line from intensity to noise variance: what looks white, and the whole."""

    white: tuple[float, float]
    whole: tuple[float, float]


def noise_examples(
    scenes: Sequence[Scene], recipe: DataRecipe, count: int, seed: int, *, monitor: Monitor = SILENT
) -> Examples:
    """Return features (S, F) of simulated noisy images and the truth (S, 6) that they should tell.

    The truth is the logarithm of the noise variance relative to the power of the finest detail, in the dark,
    middle and bright third of the blocks: of the noise that looks white, then of the whole.

    Parameters
    ----------
    scenes : sequence of Scene
        Clean images to draw from; crops of 64 to 256 px are taken, as large as they allow.
    recipe : DataRecipe
        Its presets, contrasts and grain degrade the images; one frame each.
    count : int
        Images to simulate.
    seed : int
        Of all draws.
    monitor : Monitor
        Reports every image.
    """
    plain = replace(recipe, frames=(1, 1), noise_error=0.0, grain_from_step=0)
    several = [*scenes, *_blank_scenes(scenes)]
    white, whole = (_makers(several, replace(plain, shared_told=(part, part)), seed) for part in (0.0, 1.0))
    shown, wanted = [], []
    for index in range(count):
        rng = np.random.default_rng([seed, index])
        sample, twin = (makers[index % len(makers)].sample(index, 1) for makers in (white, whole))
        image, lines = _noisy_image(sample, twin, rng)
        powers = block_powers(_with_areas(image, rng))
        if powers is not None:
            told = np.concatenate([line[0] * powers.means + line[1] for line in lines])
            shown.append(powers.features)
            wanted.append(np.log((np.maximum(told, 0) + 1e-12) / powers.reference).clip(_FAINTEST, _CLEAREST))
        monitor.step(index + 1, count, "images")
    return np.stack(shown), np.stack(wanted).astype(np.float32)


def _noisy_image(
    sample: Sequence[NDArray[np.float32]], twin: Sequence[NDArray[np.float32]], rng: np.random.Generator
) -> tuple[NDArray[np.float32], _Lines]:
    """Return one image (Y, X) of a sample and its noise; the twin differs in its line: it tells the whole."""
    frames, line, truth = sample
    slope, height = float(line[0]), float(line[1])
    kind = rng.choice(list(_KINDS), p=list(_KINDS.values()))
    if kind == "camera":
        return frames[0], _Lines((slope, height), (float(twin[1][0]), float(twin[1][1])))
    if kind in ("even", "difference") or rng.random() < _HALF_OF_KIND:
        slope, height = 0.0, max(slope * float(truth.mean()) + height, 0.0)
    noise = np.sqrt(np.maximum(slope * truth + height, 0)) * rng.standard_normal(truth.shape, np.float32)
    if kind == "even":
        return truth + noise, _Lines((slope, height), (slope, height))
    if kind == "difference":
        drift = rng.integers(-_DRIFT_PX, _DRIFT_PX + 1, 2)
        truth = (np.roll(truth, drift, (0, 1)) - truth) * np.float32(np.sqrt(0.5))
        if rng.random() < _HALF_OF_KIND:
            return truth + noise, _Lines((slope, height), (slope, height))
    smoothed = _software(rng)
    left, seen = _left_of(smoothed, rng)
    lines = _Lines((slope * seen, height * seen), (slope * left, height * left))
    if kind == "software":
        return smoothed(truth + noise), lines
    shared = smoothed(noise)
    rows, columns = shared.shape
    return truth[:rows, :columns] + shared[: truth.shape[0], : truth.shape[1]], lines


def _software(rng: np.random.Generator) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
    """Return a smoothing or an enlargement by interpolation of images (Y, X)."""
    from scipy.ndimage import gaussian_filter, zoom

    if rng.random() < 0.5:
        width_px = rng.uniform(*_SMOOTHED_PX)
        return lambda image: np.asarray(gaussian_filter(image, width_px), np.float32)
    factor, order = rng.uniform(*_MAGNIFIED), int(rng.choice((1, 3)))

    def enlarged(image: NDArray[np.float32]) -> NDArray[np.float32]:
        side = round(image.shape[0] / factor)
        return np.asarray(zoom(image[:side, :side], factor, order=order), np.float32)

    return enlarged


def _left_of(
    smoothed: Callable[[NDArray[np.float32]], NDArray[np.float32]], rng: np.random.Generator
) -> tuple[float, float]:
    """Return what smoothing leaves of the variance of white noise, and what a mask sees of that."""
    from scipy.ndimage import convolve

    noise = smoothed(rng.standard_normal((_TRIAL_PX, _TRIAL_PX), np.float32))
    return float(noise.var()), float(convolve(noise, MASK).var() / np.square(MASK).sum())


def _blank_scenes(scenes: Sequence[Scene]) -> list[Scene]:
    """Return ramps without detail, a third as many as drawn scenes: fields without a specimen."""
    ramp = np.linspace(0, 1, max(min(scene.image.shape) for scene in scenes), dtype=np.float32)
    count = max(1, sum(not scene.real for scene in scenes) // 3)
    return [Scene(np.add.outer(ramp, ramp * (i / count)), "blank", real=False) for i in range(count)]


def _with_areas(image: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Return some images with rectangles that are dead or far brighter or darker: grids, holes, charging."""
    if rng.random() < _PLAIN_SHARE:
        return image
    changed = image.copy()
    for _ in range(rng.integers(1, 4)):
        (top, bottom), (left, right) = (np.sort(rng.integers(0, side + 1, 2)) for side in image.shape)
        area = changed[top:bottom, left:right]
        step = rng.choice((-1, 1)) * np.exp(rng.uniform(*_STEP_LOGARITHMS)) * image.std()
        area[...] = step if rng.random() < _DEAD_SHARE else area + step
    return changed


def _makers(scenes: Sequence[Scene], recipe: DataRecipe, seed: int) -> list[SampleMaker]:
    """Return one maker per crop size that some scene allows."""
    makers = []
    for side in _SIDES_PX:
        try:
            makers.append(SampleMaker(scenes, replace(recipe, crop_px=side), seed + side))
        except InputError:
            break
    if not makers:
        raise InputError(
            f"Scenes for the noise regression are larger than {8 * BLOCK_PX} px",
            came=f"{len(scenes)} smaller ones came",
        )
    return makers


def fit_noise_floor(
    training: Examples, held_out: Examples, seed: int, output: Path, *, steps: int = 60_000
) -> float:
    """Train the regression, write its weights, and return its error on examples kept out of training.

    Parameters
    ----------
    training, held_out : tuple of ndarray
        Of `noise_examples`.
    seed : int
        Of weights and order.
    output : Path
        Receives the weights, npz.
    steps : int
        Steps of 256 examples.

    Returns
    -------
    float
        Median relative error of the noise deviation on `held_out`.
    """
    import torch
    from torch import nn
    from torch.nn import functional as F

    features, truths = (torch.from_numpy(part) for part in training)
    centre, spread = features.mean(0), features.std(0) + 1e-3
    torch.manual_seed(seed)
    network = nn.Sequential(
        nn.Linear(features.shape[1], _WIDTH), nn.ReLU(), nn.Linear(_WIDTH, _WIDTH), nn.ReLU(),
        nn.Linear(_WIDTH, 2 * PARTS),
    )  # fmt: skip
    optimiser = torch.optim.AdamW(network.parameters(), 1e-3, weight_decay=1e-2)
    rate = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    draws = torch.Generator().manual_seed(seed)
    normal = (features - centre) / spread
    for _ in range(steps):
        chosen = torch.randint(len(normal), (_BATCH,), generator=draws)
        blurred = normal[chosen] + _BLUR_OF_FEATURES * torch.randn(_BATCH, normal.shape[1], generator=draws)
        loss = F.smooth_l1_loss(network(blurred), truths[chosen], beta=0.3)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        rate.step()
    scaling = {
        "centre": centre,
        "spread": spread,
        "lowest": features.quantile(_SEEN, 0),
        "highest": features.quantile(1 - _SEEN, 0),
    }
    _write(network, scaling, output)
    with torch.inference_mode():
        found = network((torch.from_numpy(held_out[0]) - centre) / spread).numpy()
    return float(np.median(np.abs(np.exp((found - held_out[1]) / 2) - 1)))


def _write(network: nn.Sequential, scaling: Mapping[str, torch.Tensor], output: Path) -> None:
    """Write the weights and the scaling of features as arrays by name."""
    layers = {name: network[i] for name, i in (("first", 0), ("second", 2), ("last", 4))}
    arrays: dict[str, Any] = {
        f"{name}.{part}": getattr(layer, part).detach().numpy()
        for name, layer in layers.items()
        for part in ("weight", "bias")
    }
    arrays |= {name: part.numpy() for name, part in scaling.items()}
    np.savez(output, **arrays)
