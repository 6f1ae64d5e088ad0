"""Provisional overviews: frames where following puts them, strips by the stage, bounded size."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import zoom
from tests.overview.conftest import SIDE, make_scan, stack_of

from napari_emrestore.cameras.scanning import ScanPath
from napari_emrestore.cameras.stage import StageMotion
from napari_emrestore.core import Acquisition, Frame
from napari_emrestore.overview import sketching
from napari_emrestore.overview.sketching import Sketcher

QUIET = StageMotion(0, 50, 0, 0, (0, 0))
ALIKE = 0.6
"""Correlation of few noisy frames with the specimen; some pixels off it is below half of that."""


@pytest.fixture(scope="module")
def plain(specimen):
    """A shaken serpentine of three strips, evenly lit: a sketch evens nothing out."""
    return make_scan(specimen, ScanPath(3, 10, 20.0, 0.75 * SIDE))


def sketched(frames):
    sketcher = Sketcher(200.0)
    for frame in frames:
        sketcher.add(frame)
    return sketcher


def likeness(sketch, scan, specimen):
    """Return the correlation of a sketch with the specimen where it says it lies."""
    truth = specimen[60:, 60:]
    step = sketch.step_px
    y, x = (round((at - (step - 1) / 2) / step) for at in sketch.corner_px)
    small = zoom(truth, 1 / step, order=1, grid_mode=True, mode="grid-constant") if step > 1 else truth
    h, w = sketch.image.shape
    top, left = max(0, -y), max(0, -x)
    ours, theirs = sketch.image[top:, left:], small[y + top : y + h, x + left : x + w]
    seen = np.isfinite(ours)
    return np.corrcoef(ours[seen], theirs[seen])[0, 1]


def test_a_running_scan_is_seen_where_it_has_been(plain, specimen):
    frames = list(stack_of(plain))
    early, late = sketched(frames[:20]).sketch(), sketched(frames).sketch()
    assert (early.frames, late.frames, late.hidden) == (20, len(frames), 0)
    assert np.isfinite(late.image).sum() > 1.5 * np.isfinite(early.image).sum()
    assert likeness(late, plain, specimen) > ALIKE


def test_its_track_is_that_of_following_alone(plain):
    from napari_emrestore.overview.assembling import follow_all

    ours, theirs = sketched(stack_of(plain)).track(), follow_all(stack_of(plain), 200.0)
    np.testing.assert_array_equal(ours.chain_px, theirs.chain_px)
    assert ours.links == theirs.links


@pytest.mark.parametrize("known", [True, False])
def test_strips_the_view_jumps_to_lie_where_the_stage_says_or_are_left_out(specimen, known):
    scan = make_scan(specimen, ScanPath(3, 8, 16.0, 0.8 * SIDE, "jump"), motion=QUIET)
    frames = list(stack_of(scan))
    if known:
        stages = scan.told_px * 0.004
        frames = [
            replace(f, acquisition=replace(f.acquisition, extra={"stage_um": tuple(at)}))
            for f, at in zip(frames, stages, strict=True)
        ]
    sketch = sketched(frames).sketch()
    if known:
        assert sketch.hidden == 0
        assert likeness(sketch, scan, specimen) > ALIKE
        assert sketch.image.shape[0] > 2.5 * SIDE
    else:
        assert sketch.hidden == 16
        assert sketch.image.shape[0] < 1.2 * SIDE


def test_one_bad_frame_does_not_end_the_sketch(plain, specimen):
    frames = list(stack_of(plain))
    noise = np.random.default_rng(0).poisson(900, frames[20].data.shape).astype(np.uint16)
    frames[20] = replace(frames[20], data=noise)
    sketch = sketched(frames).sketch()
    assert sketch.hidden == 1
    assert likeness(sketch, plain, specimen) > ALIKE


def test_a_sketch_that_grows_too_large_goes_on_coarser(plain, specimen, monkeypatch):
    monkeypatch.setattr(sketching, "_MOST_PIXELS", 250 * 250)
    sketch = sketched(stack_of(plain)).sketch()
    assert sketch.step_px == 2
    assert sketch.image.size <= 250 * 250
    assert likeness(sketch, plain, specimen) > ALIKE


def test_before_the_first_frame_there_is_none_and_blank_frames_do_no_harm():
    assert Sketcher().sketch() is None
    blank = sketched([Frame(np.zeros((31, 47), np.uint8), k, Acquisition()) for k in range(3)]).sketch()
    assert blank.frames == 3
    assert np.nanmax(blank.image) == 0
