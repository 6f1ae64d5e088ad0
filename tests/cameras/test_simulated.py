"""The simulated microscope: where it looks, how it blurs, what it counts, and what it loses."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_emrestore.cameras import open_camera
from napari_emrestore.cameras.clock import FrameClock
from napari_emrestore.cameras.simulated import Detector, Noise
from napari_emrestore.cameras.specimen import expose, mirrored_specimen, procedural_specimen, window
from napari_emrestore.cameras.stage import Stage, StageMotion
from napari_emrestore.core import InputError

STILL = {"vibration_px": 0.0, "slips_per_s": 0.0, "drift_px_s": (0.0, 0.0)}


def microscope(**changes):
    usual = {"specimen_px": 128, "frame_shape": (48, 61), "frame_rate_hz": None, **STILL}
    return open_camera("simulated", **{**usual, **changes})


def take(camera, count):
    return [frame for frame, _ in zip(camera, range(count), strict=False)]


def seam(image, axis):
    """Return the mean step across the border of a torus, relative to the mean step inside of it."""
    across = np.abs(np.take(image, 0, axis) - np.take(image, -1, axis)).mean()
    return across / np.abs(np.diff(image, axis=axis)).mean()


@pytest.mark.parametrize("axis", [0, 1])
def test_a_specimen_has_no_seam(axis):
    rng = np.random.default_rng(3)
    assert seam(procedural_specimen(128, rng), axis) < 1.5
    ramp = np.add.outer(np.arange(37.0), 3 * np.arange(52.0))
    assert seam(mirrored_specimen(ramp), axis) == 0


def test_an_image_becomes_a_specimen_of_its_own_shape():
    image = np.random.default_rng(0).uniform(3, 9, (37, 52))
    specimen = mirrored_specimen(image)
    assert specimen.shape == (74, 104)
    assert np.corrcoef(specimen[:37, :52].ravel(), image.ravel())[0, 1] > 0.999
    for nothing in (np.ones((5, 5)), np.full((4, 4), np.nan), np.ones(7)):
        with pytest.raises(InputError, match="shows something"):
            mirrored_specimen(nothing)


@given(st.integers(-300, 300), st.integers(-300, 300), st.integers(1, 150))
@settings(max_examples=30, deadline=None)
def test_a_window_of_a_torus_wraps(y, x, side):
    specimen = np.arange(90 * 70, dtype=np.float32).reshape(90, 70)
    expected = specimen[np.ix_(np.arange(y, y + side) % 90, np.arange(x, x + 9) % 70)]
    np.testing.assert_array_equal(window(specimen, (y, x), (side, 9)), expected)


def test_an_exposure_is_the_mean_over_the_path():
    specimen = np.random.default_rng(1).random((40, 50), np.float32)
    track = np.array([[3.0, 5.0], [4.0, 5.0], [7.0, 4.0], [7.0, 5.0]])
    expected = np.mean([window(specimen, (int(y), int(x)), (20, 31)) for y, x in track], axis=0)
    np.testing.assert_allclose(expose(specimen, track, (20, 31)), expected, atol=1e-6)
    between = expose(specimen, np.array([[3.25, -1.0]]), (20, 31))
    expected = 0.75 * window(specimen, (3, -1), (20, 31)) + 0.25 * window(specimen, (4, -1), (20, 31))
    np.testing.assert_allclose(between, expected, atol=1e-6)


def test_frames_show_the_truth_at_their_pose():
    camera = microscope(dose_e=3000.0, gain_adu=10.0, velocity_px_s=(200.0, -90.0))
    frames = take(camera, 4)
    steps = np.diff([camera.pose_px(frame.index) for frame in frames], axis=0)
    np.testing.assert_allclose(steps, [[3.0, -1.35]] * 3, atol=1e-9)
    for frame in frames:
        truth = camera.truth(frame.index)
        here = np.corrcoef(frame.data.ravel(), truth.ravel())[0, 1]
        assert here > 0.9
        assert here > np.corrcoef(frame.data.ravel(), np.roll(truth, 4, 0).ravel())[0, 1]


def test_a_stage_that_stands_does_not_blur():
    camera = microscope(velocity_px_s=(0.0, 0.0), dose_e=1e5, gain_adu=0.5, read_noise_e=0.0)
    frame = take(camera, 1)[0]
    truth = camera.truth(0)
    assert np.abs(frame.data - truth).max() < 6 * np.sqrt(1e5) * 0.5


@pytest.mark.parametrize("dose_e", [4.0, 200.0])
def test_counts_have_the_mean_and_variance_of_the_detector(dose_e):
    detector = Detector(dose_e, gain_adu=10.0, offset_adu=300.0, read_noise_e=2.0)
    view = np.full((200, 251), 0.5, np.float32)
    counts = detector.read_out(view, Noise(np.random.default_rng(2), view.size)).astype(float)
    assert counts.mean() == pytest.approx(300 + 10 * 0.5 * dose_e, rel=0.01)
    assert counts.var() == pytest.approx(100 * (0.5 * dose_e + 4), rel=0.03)
    assert detector.expected(view).mean() == pytest.approx(300 + 10 * 0.5 * dose_e)


def test_bright_pixels_saturate_at_16_bit():
    counts = Detector(1e6, gain_adu=1.0).read_out(
        np.ones((9, 9), np.float32), Noise(np.random.default_rng(0), 81)
    )
    assert (counts == 65535).all()


def test_the_same_seed_gives_the_same_frames():
    one, two, other = (take(microscope(seed=s, slips_per_s=5.0), 3) for s in (1, 1, 2))
    np.testing.assert_array_equal([f.data for f in one], [f.data for f in two])
    assert not np.array_equal(one[0].data, other[0].data)


def test_the_stage_is_told_where_to_go():
    camera = microscope(velocity_px_s=(0.0, 0.0), pixel_size_nm=4.0)
    frames = take(camera, 2)
    camera.drive((100.0, 0.0))
    frames += take(camera, 2)
    places = [frame.acquisition.extra["stage_um"] for frame in frames]
    assert places[0] == places[1]
    assert places[3][0] - places[2][0] == pytest.approx(1.5 * 0.004)


def test_a_stage_slips_vibrates_and_drifts():
    def stage(**motion):
        motion = {"vibration_px": 0.0, "slips_per_s": 0.0, "drift_px_s": (0.0, 0.0), **motion}
        return Stage(StageMotion(**motion), (0.0, 0.0), (10.0, 20.0), np.random.default_rng(0))

    assert np.ptp(stage().track(0.0, 0.02), axis=0).max() == 0
    wave = stage(vibration_px=2.0, vibration_hz=50.0).track(0.0, 0.02)
    assert np.ptp(wave[:, 0]) == pytest.approx(4.0, rel=0.01)
    drift = stage(drift_px_s=(3.0, 0.0))
    assert drift.track(1.0, 0.01).mean(axis=0) == pytest.approx((10 + 3 * 1.005, 20))
    slips = stage(slips_per_s=100.0, slip_px=5.0)
    before, after = slips.track(0.0, 0.01)[0], slips.track(1.0, 0.01)[0]
    assert np.hypot(*(after - before)) > 5


def test_a_slow_reader_loses_frames_and_sees_the_gap(monkeypatch):
    now = [100.0]
    monkeypatch.setattr("napari_emrestore.cameras.clock.time.monotonic", lambda: now[0])
    clock = FrameClock(50.0, held=3)
    assert clock.end_of(0) == pytest.approx(100.02), "the first question starts the clock"
    assert clock.oldest_held(0) == 0
    now[0] = 100.41
    assert clock.oldest_held(1) == 17, "20 frames are finished, 3 of them held"
    assert clock.oldest_held(19) == 19


def test_a_clock_without_a_rate_never_waits():
    import threading

    clock, closing = FrameClock(None, 2), threading.Event()
    assert clock.due(5, closing, 0.0)
    assert clock.oldest_held(5) == 5
    closing.set()
    assert not clock.due(6, closing, 0.0)


@pytest.mark.parametrize(
    "wrong",
    [
        {"frame_shape": (0, 5)},
        {"frame_rate_hz": 100.0, "exposure_ms": 15.0},
        {"frame_rate_hz": -1.0},
        {"exposure_ms": 0.0},
        {"dose_e": 0.0},
        {"vibration_px": -1.0},
        {"specimen_px": 5},
        {"specimen": "image.tif"},
        {"pixel_size_nm": -2.0},
    ],
    ids=str,
)
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(InputError):
        microscope(**wrong)


def test_an_image_is_read_with_the_reader_that_was_given():
    image = np.random.default_rng(0).uniform(3, 9, (37, 52))

    class Stack:
        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

        def __getitem__(self, index):
            return type("Frame", (), {"data": image})

    camera = microscope(specimen="image.tif", reader=lambda path: Stack())
    assert take(camera, 1)[0].data.shape == (48, 61)


def test_dose_gain_and_velocity_change_while_it_runs():
    with microscope(dose_e=50.0, velocity_px_s=(0.0, 0.0)) as camera:
        before = take(camera, 2)
        camera.change(dose_e=200.0, velocity_px_s=(0.0, 200.0))
        after = take(camera, 2)
        assert camera.pose_px(after[1].index)[1] - camera.pose_px(after[0].index)[1] == pytest.approx(3.0)
        assert after[0].data.mean() > 2.5 * before[0].data.mean()
        assert (before[0].acquisition.dose_e, after[0].acquisition.dose_e) == (50.0, 200.0)
        with pytest.raises(InputError, match="above 0"):
            camera.change(gain_adu=0.0)
        with pytest.raises(InputError, match="was to change frame_shape"):
            camera.change(frame_shape=(3, 4))
