"""The words: they refuse nonsense with facts, and geometry and intensity maps are true inverses."""

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_emrestore.core import (
    Burst,
    Cancelled,
    EmRestoreError,
    InputError,
    IntensityMap,
    Provenance,
    Warp,
)


def test_an_error_is_one_sentence_and_keeps_its_facts():
    error = InputError("A needed", item="frame 3", came="is B", remedy="Do C.")
    assert str(error) == "A needed; frame 3 is B. Do C."
    assert (error.needed, error.item, error.came, error.remedy) == ("A needed", "frame 3", "is B", "Do C.")
    assert isinstance(error, ValueError)
    assert isinstance(error, EmRestoreError)


@pytest.mark.parametrize(
    "error",
    [
        InputError("Two are needed", item="frame 3", came="came alone", remedy="Add one."),
        Cancelled("aligning"),
    ],
    ids=["input", "cancelled"],
)
def test_an_error_comes_whole_from_another_process(error):
    travelled = pickle.loads(pickle.dumps(error))
    assert type(travelled) is type(error)
    assert str(travelled) == str(error)
    assert vars(travelled) == vars(error)


@pytest.mark.parametrize("frames", [np.zeros((4, 4)), np.zeros((0, 4, 4)), np.zeros((2, 4, 4), complex)])
def test_a_burst_refuses_what_is_no_burst(frames):
    with pytest.raises(InputError):
        Burst(frames)


def test_a_burst_counts_its_frames_from_zero_unless_told():
    assert Burst(np.zeros((3, 2, 2))).indices == (0, 1, 2)
    with pytest.raises(InputError, match="2 indices came for 3 frames"):
        Burst(np.zeros((3, 2, 2)), indices=(1, 2))


small = st.floats(-0.2, 0.2)


@given(small, small, small, small, st.floats(-50, 50), st.floats(-50, 50))
def test_warp_bridges_and_inverts(a, b, c, d, ty, tx):
    warp = Warp(np.array([[1 + a, b, ty], [c, 1 + d, tx], [0, 0, 1]]), "affine")
    points = np.array([[0.0, 0.0], [10.0, 3.0], [-4.0, 7.5]])
    np.testing.assert_allclose(warp.inverse().apply(warp.apply(points)), points, atol=1e-8)
    np.testing.assert_allclose(Warp.from_xy(warp.to_xy()).matrix, warp.matrix, atol=1e-12)
    swapped = (warp.to_xy() @ np.c_[points[:, ::-1], np.ones(3)].T)[:2].T[:, ::-1]
    np.testing.assert_allclose(warp.apply(points), swapped, atol=1e-10)
    identity = warp.after(warp.inverse())
    assert identity.corner_distance_px(Warp.identity(), (64, 48)) < 1e-8


def test_warp_shift_is_reference_to_moving():
    warp = Warp.from_shift((3.0, -2.0))
    np.testing.assert_allclose(warp.apply([10.0, 10.0]), [13.0, 8.0])
    assert warp.shift_px((20, 31)) == pytest.approx((3.0, -2.0))


@pytest.mark.parametrize("matrix", [np.zeros((3, 3)), np.full((3, 3), np.nan), np.eye(2)])
def test_a_warp_refuses_singular_and_not_finite_matrices(matrix):
    with pytest.raises(InputError):
        Warp(matrix)


def test_the_intensity_map_does_not_depend_on_dose():
    rng = np.random.default_rng(3)
    scene = np.kron(rng.uniform(0.2, 1.0, (32, 32)), np.ones((8, 8)))
    spans = []
    for dose in (10, 100, 10_000):
        noisy = rng.poisson(scene * dose) / dose
        spans.append(IntensityMap.from_signal(noisy).scale)
    np.testing.assert_allclose(spans, spans[-1], rtol=0.05)


@pytest.mark.parametrize("image", [np.full((7, 5), 12.5), np.zeros((1, 1)), np.full((3, 3), np.nan)])
def test_the_intensity_map_of_a_blank_image_is_usable(image):
    mapped = IntensityMap.from_signal(image)
    assert mapped.scale == 1.0
    assert np.isfinite(mapped.offset)


def test_the_intensity_map_goes_back_without_clamping():
    data = np.array([[-5.0, 0.0], [3e4, 7e4]], np.float32)
    there_and_back = IntensityMap(100.0, 2000.0)
    np.testing.assert_allclose(
        there_and_back.to_input(there_and_back.to_model(data)), data, rtol=1e-5, atol=0.01
    )


def test_provenance_survives_json_and_refuses_other_text():
    record = Provenance("restore", {"id": "m"}, ({"name": "a"},), {"tile": 512}, notes=("n",))
    assert Provenance.from_json(record.to_json()) == record
    with pytest.raises(InputError):
        Provenance.from_json('{"unknown": 1}')
