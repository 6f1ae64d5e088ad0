"""The card of a model that came without one: what was found out, and that the rest is unknown."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from napari_emrestore.core import ModelCard, TilingRule, TrainedRange
from napari_emrestore.models.weight_files import file_sha256

if TYPE_CHECKING:
    from pathlib import Path

_UNKNOWN = "What it was trained on is unknown: compare its results with the input."
_WHOLE = "How far it looks is unknown: it is given the whole image at once."


def plain_card(kind: str, path: Path, frames: tuple[int, int], rule: TilingRule, **facts: Any) -> ModelCard:
    """Return a card for a foreign file.

    Parameters
    ----------
    kind : str
        How it is run; stands in for the architecture.
    path : Path
        The file; its name becomes id and name.
    frames : tuple of int
        Fewest and most frames.
    rule : TilingRule
        What was found or tried out.
    **facts
        Further fields of `ModelCard`, where the file states them.
    """
    failures = [_UNKNOWN, *([_WHOLE] if rule.mode == "whole" else [])]
    stated = {
        "id": identifier(path.stem),
        "version": "unknown",
        "name": path.stem,
        "summary": f"A {kind} model from {path.name}.",
        "task": "denoise",
        "license": "unknown",
        "known_failures": tuple(failures),
    }
    return ModelCard(
        **{**stated, **facts},
        architecture=kind,
        weights=path.resolve(),
        sha256=file_sha256(path),
        tiling=rule,
        trained=TrainedRange(frames),
    )


def identifier(text: str) -> str:
    """Return a text as an id: lower-case letters, digits, dots, dashes."""
    return re.sub(r"[^a-z0-9._-]+", "-", text.lower()).strip("-._") or "model"
