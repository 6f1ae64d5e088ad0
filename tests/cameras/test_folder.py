"""A watched folder: new files in order, partial and stray ones, files that grow, gaps."""

import struct

import numpy as np
import pytest
import tifffile

from napari_emrestore.cameras import folder, open_camera
from napari_emrestore.cameras.folder_listing import trailing_number
from napari_emrestore.core import InputError, SourceTimeoutError
from napari_emrestore.io import open_frames

PATIENCE_S = 20.0
PLAIN = {"photometric": "minisblack", "metadata": None}  # pages as vendors write them, one by one


def image(value, shape=(31, 40), dtype=np.uint16):
    return np.full(shape, value, dtype)


def write(folder, name, *values, **options):
    path = folder / name
    data = np.stack([image(v, **options) for v in values])
    tifffile.imwrite(path, data if len(values) > 1 else data[0], photometric="minisblack")
    return path


def watch(folder, **settings):
    usual = {"existing": True, "poll_s": 0.01, "timeout_s": PATIENCE_S, "patience_s": PATIENCE_S}
    return open_camera("folder", folder=str(folder), reader=open_frames, **{**usual, **settings})


def take(camera, count):
    """Return number and value of the next frames; `range` first, so that none is taken beyond them."""
    return [(frame.index, int(frame.data[0, 0])) for _, frame in zip(range(count), camera, strict=False)]


def test_files_come_in_natural_order_and_missing_numbers_are_gaps(tmp_path):
    for number in (10, 2, 9, 7):
        write(tmp_path, f"scan_{number}.tif", number)
    with watch(tmp_path) as camera:
        assert take(camera, 4) == [(0, 2), (5, 7), (7, 9), (8, 10)]


def test_files_come_in_order_of_time(tmp_path):
    import os

    for name, age in (("b.tif", 10), ("a.tif", 30), ("c.tif", 20)):
        path = write(tmp_path, name, age)
        os.utime(path, (1000 - age, 1000 - age))
    with watch(tmp_path, order="time") as camera:
        assert take(camera, 3) == [(0, 30), (1, 20), (2, 10)]


@pytest.fixture
def once_watching(monkeypatch):
    """Do something when the folder is being watched, before the first frame is waited for."""

    def do(happening):
        wait = folder._first
        monkeypatch.setattr(folder, "_first", lambda *given: happening() and wait(*given))

    return do


def test_new_files_are_seen_as_they_come_and_old_ones_passed_over(tmp_path, once_watching):
    write(tmp_path, "old.tif", 1)
    once_watching(lambda: write(tmp_path, "paper_1.tif", 5))
    with watch(tmp_path, existing=False) as camera:
        write(tmp_path, "paper_2.tif", 6)
        assert take(camera, 2) == [(0, 5), (1, 6)]


def test_stray_files_are_passed_over(tmp_path):
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / ".hidden.tif").write_bytes(b"x")
    (tmp_path / "folder.tif").mkdir()
    write(tmp_path, "a_1.tif", 4)
    with watch(tmp_path) as camera:
        assert take(camera, 1) == [(0, 4)]
        assert camera.incidents == {}


def test_a_partial_file_is_waited_for_and_holds_its_place(tmp_path):
    write(tmp_path, "a_1.tif", 1)
    content = write(tmp_path, "a_2.tif", 2).read_bytes()
    (tmp_path / "a_2.tif").write_bytes(content[: len(content) // 2])
    write(tmp_path, "a_3.tif", 3)
    with watch(tmp_path) as camera:
        assert take(camera, 1) == [(0, 1)]
        assert camera._poll() is None, "the third waits for the second"
        assert camera._poll() is None
        (tmp_path / "a_2.tif").write_bytes(content)
        assert take(camera, 2) == [(1, 2), (2, 3)]


def test_a_file_that_stays_unreadable_is_given_up_and_counted(tmp_path):
    (tmp_path / "a_1.tif").write_bytes(b"II*\0 this is no image")
    write(tmp_path, "a_2.tif", 2)
    with watch(tmp_path, patience_s=0.0) as camera:
        assert take(camera, 1) == [(0, 2)]
        assert camera.incidents == {"unreadable files": 1}


def test_a_tiff_that_grows_gives_its_new_pages(tmp_path):
    path = tmp_path / "movie.tif"
    tifffile.imwrite(path, image(1), **PLAIN)
    with watch(tmp_path) as camera:
        assert take(camera, 1) == [(0, 1)]
        for value in (2, 3):
            tifffile.imwrite(path, image(value), **PLAIN, append=True)
        assert take(camera, 2) == [(1, 2), (2, 3)]


def test_pages_that_are_there_already_are_passed_over(tmp_path, once_watching):
    path = tmp_path / "movie.tif"
    tifffile.imwrite(path, image(1), **PLAIN)
    once_watching(lambda: tifffile.imwrite(path, image(2), **PLAIN, append=True) or True)
    with watch(tmp_path, existing=False) as camera:
        assert take(camera, 1) == [(0, 2)]


def test_an_mrc_that_grows_gives_its_new_sections(tmp_path):
    path = tmp_path / "movie.mrc"

    def sections(count):
        header = bytearray(1024)
        header[:16] = struct.pack("<4i", 40, 31, count, 6)
        header[28:40] = struct.pack("<3i", 40, 31, count)
        header[64:76] = struct.pack("<3i", 1, 2, 3)
        header[208:212] = b"MAP "
        header[212:216] = bytes([0x44, 0x44, 0, 0])
        pixels = b"".join(image(k + 1).tobytes() for k in range(count))
        path.write_bytes(bytes(header) + pixels)

    sections(2)
    with watch(tmp_path) as camera:
        assert take(camera, 2) == [(0, 1), (1, 2)]
        sections(4)
        assert take(camera, 2) == [(2, 3), (3, 4)]


def test_frames_of_another_shape_are_counted(tmp_path):
    write(tmp_path, "a_1.tif", 1)
    write(tmp_path, "a_2.tif", 2, shape=(31, 41))
    write(tmp_path, "a_3.tif", 3)
    with watch(tmp_path) as camera:
        assert take(camera, 2) == [(0, 1), (2, 3)]
        assert camera.incidents == {"frames of another shape or type": 1}


def test_a_file_that_comes_too_late_is_counted(tmp_path):
    write(tmp_path, "a_2.tif", 2)
    with watch(tmp_path) as camera:
        assert take(camera, 1) == [(0, 2)]
        write(tmp_path, "a_1.tif", 1)
        write(tmp_path, "a_3.tif", 3)
        assert take(camera, 1) == [(1, 3)]
        assert camera.incidents == {"files that came too late": 1}


def test_a_folder_that_goes_away_and_comes_back(tmp_path):
    folder, away = tmp_path / "share", tmp_path / "away"
    folder.mkdir()
    write(folder, "a_1.tif", 1)
    with watch(folder) as camera:
        assert take(camera, 1) == [(0, 1)]
        folder.rename(away)
        assert camera._poll() is None
        assert camera._poll() is None
        away.rename(folder)
        write(folder, "a_2.tif", 2)
        assert take(camera, 1) == [(1, 2)]
        assert camera.incidents == {"times the folder could not be reached": 1}


def test_frames_say_which_file_they_are_from(tmp_path):
    write(tmp_path, "a_1.tif", 1, 2)
    with watch(tmp_path) as camera:
        frame = next(iter(camera))
    assert frame.acquisition.extra["file"] == "a_1.tif"


def test_an_empty_folder_is_a_timeout(tmp_path):
    with pytest.raises(SourceTimeoutError, match=r"0\.05 s"):
        watch(tmp_path, timeout_s=0.05)


@pytest.mark.parametrize(
    "wrong", [{"folder": "/no/such/folder"}, {"order": "size"}, {"poll_s": 0.0}, {"timeout_s": 0.0}], ids=str
)
def test_settings_out_of_range_are_refused(tmp_path, wrong):
    with pytest.raises(InputError):
        open_camera("folder", **{"folder": str(tmp_path), "reader": open_frames, **wrong})
    with pytest.raises(InputError, match="reader"):
        open_camera("folder", folder=str(tmp_path))


def test_without_notices_of_the_system_it_is_polled(tmp_path, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "watchdog.events", None)
    write(tmp_path, "a_1.tif", 1)
    with watch(tmp_path) as camera:
        assert camera._news._observer is None
        write(tmp_path, "a_2.tif", 2)
        assert take(camera, 2) == [(0, 1), (1, 2)]


def test_a_share_that_tells_nothing_is_polled(tmp_path, monkeypatch):
    observers = pytest.importorskip("watchdog.observers")
    monkeypatch.setattr(observers.Observer, "schedule", lambda self, handler, path: None)
    write(tmp_path, "a_1.tif", 1)
    with watch(tmp_path) as camera:
        assert camera._news._observer is not None, "the system promised to tell"
        write(tmp_path, "a_2.tif", 2)
        assert take(camera, 2) == [(0, 1), (1, 2)]


def test_growing_files_and_new_ones_come_in_order_of_time_too(tmp_path):
    movie = tmp_path / "z_movie.tif"
    tifffile.imwrite(movie, image(1), **PLAIN)
    with watch(tmp_path, order="time") as camera:
        assert take(camera, 1) == [(0, 1)]
        write(tmp_path, "a.tif", 5)
        assert take(camera, 1) == [(1, 5)]
        tifffile.imwrite(movie, image(2), **PLAIN, append=True)
        assert take(camera, 1) == [(2, 2)]


@pytest.mark.parametrize(
    ("name", "parts"),
    [("a_012.ome.tif", ("a_", 12)), ("7.dm4", ("", 7)), ("a.tif", None), ("2024-x.tif", None)],
)
def test_the_number_of_a_file_stands_at_the_end_of_its_name(name, parts):
    assert trailing_number(name) == parts
