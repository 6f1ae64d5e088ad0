"""Which models there are: those of the package and those in the user's models folder."""

from __future__ import annotations

import warnings
from pathlib import Path

from napari_emrestore.core import ModelCard, ModelError
from napari_emrestore.models.card_files import read_card
from napari_emrestore.models.folders import bundled_cards_folder, models_folder
from napari_emrestore.models.foreign.opening import foreign_card

WEIGHT_SUFFIXES = (".safetensors", ".pt", ".pth", ".onnx")


def list_models() -> list[ModelCard]:
    """Return the cards of all models, bundled ones first; imports no torch.

    A broken or doubled card in the user's folder is left out with a `UserWarning` that names it; see
    `scan_models` for the errors themselves.

    Raises
    ------
    ModelError
        If a bundled card is broken.
    """
    cards, problems = scan_models()
    for problem in problems:
        warnings.warn(str(problem), UserWarning, stacklevel=2)
    return cards


def scan_models() -> tuple[list[ModelCard], list[ModelError]]:
    """Return all cards and what is wrong with those left out.

    Models that can run come first, those of shortened recipes after the others; within these, bundled before
    user, by file name.

    An id belongs to the first card that has it, bundled before user, so a user's file never silently
    takes the place of a bundled model; the later one is reported and can be loaded by its path.

    Raises
    ------
    ModelError
        If a bundled card is broken.
    """
    cards = {card.id: card for card in map(read_card, _card_files(bundled_cards_folder()))}
    problems: list[ModelError] = []
    for path in _card_files(models_folder()):
        try:
            card = read_card(path)
            _refuse_double(card, path, cards)
        except ModelError as error:
            problems.append(error)
        else:
            cards[card.id] = card
    return sorted(cards.values(), key=lambda card: (card.weights is None, card.is_shortened)), problems


def find_card(id_or_path: str | Path) -> ModelCard:
    """Return the card of a model given by id, card file, weights file, foreign file or folder.

    Parameters
    ----------
    id_or_path : str or Path
        An id of `list_models`; a ``.toml`` card; a weights file with a card of the same stem, or the only
        card, beside it; a folder that holds one card; or a TorchScript file, ONNX file or BioImage Model Zoo
        package without one, which is opened to see what it takes. An id wins over a path of the same name.

    Raises
    ------
    ModelError
        If nothing fits, a folder holds none or several cards, or a foreign file is damaged or unsafe.
    MissingPackageError
        If a foreign file needs a package that is not installed.
    """
    cards, problems = scan_models()
    for card in cards:
        if card.id == str(id_or_path):
            return card
    path = Path(id_or_path)
    if path.is_dir() or path.is_file():
        return _card_at(path)
    known = ", ".join(card.id for card in cards) or "none"
    broken = f" Left out: {'; '.join(map(str, problems))}" if problems else ""
    raise ModelError(
        f"A model is an id ({known}), a card file, a weights file or a folder",
        item=str(id_or_path),
        came="is none of these",
        remedy=f"Your own models belong into {models_folder()}.{broken}",
    )


def _card_at(path: Path) -> ModelCard:
    """Return the card of an existing file or folder: one of ours first, then what a foreign file tells."""
    if path.is_dir():
        has_card = any(path.glob("*.toml"))
        return (None if has_card else foreign_card(path)) or _only_card(path)
    if path.suffix == ".toml":
        return read_card(path)
    if path.with_suffix(".toml").is_file():
        return _card_beside(path)
    return foreign_card(path) or _card_beside(path)


def _card_files(folder: Path) -> list[Path]:
    """Return the cards in a folder and one level below it (one folder per model), sorted."""
    return sorted([*folder.glob("*.toml"), *folder.glob("*/*.toml")])


def _refuse_double(card: ModelCard, path: Path, cards: dict[str, ModelCard]) -> None:
    if card.id in cards:
        raise ModelError(
            "Each model id is used once",
            item=str(path),
            came=f"has the id {card.id!r} of {cards[card.id].name!r}, version {cards[card.id].version}",
            remedy="Change its id, or load it by its path.",
        )


def _card_beside(weights: Path) -> ModelCard:
    if weights.suffix not in WEIGHT_SUFFIXES:
        raise ModelError(
            f"A model file is a .toml card, weights ({', '.join(WEIGHT_SUFFIXES)}) or a package of the "
            "BioImage Model Zoo",
            item=str(weights),
            came="is none of these, or is damaged",
        )
    twin = weights.with_suffix(".toml")
    if not twin.is_file() and not any(weights.parent.glob("*.toml")):
        raise ModelError(
            "Weights need a card beside them that says which network they belong to",
            item=str(weights),
            came="has none, and is neither TorchScript nor ONNX",
            remedy="Write a card for it, or ask for one of these formats.",
        )
    card = read_card(twin) if twin.is_file() else _only_card(weights.parent)
    if card.weights != weights.resolve():
        raise ModelError(
            "Weights need a card that names them",
            item=str(weights),
            came=f"is not the file named in the card of {card.id!r} ({card.weights})",
            remedy="Write a card for it; a card says which network the weights belong to.",
        )
    return card


def _only_card(folder: Path) -> ModelCard:
    found = sorted(folder.glob("*.toml"))
    if len(found) != 1:
        raise ModelError(
            "A model folder holds exactly one card (.toml)",
            item=str(folder),
            came=f"holds {', '.join(p.name for p in found) or 'none'}",
            remedy="Give the card file itself." if found else "Put the model's card beside its weights.",
        )
    return read_card(found[0])
