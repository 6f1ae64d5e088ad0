"""What a network is shown: independent frames, hidden pixels, nothing of what it is judged on."""

import numpy as np
import pytest

from napari_emrestore.core import SILENT
from napari_emrestore.models import find_card
from napari_emrestore.training.adapting.fields import Field, choose_frames, gather_fields, split_areas
from napari_emrestore.training.adapting.samples import FrameSamples, PixelSamples, hide_pixels
from napari_emrestore.training.adapting.sharpness import Blurs, blurred, fit_kernel

SHAPE = (64, 128)


def numbered(count=5):
    """A field whose pixels tell their frame and place."""
    frames = np.arange(count * SHAPE[0] * SHAPE[1], dtype=np.float32).reshape(count, *SHAPE)
    return Field(frames, (0.1, 0.2), (2,), *split_areas(SHAPE, 16))


def test_only_the_area_to_learn_from_is_shown():
    field = numbered()
    known = set(field.frames[(slice(None), *field.learn)].ravel().tolist())
    samples = FrameSamples([field], (1, 1), 32, 2, 0)
    for step in range(10):
        shown = PixelSamples([field], 32, 2, 0).draw(step)
        assert set(shown.targets.ravel().tolist()) <= known
        assert samples.draw(step).bursts.max() <= field.frames[(-1, *field.learn)].max()
    crop = FrameSamples([field], (1, 4), 32, 2, 0).draw(3).bursts
    assert set(crop.ravel().tolist()) <= known


def test_frames_never_predict_themselves_and_the_reference_is_shown():
    rng = np.random.default_rng(0)
    counts = set()
    for _ in range(60):
        seen, left = choose_frames(numbered(), (1, 8), rng)
        assert set(seen) | set(left) == set(range(5))
        assert not set(seen) & set(left)
        assert 2 in seen
        counts.add(len(seen))
    assert counts == {1, 2, 3, 4}


def test_a_model_of_single_frames_sees_means_with_their_noise():
    shown = [FrameSamples([numbered()], (1, 1), 32, 2, 0).draw(step) for step in range(12)]
    assert {one.bursts.shape[1] for one in shown} == {1}
    shares = {round(float(0.2 / one.noise[0, 1])) for one in shown}
    assert shares > {1, 2}


def test_the_same_step_shows_the_same():
    samples = FrameSamples([numbered()], (1, 4), 32, 2, 7)
    np.testing.assert_array_equal(samples.draw(5).bursts, samples.draw(5).bursts)
    assert not np.array_equal(samples.draw(5).targets, samples.draw(6).targets)


def test_hidden_pixels_come_from_the_neighbourhood():
    images = np.arange(2 * 40 * 50, dtype=np.float32).reshape(2, 40, 50)
    seen, hidden = hide_pixels(images, np.random.default_rng(0))
    assert 0.005 < hidden.mean() < 0.03
    np.testing.assert_array_equal(seen[~hidden], images[~hidden])
    b, y, x = np.nonzero(hidden)
    row, column = np.divmod(seen[hidden].astype(int) - b * 2000, 50)
    assert np.abs(row - y).max() <= 2
    assert np.abs(column - x).max() <= 2


def test_a_kernel_is_found_that_blurs_a_restoration_like_a_frame():
    import torch

    rng = np.random.default_rng(2)
    sharp = rng.normal(0.5, 0.2, (96, 96)).astype(np.float32)
    kernel = np.zeros((15, 15), np.float32)
    kernel[7, 3:12] = 1 / 9
    seen = sharp.copy()
    seen[7:-7, 7:-7] = blurred(torch.from_numpy(sharp)[None], torch.from_numpy(kernel))[0].numpy()
    found = fit_kernel(sharp, seen)
    np.testing.assert_allclose(found, kernel, atol=0.01)
    blank = fit_kernel(np.full((40, 40), 0.5, np.float32), np.full((40, 40), 0.5, np.float32))
    assert np.isfinite(blank).all()
    assert fit_kernel(sharp[:20], seen[:20]).sum() == 1
    both = Blurs([np.stack([kernel, np.zeros_like(kernel)])])
    np.testing.assert_allclose(both.of(0, np.array([0, 1])), kernel / 2)


def test_a_series_becomes_bursts_on_the_models_grid():
    rng = np.random.default_rng(0)
    frames = rng.poisson(50, (11, 70, 133)).astype(np.uint16)
    fields = gather_fields(frames, find_card("naf-denoise"), burst=4, kind=None, monitor=SILENT)
    assert [field.frames.shape for field in fields] == [(4, 64, 128)] * 2
    assert fields[0].plain == (0, 1, 2, 3)
    assert 0.2 < fields[0].frames.mean() < 0.8
    with pytest.raises(ValueError, match="finite"):
        gather_fields(frames * np.nan, find_card("naf-denoise"), kind=None, monitor=SILENT)
