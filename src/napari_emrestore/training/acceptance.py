"""Measure whether a simulated degradation is as hard as the data of the paper it stands for.

A preset is accepted when its *unrestored* row lands in the paper's row: within one standard deviation
where the paper gives one, else within ten per cent (a third for the single pair of Katsuno 2022).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from napari_emrestore.metrics import mae, mse, psnr, ssim
from napari_emrestore.training.presets import find_preset
from napari_emrestore.training.simulator import simulate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_emrestore.training.simulator import Simulated

    WindowName = Literal["gaussian", "uniform"]
    Pair = tuple[NDArray[np.float32], NDArray[np.float32]]

_SIDE_PX = 256
_NOISY_TARGET_DOSE = 2.0


@dataclass(frozen=True, slots=True)
class PaperRow:
    """The unrestored row of a paper.

    Attributes
    ----------
    metric : str
        ``"psnr_db"``, ``"ssim"``, ``"mse"`` or ``"mae"``.
    value, tolerance : float
        The figure and how far ours may be off.
    """

    metric: str
    value: float
    tolerance: float


PAPER_ROWS: dict[str, tuple[PaperRow, ...]] = {
    "tem_stream_kidney": (PaperRow("ssim", 0.77, 0.051), PaperRow("psnr_db", 29.29, 2.71)),
    "tem_stream_grid": (PaperRow("ssim", 0.56, 0.071), PaperRow("psnr_db", 21.58, 0.94)),
    "ede_low": (PaperRow("mse", 4.357e-3, 2.558e-3), PaperRow("ssim", 0.454, 0.208)),
    "ede_ordinary": (PaperRow("mse", 0.508e-3, 0.682e-3), PaperRow("ssim", 0.850, 0.123)),
    "lde_hde": (PaperRow("mae", 0.34, 0.34 / 3),),
    "sem_blur_m1": (PaperRow("psnr_db", 14.86, 1.486), PaperRow("ssim", 0.160, 0.016)),
    "sem_blur_m2": (PaperRow("psnr_db", 13.97, 1.397), PaperRow("ssim", 0.228, 0.0228)),
}


def unrestored_row(
    preset: str, scenes: Sequence[NDArray[np.float32]], samples: int, rng: np.random.Generator
) -> dict[str, float]:
    """Return mean PSNR (dB), SSIM, MSE and MAE of degraded frames against their truth.

    Parameters
    ----------
    preset : str
        Key of `PAPER_ROWS`; it also decides how frames and truths are scaled, as its paper does.
    scenes : sequence of ndarray, shape (Y, X)
        Clean images in 0 to 1, at least 256 px wide.
    samples : int
        Frames to score; scenes are used in turn.
    rng : numpy.random.Generator
        Draws windows, motion and noise.
    """
    window: WindowName = "uniform" if preset.startswith("ede") else "gaussian"
    rows = []
    for index in range(samples):
        scene = scenes[index % len(scenes)]
        corner = [rng.integers(0, length - _SIDE_PX + 1) for length in scene.shape]
        made = simulate(
            scene,
            find_preset(preset),
            frames=1,
            frame_shape=(_SIDE_PX, _SIDE_PX),
            rng=rng,
            poses_px=np.asarray([corner], np.float64),
        )
        frame, truth = _scaled(preset, made, rng)
        rows.append(
            (
                psnr(frame, truth, data_range=1.0),
                ssim(frame, truth, data_range=1.0, window=window),
                mse(frame, truth),
                mae(frame, truth),
            )
        )
    means = np.mean(rows, axis=0)
    return dict(zip(("psnr_db", "ssim", "mse", "mae"), means.tolist(), strict=True))


def _scaled(preset: str, made: Simulated, rng: np.random.Generator) -> Pair:
    """Return frame and truth in 0 to 1, scaled as the preset's paper scales them."""
    frame, truth = made.frames[0].astype(np.float32), made.truths[0]
    if preset == "lde_hde":
        return _stretch(frame, 0.1), _stretch(truth, 0.1)
    if preset.startswith("ede"):
        low, high = frame.min(), frame.max()
        return (frame - low) / (high - low), (truth * (frame.mean() / truth.mean()) - low) / (high - low)
    offset, span = made.camera.offset_adu, made.camera.dose_e * made.camera.gain_adu
    frame, truth = (np.clip((image - offset) / span, 0, 1).astype(np.float32) for image in (frame, truth))
    if preset.startswith("sem_blur"):
        dose = made.camera.dose_e * _NOISY_TARGET_DOSE
        truth = np.clip(rng.poisson(truth * dose) / dose, 0, 1).astype(np.float32)
    return frame, truth


def _stretch(image: NDArray[np.float32], percent: float) -> NDArray[np.float32]:
    low, high = np.percentile(image, (percent, 100 - percent))
    return np.asarray(np.clip((image - low) / max(high - low, 1e-9), 0, 1), np.float32)
