"""A model file from anywhere made one of a person's own: a card in the models folder that points to it."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING

from napari_emrestore.models.foreign.opening import needs_runner, open_runner

if TYPE_CHECKING:
    from pathlib import Path

    from napari_emrestore.core import ModelCard


def adopt_model(path: str | Path) -> ModelCard:
    """Open a model file, see that it runs, and put a card for it into the models folder.

    The file stays where it is. A file that has a card already keeps that one; a name that another model has
    gets a number.

    Parameters
    ----------
    path : str or Path
        As for `find_card`.

    Returns
    -------
    ModelCard
        In `list_models` from now on.

    Raises
    ------
    ModelError
        If it is no model, damaged, unsafe, or has no weights; nothing is kept then.
    MissingPackageError
        If it needs a package that is not installed.
    """
    from napari_emrestore.models.card_files import write_card
    from napari_emrestore.models.catalogue import find_card, list_models
    from napari_emrestore.models.folders import models_folder
    from napari_emrestore.models.networks import load_network

    card = find_card(path)
    open_it = open_runner if needs_runner(card) else load_network
    open_it(card)
    known = {one.id: one for one in list_models()}
    same = [one for one in known.values() if one.sha256 == card.sha256]
    if same:
        return same[0]
    numbered = (f"{card.id}-{number}" for number in count(2))
    free = card.id if card.id not in known else next(name for name in numbered if name not in known)
    folder = models_folder()
    folder.mkdir(parents=True, exist_ok=True)
    adopted = replace(card, id=free)
    write_card(adopted, folder / f"{free}.toml")
    return adopted
