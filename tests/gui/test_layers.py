"""Layers and frames: nothing is computed, nothing moves, nothing is lost."""

import dask.array as da
import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image

from napari_emrestore.core import Acquisition, InputError, Provenance
from napari_emrestore.widgets.layers import (
    add_result,
    contrast_limits,
    image_options,
    metadata,
    provenance_of,
    read_frames,
)


def test_a_stack_spells_its_axes_out():
    layer = Image(
        np.zeros((60, 24, 32), np.uint16),
        scale=(10, 31.25, 31.25),
        units=("ms", "nm", "nm"),
        axis_labels=("t", "y", "x"),
        name="stream",
    )
    frames = read_frames(layer)
    assert frames.text == "T Y X, 60 × 24 × 32 uint16, 31.25 nm/px"
    assert frames.acquisition.pixel_size_nm == (31.25, 31.25)
    assert frames.acquisition.frame_axis == "time"
    assert frames.acquisition.name == "stream"
    assert frames.data is layer.data


@pytest.mark.parametrize(("unit", "factor"), [("nm", 1), ("µm", 1000), ("angstrom", 0.1), ("pm", 1e-3)])
def test_lengths_become_nanometres(unit, factor):
    layer = Image(np.zeros((5, 6)), scale=(2, 3), units=(unit, unit))
    assert read_frames(layer).acquisition.pixel_size_nm == pytest.approx((2 * factor, 3 * factor))


def test_pixels_are_no_length():
    frames = read_frames(Image(np.zeros((5, 6), np.float32)))
    assert frames.acquisition.pixel_size_nm is None
    assert not frames.is_stack
    assert frames.data.shape == (1, 5, 6)
    assert frames.text == "Y X, 5 × 6 float32, pixel size unknown"


def test_lazy_multiscale_and_deeper_layers_stay_lazy():
    pyramid = [da.zeros((4, 64, 64)), da.zeros((4, 32, 32))]
    frames = read_frames(Image(pyramid, multiscale=True, contrast_limits=(0, 1)))
    assert isinstance(frames.data, da.Array)
    assert frames.data.shape == (4, 64, 64)
    deep = da.stack([da.full((3, 8, 9), i) for i in range(2)])
    second = read_frames(Image(deep, contrast_limits=(0, 1)), at=(1,))
    assert second.data.shape == (3, 8, 9)
    assert float(second.data.mean().compute()) == 1


def test_colour_and_complex_are_refused():
    with pytest.raises(InputError, match="colour"):
        read_frames(Image(np.zeros((8, 8, 3), np.uint8), rgb=True))


def _place(layer, point):
    return np.asarray(layer.data_to_world(point))


@pytest.mark.parametrize("axes", [2, 3])
def test_a_result_lies_where_its_pixels_were(axes):
    rng = np.random.default_rng(0)
    affine = np.eye(axes + 1)
    affine[-3:-1, -3:-1] = [[1.1, 0.2], [-0.1, 0.9]]
    affine[-3:-1, -1] = (5, -7)
    source = Image(
        rng.random((4, 20, 30)[-axes:]),
        scale=(3, 2, 0.5)[-axes:],
        translate=(9, 4, 6)[-axes:],
        shear=[0.1] if axes == 2 else [0, 0, 0.1],
        affine=affine,
        units=("ms", "nm", "nm")[-axes:],
        axis_labels=("t", "y", "x")[-axes:],
        name="raw",
    )
    before = source.data.copy()
    viewer = ViewerModel()
    result = add_result(viewer, np.ones((10, 12), np.float32), source, "raw · model", origin_px=(3, 7))
    expected = _place(source, (0, 3 + 2, 7 + 4)[-axes:])[-2:]
    np.testing.assert_allclose(_place(result, (2, 4)), expected)
    assert [str(u) for u in result.units] == ["nanometer", "nanometer"]
    assert tuple(result.axis_labels) == ("y", "x")
    np.testing.assert_array_equal(source.data, before)


def test_a_stack_made_from_a_turned_stack_stays_on_it():
    source = Image(np.zeros((4, 20, 30)), scale=(3, 2, 0.5), rotate=np.eye(3)[[0, 2, 1]] * [1, 1, -1])
    result = add_result(ViewerModel(), np.zeros((4, 18, 28), np.float32), source, "out", origin_px=(1, 1))
    np.testing.assert_allclose(_place(result, (2, 5, 6)), _place(source, (2, 6, 7)))


def test_provenance_and_acquisition_travel_with_a_layer():
    record = Provenance("restore", model={"id": "mean"}, seconds=1.5)
    known = Acquisition("film", dose_e=30.0, pixel_size_nm=(2.0, 2.0), frame_axis="time", frame_step=15.0)
    layer = Image(np.zeros((3, 8, 8)), **image_options(known, stack=True, provenance=record))
    assert provenance_of(layer) == record
    assert read_frames(layer).acquisition.dose_e == 30.0
    assert tuple(layer.scale) == (15.0, 2.0, 2.0)
    assert [str(u) for u in layer.units] == ["millisecond", "nanometer", "nanometer"]
    assert provenance_of(Image(np.zeros((4, 4)))) is None
    assert metadata(known)["emrestore"]["acquisition"]["dose_e"] == 30.0


def test_contrast_limits_ignore_what_is_not_finite():
    image = np.linspace(0, 1, 10_000, dtype=np.float32).reshape(100, 100)
    image[0, :5] = np.nan
    low, high = contrast_limits(image)
    assert 0 <= low < 0.01
    assert 0.99 < high <= 1
    assert contrast_limits(np.full((4, 4), np.nan, np.float32)) == (0.0, 1.0)
    assert contrast_limits(np.full((4, 4), 7.0, np.float32)) == (7.0, 8.0)
