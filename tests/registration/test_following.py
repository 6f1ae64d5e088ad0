"""Frames are followed one by one: known shifts, gaps, a view that is lost, blank frames."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from napari_emrestore.cameras import open_camera
from napari_emrestore.core import InputError
from napari_emrestore.registration.following import Follower

SHAPE = (96, 131)


@pytest.fixture(scope="module")
def scene():
    return 500 + 100 * gaussian_filter(np.random.default_rng(4).normal(size=(400, 420)), 2.0) * 8


def view(scene, y, x, rng=None):
    frame = scene[y : y + SHAPE[0], x : x + SHAPE[1]]
    return (frame if rng is None else rng.poisson(frame)).astype(np.uint16)


def test_a_moving_view_is_followed_past_many_anchors(scene):
    follower, rng = Follower("translation"), np.random.default_rng(0)
    path = [(20 + 9 * k + (k % 3), 30 + 5 * k) for k in range(24)]
    for k, (y, x) in enumerate(path):
        found = follower.follow(view(scene, y, x, rng), k)
        assert found.leg == 0
        dy, dx = found.warp.shift_px(SHAPE)
        assert (dy, dx) == pytest.approx((20 - y, 30 - x), abs=0.35), "errors of a few anchors add up"
        assert found.warp.score > 0.8


def test_a_gap_is_bridged_by_the_motion_so_far(scene):
    follower = Follower("translation")
    for k in (0, 1, 2):
        follower.follow(view(scene, 20 + 8 * k, 40), k)
    found = follower.follow(view(scene, 20 + 8 * 5, 40), 5)
    assert found.leg == 0
    assert found.warp.shift_px(SHAPE) == pytest.approx((-40, 0), abs=0.1)


def test_another_place_begins_a_new_leg(scene):
    follower = Follower("translation")
    follower.follow(view(scene, 0, 0), 0)
    elsewhere = follower.follow(view(scene, 300, 280), 1)
    assert elsewhere.leg == 1
    assert elsewhere.warp.shift_px(SHAPE) == (0, 0)
    beside = follower.follow(view(scene, 302, 280), 2)
    assert beside.leg == 1
    assert beside.warp.shift_px(SHAPE) == pytest.approx((-2, 0), abs=0.1)


def test_blank_frames_begin_anew_and_do_not_stay(scene):
    follower, blank = Follower("translation"), np.full(SHAPE, 7, np.uint16)
    legs = [
        follower.follow(f, k).leg for k, f in enumerate([blank, blank, view(scene, 0, 0), view(scene, 1, 0)])
    ]
    assert legs[3] == legs[2]
    assert len(set(legs[:3])) == 3
    assert follower.follow(blank, 4).leg == legs[3] + 1


def test_another_shape_begins_anew(scene):
    follower = Follower("translation")
    follower.follow(view(scene, 0, 0), 0)
    assert follower.follow(view(scene, 0, 0)[:64], 1).leg == 1


@pytest.mark.parametrize("wrong", [np.zeros((5, 90)), np.zeros((3, 40, 40)), np.zeros((40, 40), complex)])
def test_what_is_no_frame_is_refused(wrong):
    with pytest.raises(InputError, match="24 pixels"):
        Follower().follow(wrong, 0)


def test_an_unknown_kind_is_refused():
    with pytest.raises(InputError, match="'rubber' came"):
        Follower("rubber")


def test_each_frame_names_the_one_it_was_aligned_with(scene):
    follower = Follower("translation")
    anchors = [follower.follow(view(scene, 100, 20 + 7 * k), k).anchor for k in range(12)]
    assert anchors == [0, 0, 0, 0, 0, 0, 5, 5, 5, 5, 5, 10], "the fifth step goes beyond a quarter of 131 px"


def faint(scene, dose_e, path, rng):
    bright = np.clip(scene / scene.mean(), 0.05, None) * dose_e
    return [rng.poisson(bright[y : y + 192, x : x + 203]).astype(np.uint16) for y, x in path]


def burst_error(follower, shots, poses):
    """Return legs begun, and the rms error between frames up to four apart, as in a burst of five."""
    found = [follower.follow(shot, k) for k, shot in enumerate(shots)]
    places = np.array([f.warp.shift_px(shots[0].shape) for f in found]) + poses
    wrong = [np.abs(places[k] - places[k - d]).max() for d in range(1, 5) for k in range(d, len(shots))]
    return found[-1].leg, float(np.sqrt(np.mean(np.square(wrong))))


def test_faint_frames_are_placed_by_the_mean_of_those_before():
    with open_camera(
        "simulated",
        specimen_px=600,
        frame_rate_hz=None,
        velocity_px_s=(300.0, 100.0),
        dose_e=1.0,
        read_noise_e=0.0,
    ) as camera:
        shots = [frame.data for frame, _ in zip(camera, range(24), strict=False)]
        poses = np.array([camera.pose_px(k) for k in range(24)])
    legs, by_mean = burst_error(Follower(), shots, poses)
    _, by_anchor = burst_error(Follower(faint_noise=2.0), shots, poses)
    assert legs == 0
    assert by_mean < 1.0
    assert by_mean < 0.6 * by_anchor


def test_a_faint_view_that_jumps_is_lost(scene):
    rng = np.random.default_rng(7)
    follower = Follower()
    for k, shot in enumerate(faint(scene, 0.5, [(0, 0)] * 6, rng)):
        assert follower.follow(shot, k).leg == 0
    (elsewhere,) = faint(scene, 0.5, [(200, 210)], rng)
    assert follower.follow(elsewhere, 6).leg == 1


def test_frames_with_gaps_and_noise_alone_are_no_trouble(scene):
    follower, rng = Follower(), np.random.default_rng(8)
    for k, shot in enumerate(faint(scene, 0.5, [(3 * k, 0) for k in range(8)], rng)):
        holed = shot.astype(np.float32)
        holed[5:9, 40:60] = np.nan
        found = follower.follow(holed, k)
        assert found.leg == 0
        assert np.isfinite(found.warp.matrix).all()
    legs = [follower.follow(rng.poisson(0.5, (192, 203)).astype(np.uint16), 8 + k).leg for k in range(4)]
    assert legs == [1, 2, 3, 4]
