"""The models and methods that can be probed, with what they are for; no Qt, no torch."""

from __future__ import annotations

from napari_emrestore.models import list_models
from napari_emrestore.restoration import list_classical


def offered_models() -> dict[str, str]:
    """Return ids of all models with weights and of all classical methods, with a sentence on each."""
    trained = {card.id: card.summary for card in list_models() if card.weights is not None}
    return {**trained, **dict.fromkeys(list_classical(), "Classical method, not trained on anything.")}
