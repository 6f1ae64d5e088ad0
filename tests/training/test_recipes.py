"""The recipes of the package: readable, buildable, and of one mind with the cards."""

from pathlib import Path

import pytest
import torch

import napari_emrestore.training
from napari_emrestore.models import build_network, bundled_cards_folder, read_card
from napari_emrestore.training import PRESETS, read_recipe
from napari_emrestore.training.losses import LOSSES

RECIPES = sorted((Path(napari_emrestore.training.__file__).parent / "recipes").glob("*.toml"))
CARDS = {card.id: card for card in map(read_card, sorted(bundled_cards_folder().glob("*.toml")))}


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_a_recipe_names_what_exists(path):
    recipe = read_recipe(path)
    assert recipe.id == path.stem
    assert recipe.optimiser.loss in LOSSES
    assert set(recipe.data.presets) <= set(PRESETS)
    assert recipe.data.crop_px % recipe.stride_px == 0
    assert any(source.validation for source in recipe.data.sources)
    with torch.device("meta"):
        build_network(recipe.architecture, recipe.parameters)


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_a_card_without_weights_is_that_of_its_recipe(path):
    recipe, card = read_recipe(path), CARDS[path.stem]
    assert card.architecture == recipe.architecture
    assert card.tiling.stride == recipe.stride_px
    assert card.tiling.mode == recipe.tiling_mode
    if card.weights is None:
        assert card.tiling.halo == recipe.halo_px
        assert dict(card.parameters) == dict(recipe.parameters)
        assert card.trained.frames == recipe.data.frames
        assert card.trained.dose_e == recipe.dose_e
        assert path.name in card.known_failures[0]
