"""Frames are followed one by one: known shifts, gaps, a view that is lost, blank frames."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

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
