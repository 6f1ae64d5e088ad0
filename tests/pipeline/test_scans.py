"""Scans followed while they are written: by their stage, to their end, and when they were broken off."""

import threading
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from tests.overview.conftest import make_scan, placement_error_px

from napari_emrestore.cameras.scanning import ScanPath
from napari_emrestore.cameras.specimen import procedural_specimen
from napari_emrestore.core import Acquisition, Cancelled, Frame
from napari_emrestore.io import open_frames
from napari_emrestore.overview import assemble
from napari_emrestore.pipeline import scans
from napari_emrestore.pipeline.recorder import Recorder
from napari_emrestore.pipeline.scans import follow_recording, followed_part, is_being_recorded, told_if_open

KNOWN = Acquisition("scan", pixel_size_nm=(4.0, 4.0))


@pytest.fixture(scope="module")
def scan():
    return make_scan(procedural_specimen(512, np.random.default_rng(7)), ScanPath(2, 6, 20.0, 110.0))


@pytest.fixture
def frames(scan):
    places = (scan.told_px * 0.004).tolist()
    return [
        Frame(image, k, replace(KNOWN, extra={"stage_um": at}), 0.04 * k)
        for k, (image, at) in enumerate(zip(scan.frames, places, strict=True))
    ]


@pytest.fixture
def hurried(monkeypatch):
    """Look and tell as often as there is news."""
    monkeypatch.setattr(scans, "_LOOK_EVERY_S", 0.02)
    monkeypatch.setattr(scans, "_SKETCH_EVERY_S", 0.0)
    monkeypatch.setattr("napari_emrestore.pipeline.recorder._FLUSH_S", 0.02)


def recorder_to(path, scan):
    return Recorder(
        path, SimpleNamespace(frame_shape=scan.frames.shape[1:], dtype=scan.frames.dtype, acquisition=KNOWN)
    )


@pytest.mark.parametrize("name", ["a.zarr", "a.tif", "a.mrc"])
def test_a_scan_is_followed_while_it_is_written(name, scan, frames, hurried, tmp_path):
    recorder = recorder_to(tmp_path / name, scan)
    assert is_being_recorded(recorder.path)
    seen, more = [], threading.Event()

    def grow(sketch):
        seen.append(sketch)
        more.set()

    def write():
        for n, frame in enumerate(frames):
            recorder.put(frame)
            if n == 3:
                more.wait(30)  # what comes later is written only when the first frames were shown
        recorder.stop()

    writer = threading.Thread(target=write)
    writer.start()
    track = follow_recording(recorder.path, dark=200.0, grown=grow)
    writer.join()
    assert seen[0].frames <= 4
    assert seen[-1].frames == len(track) == len(frames)
    assert not is_being_recorded(recorder.path)
    np.testing.assert_allclose(track.stage_um, scan.told_px * 0.004)
    with open_frames(recorder.path) as written:
        made = assemble(followed_part(written, track), tmp_path / "m.zarr", track=track)
    assert placement_error_px(made.layout, scan) < 0.5


def test_what_was_broken_off_is_over_after_a_while_and_what_came_later_is_left(
    scan, frames, hurried, tmp_path
):
    recorder = recorder_to(tmp_path / "a.zarr", scan)
    for frame in frames[:5]:
        recorder.put(frame)
    track = follow_recording(recorder.path, quiet_s=0.5)
    assert len(track) == 5
    assert "first 5 frames" in told_if_open(recorder.path, track)
    for frame in frames[5:]:
        recorder.put(frame)
    recorder.stop()
    assert told_if_open(recorder.path, track) == ""
    with open_frames(recorder.path) as written:
        part = followed_part(written, track)
        assert len(part) == 5
        np.testing.assert_array_equal(part[4].data, scan.frames[4])


def test_what_nobody_records_is_taken_as_it_is(tmp_path, scan):
    from napari_emrestore.io import write_image

    assert not is_being_recorded(write_image(tmp_path / "scan.ome.tif", scan.frames, KNOWN))


def test_following_stops_when_asked_even_if_nothing_comes(scan, hurried, tmp_path):
    recorder = recorder_to(tmp_path / "a.zarr", scan)

    class Stop:
        def step(self, done, total, note=""):
            raise Cancelled

    with pytest.raises(Cancelled):
        follow_recording(recorder.path, monitor=Stop())
    recorder.end()
