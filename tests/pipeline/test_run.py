"""The straight line: geometry, units, scores, provenance, lazy windows, clean stops."""

import json
from dataclasses import replace

import numpy as np
import pytest
import tifffile

from napari_emrestore.core import Cancelled, InputError, ModelError
from napari_emrestore.io import open_frames, read_provenance
from napari_emrestore.pipeline import RunSettings, run

FRAMES, SHAPE = 6, (81, 98)  # of the stream in conftest.py


def mean_settings(path, **changed):
    return RunSettings(str(path), model="mean", kind="translation", **changed)


def test_one_burst_is_restored_on_the_grid_of_its_reference(stream, shifts, stream_file):
    result = run(mean_settings(stream_file, frames=5, reference=0))
    (top, left), (height, width) = result.restoration.origin_px, result.restoration.image.shape
    used = shifts[:5]
    lowest, highest = min(y for y, _ in used), max(y for y, _ in used)
    rim = 4  # what cubic interpolation leaves out, at most
    assert -lowest <= top <= -lowest + rim
    assert SHAPE[0] - (highest - lowest) - 2 * rim <= height <= SHAPE[0] - (highest - lowest)
    truth = stream[1][0, top : top + height, left : left + width]
    single = stream[0][0, top : top + height, left : left + width]
    assert np.abs(result.restoration.image - truth).mean() < 0.6 * np.abs(single - truth).mean()
    assert result.windows[0].frames == (0, 1, 2, 3, 4)


def test_scores_exist_only_with_a_ground_truth_and_order_as_they_must(stream_file, truth_file):
    assert run(mean_settings(stream_file)).windows[0].scores == ()
    result = run(mean_settings(stream_file, truth=str(truth_file)))
    single, mean, restored = result.windows[0].scores
    assert (single.what, mean.what, restored.what) == ("single frame", "burst mean", "restored")
    assert single.psnr + 3 < mean.psnr
    assert restored.psnr == pytest.approx(mean.psnr, abs=0.01)  # the model is the mean
    assert set(result.views) == {"single frame", "burst mean", "restored", "ground truth"}


def test_a_single_truth_makes_its_frame_the_reference(stream, stream_file, tmp_path):
    tifffile.imwrite(tmp_path / "one.tif", stream[1][3])
    result = run(mean_settings(stream_file, truth=str(tmp_path / "one.tif"), truth_frame=3))
    assert result.windows[0].reference == 3
    assert result.windows[0].scores[-1].psnr > result.windows[0].scores[0].psnr + 3
    assert any("ground truth belongs to it" in note for note in result.restoration.provenance.notes)


@pytest.mark.parametrize(
    ("window", "starts"), [("consecutive", [0, 2, 4]), ("sliding", [0, 1, 2, 3, 4])], ids=str
)
def test_several_bursts_make_a_stack_on_the_frame_grid(stream_file, tmp_path, window, starts):
    result = run(mean_settings(stream_file, frames=2, window=window, output=str(tmp_path / "out.ome.tif")))
    assert [report.frames[0] for report in result.windows] == starts
    with open_frames(tmp_path / "out.ome.tif") as stack:
        written = np.asarray(stack.data)
    assert written.shape == (len(starts), *SHAPE)
    for image, report in zip(written, result.windows, strict=True):
        (top, left), (height, width) = report.origin_px, report.shape
        assert np.isfinite(image[top : top + height, left : left + width]).all()
        assert np.isnan(image).sum() == image.size - height * width


def test_frames_that_fill_no_burst_are_not_dropped_quietly(stream_file):
    result = run(mean_settings(stream_file, frames=4))
    assert "the last 2 frame(s) fill no burst and were left out" in result.restoration.provenance.notes


def test_a_stack_streams_to_zarr_with_the_same_values(stream_file, tmp_path):
    in_memory = run(mean_settings(stream_file, frames=2)).restoration.image
    result = run(mean_settings(stream_file, frames=2, output=str(tmp_path / "out.zarr")))
    assert not isinstance(result.restoration.image, np.ndarray)
    np.testing.assert_array_equal(np.asarray(result.restoration.image[:]), in_memory)
    assert read_provenance(tmp_path / "out.zarr").tool == "run"


def test_a_single_frame_streams_to_zarr_and_keeps_nothing_in_memory(stream, tmp_path):
    tifffile.imwrite(tmp_path / "one.tif", stream[0][0])
    settings = RunSettings(str(tmp_path / "one.tif"), model="gaussian", output=str(tmp_path / "one.zarr"))
    result = run(settings)
    assert result.views == {}
    expected = run(replace(settings, output=None)).restoration.image
    np.testing.assert_allclose(np.asarray(result.restoration.image[:]), expected, rtol=1e-5)


def test_frames_that_are_aligned_are_left_where_they_are(stream, stream_file):
    result = run(RunSettings(str(stream_file), model="mean", kind=None, frames=4))
    np.testing.assert_allclose(result.restoration.image, stream[0][:4].mean(0), rtol=1e-5)
    assert result.restoration.image.shape == SHAPE
    assert any("taken as aligned" in note for note in result.restoration.provenance.notes)


def test_provenance_tells_the_whole_story(stream_file, tmp_path):
    settings = mean_settings(stream_file, frames=3, output=str(tmp_path / "out.ome.tif"))
    result = run(settings)
    provenance = read_provenance(tmp_path / "out.ome.tif")
    assert provenance.tool == "run"
    assert provenance.model["id"] == "mean"
    assert len(provenance.inputs[0]["sha256"]) == 64
    assert RunSettings(**provenance.settings["run"]) == settings
    assert [window["frames"] for window in provenance.settings["windows"]] == [[0, 1, 2], [3, 4, 5]]
    assert {"intensity", "tile"} <= set(provenance.settings)
    json.dumps(result.to_record(), allow_nan=False)


@pytest.mark.parametrize(
    ("changed", "error", "said"),
    [
        ({"frames": FRAMES + 1}, InputError, "holds 6"),
        ({"input": "nowhere.tif"}, InputError, "nowhere.tif"),
        ({"model": "no-such-model"}, ModelError, "no-such-model"),
        ({"truth_frame": 6, "truth": "first"}, InputError, "truth_frame = 6"),
        ({"truth": "small"}, InputError, r"\(5, 7\)"),
        ({"truth": "blank"}, InputError, "must vary"),
        ({"output": "no/such/folder/out.tif"}, InputError, "no/such/folder does not exist"),
        ({"output": "out.jpg"}, InputError, "out.jpg"),
    ],
    ids=str,
)
def test_what_cannot_be_run_is_refused_with_its_facts(stream, stream_file, tmp_path, changed, error, said):
    for name, image in {
        "first": stream[1][0],
        "small": np.eye(5, 7, dtype=np.float32),
        "blank": np.ones(SHAPE, np.float32),
    }.items():
        tifffile.imwrite(tmp_path / f"{name}.tif", image)
    if "truth" in changed:
        changed = {**changed, "truth": str(tmp_path / f"{changed['truth']}.tif")}
    with pytest.raises(error, match=said):
        run(replace(mean_settings(stream_file), **changed))


@pytest.mark.parametrize("suffix", ["ome.tif", "zarr", "mrc"])
def test_a_stop_at_any_step_leaves_no_output(stream_file, tmp_path, stop_after, suffix):
    settings = mean_settings(stream_file, frames=2, output=str(tmp_path / f"out.{suffix}"))
    before = sorted(tmp_path.iterdir())
    for steps in (0, 1, 3, 8):
        with pytest.raises(Cancelled):
            run(settings, monitor=stop_after(steps))
        assert sorted(tmp_path.iterdir()) == before
