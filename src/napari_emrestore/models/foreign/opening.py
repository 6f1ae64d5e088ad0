"""From a foreign file or folder to its card, and from its card to what runs it."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

from napari_emrestore.models.foreign.recognising import kind_of, main_file

if TYPE_CHECKING:
    from pathlib import Path

    from napari_emrestore.core import ModelCard
    from napari_emrestore.models.foreign.runners import Runner

_CARDS = {
    "torchscript": "torchscript:torchscript_card",
    "onnx": "onnx_files:onnx_card",
    "bioimageio": "zoo:zoo_card",
}
_RUNNERS = {"onnx": "onnx_files:open_onnx", "bioimageio": "zoo:open_zoo"}


def foreign_card(path: Path) -> ModelCard | None:
    """Return the card of a foreign model file or folder, or None if it is none; opens the file.

    Raises
    ------
    ModelError
        If it is damaged, unsafe or no network from frames to an image.
    MissingPackageError
        If a package for this kind is not installed.
    """
    kind = kind_of(path)
    if kind is None:
        return None
    file = main_file(path) if path.is_dir() else path
    return cast("ModelCard", _attribute(_CARDS[kind])(file))


def needs_runner(card: ModelCard) -> bool:
    """Say whether a card's model runs outside of torch."""
    return card.architecture in _RUNNERS


def open_runner(card: ModelCard, device: str = "auto") -> Runner:
    """Return what runs a card for which `needs_runner` holds; see `open_onnx` and `open_zoo`."""
    return cast("Runner", _attribute(_RUNNERS[card.architecture])(card, device))


def _attribute(place: str) -> Any:
    module, _, name = place.partition(":")
    return getattr(import_module(f"napari_emrestore.models.foreign.{module}"), name)
