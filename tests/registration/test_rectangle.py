"""The planned rectangle is valid everywhere, and none is larger."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_emrestore.core import InputError, Warp
from napari_emrestore.registration import overlap, resample

from .scenes import warp_about_centre

motions = st.tuples(
    st.floats(-15, 15), st.floats(-15, 15), st.floats(-12, 12), st.floats(-0.1, 0.1), st.floats(-8e-4, 8e-4)
)


def largest(valid: np.ndarray) -> int:
    """Return the area of the largest all-True rectangle, by trying all."""
    sums = np.pad(valid.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    best = 0
    for y0 in range(valid.shape[0]):
        for y1 in range(y0 + 1, valid.shape[0] + 1):
            full = np.diff(sums[y1] - sums[y0]) == y1 - y0
            run = 0
            for one in full:
                run = run + 1 if one else 0
                best = max(best, run * (y1 - y0))
    return best


@settings(max_examples=40, deadline=None)
@given(st.tuples(st.integers(8, 33), st.integers(8, 33)), st.lists(motions, min_size=1, max_size=3))
def test_the_rectangle_is_valid_and_largest(shape, steps):
    warps = [warp_about_centre(shape, s[:2], s[2], s[3], s[4], "homography") for s in steps]
    y0, y1, x0, x1 = overlap(shape, warps)
    valid = np.all([resample(np.ones(shape), w)[1] for w in warps], axis=0)
    assert valid[y0:y1, x0:x1].all()
    area = (y1 - y0) * (x1 - x0)
    # Single pixels that land on pixel centres are valid beyond the convex part that is planned with.
    assert area >= largest(valid) - 2 * (shape[0] + shape[1])
    if valid[2:-2, 2:-2].sum() > valid.size / 2:
        assert area >= 0.9 * largest(valid)


@given(st.integers(1, 60), st.integers(1, 60), st.integers(-70, 70), st.integers(-70, 70))
def test_whole_shifts_lose_no_pixel(h, w, dy, dx):
    y0, y1, x0, x1 = overlap((h, w), [Warp.identity(), Warp.from_shift((dy, dx))])
    assert (y1 - y0) * (x1 - x0) == max(0, h - abs(dy)) * max(0, w - abs(dx))


def test_a_shift_between_pixels_needs_neighbours():
    assert overlap((20, 30), [Warp.from_shift((0.5, 0))]) == (1, 18, 0, 30)
    assert overlap((20, 30), [Warp.from_shift((0, -3.5))]) == (0, 20, 5, 30)
    y0, y1, x0, x1 = overlap((20, 30), [Warp.from_shift((0, -3.5))])
    assert resample(np.ones((20, 30)), Warp.from_shift((0, -3.5)))[1].sum() == (y1 - y0) * (x1 - x0)


def test_large_frames_are_planned_on_rows_alone():
    shape = (16000, 12000)
    y0, y1, x0, x1 = overlap(shape, [warp_about_centre(shape, (40.3, -25.1), 0.5)])
    assert (y1 - y0) * (x1 - x0) > 0.97 * shape[0] * shape[1] * (1 - 2 * 0.5 * np.pi / 180)
    corners = warp_about_centre(shape, (40.3, -25.1), 0.5).apply(
        [[y0, x0], [y0, x1 - 1], [y1 - 1, x0], [y1 - 1, x1 - 1]]
    )
    assert (corners >= 1 - 1e-5).all()
    assert (corners <= np.array(shape) - 2 + 1e-5).all()


def test_nothing_in_common():
    assert overlap((10, 10), [Warp.from_shift((20, 0))]) == (0, 0, 0, 0)
    assert overlap((10, 10), []) == (0, 10, 0, 10)


def test_an_empty_frame_is_refused():
    with pytest.raises(InputError):
        overlap((0, 5), [])
