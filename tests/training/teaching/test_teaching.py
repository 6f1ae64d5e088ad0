"""Teaching on ground truth: pairs are found and matched, microscopes are read off frames, gains are real."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, shift

from napari_emrestore.core import Cancelled, InputError
from napari_emrestore.metrics import NoiseModel
from napari_emrestore.models import find_card
from napari_emrestore.training.presets import find_preset
from napari_emrestore.training.simulator import simulate
from napari_emrestore.training.teaching import (
    CleanLessons,
    PairLessons,
    gather_pair,
    match_blur,
    matched_preset,
    teach,
)

GAIN, OFFSET, READ = 25.0, 150.0, 40.0


@pytest.fixture(scope="module")
def scene():
    rng = np.random.default_rng(6)
    cells = gaussian_filter(rng.normal(size=(112, 240)), 4) > 0.01
    return np.clip(gaussian_filter(0.2 + 0.8 * cells, 0.7), 0, 1).astype(np.float32)


def shot(scene, count, rng, dose=30.0, rows=0.0):
    frames = rng.poisson(dose * scene, (count, *scene.shape)) * GAIN + OFFSET
    frames = frames + rng.normal(0, READ, frames.shape) + rng.normal(0, rows, (count, scene.shape[0], 1))
    return np.clip(np.rint(frames), 0, 65535).astype(np.uint16)


@pytest.fixture(scope="module")
def pair(scene):
    """Frames under row noise, and a clean image of the same place in other grey levels, moved by 2 px."""
    frames = shot(scene, 3, np.random.default_rng(1), rows=250.0)
    moved = shift(scene, (2.0, -1.0), order=3, mode="nearest")
    return gather_pair(frames, (moved * 77 - 3).astype(np.float32), kind="translation")


def test_a_pair_lies_on_one_grid_and_on_the_same_grey_levels(pair):
    assert pair.correlation > 0.5
    assert pair.frames.shape[1:] == pair.truth.shape
    mean = pair.frames.mean(0)
    assert mean.mean() == pytest.approx(pair.truth.mean(), abs=0.02)
    assert np.polyfit(pair.truth.ravel(), mean.ravel(), 1)[0] == pytest.approx(1.0, abs=0.05)


def test_images_of_different_places_are_no_pair(scene):
    from napari_emrestore.core import EmRestoreError

    frames = shot(scene, 2, np.random.default_rng(1))
    with pytest.raises(EmRestoreError):
        gather_pair(frames, np.random.default_rng(2).normal(size=scene.shape).astype(np.float32))


def test_held_out_parts_share_no_pixel_with_what_is_learnt_from(pair):
    numbered = replace(pair, truth=np.arange(pair.truth.size, dtype=np.float32).reshape(pair.truth.shape))
    parts = [
        set(PairLessons([numbered], (1, 8), 16, held_out=out).batch(range(12), 2).truths.ravel().tolist())
        for out in (False, True)
    ]
    assert not parts[0] & parts[1]
    with pytest.raises(InputError, match="at least 5 frames"):
        PairLessons([pair], (5, 8), 16, held_out=False)


def test_a_model_taught_on_pairs_gains_and_says_so(pair, tmp_path):
    lessons = [PairLessons([pair], (1, 1), 16, held_out=out) for out in (False, True)]
    seen = []

    class Watch:
        def learnt(self, step, loss):
            seen.append(step)

        def validated(self, record, shown, restored):
            seen.append(record["ssim"])

    made = teach("naf-denoise", *lessons, "rows", steps=40, folder=tmp_path, device="cpu", watch=Watch())
    assert made.card is not None
    assert made.ssim_after > made.ssim_before + 2 * made.error
    assert made.card.validation[0]["ssim_after"] == round(made.ssim_after, 4)
    assert made.card.training["adapted_from"] == "naf-denoise"
    best = max(record["ssim"] for record in made.history)
    assert made.ssim_after == pytest.approx(best, abs=2e-3), "the best check is kept"
    assert len(seen) > 40
    assert not list((tmp_path / ".teaching").iterdir())


def test_without_a_gain_the_old_weights_stay_and_a_stopped_run_goes_on(pair, tmp_path, recorder):
    lessons = [PairLessons([pair], (1, 1), 16, held_out=out) for out in (False, True)]
    told = {"steps": 2, "folder": tmp_path, "device": "cpu"}
    with pytest.raises(Cancelled):
        teach("naf-denoise", *lessons, "x", monitor=recorder(0), **told)
    with pytest.raises(InputError, match="belongs to others"):
        teach("naf-denoise", *lessons, "x", **{**told, "steps": 3})
    made = teach("naf-denoise", *lessons, "x", **told)
    assert len(made.history) == 1
    if made.card is None:
        assert "no gain" in made.text()


def test_a_microscope_is_read_off_its_frames(scene):
    blurred = gaussian_filter(scene, 1.5)
    frames = shot(blurred, 6, np.random.default_rng(3), dose=60.0)
    assert match_blur(frames, [scene]) == pytest.approx(1.5, abs=0.4)
    assert match_blur(shot(scene, 6, np.random.default_rng(4)), [scene]) < 0.6
    preset = matched_preset(frames, [scene], noise=NoiseModel(GAIN, OFFSET, READ))
    assert preset.camera.gain_adu.low == preset.camera.gain_adu.high == GAIN
    assert preset.camera.read_noise_e.low == pytest.approx(READ / GAIN)
    assert preset.camera.dose_e.low < 60 * blurred.max() < preset.camera.dose_e.high
    assert preset.scan is not None
    made = simulate(
        scene,
        preset,
        frames=2,
        frame_shape=(30, 150),
        rng=np.random.default_rng(0),
        poses_px=np.full((2, 2), 40.0),
    )
    assert made.frames.mean() == pytest.approx(frames.mean(), rel=0.4)
    with pytest.raises(InputError, match="noise of one strength"):
        matched_preset(frames, [scene], noise=NoiseModel(0.0, 0.0, 5.0))


@pytest.mark.parametrize("blur", [0.0, 1.5])
@pytest.mark.parametrize(("count", "motion"), [(1, 0), (6, 0), (6, 3)])
def test_gain_dose_and_blur_are_found_whether_frames_move_or_are_few(scene, blur, count, motion):
    rng = np.random.default_rng(5)
    sharp = gaussian_filter(scene, blur)
    poses = rng.uniform(-motion, motion, (count, 2))
    views = [shift(sharp, pose, order=1, mode="nearest") if motion else sharp for pose in poses]
    frames = np.concatenate([shot(view, 1, rng, dose=60.0) for view in views])[:, 6:-6, 6:-6]
    preset = matched_preset(frames, [scene[6:-6, 6:-6]])
    assert preset.camera.gain_adu.low == pytest.approx(GAIN, rel=0.15)
    assert preset.camera.dose_e.low < 60 * sharp.max() < preset.camera.dose_e.high
    assert match_blur(frames, [scene[6:-6, 6:-6]]) == pytest.approx(blur, abs=0.75)


def test_clean_images_become_lessons(scene):
    preset = find_preset("poisson")
    card = find_card("naf-denoise")
    batch = CleanLessons([scene], preset, card.trained.frames, 16, held_out=False).batch(range(3), 1)
    assert batch.bursts.shape == (3, 1, 64, 64)
    assert batch.noise.shape == (3, 2)
    assert np.isfinite(batch.truths).all()
    errors = batch.bursts[:, 0] - batch.truths
    expected = batch.noise[:, 0] * batch.truths.mean((1, 2)) + batch.noise[:, 1]
    np.testing.assert_allclose(errors.var((1, 2)), expected, rtol=0.5)
    lessons = CleanLessons([scene, scene], preset, (1, 4), 16, held_out=True)
    assert lessons.draw_frames(3) <= 4
    with pytest.raises(InputError, match="64 px"):
        CleanLessons([scene[:60, :60]], preset, (1, 1), 16, held_out=True)
