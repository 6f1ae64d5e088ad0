"""The tile plan: every pixel once, windows on the stride grid, enough context, within the budget."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_emrestore.core import InputError, TilingRule
from napari_emrestore.restoration.plan import (
    blend_weights,
    choose_window,
    plan_tiles,
    round_up,
    split_window,
)

SIZE = st.integers(1, 150)
STRIDE = st.sampled_from([1, 2, 3, 4, 8, 16])


@st.composite
def plans(draw, mode="exact"):
    stride = draw(STRIDE)
    rule = TilingRule(stride, draw(st.integers(0, 20)), mode)
    halo = round_up(rule.halo, stride)
    # where windows are mixed a core is as wide as its halo, as `choose_window` makes it
    least = max(halo, stride) if mode == "blend" else stride
    cores = [least + stride * draw(st.integers(0, 11)) for _ in range(2)]
    shape = tuple(draw(st.integers(1, 2 * halo + 8 * core)) for core in cores)
    return plan_tiles(shape, rule, tuple(2 * halo + core for core in cores))


def covered(plan, windows):
    count = np.zeros(plan.shape, int)
    for window in windows:
        count[window.write.slices] += 1
    return count


def computed_px(plan):
    return sum(window.read.shape[0] * window.read.shape[1] for window in plan.windows)


@given(plans())
def test_write_rectangles_cover_each_pixel_once(plan):
    np.testing.assert_array_equal(covered(plan, plan.windows), 1)


@given(plans())
def test_windows_lie_on_the_stride_grid_inside_the_extended_image(plan):
    stride, end = plan.rule.stride, [round_up(n, plan.rule.stride) for n in plan.shape]
    for window in plan.windows:
        read = window.read
        assert read.shape[0] <= plan.window[0]
        assert read.shape[1] <= plan.window[1]
        assert all(edge % stride == 0 for edge in (read.y0, read.y1, read.x0, read.x1))
        assert read.y0 >= 0
        assert read.x0 >= 0
        assert read.y1 <= end[0]
        assert read.x1 <= end[1]


@given(plans())
def test_kept_pixels_have_their_halo_or_a_true_image_edge(plan):
    halo, end = plan.rule.halo, [round_up(n, plan.rule.stride) for n in plan.shape]
    for window in plan.windows:
        read, write = window.read, window.write
        assert read.y0 in (0, min(read.y0, write.y0 - halo))
        assert read.x0 in (0, min(read.x0, write.x0 - halo))
        assert read.y1 in (end[0], max(read.y1, write.y1 + halo))
        assert read.x1 in (end[1], max(read.x1, write.x1 + halo))


@given(plans())
def test_keep_is_write_seen_from_the_window(plan):
    for window in plan.windows:
        assert window.keep.shape == window.write.shape
        assert window.keep.y0 + window.read.y0 == window.write.y0
        assert window.keep.x1 + window.read.x0 == window.write.x1


@given(plans(), st.data())
def test_a_split_window_writes_the_same_pixels_with_the_same_context(plan, data):
    window = data.draw(st.sampled_from(plan.windows))
    pieces = split_window(plan, window, data.draw(st.integers(1, 4000)))
    count = covered(plan, pieces)
    inside = np.zeros(plan.shape, int)
    inside[window.write.slices] = 1
    np.testing.assert_array_equal(count, inside)
    for piece in pieces:
        for low, high, edge_low, edge_high in (
            (piece.write.y0 - piece.read.y0, piece.read.y1 - piece.write.y1, piece.read.y0, piece.read.y1),
            (piece.write.x0 - piece.read.x0, piece.read.x1 - piece.write.x1, piece.read.x0, piece.read.x1),
        ):
            assert low >= plan.rule.halo or edge_low == 0
            assert high >= plan.rule.halo or edge_high in [round_up(n, plan.rule.stride) for n in plan.shape]


@given(plans(mode="blend"))
def test_blend_weights_sum_to_one_and_are_never_near_zero(plan):
    total = np.zeros(plan.shape, np.float32)
    for window in plan.windows:
        weights = blend_weights(plan, window)
        total[window.write.slices] += weights
        assert weights.min() > 0.001
    np.testing.assert_allclose(total, 1.0, atol=1e-5)


@settings(max_examples=200)
@given(SIZE, SIZE, STRIDE, st.integers(0, 10), st.integers(1, 30000))
def test_the_chosen_window_keeps_to_the_budget_or_is_the_smallest_sensible(y, x, stride, halo, max_px):
    rule = TilingRule(stride, halo)
    window = choose_window((y, x), rule, max_px)
    plan = plan_tiles((y, x), rule, window)
    assert plan.window == window
    least = 2 * round_up(halo, stride) + max(stride, round_up(halo, stride))
    least = max(least, round_up(32, stride))
    smallest = tuple(min(least, round_up(n, stride)) for n in (y, x))
    assert window[0] * window[1] <= max_px or window == smallest


def test_the_choice_beats_squares_of_the_same_size():
    rule = TilingRule(8, 48)
    window = choose_window((600, 4096), rule, 512 * 512)
    chosen = plan_tiles((600, 4096), rule, window)
    square = plan_tiles((600, 4096), rule, (512, 512))
    assert computed_px(chosen) < computed_px(square)


def test_large_windows_compute_little_more_than_the_image():
    rule = TilingRule(8, 48)
    for window in ((2048, 2048), choose_window((4096, 4096), rule, 2048 * 2048)):
        plan = plan_tiles((4096, 4096), rule, window)
        assert computed_px(plan) <= 1.12 * 4096**2


def test_a_whole_image_restorer_gets_the_whole_image_at_any_budget():
    assert choose_window((100, 70), TilingRule(8, 0, "whole"), 1) == (104, 72)
    with pytest.raises(InputError, match="one piece"):
        plan_tiles((100, 70), TilingRule(1, 0, "whole"), (50, 70))


@pytest.mark.parametrize("window", [(40, 36), (32, 40), (8, 40)])
def test_a_window_off_the_grid_or_within_its_halos_is_refused(window):
    with pytest.raises(InputError, match="two halos"):
        plan_tiles((100, 100), TilingRule(8, 16), window)


def test_an_axis_shorter_than_the_tile_gets_one_window_of_its_own_size():
    plan = plan_tiles((5, 100), TilingRule(8, 8), (64, 64))
    assert plan.window == (8, 64)
    assert plan.describe() == {"window": [8, 64], "windows": 2, "stride": 8, "halo": 8, "mode": "exact"}
