"""Exit codes, sentences, JSON for programs, Ctrl-C: the same for every command."""

import json
import os
import signal
import subprocess
import sys

import pytest

from napari_emrestore import __version__
from napari_emrestore.cli import program
from napari_emrestore.cli.program import COMMANDS, build_parser
from napari_emrestore.core import ModelError


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(command, name):
    ran = command(name, "--help")
    assert ran.code == 0
    assert "--json" in ran.out
    assert "--debug" in ran.out


def test_the_version_is_that_of_the_package(command):
    assert command("--version").out.split() == ["napari-emrestore", __version__]


@pytest.mark.parametrize(
    "line",
    [
        ["restore", "nowhere.tif", "-o", "out.tif"],
        ["restore", "nowhere.tif", "-o", "out.tif", "--frames", "77"],
        ["register", "nowhere.tif", "-o", "out.tif"],
        ["models", "show"],
        ["evaluate", "nowhere", "-o", "out", "--protocol", "plos"],
        ["train", "no-recipe", "--data", ".", "-o", "out"],
        ["simulate", "nowhere.png", "-o", "out.tif"],
        ["restore"],
        ["dance"],
    ],
    ids=" ".join,
)
def test_input_that_cannot_be_used_ends_with_code_2_and_a_sentence(command, monkeypatch, tmp_path, line):
    monkeypatch.chdir(tmp_path)
    ran = command(*line)
    assert ran.code == 2
    assert ran.out == ""
    assert "Traceback" not in ran.err
    assert ran.err.strip()


def test_a_program_gets_the_facts_of_an_error(command, tmp_path):
    ran = command("restore", tmp_path / "nowhere.tif", "-o", tmp_path / "out.tif", "--json")
    assert ran.code == 2
    assert set(ran.record["error"]) == {"class", "message", "needed", "item", "came", "remedy"}
    assert "nowhere.tif" in ran.record["error"]["message"]


def test_other_errors_end_with_code_1(command, stream, tmp_path):
    ran = command("restore", stream, "-o", tmp_path / "out.tif", "--model", "no-such-model")
    assert ran.code == 1
    assert "no-such-model" in ran.err
    assert "Traceback" not in ran.err


def test_a_mistake_of_ours_is_a_sentence_and_with_debug_a_traceback(command, monkeypatch):
    def break_down(*_):
        raise ZeroDivisionError("by nothing")

    monkeypatch.setattr("napari_emrestore.cli.models.run", break_down)
    ran = command("models")
    assert (ran.code, ran.err.count("\n")) == (1, 1)
    assert "Unexpected ZeroDivisionError: by nothing" in ran.err
    assert "Traceback" in command("models", "--debug").err


def test_an_error_of_the_package_keeps_its_sentence():
    error = ModelError("A model is needed", item="x", came="is none", remedy="Name one.")
    assert program._sentence(error) == "A model is needed; x is none. Name one."


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends Ctrl-C to a whole console group")
def test_ctrl_c_stops_within_a_tile_and_leaves_nothing_half_written(stream, tmp_path):
    code = (
        "import sys, time\n"
        "from napari_emrestore.cli import main\n"
        "from napari_emrestore.restoration.classical import restorer\n"
        "whole = restorer.ClassicalRestorer.restore_window\n"
        "def slow(self, frames):\n"
        "    print('tile', flush=True)\n"
        "    time.sleep(0.2)\n"
        "    return whole(self, frames)\n"
        "restorer.ClassicalRestorer.restore_window = slow\n"
        "sys.exit(main(sys.argv[1:]))\n"
    )
    line = ["restore", str(stream), "-o", str(tmp_path / "out.tif"), "--model", "mean", "--frames", "1"]
    started = subprocess.Popen(
        [sys.executable, "-c", code, *line], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert started.stdout.readline() == "tile\n"
    os.kill(started.pid, signal.SIGINT)
    out, err = started.communicate(timeout=60)
    assert started.returncode == 130
    assert out.count("tile") < 4
    assert "Stopped as asked" in err
    assert "Traceback" not in err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["stream.tif", "truth.tif"]


def test_python_m_is_the_same_program():
    ran = subprocess.run(
        [sys.executable, "-m", "napari_emrestore", "models", "--json"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert set(json.loads(ran.stdout)) == {"models", "classical"}


def test_the_parser_knows_every_command():
    assert set(COMMANDS) == {
        "demo", "restore", "live", "register", "models", "evaluate", "probe", "inject", "trust",
        "simulate", "train", "experiment", "export", "calibrate", "adapt", "regions", "mosaic", "doctor",
    }  # fmt: skip
    assert build_parser().parse_args(["doctor"]).command == "doctor"
