"""Proposed regions against scenes whose contents are known."""

import dask.array as da
import numpy as np
import pytest

from napari_emrestore.core import Cancelled, InputError
from napari_emrestore.overview import square_tiles
from napari_emrestore.overview.proposing import Blobs, Brightness, Likeness, propose
from napari_emrestore.overview.region_geometry import area_px, centre
from napari_emrestore.overview.regions import Region
from napari_emrestore.restoration.plan import Rect

SHAPE = (190, 241)
DISCS = [(31.0, 40.0, 9.0), (60.0, 150.0, 14.0), (120.5, 63.25, 11.0), (150.0, 200.0, 8.0)]


def draw(discs, shape=SHAPE, pixel=(1.0, 1.0), ground=100.0, level=160.0):
    """Return soft discs ``(y, x, radius)`` in units of which a pixel has so many."""
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    image = np.full(shape, ground)
    for y, x, radius in discs:
        distance = np.hypot(rows * pixel[0] - y, columns * pixel[1] - x)
        image += (level - ground) * np.clip(radius + 0.5 - distance, 0, 1)
    return image


def noisy(image, sigma=8.0, seed=0):
    return image + np.random.default_rng(seed).normal(0, sigma, image.shape)


def sorted_centres(proposals):
    return np.array(sorted(centre(region) for region in proposals.regions))


TRUE_CENTRES = np.array(sorted((y, x) for y, x, _ in DISCS))
TRUE_AREAS = np.array([np.pi * r**2 for _, _, r in sorted(DISCS)])


def find(image, method, **options):
    return propose([image], method, class_name="cell", pixel_size_nm=options.pop("pixel", (1, 1)), **options)


def areas(proposals):
    return np.array([area_px(one) for one in sorted(proposals.regions, key=centre)])


@pytest.mark.parametrize("bright", [True, False])
def test_brightness_finds_all_discs_with_their_size(bright):
    image = noisy(draw(DISCS))
    found = find(image if bright else -image, Brightness(12, 40, bright=bright))
    np.testing.assert_allclose(sorted_centres(found), TRUE_CENTRES, atol=1)
    np.testing.assert_allclose(areas(found), TRUE_AREAS, rtol=0.12)
    assert all(one.confidence > 0.7 for one in found.regions)
    assert {(one.origin, one.kind, one.accepted) for one in found.regions} == {
        ("brightness", "polygon", False)
    }
    assert "threshold" in found.note


def test_brightness_cuts_touching_discs_apart():
    pair = [(60.0, 60.0, 15.0), (60.0, 86.0, 15.0)]
    found = find(noisy(draw(pair), 3), Brightness(20, 45))
    np.testing.assert_allclose(sorted_centres(found), [(60, 60), (60, 86)], atol=1.5)


def test_brightness_takes_the_threshold_it_is_given_and_keeps_the_sizes():
    image = draw([*DISCS, (100.0, 120.0, 3.0)])
    image[100:110, 120:130] = 110
    assert len(find(image, Brightness(4, 40, threshold=130)).regions) == 5
    assert len(find(image, Brightness(20, 40, threshold=130)).regions) == 2


@pytest.mark.parametrize("bright", [True, False])
def test_blobs_are_found_with_their_diameter(bright):
    image = noisy(draw(DISCS))
    found = find(image if bright else -image, Blobs(14, 30, bright=bright))
    np.testing.assert_allclose(sorted_centres(found), TRUE_CENTRES, atol=1)
    np.testing.assert_allclose(areas(found), TRUE_AREAS, rtol=0.3)
    assert found.regions[0].origin == "blobs"


@pytest.mark.parametrize("method", [Blobs(28, 60), Brightness(26, 80)])
def test_sizes_in_nm_hold_for_pixels_that_are_not_square(method):
    pixel = (2.0, 3.0)
    image = noisy(draw([(2 * y, 2 * x, 2 * r) for y, x, r in DISCS], (190, 161), pixel))
    found = find(image, method, pixel=pixel)
    np.testing.assert_allclose(sorted_centres(found) * pixel, 2 * TRUE_CENTRES, atol=3)
    np.testing.assert_allclose(areas(found) * 6, 4 * TRUE_AREAS, rtol=0.3)


def cross(image, y, x, turn=0.0):
    """Draw an L of 21 pixels, turned by an angle around its centre."""
    rows, columns = np.indices(image.shape)
    a, b = rows - y, columns - x
    u, v = a * np.cos(turn) + b * np.sin(turn), -a * np.sin(turn) + b * np.cos(turn)
    inside = (np.abs(u) <= 10) & (np.abs(v) <= 10)
    image[inside & ((v < -5) | (u > 5))] += 50


def box_around(y, x, half=13.5):
    return Region(
        7,
        "rectangle",
        "cell",
        ((y - half, x - half), (y - half, x + half), (y + half, x + half), (y + half, x - half)),
    )


def test_likeness_finds_the_copies_of_an_example():
    image = np.full(SHAPE, 20.0)
    places = [(40, 40), (41, 150), (120, 90), (150, 200)]
    for y, x in places:
        cross(image, y, x)
    image[100:110, 180:220] += 50
    found = find(noisy(image, 6), Likeness(box_around(40, 40), least=0.7))
    np.testing.assert_allclose(sorted_centres(found), places, atol=0.6)
    np.testing.assert_allclose(areas(found), 27**2, rtol=0.01)
    assert all(one.kind == "rectangle" and one.confidence > 0.85 for one in found.regions)


def test_likeness_finds_turned_copies_and_turns_their_boxes():
    image = np.full(SHAPE, 20.0)
    cross(image, 50, 50)
    cross(image, 120, 160, np.deg2rad(90))
    alone = find(noisy(image, 3), Likeness(box_around(50, 50), least=0.75))
    assert len(alone.regions) == 1
    both = find(noisy(image, 3), Likeness(box_around(50, 50), least=0.75, rotations=4))
    np.testing.assert_allclose(sorted_centres(both), [(50, 50), (120, 160)], atol=1)
    turned = max(both.regions, key=centre)
    first = np.subtract(turned.vertices[0], centre(turned))
    # the corner that was upper left (-, -) has been turned like the L
    expected = np.array([[0, -1], [1, 0]]) @ (-13.5, -13.5)
    np.testing.assert_allclose(first, expected, atol=1)


@pytest.mark.parametrize("method", [Blobs(14, 30), Brightness(12, 40, threshold=130)])
def test_pieces_give_what_the_whole_gives(method, monkeypatch):
    image = noisy(draw(DISCS))
    whole = find(image, method)
    monkeypatch.setattr(square_tiles, "_READ_SIDE_PX", 64)
    pieces = find(da.from_array(image, chunks=50), method)
    assert len(pieces.regions) == len(whole.regions)
    np.testing.assert_allclose(
        sorted_centres(pieces), sorted_centres(whole), atol=1.2
    )  # one pixel of the search


def test_a_piece_that_shows_noise_alone_holds_no_blobs(monkeypatch):
    monkeypatch.setattr(square_tiles, "_READ_SIDE_PX", 64)
    found = find(noisy(draw(DISCS[:1])), Blobs(14, 30, least=2.0))
    np.testing.assert_allclose(sorted_centres(found), [DISCS[0][:2]], atol=1)


def test_a_coarser_level_is_read_where_it_suffices():
    fine = np.repeat(np.repeat(draw(DISCS), 4, axis=0), 4, axis=1)
    asked = []

    class Level:
        def __init__(self, data):
            self.data, self.shape = data, data.shape

        def __getitem__(self, place):
            asked.append(self.shape)
            return self.data[place]

    levels = [Level(fine), Level(fine.reshape(190, 4, 241, 4).mean(axis=(1, 3)))]
    found = propose(levels, Blobs(56, 120), class_name="cell", pixel_size_nm=(1.0, 1.0))
    assert set(asked) == {SHAPE}
    np.testing.assert_allclose(sorted_centres(found), TRUE_CENTRES * 4 + 1.5, atol=4)


def test_large_regions_of_one_fine_level_are_found_on_averaged_pixels():
    fine = np.repeat(np.repeat(draw(DISCS), 4, axis=0), 4, axis=1)
    found = find(noisy(fine, 30), Brightness(60, 140))
    np.testing.assert_allclose(sorted_centres(found), TRUE_CENTRES * 4 + 1.5, atol=4)
    assert "nm per pixel" in found.note


def test_the_same_image_gives_the_same_proposals():
    image = noisy(draw(DISCS))
    for method in (Blobs(14, 30), Brightness(12, 40), Likeness(box_around(31, 40), 0.5)):
        assert find(image, method) == find(image.copy(), method)


def test_known_regions_are_not_proposed_again():
    image = noisy(draw(DISCS))
    first = find(image, Blobs(14, 30))
    again = find(image, Blobs(14, 30), known=first.regions[:2])
    assert len(again.regions) == 2
    assert "2 more left out" in again.note
    point = Region(1, "point", "cell", ((33.0, 41.0),))
    assert len(find(image, Blobs(14, 30), known=[point]).regions) == 3


def test_only_the_area_is_searched_and_only_the_best_are_kept():
    image = noisy(draw(DISCS))
    inside = find(image, Blobs(14, 30), area=Rect(0, 100, 100, 241))
    np.testing.assert_allclose(sorted_centres(inside), [(60, 150)], atol=1)
    best = find(image, Blobs(14, 30), most=2)
    assert len(best.regions) == 2
    assert best.regions[0].confidence >= best.regions[1].confidence
    assert "only the 2" in best.note


def test_missing_pixels_are_never_proposed():
    image = noisy(draw(DISCS))
    image[:90] = np.nan
    for method in (Blobs(14, 30), Brightness(12, 40)):
        assert all(y > 90 for y, _ in sorted_centres(find(image, method)))
    assert find(np.full(SHAPE, np.nan), Blobs(14, 30)).regions == ()


@pytest.mark.parametrize("image", [np.zeros((40, 50)), np.zeros((1, 1)), np.full((7, 3), 5, np.uint8)])
def test_a_constant_image_holds_no_blobs_and_no_threshold(image):
    assert find(image, Blobs(4, 8)).regions == ()
    with pytest.raises(InputError, match="varies"):
        find(image, Brightness(4, 8))


@pytest.mark.parametrize(
    "method",
    [
        Blobs(0, 4),
        Brightness(5, 4),
        Likeness(box_around(31, 40), least=0.0),
        Likeness(box_around(31, 40), rotations=0),
        Likeness(box_around(31, 40, 1)),
        Likeness(box_around(90, 120, 4)),
        Likeness(Region(1, "point", "cell", ((3.0, 3.0),))),
    ],
)
def test_what_cannot_be_looked_for_is_refused(method):
    with pytest.raises(InputError):
        find(draw(DISCS), method)


def test_an_area_elsewhere_is_refused():
    with pytest.raises(InputError):
        find(draw(DISCS), Blobs(14, 30), area=Rect(900, 950, 0, 20))


def test_looking_can_be_stopped():
    class Stop:
        def step(self, done, total, note=""):
            raise Cancelled

    with pytest.raises(Cancelled):
        find(draw(DISCS), Blobs(14, 30), monitor=Stop())
