"""Whether an input is like what a model was trained on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from napari_emrestore.core import Acquisition, ModelCard

_SATURATED = 0.01
_SAMPLED = 1024


def check_input(card: ModelCard, acquisition: Acquisition, n_frames: int, data: Any) -> tuple[str, ...]:
    """Return one sentence for each way in which an input leaves what the model has seen.

    Parameters
    ----------
    card : ModelCard
        Its `trained` range is compared with what is known of the input; what is unknown is not judged.
    acquisition : Acquisition
        Of the input.
    n_frames : int
        Frames per burst.
    data : array, shape (Y, X) or (N, Y, X)
        The input; its first frame is looked at, at no more than about a million pixels.

    Returns
    -------
    tuple of str
        Empty if nothing stands out.
    """
    return (*check_range(card, acquisition, n_frames), *pixel_notes(_thinned(data)))


def check_range(card: ModelCard, acquisition: Acquisition, n_frames: int) -> tuple[str, ...]:
    """Return one sentence for each number of an input that leaves the range a model was trained on.

    Parameters
    ----------
    card, acquisition, n_frames
        As for `check_input`.
    """
    trained, notes = card.trained, []
    if not trained.frames[0] <= n_frames <= trained.frames[1]:
        notes.append(_outside("frames in a burst", (n_frames,), trained.frames))
    if acquisition.dose_e is not None and _leaves((acquisition.dose_e,), trained.dose_e):
        notes.append(_outside("electrons per pixel", (acquisition.dose_e,), trained.dose_e))
    if acquisition.pixel_size_nm is not None and _leaves(acquisition.pixel_size_nm, trained.pixel_size_nm):
        notes.append(_outside("nm per pixel", acquisition.pixel_size_nm, trained.pixel_size_nm))
    return tuple(notes)


def _leaves(values: tuple[float, ...], span: tuple[float, float] | None) -> bool:
    return span is not None and not all(span[0] <= value <= span[1] for value in values)


def _outside(what: str, values: tuple[float, ...], span: tuple[float, float] | None) -> str:
    low, high = span or (0, 0)
    came = " x ".join(f"{value:g}" for value in dict.fromkeys(values))
    return f"{came} {what} is outside of what the model was trained on ({low:g} to {high:g})"


def _thinned(data: Any) -> np.ndarray[Any, Any]:
    """Return a part of the first frame: whole rows, evenly spread, at most about a million pixels."""
    frame = data[0] if len(data.shape) == 3 else data
    rows, columns = frame.shape
    step = max(1, rows * columns // _SAMPLED**2)
    return np.asarray(frame[::step])


def pixel_notes(pixels: np.ndarray[Any, Any]) -> list[str]:
    """Return what stands out in the pixels of a first frame: nothing finite, constant, saturated."""
    finite = pixels[np.isfinite(pixels)]
    if finite.size == 0:
        return ["no pixel of the first frame is a finite number"]
    low, high = finite.min(), finite.max()
    if low == high:
        return [f"the first frame is constant ({low:g})"]
    if pixels.dtype.kind not in "ui":
        return []
    shares = ((float((finite == end).mean()), end) for end in (low, high))
    ceiling = np.iinfo(pixels.dtype)
    return [
        f"{share:.0%} of the pixels of the first frame stand at the end of {pixels.dtype} ({end})"
        for share, end in shares
        if share > _SATURATED and end in (ceiling.min, ceiling.max)
    ]
