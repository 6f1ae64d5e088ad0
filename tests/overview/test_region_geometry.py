"""Areas, centres and covered pixels against numbers worked out by hand and against counting."""

import numpy as np
import pytest

from napari_emrestore.overview.region_geometry import area_px, bounds, box_of, centre, pixels_inside
from napari_emrestore.overview.region_masks import encode_mask
from napari_emrestore.overview.regions import Region
from napari_emrestore.restoration.plan import Rect


def polygon(*vertices, kind="polygon"):
    return Region(1, kind, "cell", vertices)


def test_a_rectangle():
    region = polygon((1.5, 2.5), (1.5, 7.5), (4.5, 7.5), (4.5, 2.5), kind="rectangle")
    assert area_px(region) == 15
    assert centre(region) == (3.0, 5.0)
    assert bounds(region) == (1.5, 4.5, 2.5, 7.5)
    assert box_of(region) == Rect(2, 5, 3, 8)
    assert pixels_inside(region).sum() == 15


def test_a_triangle_far_from_the_origin():
    region = polygon((100_000.0, 200_000.0), (100_000.0, 200_006.0), (100_009.0, 200_000.0))
    assert area_px(region) == pytest.approx(27, abs=1e-6)
    np.testing.assert_allclose(centre(region), (100_003, 200_002), atol=1e-6)


def test_a_rotated_square_covers_as_many_pixels_as_its_area():
    angles = np.deg2rad(30 + 90 * np.arange(4))
    region = polygon(*zip(50.2 + 30 * np.sin(angles), 60.7 + 30 * np.cos(angles), strict=True))
    assert area_px(region) == pytest.approx(1800)
    assert pixels_inside(region).sum() == pytest.approx(1800, rel=0.02)


def test_a_point_lies_in_one_pixel():
    region = Region(1, "point", "cell", ((2.6, -0.4),))
    assert box_of(region) == Rect(3, 4, 0, 1)
    assert area_px(region) == 0
    assert centre(region) == (2.6, -0.4)
    assert pixels_inside(region).tolist() == [[True]]


def test_a_label_keeps_its_pixels():
    image = np.zeros((8, 9), bool)
    image[2, 3:6] = image[5, 3] = True
    region = Region(1, "label", "cell", mask=encode_mask(image, (10, 20)))
    assert box_of(region) == Rect(12, 16, 23, 26)
    assert area_px(region) == 4
    assert centre(region) == (12.75, 23.75)
    np.testing.assert_array_equal(pixels_inside(region, Rect(10, 18, 20, 29)), image)
    np.testing.assert_array_equal(pixels_inside(region, Rect(11, 14, 24, 30)), np.pad(image, 3)[4:7, 7:13])
    assert not pixels_inside(region, Rect(100, 103, 0, 4)).any()


def test_a_degenerate_polygon_has_a_place_and_no_area():
    region = polygon((3.0, 3.0), (3.0, 3.0), (3.0, 3.0))
    assert (area_px(region), centre(region)) == (0, (3.0, 3.0))


def test_boxes_are_cut_by_the_image():
    assert Rect(-3, 4, 5, 20).clipped((10, 12)) == Rect(0, 4, 5, 12)
    assert Rect(20, 30, 5, 9).clipped((10, 12)).shape == (0, 4)
    assert Rect(2, 3, 2, 3).grown(2) == Rect(0, 5, 0, 5)
