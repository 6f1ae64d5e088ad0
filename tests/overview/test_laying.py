"""Frames of scans whose truth is known: places, closed loops, rejected pairs, strips that must be found."""

from dataclasses import replace

import numpy as np
import pytest
from tests.overview.conftest import SIDE, make_scan, placement_error_px, stack_of

from napari_emrestore.cameras.scanning import ScanPath, simulate_scan
from napari_emrestore.cameras.stage import StageMotion
from napari_emrestore.core import Acquisition, Cancelled, Frame, InputError
from napari_emrestore.io import FrameStack
from napari_emrestore.overview import Layout, MosaicSettings, Tracker, lay_out, place_frames
from napari_emrestore.overview.assembling import follow_all
from napari_emrestore.overview.legs import put_by_stage


def test_a_shaken_serpentine_is_laid_out_to_half_a_pixel(layout, shaken):
    assert layout.placed.all()
    assert placement_error_px(layout, shaken) < 0.5
    assert layout.rms_residual_px < 0.5


def test_closing_loops_takes_the_errors_of_the_path_away(layout, shaken, settings):
    chain = follow_all(stack_of(shaken), settings.dark).chain_px
    alone = replace(layout, places_px=chain)
    assert placement_error_px(layout, shaken) < 0.7 * placement_error_px(alone, shaken)


def test_the_field_of_the_beam_is_found_without_knowing_the_specimen(layout, field):
    found = layout.shading.field
    ratio = found / field
    assert ratio.std() / ratio.mean() < 0.15 * field.std() / field.mean()


def test_strips_without_a_path_between_them_are_found_by_their_looks(specimen):
    scan = make_scan(
        specimen, ScanPath(3, 14, 16.0, 0.7 * SIDE, "jump"), motion=StageMotion(0, 50, 0, 0, (0, 0))
    )
    found = place_frames(stack_of(scan), MosaicSettings(dark=200.0))
    assert found.placed.all()
    assert placement_error_px(found, scan) < 0.5


def test_a_turned_and_mirrored_stage_with_a_wrong_scale_puts_strips_where_they_belong(specimen):
    scan = make_scan(
        specimen, ScanPath(3, 14, 16.0, 0.7 * SIDE, "jump"), motion=StageMotion(0, 50, 0, 0, (0, 0))
    )
    turned = np.array([[0.3, 1.1], [1.1, -0.3]]) * 0.0052
    told = scan.told_px @ turned.T + np.random.default_rng(0).normal(0, 0.004, scan.told_px.shape)
    found = place_frames(stack_of(scan), MosaicSettings(dark=200.0), stage_um=told)
    assert found.placed.all()
    assert placement_error_px(found, scan) < 0.6


def test_a_frame_that_shows_something_else_is_left_out_and_counted(shaken, settings):
    frames = shaken.frames.copy()
    frames[20] = np.random.default_rng(0).poisson(900, frames[20].shape)
    found = place_frames(FrameStack.from_array(frames), settings)
    assert np.flatnonzero(~found.placed).tolist() == [20]
    assert any("1 frame" in note for note in found.notes)
    rest = np.delete(np.arange(len(frames)), 20)
    off = found.places_px[rest] - shaken.truth_px[rest]
    assert np.abs(off - off.mean(axis=0)).max() < 1.0


def test_with_a_stage_such_a_frame_lies_where_the_stage_says(shaken, settings):
    frames = shaken.frames.copy()
    frames[20] = np.random.default_rng(0).poisson(900, frames[20].shape)
    found = place_frames(FrameStack.from_array(frames), settings, stage_um=shaken.told_px * 0.004)
    assert found.placed_by[20] == "stage"
    off = found.places_px - shaken.truth_px
    assert np.abs(off[20] - np.median(off, axis=0)).max() < 12.0


def test_frames_that_show_nothing_lie_where_a_stage_with_other_axes_says(specimen):
    scan = simulate_scan(
        specimen,
        ScanPath(3, 4, 0.6 * SIDE, 0.6 * SIDE, "jump"),
        frame_shape=(SIDE, SIDE),
        rng=np.random.default_rng(1),
        exposure_s=1e-4,
    )
    frames, told = scan.frames.copy(), scan.truth_px * 0.004
    frames[5] = np.random.default_rng(0).poisson(900, frames[5].shape)
    c, s = np.cos(np.deg2rad(2.0)), np.sin(np.deg2rad(2.0))
    turned = told @ (1.01 * np.array([[c, -s + 0.01], [s, c]])).T
    stack = FrameStack.from_array(frames, Acquisition("grid", pixel_size_nm=(4.0, 4.0)))
    found = place_frames(stack, MosaicSettings(dark=200.0), stage_um=turned)
    assert found.placed_by == tuple("stage" if k == 5 else "image" for k in range(12))
    off = found.places_px - scan.truth_px
    off -= np.delete(off, 5, axis=0).mean(axis=0)
    assert np.sqrt((off**2).sum(axis=1).mean()) < 0.5
    assert np.hypot(*off[5]) < 1.0


def test_along_one_line_a_stage_tells_nothing_across_it():
    places = np.array([[0.0, 0], [0, 10], [0, 20], [3, 30]])
    stage, groups = np.array([[0.0, 0], [0, 1], [0, 2], [1, 3]]), np.array([0, 0, 0, 1])
    np.testing.assert_array_equal(put_by_stage(places, stage, groups, 0), places)


def test_one_frame_is_a_mosaic():
    frame = np.random.default_rng(0).poisson(50, (1, 40, 56)).astype(np.uint16)
    found = place_frames(FrameStack.from_array(frame))
    assert found.shape == (40, 56)
    assert np.isnan(found.rms_residual_px)


@pytest.mark.parametrize("value", [0, 7])
def test_blank_frames_are_all_left_out_but_one(value):
    found = place_frames(FrameStack.from_array(np.full((4, 33, 47), value, np.uint8)))
    assert found.placed.sum() == 1
    assert "3 frames" in found.notes[0]


def test_a_layout_comes_back_from_json(layout):
    again = Layout.from_json(layout.to_json())
    np.testing.assert_array_equal(again.places_px, layout.places_px)
    np.testing.assert_array_equal(again.residual_px, layout.residual_px)
    np.testing.assert_array_equal(again.shading.field, layout.shading.field)
    assert again.pairs == layout.pairs or any(np.isnan(p.residual_px) for p in layout.pairs)
    assert again.placed_by == layout.placed_by


def test_what_is_no_layout_is_refused():
    with pytest.raises(InputError, match="layout"):
        Layout.from_json('{"layout": 1}')


def test_frames_of_two_shapes_are_refused():
    tracker = Tracker()
    tracker.add(Frame(np.eye(30), 0, Acquisition()))
    with pytest.raises(InputError, match="frame 1"):
        tracker.add(Frame(np.eye(31), 1, Acquisition()))


def test_a_track_of_other_frames_and_an_unknown_matching_are_refused(shaken, settings):
    track = follow_all(stack_of(shaken), settings.dark)
    with pytest.raises(InputError, match="belongs"):
        lay_out(track, FrameStack.from_array(shaken.frames[:5]))
    with pytest.raises(InputError, match="whatever"):
        lay_out(track, stack_of(shaken), matching="whatever")


def test_stopping_stops(shaken, recorder):
    with pytest.raises(Cancelled):
        place_frames(stack_of(shaken), monitor=recorder(stop_at=3))
