"""How near images come to a ground truth that was given; without one, nothing here is computed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.core import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from napari_emrestore.pipeline.settings import RunSettings


@dataclass(frozen=True, slots=True)
class Score:
    """Distance of one image to the ground truth.

    Attributes
    ----------
    what : str
        Which image: ``"single frame"``, ``"burst mean"``, ``"restored"``.
    ssim, psnr, mae : float
        Structural similarity (Wang 2004, Gaussian window), peak signal-to-noise ratio in dB and mean absolute
        error in input units. The data range of the first two is that of the ground truth.
    ssim_matched, psnr_matched, mae_matched : float
        The same after a scale and an offset that fit the image best to the ground truth, which takes
        out a difference in brightness and contrast between two exposures.
    """

    what: str
    ssim: float
    psnr: float
    mae: float
    ssim_matched: float
    psnr_matched: float
    mae_matched: float


def score(images: Mapping[str, NDArray[Any]], truth: NDArray[Any]) -> tuple[Score, ...]:
    """Return one `Score` per named image.

    Parameters
    ----------
    images : mapping of str to ndarray, shape (Y, X)
        Input units.
    truth : ndarray, shape (Y, X)
        Ground truth of the same field; must not be constant.

    Raises
    ------
    InputError
        If the ground truth has no range to measure against.
    """
    reference = np.asarray(truth, dtype=np.float32)
    data_range = float(np.ptp(reference))
    if not data_range > 0:
        raise InputError(
            "A ground truth must vary over the image",
            came=f"its range is {data_range}",
            remedy="Leave the ground truth out, or give the right file.",
        )
    return tuple(_score_one(what, image, reference, data_range) for what, image in images.items())


def _score_one(what: str, image: NDArray[Any], truth: NDArray[np.float32], data_range: float) -> Score:
    from napari_emrestore.metrics import mae, match_intensity, psnr, ssim

    plain = np.asarray(image).astype(np.float32)
    matched = match_intensity(plain, truth)
    return Score(
        what,
        float(ssim(plain, truth, data_range=data_range)),
        float(psnr(plain, truth, data_range=data_range)),
        float(mae(plain, truth)),
        float(ssim(matched, truth, data_range=data_range)),
        float(psnr(matched, truth, data_range=data_range)),
        float(mae(matched, truth)),
    )


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """The ground truth of a run: images and the input frames they belong to.

    Attributes
    ----------
    images : array, shape (N, Y, X)
        One image, or one per input frame.
    first : int
        Position in the input of the frame that the first image belongs to.
    """

    images: Any
    first: int

    @classmethod
    def open(cls, settings: RunSettings, frames: int, shape: tuple[int, int]) -> Truth | None:
        """Return the ground truth that `settings` names for an input of `frames` frames, or ``None``.

        Raises
        ------
        InputError
            If its shape or number of images does not fit the input.
        """
        from napari_emrestore.io import open_frames

        if settings.truth is None:
            return None
        with open_frames(settings.truth) as stack:
            return cls.fit(np.asarray(stack.data), settings, frames, shape)

    @classmethod
    def fit(cls, images: NDArray[Any], settings: RunSettings, frames: int, shape: tuple[int, int]) -> Truth:
        """Return the ground truth made of `images` ``(Y, X)`` or ``(N, Y, X)``.

        Raises
        ------
        InputError
            As `open`.
        """
        images = images[None] if images.ndim == 2 else images
        if images.shape[1:] != tuple(shape) or len(images) not in (1, frames):
            raise InputError(
                f"A ground truth has the shape {tuple(shape)} of a frame and 1 or {frames} images",
                item=settings.truth or "",
                came=f"has {len(images)} of shape {images.shape[1:]}",
                remedy="Crop both alike, or name the frame it belongs to.",
            )
        if len(images) == 1 and not 0 <= settings.truth_frame < frames:
            raise InputError(
                f"A ground truth belongs to one of the {frames} input frames",
                came=f"truth_frame = {settings.truth_frame} came",
            )
        return cls(images, settings.truth_frame if len(images) == 1 else 0)

    def within(self, frames: range) -> int | None:
        """Return the only frame of `frames` that has a truth, as its position in the input, or ``None``."""
        if len(self.images) > 1 or self.first not in frames:
            return None
        return self.first

    def of(self, frame: int) -> NDArray[Any] | None:
        """Return the image ``(Y, X)`` that belongs to an input frame, or ``None``."""
        position = frame - self.first
        return self.images[position] if 0 <= position < len(self.images) else None
