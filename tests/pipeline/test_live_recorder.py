"""Recordings: every frame or a loud stop; readable up to the last chunk whatever happens."""

import errno
import io
import os
import signal
import subprocess
import sys
import threading
from types import SimpleNamespace

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_emrestore.cameras import open_camera
from napari_emrestore.core import Acquisition, Frame, InputError, WriteError
from napari_emrestore.io import open_frames, read_provenance
from napari_emrestore.pipeline import growing, growing_zarr, recorder
from napari_emrestore.pipeline.frame_tables import frame_table
from napari_emrestore.pipeline.growing import RECORDING_FORMATS, open_growing
from napari_emrestore.pipeline.growing_zarr import GrowingZarr
from napari_emrestore.pipeline.live import LiveLine
from napari_emrestore.pipeline.recorder import CircularRecorder, Recorder, seconds_of_room

PATIENCE_S = 30.0
SHAPE = (31, 46)
KNOWN = Acquisition("camera", pixel_size_nm=(2.0, 3.0), frame_axis="time", frame_step=40.0, exposure_ms=15.0)


@pytest.fixture
def source():
    return SimpleNamespace(frame_shape=SHAPE, dtype=np.dtype(np.uint16), acquisition=KNOWN)


def frames(count, start=0, dtype=np.uint16):
    made = np.random.default_rng(start).integers(0, 250, (count, *SHAPE)).astype(dtype)
    return [Frame(image, start + k, KNOWN, 0.04 * (start + k)) for k, image in enumerate(made)]


def small_chunks(monkeypatch, count=4):
    """Write whole chunks only: on a busy machine a second may pass before one is full."""
    monkeypatch.setattr(growing, "_MOST_FRAMES", count)
    monkeypatch.setattr(recorder, "_FLUSH_S", PATIENCE_S)


FORMATS = ["a.zarr", "a.mrc", "a.ome.tif"]


@pytest.mark.parametrize("dtype", [np.uint16, np.uint8, np.float32, np.int32])
@pytest.mark.parametrize("count", [1, 4, 11])
@pytest.mark.parametrize("name", FORMATS)
def test_every_frame_comes_back_with_what_is_known_of_it(tmp_path, monkeypatch, source, dtype, count, name):
    small_chunks(monkeypatch)
    source.dtype = np.dtype(dtype)
    if name == "a.mrc" and dtype is np.int32:
        with pytest.raises(InputError, match="was to hold int32"):
            Recorder(tmp_path / name, source)
        return
    taken = frames(count, 3, dtype)
    kept = Recorder(tmp_path / name, source)
    for frame in taken:
        kept.put(frame)
    assert kept.stop(PATIENCE_S) == tmp_path / name
    assert kept.status().state == "complete"
    assert kept.status().written == count
    with open_frames(kept.path) as stack:
        assert stack.acquisition.pixel_size_nm == (2.0, 3.0)
        assert stack.acquisition.frame_step == 40.0
        assert "recording_started" in stack.acquisition.extra
        np.testing.assert_array_equal(stack.data.compute(), [frame.data for frame in taken])
    assert [(row["index"], row["time_s"]) for row in frame_table(kept.path)] == [
        (frame.index, frame.time_s) for frame in taken
    ]
    assert read_provenance(kept.path).settings["frames"] == count


def test_every_format_of_recordings_is_tried():
    assert {f".{name.rpartition('.')[2]}" for name in FORMATS} | {".tiff"} == set(RECORDING_FORMATS)


@pytest.mark.parametrize("name", FORMATS)
def test_what_was_flushed_of_each_format_can_be_read_meanwhile(tmp_path, monkeypatch, source, name):
    small_chunks(monkeypatch)
    file, taken = open_growing(tmp_path / name, SHAPE, source.dtype, KNOWN), frames(7)
    for end in (2, 4, 6, 7):
        begin = (end - 1) // 4 * 4
        file.put(taken[begin:end])
        with open_frames(file.path) as stack:
            np.testing.assert_array_equal(stack.data.compute().squeeze(), [f.data for f in taken[:end]])
        assert len(frame_table(file.path)) == end
    file.abandon()


def test_other_programs_read_an_mrc_recording(tmp_path, source):
    mrcfile = pytest.importorskip("mrcfile")
    path, taken = tmp_path / "a.mrc", frames(5)
    kept = Recorder(path, source)
    for frame in taken:
        kept.put(frame)
    kept.stop(PATIENCE_S)
    with mrcfile.open(path) as file:
        np.testing.assert_array_equal(file.data, [frame.data for frame in taken])
        assert float(file.voxel_size.x) == pytest.approx(30.0)
    complaints = io.StringIO()
    mrcfile.validate(path, print_file=complaints)
    # the extended header carries our record under a type of its own, which is all there is to remark
    assert [line for line in complaints.getvalue().splitlines() if "EMRS" not in line] == [
        f"Checking if {path} is a valid MRC2014 file..."
    ]


def test_other_programs_read_a_tiff_recording(tmp_path, source):
    path, taken = tmp_path / "a.ome.tif", frames(5)
    kept = Recorder(path, source)
    for frame in taken:
        kept.put(frame)
    kept.stop(PATIENCE_S)
    with tifffile.TiffFile(path) as tiff:
        assert tiff.is_bigtiff
        assert tiff.is_ome
        assert tiff.series[0].axes == "TYX"
        assert tiff.pages[0].tags["XResolution"].value[0] / tiff.pages[0].tags["XResolution"].value[
            1
        ] == pytest.approx(1e7 / 3)
        np.testing.assert_array_equal(tiff.asarray(), [frame.data for frame in taken])
    with Image.open(path) as pillow:
        assert pillow.n_frames == 5
        pillow.seek(3)
        np.testing.assert_array_equal(np.asarray(pillow), taken[3].data)


def test_other_programs_read_it(tmp_path, source):
    models = pytest.importorskip("ome_zarr_models.v05")
    zarr = pytest.importorskip("zarr")
    kept = Recorder(tmp_path / "a.zarr", source)
    for frame in frames(3):
        kept.put(frame)
    group = zarr.open_group(str(kept.stop(PATIENCE_S)), mode="r")
    assert models.Image.from_zarr(group).ome_attributes.multiscales[0].axes[0].unit == "millisecond"
    np.testing.assert_array_equal(group["0"][2], frames(3)[2].data)


def test_gaps_and_stage_positions_are_recorded(tmp_path, source):
    kept = Recorder(tmp_path / "a.zarr", source)
    for frame in (*frames(2), *frames(1, 5)):
        extra = {**frame.acquisition.extra, "stage_um": [frame.index, 2.5]}
        place = Acquisition(KNOWN.name, extra=extra)
        kept.put(Frame(frame.data, frame.index, place, frame.time_s))
    kept.stop(PATIENCE_S)
    assert kept.status().lost_by_source == 3
    assert [row["stage_um"] for row in frame_table(kept.path)] == [[0, 2.5], [1, 2.5], [5, 2.5]]
    assert read_provenance(kept.path).notes == ("3 frames were lost by the source",)


def test_a_fixed_recording_completes_by_itself(tmp_path, source):
    kept = Recorder(tmp_path / "a.zarr", source, frames=3)
    for frame in frames(5):
        kept.put(frame)
    kept.wait(PATIENCE_S)
    assert [row["index"] for row in frame_table(kept.path)] == [0, 1, 2]


def test_a_slow_camera_is_flushed_every_now_and_then(tmp_path, monkeypatch, source):
    monkeypatch.setattr(recorder, "_FLUSH_S", 0.0)
    flushed = threading.Event()
    put = GrowingZarr.put
    monkeypatch.setattr(GrowingZarr, "put", lambda self, chunk: put(self, chunk) or flushed.set())
    kept = Recorder(tmp_path / "a.zarr", source)
    kept.put(frames(1)[0])
    assert flushed.wait(PATIENCE_S), "a chunk that is not full was written all the same"
    with open_frames(kept.path) as stack:
        assert len(stack) == 1
    kept.stop(PATIENCE_S)


KILLED = """
import os, signal, sys
import numpy as np
from types import SimpleNamespace
from napari_emrestore.core import Acquisition, Frame
from pathlib import Path
from napari_emrestore.pipeline import growing, growing_zarr
from napari_emrestore.pipeline.growing_zarr import GrowingZarr
growing._MOST_FRAMES = 4
killer, at = growing_zarr.write_whole, int(sys.argv[2])
written = 0
def write(path, content):
    global written
    written += 1
    if written == at:
        partial = path.with_name(f".{path.name}.partial")
        partial.write_bytes(bytes(memoryview(content).cast("B"))[: 100])
        os.kill(os.getpid(), signal.SIGKILL)
    killer(path, content)
file = GrowingZarr(Path(sys.argv[1]), (31, 46), np.dtype(np.uint16), Acquisition("camera"))
growing_zarr.write_whole = write
for first in range(0, 40, 4):
    images = [np.full((31, 46), 1 + first + k, np.uint16) for k in range(4)]
    file.put([Frame(image, first + k, Acquisition("camera"), 0.0) for k, image in enumerate(images)])
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system kills otherwise")
@pytest.mark.parametrize("at", [3, 6], ids=["in a chunk", "in the length"])
def test_a_killed_process_leaves_what_was_flushed(tmp_path, at):
    path = tmp_path / "a.zarr"
    ended = subprocess.run([sys.executable, "-c", KILLED, str(path), str(at)], timeout=120)
    assert ended.returncode == -signal.SIGKILL
    with open_frames(path) as stack:
        data = stack.data.compute()
    flushed = 4 * ((at - 1) // 2)
    assert len(data) == flushed
    np.testing.assert_array_equal(data[:, 7, 9], np.arange(1, flushed + 1))
    assert len(frame_table(path)) >= flushed


def test_a_full_disk_stops_it_loudly_and_keeps_what_was_written(tmp_path, monkeypatch, source):
    small_chunks(monkeypatch)
    write, left = growing_zarr.write_whole, [2]

    def fill_up(path, content):
        if path.name == "0":
            left[0] -= 1
            if left[0] < 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write(path, content)

    monkeypatch.setattr(growing_zarr, "write_whole", fill_up)
    kept, taken = Recorder(tmp_path / "a.zarr", source), frames(12)
    for frame in taken:
        kept.put(frame)
    with pytest.raises(WriteError, match="No space left"):
        kept.stop(PATIENCE_S)
    assert kept.status().state == "failed"
    with pytest.raises(WriteError, match="No space left"):
        kept.put(taken[0])
    with open_frames(kept.path) as stack:
        np.testing.assert_array_equal(stack.data.compute(), [frame.data for frame in taken[:8]])


def test_a_disk_that_fills_is_left_its_reserve(tmp_path, monkeypatch, source):
    small_chunks(monkeypatch)
    room = iter([1 << 40, 0])
    monkeypatch.setattr(recorder.shutil, "disk_usage", lambda path: SimpleNamespace(free=next(room)))
    kept = Recorder(tmp_path / "a.zarr", source)
    for frame in frames(4):
        kept.put(frame)
    with pytest.raises(WriteError, match="reserve of 256 MiB"):
        kept.stop(PATIENCE_S)


def test_without_room_for_all_frames_it_does_not_begin(tmp_path, monkeypatch, source):
    monkeypatch.setattr(recorder.shutil, "disk_usage", lambda path: SimpleNamespace(free=(256 << 20) + 10**6))
    with pytest.raises(WriteError, match="A recording needs"):
        Recorder(tmp_path / "a.zarr", source, frames=10**6)
    frame_bytes = 31 * 46 * 2
    assert seconds_of_room(tmp_path, frame_bytes, 10.0) == pytest.approx(10**6 / frame_bytes / 10)


def test_a_stalled_disk_never_holds_up_the_camera_and_stops_it_loudly(tmp_path, monkeypatch, source):
    small_chunks(monkeypatch)
    stalled, write = threading.Event(), growing_zarr.write_whole
    kept = Recorder(tmp_path / "a.zarr", source, queue_bytes=1)
    monkeypatch.setattr(
        growing_zarr, "write_whole", lambda path, content: stalled.wait(PATIENCE_S) and write(path, content)
    )
    taken = frames(9)
    for frame in taken[:8]:
        kept.put(frame)
    assert kept.status().waiting_bytes == 8 * 31 * 46 * 2
    with pytest.raises(WriteError, match="keeps up with the camera"):
        kept.put(taken[8])
    stalled.set()
    with pytest.raises(WriteError, match="keeps up with the camera"):
        kept.stop(PATIENCE_S)
    assert kept.status().state == "failed"


def test_stopping_on_a_stalled_disk_does_not_hang(tmp_path, monkeypatch, source):
    stalled, write = threading.Event(), growing_zarr.write_whole
    kept = Recorder(tmp_path / "a.zarr", source)
    monkeypatch.setattr(
        growing_zarr, "write_whole", lambda path, content: stalled.wait(PATIENCE_S) and write(path, content)
    )
    kept.put(frames(1)[0])
    with pytest.raises(WriteError, match="1 frames still to write"):
        kept.stop(0.01)
    stalled.set()
    assert kept.wait(PATIENCE_S), "it goes on if the disk comes back"


def test_an_unplugged_camera_leaves_a_whole_recording_and_another_can_begin(tmp_path):
    for run in range(2):
        camera = open_camera(
            "simulated", specimen_px=64, frame_shape=SHAPE, frame_rate_hz=None, silent_after=6, timeout_s=0.05
        )
        kept, line = Recorder(tmp_path / f"{run}.zarr", camera), LiveLine(camera)
        line.record(kept)
        with line:
            while line.silence is None:
                assert line.is_running
        kept.stop(PATIENCE_S)
        assert [row["index"] for row in frame_table(kept.path)] == list(range(6))
        assert "stage_um" in frame_table(kept.path)[0]


@pytest.mark.parametrize("name", FORMATS)
def test_a_camera_that_changes_its_frames_stops_it_loudly_with_all_that_came_before(
    tmp_path, monkeypatch, source, name
):
    small_chunks(monkeypatch)
    kept, taken = Recorder(tmp_path / name, source), frames(6)
    for frame in taken:
        kept.put(frame)
    binned = Frame(np.zeros((15, 23), np.uint16), 6, KNOWN, 0.3)
    for _ in range(2):
        with pytest.raises(WriteError, match="frame 6 is 15 x 23 uint16"):
            kept.put(binned)
    with pytest.raises(WriteError, match="What came before can be read"):
        kept.stop(PATIENCE_S)
    assert (kept.status().state, kept.status().written) == ("failed", 6)
    with open_frames(kept.path) as stack:
        np.testing.assert_array_equal(stack.data.compute(), [frame.data for frame in taken])


def test_a_circle_keeps_the_last_seconds(tmp_path, source):
    circle = CircularRecorder(source, 0.2)
    with pytest.raises(InputError, match="none has come"):
        circle.keep(tmp_path / "a.zarr")
    taken = frames(30)
    for frame in taken:
        circle.put(frame)
    assert circle.held_s == pytest.approx(0.2)
    kept = circle.keep(tmp_path / "a.zarr")
    kept.wait(PATIENCE_S)
    with open_frames(kept.path) as stack:
        np.testing.assert_array_equal(stack.data.compute(), [frame.data for frame in taken[-6:]])
    circle.put(frames(1, 30)[0])
    assert circle.keep(tmp_path / "b.zarr").wait(PATIENCE_S).exists(), "the circle goes on"


def test_a_circle_holds_no_more_than_it_may(source):
    circle = CircularRecorder(source, 100.0, most_bytes=5 * 31 * 46 * 2)
    for frame in frames(20):
        circle.put(frame)
    assert circle.held_s == pytest.approx(0.16)
    with pytest.raises(InputError, match="at least one frame"):
        CircularRecorder(source, 1.0, most_bytes=100)
    with pytest.raises(InputError, match="at least one frame"):
        CircularRecorder(source, 0.0)


def test_a_circle_forgets_what_a_changed_camera_gave_before(tmp_path, source):
    circle = CircularRecorder(source, 100.0, most_bytes=5 * 31 * 46 * 2)
    for frame in frames(4):
        circle.put(frame)
    source.frame_shape, source.dtype = (10, 12), np.dtype(np.uint8)
    for k in range(3):
        circle.put(Frame(np.full((10, 12), k, np.uint8), 4 + k, KNOWN, 0.04 * k))
    kept = circle.keep(tmp_path / "a.zarr")
    kept.wait(PATIENCE_S)
    assert [row["index"] for row in frame_table(kept.path)] == [4, 5, 6]


def test_a_recording_never_replaces_anything(tmp_path, source):
    (tmp_path / "taken.zarr").mkdir()
    for name, why in (("taken.zarr", "is there already"), ("a.png", "ends in .zarr"), ("no/a.zarr", "exist")):
        with pytest.raises(InputError, match=why):
            Recorder(tmp_path / name, source)
    with pytest.raises(InputError, match="at least one frame"):
        Recorder(tmp_path / "b.zarr", source, frames=0)


def test_a_table_that_was_being_written_is_read_up_to_its_last_line(tmp_path, source):
    kept = Recorder(tmp_path / "a.zarr", source)
    for frame in frames(2):
        kept.put(frame)
    kept.stop(PATIENCE_S)
    with (kept.path / "frames.jsonl").open("a") as table:
        table.write('{"index": 2, "ti')
    assert len(frame_table(kept.path)) == 2
    with pytest.raises(InputError, match="comes without"):
        frame_table(tmp_path)
