"""Runs that are shared out to threads: the pixels of an ordinary run, kept when it is stopped."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import zarr

from napari_emrestore.core import Cancelled, DeviceError, InputError
from napari_emrestore.pipeline import RunSettings, run
from napari_emrestore.pipeline.spreading import run_spread, running
from napari_emrestore.pipeline.spreading.working import make_piece

PIECES = 2 * 3 * 4


class Progress:
    """Remembers what it was told, and stops after so many pieces."""

    def __init__(self, stop_at=None):
        self.stop_at, self.told = stop_at, []

    def step(self, done, total, note=""):
        if note.startswith("restoring pieces"):
            self.told.append((done, total, note))
            if self.stop_at is not None and done >= self.stop_at:
                raise Cancelled(note)


@pytest.fixture
def counted(monkeypatch):
    """Count the pieces that are made."""
    made = []

    def make(task):
        made.append(task.piece.number)
        return make_piece(task)

    monkeypatch.setattr(running, "make_piece", make)
    return made


def hidden(settings):
    return sorted(p.name for p in Path(settings.output).parent.iterdir() if p.name.startswith("."))


def test_pieces_give_the_pixels_and_the_record_of_an_ordinary_run(settings, tmp_path):
    expected = run(replace(settings, output=str(tmp_path / "alone.zarr")))
    progress = Progress()
    result = run_spread(settings, "threads:3", monitor=progress)
    np.testing.assert_array_equal(result.restoration.image[:], expected.restoration.image[:])
    assert zarr.open_array(f"{settings.output}/0").chunks == (1, 30, 30)
    assert progress.told[0][:2] == (0, PIECES)
    assert progress.told[-1] == (PIECES, PIECES, "restoring pieces, 3 threads")
    made, alone = result.restoration.provenance, expected.restoration.provenance
    assert made.settings["run_key"] == alone.settings["run_key"]
    assert [report.shape for report in result.windows] == [report.shape for report in expected.windows]
    assert any("36 px hold no measurement" in note for note in made.notes)
    (worker,) = made.settings["workers"].values()
    assert worker == {"device": made.device, "pieces": PIECES}
    assert hidden(settings) == []


def test_one_large_image_is_an_image(settings, tmp_path, image_file):
    one = tmp_path / "one.npy.tif"
    import tifffile

    tifffile.imwrite(one, tifffile.imread(image_file)[0])
    alone = run(replace(settings, input=str(one), output=str(tmp_path / "alone.zarr")))
    made = run_spread(replace(settings, input=str(one)), "threads:2")
    np.testing.assert_array_equal(made.restoration.image[:], alone.restoration.image[:])
    assert (
        made.restoration.provenance.settings["intensity"]
        == alone.restoration.provenance.settings["intensity"]
    )


def test_a_stopped_job_goes_on_where_it_was(settings, counted, tmp_path):
    with pytest.raises(Cancelled):
        run_spread(settings, "threads:1", monitor=Progress(stop_at=5))
    assert not Path(settings.output).exists()
    lines = next(Path(settings.output).parent.glob(".made.zarr.*.unfinished.jsonl")).read_text().splitlines()
    kept = {json.loads(line)["piece"] for line in lines[1:]}
    assert len(kept) == 5
    counted.clear()
    progress = Progress()
    result = run_spread(settings, "threads:1", monitor=progress)
    assert sorted(counted) == sorted(set(range(PIECES)) - kept)
    assert progress.told[0][:2] == (5, PIECES)
    assert f"5 of {PIECES} pieces were finished by an earlier start" in result.restoration.provenance.notes
    expected = run(replace(settings, output=str(tmp_path / "alone.zarr")))
    np.testing.assert_array_equal(result.restoration.image[:], expected.restoration.image[:])
    assert hidden(settings) == []


@pytest.mark.parametrize("changed", [{"model": "median"}, {"tile": 42}, {"precision": "fp32"}])
def test_a_changed_setting_never_takes_up_what_others_made(settings, counted, changed):
    with pytest.raises(Cancelled):
        run_spread(settings, "threads:1", monitor=Progress(stop_at=5))
    counted.clear()
    progress = Progress()
    run_spread(replace(settings, **changed), "threads:1", monitor=progress)
    assert progress.told[0][0] == 0
    assert len(counted) == progress.told[0][1]


def test_a_changed_input_never_takes_up_what_was_made_of_the_old_one(settings, counted, image_file, tmp_path):
    import tifffile

    own = tmp_path / "own.tif"
    frames = tifffile.imread(image_file)
    tifffile.imwrite(own, frames)
    job = replace(settings, input=str(own))
    with pytest.raises(Cancelled):
        run_spread(job, "threads:1", monitor=Progress(stop_at=5))
    tifffile.imwrite(own, frames + 1)
    counted.clear()
    run_spread(job, "threads:1")
    assert len(counted) == PIECES


def test_a_record_that_was_cut_off_costs_its_last_piece(settings, counted):
    with pytest.raises(Cancelled):
        run_spread(settings, "threads:1", monitor=Progress(stop_at=5))
    record = next(Path(settings.output).parent.glob(".made.zarr.*.unfinished.jsonl"))
    record.write_text(record.read_text()[:-20])
    counted.clear()
    run_spread(settings, "threads:1")
    assert len(counted) == PIECES - 4


def test_bursts_are_pieces_and_keep_their_reports(stream_file, tmp_path, stop_after, counted):
    settings = RunSettings(str(stream_file), model="mean", frames=2, output=str(tmp_path / "made.zarr"))
    expected = run(replace(settings, output=str(tmp_path / "alone.zarr")))
    with pytest.raises(Cancelled):
        run_spread(settings, "threads:1", monitor=Progress(stop_at=1))
    result = run_spread(settings, "threads:2")
    np.testing.assert_array_equal(result.restoration.image[:], expected.restoration.image[:])
    for made, alone in zip(result.windows, expected.windows, strict=True):
        assert replace(made, seconds=0) == replace(alone, seconds=0)


def test_a_restorer_that_sees_whole_images_gets_them_whole(settings, counted, tmp_path):
    job = replace(settings, model="tv-chambolle", tile="auto")
    expected = run(replace(job, output=str(tmp_path / "alone.zarr")))
    result = run_spread(job, "threads:2")
    assert len(counted) == 2
    np.testing.assert_array_equal(result.restoration.image[:], expected.restoration.image[:])


def test_an_error_of_a_piece_is_told_and_keeps_the_others(settings, monkeypatch, counted):
    def fail(task):
        if task.piece.number == 3:
            raise DeviceError("Memory is needed", came="none is left")
        return make_piece(task)

    with monkeypatch.context() as patch:
        patch.setattr(running, "make_piece", fail)
        with pytest.raises(DeviceError, match="none is left"):
            run_spread(settings, "threads:1")
    assert len(hidden(settings)) == 2
    run_spread(settings, "threads:1")
    assert 3 in counted
    assert len(counted) < PIECES


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"output": "made.ome.tif"}, "ends in .zarr"),
        ({"frames": 2}, "one burst of 2 frames"),
        ({"truth": "truth.tif"}, "one machine"),
        ({"tile": 2}, "larger than two halos"),
    ],
)
def test_what_cannot_be_shared_out_is_refused(settings, changed, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=said):
        run_spread(replace(settings, **changed), "threads:1")
    assert hidden(settings) == []


@pytest.mark.parametrize("scheduler", ["threads:0", "threads:x"])
def test_a_crew_needs_a_number(settings, scheduler):
    with pytest.raises(InputError, match="threads:4"):
        run_spread(settings, scheduler)
