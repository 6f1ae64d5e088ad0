"""inject: contrast-transfer tables for a person and a program, and files."""

import csv

import numpy as np
import pytest
import tifffile

QUICK = ("--periods", "4", "8", "--contrasts", "0.2")


@pytest.fixture
def frames(scene, tmp_path):
    """Three noisy frames of one field, as a file."""
    stack = np.random.default_rng(1).poisson(100 + 300 * scene[None].repeat(3, 0)).astype(np.uint16)
    tifffile.imwrite(tmp_path / "frames.tif", stack, photometric="minisblack")
    return tmp_path / "frames.tif"


def test_the_table_says_what_is_kept(command, frames):
    ran = command("inject", frames, "mean", "bilateral", "--frames", "3", *QUICK)
    assert ran.code == 0
    assert "mean: contrast 1 is" in ran.out
    assert "weakened" in ran.out or "lost" in ran.out
    assert "Note: noise rises with the signal" in ran.out


def test_a_program_gets_every_number(command, frames):
    record = command("inject", frames, "mean", *QUICK, "--field", "96", "--json").record
    assert [(row["period_px"], row["contrast"]) for row in record["transfers"]] == [(4.0, 0.2), (8.0, 0.2)]
    assert all(row["kept"] == pytest.approx(1, abs=0.1) for row in record["transfers"])
    assert all(row["verdict"] == "kept" for row in record["transfers"])


def test_table_and_pictures_are_written(command, frames, tmp_path):
    folder = tmp_path / "out"
    record = command("inject", frames, "mean", *QUICK, "--pattern", "dots", "-o", folder, "--json").record
    assert sorted(path.name for path in folder.iterdir()) == ["mean_injection.png", "transfer.csv"]
    rows = list(csv.DictReader((folder / "transfer.csv").read_text(encoding="utf-8").splitlines()))
    assert [float(row["kept"]) for row in rows] == [row["kept"] for row in record["transfers"]]
    assert (folder / "mean_injection.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        (("--frames", "4"), "3 frame"),
        (("--periods", "2"), "Periods"),
        (("--contrasts", "0"), "Contrasts"),
        (("--field", "16"), "image of at least"),
    ],
)
def test_what_cannot_be_run_is_refused(command, frames, wrong, word):
    refused = command("inject", frames, "mean", *wrong)
    assert refused.code == 2
    assert word in refused.err
