"""What we write, read by other people's parsers; what they write, read by ours.

The places they find are compared with places worked out here from the formats' own rules.
"""

import contextlib
import csv
import io
import json
from dataclasses import replace

import numpy as np
import pytest
import tifffile

from napari_emrestore.core import InputError
from napari_emrestore.overview.region_geometry import area_px, centre, pixels_inside
from napari_emrestore.overview.region_masks import decode_mask
from napari_emrestore.overview.regions import Overview
from napari_emrestore.overview.targets import export_rois, import_rois
from napari_emrestore.overview.targets.nav_maps import MapView, NavMap

from .scenes import MASK, SHAPE, all_kinds, stage_map

HEIGHT, WIDTH = SHAPE
# a map that SerialEM made, by its numbers: https://github.com/instamatic-dev/pyserialem, data/nav.nav
THEIR_MAP = """AdocVersion = 2.00
LastSavedAs = nav.nav

[Item = 17-1-A]
Color = 2
StageXYZ = -495.956 436.348 44.77
NumPts = 5
Regis = 1
Type = 2
Note = Sec 0 - map.mrc -
MapFile = map.mrc
MapID = 1291353952
MapMontage = 0
MapSection = 0
MapBinning = 1
MapMagInd = 14
MapCamera = 0
MapScaleMat = 0.638997 -26.616 -26.5862 -1.01529
MapWidthHeight = {width} {height}
MapFramesXY = 0 0
PtsX = -421.93 -416.058 -569.982 -575.854 -421.93
PtsY = 515.071 361.32 357.625 511.376 515.071
"""


# files that pyserialem leaves open
OPEN_FILES = pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)


@pytest.fixture
def pyserialem():
    package = pytest.importorskip("pyserialem")

    def read(path):
        told = io.StringIO()  # it prints entries that it does not know
        with contextlib.redirect_stdout(told):
            found = package.read_nav_file(str(path))
        assert told.getvalue() == ""
        return found

    return read


@pytest.fixture
def their_nav(tmp_path):
    path = tmp_path / "theirs.nav"
    path.write_text(THEIR_MAP.format(width=WIDTH, height=HEIGHT))
    return path


@OPEN_FILES
def test_serialem_reads_places_under_the_stage(tmp_path, pyserialem):
    stage, regions = stage_map(), all_kinds()
    export_rois(regions, tmp_path / "a.nav", stage=stage)
    items = pyserialem(tmp_path / "a.nav")
    assert [one.kind for one in items] == ["Marker", "Polygon", "Polygon", "Polygon"]
    assert len({one.MapID for one in items}) == 4
    assert all(0 < one.MapID < 100_000 and one.Acquire == 1 and one.Regis == 1 for one in items)
    for item, region in zip(items, regions.accepted, strict=True):
        y, x = stage.to_stage(centre(region))
        assert item.StageXYZ == pytest.approx([x, y, -12.5], abs=1e-6)
        assert len(item.PtsX) == len(item.PtsY) == item.NumPts
    y, x = stage.to_stage(regions.region(4).vertices).T
    assert items[2].PtsX == pytest.approx([*x, x[0]], abs=1e-6), "polygons of SerialEM are closed"
    assert items[2].PtsY == pytest.approx([*y, y[0]], abs=1e-6)


def up(y, path):
    """Height of a place above the lower edge of a map: MRC files store the lowest row first, others last."""
    return y + 0.5 if path.endswith(".mrc") else HEIGHT - 0.5 - y


@OPEN_FILES
@pytest.mark.parametrize("path", ["grid3.mrc", "grid3.tif"])
def test_serialem_reads_pixels_of_its_own_map(tmp_path, pyserialem, their_nav, path):
    regions = all_kinds()
    regions = replace(regions, overview=replace(regions.overview, path=path))
    their_nav.write_text(their_nav.read_text().replace("map.mrc", path))
    export_rois(regions, tmp_path / "a.nav", nav=their_nav)
    its_map, *items = pyserialem(tmp_path / "a.nav")
    assert its_map.tag == "17-1-A"
    for item, region in zip(items, regions.accepted, strict=True):
        y, x = centre(region)
        # right-handed from the lower left corner: the middle of the pixel in that corner is (0.5, 0.5)
        assert item.CoordsInMap == pytest.approx([x + 0.5, up(y, path), 44.77], abs=1e-5)
        assert item.DrawnID == its_map.MapID
        assert not hasattr(item, "StageXYZ"), "SerialEM takes one or the other"
    y, x = np.array(regions.region(4).vertices).T
    assert items[2].PtsX == pytest.approx([*(x + 0.5), x[0] + 0.5], abs=1e-5)
    assert items[2].PtsY == pytest.approx([*up(y, path), up(y[0], path)], abs=1e-5)


def test_which_row_is_the_lowest_is_asked_where_the_files_do_not_tell(tmp_path, their_nav):
    regions = all_kinds()
    regions = replace(regions, overview=replace(regions.overview, path="restored.ome.tif"))
    with pytest.raises(InputError, match="upside down"):
        export_rois(regions, tmp_path / "a.nav", nav=their_nav)
    for row, y in (("bottom", 17.75), ("top", HEIGHT - 17.75)):
        export_rois(regions, tmp_path / "a.nav", nav=their_nav, first_row=row)
        assert f"CoordsInMap = 301.250000 {y:.6f}" in (tmp_path / "a.nav").read_text()
        back = import_rois(tmp_path / "a.nav", regions.overview, first_row=row)
        assert centre(back.regions.regions[0]) == pytest.approx((17.25, 300.75), abs=1e-5)
    with pytest.raises(InputError, match="auto, top, bottom"):
        export_rois(regions, tmp_path / "a.nav", nav=their_nav, first_row="left")


@OPEN_FILES
def test_a_file_of_external_items_alone_can_be_merged(tmp_path, pyserialem, their_nav):
    export_rois(
        all_kinds(), tmp_path / "a.nav", nav=their_nav, merge=False, pieces="very sloppy", acquire=False
    )
    items = pyserialem(tmp_path / "a.nav")
    assert len(items) == 4
    assert all(hasattr(one, "CoordsInAliMontVS") and not one.Acquire for one in items)


@OPEN_FILES
def test_pyserialem_and_we_agree_where_a_map_lies(their_nav, pyserialem):
    (theirs,) = pyserialem(their_nav)
    its_map = NavMap(
        "m", theirs.MapID, 1, tuple(theirs.MapWidthHeight), tuple(theirs.StageXYZ), tuple(theirs.MapScaleMat)
    )
    for path in ("a.mrc", "a.tif"):
        stage = MapView(its_map, SHAPE, path == "a.mrc").stage_map()
        for y, x in ((0, 0), (0, WIDTH - 1), (HEIGHT - 1, 3), (100.25, 200.75)):
            expected = theirs.pixel_to_stagecoords((x + 0.5, up(y, path)))
            assert stage.to_stage((y, x))[::-1] == pytest.approx(expected, abs=1e-9)


def test_corners_of_a_map_are_where_serialem_put_them():
    matrix = (0.638997, -26.616, -26.5862, -1.01529)
    its_map = NavMap("m", 5, 1, (4096, 4096), (-495.956, 436.348, 44.77), matrix)
    stage = MapView(its_map, (4096, 4096), bottom_first=False).stage_map()
    corners = stage.to_stage([(4095.5, -0.5), (4095.5, 4095.5), (-0.5, 4095.5), (-0.5, -0.5)])
    assert corners[:, 1] == pytest.approx([-421.93, -416.058, -569.982, -575.854], abs=2e-3)
    assert corners[:, 0] == pytest.approx([515.071, 361.32, 357.625, 511.376], abs=2e-3)


@OPEN_FILES
@pytest.mark.parametrize("path", ["grid3.mrc", "grid3.tif"])
def test_our_overview_as_a_map_lies_where_our_stage_map_says(tmp_path, pyserialem, path):
    stage, regions = stage_map(), all_kinds()
    regions = replace(regions, overview=replace(regions.overview, path=path))
    export_rois(regions, tmp_path / "a.nav", stage=stage, map_magnification_index=14)
    its_map, *_ = pyserialem(tmp_path / "a.nav")
    assert (its_map.kind, its_map.MapFile, its_map.MapWidthHeight) == ("Map", path, [WIDTH, HEIGHT])
    for y, x in ((0, 0), (0, WIDTH - 1), (HEIGHT - 1, 3)):
        expected = stage.to_stage((y, x))[::-1]
        found = its_map.pixel_to_stagecoords((x + 0.5, up(y, path)))
        assert found == pytest.approx(expected, abs=max(stage.pixel_size_um) / 2)
    back = import_rois(tmp_path / "a.nav", regions.overview, map_label="Overview")
    assert centre(back.regions.regions[0]) == pytest.approx((17.25, 300.75), abs=0.5)


def test_items_of_a_map_come_in_without_any_stage_map(tmp_path, their_nav):
    export_rois(all_kinds(), tmp_path / "a.nav", nav=their_nav)
    half = all_kinds().overview
    found = import_rois(tmp_path / "a.nav", half).regions.regions
    assert [one.kind for one in found] == ["point", "rectangle", "polygon", "polygon"]
    assert found[0].vertices[0] == pytest.approx((17.25, 300.75), abs=1e-5)


def test_an_overview_at_half_the_size_of_the_map_reaches_the_same_places(tmp_path):
    nav = tmp_path / "big.nav"
    nav.write_text(THEIR_MAP.format(width=2 * WIDTH + 3, height=2 * HEIGHT))
    export_rois(all_kinds(), tmp_path / "a.nav", nav=nav)
    text = (tmp_path / "a.nav").read_text()
    x, y = 2 * (300.75 + 0.5), 2 * (17.25 + 0.5)
    assert f"CoordsInMap = {x:.6f} {y:.6f} 44.770000" in text


def test_the_wrong_map_is_refused(tmp_path):
    nav = tmp_path / "other.nav"
    nav.write_text(THEIR_MAP.format(width=WIDTH, height=2 * HEIGHT))
    with pytest.raises(InputError, match="17-1-A"):
        export_rois(all_kinds(), tmp_path / "a.nav", nav=nav)
    with pytest.raises(InputError, match="proportions"):
        export_rois(all_kinds(), tmp_path / "a.nav", nav=nav, map_label="17-1-A")


@OPEN_FILES
def test_numbers_of_items_never_meet_those_in_the_file(tmp_path, pyserialem, their_nav):
    export_rois(all_kinds(), tmp_path / "a.nav", nav=their_nav)
    export_rois(all_kinds(), tmp_path / "b.nav", nav=tmp_path / "a.nav")
    ids = [one.MapID for one in pyserialem(tmp_path / "b.nav")]
    assert len(ids) == len(set(ids)) == 9


def test_micromanager_reads_positions(tmp_path):
    stage, regions = stage_map(), all_kinds()
    export_rois(regions, tmp_path / "a.pos", stage=stage, xy_device="TIXYDrive", z_device="TIZDrive")
    record = json.loads((tmp_path / "a.pos").read_text())
    assert (record["format"], record["major_version"]) == ("Micro-Manager Property Map", 2)
    positions = record["map"]["StagePositions"]["array"]
    for position, region in zip(positions, regions.accepted, strict=True):
        plane, height = position["DevicePositions"]["array"]
        y, x = stage.to_stage(centre(region))
        assert plane["Position_um"]["array"] == pytest.approx([x, y])
        assert height["Position_um"] == {"type": "DOUBLE", "array": [-12.5]}
        assert plane["Device"]["scalar"] == position["DefaultXYStage"]["scalar"] == "TIXYDrive"


def test_pwspy_reads_the_same_positions(tmp_path):
    # not in the test extra: it brings opencv-python, whose own Qt keeps napari from starting
    positions = pytest.importorskip("pwspy.utility.micromanager.positions")
    stage, regions = stage_map(), all_kinds()
    export_rois(regions, tmp_path / "a.pos", stage=stage)
    content = positions.PropertyMap.loadFromFile(str(tmp_path / "a.pos"))
    found = positions.PositionList.fromPropertyMap(content)
    places = [(one.getXYPosition().x, one.getXYPosition().y) for one in found]
    expected = [stage.to_stage(centre(one))[::-1] for one in regions.accepted]
    assert np.allclose(places, expected)


@pytest.mark.parametrize("sequence", [False, True])
def test_useq_reads_positions_and_we_what_useq_writes(tmp_path, sequence):
    useq = pytest.importorskip("useq")
    stage, regions = stage_map(), all_kinds()
    path = tmp_path / "a.positions.json"
    export_rois(regions, path, stage=stage, sequence=sequence)
    if sequence:
        plan = useq.MDASequence.from_file(str(path))
    else:
        plan = useq.MDASequence(
            stage_positions=[useq.Position(**one) for one in json.loads(path.read_text())]
        )
    for position, region in zip(plan.stage_positions, regions.accepted, strict=True):
        y, x = stage.to_stage(centre(region))
        assert (position.x, position.y, position.z) == pytest.approx((x, y, -12.5))
    theirs = tmp_path / "theirs.json"
    theirs.write_text(plan.model_dump_json(exclude_unset=True))
    found = import_rois(theirs, regions.overview, stage=stage).regions.regions
    assert np.allclose([centre(one) for one in found], [centre(one) for one in regions.accepted], atol=1e-6)


def test_geojson_and_shapely_read_annotations(tmp_path):
    geojson, shapely = pytest.importorskip("geojson"), pytest.importorskip("shapely.geometry")
    regions = all_kinds()
    export_rois(regions, tmp_path / "a.geojson")
    found = geojson.loads((tmp_path / "a.geojson").read_text())
    assert found.is_valid
    shapes = [shapely.shape(one["geometry"]) for one in found["features"]]
    assert all(one.is_valid for one in shapes)
    # QuPath counts from the corner of the image, x first
    assert (shapes[0].x, shapes[0].y) == (301.25, 17.75)
    for shape, region in zip(shapes[1:3], regions.accepted[1:3], strict=True):
        assert shape.area == pytest.approx(area_px(region))
        assert (shape.centroid.y - 0.5, shape.centroid.x - 0.5) == pytest.approx(centre(region))
    painted = [
        [shapes[3].contains(shapely.Point(20 + x + 0.5, 180 + y + 0.5)) for x in range(6)] for y in range(5)
    ]
    assert np.array_equal(painted, MASK)
    assert shapes[3].geom_type == "MultiPolygon"
    kinds = found["features"][0]["properties"]
    assert kinds["objectType"] == "annotation"
    assert kinds["classification"] == {"name": "nucleus", "color": [255, 34, 17]}


@pytest.mark.filterwarnings("ignore:__array__:DeprecationWarning")  # its own, under numpy 2
def test_pycocotools_reads_annotations(tmp_path):
    coco = pytest.importorskip("pycocotools.coco")
    regions = all_kinds()
    path = tmp_path / "a.coco.json"
    export_rois(regions, path)
    with contextlib.redirect_stdout(io.StringIO()):
        found = coco.COCO(str(path))
    assert {one["name"] for one in found.loadCats(found.getCatIds())} == {"nucleus", "hole, big"}
    for number in (2, 4, 7):
        region = regions.region(number)
        (annotation,) = found.loadAnns([number])
        mask = found.annToMask(annotation).astype(bool)
        assert mask.shape == SHAPE
        own = np.zeros(SHAPE, bool)
        own |= _whole(region)
        if region.kind == "label":
            assert np.array_equal(mask, own)
        else:  # its filling of polygons rounds corners to pixels
            assert (mask ^ own).sum() < 0.06 * own.sum()
            y, x = np.argwhere(mask).mean(axis=0)
            assert (y, x) == pytest.approx(centre(region), abs=0.5)
    assert found.loadAnns([1])[0]["keypoints"] == [301.25, 17.75, 2]


def test_compressed_run_lengths_of_pycocotools_come_in(tmp_path):
    mask_api = pytest.importorskip("pycocotools.mask")
    regions = all_kinds()
    export_rois(regions, tmp_path / "a.coco.json")
    record = json.loads((tmp_path / "a.coco.json").read_text())
    packed = mask_api.encode(np.asfortranarray(_whole(regions.region(2)).astype(np.uint8)))
    record["annotations"][1]["segmentation"] = {"size": list(SHAPE), "counts": packed["counts"].decode()}
    (tmp_path / "b.json").write_text(json.dumps(record))
    found = import_rois(tmp_path / "b.json", regions.overview).regions.region(2)
    assert np.array_equal(_whole(found), _whole(regions.region(2)))


def test_tifffile_and_ome_types_read_labels(tmp_path):
    regions = all_kinds()
    export_rois(regions, tmp_path / "a.ome.tif")
    image = tifffile.imread(tmp_path / "a.ome.tif")
    assert (image.shape, image.dtype) == (SHAPE, np.uint16)
    expected = np.zeros(SHAPE, np.uint16)
    for region in regions.accepted:
        expected[_whole(region)] = region.id
    assert np.array_equal(image, expected)
    ome = pytest.importorskip("ome_types").from_tiff(tmp_path / "a.ome.tif")
    assert (ome.images[0].pixels.physical_size_y, ome.images[0].pixels.physical_size_x) == (4.0, 7.0)
    assert ome.images[0].pixels.physical_size_x_unit.value == "nm"
    (words,) = [note for note in ome.structured_annotations if type(note).__name__ == "MapAnnotation"]
    assert dict(words.value) == {"1": "nucleus", "2": "nucleus", "4": "hole, big", "7": "nucleus"}


def test_foreign_label_images_come_in(tmp_path):
    image = np.zeros(SHAPE, np.uint32)
    image[10:20, 30:50], image[100, 200] = 70000, 3
    tifffile.imwrite(tmp_path / "a.tif", image)
    found = import_rois(tmp_path / "a.tif", all_kinds().overview).regions.regions
    assert [(centre(one), int(decode_mask(one.mask).sum())) for one in found] == [
        ((100.0, 200.0), 1),
        ((14.5, 39.5), 200),
    ]


def test_labels_across_bands_and_huge_values_come_in_whole(tmp_path):
    shape = (2200, 30)
    image = np.zeros(shape, np.uint32)
    image[1000:2100, 4:7], image[5:9, 10:20], image[1500, 25] = 4_000_000_000, 2, 2
    tifffile.imwrite(tmp_path / "a.tif", image)
    low, high = import_rois(tmp_path / "a.tif", Overview("o", shape)).regions.regions
    assert high.mask.origin_px == (1000, 4)
    assert decode_mask(high.mask).all()
    assert low.mask.area_px == 41
    assert decode_mask(low.mask)[-1, -1]


def test_the_csv_module_reads_pixels_world_and_stage(tmp_path):
    stage, regions = stage_map(), all_kinds()
    export_rois(regions, tmp_path / "a.csv", stage=stage)
    with (tmp_path / "a.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    first = rows[0]
    assert (first["y_px"], first["x_px"]) == ("17.250000", "300.750000")
    assert (float(first["world_y"]), float(first["world_x"])) == (17.25 * 4 + 10, 300.75 * 7 - 5)
    assert first["world_unit"] == "nm"
    place = float(first["stage_y_um"]), float(first["stage_x_um"])
    assert place == pytest.approx(tuple(stage.to_stage((17.25, 300.75))), abs=1e-6)
    assert [row["region"] for row in rows].count("4") == 5
    assert {row["ring"] for row in rows if row["region"] == "7"} == {"1", "2", "3"}


def _whole(region):
    """Return a region's pixels in an image of the overview's shape."""
    from napari_emrestore.overview.region_geometry import Rect

    return pixels_inside(region, Rect(0, HEIGHT, 0, WIDTH))


def test_text_of_another_windows_and_our_own_signs_survive_merging(tmp_path, their_nav):
    theirs = their_nav.read_bytes().replace(b"Sec 0", "地図".encode("cp932"))
    their_nav.write_bytes(theirs)
    regions = all_kinds().edit([1], note="5 µm → left")
    written = export_rois(regions, tmp_path / "a.nav", nav=their_nav)
    content = (tmp_path / "a.nav").read_bytes()
    assert "地図".encode("cp932") in content
    assert "5 µm ? left".encode("latin-1") in content
    assert any("question marks" in note for note in written.notes)
