"""Samples: the same index is the same sample, interpolation is exact where it can be, validation is apart."""

import numpy as np
import pytest
from imageio.v3 import imwrite

from napari_emrestore.core import InputError
from napari_emrestore.training.data import SampleMaker, Scene, cubic_taps, load_scenes
from napari_emrestore.training.recipe import DataRecipe, SourceRecipe
from napari_emrestore.training.scenes import draw_scene

RECIPE = DataRecipe({"tem_stream": 1.0, "poisson": 1.0}, frames=(1, 4), crop_px=32, procedural_scenes=0)


def scenes(size_px=96):
    rng = np.random.default_rng(0)
    return [Scene(draw_scene(kind, size_px, rng), kind, real=False) for kind in ("cells", "grid")]


def test_a_sample_depends_on_its_index_alone():
    maker, other = SampleMaker(scenes(), RECIPE, 5), SampleMaker(scenes(), RECIPE, 5)
    other.sample(1, 3)
    for a, b in zip(maker.sample(9, 3), other.sample(9, 3), strict=True):
        np.testing.assert_array_equal(a, b)
    assert not np.array_equal(maker.sample(9, 3)[0], maker.sample(10, 3)[0])
    assert not np.array_equal(maker.sample(9, 3)[0], SampleMaker(scenes(), RECIPE, 6).sample(9, 3)[0])


def test_a_batch_is_in_model_range_and_the_burst_shows_its_truth():
    batch = SampleMaker(scenes(), RECIPE, 0).batch(range(24), 3)
    bursts, truths = batch.bursts, batch.truths
    assert bursts.shape == (24, 3, 32, 32)
    assert truths.shape == (24, 32, 32)
    assert 0.2 < truths.mean() < 0.8
    likeness = [np.corrcoef(b.mean(0).ravel(), t.ravel())[0, 1] for b, t in zip(bursts, truths, strict=True)]
    assert np.median(likeness) > 0.7


def test_the_noise_line_tells_the_noise_of_the_frames():
    recipe = DataRecipe({"poisson": 1.0}, frames=(1, 1), crop_px=64, procedural_scenes=0)
    batch = SampleMaker(scenes(192), recipe, 3).batch(range(24), 1)
    told = batch.noise[:, 0] * batch.truths.mean((1, 2)) + batch.noise[:, 1]
    found = (batch.bursts[:, 0] - batch.truths).var((1, 2))
    ratios = told / found
    assert np.median(ratios) == pytest.approx(1.0, abs=0.1)
    assert np.std(np.log(ratios)) == pytest.approx(0.15, abs=0.08)


def test_burst_lengths_cover_the_range():
    maker = SampleMaker(scenes(), RECIPE, 0)
    assert {maker.draw_frames(step) for step in range(200)} == {1, 2, 3, 4}


@pytest.mark.parametrize("shift", [0.0, 0.25, -0.7, 1.5])
def test_cubic_taps_are_exact_for_quadratics(shift):
    taps = cubic_taps(shift)
    x = np.arange(-3, 4)
    for power in (0, 1, 2):
        assert taps @ x**power == pytest.approx(shift**power, abs=1e-12)


def test_validation_images_are_kept_out_of_training(tmp_path):
    rng = np.random.default_rng(0)
    for name in ("a_1.png", "a_2.png", "b_1.png"):
        imwrite(tmp_path / name, rng.integers(0, 255, (40, 60), np.uint8))
    recipe = DataRecipe(
        {"poisson": 1.0}, sources=(SourceRecipe("*.png", (1, 2), validation="b_*.png"),), procedural_scenes=0
    )
    training, held_out = load_scenes(recipe, tmp_path, 0)
    assert [s.name for s in training] == ["a_1.png/1", "a_1.png/2", "a_2.png/1", "a_2.png/2"]
    assert [s.name for s in held_out] == ["b_1.png/1", "b_1.png/2"]
    assert training[1].image.shape == (20, 30)


def test_a_source_without_images_is_named(tmp_path):
    recipe = DataRecipe({"poisson": 1.0}, sources=(SourceRecipe("none/*.png"),))
    with pytest.raises(InputError, match=r"none/\*\.png matches nothing"):
        load_scenes(recipe, tmp_path, 0)


def test_scenes_smaller_than_a_crop_are_refused():
    with pytest.raises(InputError, match="at least 136 px"):
        SampleMaker(scenes(64), DataRecipe({"poisson": 1.0}), 0)
