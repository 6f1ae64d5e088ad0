"""Tiles of a mosaic: they agree with the whole, show the specimen without seams, and say what they know."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from tests.overview.conftest import stack_of

from napari_emrestore.cameras.specimen import expose
from napari_emrestore.core import InputError
from napari_emrestore.io import FrameStack
from napari_emrestore.overview import Layout, mosaic_tile, plan_mosaic
from napari_emrestore.overview.composing import frame_count
from napari_emrestore.overview.places import CELL_PX, plan_bursts
from napari_emrestore.overview.planning import MosaicPlan
from napari_emrestore.overview.seams import seam_score
from napari_emrestore.overview.shading import even
from napari_emrestore.restoration import load_restorer
from napari_emrestore.restoration.plan import Rect


def layout_at(places, side, shape):
    places = np.asarray(places, float)
    n = len(places)
    return Layout((side, side), shape, places, np.full(n, 0.1), ("image",) * n, even((side, side), n))


def whole_of(plan, source, restorer=None):
    height, width = plan.layout.shape
    return mosaic_tile(plan, source, Rect(0, height, 0, width), restorer)


@pytest.mark.parametrize("composition", ["blend", "best"])
@pytest.mark.parametrize("model", ["mean", "gaussian"])
def test_pieces_are_the_whole(layout, shaken, composition, model):
    restorer, frames = load_restorer(model), stack_of(shaken)
    plan = plan_mosaic(layout, frames, restorer, composition=composition, frames=4)
    whole = whole_of(plan, frames, restorer)
    for part in (Rect(0, 96, 64, 160), Rect(101, 207, 33, 190)):
        piece = mosaic_tile(plan, frames, part, restorer)
        for name, pixels in piece.images.items():
            np.testing.assert_allclose(
                pixels, whole.images[name][part.slices], rtol=1e-5, atol=1e-3, err_msg=name
            )


def test_the_mosaic_shows_the_specimen_evenly_and_without_seams(layout, shaken, specimen):
    frames, restorer = stack_of(shaken), load_restorer("mean")
    plan = plan_mosaic(layout, frames, restorer)
    made = whole_of(plan, frames, restorer).images
    corner = (shaken.truth_px - layout.places_px).mean(axis=0)
    truth = shaken.detector.expected(expose(specimen, corner[None], layout.shape))
    for name in ("raw", "restored"):
        seen = np.isfinite(made[name])
        assert seen.mean() > 0.9
        assert np.corrcoef(made[name][seen], truth[seen])[0, 1] > 0.7
        assert seam_score(made[name] - truth, layout) < 1.1
    gain = np.nanmean(made["raw"]) / truth[np.isfinite(made["raw"])].mean()
    inner = np.s_[10:-10, 40:-40]
    rows = np.nanmean((made["restored"] / truth / gain)[inner], axis=1)
    assert np.abs(rows - 1).max() < 0.06, "no trace of the corners of frames, which get a quarter less light"


def test_seams_are_seen_where_there_are_some():
    layout = layout_at([[0, 0], [0, 100]], 130, (130, 230))
    noise = np.random.default_rng(0).normal(0, 0.5, layout.shape)
    assert seam_score(noise, layout) == pytest.approx(1, abs=0.1)
    stepped = noise + 2.0 * (np.arange(230) >= 100)
    assert seam_score(stepped, layout) > 1.5
    stepped[:, 50] = np.nan
    assert seam_score(stepped, layout) > 1.5
    assert np.isnan(seam_score(noise[:, :130], layout_at([[0, 0]], 130, (130, 130)))), "no rim within"


def test_maps_say_how_many_frames_and_how_sure(layout, shaken):
    frames = stack_of(shaken)
    made = whole_of(plan_mosaic(layout, frames, frames=6), frames).images
    count = np.zeros(layout.shape, int)
    for y, x in layout.places_px:
        count[int(np.ceil(y)) + 2 : int(np.floor(y)) + 158, int(np.ceil(x)) + 2 : int(np.floor(x)) + 158] += 1
    assert np.abs(made["frames"].astype(int) - count).max() <= 4
    assert (made["frames"] == count).mean() > 0.8
    np.testing.assert_allclose(made["coverage"], np.minimum(made["frames"], 6) / 6, rtol=1e-6)
    assert np.nanmin(made["residual"]) >= 0
    assert 0 <= np.nanmin(made["confidence"]) <= np.nanmax(made["confidence"]) <= 1
    assert np.isnan(made["confidence"][made["frames"] < 2]).all()
    assert np.isnan(made["raw"][made["frames"] == 0]).mean() > 0.5


def test_confidence_is_high_on_structure_and_low_on_noise():
    rng = np.random.default_rng(0)
    scene = np.zeros((96, 96))
    scene[:, :48] = 300 * (np.indices((96, 48)).sum(axis=0) // 6 % 2)
    frames = FrameStack.from_array((1000 + scene + rng.normal(0, 50, (5, 96, 96))).astype(np.float32))
    plan = plan_mosaic(layout_at(np.zeros((5, 2)), 96, (96, 96)), frames)
    confidence = whole_of(plan, frames).images["confidence"]
    assert confidence[20:-20, 10:36].mean() > 0.9
    assert confidence[20:-20, 60:-10].mean() < 0.3


@hypothesis_settings(max_examples=20, deadline=None)
@given(
    count=st.integers(1, 9),
    most=st.integers(1, 5),
    seed=st.integers(0, 999),
)
def test_every_pixel_gets_the_frames_it_has_up_to_the_burst(count, most, seed):
    rng = np.random.default_rng(seed)
    layout = layout_at(rng.uniform(0, 60, (count, 2)), 70, (132, 132))
    area = Rect(0, 160, 0, 160)
    filled = np.zeros((most, 160, 160), int)
    for patch in plan_bursts(layout, area, most):
        y, x = (c * CELL_PX for c in patch.cell)
        block = filled[:, y : y + CELL_PX, x : x + CELL_PX]
        if patch.slots is None:
            block[patch.slot] += 1
        else:
            for slot in range(most):
                block[slot] += patch.slots == slot
    assert filled.max() <= 1, "no slot is filled twice"
    np.testing.assert_array_equal(filled.sum(axis=0), np.minimum(frame_count(layout, area), most))


def test_one_small_frame_far_from_the_grid_of_cells():
    frame = np.arange(35 * 41, dtype=np.float32).reshape(1, 35, 41)
    layout = Layout((35, 41), (35, 41), np.zeros((1, 2)), np.array([np.nan]), ("image",), even((35, 41), 1))
    frames = FrameStack.from_array(frame)
    made = whole_of(plan_mosaic(layout, frames, composition="best"), frames).images
    np.testing.assert_array_equal(made["raw"][2:-2, 2:-2], frame[0, 2:-2, 2:-2])
    assert np.isnan(made["confidence"]).all()


def test_tiles_cover_each_pixel_once():
    layout = layout_at([[0, 0], [700, 900]], 400, (1100, 1300))
    seen = np.zeros(layout.shape, int)
    for tile in MosaicPlan(layout).tiles:
        seen[tile.slices] += 1
    assert (seen == 1).all()


@pytest.mark.parametrize(
    ("change", "word"),
    [({"composition": "sum"}, "sum"), ({"frames": 0}, "0"), ({"restorer": "wiener"}, "whole")],
)
def test_plans_that_cannot_be_made_are_refused(layout, shaken, change, word):
    restorer = load_restorer(change.pop("restorer")) if "restorer" in change else None
    with pytest.raises(InputError, match=word):
        plan_mosaic(layout, stack_of(shaken), restorer, **change)
