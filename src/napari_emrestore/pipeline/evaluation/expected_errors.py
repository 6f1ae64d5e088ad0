"""Whether a model is as far off as it says: expected and true errors on clean images degraded on purpose.

In: a restorer that tells its expected error, clean images in 0 to 1. Out: per kind of input the share of
pixels within one and two of the standard deviations told (68 and 95 % where errors are Gaussian and told
right), and how both follow each other over blocks. The last kinds are none that models were trained on.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from napari_emrestore.core import SILENT, Burst
from napari_emrestore.pipeline.evaluation.degrading import Instance, random_place, stream_of
from napari_emrestore.training.draws import fixed
from napari_emrestore.training.presets import find_preset

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_emrestore.core import Monitor, Restorer
    from napari_emrestore.pipeline.evaluation.degrading import Degrade
    from napari_emrestore.pipeline.scenes import CleanImage

BLOCK_PX = 16
_DARKEST = 0.05
_STRANGE_DOSE_E = 100.0
_STILL_MOTION_PX, _STREAM_MOTION_PX = 8.0, 45.0
_PATTERN = "siemens-star"


@dataclass(frozen=True, slots=True)
class ErrorRow:
    """Expected against true error for one kind of input; errors relative to the range of the clean image.

    Attributes
    ----------
    kind : str
        For example ``"100 e/px"``.
    is_trained : bool
        Whether such inputs are among those models are trained on.
    rms_error, rms_expected : float
        Root of the mean square of the errors made, and of those told.
    within_one, within_two : float
        Share of pixels whose error is below one and two of the standard deviations told.
    correlation : float
        Of the two root mean squares over blocks of 16 px; 0 where one of them is the same everywhere.
    """

    kind: str
    is_trained: bool
    rms_error: float
    rms_expected: float
    within_one: float
    within_two: float
    correlation: float


@dataclass(frozen=True, slots=True, eq=False)
class Told:
    """True and expected errors of one restoration.

    Attributes
    ----------
    error, expected : ndarray, shape (Y, X), float32
        Restoration less truth, and its standard deviation as told; NaN where nothing was measured.
    """

    error: NDArray[np.float32]
    expected: NDArray[np.float32]

    def blocks(self) -> NDArray[np.float64]:
        """Return the root mean squares (2, K) of both in blocks of 16 px that are whole."""
        both = np.stack([_block_rms(image) for image in (self.error, self.expected)])
        return both[:, np.isfinite(both).all(0)]


def check_expected_error(
    restorer: Restorer,
    images: Sequence[CleanImage],
    doses_e: Sequence[float],
    *,
    side_px: int = 256,
    repeats: int = 1,
    seed: int = 0,
    monitor: Monitor = SILENT,
) -> list[ErrorRow]:
    """Return one row per dose, one for all of them, one for a test pattern and one for too much motion.

    Parameters
    ----------
    restorer : Restorer
        Tells its expected error. One of single frames gets frames with Poisson noise, one of bursts five
        registered frames of a moving stage.
    images : sequence of CleanImage
        At least `side_px` wide, better a hundred pixels more; none that it was trained on.
    doses_e : sequence of float
        Electrons per pixel and frame.
    side_px, repeats : int
        Side of an instance, and instances per image.
    seed : int
        Of all drawing.
    monitor : Monitor
        Told after every instance.

    Raises
    ------
    InputError
        If the restorer tells no error.
    """
    kinds: dict[str, Degrade] = {f"{dose:g} e/px": _degraded(restorer, dose) for dose in doses_e}
    far = _STILL_MOTION_PX if restorer.frames[1] == 1 else _STREAM_MOTION_PX
    strange: dict[str, Degrade] = {
        f"{_PATTERN}, {_STRANGE_DOSE_E:g} e/px": partial(_on_pattern, _degraded(restorer, _STRANGE_DOSE_E)),
        f"moved {far:g} px, {_STRANGE_DOSE_E:g} e/px": _degraded(restorer, _STRANGE_DOSE_E, far),
    }
    rows, everything, total = [], list[Told](), (len(kinds) + len(strange)) * len(images) * repeats
    for number, (kind, degrade) in enumerate((kinds | strange).items()):
        told = []
        for k in range(len(images) * repeats):
            rng = np.random.default_rng([seed, number, k])
            told.append(tell(restorer, degrade(images[k % len(images)].image, side_px, rng)))
            monitor.step(number * len(images) * repeats + k + 1, total, f"checking at {kind}")
        rows.append(row_of(kind, told, is_trained=kind in kinds))
        everything += told if kind in kinds else []
    rows.insert(len(kinds), row_of("all doses", everything))
    return rows


def tell(restorer: Restorer, instance: Instance) -> Told:
    """Return how far a restorer is off on an instance, and how far it expected to be."""
    from napari_emrestore.restoration import restore

    single = restorer.frames[1] == 1
    data = instance.frames[0] if single else instance.registered or Burst(instance.frames)
    made = restore(data, restorer, expected_error=True)
    return Told(np.asarray(made.image) - instance.truth, np.asarray(made.expected_error))


def row_of(kind: str, told: Sequence[Told], *, is_trained: bool = True) -> ErrorRow:
    """Return the row of some restorations."""
    error, expected = (
        np.concatenate([getattr(one, name).ravel() for one in told]).astype(np.float64)
        for name in ("error", "expected")
    )
    known = np.isfinite(error) & np.isfinite(expected)
    error, expected = np.abs(error[known]), expected[known]
    blocks = np.concatenate([one.blocks() for one in told], axis=1)
    return ErrorRow(
        kind,
        is_trained,
        float(np.sqrt((error**2).mean())),
        float(np.sqrt((expected**2).mean())),
        float((error < expected).mean()),
        float((error < 2 * expected).mean()),
        float(np.corrcoef(blocks)[0, 1]) if np.ptp(blocks, axis=1).all() else 0.0,
    )


def _degraded(restorer: Restorer, dose_e: float, motion_px: float | None = None) -> Degrade:
    """Return how clean images become inputs of a restorer, at one dose."""
    if restorer.frames[1] == 1:
        return partial(_still, dose_e, motion_px or 0.0)
    preset = find_preset("tem_stream")
    motion = preset.motion
    if motion is not None and motion_px is not None:
        motion = replace(motion, speed_px=fixed(motion_px))
    return partial(
        stream_of, replace(preset, camera=replace(preset.camera, dose_e=fixed(dose_e)), motion=motion)
    )


def _still(
    dose_e: float, motion_px: float, clean: NDArray[np.float32], side: int, rng: np.random.Generator
) -> Instance:
    """Return one frame with Poisson noise, and what it should have been, in units of the clean image."""
    from napari_emrestore.probes.degrading import blur, motion_kernel

    lifted = np.asarray(_DARKEST + (1 - _DARKEST) * clean[random_place(clean.shape, side, rng)], np.float32)
    seen = blur(lifted, motion_kernel(motion_px, rng)) if motion_px else lifted
    return Instance(np.asarray(rng.poisson(seen * dose_e)[None] / dose_e, np.float32), lifted)


def _on_pattern(
    degrade: Degrade, clean: NDArray[np.float32], side: int, rng: np.random.Generator
) -> Instance:
    """Return what a degradation makes of a test pattern as large as a clean image."""
    from napari_emrestore.probes import draw_probe

    return degrade(draw_probe(_PATTERN, min(clean.shape)).pattern, side, rng)


def _block_rms(image: NDArray[np.float32]) -> NDArray[np.float64]:
    rows, columns = (side // BLOCK_PX for side in image.shape)
    whole = image[: rows * BLOCK_PX, : columns * BLOCK_PX].astype(np.float64)
    squares = whole.reshape(rows, BLOCK_PX, columns, BLOCK_PX) ** 2
    return np.asarray(np.sqrt(squares.mean((1, 3))).ravel())
