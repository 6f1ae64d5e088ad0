"""The expected error goes the way of the image: tiled alike, in input units, and the image stays the same."""

import numpy as np
import pytest
from tests.small_networks import PARAMETERS, small_network

from napari_emrestore.core import InputError, ModelCard, TilingRule, TrainedRange
from napari_emrestore.restoration import load_restorer, restore
from napari_emrestore.restoration.budget import work_bytes
from napari_emrestore.restoration.devices import Device
from napari_emrestore.restoration.inputs import gather
from napari_emrestore.restoration.torch_restorer import TorchRestorer

CARD = ModelCard(
    "small",
    "1",
    "Small",
    "A test.",
    "denoise",
    "burst_naf",
    PARAMETERS,
    tiling=TilingRule(4, 32),
    trained=TrainedRange((1, 3)),
)


@pytest.fixture(scope="module")
def teller():
    """A restorer with random weights that tells an error which varies from pixel to pixel."""
    network = small_network(shaken=True).eval()
    return TorchRestorer(CARD, network, Device("cpu", "cpu", 0))


@pytest.fixture
def image(rng):
    return rng.normal(500, 40, (101, 150)).astype(np.float32)


def test_tiles_tell_what_the_whole_tells(teller, image):
    whole = restore(image, teller, tile=256, expected_error=True)
    tiled = restore(image, teller, tile=96, expected_error=True)
    assert tiled.provenance.settings["tile"]["windows"] > 1
    error = whole.expected_error
    assert error.shape == image.shape
    assert error.dtype == np.float32
    assert error.min() > 0
    assert np.ptp(error) > 0.1 * error.mean()
    np.testing.assert_allclose(tiled.expected_error, error, rtol=1e-4)


def test_the_image_is_the_same_as_without(teller, image):
    plain, told = restore(image, teller), restore(image, teller, expected_error=True)
    np.testing.assert_array_equal(told.image, plain.image)
    assert plain.expected_error is None


def test_it_is_in_the_units_of_the_input(teller, image):
    once = restore(image, teller, expected_error=True).expected_error
    other = restore(3 * image - 700, teller, expected_error=True).expected_error
    np.testing.assert_allclose(other, 3 * once, rtol=2e-3)


def test_nothing_is_expected_where_nothing_was_measured(teller, image):
    image[40:44, 50:60] = np.nan
    made = restore(image, teller, expected_error=True)
    np.testing.assert_array_equal(np.isnan(made.expected_error), np.isnan(image))


@pytest.mark.parametrize("shape", [(1, 1), (5, 7), (2, 33, 30)])
def test_any_shape_has_its_error(teller, rng, shape):
    made = restore(rng.random(shape), teller, expected_error=True)
    assert made.expected_error.shape == made.image.shape
    assert np.isfinite(made.expected_error).all()


def test_it_can_go_to_an_array_on_disk(teller, image, tmp_path):
    zarr = pytest.importorskip("zarr")
    arrays = [
        zarr.create_array(tmp_path / name, shape=image.shape, dtype="float32", chunks=(32, 64))
        for name in ("image", "error")
    ]
    restore(image, teller, tile=96, out=arrays[0], expected_error=True, error_out=arrays[1])
    known = restore(image, teller, tile=96, expected_error=True)
    np.testing.assert_array_equal(arrays[0][:], known.image)
    np.testing.assert_array_equal(arrays[1][:], known.expected_error)
    with pytest.raises(InputError, match="shape"):
        restore(image, teller, expected_error=True, error_out=arrays[1][:50])


def test_who_cannot_tell_says_so(image):
    with pytest.raises(InputError, match=r"error head.*mean"):
        restore(image, load_restorer("mean"), expected_error=True)


def test_memory_is_kept_for_both_arrays(teller, image):
    inputs = gather(np.zeros((1 << 13, 1 << 13), np.uint8), teller)
    alone = work_bytes(inputs, teller)
    inputs.results = 2
    assert alone - work_bytes(inputs, teller) in (0, 4 << 26)  # 0 where free memory rules
