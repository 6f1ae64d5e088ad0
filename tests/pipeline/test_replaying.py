"""A record leads back to its pixels: by settings, by command line, by script."""

import shlex
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import tifffile

from napari_emrestore.cli import main
from napari_emrestore.core import InputError, Provenance
from napari_emrestore.io import FrameStack, open_frames, read_provenance
from napari_emrestore.pipeline import RunSettings, run, run_frames
from napari_emrestore.pipeline.replaying import (
    command_line,
    missing_input,
    python_script,
    settings_in,
    tell_changes,
)

# one value for every setting that a command line can carry, far from its default
EVERY_SETTING = RunSettings(
    "in put's.tif",
    model="naf-denoise",
    output="out.ome.tif",
    frames=3,
    window="sliding",
    kind="translation",
    reference=1,
    merge="median",
    tile=(128, 256),
    device="cpu",
    precision="fp32",
    truth="truth.tif",
    truth_frame=2,
    use=(1, 4),
    skip=(0,),
    expected_error=True,
)


def pixels(path):
    with open_frames(path) as stack:
        return np.asarray(stack.data)


@pytest.fixture
def made(stream_file, tmp_path):
    """Return the record of a run with settings of its own, and its file."""
    output = tmp_path / "first.ome.tif"
    settings = RunSettings(
        str(stream_file), "mean", str(output), frames=4, kind="translation", reference=1, skip=(3,)
    )
    return run(settings).restoration.provenance, output


@pytest.mark.parametrize("settings", [EVERY_SETTING, replace(EVERY_SETTING, kind=None, tile=64)])
def test_a_command_line_says_what_the_settings_say(settings, monkeypatch):
    asked = []
    monkeypatch.setattr("napari_emrestore.pipeline.run", lambda told, **_: asked.append(told) or 1 / 0)
    program, *words = shlex.split(command_line(settings))
    assert program == "napari-emrestore"
    main([*words, "--json"])
    assert asked == [settings]


def test_what_has_its_default_is_left_out():
    line = command_line(RunSettings("a.tif", "mean", "b.tif"))
    assert line == "napari-emrestore restore a.tif --output b.tif --model mean"


def test_a_command_line_needs_an_output():
    with pytest.raises(InputError, match="names a file to write"):
        command_line(RunSettings("a.tif"))


def test_the_command_line_of_a_record_gives_the_same_pixels(made, tmp_path):
    provenance, first = made
    line = command_line(replace(settings_in(provenance), output=str(tmp_path / "again.ome.tif")))
    assert main([*shlex.split(line)[1:], "--json"]) == 0
    np.testing.assert_array_equal(pixels(tmp_path / "again.ome.tif"), pixels(first))


def test_the_script_of_a_record_gives_the_same_pixels_without_a_screen(made, tmp_path, stream_file):
    provenance, first = made
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    settings = replace(settings_in(provenance), output=str(folder / "again.ome.tif"))
    script = folder / "again.py"
    script.write_text(python_script(provenance, settings, "stream · mean", folder), encoding="utf-8")
    ran = subprocess.run([sys.executable, "-W", "error", script], capture_output=True, text=True, check=True)
    assert "again.ome.tif" in ran.stdout
    np.testing.assert_array_equal(pixels(folder / "again.ome.tif"), pixels(first))


def test_files_beside_a_script_may_move_with_it(made, tmp_path):
    provenance, _ = made
    settings = replace(settings_in(provenance), output=str(tmp_path / "again.ome.tif"))
    text = python_script(provenance, settings, "it's", tmp_path)
    assert "input=str(HERE / 'stream.tif')" in text
    assert "output=str(HERE / 'again.ome.tif')" in text
    assert str(tmp_path) not in text
    compile(text, "again.py", "exec")


def test_a_record_names_the_model_that_was_chosen_for_it(stream_file):
    settings = RunSettings(str(stream_file), "mean", frames=2)
    provenance = replace(
        run(settings).restoration.provenance,
        model={"id": "burst-naf"},
        settings={"run": {"input": str(stream_file), "model": "auto"}},
    )
    assert settings_in(provenance).model == "burst-naf"


def test_a_truth_in_memory_that_decided_the_reference_is_not_needed_again(stream):
    frames, truths = stream
    stack = FrameStack.from_array(frames)
    settings = RunSettings("a layer", "mean", frames=6, kind="translation", truth_frame=2)
    first = run_frames(stack, settings, truth=truths[2]).restoration
    told = settings_in(first.provenance)
    assert told.reference == 2
    np.testing.assert_array_equal(run_frames(stack, told).restoration.image, first.image)


def test_a_truth_in_memory_is_needed_where_it_decided_one_burst_of_several(stream):
    frames, truths = stream
    settings = RunSettings("a layer", "mean", frames=3, kind="translation", truth_frame=2)
    provenance = run_frames(FrameStack.from_array(frames), settings, truth=truths[2]).restoration.provenance
    with pytest.raises(InputError, match="it was a layer without a file"):
        settings_in(provenance)


@pytest.mark.parametrize("provenance", [Provenance("register"), Provenance("run")])
def test_what_no_run_made_cannot_be_made_again(provenance):
    with pytest.raises(InputError, match="Only restorations"):
        settings_in(provenance)


def test_an_input_is_missing_when_its_file_is(made, stream_file):
    provenance, first = made
    assert missing_input(provenance) == ""
    assert missing_input(read_provenance(first)) == ""
    stream_file.unlink()
    assert missing_input(provenance) == "stream.tif"
    assert missing_input(Provenance("run", inputs=({"name": "a layer", "path": ""},))) == "a layer"


def test_changes_of_input_and_model_are_told(made, stream_file):
    provenance, _ = made
    settings = settings_in(provenance)
    sha256 = provenance.inputs[0]["sha256"]
    tell_changes(settings, input_sha256=sha256)
    tell_changes(settings)
    with pytest.warns(UserWarning, match="model burst-naf is another one"):
        tell_changes(replace(settings, model="burst-naf"), weights_sha256="0" * 64)
    tifffile.imwrite(stream_file, np.ones((6, 81, 98), np.uint16), photometric="minisblack")
    with pytest.warns(UserWarning, match="has changed since"):
        tell_changes(settings, input_sha256=sha256)
