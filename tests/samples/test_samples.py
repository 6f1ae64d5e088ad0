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


def test_the_sources_were_in_no_recipe():
    from importlib.resources import files

    from napari_emrestore.training.recipe import read_recipe

    for path in (files("napari_emrestore.training") / "recipes").iterdir():
        if path.name.endswith(".toml"):
            assert not any(
                "tem_subject" in s.pattern or "emdiffuse" in s.pattern for s in read_recipe(path).data.sources
            )


def test_an_unknown_sample_lists_the_known_ones():
    with pytest.raises(InputError, match=next(iter(SAMPLES))):
        load_sample("nothing")


def test_clean_images_are_in_zero_to_one():
    image = clean_image("tem-axons")
    assert image.shape == (575, 1000)
    assert 0 <= image.min() < 0.1
    assert 0.9 < image.max() <= 1


@pytest.mark.parametrize("name", SAMPLES)
def test_every_sample_has_a_truth_for_every_frame(name):
    sample = load_sample(name)
    assert sample.frames.shape == sample.truths.shape
    assert sample.frames.dtype.kind == "u"
    assert sample.truths.dtype == np.float32
    assert sample.shifts_px.shape == (len(sample.frames), 2)
    assert sample.acquisition.name == name
    # one truth is nearer to its frame than to a shuffled one, at any dose
    frame, truth = sample.frames[0].astype(float), sample.truths[0]
    assert np.corrcoef(frame.ravel(), truth.ravel())[0, 1] > 0.2
    assert abs(np.corrcoef(frame.ravel(), truth[::-1, ::-1].ravel())[0, 1]) < 0.2


def test_the_pair_is_real_and_the_same_for_every_seed():
    fast = load_sample("sem-pair", seed=1)
    np.testing.assert_array_equal(fast.frames, load_sample("sem-pair", seed=2).frames)
    assert fast.truth_name == "slow scan (truth)"
    assert fast.frames.shape == (1, 768, 768)
    # the authors' registration: no shift of a whole pixel fits better
    from napari_emrestore.metrics import ssim

    crop = slice(100, 400)
    here = ssim(fast.truths[0, crop, crop], fast.frames[0, crop, crop].astype(np.float32), data_range=255)
    beside = ssim(
        fast.truths[0, crop, crop], fast.frames[0, crop, 101:401].astype(np.float32), data_range=255
    )
    assert here > beside


def test_low_dose_counts_scatter_as_their_dose_says():
    sample = load_sample("low-dose-particles")
    camera = sample.acquisition.extra["simulation"]["camera"]
    electrons = (sample.truths[0] - camera["offset_adu"]) / camera["gain_adu"]
    noise = (sample.frames[0] - sample.truths[0]) / camera["gain_adu"]
    assert sample.acquisition.dose_e == 8
    assert noise.var() == pytest.approx(electrons.mean() + camera["read_noise_e"] ** 2, rel=0.03)


def test_the_specimen_stays_while_the_seed_draws_the_noise():
    first, second = (load_sample("low-dose-particles", seed=seed) for seed in (0, 1))
    assert np.corrcoef(first.truths.ravel(), second.truths.ravel())[0, 1] > 0.999
    assert not np.array_equal(first.frames, second.frames)


def test_every_image_is_credited_and_small():
    from importlib.resources import files

    folder = files("napari_emrestore.samples") / "images"
    credits = (folder / "CREDITS.md").read_text()
    images = [path for path in folder.iterdir() if path.name.endswith(".png")]
    assert len(images) == 3
    for path in images:
        assert f"`{path.name}`" in credits
        assert len(path.read_bytes()) < 2_000_000
