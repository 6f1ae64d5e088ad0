"""The common area is held by every frame, and the joint one holds every frame."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_emrestore.bursts.areas import Area, common_area, joint_area
from napari_emrestore.core import RegistrationError, Warp

shift = st.tuples(st.integers(-6, 6), st.integers(-6, 6))


@given(st.integers(8, 23), st.integers(8, 23), st.lists(shift, min_size=1, max_size=4))
def test_whole_shifts_leave_exactly_their_overlap(height, width, shifts):
    warps = [Warp.from_shift((float(dy), float(dx))) for dy, dx in shifts]
    y, x = np.indices((height, width))
    held = np.ones((height, width), bool)
    for dy, dx in shifts:
        held &= (y + dy >= 0) & (y + dy < height) & (x + dx >= 0) & (x + dx < width)
    if not held.any():
        with pytest.raises(RegistrationError, match="share none"):
            common_area(warps, (height, width))
        return
    area = common_area(warps, (height, width))
    assert held[area.slices].all()
    assert area.height * area.width == held.sum()


def test_the_joint_area_reaches_around_all_frames():
    warps = [Warp.identity(), Warp.from_shift((3.0, -2.0)), Warp.from_shift((-1.5, 0.0))]
    # a frame found 3 px further down shows what lies 3 px above the reference
    assert joint_area(warps, (10, 20)) == Area(-3, 0, 15, 22)
    assert joint_area([Warp.identity()], (1, 1)) == Area(0, 0, 1, 1)
