"""The command restore: one input, a folder of frames, batches that resume."""

import shutil

import numpy as np
import pytest
import tifffile
from imageio.v3 import imread, imwrite

from napari_emrestore.io import open_frames


@pytest.fixture
def folder(stream, tmp_path):
    """The frames as PNG, the way a camera leaves them."""
    folder = tmp_path / "frames"
    folder.mkdir()
    for k, frame in enumerate(tifffile.imread(stream)):
        imwrite(folder / f"frame_{k}.png", frame)
    return folder


def test_a_stack_is_restored_and_scored(command, stream, tmp_path):
    line = ["restore", stream, "-o", tmp_path / "out.ome.tif", "--model", "mean", "--kind", "translation"]
    ran = command(*line, "--truth", tmp_path / "truth.tif", "--picture", tmp_path / "view.png")
    assert ran.code == 0, ran.err
    for word in ("single frame", "burst mean", "restored", "SSIM", "PSNR", "MAE", "out.ome.tif"):
        assert word in ran.out
    assert imread(tmp_path / "view.png").ndim == 3
    record = command(*line, "--truth", tmp_path / "truth.tif", "--json").record
    height, width = record["shape"]  # of 80 x 96, less 4 px of drift and a rim for the interpolation
    assert 70 <= height <= 76
    assert 86 <= width <= 92
    assert [score["what"] for score in record["windows"][0]["scores"]] == [
        "single frame",
        "burst mean",
        "restored",
    ]


def test_a_folder_of_frames_is_one_burst(command, folder, tmp_path):
    record = command(
        "restore", folder, "-o", tmp_path / "out.tif", "--model", "median-of-frames", "--json"
    ).record
    assert record["windows"][0]["frames"] == [0, 1, 2, 3, 4]


def test_a_single_image_is_restored_by_itself(command, folder, tmp_path):
    ran = command(
        "restore", folder / "frame_0.png", "-o", tmp_path / "out.png", "--model", "median", "--tile", "64"
    )
    assert ran.code == 0, ran.err
    with open_frames(tmp_path / "out.png") as stack:
        assert stack.frame_shape == (80, 96)


def test_a_batch_reports_each_file_and_does_none_twice(command, folder, tmp_path):
    (folder / "frame_2.png").write_bytes(b"no picture")
    line = ["restore", folder, "-o", tmp_path / "done", "--each", "--model", "gaussian"]
    ran = command(*line)
    assert ran.code == 0, ran.err
    assert ran.out.count("restored") >= 4
    outcomes = [row["outcome"] for row in command(*line, "--json").record["batch"]]
    assert outcomes == ["already there", "already there", "failed", "already there", "already there"]


def test_a_named_file_that_fails_is_not_passed_over(command, folder, tmp_path):
    broken = tmp_path / "broken.tif"
    broken.write_bytes(b"II*\0")
    ran = command("restore", folder / "frame_0.png", broken, "-o", tmp_path / "done", "--model", "gaussian")
    assert ran.code == 2
    assert (tmp_path / "done/frame_0_restored.ome.tif").exists()
    assert "broken.tif" in ran.out


def test_options_for_one_input_are_refused_for_a_batch(command, folder, tmp_path):
    ran = command("restore", folder, "-o", tmp_path / "done", "--each", "--truth", tmp_path / "truth.tif")
    assert ran.code == 2
    assert "--truth" in ran.err


def test_the_output_of_a_failed_run_is_not_there(command, stream, tmp_path):
    shutil.copy(stream, tmp_path / "cut.tif")
    (tmp_path / "cut.tif").write_bytes(stream.read_bytes()[:4000])
    assert command("restore", tmp_path / "cut.tif", "-o", tmp_path / "out.tif", "--model", "mean").code == 2
    assert not (tmp_path / "out.tif").exists()


@pytest.mark.parametrize(
    ("option", "value"), [("--kind", "spline"), ("--reference", "best"), ("--tile", "0"), ("--tile", "9x9x9")]
)
def test_options_refuse_what_they_do_not_know(command, stream, option, value):
    ran = command("restore", stream, "-o", "out.tif", option, value)
    assert ran.code == 2
    assert value in ran.err


def test_numbers_for_reference_and_tile_are_understood(command, stream, tmp_path):
    line = ["restore", stream, "-o", tmp_path / "out.tif", "--model", "mean", "--kind", "none"]
    record = command(*line, "--reference", "1", "--tile", "32x48", "--json").record
    assert record["settings"]["tile"] == [32, 48]
    assert record["windows"][0]["reference"] == 1
    assert np.isfinite(tifffile.imread(tmp_path / "out.tif")).all()
