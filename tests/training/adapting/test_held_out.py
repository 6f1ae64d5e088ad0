"""Errors without ground truth agree with those against it."""

from dataclasses import replace

import numpy as np
import pytest

from napari_emrestore.core import InputError
from napari_emrestore.models import find_card, load_network
from napari_emrestore.restoration import TorchRestorer
from napari_emrestore.training.adapting.fields import Field, split_areas
from napari_emrestore.training.adapting.held_out import (
    block_means,
    compare,
    frame_errors,
    neighbour_correlation,
    pixel_errors,
    refuse_correlated,
    require_blocks,
)

SHAPE = (96, 256)


@pytest.fixture(scope="module")
def denoiser():
    card = find_card("naf-denoise")
    return card, load_network(card)


def field_of(scene, deviation, count, seed=0):
    rng = np.random.default_rng(seed)
    frames = (scene + rng.normal(0, deviation, (count, *scene.shape))).astype(np.float32)
    line = (0.0, deviation**2)
    return Field(frames, line, tuple(range(count)), *split_areas(scene.shape, 16))


@pytest.fixture(scope="module")
def scene():
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    return (0.5 + 0.3 * np.sin(x / 4) * np.cos(y / 7)).astype(np.float32)


def true_error(card, network, scene, deviation, seeds):
    judged = split_areas(SHAPE, 16)[2]
    errors = []
    for seed in seeds:
        field = field_of(scene, deviation, 1, seed)
        restorer = TorchRestorer.from_card(card, "cpu")
        made = replace(restorer, noise=field.noise).restore_window(field.frames)
        errors.append(((made - scene)[judged] ** 2).mean())
    return float(np.mean(errors))


@pytest.mark.parametrize("count", [2, 3, 6])
def test_frames_tell_the_error_against_the_truth(denoiser, scene, count):
    card, network = denoiser
    fields = [field_of(scene, 0.2, count, seed) for seed in range(3)]
    found = frame_errors(network, fields, card, "cpu")
    expected = true_error(card, network, scene, 0.2, range(10, 13))
    assert found.mean() == pytest.approx(expected, abs=3 * found.std() / np.sqrt(len(found)))
    assert found.mean() == pytest.approx(expected, rel=0.5)


def test_pixels_tell_the_error_against_the_truth_where_noise_is_white(denoiser, scene):
    card, network = denoiser
    fields = [field_of(scene, 0.2, 1, seed) for seed in range(3)]
    found = pixel_errors(network, fields, card, "cpu")
    expected = true_error(card, network, scene, 0.2, range(10, 13))
    assert found.mean() == pytest.approx(expected, abs=3 * found.std() / np.sqrt(len(found)))


def test_correlated_noise_is_noticed(denoiser, scene):
    card, network = denoiser
    white = neighbour_correlation(network, [field_of(scene, 0.2, 1)], card, "cpu")
    refuse_correlated(white)
    rng = np.random.default_rng(1)
    rows = np.broadcast_to(rng.normal(0, 0.2, (1, SHAPE[0], 1)), (1, *SHAPE))
    striped = Field((scene + rows).astype(np.float32), (0.0, 0.04), (0,), *split_areas(SHAPE, 16))
    found = neighbour_correlation(network, [striped], card, "cpu")
    assert found > white + 0.2
    with pytest.raises(InputError, match="two or more frames"):
        refuse_correlated(found)


def test_a_gain_is_told_with_its_uncertainty():
    rng = np.random.default_rng(0)
    before = rng.normal(1.0, 0.3, 100)
    real = compare(before, 0.8 * before + rng.normal(0, 0.05, 100))
    assert real.is_real
    assert real.share[0] == pytest.approx(0.2, abs=real.share[1])
    assert "lower" in real.text()
    none = compare(before, before + rng.normal(0, 0.3, 100))
    assert not none.is_real
    assert "No gain" in none.text()
    worse = compare(before, 1.5 * before)
    assert not worse.is_real
    assert "higher" in worse.text()
    lost = compare(rng.normal(0.0, 1.0, 50), rng.normal(0.0, 1.0, 50))
    assert np.isnan(lost.share[0])
    assert "lost in the noise" in lost.text()
    with pytest.raises(InputError, match="8 held-out blocks"):
        require_blocks(before[:7])


def test_areas_share_no_pixel_and_lie_on_the_stride():
    for shape, stride in (((96, 256), 16), ((200, 64), 32), ((64, 64), 16), ((48, 51), 1)):
        count = np.zeros(shape, int)
        for area in split_areas(shape, stride):
            count[area] += 1
            assert all(part.start % stride == 0 and part.stop > part.start for part in area)
        assert count.max() == 1
    with pytest.raises(InputError, match="at least"):
        split_areas((64, 64), 32)


def test_blocks_are_whole():
    image = np.arange(33 * 48, dtype=np.float32).reshape(33, 48)
    np.testing.assert_allclose(block_means(image)[0], image[:16, :16].mean())
    assert block_means(image).shape == (6,)
    assert block_means(image[:5, :20]).shape == (1,)
