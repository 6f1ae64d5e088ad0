"""Before a run: whether the input is like what a model was trained on, and which model it is like."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from napari_emrestore.core import Acquisition

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_emrestore.core import ModelCard
    from napari_emrestore.io import FrameStack

_SIDE_PX = 1024
_FRAMES = 4
_SMALLEST_PX = 3
_ESTIMATE_OFF = 3.0  # a camera that spreads each electron over neighbours makes three of one
WITHOUT_TRAINING = "nlmeans-calibrated"
"""The classical method to name where no trained model knows the input: it measures the noise it removes."""


@dataclass(frozen=True, slots=True)
class InputFacts:
    """What is known about an input before it is restored.

    Attributes
    ----------
    dose_e : float, optional
        Electrons per pixel and frame; ``None`` if neither stated nor to be seen in the noise.
    dose_from : {"stated", "noise", "unknown"}
        Whether the acquisition states the dose, or it is the mean over the gain of the camera, estimated
        from how the noise rises with the signal. The estimate is of the order of the dose, no better: a
        camera that spreads its electrons or a rescaled image shifts it.
    pixel_size_nm : tuple of float, optional
        ``(y, x)``.
    notes : tuple of str
        What stands out in the pixels themselves: constant, saturated, not finite.
    """

    dose_e: float | None
    dose_from: Literal["stated", "noise", "unknown"]
    pixel_size_nm: tuple[float, float] | None
    notes: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The dose in words."""
        if self.dose_e is None:
            return "dose unknown"
        how = "" if self.dose_from == "stated" else ", estimated from the noise"
        about = "" if self.dose_from == "stated" else "about "
        return f"{about}{self.dose_e:.3g} electrons per pixel and frame{how}"


@dataclass(frozen=True, slots=True)
class Advice:
    """What to tell before a run.

    Attributes
    ----------
    warnings : tuple of str
        One sentence for each way the input leaves what the model was trained on.
    better : str
        Id of a model or method that knows such inputs; empty if the chosen one does, or none does.
    """

    warnings: tuple[str, ...] = ()
    better: str = ""


def measure_input(stack: FrameStack) -> InputFacts:
    """Return what is known about an input; looks at up to 4 frames and their central 1024 x 1024 px.

    Parameters
    ----------
    stack : FrameStack
        The input.
    """
    from napari_emrestore.restoration.checks import pixel_notes

    known = stack.acquisition
    pixels = _central(stack)
    notes = tuple(pixel_notes(pixels))
    if known.dose_e is not None:
        return InputFacts(known.dose_e, "stated", known.pixel_size_nm, notes)
    dose = _dose_in_noise(pixels)
    return InputFacts(dose, "unknown" if dose is None else "noise", known.pixel_size_nm, notes)


def advise(card: ModelCard | None, facts: InputFacts, frames: int, cards: Sequence[ModelCard]) -> Advice:
    """Return what to warn of before a model runs on an input.

    Parameters
    ----------
    card : ModelCard, optional
        The chosen model; ``None`` for a classical method, which was trained on nothing.
    facts : InputFacts
        Of `measure_input`.
    frames : int
        Frames per burst; a model of single frames gets their mean, which holds the dose of all of them.
    cards : sequence of ModelCard
        The models there are; one is named that knows such inputs.
    """
    if card is None:
        return Advice(facts.notes)
    strange = _out_of_range(card, facts, frames)
    if not strange:
        return Advice(facts.notes)
    knowing = [
        other
        for other in cards
        if other.is_ready
        and not other.is_shortened
        and other.id != card.id
        and not _out_of_range(other, facts, frames)
    ]
    # a burst is best served by a model that takes all of its frames
    knowing.sort(key=lambda other: (other.trained.frames[1] < frames, other.trained.frames[1]))
    return Advice((*strange, *facts.notes), knowing[0].id if knowing else WITHOUT_TRAINING)


def _out_of_range(card: ModelCard, facts: InputFacts, frames: int) -> tuple[str, ...]:
    from napari_emrestore.restoration.checks import check_range

    merged = frames if card.trained.frames[1] == 1 else 1
    dose = None if facts.dose_e is None else facts.dose_e * merged
    if dose is not None and facts.dose_from == "noise":
        dose = None if _may_lie_in(dose, card.trained.dose_e) else float(f"{dose:.1g}")
    seen = Acquisition(dose_e=dose, pixel_size_nm=facts.pixel_size_nm)
    notes = check_range(card, seen, 1 if merged > 1 else frames)
    if merged == 1:
        return notes
    what = "electrons per pixel"
    return tuple(text.replace(what, f"{what} in the mean of {merged} frames") for text in notes)


def _may_lie_in(dose: float, span: tuple[float, float] | None) -> bool:
    """Return whether an estimated dose may lie in a range, given how far such estimates are off."""
    return span is None or (dose * _ESTIMATE_OFF >= span[0] and dose / _ESTIMATE_OFF <= span[1])


def _central(stack: FrameStack) -> np.ndarray[tuple[int, ...], np.dtype[np.generic]]:
    rows, columns = (
        slice(max(0, (n - _SIDE_PX) // 2), max(0, (n - _SIDE_PX) // 2) + _SIDE_PX) for n in stack.frame_shape
    )
    return np.asarray(stack.data[:_FRAMES, rows, columns])


def _dose_in_noise(pixels: np.ndarray[tuple[int, ...], np.dtype[np.generic]]) -> float | None:
    """Return the mean number of quanta per pixel, ``None`` where the noise does not rise with the signal."""
    from napari_emrestore.metrics import noise_model

    if min(pixels.shape[-2:]) < _SMALLEST_PX or not np.isfinite(pixels).all():
        return None
    model = noise_model(pixels if len(pixels) > 1 else pixels[0])
    if model.gain <= 0:
        return None
    dose = float((pixels.mean(dtype=np.float64) - model.offset) / model.gain)
    return dose if dose > 0 else None
