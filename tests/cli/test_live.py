"""The live command: counts, records, takes a snapshot, and says what ended it."""

import json

import numpy as np
import pytest

from napari_emrestore.cli import main
from napari_emrestore.core import Acquisition
from napari_emrestore.io import open_frames, read_provenance, write_image
from napari_emrestore.pipeline.frame_tables import frame_table


@pytest.fixture
def stack(tmp_path):
    frames = np.random.default_rng(0).poisson(300, (9, 40, 52)).astype(np.uint16)
    return write_image(tmp_path / "stack.ome.tif", frames, Acquisition("run", pixel_size_nm=(2.0, 2.0)))


def live(*arguments, capsys):
    code = main(["live", *arguments, "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_a_recording_is_played_recorded_and_seen(stack, tmp_path, capsys):
    code, record = live(
        *("replay", "--set", f"source={stack}", "--set", "frame_rate_hz=null", "--kind", "none"),
        *("--model", "gaussian", "--frames", "3"),
        *("--record", str(tmp_path / "a.zarr"), "--snapshot", str(tmp_path / "last.ome.tif")),
        capsys=capsys,
    )
    assert code == 0
    counters = record["counters"]
    assert counters["acquired"] == record["recorder"]["written"] == 9
    assert counters["made"] - counters["superseded"] >= counters["shown"] >= 1
    with open_frames(stack) as played, open_frames(tmp_path / "a.zarr") as recorded:
        np.testing.assert_array_equal(recorded.data.compute(), played.data.compute())
    assert len(frame_table(tmp_path / "a.zarr")) == 9
    assert read_provenance(record["snapshot"]).model["id"] == "gaussian"


@pytest.mark.parametrize(
    ("how", "kept"),
    [(["--record-frames", "4"], [0, 1, 2, 3]), (["--keep-last", "1000"], list(range(9)))],
    ids=["fixed", "circular"],
)
def test_a_part_is_recorded_with_what_was_counted(stack, tmp_path, capsys, how, kept):
    code, record = live(
        *("replay", "--set", f"source={stack}", "--set", "frame_rate_hz=null", "--kind", "none"),
        *("--record", str(tmp_path / "a.mrc"), *how),
        capsys=capsys,
    )
    assert code == 0
    assert [row["index"] for row in frame_table(tmp_path / "a.mrc")] == kept
    assert record["recorder"]["state"] == "complete"
    settings = read_provenance(tmp_path / "a.mrc").settings
    assert settings["frames"] == len(kept)
    counted = settings["counters"]
    assert counted["acquired"] >= len(kept)
    assert {"shown", "dropped_by_ring", "lost_by_source", "restored_fps", "latency_ms_p50"} < set(counted)
    assert {"latency_ms_p95", "restored_latency_ms_p50", "restored_latency_ms_p95"} < set(counted)


def test_it_ends_when_its_time_is_up(capsys):
    code = main(
        ["live", "simulated", "--seconds", "0.3", "--set", "frame_shape=[40, 52]", "--set", "specimen_px=64"]
    )
    assert code == 0
    assert "frames acquired" in capsys.readouterr().out


def test_a_camera_that_falls_silent_is_told(capsys):
    silent = ["--set", "silent_after=3", "--set", "timeout_s=0.05", "--set", "frame_rate_hz=null"]
    small = ["--set", "frame_shape=[40, 52]", "--set", "specimen_px=64"]
    assert main(["live", "simulated", *silent, *small]) == 1
    assert "gave none for 0.05 s" in capsys.readouterr().out


@pytest.mark.parametrize(
    "wrong",
    [
        ["what"],
        ["simulated", "--keep-last", "3"],
        ["simulated", "--record-frames", "3"],
        ["simulated", "--set", "x"],
        ["simulated", "--set", "x=1"],
    ],
    ids=str,
)
def test_what_cannot_be_used_is_a_sentence(wrong, capsys):
    assert main(["live", *wrong]) == 2
    assert "came" in capsys.readouterr().err


def test_a_model_that_cannot_be_loaded_is_told_before_it_begins(capsys):
    assert main(["live", "simulated", "--set", "specimen_px=64", "--model", "no-such"]) == 1
    assert "no-such is none of these" in capsys.readouterr().err
