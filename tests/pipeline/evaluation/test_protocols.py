"""Each protocol degrades as its paper says and measures what it says."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from napari_emrestore.core import InputError
from napari_emrestore.pipeline.evaluation.degrading import Instance, poisson
from napari_emrestore.pipeline.evaluation.measuring import tiles
from napari_emrestore.pipeline.evaluation.protocols import PROTOCOLS, find_protocol

PERFECT = {"SSIM": 1.0, "SSIM own range": 1.0, "MSE": 0.0, "MAE": 0.0}


@pytest.fixture(scope="module")
def scene():
    image = gaussian_filter(np.random.default_rng(8).normal(size=(330, 300)), 3.0)
    return ((image - image.min()) / np.ptp(image)).astype(np.float32)


@pytest.mark.parametrize("name", PROTOCOLS)
def test_an_instance_is_drawn_by_its_generator_alone(scene, name):
    degrade = PROTOCOLS[name].degrade
    first, again, other = (degrade(scene, 192, np.random.default_rng(seed)) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first.frames, again.frames)
    np.testing.assert_array_equal(first.truth, again.truth)
    assert not np.array_equal(first.frames[0], other.frames[0])
    assert first.frames.shape[1:] == first.truth.shape
    assert len(first.frames) == PROTOCOLS[name].frames
    assert first.frames.dtype == first.truth.dtype == np.float32


@pytest.mark.parametrize("name", PROTOCOLS)
def test_the_truth_scores_best_and_its_input_worse(scene, name):
    protocol = PROTOCOLS[name]
    instance = protocol.degrade(scene, 192, np.random.default_rng(3))
    perfect = protocol.measure(instance.truth, instance)
    degraded = protocol.measure(instance.frames[0], instance)
    assert list(perfect) == list(protocol.measures)
    for measure, higher in protocol.measures.items():
        better, worse = np.mean(perfect[measure]), np.mean(degraded[measure])
        assert better > worse if higher else better < worse
        if measure in PERFECT:
            assert better == pytest.approx(PERFECT[measure], abs=0.02)


def test_ede_noise_is_poisson_of_the_dose(scene):
    """Without rescaling the variance is the mean; min-max scaling keeps their ratio to the span."""
    instance = poisson(lambda _: 400.0)(scene, 256, np.random.default_rng(1))
    residual = instance.frames[0] - instance.truth
    span_e = 400.0 / (instance.truth.max() / np.ptp(instance.frames[0]))  # electrons per unit, about
    expected = instance.truth.mean() / span_e
    assert residual.var() == pytest.approx(expected, rel=0.15)
    assert (instance.frames.min(), instance.frames.max()) == (0.0, 1.0)


def test_tiles_are_whole_and_do_not_overlap():
    covered = np.zeros((300, 260), int)
    for cut in tiles(covered.shape):
        assert covered[cut].shape == (128, 128)
        covered[cut] += 1
    assert covered.max() == 1
    assert covered.sum() == 4 * 128 * 128


def test_an_image_smaller_than_a_tile_is_refused():
    with pytest.raises(InputError, match="at least as large"):
        tiles((127, 400))


def test_a_protocol_that_is_not_there_is_named():
    with pytest.raises(InputError, match="'nature' came"):
        find_protocol("nature")


def test_sgpn_has_a_noisy_target_of_the_same_scene(scene):
    instance = PROTOCOLS["sgpn"].degrade(scene, 192, np.random.default_rng(6))
    assert isinstance(instance, Instance)
    noisy = instance.others["noisy"]
    assert np.corrcoef(noisy.ravel(), instance.truth.ravel())[0, 1] > 0.5
    assert noisy.mean() == pytest.approx(instance.truth.mean(), abs=0.05)
