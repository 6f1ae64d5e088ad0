"""A set of regions keeps its rules, gives numbers once, and survives being written."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_emrestore.core import FormatError, InputError
from napari_emrestore.overview.region_files import (
    read_regions,
    regions_from_json,
    regions_to_json,
    write_regions,
)
from napari_emrestore.overview.region_masks import RegionMask, decode_mask, encode_mask, masks_of_labels
from napari_emrestore.overview.regions import Overview, Region, RegionClass, RegionSet

CELL, HOLE = RegionClass("cell", "#ff8800", "c"), RegionClass("hole", "#0088ff")
SQUARE = ((0.0, 0.0), (0.0, 4.0), (3.0, 4.0), (3.0, 0.0))


def point(number=1, **values):
    return Region(number, "point", "cell", ((1.5, 2.25),), **values)


def a_set(*regions):
    return RegionSet(Overview("grid", (40, 51), (2.0, 3.5)), (CELL, HOLE), regions)


places = st.tuples(*[st.floats(-1e6, 1e6)] * 2)
numbered = st.one_of(
    st.builds(Region, st.just(1), st.just("point"), st.just("cell"), st.tuples(places)),
    st.builds(Region, st.just(1), st.just("rectangle"), st.just("cell"), st.tuples(*[places] * 4)),
    st.builds(
        Region,
        st.just(1),
        st.just("polygon"),
        st.just("hole"),
        st.lists(places, min_size=3, max_size=6).map(tuple),
        note=st.text(),
        confidence=st.none() | st.floats(0, 1),
        accepted=st.booleans(),
        time=st.just("2026-11-20T10:00:00Z"),
    ),
    st.builds(
        Region,
        st.just(1),
        st.just("label"),
        st.just("hole"),
        mask=st.just(RegionMask((3, -4), (2, 3), (1, 4, 1))),
    ),
)


@given(st.lists(numbered, max_size=5))
def test_what_is_written_is_read_back_to_the_last_digit(regions):
    whole = a_set().add(*regions)
    assert regions_from_json(regions_to_json(whole)) == whole


def test_a_file_is_replaced_whole_and_read_back(tmp_path):
    path = tmp_path / "überblick.json"
    write_regions(a_set(), path)
    whole = a_set(point(note="µ"))
    write_regions(whole, path)
    assert read_regions(path) == whole
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"format": "napari-emrestore regions", "version": 1}',
        json.dumps({**json.loads(regions_to_json(a_set())), "version": 2}),
        json.dumps({**json.loads(regions_to_json(a_set())), "classes": [{"name": "", "colour": "#000000"}]}),
        json.dumps({**json.loads(regions_to_json(a_set())), "regions": [{"id": 1}]}),
        json.dumps({**json.loads(regions_to_json(a_set())), "overview": 3}),
    ],
)
def test_a_damaged_or_newer_file_is_refused(text, tmp_path):
    path = tmp_path / "regions.json"
    path.write_text(text)
    with pytest.raises(FormatError, match=r"regions\.json"):
        read_regions(path)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(InputError):
        read_regions(tmp_path / "none.json")


@pytest.mark.parametrize(
    "values",
    [
        {"kind": "circle"},
        {"vertices": ()},
        {"vertices": ((0.0, math.nan),)},
        {"kind": "polygon", "vertices": SQUARE[:2]},
        {"kind": "rectangle", "vertices": SQUARE[:3]},
        {"kind": "label", "vertices": ()},
        {"kind": "label", "mask": RegionMask((0, 0), (1, 1), (0, 1))},
        {"mask": RegionMask((0, 0), (1, 1), (0, 1))},
        {"confidence": 1.01},
        {"confidence": math.nan},
        {"id": 0},
    ],
)
def test_a_region_that_makes_no_sense_is_refused(values):
    with pytest.raises(InputError):
        Region(**{"id": 1, "kind": "point", "class_name": "cell", "vertices": ((0.0, 0.0),), **values})


@pytest.mark.parametrize(
    "values", [{"name": " "}, {"colour": "red"}, {"colour": "#FF0000"}, {"key": "ab"}, {"key": " "}]
)
def test_a_class_that_makes_no_sense_is_refused(values):
    with pytest.raises(InputError):
        RegionClass(**{"name": "cell", "colour": "#ff0000", **values})


@pytest.mark.parametrize(
    ("classes", "regions", "next_id"),
    [
        ((CELL, CELL), (), 0),
        ((CELL, RegionClass("hole", "#000000", "c")), (), 0),
        ((HOLE,), (point(),), 0),
        ((CELL,), (point(), point()), 0),
        ((CELL,), (point(5),), 5),
    ],
)
def test_a_set_that_contradicts_itself_is_refused(classes, regions, next_id):
    with pytest.raises(InputError):
        RegionSet(Overview("o", (4, 5)), classes, regions, next_id)


@pytest.mark.parametrize(
    "values",
    [{"shape": (0, 4)}, {"pixel_size_nm": (1.0, math.inf)}, {"pixel_size_nm": (0.0, 1.0)}, {"to_world": ()}],
)
def test_an_overview_that_makes_no_sense_is_refused(values):
    with pytest.raises(InputError):
        Overview(**{"name": "o", "shape": (4, 5), **values})


def test_a_number_is_given_once():
    whole = a_set().add(point(), point())
    assert [one.id for one in whole.regions] == [1, 2]
    assert [one.id for one in whole.remove([2]).add(point()).regions] == [1, 3]


def test_changing_gives_a_new_set_and_leaves_the_old():
    old = a_set(point(1), point(2, accepted=False))
    new = old.edit([2], note="torn", accepted=True)
    assert (old.region(2).note, new.region(2).note) == ("", "torn")
    assert [one.id for one in old.proposals] == [2]
    assert [one.id for one in new.accepted] == [1, 2]
    with pytest.raises(InputError):
        new.region(3)


def test_a_renamed_class_takes_its_regions_along():
    whole = a_set(point()).set_class("cell", RegionClass("nucleus", "#00ff00", "n"))
    assert whole.region(1).class_name == "nucleus"
    assert whole.region_class("nucleus").key == "n"
    assert len(whole.set_class("new", RegionClass("new", "#111111")).classes) == 3
    with pytest.raises(InputError, match="has 1"):
        whole.remove_class("nucleus")
    assert [one.name for one in whole.remove_class("hole").classes] == ["nucleus"]
    with pytest.raises(InputError):
        whole.region_class("cell")


@pytest.mark.parametrize("seed", range(5))
def test_a_mask_is_read_back_in_its_smallest_box(seed):
    rng = np.random.default_rng(seed)
    image = rng.random((7, 11)) < 0.2
    image[3, 4] = True
    mask = encode_mask(image, (10, -20))
    shown = np.zeros_like(image)
    y, x = mask.origin_px[0] - 10, mask.origin_px[1] + 20
    shown[y : y + mask.shape[0], x : x + mask.shape[1]] = decode_mask(mask)
    np.testing.assert_array_equal(shown, image)
    assert mask.area_px == image.sum()
    for edge in (decode_mask(mask)[0], decode_mask(mask)[:, -1]):
        assert edge.any()


def test_one_pixel_and_no_pixel():
    assert encode_mask([[1]], (2, 3)) == RegionMask((2, 3), (1, 1), (0, 1))
    with pytest.raises(InputError):
        encode_mask(np.zeros((3, 4)))
    with pytest.raises(InputError):
        RegionMask((0, 0), (2, 2), (1, 2))


def test_every_value_of_a_label_image_becomes_a_mask():
    labels = np.zeros((6, 9), np.uint32)
    labels[1:3, 2:5] = 4_000_000_000
    labels[4, 7] = 2
    labels[0, 0] = 2
    masks = masks_of_labels(labels, (100, 200))
    assert masks[4_000_000_000] == RegionMask((101, 202), (2, 3), (0, 6))
    assert masks[2].area_px == 2
    assert set(masks) == {2, 4_000_000_000}
    assert masks_of_labels(np.ones((2, 3), np.uint8))[1].area_px == 6
    with pytest.raises(InputError):
        masks_of_labels(labels / 2)
