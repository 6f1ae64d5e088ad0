"""Paths: what a folder offers, in which order, and hashes that depend on every byte and name."""

import hashlib

import numpy as np
import pytest
import tifffile

from napari_emrestore.core import FormatError, InputError
from napari_emrestore.io import MissingFileError, file_sha256, find_inputs, open_frames, write_image
from napari_emrestore.io.formats import format_of


def image(path, shape=(3, 4), dtype=np.uint8, value=0):
    path.parent.mkdir(exist_ok=True)
    tifffile.imwrite(path, np.full(shape, value, dtype), photometric="minisblack")
    return path


def test_a_folder_is_read_in_natural_order_and_strays_are_passed_over(tmp_path):
    for number in (1, 2, 10, 9):
        image(tmp_path / f"frame{number}.tif", value=number)
    for stray in ("Thumbs.db", "notes.txt", ".hidden.tif", "._frame1.tif"):
        (tmp_path / stray).write_bytes(b"nothing")
    (tmp_path / "sub.tif").mkdir()
    with open_frames(tmp_path) as stack:
        assert [int(frame.data[0, 0]) for frame in stack] == [1, 2, 9, 10]
        assert stack.acquisition.name == tmp_path.name
        assert stack.acquisition.extra == {"first_file": "frame1.tif", "files": 4}
        np.testing.assert_array_equal(stack.data[1:3, 0, 0].compute(), [2, 9])


@pytest.mark.parametrize(("shape", "dtype"), [((3, 5), np.uint8), ((3, 4), np.uint16), ((1, 1), np.uint8)])
def test_the_frame_that_differs_is_named(tmp_path, shape, dtype):
    for number in range(4):
        image(tmp_path / f"f{number}.tif")
    image(tmp_path / "f2.tif", shape, dtype)
    with pytest.raises(FormatError, match=r"\(3, 4\) uint8; f2\.tif is"):
        open_frames(tmp_path)


def test_a_folder_of_stacks_is_refused_with_the_file(tmp_path):
    image(tmp_path / "a.tif", (2, 3, 4))
    with pytest.raises(FormatError, match=r"one frame per file; a\.tif holds 2"):
        open_frames(tmp_path)


def test_a_damaged_frame_in_a_folder_is_named(tmp_path):
    image(tmp_path / "a.tif")
    (tmp_path / "b.tif").write_bytes(b"")
    with pytest.raises(FormatError, match=r"b\.tif has 0 bytes"):
        open_frames(tmp_path)


def test_a_folder_without_images_and_a_path_without_anything(tmp_path):
    (tmp_path / "notes.txt").write_text("x")
    for call in (open_frames, find_inputs):
        with pytest.raises(FormatError, match="holds none"):
            call(tmp_path)
    for call in (open_frames, find_inputs, file_sha256):
        with pytest.raises(MissingFileError, match="does not exist") as caught:
            call(tmp_path / "gone.tif")
        assert isinstance(caught.value, FileNotFoundError)
        assert isinstance(caught.value, InputError)


def test_a_batch_finds_files_zarr_images_and_folders_of_frames(tmp_path):
    image(tmp_path / "b10.tif")
    image(tmp_path / "b9.TIF")
    image(tmp_path / "run" / "f1.tif")
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.txt").write_text("x")
    write_image(
        tmp_path / "a.zarr", np.zeros((3, 4), np.uint8), open_frames(tmp_path / "b10.tif").acquisition
    )
    assert [path.name for path in find_inputs(tmp_path)] == ["a.zarr", "b9.TIF", "b10.tif", "run"]
    assert find_inputs(tmp_path / "b10.tif") == [tmp_path / "b10.tif"]
    assert find_inputs(tmp_path / "a.zarr") == [tmp_path / "a.zarr"]


def test_an_emi_beside_its_series_is_not_listed_twice(tmp_path):
    for name in ("a_1.ser", "a_2.ser", "a.emi", "b.emi"):
        (tmp_path / name).write_bytes(b"x")
    assert [path.name for path in find_inputs(tmp_path)] == ["a_1.ser", "a_2.ser", "b.emi"]


def test_hashes(tmp_path):
    (tmp_path / "a").write_bytes(b"electron")
    assert file_sha256(tmp_path / "a") == hashlib.sha256(b"electron").hexdigest()
    folder = tmp_path / "f"
    folder.mkdir()
    (folder / "x").write_bytes(b"1")
    before = file_sha256(folder)
    (folder / "x").rename(folder / "y")
    assert file_sha256(folder) != before


def test_a_suffix_nobody_knows_lists_those_we_know(tmp_path):
    (tmp_path / "a.xyz").write_bytes(b"1")
    with pytest.raises(InputError, match=r"\.tif, .*a\.xyz ends in '\.xyz'"):
        open_frames(tmp_path / "a.xyz")
    with pytest.raises(InputError, match="has no suffix"):
        format_of(tmp_path / "a")
    with pytest.raises(InputError, match="to write"):
        format_of(tmp_path / "a.dm3", to_write=True)
