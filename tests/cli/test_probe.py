"""probe: tables for a person, records for a program, files, and rows in the card of a model."""

import csv
import shutil

import numpy as np
import pytest
import tifffile

from napari_emrestore.models import bundled_cards_folder, read_card
from napari_emrestore.probes import ARTEFACTS, draw_probe, list_probes

QUICK = ("--size", "64", "--frames", "2")


def test_the_table_holds_every_probe_and_says_what_failed(command):
    ran = command("probe", "mean", *QUICK)
    assert ran.code == 0
    assert all(name in ran.out for name in list_probes())
    assert "mean: 2 frames of 64 px, 11 px of vertical motion in each" in " ".join(ran.out.split())
    assert "FAILED checkerboard: Motion blur is left" in ran.out


def test_a_program_gets_every_score(command):
    record = command("probe", "mean", "median", "--probe", "blank", "edge", *QUICK, "--json").record
    assert {(row["model"], row["probe"]) for row in record["scores"]} == {
        (model, probe) for model in ("mean", "median") for probe in ("blank", "edge")
    }
    assert {row["artefact"] for row in record["scores"]} <= set(ARTEFACTS)
    assert {row["result"] for row in record["scores"]} <= {"passed", "FAILED"}
    assert record["degradation"]["frames"] == 2


def test_tables_and_pictures_are_written(command, tmp_path):
    folder = tmp_path / "new" / "out"
    record = command("probe", "mean", "--probe", "spots", *QUICK, "-o", folder, "--json").record
    assert [str(path) for path in sorted(folder.iterdir())] == sorted(record["files"])
    rows = list(csv.DictReader((folder / "probes.csv").read_text(encoding="utf-8").splitlines()))
    assert len(rows) == len(draw_probe("spots", 64).judged)
    assert "| mean | spots | wobble |" in (folder / "probes.md").read_text(encoding="utf-8")
    assert (folder / "mean_spots.png").read_bytes().startswith(b"\x89PNG")


def test_noise_and_range_are_taken_from_a_file(command, tmp_path):
    y, x = np.mgrid[:96, :96]
    scene = 500 + 200 * np.sin(x / 15) * np.sin(y / 15)
    frames = np.random.default_rng(0).normal(scene, 20.0, (4, 96, 96)).astype(np.float32)
    tifffile.imwrite(tmp_path / "mine.tif", frames, photometric="minisblack")
    line = ["probe", "mean", "--probe", "blank", *QUICK, "--like", tmp_path / "mine.tif"]
    matched = command(*line, "--json").record["degradation"]
    assert matched["noise"]["read_noise"] == pytest.approx(20, rel=0.1)
    assert sum(matched["levels"]) / 2 == pytest.approx(500, rel=0.05)
    refused = command(*line, "--noise", "0.1")
    assert refused.code == 2
    assert "not both" in refused.err


def test_results_go_into_a_card_given_by_its_path(command, tmp_path):
    cards = tmp_path / "cards"
    shutil.copytree(bundled_cards_folder(), cards)
    shutil.copytree(bundled_cards_folder().parent / "weights", tmp_path / "weights")
    path = cards / "naf-denoise.toml"
    before = read_card(path)
    ran = command("probe", path, "--probe", "blank", "lines", *QUICK, "--seed", "3", "--write-card")
    assert ran.code == 0
    after = read_card(path)
    assert [row["probe"] for row in after.probes] == ["blank", "lines"]
    assert after.probes[0]["weights_sha256"] == before.sha256
    assert after.probes[0]["frames"] == 1, "what was done, not what was asked for"
    assert set(after.probes[0]["failed"]) <= set(after.probes[0]["scores"])
    assert after.training == before.training
    repeat = after.probes[1]["command"].split()[1:]
    again = command(*repeat, "--json").record
    assert {row["artefact"]: float(f"{row['value']:.4g}") for row in again["scores"]} == after.probes[1][
        "scores"
    ]
    assert "invented-lines" in command("models", "show", path).out


def test_results_go_into_nothing_but_cards(command):
    refused = command("probe", "burst-naf", *QUICK, "--write-card")
    assert refused.code == 2
    assert "card" in refused.err


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        (("--probe", "stripes"), "stripes"),
        (("--size", "8"), "32 px"),
        (("--frames", "0"), "at least one frame"),
        (("--motion", "-1"), "Motion"),
    ],
)
def test_what_cannot_be_run_is_refused(command, wrong, word):
    refused = command("probe", "mean", "--probe", "blank", *wrong)
    assert refused.code == 2
    assert word in refused.err
