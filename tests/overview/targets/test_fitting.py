"""Places known on both sides give the stage map back, and its residual says how far it is off."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_emrestore.core import FormatError, InputError
from napari_emrestore.overview.targets import (
    StageMap,
    fit_stage_map,
    read_stage_map,
    write_stage_map,
)

from .scenes import stage_map, stages

CORNERS = np.array([(0.0, 0.0), (10.0, 900.0), (700.0, 20.0), (650.0, 850.0), (300.0, 400.0)])


def grid(rows=6, columns=9, step=110.0):
    return np.stack(np.meshgrid(np.arange(rows), np.arange(columns), indexing="ij"), -1).reshape(-1, 2) * step


@given(stages)
def test_four_places_give_any_affine_map_back(truth):
    found = fit_stage_map(CORNERS, truth.to_stage(CORNERS))
    assert found.fit.kind == "affine"
    size = max(truth.pixel_size_um)
    assert np.abs(found.to_stage(CORNERS) - truth.to_stage(CORNERS)).max() < 1e-6 * size * 1000
    assert np.abs(found.to_pixels(truth.to_stage(CORNERS)) - CORNERS).max() < 0.01


@given(st.floats(1e-4, 0.5), st.floats(0.2, 5), st.floats(-180, 180), st.booleans())
def test_three_places_give_turn_scale_and_hand_with_unequal_sides(size, ratio, turn, mirrored):
    truth = stage_map((size * ratio, size), turn, mirrored)
    nm = (truth.pixel_size_um[0] * 1000, truth.pixel_size_um[1] * 1000)
    found = fit_stage_map(CORNERS[:3], truth.to_stage(CORNERS[:3]), pixel_size_nm=nm)
    assert found.fit.kind == "similarity"
    assert found.is_mirrored is mirrored
    assert found.fit.residual_um == pytest.approx(0, abs=1e-6)
    assert np.abs(found.to_pixels(truth.to_stage(CORNERS)) - CORNERS).max() < 0.01
    assert math.cos(math.radians(found.rotation_deg - truth.rotation_deg)) == pytest.approx(1)


@given(stages, st.tuples(st.floats(-1e5, 1e5), st.floats(-1e5, 1e5)))
def test_there_and_back(truth, place):
    assert truth.to_pixels(truth.to_stage(place)) == pytest.approx(place, abs=1e-3)


def test_numbers_worked_out_by_hand():
    # x of the overview is y of the stage, half a micrometre a pixel; y of the overview is -x of it
    found = fit_stage_map([(0, 0), (0, 10), (20, 0), (20, 10)], [(3, 7), (8, 7), (3, -3), (8, -3)])
    assert np.allclose(found.matrix, [(0, 0.5, 3), (-0.5, 0, 7), (0, 0, 1)])
    assert found.pixel_size_um == pytest.approx((0.5, 0.5))
    assert found.rotation_deg == pytest.approx(90)
    assert not found.is_mirrored


def test_one_wrong_place_of_three_shows_in_the_residual():
    truth = stage_map((0.01, 0.01))
    places = truth.to_stage(CORNERS[:3])
    places[1] += (0.0, 0.5)
    fit = fit_stage_map(CORNERS[:3], places).fit
    assert 0.05 < fit.residual_um < 0.5
    assert fit.worst_um >= fit.residual_um
    assert fit.expected_um > fit.residual_um


def test_an_affine_map_of_three_places_claims_no_residual():
    truth = stage_map()
    fit = fit_stage_map(CORNERS[:3], truth.to_stage(CORNERS[:3]), kind="affine").fit
    assert (fit.residual_um, fit.worst_um, fit.expected_um) == (None, None, None)


def test_the_residual_is_what_noise_leaves_and_the_expectation_what_a_new_place_shows():
    rng = np.random.default_rng(0)
    truth, places = stage_map((0.02, 0.03)), grid()
    expected, shown = [], []
    for _ in range(60):
        noisy = truth.to_stage(places) + rng.normal(0, 0.1, places.shape)
        found = fit_stage_map(places, noisy)
        expected.append(found.fit.expected_um)
        shown.append(found.fit.residual_um)
    assert np.mean(expected) == pytest.approx(0.1 * math.sqrt(2), rel=0.05)
    assert np.mean(shown) < np.mean(expected)


@settings(max_examples=20)
@given(st.integers(0, 2**31), stages)
def test_wrong_places_are_rejected_and_named(seed, truth):
    rng = np.random.default_rng(seed)
    places = grid()
    measured = truth.to_stage(places) + rng.normal(0, 1e-3, places.shape)
    wrong = rng.choice(len(places), 8, replace=False)
    size = max(truth.pixel_size_um)
    measured[wrong] += rng.choice([-1, 1], (8, 2)) * (size * rng.uniform(60, 300, (8, 2)) + 0.1)
    found = fit_stage_map(places, measured, reject=True)
    assert set(wrong) <= set(found.fit.rejected)
    assert len(found.fit.rejected) < 16
    assert found.fit.used == len(places) - len(found.fit.rejected)
    assert np.abs(found.to_stage(places) - truth.to_stage(places)).max() < 3e-3


def test_exact_places_are_all_kept():
    truth = stage_map()
    assert fit_stage_map(grid(), truth.to_stage(grid()), reject=True).fit.rejected == ()


def test_a_single_strip_of_frames_needs_the_hand_and_no_more():
    truth, strip = stage_map((0.01, 0.01), 12.0), np.array([(0.0, 50.0 * k) for k in range(9)])
    with pytest.raises(InputError, match="one line"):
        fit_stage_map(strip, truth.to_stage(strip))
    found = fit_stage_map(strip, truth.to_stage(strip), mirrored=True)
    assert found.to_pixels(truth.to_stage(CORNERS)) == pytest.approx(CORNERS, abs=1e-6)


@pytest.mark.parametrize(
    ("pixels", "stage", "options", "match"),
    [
        ([(0, 0), (1, 1)], [(0, 0), (1, 1)], {}, "needs 3 different places"),
        ([(5, 5)] * 4, [(0, 0)] * 4, {}, "the same one"),
        ([(0, 0), (1, 1), (2, 2)], [(0, 0), (1, 1), (2, 2)], {"kind": "affine"}, "one line"),
        ([(0, 0), (1, 1), (2, 0)], [(0, 0), (1, 1)], {}, "as many in pixels"),
        ([(0, 0), (1, math.nan), (2, 0)], [(0, 0), (1, 1), (2, 2)], {}, "finite"),
        ([(0, 0), (1, 1), (2, 0)], [(0, 0), (1, 1), (2, 2)], {"kind": "quadratic"}, "one of auto"),
        ([(0, 0), (1, 1), (2, 0)], [(0, 0), (1, 1), (2, 2)], {"reject": True}, "Six places"),
        (CORNERS, np.zeros((5, 2)), {}, "inverse"),
    ],
)
def test_places_that_cannot_be_fitted_say_why(pixels, stage, options, match):
    with pytest.raises(InputError, match=match):
        fit_stage_map(pixels, stage, **options)


@given(stages)
def test_a_stage_map_survives_its_file(tmp_path_factory, truth):
    path = tmp_path_factory.mktemp("stage") / "stage.json"
    fitted = fit_stage_map(grid(), truth.to_stage(grid()), reject=True, z_um=truth.z_um)
    for one in (truth, fitted):
        write_stage_map(one, path)
        assert read_stage_map(path) == one


def test_damaged_files_of_stage_maps_are_refused(tmp_path):
    path = tmp_path / "stage.json"
    write_stage_map(stage_map(), path)
    good = json.loads(path.read_text())
    bad = [
        "", "[1]", "{}", json.dumps({**good, "version": 2}), json.dumps({**good, "matrix": [[1, 2], [3, 4]]}),
        json.dumps({**good, "matrix": [["a"] * 3] * 3}), json.dumps({**good, "surprise": 1}),
        path.read_text()[:60], json.dumps({**good, "fit": {"kind": 3}}),
    ]  # fmt: skip
    for text in bad:
        path.write_text(text)
        with pytest.raises(FormatError, match=r"stage\.json"):
            read_stage_map(path)
    with pytest.raises(InputError, match=r"nowhere\.json"):
        read_stage_map(tmp_path / "nowhere.json")


@pytest.mark.parametrize(
    "matrix",
    [
        ((1.0, 0.0), (0.0, 1.0)),
        ((1.0, 2.0, 0.0), (2.0, 4.0, 0.0), (0.0, 0.0, 1.0)),
        ((1.0, 0.0, math.inf), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
        ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.1, 0.0, 1.0)),
        ((0.0, 0.0, 0.0), (0.0, 0.0, 0.0), (0.0, 0.0, 1.0)),
    ],
)
def test_a_matrix_that_maps_no_plane_is_refused(matrix):
    with pytest.raises(InputError, match="inverse"):
        StageMap(matrix)
