"""Batches: what cannot be read is skipped and said, what is done is not done again."""

from dataclasses import replace

import numpy as np
import pytest
import tifffile

from napari_emrestore.core import Cancelled, InputError, ModelError
from napari_emrestore.pipeline import RunSettings, run_batch
from napari_emrestore.pipeline.batch import list_inputs, name_output


@pytest.fixture
def folder(stream, tmp_path):
    """Three images, one of them cut off, and a stray text file."""
    folder = tmp_path / "in"
    folder.mkdir()
    for name, image in zip(("a10.tif", "a9.tif", "b.tif"), stream[0], strict=False):
        tifffile.imwrite(folder / name, image)
    (folder / "b.tif").write_bytes((folder / "b.tif").read_bytes()[:100])
    (folder / "notes.txt").write_text("no image")
    return folder


def jobs_for(folder, out, **changed):
    return [
        RunSettings(str(path), model="gaussian", output=str(name_output(path, out)), **changed)
        for path in list_inputs([str(folder)], each=True)
    ]


def test_a_folder_is_one_stack_or_many_images_in_natural_order(folder):
    assert list_inputs([str(folder)], each=False) == [folder]
    assert [path.name for path in list_inputs([str(folder)], each=True)] == ["a9.tif", "a10.tif", "b.tif"]


def test_a_batch_goes_on_after_a_file_that_cannot_be_read(folder, tmp_path):
    rows = run_batch(jobs_for(folder, tmp_path))
    assert [row.outcome for row in rows] == ["restored", "restored", "failed"]
    assert "b.tif" in rows[2].reason
    assert (tmp_path / "a9_restored.ome.tif").exists()


def test_a_batch_is_taken_up_where_it_stopped(folder, tmp_path, stop_after):
    jobs = jobs_for(folder, tmp_path)[:2]
    run_batch(jobs[:1])
    with pytest.raises(Cancelled):
        run_batch(jobs, monitor=stop_after(1))
    assert not (tmp_path / "a10_restored.ome.tif").exists()
    stamp = (tmp_path / "a9_restored.ome.tif").stat().st_mtime_ns
    assert [row.outcome for row in run_batch(jobs)] == ["already there", "restored"]
    assert (tmp_path / "a9_restored.ome.tif").stat().st_mtime_ns == stamp


@pytest.mark.parametrize("change", ["input", "settings", "damaged output", "foreign output"])
def test_what_changed_is_done_again(folder, tmp_path, change):
    job = jobs_for(folder, tmp_path)[0]
    run_batch([job])
    output = tmp_path / "a9_restored.ome.tif"
    if change == "input":
        tifffile.imwrite(folder / "a9.tif", np.full((9, 8), 3, np.uint8) + np.eye(9, 8, dtype=np.uint8))
    if change == "settings":
        job = replace(job, tile=64)
    if change == "damaged output":
        output.write_bytes(output.read_bytes()[:50])
    if change == "foreign output":
        tifffile.imwrite(output, np.eye(5))
    assert [row.outcome for row in run_batch([job])] == ["restored"]


def test_two_inputs_may_not_share_an_output(folder, tmp_path):
    first, second = jobs_for(folder, tmp_path)[:2]
    with pytest.raises(InputError, match=r"share .*a9_restored"):
        run_batch([first, replace(second, output=first.output)])


def test_a_model_that_does_not_exist_ends_the_batch(folder, tmp_path):
    with pytest.raises(ModelError):
        run_batch([replace(job, model="no-such-model") for job in jobs_for(folder, tmp_path)])
