"""Work that is shared out from the command line, and what goes with it and what does not."""

import json

import numpy as np
import pytest
import tifffile
import zarr

from napari_emrestore.cli.program import main


@pytest.fixture
def image(tmp_path):
    path = tmp_path / "image.tif"
    pixels = np.random.default_rng(0).normal(100, 9, (40, 70)).astype(np.float32)
    tifffile.imwrite(path, pixels, photometric="minisblack")
    return path


def test_a_shared_run_says_who_made_what(image, tmp_path, capsys):
    output = str(tmp_path / "made.zarr")
    command = ["restore", str(image), "-o", output, "--model", "gaussian", "--frames", "1", "--tile", "34"]
    assert main([*command, "--scheduler", "threads:2", "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    (worker,) = record["provenance"]["settings"]["workers"].values()
    assert worker["pieces"] == 2 * 3
    assert zarr.open_array(f"{output}/0").shape == (40, 70)
    assert main([*command, "--scheduler", "threads:2"]) == 0
    assert "cpu" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["-o", "{}/made.tif"], "ends in .zarr"),
        (["-o", "{}/made.zarr", "--picture", "{}/p.png"], "--picture came with --scheduler"),
        (["-o", "{}/folder", "--each"], "--scheduler goes with one input"),
    ],
)
def test_what_is_made_on_one_machine_only_is_refused(image, tmp_path, capsys, options, said):
    given = [option.format(tmp_path) for option in options]
    command = ["restore", str(image), *given, "--model", "gaussian", "--frames", "1"]
    assert main([*command, "--scheduler", "threads"]) == 2
    assert said in capsys.readouterr().err
