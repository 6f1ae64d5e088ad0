"""Virtual maps show what the microscope would see at their places, and their items say where that is."""

import mrcfile
import numpy as np
import pytest

from napari_emrestore.core import Cancelled, InputError
from napari_emrestore.overview.regions import Overview, Region, RegionClass, RegionSet
from napari_emrestore.overview.targets.virtual_maps import write_virtual_maps

SHAPE = (160, 200)
# steps of the stage in µm to pixels (x, y): 4 nm, turned by 30°; 2.5 nm, turned otherwise and mirrored
WIDE = (216.5, 125.0, -125.0, 216.5)
CLOSE = (103.5, -386.4, -386.4, -103.5)
MIDDLE = (12.0, -7.0)
PLACE = (70.0, 90.0)
NAV = """AdocVersion = 2.00

[Item = wide]
Color = 2
StageXYZ = 12 -7 3.5
NumPts = 0
Regis = 2
Type = 2
MapFile = {file}
MapID = 123456
MapMontage = 0
MapMagInd = 9
MapScaleMat = 216.5 125.0 -125.0 216.5
MapWidthHeight = 200 160

[Item = close]
Color = 2
StageXYZ = 100 100 0
NumPts = 0
Regis = 2
Type = 2
MapFile = close.mrc
MapID = 123457
MapMontage = {montage}
MapMagInd = 21
MapCamera = 1
MapScaleMat = 103.5 -386.4 -386.4 -103.5
MapWidthHeight = 48 36
SamePosId = 7
MapExposure = 0.5
"""


def specimen(x_um, y_um):
    """A specimen that is known everywhere, smooth on the scale of the pixels."""
    return (1000 + 300 * np.sin(x_um * 22) + 200 * np.cos(y_um * 17 + x_um * 5)).astype(np.float32)


def seen(middle_um, matrix, shape):
    """What a camera shows above a place of the stage, the first row the lowest."""
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    steps = np.stack([columns + 0.5 - shape[1] / 2, rows + 0.5 - shape[0] / 2], -1)
    x, y = np.moveaxis(steps @ np.linalg.inv(np.reshape(matrix, (2, 2))).T + middle_um, -1, 0)
    return specimen(x, y)


@pytest.fixture(params=["wide.mrc", "wide.tif"])
def scene(request, tmp_path):
    """The overview as it is read from its file, a region on it, and the Navigator file."""
    raw = seen(MIDDLE, WIDE, SHAPE)
    if request.param == "wide.tif":
        raw = raw[::-1]
    nav = tmp_path / "grid.nav"
    nav.write_text(NAV.format(file=request.param, montage=0))
    point = Region(1, "point", "hole", (PLACE,), note="sharp rim")
    overview = Overview("wide", SHAPE, (4.0, 4.0), request.param)
    return RegionSet(overview, (RegionClass("hole", "#ff0000"),), (point,)), raw, nav


def place_um(regions):
    """Where the region lies under the stage, by the rules of the format."""
    up = PLACE[0] + 0.5 if regions.overview.path.endswith("mrc") else SHAPE[0] - 0.5 - PLACE[0]
    return wide_to_stage((PLACE[1] + 0.5, up))


def test_a_virtual_map_shows_what_the_microscope_would(scene, tmp_path):
    regions, raw, nav = scene
    _, crop = write_virtual_maps(regions, raw, nav, "close", tmp_path / "crops", map_label="wide")
    expected = seen(place_um(regions), CLOSE, (36, 48))
    with mrcfile.open(crop) as theirs:
        assert theirs.data.shape == (36, 48)
        assert float(theirs.voxel_size.x) == pytest.approx(25.0, rel=1e-3)
        assert np.abs(theirs.data - expected).max() < 0.03 * np.ptp(expected)


@pytest.fixture
def items_of():
    reader = pytest.importorskip("pyserialem.reader")

    def items(path):
        """Items by pyserialem's parser of entries; its map class does not know external maps yet."""
        blocks = [block.strip().splitlines() for block in path.read_text().split("[Item = ")[1:]]
        return {first.rstrip("]"): reader.block2dict(entries) for first, *entries in blocks}

    return items


def wide_to_stage(places):
    """Stage position of map pixels, by the rules of the format."""
    steps = np.asarray(places) - np.array(SHAPE[::-1]) / 2
    return steps @ np.linalg.inv(np.reshape(WIDE, (2, 2))).T + MIDDLE


def test_items_lie_where_their_crops_were_cut(scene, tmp_path, items_of, capsys):
    regions, raw, nav = scene
    targets, _ = write_virtual_maps(regions, raw, nav, "close", tmp_path / "crops", map_label="wide")
    items = items_of(targets)
    wide, close, virtual = items["wide"], items["close"], items["V1"]
    assert capsys.readouterr().out == "", "it prints entries that it does not know"
    assert (virtual["Type"], virtual["MapFile"], virtual["Acquire"]) == (2, "R1.mrc", 1)
    assert virtual["Note"] == "hole: sharp rim"
    assert (virtual["DrawnID"], virtual["Regis"], virtual["MapID"]) == (wide["MapID"], wide["Regis"], 1)
    for kept in ("MapMagInd", "MapCamera", "MapExposure", "MapScaleMat", "MapWidthHeight"):
        assert virtual[kept] == close[kept]
    assert "StageXYZ" not in virtual, "SerialEM takes one or the other"
    assert "SamePosId" not in virtual, "it was not taken where its model was"
    x, y, z = virtual["CoordsInMap"]
    assert wide_to_stage((x, y)) == pytest.approx(place_um(regions), abs=1e-5)
    assert z == 3.5
    to_stage = np.linalg.inv(np.reshape(CLOSE, (2, 2)))
    corners = np.array([(-24, -18), (24, -18), (24, 18), (-24, 18), (-24, -18)]) @ to_stage.T
    found = wide_to_stage(np.stack([virtual["PtsX"], virtual["PtsY"]], -1))
    assert np.allclose(found, corners + place_um(regions), atol=1e-5)


def test_what_cannot_be_imitated_is_said(scene, tmp_path):
    regions, raw, nav = scene
    with pytest.raises(InputError, match="'wide', 'close'"):
        write_virtual_maps(regions, raw, nav, "far", tmp_path, map_label="wide")
    with pytest.raises(InputError, match="accepted"):
        write_virtual_maps(regions.edit([1], accepted=False), raw, nav, "close", tmp_path, map_label="wide")
    nav.write_text(NAV.format(file=regions.overview.path, montage=1))
    with pytest.raises(InputError, match="single frame"):
        write_virtual_maps(regions, raw, nav, "close", tmp_path, map_label="wide")


def test_cancelled_crops_leave_no_navigator_file(scene, tmp_path, recorder):
    regions, raw, nav = scene
    more = regions.add(Region(1, "point", "hole", ((80.0, 90.0),)))
    with pytest.raises(Cancelled):
        write_virtual_maps(
            more, raw, nav, "close", tmp_path / "crops", map_label="wide", monitor=recorder(stop_at=1)
        )
    assert [path.name for path in (tmp_path / "crops").iterdir()] == ["R1.mrc"]
