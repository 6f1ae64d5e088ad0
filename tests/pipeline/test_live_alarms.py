"""Trip wires: late frames against the rate they came at, and frames that show nothing."""

from types import SimpleNamespace

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from napari_emrestore.core import SourceTimeoutError
from napari_emrestore.pipeline import live_alarms
from napari_emrestore.pipeline.live_alarms import TripWires
from napari_emrestore.pipeline.live_exposure import ExposureMeter, shows_something

SHAPE = (131, 202)


@pytest.fixture
def now(monkeypatch):
    time = [50.0]
    monkeypatch.setattr(live_alarms.time, "monotonic", lambda: time[0])
    return time


def kinds(wires):
    return [alarm.kind for alarm in wires.alarms()]


@pytest.mark.parametrize(("interval_s", "fine_s", "late_s"), [(0.04, 1.1, 1.3), (20.0, 100.0, 102.0)])
def test_frames_are_late_by_the_rate_at_which_they_came(now, interval_s, fine_s, late_s):
    wires = TripWires()
    for _ in range(5):
        wires.frame_came()
        now[0] += interval_s
    now[0] += fine_s - interval_s
    assert kinds(wires) == []
    now[0] += late_s - fine_s
    assert kinds(wires) == ["frozen"]
    assert f"every {interval_s:g} s" in wires.alarms()[0].text
    wires.frame_came()
    assert kinds(wires) == []


def test_before_a_rate_is_known_the_sources_own_time_out_counts(now):
    wires = TripWires()
    wires.frame_came()
    now[0] += 1000
    assert kinds(wires) == []
    wires.timed_out(SourceTimeoutError("A camera delivers frames"))
    assert kinds(wires) == ["frozen"]
    wires.ended()
    assert kinds(wires) == [], "nothing is waited for"


def test_a_lost_view_is_told_for_two_seconds(now):
    wires, fine = TripWires(), SimpleNamespace(saturated=0.0, dark=False)
    wires.saw(fine, lost=True)
    wires.saw(fine, lost=False)
    now[0] += 1.9
    assert kinds(wires) == ["lost"]
    now[0] += 0.2
    assert kinds(wires) == []


def test_pixels_are_judged_by_the_newest_view(now):
    wires = TripWires()
    wires.saw(SimpleNamespace(saturated=0.02, dark=True), lost=False)
    assert kinds(wires) == ["saturated", "dark"]
    wires.saw(SimpleNamespace(saturated=0.005, dark=False), lost=False)
    assert kinds(wires) == []


@pytest.mark.parametrize("level", [0.5, 5.0, 800.0])
def test_noise_alone_shows_nothing_and_a_specimen_does(level):
    rng = np.random.default_rng(3)
    scene = 1 + 0.3 * gaussian_filter(rng.normal(size=SHAPE), 3.0) * 8
    for _ in range(20):
        assert not shows_something(rng.poisson(level, SHAPE).astype(np.uint16))
        assert shows_something(rng.poisson(level * np.clip(scene, 0, None)).astype(np.uint16))


def test_a_beam_that_goes_off_is_dark_and_an_empty_hole_is_not():
    rng, meter = np.random.default_rng(4), ExposureMeter()
    read_out = rng.normal(200, 3, SHAPE).astype(np.uint16)
    hole = rng.poisson(2000, SHAPE).astype(np.uint16)
    ramp = rng.poisson(np.linspace(800, 1200, SHAPE[1]), SHAPE).astype(np.uint16)
    assert meter.is_dark(read_out), "nothing was brighter so far"
    assert not meter.is_dark(ramp)
    assert not meter.is_dark(hole)
    assert meter.is_dark(read_out)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32, np.float32])
@pytest.mark.parametrize("shape", [(1, 1), (3, 7), (64, 81)])
def test_constant_frames_are_dark_whatever_their_size_and_type(shape, dtype):
    assert ExposureMeter().is_dark(np.full(shape, 7, dtype))


def test_small_frames_and_those_with_gaps_are_not_called_dark_without_reason():
    small = np.zeros((3, 7), np.uint16)
    small[1, 2] = 1
    assert shows_something(small)
    gaps = np.random.default_rng(5).normal(size=SHAPE)
    gaps[3, 4] = np.nan
    assert shows_something(gaps)
    assert not shows_something(np.full(SHAPE, np.nan))


@pytest.mark.parametrize(
    ("dtype", "top", "share"),
    [
        (np.uint8, 255, 0.5),
        (np.uint16, 4095, 0.5),
        (np.int16, 32767, 0.5),
        (np.uint16, 4094, 0.0),
        (np.uint8, 1, 0.0),
        (np.float32, 255, 0.0),
    ],
    ids=str,
)
def test_saturation_is_that_of_so_many_bits(dtype, top, share):
    half = np.zeros((40, 80), dtype)
    half[:, 40:] = top
    assert ExposureMeter().saturated(half) == share
