"""The expected error beside a restoration: in memory, in files, on disk as it comes; or refused."""

from dataclasses import replace

import numpy as np
import pytest
import tifffile
from tests.small_networks import small_card

from napari_emrestore.core import InputError, TrainedRange
from napari_emrestore.io import open_frames, read_provenance
from napari_emrestore.models import write_card
from napari_emrestore.pipeline import RunSettings, run, run_batch
from napari_emrestore.pipeline.canvas import error_output
from napari_emrestore.pipeline.line import EXPECTED_ERROR
from napari_emrestore.pipeline.replaying import command_line
from napari_emrestore.pipeline.spreading import run_spread


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """The card of a small network that tells its expected error."""
    folder = tmp_path_factory.mktemp("model")
    card = small_card(folder, shaken=True, trained=TrainedRange((1, 8)))
    write_card(card, folder / "small.toml")
    return str(folder / "small.toml")


@pytest.fixture
def settings(stream_file, model):
    return RunSettings(str(stream_file), model, frames=3, kind="translation", expected_error=True)


def pixels(path):
    with open_frames(path) as stack:
        return np.asarray(stack.data)


def test_a_burst_has_its_error_in_memory_and_in_a_file_beside(settings, tmp_path):
    settings = replace(settings, frames=6, output=str(tmp_path / "made.ome.tif"))
    result = run(settings)
    error = result.restoration.expected_error
    assert error.shape == result.restoration.image.shape
    assert error.min() > 0
    assert result.error_output == tmp_path / "made.expected-error.ome.tif"
    np.testing.assert_array_equal(pixels(result.error_output)[0], error)
    told = read_provenance(result.error_output)
    assert told.notes[-1] == EXPECTED_ERROR
    assert EXPECTED_ERROR not in read_provenance(result.output).notes
    assert told.settings["run_key"] == read_provenance(result.output).settings["run_key"]
    assert result.to_record()["error_output"] == str(result.error_output)


def test_the_error_of_several_bursts_lies_on_the_frame_grid(settings):
    made = run(settings).restoration
    assert made.expected_error.shape == made.image.shape == (2, 81, 98)
    np.testing.assert_array_equal(np.isnan(made.expected_error), np.isnan(made.image))


def test_both_stream_to_zarr_with_the_same_values(settings, tmp_path):
    known = run(settings).restoration
    result = run(replace(settings, output=str(tmp_path / "made.zarr")))
    assert result.error_output == tmp_path / "made.expected-error.zarr"
    for name in ("image", "expected_error"):
        lazy = getattr(result.restoration, name)
        assert not isinstance(lazy, np.ndarray)
        np.testing.assert_allclose(lazy[:], getattr(known, name), rtol=1e-5)
    assert read_provenance(result.error_output).notes[-1] == EXPECTED_ERROR


def test_a_single_frame_streams_to_zarr_in_blocks(stream, model, tmp_path):
    source = tmp_path / "one.tif"
    tifffile.imwrite(source, stream[0][0])
    settings = RunSettings(str(source), model, expected_error=True, tile=96)
    known = run(settings).restoration
    made = run(replace(settings, output=str(tmp_path / "made.zarr"))).restoration
    np.testing.assert_allclose(made.expected_error[:], known.expected_error, rtol=1e-4)


def test_nothing_is_told_unasked(settings, tmp_path):
    result = run(replace(settings, expected_error=False, output=str(tmp_path / "made.tif")))
    assert result.restoration.expected_error is None
    assert result.error_output is None
    assert [path.name for path in tmp_path.glob("made*")] == ["made.tif"]


def test_a_stop_leaves_neither_file(settings, tmp_path, stop_after):
    from napari_emrestore.core import Cancelled

    for suffix in (".tif", ".zarr"):
        with pytest.raises(Cancelled):
            run(replace(settings, output=str(tmp_path / f"made{suffix}")), monitor=stop_after(4))
    assert list(tmp_path.glob("made*")) == []


def test_a_batch_is_done_when_both_files_are_there(settings, tmp_path):
    job = replace(settings, frames=6, output=str(tmp_path / "made.tif"))
    assert [run_batch([job])[0].outcome for _ in range(2)] == ["restored", "already there"]
    error_output(job.output).unlink()
    assert run_batch([job])[0].outcome == "restored"
    assert error_output(job.output).exists()


def test_who_cannot_tell_it_is_refused(settings, tmp_path):
    with pytest.raises(InputError, match="error head"):
        run(replace(settings, model="mean"))
    with pytest.raises(InputError, match="one machine"):
        run_spread(replace(settings, output=str(tmp_path / "made.zarr")), "threads")


@pytest.mark.parametrize(
    ("output", "beside"),
    [
        ("a.tif", "a.expected-error.tif"),
        ("b.c.ome.tif", "b.c.expected-error.ome.tif"),
        ("d.ome.zarr", "d.expected-error.ome.zarr"),
    ],
)
def test_the_file_beside_keeps_the_suffix(output, beside):
    assert error_output(output).name == beside


def test_the_command_line_asks_for_it():
    line = command_line(RunSettings("a.tif", "m", "b.tif", expected_error=True))
    assert line.split()[-1] == "--expected-error"
