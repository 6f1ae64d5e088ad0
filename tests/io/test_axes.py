"""Axes: any order becomes frames, one frame axis at most, nothing is chosen in silence."""

from itertools import permutations
from pathlib import Path

import numpy as np
import pytest

from napari_emrestore.core import FormatError
from napari_emrestore.io.axes import AxisView, plan_axes

HERE = Path("stack.tif")
WHOLE = (slice(None), slice(None), slice(None))


@pytest.mark.parametrize("names", [*permutations("tyx"), *permutations("yxz")])
def test_every_order_of_axes_gives_the_same_frames(names):
    truth = np.arange(3 * 5 * 7).reshape(3, 5, 7)
    sizes = {"t": 0, "z": 0, "y": 1, "x": 2}
    array = truth.transpose([sizes[name] for name in names])
    view = AxisView(array, plan_axes(HERE, names, array.shape))
    assert view.shape == truth.shape
    np.testing.assert_array_equal(view[WHOLE], truth)
    np.testing.assert_array_equal(view[slice(1, 2), slice(2, 4), slice(0, 7, 3)], truth[1:2, 2:4, ::3])


def test_axes_of_length_one_are_dropped_and_a_single_image_is_one_frame():
    array = np.arange(35).reshape(1, 1, 5, 1, 7)
    view = AxisView(array, plan_axes(HERE, tuple("tcyzx"), array.shape))
    np.testing.assert_array_equal(view[WHOLE], array.reshape(1, 5, 7))
    assert view[slice(0, 0), slice(None), slice(None)].shape == (0, 5, 7)
    assert view.tile((1, 1, 2, 1, 4)) == (1, 2, 4)


def test_an_axis_of_no_length_is_not_dropped():
    array = np.zeros((0, 5, 7))
    assert AxisView(array, plan_axes(HERE, tuple("tyx"), array.shape)).shape == (0, 5, 7)


def test_of_several_channels_the_first_is_taken_and_that_is_recorded():
    array = np.arange(2 * 3 * 5 * 7).reshape(2, 3, 5, 7)
    axes = plan_axes(HERE, tuple("ctyx"), array.shape)
    np.testing.assert_array_equal(AxisView(array, axes)[WHOLE], array[0])
    assert axes.extra == {"channel": 0, "channels": 2}


@pytest.mark.parametrize(
    ("names", "shape", "words"),
    [
        ("tzyx", (2, 3, 4, 5), r"one frame axis.*T\(2\) Z\(3\) Y\(4\) X\(5\)"),
        ("yxs", (4, 5, 3), "grey image"),
        ("tx", (4, 5), "row and a column"),
    ],
)
def test_what_is_no_stack_is_refused_with_its_axes(names, shape, words):
    with pytest.raises(FormatError, match=words):
        plan_axes(HERE, tuple(names), shape)
