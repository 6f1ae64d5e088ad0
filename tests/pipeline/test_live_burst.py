"""The newest frames on one grid: known shifts, filled gaps, what is left out, and the counting of rates."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from napari_emrestore.core import Acquisition, Frame
from napari_emrestore.pipeline import live_counters
from napari_emrestore.pipeline.live_burst import LiveBurst, gather
from napari_emrestore.pipeline.live_counters import Latencies, Rate

SHAPE = (71, 90)


@pytest.fixture(scope="module")
def scene():
    return (1000 + 400 * gaussian_filter(np.random.default_rng(8).normal(size=(220, 240)), 2.0)).astype(
        np.float32
    )


def view(scene, y, x, index, **changes):
    data = scene[y : y + SHAPE[0], x : x + SHAPE[1]].copy()
    for place, value in changes.get("pixels", {}).items():
        data[place] = value
    return Frame(data, index, Acquisition("live"))


def test_frames_lie_on_the_newest_and_gaps_take_what_others_show(scene):
    burst = LiveBurst("translation")
    for k, (y, x) in enumerate([(40, 40), (44, 42), (48, 44)]):
        burst.add(view(scene, y, x, k), 5)
    made = gather(burst.places).assemble()
    assert made.reference == 2
    assert made.burst.indices == (0, 1, 2)
    assert made.warps[0].shift_px(SHAPE) == pytest.approx((8, 4), abs=0.05)
    assert burst.step_px == pytest.approx((-4, -2), abs=0.05)
    assert made.aligned.shape == (3, *SHAPE)
    assert made.valid.all(), "every pixel is known from the newest frame at least"
    newest = scene[48 : 48 + SHAPE[0], 44 : 44 + SHAPE[1]]
    np.testing.assert_allclose(made.aligned[0], newest, atol=12)
    corner = np.s_[-6:, :]  # not shown by the first frame, nor in its last rows by the second
    np.testing.assert_allclose(made.aligned[0][corner], made.aligned[2][corner], atol=12)
    assert made.accepted == (0, 1, 2)


def test_only_as_many_as_wanted_are_kept(scene):
    burst = LiveBurst("translation")
    for k in range(6):
        burst.add(view(scene, 30 + k, 30, k), 3)
    assert gather(burst.places).indices == (3, 4, 5)
    burst.add(view(scene, 36, 30, 6), 1)
    assert gather(burst.places).indices == (6,)
    assert np.isnan(burst.score)


def test_frames_that_hardly_overlap_are_left_out(scene):
    burst = LiveBurst("translation")
    for k in range(4):
        burst.add(view(scene, 20 + 15 * k, 30, k), 4)
    assert gather(burst.places).indices == (1, 2, 3), "45 of 71 rows is more than half a side"


def test_pixels_that_are_not_finite_take_the_other_frames(scene):
    burst = LiveBurst(None)
    burst.add(view(scene, 10, 10, 0, pixels={(3, 4): np.nan, (5, 6): np.nan}), 2)
    burst.add(view(scene, 10, 10, 1, pixels={(3, 4): np.nan, (7, 8): np.nan}), 2)
    made = gather(burst.places).assemble()
    assert not made.valid[:, 3, 4].any()
    assert made.valid.sum() == 2 * (SHAPE[0] * SHAPE[1] - 1)
    assert made.aligned[0, 5, 6] == made.aligned[1, 5, 6]
    assert made.aligned[1, 7, 8] == made.aligned[0, 7, 8]
    assert np.isnan(burst.score), "frames taken as aligned were not examined"
    assert burst.step_px == (0, 0)


@pytest.mark.parametrize("kind", [None, "translation"])
def test_frames_of_another_shape_begin_anew_without_being_lost(scene, kind):
    burst = LiveBurst(kind)
    for k in range(3):
        burst.add(view(scene, 20 + k, 30, k), 5)
    small = view(scene, 23, 30, 3)
    burst.add(Frame(small.data[:40, :50], 3, small.acquisition), 5)
    made = gather(burst.places).assemble()
    assert made.aligned.shape == (1, 40, 50)
    assert burst.view_lost == 0


def test_rates_are_those_of_the_last_two_seconds(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(live_counters.time, "monotonic", lambda: now[0])
    rate = Rate()
    assert rate.per_second() == 0
    for _ in range(50):
        now[0] += 0.1
        rate.tick()
    assert rate.count == 50
    assert rate.per_second() == pytest.approx(10.0)
    now[0] += 5.0
    assert rate.per_second() == 0, "nothing came lately"


def test_latencies_are_told_in_ms():
    latencies = Latencies()
    assert np.isnan(latencies.percentiles_ms()).all()
    for k in range(101):
        latencies.add(k / 1000)
    assert latencies.percentiles_ms() == pytest.approx((50.0, 95.0))
