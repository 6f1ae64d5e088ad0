"""Crops show the raw overview as the microscope would, with the region in the middle."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_emrestore.core import Cancelled, InputError
from napari_emrestore.io import open_frames
from napari_emrestore.overview.region_geometry import centre
from napari_emrestore.overview.regions import Overview, Region, RegionClass, RegionSet
from napari_emrestore.overview.targets.crops import CropView, crop, write_crops

SHAPE = (120, 150)
Y, X = np.mgrid[: SHAPE[0], : SHAPE[1]].astype(float)
# smooth, so that what a place should show is known between pixels
RAW = (1000 + 300 * np.sin(Y / 11) + 200 * np.cos(X / 9 + Y / 30)).astype(np.float32)


def overview(size=(4.0, 7.0)):
    return Overview("grid", SHAPE, size)


SQUARE = overview((4.0, 4.0))


def a_set(*places, path=""):
    points = tuple(Region(k, "point", "a", (place,)) for k, place in enumerate(places, start=1))
    here = Overview("grid", SHAPE, (4.0, 7.0), path)
    return RegionSet(here, (RegionClass("a", "#000000"),), points)


def a_view(regions, *view):
    return CropView.turned(regions.overview, *view)


@settings(deadline=None, max_examples=25)
@given(st.floats(1, 6), st.floats(-180, 180), st.booleans(), st.tuples(st.floats(45, 75), st.floats(50, 95)))
def test_every_pixel_shows_the_place_it_should(pixel_nm, turn, mirrored, place):
    view = CropView.turned(overview(), (31, 40), pixel_nm, turn, mirrored)
    one = crop(Region(1, "point", "a", (place,)), RAW, overview(), view)
    middle = (np.array(view.shape) - 1) / 2
    assert one.warp.apply(middle) == pytest.approx(place)
    sampled = one.warp.apply(np.argwhere(np.ones(view.shape)))
    y, x = sampled.T.reshape(2, *view.shape)
    expected = 1000 + 300 * np.sin(y / 11) + 200 * np.cos(x / 9 + y / 30)
    assert one.outside_share == 0
    assert np.abs(one.image - expected).max() < 12 * max(1, pixel_nm / 4) ** 2
    # a step of the crop is a step of its pixel size on the specimen
    step = (one.warp.apply((0, 1)) - one.warp.apply((0, 0))) * (4.0, 7.0)
    assert np.linalg.norm(step) == pytest.approx(pixel_nm)
    assert bool(np.linalg.det(one.warp.matrix) < 0) is mirrored


def test_a_turn_by_a_right_angle_is_worked_out_by_hand():
    here = overview((5.0, 5.0))
    view = CropView.turned(here, (3, 5), 5.0, 90.0)
    one = crop(Region(1, "point", "a", ((60.0, 70.0),)), RAW, here, view)
    # its x runs along the overview's y
    assert np.allclose(one.image, RAW[58:63, 69:72].T[::-1], rtol=1e-5)


def test_the_middle_of_an_outline_is_the_middle_of_its_crop():
    region = Region(3, "polygon", "a", ((40, 40), (40, 80), (60, 60)))
    one = crop(region, RAW, SQUARE, CropView.turned(SQUARE, (11, 13), 2.0))
    assert one.warp.apply((5, 6)) == pytest.approx(centre(region))


def test_what_lies_beyond_the_overview_is_its_mean_and_is_counted():
    one = crop(Region(1, "point", "a", ((2.0, 2.0),)), RAW, SQUARE, CropView.turned(SQUARE, (40, 40), 4.0))
    assert 0.6 < one.outside_share < 0.8
    assert np.isfinite(one.image).all()
    inside = RAW[:22, :22]
    assert inside.min() <= one.image[0, 0] <= inside.max()


def test_coarser_crops_do_not_fold_fine_detail_into_false_waves():
    waves = 1000 + 500 * np.cos(np.pi * X)
    view = CropView.turned(SQUARE, (10, 10), 15.0)
    one = crop(Region(1, "point", "a", ((60.0, 75.0),)), waves, SQUARE, view)
    assert one.image.std() < 30


@pytest.mark.parametrize(("path", "is_kept"), [("grid.mrc", True), ("grid.tif", False), ("", False)])
def test_files_carry_pixel_size_region_and_where_they_were_cut(tmp_path, path, is_kept):
    regions = a_set((50.0, 60.0), (70.25, 80.5), path=path)
    paths = write_crops(regions, RAW, a_view(regions, (64, 48), 1.5), tmp_path / "crops")
    assert [path.name for path in paths] == ["R1.mrc", "R2.mrc"]
    import mrcfile

    with mrcfile.open(paths[1]) as theirs:
        assert theirs.data.shape == (64, 48)
        assert float(theirs.voxel_size.x) == pytest.approx(15.0)
        stored = theirs.data.copy()
    with open_frames(paths[1]) as stack:
        assert stack.acquisition.pixel_size_nm == (1.5, 1.5)
        assert stack.acquisition.extra["region"] == 2
        matrix = np.array(stack.acquisition.extra["to_overview"])
    assert matrix @ (31.5, 23.5, 1) == pytest.approx([70.25, 80.5, 1])
    # SerialEM stores the lowest row of an MRC file first, so rows of other files are turned round
    assert bool(matrix[0, 0] > 0) is is_kept
    sampled = matrix @ (10, 20, 1)
    assert stored[10, 20] == pytest.approx(RAW[round(sampled[0]), round(sampled[1])], rel=0.03)


def test_only_what_is_needed_of_a_large_overview_is_read():
    read = []

    class Lazy:
        shape = SHAPE

        def __getitem__(self, key):
            read.append(tuple(k.stop - k.start for k in key))
            return RAW[key]

    crop(Region(1, "point", "a", ((60.0, 70.0),)), Lazy(), SQUARE, CropView.turned(SQUARE, (8, 8), 4.0))
    assert max(read[0]) < 24


def test_cutting_stops_when_asked(tmp_path, recorder):
    regions = a_set((50.0, 60.0), (70.0, 80.0))
    with pytest.raises(Cancelled):
        write_crops(regions, RAW, a_view(regions, (8, 8), 4.0), tmp_path, monitor=recorder(stop_at=1))
    assert [path.name for path in tmp_path.iterdir()] == ["R1.mrc"]


def test_crops_that_cannot_be_cut_say_why():
    point, view = Region(1, "point", "a", ((60.0, 70.0),)), CropView.turned(SQUARE, (8, 8), 4.0)
    with pytest.raises(InputError, match="pixel size"):
        CropView.turned(Overview("grid", SHAPE), (8, 8), 4.0)
    with pytest.raises(InputError, match="shape"):
        crop(point, RAW[:5], SQUARE, view)
    for place in ((-500.0, 10.0), (125.0, 10.0)):
        with pytest.raises(InputError, match="lies beyond"):
            crop(Region(1, "point", "a", (place,)), RAW, SQUARE, CropView.turned(SQUARE, (2, 2), 4.0))
    for bad in (((0, 8), 4.0), ((8, 99999), 4.0), ((8, 8), 0.0), ((8, 8), 4.0, float("nan"))):
        with pytest.raises(InputError, match="crop has sides"):
            CropView.turned(SQUARE, *bad)
