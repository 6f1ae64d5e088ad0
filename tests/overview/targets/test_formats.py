"""Every row of the table: regions come back where they were, whatever the stage; what is lost is said."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from napari_emrestore.core import FormatError, InputError
from napari_emrestore.overview.region_geometry import centre, pixels_inside
from napari_emrestore.overview.region_masks import decode_mask, encode_mask
from napari_emrestore.overview.regions import Overview, Region, RegionClass, RegionSet
from napari_emrestore.overview.targets import (
    TARGET_FORMATS,
    export_rois,
    format_options,
    import_rois,
    target_format,
)

from .scenes import MASK, SHAPE, all_kinds, same_places, stage_map, stages

NAMES = [row.name for row in TARGET_FORMATS]
ROUNDING_PX = 0.5
EXACT_PX = 0.02  # what six decimals of a micrometre leave of the smallest pixel here


def out_and_in(regions, folder, name, stage):
    row = target_format(name)
    path = Path(folder) / f"targets{row.suffixes[0]}"
    written = export_rois(regions, path, stage=stage)
    assert written.format == name, "the ending alone tells the format"
    return written, import_rois(path, regions.overview, stage=stage)


@pytest.mark.parametrize("name", NAMES)
def test_all_kinds_come_back_and_losses_are_said(tmp_path, name):
    regions, row = all_kinds(), target_format(name)
    written, found = out_and_in(regions, tmp_path, name, stage_map())
    assert written.count == 4
    assert any("1 proposal" in note for note in written.notes)
    accepted = replace(regions, regions=regions.accepted)
    if name == "labels":  # one region per value, in the order of numbers: the point is its pixel now
        assert same_places(found.regions, accepted) < ROUNDING_PX
    else:
        close = [
            math.dist(centre(a), centre(b))
            for a, b in zip(found.regions.regions, accepted.regions, strict=True)
        ]
        assert max(close[:3]) < EXACT_PX
        assert close[3] < (3 if name == "serialem" else EXACT_PX), "an outline's middle is not its pixels'"
    for was, now in zip(accepted.regions, found.regions.regions, strict=True):
        assert now.class_name == was.class_name
        assert now.accepted
        if was.kind in row.keeps:
            assert now.kind == was.kind
            assert now.vertices == pytest.approx(np.array(was.vertices), abs=EXACT_PX) or was.mask
            assert now.mask == was.mask
    if set(row.keeps) != {"point", "rectangle", "polygon", "label"}:
        assert len(written.notes) > 1


KEEPING_FACTS = [name for name in NAMES if name != "useq"]


@pytest.mark.parametrize("name", KEEPING_FACTS)
def test_notes_and_confidences_come_back(tmp_path, name):
    _, found = out_and_in(all_kinds(), tmp_path, name, stage_map())
    facts = [(one.note, one.confidence) for one in found.regions.regions]
    assert facts == [("look here", 0.875), ("", None), ("", None), ("painted", 0.5)]


@pytest.mark.parametrize("name", ["regions", "geojson", "csv", "labels", "coco"])
def test_colours_of_classes_come_back(tmp_path, name):
    _, found = out_and_in(all_kinds(), tmp_path, name, stage_map())
    assert {one.name: one.colour for one in found.regions.classes} == {
        "nucleus": "#ff2211",
        "hole, big": "#2233ee",
    }


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(stage=stages, data=st.data())
def test_any_place_under_any_stage_comes_back_to_half_a_pixel(tmp_path, name, stage, data):
    place = st.tuples(st.floats(0, SHAPE[0] - 1), st.floats(0, SHAPE[1] - 1))
    points = data.draw(st.lists(place, min_size=1, max_size=6))
    ring = data.draw(st.lists(place, min_size=5, max_size=8, unique=True))
    base = all_kinds()
    made = [Region(k + 1, "point", "nucleus", (one,)) for k, one in enumerate(points)]
    kept = "polygon" in target_format(name).keeps
    if kept:
        made.append(Region(len(made) + 1, "polygon", "nucleus", tuple(ring)))
    if name == "labels":  # points in one pixel cover each other
        made = made[:1]
    regions = replace(base, regions=tuple(made), next_id=0)
    _, found = out_and_in(regions, tmp_path, name, stage)
    for was, now in zip(regions.regions, found.regions.regions, strict=True):
        if was.kind in target_format(name).keeps:
            assert np.abs(np.array(was.vertices) - np.array(now.vertices)).max() < ROUNDING_PX
        else:
            assert np.abs(np.array(centre(was)) - centre(now)).max() <= ROUNDING_PX


masks = st.integers(0, 2**31).map(
    lambda seed: (
        np.random.default_rng(seed).random((7, 9)) < np.random.default_rng(seed + 1).uniform(0.1, 0.9)
    )
)


@pytest.mark.parametrize("name", ["geojson", "csv", "labels", "coco", "regions"])
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(mask=masks.filter(np.any))
def test_painted_pixels_come_back_one_by_one(tmp_path, name, mask):
    region = Region(3, "label", "nucleus", (), encode_mask(mask, (90, 31)))
    _, found = out_and_in(replace(all_kinds(), regions=(region,), next_id=0), tmp_path, name, None)
    assert found.regions.regions[0].mask == region.mask


@pytest.mark.parametrize("name", NAMES)
def test_a_stage_is_asked_for_where_the_format_speaks_of_it(tmp_path, name):
    path = tmp_path / f"targets{target_format(name).suffixes[0]}"
    if target_format(name).places == "stage" or name == "serialem":
        with pytest.raises(InputError, match="stage map is needed"):
            export_rois(all_kinds(), path)
        assert not path.exists()
    else:
        assert export_rois(all_kinds(), path).path == path


@pytest.mark.parametrize("name", NAMES)
def test_nothing_accepted_is_nothing_to_export(tmp_path, name):
    waiting = replace(all_kinds(), regions=all_kinds().proposals)
    with pytest.raises(InputError, match="1 wait"):
        export_rois(waiting, tmp_path / "a.csv", name, stage=stage_map())


@pytest.mark.parametrize("name", NAMES)
def test_unknown_options_are_named(tmp_path, name):
    with pytest.raises(InputError, match="colour"):
        export_rois(all_kinds(), tmp_path / "a", name, stage=stage_map(), colour=1)
    for task in ("write", "read"):
        assert "colour" not in format_options(name, task)


def test_endings_and_names_that_nobody_knows(tmp_path):
    with pytest.raises(InputError, match=r"\.docx"):
        export_rois(all_kinds(), tmp_path / "a.docx")
    with pytest.raises(InputError, match="one of regions"):
        export_rois(all_kinds(), tmp_path / "a.nav", "word")
    (tmp_path / "a.json").write_text('{"hello": 1}')
    with pytest.raises(FormatError, match="'hello'"):
        import_rois(tmp_path / "a.json", all_kinds().overview)


def test_what_other_programs_leave_out_is_filled_in(tmp_path):
    overview = Overview("o", (50, 60))
    (tmp_path / "a.csv").write_text("y_px,x_px\r\n1.5,2\r\n3,4\r\n")
    points = import_rois(tmp_path / "a.csv", overview).regions
    assert [one.vertices for one in points.regions] == [((1.5, 2.0),), ((3.0, 4.0),)]
    assert points.classes == (RegionClass("imported", "#e69f00"),)
    (tmp_path / "b.geojson").write_text(
        '{"type": "Feature", "geometry": {"type": "MultiPoint", "coordinates": [[2.5, 1.5], [4, 4]]}}'
    )
    spots = import_rois(tmp_path / "b.geojson", overview).regions
    assert spots.regions[0].vertices == ((1.0, 2.0),)
    (tmp_path / "c.json").write_text(
        '{"images": [{"id": 9, "file_name": "x", "height": 50, "width": 60}], "categories": '
        '[{"id": 4, "name": "cell"}], "annotations": [{"id": 1, "image_id": 9, "category_id": 4, '
        '"bbox": [10, 20, 5, 8], "score": 0.25}]}'
    )
    box = import_rois(tmp_path / "c.json", overview).regions.regions[0]
    assert (box.kind, box.confidence, centre(box)) == ("rectangle", 0.25, (23.5, 12.0))


def test_a_table_of_stage_places_alone_needs_the_stage(tmp_path):
    stage = stage_map()
    y, x = stage.to_stage((30.0, 40.0))
    (tmp_path / "a.csv").write_text(f"stage_y_um,stage_x_um,class\n{y},{x},hole\n")
    found = import_rois(tmp_path / "a.csv", all_kinds().overview, stage=stage).regions
    assert found.regions[0].vertices[0] == pytest.approx((30, 40), abs=1e-6)
    with pytest.raises(InputError, match="stage map is needed"):
        import_rois(tmp_path / "a.csv", all_kinds().overview)


def test_own_regions_of_another_overview_are_refused(tmp_path):
    export_rois(all_kinds(), tmp_path / "a.regions.json")
    with pytest.raises(InputError, match="grid 3"):
        import_rois(tmp_path / "a.regions.json", Overview("other", (5, 5)))


def test_covered_and_outside_regions_are_told_of(tmp_path):
    square = ((0, 0), (0, 6), (6, 6), (6, 0))
    regions = RegionSet(
        Overview("o", (700, 600)),
        (RegionClass("a", "#000000"),),
        (
            Region(1, "rectangle", "a", square),
            Region(2, "polygon", "a", square),
            Region(3, "point", "a", ((-5.0, 2.0),)),
            Region(4, "label", "a", (), encode_mask(np.ones((9, 700)), (500, -50))),
            Region(5, "point", "a", ((505.0, 5.0),)),
        ),
    )
    notes = " ".join(export_rois(regions, tmp_path / "a.ome.tif").notes)
    assert "regions 1, 3" in notes
    assert "parts of region 4" in notes
    found = import_rois(tmp_path / "a.ome.tif", regions.overview).regions.regions
    assert [int(decode_mask(one.mask).sum()) for one in found] == [49, 9 * 600 - 1, 1]
    assert pixels_inside(found[1]).shape == (9, 600)


def test_one_pixel_and_a_rim_are_regions_too(tmp_path):
    tiny = Overview("o", (1, 1))
    one = RegionSet(tiny, (RegionClass("a", "#000000"),), (Region(1, "point", "a", ((0.0, 0.0),)),))
    for name in NAMES:
        _, found = out_and_in(one, tmp_path, name, stage_map())
        assert centre(found.regions.regions[0]) == pytest.approx((0, 0), abs=EXACT_PX)
    assert MASK.any()
