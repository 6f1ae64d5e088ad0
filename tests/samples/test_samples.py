"""Samples: they need nothing from outside, repeat, and know their truth."""

import numpy as np
import pytest

from napari_emrestore.core import InputError
from napari_emrestore.samples import SAMPLES, clean_image, load_sample


def test_the_stream_shows_its_truth_at_the_shifts_it_states():
    sample = load_sample("tem-stream")
    assert sample.frames.dtype == np.uint16
    assert sample.frames.shape == sample.truths.shape == (9, 384, 512)
    assert sample.acquisition.dose_e == 60
    assert "MIT" in sample.acquisition.extra["source"]
    dy, dx = np.rint(sample.shifts_px[4]).astype(int)
    assert abs(dy) > 60  # the stage moves
    first, later = sample.truths[0], sample.truths[4]
    rows, columns = slice(max(0, -dy), 384 - max(0, dy)), slice(max(0, -dx), 512 - max(0, dx))
    moved = later[max(0, dy) : 384 + min(0, dy), max(0, dx) : 512 + min(0, dx)]
    assert np.corrcoef(first[rows, columns].ravel(), moved.ravel())[0, 1] > 0.9


def test_the_same_seed_gives_the_same_frames_and_another_does_not():
    np.testing.assert_array_equal(load_sample(seed=3).frames, load_sample(seed=3).frames)
    assert not np.array_equal(load_sample(seed=3).frames, load_sample(seed=4).frames)


def test_the_source_was_in_no_recipe():
    from importlib.resources import files

    from napari_emrestore.training.recipe import read_recipe

    for path in (files("napari_emrestore.training") / "recipes").iterdir():
        if path.name.endswith(".toml"):
            assert not any("tem_subject" in s.pattern for s in read_recipe(path).data.sources)


def test_an_unknown_sample_lists_the_known_ones():
    with pytest.raises(InputError, match=next(iter(SAMPLES))):
        load_sample("nothing")


def test_clean_images_are_in_zero_to_one():
    image = clean_image("tem-axons")
    assert image.shape == (575, 1000)
    assert 0 <= image.min() < 0.1
    assert 0.9 < image.max() <= 1
