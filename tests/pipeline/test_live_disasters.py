"""Recordings and real disasters: processes that are killed, disks that are full, shares that hang."""

import errno
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np
import pytest

from napari_emrestore.cameras import open_camera
from napari_emrestore.core import Acquisition, Frame, WriteError
from napari_emrestore.io import open_frames
from napari_emrestore.pipeline import growing, recorder
from napari_emrestore.pipeline.frame_tables import frame_table
from napari_emrestore.pipeline.live import LiveLine
from napari_emrestore.pipeline.recorder import Recorder

PATIENCE_S = 60.0
SHAPE = (64, 81)
FORMATS = ["a.zarr", "a.mrc", "a.ome.tif"]
KNOWN = Acquisition("camera", pixel_size_nm=(2.0, 2.0))

RECORDED_UNTIL_KILLED = """
import sys
from napari_emrestore.pipeline import growing, recorder
growing._MOST_FRAMES, recorder._FLUSH_S = 4, 0.01
from napari_emrestore.cli import main
small = ["--set", "frame_shape=[64, 81]", "--set", "specimen_px=128", "--set", "frame_rate_hz=200"]
main(["live", "simulated", *small, "--set", "exposure_ms=2", "--record", sys.argv[1]])
"""


def stack_of(path):
    with open_frames(path) as stack:
        return np.asarray(stack.data.compute()).reshape(-1, *SHAPE)


def written(path):
    """Return how many frames a recording that grows has told of."""
    try:
        return len(frame_table(path))
    except ValueError:
        return 0


def frames(count, start=0):
    made = np.random.default_rng(start).integers(0, 4000, (count, *SHAPE)).astype(np.uint16)
    return [Frame(image, start + k, KNOWN, 0.04 * (start + k)) for k, image in enumerate(made)]


@pytest.fixture
def source(monkeypatch):
    monkeypatch.setattr(growing, "_MOST_FRAMES", 4)
    monkeypatch.setattr(recorder, "_FLUSH_S", PATIENCE_S)  # whole chunks only, also on a busy machine
    return SimpleNamespace(frame_shape=SHAPE, dtype=np.dtype(np.uint16), acquisition=KNOWN)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system kills otherwise")
@pytest.mark.parametrize("name", FORMATS)
def test_the_command_is_killed_and_what_it_flushed_can_be_read(tmp_path, name):
    path = tmp_path / name
    process = subprocess.Popen(
        [sys.executable, "-c", RECORDED_UNTIL_KILLED, str(path)], stdout=subprocess.DEVNULL
    )
    try:
        until = time.monotonic() + PATIENCE_S
        while written(path) < 10:
            assert process.poll() is None, "the command runs until it is killed"
            assert time.monotonic() < until
        known = written(path)
    finally:
        process.kill()
    assert process.wait(PATIENCE_S) == -signal.SIGKILL
    data, table = stack_of(path), frame_table(path)
    assert len(table) >= len(data) >= known - 4, "all but the chunk that was being written"
    assert (data.reshape(len(data), -1).std(axis=1) > 0).all(), "no frame is blank"
    assert [row["index"] for row in table] == sorted({row["index"] for row in table})
    assert all("stage_um" in row for row in table)


def put_until_it_fails(recorder, taken):
    """Return what ended a recording that is given frame after frame."""
    try:
        for frame in taken:
            recorder.put(frame)
        recorder.stop(PATIENCE_S)
    except WriteError as error:
        return error
    return None


@contextmanager
def small_disk(place, size_kib):
    """Give a disk of its own, which only an administrator of Linux may."""
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size_kib}k", "none", str(place)], capture_output=True
    )
    if mounted.returncode:
        pytest.skip("this account may not mount a small disk")
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="a small disk is mounted on Linux only")
@pytest.mark.parametrize("name", FORMATS)
def test_a_disk_that_is_really_full_stops_it_loudly(tmp_path, source, name):
    taken = frames(64)
    with small_disk(tmp_path / "disk", 512) as disk:
        # no reserve and another program that takes the room: the disk itself has to refuse
        (disk / "others").write_bytes(bytes(128 << 10))
        kept = Recorder(disk / name, source, reserve_bytes=-(1 << 30))
        assert isinstance(put_until_it_fails(kept, taken), WriteError)
        with pytest.raises(WriteError, match="No space left"):
            kept.wait(PATIENCE_S)
        data = stack_of(kept.path)
        assert 4 <= len(data) == kept.status().written < 64
        np.testing.assert_array_equal(data, [frame.data for frame in taken[: len(data)]])
    again = Recorder(tmp_path / name, source)
    again.put(taken[0])
    assert len(stack_of(again.stop(PATIENCE_S))) == 1, "the same process records on another disk"


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no disk that is always full")
def test_the_kernel_refuses_a_chunk(tmp_path, source):
    kept, taken = Recorder(tmp_path / "a.zarr", source), frames(8)
    second = tmp_path / "a.zarr" / "0" / "c" / "1" / "0"
    second.mkdir(parents=True)
    (second / ".0.partial").symlink_to("/dev/full")
    for frame in taken:
        kept.put(frame)
    with pytest.raises(WriteError, match=os.strerror(errno.ENOSPC)):
        kept.stop(PATIENCE_S)
    np.testing.assert_array_equal(stack_of(kept.path), [frame.data for frame in taken[:4]])


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no file that hangs")
def test_a_share_that_hangs_in_the_kernel_holds_up_neither_camera_nor_stop(tmp_path, source):
    kept, taken = Recorder(tmp_path / "a.zarr", source, queue_bytes=1), frames(16)
    pipe, second = tmp_path / "hangs", tmp_path / "a.zarr" / "0" / "c" / "1" / "0"
    os.mkfifo(pipe)
    second.mkdir(parents=True)
    (second / ".0.partial").symlink_to(pipe)  # opening it to write waits until somebody reads
    for frame in taken[:4]:
        kept.put(frame)
    while kept.status().written < 4:
        assert kept.failure is None
    assert "keeps up with the camera" in str(put_until_it_fails(kept, taken[4:]))
    began = time.monotonic()
    with pytest.raises(WriteError, match="keeps up with the camera"):
        kept.stop(0.05)
    assert time.monotonic() - began < PATIENCE_S / 2
    assert kept.status().state == "failed"
    np.testing.assert_array_equal(stack_of(kept.path), [frame.data for frame in taken[:4]])
    os.close(os.open(pipe, os.O_RDONLY | os.O_NONBLOCK))  # the share comes back, and breaks the pipe
    kept._thread.join(PATIENCE_S)
    assert not kept._thread.is_alive()
    again = Recorder(tmp_path / "b.zarr", source)
    again.put(taken[0])
    assert len(stack_of(again.stop(PATIENCE_S))) == 1


def test_a_slow_disk_is_waited_for_as_long_as_memory_lasts(tmp_path, monkeypatch, source):
    from napari_emrestore.pipeline import growing_zarr

    write, tickets = growing_zarr.write_whole, threading.Semaphore(0)

    def slow(path, content):
        if path.name == "0":
            assert tickets.acquire(timeout=PATIENCE_S)
        write(path, content)

    kept, taken = Recorder(tmp_path / "a.zarr", source, queue_bytes=20 * 64 * 81 * 2), frames(40)
    monkeypatch.setattr(growing_zarr, "write_whole", slow)
    for k, frame in enumerate(taken):
        kept.put(frame)
        assert kept.status().waiting_bytes <= kept.status().queue_bytes
        if k >= 8 and k % 4 == 3:  # the disk writes a chunk of 4 while the camera takes 4 frames
            tickets.release()
            while kept.status().written < 4 * (k // 4 - 1):
                assert kept.failure is None
    for _ in range(40):
        tickets.release()
    np.testing.assert_array_equal(
        stack_of(kept.stop(PATIENCE_S)), [frame.data for frame in taken], "nothing was lost"
    )


@pytest.mark.parametrize("name", FORMATS)
def test_a_camera_that_changes_its_frames_ends_the_recording_and_another_can_begin(tmp_path, source, name):
    kept, taken = Recorder(tmp_path / name, source), frames(3)
    for frame in taken:
        kept.put(frame)
    with pytest.raises(WriteError, match="frame 9 is 32 x 40 uint16"):
        kept.put(Frame(np.zeros((32, 40), np.uint16), 9, KNOWN))
    with pytest.raises(WriteError, match="frame 9"):
        kept.stop(PATIENCE_S)
    source.frame_shape = (32, 40)
    other = Recorder(tmp_path / f"b{name}", source)
    other.put(Frame(np.zeros((32, 40), np.uint16), 9, KNOWN))
    other.stop(PATIENCE_S)


def test_a_camera_that_is_gone_ends_the_line_and_the_next_one_records_in_the_same_process(tmp_path):
    pytest.importorskip("pymmcore_plus")
    pytest.importorskip("mm_test_adapters")
    for run in range(2):
        with open_camera(
            "micromanager", adapter="DemoCamera", device="DCam", exposure_ms=1.0, timeout_s=PATIENCE_S
        ) as camera:
            kept, line = Recorder(tmp_path / f"{run}.zarr", camera), LiveLine(camera)
            line.record(kept)
            with line:
                while kept.status().received < 10:
                    assert line.failure is None
                camera._camera.core.stopSequenceAcquisition()
                camera._camera.core.unloadAllDevices()
                until = time.monotonic() + PATIENCE_S
                camera._timeout_s = 0.2  # a camera without frames left in its buffer just falls silent
                while line.failure is None and line.silence is None:
                    assert time.monotonic() < until
            kept.stop(PATIENCE_S)
        assert len(frame_table(kept.path)) >= 10
