"""A burst that is aligned already is taken as it is."""

import numpy as np
import pytest

from napari_emrestore.bursts import as_aligned
from napari_emrestore.core import Burst, InputError

FRAMES = np.arange(4 * 5 * 7, dtype=np.uint16).reshape(4, 5, 7)


def test_frames_are_taken_without_those_left_out():
    ready = as_aligned(Burst(FRAMES), overrides={1: False, 2: True})
    np.testing.assert_array_equal(ready.aligned, FRAMES[[0, 2, 3]])
    assert ready.accepted == (0, 2, 3)
    assert ready.verdicts[1].reason == "rejected by hand"
    assert np.isnan(ready.verdicts[0].correlation)
    assert (ready.reference, ready.origin_px) == (2, (0, 0))
    assert ready.valid.all()


def test_pixels_that_are_no_number_are_not_valid():
    frames = FRAMES.astype(np.float32)
    frames[1, 2, 3] = np.nan
    valid = as_aligned(Burst(frames)).valid
    assert not valid[1, 2, 3]
    assert valid.sum() == valid.size - 1


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"overrides": dict.fromkeys(range(4), False)}, "all 4 frames"),
        ({"overrides": {0: False}, "reference": 0}, "frame 0 is none of 1, 2, 3"),
        ({"reference": 4}, "frame 4"),
    ],
)
def test_a_burst_without_frames_or_reference_is_refused(asked, said):
    with pytest.raises(InputError, match=said):
        as_aligned(Burst(FRAMES), **asked)
