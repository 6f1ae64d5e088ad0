"""The kept rectangle is the largest one inside all valid areas, and the joint one holds every frame."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_emrestore.bursts.areas import Area, common_area, joint_area
from napari_emrestore.core import Warp


def shifted_mask(shape: tuple[int, int], dy: int, dx: int) -> np.ndarray:
    """Return where a frame moved by (dy, dx) covers the reference frame."""
    y, x = np.indices(shape)
    return (y + dy >= 0) & (y + dy < shape[0]) & (x + dx >= 0) & (x + dx < shape[1])


shift = st.integers(-6, 6)


@given(st.integers(8, 23), st.integers(8, 23), st.lists(st.tuples(shift, shift), min_size=1, max_size=4))
def test_shifts_leave_exactly_their_overlap(height, width, shifts):
    masks = [shifted_mask((height, width), *s) for s in shifts]
    overlap = np.logical_and.reduce(masks)
    area = common_area(masks)
    if not overlap.any():
        assert area is None
        return
    assert overlap[area.slices].all()
    assert area.height * area.width == overlap.sum()


@settings(deadline=None, max_examples=30)
@given(st.floats(-0.4, 0.4), st.floats(-5, 5), st.floats(-5, 5), st.integers(3, 18), st.integers(3, 18))
def test_no_larger_rectangle_fits_a_rotated_frame(angle, dy, dx, height, width):
    y, x = np.indices((height, width))
    u = np.cos(angle) * y - np.sin(angle) * x + dy
    v = np.sin(angle) * y + np.cos(angle) * x + dx
    mask = (u >= 0) & (u <= height - 1) & (v >= 0) & (v <= width - 1)
    best = (
        max(
            (
                (b - t + 1) * (r - s + 1)
                for t in range(height)
                for b in range(t, height)
                for s in range(width)
                for r in range(s, width)
                if mask[t : b + 1, s : r + 1].all()
            ),
            default=0,
        )
        if mask.sum() < 120
        else None
    )
    area = common_area([mask])
    if area is None:
        assert not mask.any()
        return
    assert mask[area.slices].all()
    if best is not None:
        assert area.height * area.width == best


@pytest.mark.parametrize(("height", "width"), [(3000, 20), (20, 3000)])
def test_tall_and_wide_frames(height, width):
    masks = [shifted_mask((height, width), 7, -3), shifted_mask((height, width), -4, 0)]
    area = common_area(masks)
    overlap = np.logical_and.reduce(masks)
    assert overlap[area.slices].all()
    assert area.height * area.width >= 0.998 * overlap.sum()


def test_the_joint_area_reaches_around_all_frames():
    warps = [Warp.identity(), Warp.from_shift((3.0, -2.0)), Warp.from_shift((-1.5, 0.0))]
    # a frame found 3 px further down shows what lies 3 px above the reference
    assert joint_area(warps, (10, 20)) == Area(-3, 0, 15, 22)
    assert joint_area([Warp.identity()], (1, 1)) == Area(0, 0, 1, 1)
