"""The mosaic command: of a file, of a camera that scans, again after a stop, and what it refuses."""

import json

import numpy as np
import pytest
from tests.overview.conftest import make_scan, stack_of

from napari_emrestore.cameras.scanning import ScanPath
from napari_emrestore.cameras.specimen import procedural_specimen
from napari_emrestore.cli import main
from napari_emrestore.core import Acquisition, Frame
from napari_emrestore.io import open_frames, read_provenance, write_image
from napari_emrestore.overview import open_mosaic
from napari_emrestore.pipeline.frame_tables import append_rows
from napari_emrestore.pipeline.scans import stage_positions


@pytest.fixture(scope="module")
def scan():
    return make_scan(procedural_specimen(512, np.random.default_rng(7)), ScanPath(1, 6, 20.0, 0.0))


@pytest.fixture
def file(scan, tmp_path):
    return write_image(tmp_path / "scan.ome.tif", scan.frames, stack_of(scan).acquisition)


def mosaic(*arguments, capsys):
    code = main(["mosaic", *map(str, arguments), "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_a_file_becomes_a_mosaic_and_again_at_once(file, tmp_path, capsys):
    out = tmp_path / "m.zarr"
    code, record = mosaic(file, "-o", out, "--model", "gaussian", "--dark", "200", capsys=capsys)
    assert code == 0
    assert record["placed"] == record["frames"] == 6
    assert record["images"][:2] == ["restored", "raw"]
    assert read_provenance(out / "restored").model["id"] == "gaussian"
    again = mosaic(file, "-o", out, "--model", "gaussian", "--dark", "200", capsys=capsys)
    assert again == (code, record)
    assert mosaic(file, "-o", out, "--compose", "best", capsys=capsys)[0] == 2, (
        "another mosaic is not replaced"
    )


def test_a_camera_is_recorded_followed_and_assembled(file, tmp_path, capsys):
    code, record = mosaic(
        *("--camera", "replay", "--set", f"source={file}", "--set", "frame_rate_hz=null"),
        *("--record", tmp_path / "kept.zarr", "-o", tmp_path / "m.zarr", "--no-maps"),
        capsys=capsys,
    )
    assert code == 0
    assert record["images"] == ["raw"]
    assert open_mosaic(tmp_path / "m.zarr").complete
    with open_frames(file) as played, open_frames(tmp_path / "kept.zarr") as kept:
        np.testing.assert_array_equal(kept.data.compute(), played.data.compute())


@pytest.mark.parametrize(
    "arguments", [(), ("a.tif", "--camera", "replay"), ("--camera", "replay"), ("nothing.tif",)]
)
def test_what_cannot_be_made_is_refused(arguments, tmp_path, capsys):
    code, record = mosaic(*arguments, "-o", tmp_path / "m.zarr", capsys=capsys)
    assert code == 2
    assert record["error"]["message"]


def test_stage_positions_come_from_the_table_beside_a_recording(tmp_path):
    known = Acquisition("scan")
    path = tmp_path / "r.zarr"
    path.mkdir()
    assert stage_positions(path, 2) is None
    stages = [[1.0, 2.0], [1.5, 2.5]]
    frames = [
        Frame(np.zeros((2, 2)), k, Acquisition("scan", extra={"stage_um": stage}))
        for k, stage in enumerate(stages)
    ]
    append_rows(path, frames, known)
    np.testing.assert_array_equal(stage_positions(path, 2), stages)
    append_rows(path, [Frame(np.zeros((2, 2)), 2, known)], known)
    assert stage_positions(path, 3) is None
    np.testing.assert_array_equal(stage_positions(path, 2), stages)
