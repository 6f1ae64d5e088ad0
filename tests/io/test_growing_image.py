"""An image that grows: every level at any moment, pieces in any order, and only whole pieces."""

import numpy as np
import pytest
import zarr

from napari_emrestore.core import Acquisition, InputError
from napari_emrestore.io.growing_image import GrowingImage
from napari_emrestore.io.pyramid import halve_measured

SHAPE = (1100, 1600)


def growing(path):
    group = zarr.open_group(str(path), mode="a", zarr_format=3)
    return group, GrowingImage(group, SHAPE, np.dtype(np.float32), Acquisition("image"))


def pieces():
    return [(y, x) for y in range(0, SHAPE[0], 512) for x in range(0, SHAPE[1], 512)]


def test_pieces_in_any_order_give_the_pyramid_of_the_whole(tmp_path):
    rng = np.random.default_rng(0)
    whole = rng.normal(size=SHAPE).astype(np.float32)
    group, image = growing(tmp_path / "a.zarr")
    order = rng.permutation(len(pieces()))
    for n in order:
        y, x = pieces()[n]
        image.put(y, x, whole[y : y + 512, x : x + 512])
    image.flush()
    wanted = whole
    for level in ("0", "1", "2"):
        np.testing.assert_allclose(group[level][:], wanted, rtol=1e-4, atol=1e-6)
        wanted = halve_measured(wanted)


def test_what_is_there_can_be_read_and_the_rest_is_no_number(tmp_path):
    group, image = growing(tmp_path / "a.zarr")
    image.put(512, 512, np.ones((512, 512), np.float32))
    image.flush()
    assert np.isfinite(group["0"][:]).sum() == 512**2
    assert np.isfinite(group["1"][:]).sum() == 256**2
    again, later = growing(tmp_path / "a.zarr")
    later.put(0, 0, np.ones((512, 512), np.float32))
    later.flush()
    assert np.isfinite(again["1"][:]).sum() == 2 * 256**2, "another run goes on with the copies"


@pytest.mark.parametrize(("y", "x", "shape"), [(1, 0, (512, 512)), (0, 0, (512, 511)), (1024, 0, (512, 512))])
def test_other_pieces_are_refused(tmp_path, y, x, shape):
    _, image = growing(tmp_path / "a.zarr")
    with pytest.raises(InputError, match="chunks"):
        image.put(y, x, np.zeros(shape, np.float32))
