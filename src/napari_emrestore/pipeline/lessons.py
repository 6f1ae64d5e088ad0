"""What a model is taught on, from files, folders or open stacks: pairs, or clean images and a microscope."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_emrestore.core import SILENT, InputError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from numpy.typing import NDArray

    from napari_emrestore.core import ModelCard, Monitor
    from napari_emrestore.io import FrameStack
    from napari_emrestore.metrics import NoiseModel
    from napari_emrestore.training.teaching import CleanLessons, Pair, PairLessons

MOST_FRAMES = 32
LOOKED_AT = 8


def pair_lessons(pairs: Sequence[Pair], card: ModelCard) -> tuple[PairLessons, PairLessons]:
    """Return what a model learns from pairs, and what it is judged on."""
    from napari_emrestore.training.teaching import PairLessons

    told = pairs, card.trained.frames, card.tiling.stride
    return PairLessons(*told, held_out=False), PairLessons(*told, held_out=True)


def clean_lessons(
    images: Sequence[NDArray[np.float32]],
    frames: NDArray[Any],
    card: ModelCard,
    *,
    noise: NoiseModel | None = None,
) -> tuple[CleanLessons, CleanLessons]:
    """Return what a model learns from clean images, and what it is judged on.

    Parameters
    ----------
    images : sequence of ndarray, shape (Y, X)
        From 0 to 1; see `read_clean_images`.
    frames : ndarray, shape (N, Y, X)
        Raw, of one scene: what the microscope does is read off them, see `matched_preset`.
    card : ModelCard
        Of the model.
    noise : NoiseModel, optional
        A camera's calibration; ``None`` measures it.
    """
    from napari_emrestore.training.teaching import CleanLessons, matched_preset

    told = images, matched_preset(frames, images, noise=noise), card.trained.frames, card.tiling.stride
    return CleanLessons(*told, held_out=False), CleanLessons(*told, held_out=True)


def pair_of(frames: FrameStack, clean: FrameStack, monitor: Monitor = SILENT) -> Pair:
    """Return frames of one place, at most the first 32, with the first clean image brought onto them."""
    from napari_emrestore.training.teaching import gather_pair

    return gather_pair(
        np.asarray(frames.data[:MOST_FRAMES]),
        np.asarray(clean.data[0]),
        acquisitions=(frames.acquisition, clean.acquisition),
        monitor=monitor,
    )


def read_pairs(frames: str | Path, clean: str | Path, monitor: Monitor = SILENT) -> list[Pair]:
    """Return the pairs of two files, of a folder of frames and a file, or of two folders in the same order.

    Raises
    ------
    InputError
        If two folders hold unlike numbers of files, or a pair does not go together.
    """
    from napari_emrestore.io import find_inputs, open_frames

    both = [[Path(path)] for path in (frames, clean)]
    if Path(frames).is_dir() and Path(clean).is_dir():
        both = [find_inputs(folder) for folder in (frames, clean)]
    if len(both[0]) != len(both[1]):
        raise InputError(
            "Two folders of pairs hold equally many files, in the same order",
            came=f"{frames} holds {len(both[0])} and {clean} {len(both[1])}",
        )
    pairs = []
    for one, other in zip(*both, strict=True):
        with open_frames(one) as stack, open_frames(other) as truth:
            pairs.append(pair_of(stack, truth, monitor))
    return pairs


def read_clean_images(path: str | Path, monitor: Monitor = SILENT) -> list[NDArray[np.float32]]:
    """Return the images of a folder, or the frames of a file, from 0 to 1.

    Raises
    ------
    InputError
        If none can be used.
    """
    from napari_emrestore.io import open_frames
    from napari_emrestore.pipeline.scenes import load_clean_images

    if Path(path).is_dir():
        return [one.image for one in load_clean_images(path, shrink=1, monitor=monitor)[0]]
    with open_frames(path) as stack:
        return clean_images_of(stack)


def clean_images_of(stack: FrameStack) -> list[NDArray[np.float32]]:
    """Return the frames of a stack, each from 0 to 1."""
    from napari_emrestore.pipeline.scenes import scale_to_unit

    return [scale_to_unit(np.asarray(frame.data)) for frame in stack]
