"""regions: files of other programs and back, stage maps with their residual, and the demo microscope."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_emrestore.overview.region_files import read_regions, write_regions
from napari_emrestore.overview.region_geometry import centre
from napari_emrestore.overview.regions import Overview, Region, RegionClass, RegionSet
from napari_emrestore.overview.targets import import_rois, read_stage_map

SHAPE = (90, 120)
POINTS = ("0,0=100,-40", "0,119=100,19.5", "89,0=55.5,-40", "89,119=55.5,19.5")
NAV = """AdocVersion = 2.00

[Item = M1]
Color = 2
StageXYZ = -10 77.75 44.5
NumPts = 0
Regis = 1
Type = 2
MapFile = overview.tif
MapID = 123456
MapScaleMat = 2 0 0 2
MapWidthHeight = 120 90
"""
TARGET = """
[Item = T1]
Color = 2
StageXYZ = 0 0 0
NumPts = 0
Regis = 1
Type = 2
MapFile = target.mrc
MapID = 123457
MapScaleMat = 8 0 0 8
MapWidthHeight = 40 32
"""


@pytest.fixture
def overview(tmp_path):
    """An image with a file of three regions beside it."""
    image = tmp_path / "overview.ome.tif"
    pixels = np.random.default_rng(0).integers(100, 200, SHAPE).astype(np.uint16)
    tifffile.imwrite(
        image, pixels, ome=True, metadata={"axes": "YX", "PhysicalSizeY": 500.0, "PhysicalSizeYUnit": "nm",
                                           "PhysicalSizeX": 500.0, "PhysicalSizeXUnit": "nm"}
    )  # fmt: skip
    regions = (
        Region(1, "point", "a", ((10.0, 20.5),)),
        Region(2, "rectangle", "a", ((30, 40), (30, 80), (60, 80), (60, 40)), note="here"),
        Region(3, "point", "a", ((50.0, 50.0),), accepted=False),
    )
    saved = RegionSet(Overview("overview", SHAPE, (500.0, 500.0)), (RegionClass("a", "#ff0000"),), regions)
    write_regions(saved, tmp_path / "mine.regions.json")
    return image


@pytest.fixture
def stage(command, tmp_path, overview):
    points = [part for point in POINTS for part in ("--point", point)]
    ran = command("regions", "calibrate", tmp_path / "grid.stage.json", *points)
    assert ran.code == 0, ran.err
    return tmp_path / "grid.stage.json"


def test_four_points_say_how_far_they_agree(command, stage, tmp_path):
    assert np.allclose(read_stage_map(stage).to_stage((89, 119)), (55.5, 19.5))
    points = [part for point in (*POINTS[:3], "89,119=55.5,20.5") for part in ("--point", point)]
    ran = command("regions", "calibrate", tmp_path / "b.json", *points)
    assert "affine fit of 4 places, worst 0.250 µm" in ran.out
    three = command("regions", "calibrate", tmp_path / "b.json", *points[:6], "--kind", "affine")
    assert "none can be told from 3 places" in three.out
    record = command("regions", "calibrate", tmp_path / "b.json", *points[:6], "--json").record
    assert record["stage"]["fit"]["kind"] == "similarity"


def test_serialems_map_needs_no_points(command, overview, tmp_path):
    (tmp_path / "grid.nav").write_text(NAV)
    ran = command(
        "regions",
        "calibrate",
        tmp_path / "nav.stage.json",
        "--nav",
        tmp_path / "grid.nav",
        "--overview",
        overview,
    )
    assert "not measured; the map states the matrix" in ran.out
    stage = read_stage_map(tmp_path / "nav.stage.json")
    assert stage.to_stage((44.5, 59.5)) == pytest.approx((77.75, -10))
    assert stage.z_um == 44.5


@pytest.mark.parametrize(
    "name", ["a.nav", "a.pos", "a.positions.json", "a.geojson", "a.csv", "a.coco.json", "a.tif"]
)
def test_out_and_in_again(command, overview, stage, tmp_path, name):
    out = command("regions", "export", tmp_path / "mine.regions.json", tmp_path / name, "--stage", stage)
    assert out.code == 0, out.err
    assert "Wrote 2 regions" in out.out
    assert "1 proposal" in out.out
    back = command(
        "regions", "import", tmp_path / name, overview, tmp_path / "back.regions.json", "--stage", stage
    )
    assert back.code == 0, back.err
    found = read_regions(tmp_path / "back.regions.json")
    assert [centre(one) for one in found.regions] == [
        pytest.approx((10, 20.5), abs=0.5),
        pytest.approx((45, 60), abs=0.5),
    ]
    assert found.overview.pixel_size_nm == (500.0, 500.0)
    assert len(found.overview.sha256) == 64


def test_items_on_a_map_of_serialem_by_an_option(command, overview, tmp_path):
    (tmp_path / "grid.nav").write_text(NAV)
    ran = command(
        "regions", "export", tmp_path / "mine.regions.json", tmp_path / "targets.nav",
        "--set", f"nav={tmp_path / 'grid.nav'}", "--set", "acquire=false", "--json",
    )  # fmt: skip
    assert ran.record["regions"] == 2
    text = (tmp_path / "targets.nav").read_text()
    assert "CoordsInMap = 21.000000 79.500000 44.500000" in text
    assert "Acquire = 1" not in text


def test_from_one_program_to_another(command, overview, stage, tmp_path):
    command("regions", "export", tmp_path / "mine.regions.json", tmp_path / "a.geojson")
    ran = command(
        "regions", "convert", tmp_path / "a.geojson", tmp_path / "a.pos", "--overview", overview,
        "--stage", stage, "--set", "xy_device=TIXYDrive",
    )  # fmt: skip
    assert "geojson to micromanager" in ran.out
    assert "TIXYDrive" in (tmp_path / "a.pos").read_text()
    found = import_rois(tmp_path / "a.pos", Overview("o", SHAPE), stage=read_stage_map(stage))
    assert centre(found.regions.regions[1]) == pytest.approx((45, 60))


def test_formats_are_listed_for_people_and_programs(command):
    assert "Position" not in command("regions", "formats").out
    assert "map_magnification_index" in command("regions", "formats").out
    names = [row["name"] for row in command("regions", "--json", "formats").record["formats"]]
    assert {"serialem", "micromanager", "useq", "geojson", "csv", "labels", "coco"} < set(names)


def test_crops_are_cut_from_the_raw_image(command, overview, tmp_path):
    ran = command(
        "regions", "crops", tmp_path / "mine.regions.json", overview, tmp_path / "crops",
        "--pixel-size", "125", "--size", "32", "40", "--json",
    )  # fmt: skip
    assert ran.code == 0, ran.err
    assert sorted(path.name for path in (tmp_path / "crops").iterdir()) == ["R1.mrc", "R2.mrc"]


def test_virtual_maps_are_cut_as_a_map_of_one_frame(command, overview, tmp_path):
    (tmp_path / "grid.nav").write_text(NAV + TARGET)
    given = ("regions", "crops", tmp_path / "mine.regions.json", overview, tmp_path / "crops", "--nav")
    ran = command(*given, tmp_path / "grid.nav", "--imitate", "T1", "--map", "M1", "--json")
    assert ran.code == 0, ran.err
    assert [Path(name).name for name in ran.record["files"]] == ["targets.nav", "R1.mrc", "R2.mrc"]
    assert "--imitate" in command(*given, tmp_path / "grid.nav").err
    assert "--size" in command(*given, tmp_path / "grid.nav", "--imitate", "T1", "--pixel-size", "4").err


def test_wrong_command_lines_end_with_a_sentence(command, overview, stage, tmp_path):
    mine = tmp_path / "mine.regions.json"
    cases = [
        (("export", mine, tmp_path / "a.pos"), "stage map is needed"),
        (("export", mine, tmp_path / "a.xyz"), "ends in"),
        (("export", mine, tmp_path / "a.csv", "--set", "colour=1"), "colour"),
        (("export", mine, tmp_path / "a.csv", "--set", "colour"), "OPTION=VALUE"),
        (("export", mine, tmp_path / "a.nav", "--stage", stage, "--set", "acquire=maybe"), "true or false"),
        (("export", mine, tmp_path / "a.nav", "--stage", stage, "--set", "registration=x"), "whole number"),
        (("import", tmp_path / "no.nav", overview, tmp_path / "b.json"), "file"),
        (("convert", mine, tmp_path / "a.csv", "--overview", overview, "--set", "x=1"), "option"),
        (("calibrate", tmp_path / "s.json", "--point", "0,0=1,1", "--point", "5,5=2,2"), "3 different"),
        (("calibrate", tmp_path / "s.json", "--nav", tmp_path / "x.nav"), "--overview"),
    ]
    for arguments, match in cases:
        ran = command("regions", *arguments)
        assert ran.code == 2, (arguments, ran)
        assert match in ran.err
    assert command("regions", "calibrate", "s.json", "--point", "1,2").code == 2


@pytest.fixture
def demo(tmp_path):
    pytest.importorskip("pymmcore_plus")
    pytest.importorskip("mm_test_adapters")
    return ("--config", "MMConfig_demo.cfg")


def test_the_demo_stage_goes_and_visits(command, overview, stage, demo, tmp_path):
    mine, places = tmp_path / "mine.regions.json", ("--stage", stage, *demo)
    ran = command("regions", "visit", mine, tmp_path / "visits", *places, "--nearest", "--json")
    assert ran.code == 0, ran.err
    assert [one["within"] for one in ran.record["arrivals"]] == [True, True]
    assert sorted(path.name for path in (tmp_path / "visits").iterdir()) == ["R1.ome.tif", "R2.ome.tif"]
    gone = command("regions", "go", mine, 2, *places)
    assert gone.code == 0
    assert "Region 2: at y 77.5" in gone.out
    assert "within tolerance" in gone.out
    far = command("regions", "go", mine, 2, *places, "--limits", 0, 1, 0, 1)
    assert far.code == 2
    assert "Nothing has moved" in far.err


def test_a_layout_of_frames_with_stage_positions_is_a_stage_map(command, tmp_path):
    from napari_emrestore.io import FrameStack
    from napari_emrestore.overview import assemble
    from napari_emrestore.overview.layout import Layout
    from napari_emrestore.overview.shading import even

    places = np.array([(20.0 * (k // 5), 30.0 * (k % 5)) for k in range(20)])
    reported = np.add(places, (15.5, 19.5)) @ np.array([(0.0, 0.01), (-0.02, 0.0)]) + (5.0, -7.0)
    reported[7] += 3.0
    layout = Layout(
        (32, 40), (140, 200), places, np.zeros(20), ("image",) * 19 + ("stage",), even((32, 40), 20, 0.0),
        stage_um=reported, pixel_size_nm=(10.0, 20.0),
    )  # fmt: skip
    frames = FrameStack.from_array(np.full((20, 32, 40), 100, np.uint16))
    assemble(frames, tmp_path / "scan.zarr", layout=layout)
    record = command(
        "regions", "calibrate", tmp_path / "s.json", "--mosaic", tmp_path / "scan.zarr", "--json"
    ).record
    assert record["stage"]["fit"]["rejected"] == [7]
    assert record["stage"]["fit"]["used"] == 18, "a frame that the stage placed says nothing of the stage"
    stage = read_stage_map(tmp_path / "s.json")
    assert stage.to_stage(np.add(places[3], (15.5, 19.5))) == pytest.approx(tuple(reported[3]))
    bare = replace(layout, stage_um=None)
    assemble(frames, tmp_path / "bare.zarr", layout=bare)
    ran = command("regions", "calibrate", tmp_path / "s.json", "--mosaic", tmp_path / "bare.zarr")
    assert ran.code == 2
    assert "three points" in ran.err
    assert command("regions", "calibrate", tmp_path / "s.json", "--mosaic", tmp_path / "no.zarr").code == 2
    (tmp_path / "a.csv").write_text("y_px,x_px\n3,4\n")
    raw = tmp_path / "scan.zarr" / "raw"
    ran = command("regions", "import", tmp_path / "a.csv", raw, tmp_path / "a.regions.json")
    assert ran.code == 0, ran.err
    assert read_regions(tmp_path / "a.regions.json").overview.shape == (140, 200)
