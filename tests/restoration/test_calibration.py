"""A camera's noise, measured on frames with a known one, kept and taken up again."""

from datetime import date

import numpy as np
import pytest

from napari_emrestore.core import Acquisition, InputError
from napari_emrestore.metrics import NoiseModel
from napari_emrestore.pipeline import RunSettings, run
from napari_emrestore.restoration import calibration as home
from napari_emrestore.restoration.calibration import (
    calibrate,
    find_calibration,
    list_calibrations,
    noise_of_mean,
    save_calibration,
)

GAIN, OFFSET, READ = 12.0, 200.0, 30.0


def shot(rng, dose, count):
    frames = rng.poisson(dose, (count, *dose.shape)) * GAIN + OFFSET
    return np.rint(frames + rng.normal(0, READ, frames.shape)).astype(np.uint16)


@pytest.fixture(scope="module")
def frames():
    rng = np.random.default_rng(1)
    return shot(rng, np.tile(np.linspace(2, 90, 130), (128, 1)), 6)


@pytest.fixture(scope="module")
def dark():
    return shot(np.random.default_rng(2), np.zeros((64, 64)), 6)


@pytest.fixture(autouse=True)
def cameras(tmp_path, monkeypatch):
    monkeypatch.setattr(home, "calibrations_folder", lambda: tmp_path / "cameras")
    return tmp_path / "cameras"


def test_gain_offset_and_read_noise_are_those_of_the_camera(frames, dark):
    found = calibrate(frames, camera="cam", dark=dark, day=date(2026, 11, 20))
    assert found.noise.gain == pytest.approx(GAIN, rel=0.06)
    assert found.noise.offset == pytest.approx(OFFSET, abs=2)
    assert found.noise.read_noise == pytest.approx(READ, rel=0.05)
    assert (found.frames, found.dark_frames, found.day) == (6, 6, "2026-11-20")
    assert 0 < found.relative_error < 0.05
    assert found.notes == ()


def test_fixed_pattern_of_dark_frames_is_no_noise(frames, dark):
    pattern = np.random.default_rng(3).normal(0, 100, dark.shape[1:])
    found = calibrate(frames, camera="cam", dark=dark + pattern)
    assert found.noise.read_noise == pytest.approx(READ, rel=0.05)


def test_what_the_frames_cannot_tell_is_said(frames):
    (note,) = calibrate(frames, camera="cam").notes
    assert "dark frames" in note
    notes = calibrate(np.full((40, 40), 7, np.uint16), camera="cam").notes
    assert any("does not rise" in text for text in notes)
    assert any("single frame" in text for text in notes)
    full = np.full((2, 40, 40), 65535, np.uint16)
    assert any("saturated" in text for text in calibrate(full, camera="cam").notes)


def test_it_is_kept_under_its_name(frames, cameras, tmp_path):
    made = calibrate(frames, camera="titan-ceta", offset=OFFSET, source="ramp.tif")
    path = save_calibration(made)
    assert path == cameras / "titan-ceta.toml"
    assert list_calibrations() == ["titan-ceta"]
    assert find_calibration("titan-ceta") == made
    elsewhere = save_calibration(made, tmp_path / "mine.toml")
    assert find_calibration(str(elsewhere)) == made


def test_wrong_names_and_files_are_refused(frames, dark, tmp_path):
    with pytest.raises(InputError, match="lower-case"):
        calibrate(frames, camera="My Camera")
    with pytest.raises(InputError, match="both came"):
        calibrate(frames, camera="cam", dark=dark, offset=1.0)
    with pytest.raises(InputError, match="none yet"):
        find_calibration("nobody")
    for text in ("gain = 1", "no toml at all", 'camera="a"\ngain=-1\noffset=0\nread_noise=0\nlevels=[0,1]'):
        path = tmp_path / "wrong.toml"
        path.write_text(text)
        with pytest.raises(InputError):
            find_calibration(str(path))


def test_the_mean_of_frames_has_a_part_of_the_variance():
    noise = NoiseModel(GAIN, OFFSET, READ)
    mean = noise_of_mean(noise, 4)
    np.testing.assert_allclose(mean.variance([100.0, 900.0]), noise.variance([100.0, 900.0]) / 4)


def test_a_run_tells_the_model_the_calibrated_noise(frames, tmp_path):
    from napari_emrestore.io import write_image

    source = write_image(tmp_path / "stream.ome.tif", frames[:2, :48, :48], Acquisition("stream"))
    save_calibration(calibrate(frames, camera="cam", offset=OFFSET))
    noise = find_calibration("cam").noise
    told = {"kind": None, "frames": 2, "noise": "cam"}
    burst = run(RunSettings(str(source), model="burst-naf", **told)).restoration.provenance.settings
    assert burst["noise"]["gain"] == pytest.approx(noise.gain)
    merged = run(RunSettings(str(source), model="naf-denoise", **told)).restoration.provenance.settings
    assert merged["noise"]["gain"] == pytest.approx(noise.gain / 2)
    with pytest.raises(InputError, match="merged by median"):
        run(RunSettings(str(source), model="naf-denoise", merge="median", **told))
