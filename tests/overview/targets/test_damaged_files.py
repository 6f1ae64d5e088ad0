"""Cut, flipped and hostile files give one clear error, never a crash."""

import json

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from napari_emrestore.core import EmRestoreError, FormatError
from napari_emrestore.overview.region_geometry import centre
from napari_emrestore.overview.targets import TARGET_FORMATS, export_rois, import_rois, target_format

from .scenes import all_kinds, stage_map

NAMES = [row.name for row in TARGET_FORMATS]
STAGE, REGIONS = stage_map(), all_kinds()


@pytest.fixture(scope="module")
def samples(tmp_path_factory):
    folder = tmp_path_factory.mktemp("samples")
    paths = {name: folder / f"good{target_format(name).suffixes[0]}" for name in NAMES}
    for name, path in paths.items():
        export_rois(REGIONS, path, name, stage=STAGE)
    return paths


def read_damaged(tmp_path, name, content):
    """Regions, or the error; anything but an error of ours fails the test."""
    path = tmp_path / f"damaged{target_format(name).suffixes[0]}"
    path.write_bytes(content)
    try:
        return import_rois(path, REGIONS.overview, name, stage=STAGE).regions
    except EmRestoreError as error:
        return error


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(share=st.floats(0, 0.97))
@example(share=0.0)
def test_a_cut_file(tmp_path, samples, name, share):
    whole = samples[name].read_bytes()
    found = read_damaged(tmp_path, name, whole[: int(len(whole) * share)])
    if isinstance(found, EmRestoreError):
        assert "damaged" in str(found)
    else:  # rows and items before the cut are whole; a table cannot know that more were to come
        assert name in ("csv", "serialem")


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_flipped_bytes(tmp_path, samples, name, data):
    content = bytearray(samples[name].read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    found = read_damaged(tmp_path, name, bytes(content))
    if not isinstance(found, EmRestoreError):
        assert all(np.isfinite(centre(one)).all() for one in found.regions)


def nav(**entries):
    known = {"Color": "0", "Regis": "1", "Type": "0", "NumPts": "0"} | entries
    return "\n".join(["AdocVersion = 2.00", "[Item = a]", *(f"{k} = {v}" for k, v in known.items())]).encode()


def feature(kind, places, **properties):
    geometry = {"type": kind, "coordinates": places}
    return json.dumps({"type": "Feature", "geometry": geometry, "properties": properties}).encode()


def coco(counts, size=(221, 340), shape=(221, 340)):
    return json.dumps(
        {
            "images": [{"id": 1, "file_name": "a", "height": shape[0], "width": shape[1]}],
            "categories": [{"id": 1, "name": "a"}],
            "annotations": [
                {"image_id": 1, "category_id": 1, "segmentation": {"size": size, "counts": counts}}
            ],
        }
    ).encode()


HUGE = (100_000, 100_000)
SQUARE = [[0, 0], [9, 0], [9, 9], [0, 0]]
HOSTILE = {
    "serialem": [
        nav(),
        nav(StageXYZ="1 2 3", NumPts="1", PtsX="nan", PtsY="1"),
        nav(StageXYZ="1 2"),
        nav(StageXYZ="1 2 3", Type="1", NumPts="9", PtsX="1 2", PtsY="1 2"),
        nav(CoordsInMap="1 2 3", DrawnID="7"),
        nav(StageXYZ="1 2 3", Color="red"),
        nav(Type="2", StageXYZ="1 2 3", MapID="5", MapWidthHeight="0 0", MapScaleMat="1 0 0 1"),
        b"<?xml version='1.0'?><navigator/>",
        b"PK\x03\x04",
    ],
    "micromanager": [
        b"{}", b"[]", b"null", b"1e999", b'{"format": "x", "map": {}}', b'{"map": {"StagePositions": 3}}',
    ],
    "useq": [
        b"3", b"[1]", b'{"stage_positions": 3}', b'[{"x": "a", "y": 1}]', b'[{"x": NaN, "y": 1}]', b'[{"x":',
    ],
    "geojson": [
        b'{"type": "FeatureCollection"}',
        b'{"type": "Feature", "geometry": null}',
        b"[" * 100_000,
        feature("Polygon", [SQUARE[:2]]),
        feature("Point", ["a", 0]),
        feature("Point", [1]),
        feature("Polygon", [[[0, 0], [1e9, 0], [1e9, 1e9], [0, 0]], SQUARE]),
        feature("Point", [1, 2], classification={"name": "a", "color": [999, 0, 0]}),
    ],
    "csv": [
        b"", b"a,b\r\n1,2\r\n", b"y_px,x_px\r\n1\r\n", b"y_px,x_px\r\n1,inf\r\n", b"\x00\xff",
        b"y_px,x_px,kind\r\n1,2,blob\r\n", b"y_px,x_px,colour\r\n1,2,red\r\n",
    ],
    "coco": [
        b'{"annotations": []}',
        b'{"images": [], "categories": [], "annotations": []}',
        coco([HUGE[0] * HUGE[1]], HUGE),
        coco([0, HUGE[0] * HUGE[1] - 1, 1], HUGE),
        coco("~~~"),
        coco([-5, 75145]),
        coco([1, 2], shape=(5, 5)),
    ],
    "labels": [b"", b"II*\x00\xff\xff\xff\xff", b"not a tiff"],
    "regions": [b"{}", b"[]", b'{"format": "napari-emrestore regions", "version": 99}'],
}  # fmt: skip
CASES = [(name, content) for name, contents in HOSTILE.items() for content in contents]


@pytest.mark.parametrize(("name", "content"), CASES, ids=lambda value: str(value)[:24])
def test_hostile_files(tmp_path, name, content):
    found = read_damaged(tmp_path, name, content)
    assert isinstance(found, FormatError), found
    assert "damaged" in str(found), "the file is named"
    assert len(str(found)) < 600


@pytest.mark.parametrize("name", NAMES)
def test_a_missing_file_and_a_folder_are_said_so(tmp_path, name):
    for path in (tmp_path / "nowhere", tmp_path):
        with pytest.raises(EmRestoreError):
            import_rois(path, REGIONS.overview, name, stage=STAGE)


def test_a_failed_export_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.pos"
    path.write_text("old")
    with pytest.raises(EmRestoreError, match="height"):
        export_rois(REGIONS, path, stage=stage_map(z_um=None), z_device="Z")
    assert path.read_text() == "old"
    assert [one.name for one in tmp_path.iterdir()] == ["a.pos"]


def test_json_that_is_no_object_is_no_file_of_regions(tmp_path):
    for content in ("3", '"a"', "null", json.dumps({"type": 5})):
        (tmp_path / "a.json").write_text(content)
        with pytest.raises(FormatError):
            import_rois(tmp_path / "a.json", REGIONS.overview, stage=STAGE)
