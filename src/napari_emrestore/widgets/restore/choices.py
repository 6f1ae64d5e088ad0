"""The models and methods of the menu, with what a person must know to choose; no Qt, no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_emrestore.models import list_models
from napari_emrestore.restoration import list_classical

if TYPE_CHECKING:
    from napari_emrestore.core import ModelCard

_MOST_FRAMES = 32
_FILTERS = {
    "gaussian": "Gaussian smoothing, 3 × 3 pixels",
    "bilateral": "Smoothing that spares steps in brightness",
    "median": "Median of 3 × 3 pixels",
    "wiener": "Adaptive Wiener filter: smooths more where the image is flat",
    "wavelet": "Soft thresholds on Haar wavelets",
    "tv-chambolle": "Total variation (Chambolle): flat areas with sharp steps",
    "tv-bregman": "Total variation (split Bregman): flat areas with sharp steps",
    "nlmeans": "Non-local means: averages patches that look alike",
    "bm3d": "BM3D: filters groups of patches that look alike",
}
_PLAIN = {
    "mean": "Mean of the burst and nothing else: what every restoration has to beat.",
    "median-of-frames": "Median of the burst: ignores single wild frames.",
}


@dataclass(frozen=True, slots=True)
class Choice:
    """One entry of the model menu.

    Attributes
    ----------
    id, summary : str
        What runs, and what it is for.
    card : ModelCard, optional
        ``None`` for a classical method.
    frames : tuple of int
        Fewest and most frames of a burst it takes.
    """

    id: str
    summary: str
    card: ModelCard | None
    frames: tuple[int, int]

    @property
    def obstacle(self) -> str:
        """Why it cannot run; empty if it can."""
        if self.card is None or self.card.weights is not None:
            return ""
        return f"{self.id} comes without weights: train it with its recipe, or pick another model."

    @property
    def tells_error(self) -> bool:
        """Whether it tells how far each pixel is probably off."""
        return self.card is not None and self.card.tells_error

    @property
    def facts(self) -> str:
        """Task and trained range in one line."""
        if self.card is None:
            return "Classical method: not trained on anything."
        trained = self.card.trained
        parts = [f"{_span(trained.frames)} {'frame' if trained.frames == (1, 1) else 'frames'}"]
        if trained.dose_e:
            parts.append(f"{_span(trained.dose_e)} electrons per pixel and frame")
        if trained.pixel_size_nm:
            parts.append(f"{_span(trained.pixel_size_nm)} nm per pixel")
        return f"Task: {self.card.task}. Trained on {', '.join(parts)}."

    @property
    def failures(self) -> tuple[str, ...]:
        """Where it is known to go wrong."""
        return () if self.card is None else self.card.known_failures


def list_choices() -> tuple[list[Choice], list[Choice]]:
    """Return the trained models and the classical methods."""
    trained = [Choice(card.id, card.summary, card, card.trained.frames) for card in list_models()]
    classical = [Choice(name, _summary(name), None, (1, _MOST_FRAMES)) for name in list_classical()]
    return trained, classical


def _summary(name: str) -> str:
    if name in _PLAIN:
        return _PLAIN[name]
    base = name.removesuffix("-calibrated")
    how = "set by the measured noise" if base != name else "with the fixed setting of a published comparison"
    return f"{_FILTERS[base]}; strength {how}."


def _span(ends: tuple[float, float]) -> str:
    low, high = ends
    return f"{low:g}" if low == high else f"{low:g} to {high:g}"
