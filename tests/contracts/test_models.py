"""What every bundled model must keep: its card, its size rule, its tiles, its precisions, its frames.

The small network of the tests takes part as one more model, so that the contract itself is exercised.
Networks that come without weights take part narrow and with random ones, under the tiling rule of their card.
"""

import dataclasses
import importlib.util
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from napari_emrestore.core import IntensityMap, ModelCard, TilingRule, TrainedRange
from napari_emrestore.models import (
    build_network,
    bundled_cards_folder,
    file_sha256,
    load_network,
    read_card,
)
from napari_emrestore.models.architectures import ARCHITECTURES
from napari_emrestore.restoration import restore
from napari_emrestore.restoration.devices import Device
from napari_emrestore.restoration.torch_restorer import TorchRestorer

UNIT = IntensityMap(0.0, 1.0)
BUNDLED = {card.id: card for card in map(read_card, sorted(bundled_cards_folder().glob("*.toml")))}
WITH_WEIGHTS = [name for name, card in BUNDLED.items() if card.weights is not None]


def module_of_the_model_tests(name):
    path = Path(__file__).parents[1] / "models" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"emrestore_contract_{name}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


NARROW = module_of_the_model_tests("small_networks").NARROW
UNTRAINED = [name for name in NARROW if BUNDLED[name].weights is None]


@pytest.fixture(scope="module")
def tiny_card(tmp_path_factory):
    module = module_of_the_model_tests("tiny_net")
    weights = tmp_path_factory.mktemp("tiny") / "tiny.safetensors"
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        save_file(module.build().state_dict(), weights)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, module.__name__, module)
        patch.setitem(ARCHITECTURES, "tiny", f"{module.__name__}:build")
        yield ModelCard(
            "tiny",
            "1",
            "Tiny",
            "A net for tests.",
            "denoise",
            "tiny",
            weights=weights,
            sha256=file_sha256(weights),
            tiling=TilingRule(4, 16),
            trained=TrainedRange((1, 4)),
        )


@pytest.fixture(params=[*WITH_WEIGHTS, "tiny"])
def card(request, tiny_card):
    return BUNDLED.get(request.param, tiny_card)


@cache
def loaded(name, make):
    return make()


@cache
def untrained(name):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        network = build_network(BUNDLED[name].architecture, NARROW[name])
    return network.eval().requires_grad_(False)


def restorer(name, card):
    if name in UNTRAINED:
        network = untrained(name)
        card = dataclasses.replace(card, parameters=NARROW[name])
    else:
        network = loaded(name, lambda: load_network(card))
    return TorchRestorer(card, network, Device("cpu", "cpu", 0))


@pytest.fixture(params=[*WITH_WEIGHTS, "tiny", *UNTRAINED])
def model(request, tiny_card):
    return restorer(request.param, BUNDLED.get(request.param, tiny_card))


@pytest.fixture(params=WITH_WEIGHTS)
def trained_model(request):
    return restorer(request.param, BUNDLED[request.param])


def scene(shape, seed=0):
    """Edges and slow shading with white noise, in model range."""
    rng = np.random.default_rng(seed)
    y, x = np.ogrid[: shape[-2], : shape[-1]]
    clean = 0.5 + 0.25 * np.sign(np.sin(y / 9) * np.cos(x / 13)) + 0.1 * np.sin((x + y) / 40)
    return (clean + rng.normal(0, 0.15, shape)).astype(np.float32)


def burst(model, shape, seed=0):
    return scene((model.frames[1], *shape), seed)


@pytest.mark.parametrize("name", list(BUNDLED))
def test_a_bundled_card_is_complete(name):
    card = BUNDLED[name]
    assert card.architecture in ARCHITECTURES
    assert card.license
    assert card.credit
    assert card.known_failures
    assert len(card.summary) > 20
    if card.weights is not None:
        assert card.weights.suffix == ".safetensors"
        assert card.weights.stat().st_size < 100 << 20
        assert {"data", "steps", "machine"} <= set(card.training)
        assert card.validation
    else:
        assert "without weights" in card.known_failures[0]
        assert card.training["recipe"] in card.known_failures[0]


def test_the_hash_is_that_of_the_weights(card):
    assert file_sha256(card.weights) == card.sha256


def test_any_multiple_of_the_stride_is_taken_and_its_size_kept(model):
    stride = model.tiling.stride
    for size in ((stride, stride), (stride, 3 * stride), (5 * stride, 2 * stride)):
        frames = burst(model, size)
        assert model.restore_window(frames).shape == size


@pytest.mark.parametrize("size", [(1, 1), (3, 50), (33, 31)])
def test_any_image_size_is_restored_to_its_own_size(model, size):
    made = restore(burst(model, size), model, intensity=UNIT).image
    assert made.shape == size if model.frames[1] > 1 else made.shape[-2:] == size
    assert np.isfinite(made).all()


@pytest.mark.parametrize("beyond", [(37, -5), (-1, 3)])
def test_tiles_equal_the_whole(model, beyond):
    if model.tiling.mode != "exact":
        pytest.skip("its card does not claim it")
    rule = model.tiling
    tile = 2 * rule.halo + 4 * rule.stride
    # long halos are followed along one axis only
    height = 3 * rule.stride if rule.halo > 100 else tile + beyond[0]
    size = (height, tile + 8 * rule.stride + beyond[1])
    frames = scene((model.frames[0], *size))
    whole = restore(frames, model, tile=4 * tile, intensity=UNIT)
    tiles = restore(frames, model, tile=tile, intensity=UNIT)
    assert whole.provenance.settings["tile"]["windows"] == 1
    assert tiles.provenance.settings["tile"]["windows"] > 1
    assert np.abs(tiles.image - whole.image).max() <= 1e-5 * np.ptp(whole.image)


def test_a_listed_precision_is_within_a_512th_of_the_range(model):
    frames = burst(model, (160, 192))
    reference = model.restore_window(frames)
    for precision in model.card.precisions:
        if precision == "fp16":  # CPUs have no half-precision convolutions to try it on
            continue
        made = dataclasses.replace(model, precision=precision).restore_window(frames)
        assert np.abs(made - reference).max() <= np.ptp(reference) / 512


def test_the_order_of_frames_is_irrelevant_and_repeating_them_changes_nothing(model):
    fewest, most = model.frames
    if most < 2 or fewest == most:
        pytest.skip("it takes one frame, or frames in a fixed order")
    frames = scene((most // 2, 64, 96))
    once = model.restore_window(frames) if most // 2 >= fewest else None
    twice = model.restore_window(np.repeat(frames, 2, axis=0))
    shuffled = model.restore_window(np.repeat(frames, 2, axis=0)[::-1])
    np.testing.assert_allclose(shuffled, twice, atol=2e-5)
    if once is not None:
        np.testing.assert_allclose(twice, once, atol=2e-5)


def test_every_frame_count_of_the_card_is_taken(model):
    for count in range(model.frames[0], model.frames[1] + 1):
        assert np.isfinite(model.restore_window(scene((count, 64, 64)))).all()


@pytest.mark.parametrize("value", [0, 777, 65535])
def test_a_constant_image_stays_nearly_constant(trained_model, value):
    frames = np.full((trained_model.frames[0], 96, 128), value, np.uint16)
    mapping = IntensityMap(value - 200.0, 400.0)
    made = restore(frames, trained_model, intensity=mapping).image
    assert np.isfinite(made).all()
    said = any("blank field" in failure for failure in trained_model.card.known_failures)
    assert np.abs(mapping.to_model(made) - 0.5).max() < (0.3 if said else 0.15)


def test_missing_pixels_come_back_missing_and_harm_nobody(model):
    frames = scene((model.frames[0], 64, 80))
    frames[:, 30:33, 40] = np.nan
    made = np.atleast_3d(restore(frames, model, intensity=UNIT).image).reshape(64, 80)
    assert np.isnan(made).sum() == 3
    assert np.nanmax(np.abs(made)) < 10 or model.card.id in UNTRAINED
