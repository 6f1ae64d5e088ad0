"""Files that another program writes slowly: nothing is shown of them before it is all there."""

import struct
from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_emrestore.cameras import open_camera
from napari_emrestore.core import Acquisition, FormatError, Frame
from napari_emrestore.io import open_frames

PATIENCE_S = 20.0
FORMATS = Path(__file__).parents[3] / "shared" / "data" / "formats"
REAL = [
    "dmTest_3D_int16_64_65_66.dm3",
    "dmTest_float32_nonSquare_diffPixelSize.dm4",
    "test_dm_image_um_unit.dm3",
    "HAADFscan.mrc",
    "64x64x5_TEM_preview_1.ser",
]


def watch(folder, reader=open_frames, **settings):
    usual = {"existing": True, "poll_s": 0.01, "timeout_s": PATIENCE_S, "patience_s": PATIENCE_S}
    return open_camera("folder", folder=str(folder), reader=reader, **{**usual, **settings})


def pages(*values):
    return [np.full((31, 40), value, np.uint16) for value in values]


def mrc(*values):
    count = len(values)
    header = bytearray(1024)
    header[:16] = struct.pack("<4i", 40, 31, count, 6)
    header[28:40] = struct.pack("<3i", 40, 31, count)
    header[64:76] = struct.pack("<3i", 1, 2, 3)
    header[208:216] = b"MAP " + bytes([0x44, 0x44, 0, 0])
    return bytes(header) + b"".join(page.tobytes() for page in pages(*values))


def tiff(*values, place):
    path = place / "a.tif"
    path.unlink(missing_ok=True)
    for page in pages(*values):
        tifffile.imwrite(path, page, photometric="minisblack", metadata=None, append=path.exists())
    return path.read_bytes()


@pytest.mark.parametrize("name", REAL)
def test_files_of_vendors_are_shown_when_their_last_byte_is_there(tmp_path, name):
    if not (FORMATS / name).exists():
        pytest.skip("the development data is not beside this checkout")
    content = (FORMATS / name).read_bytes()
    with open_frames(FORMATS / name) as stack:
        expected = [np.array(stack[k].data) for k in range(len(stack))]
    first, second = tmp_path / f"a_1{Path(name).suffix}", tmp_path / f"a_2{Path(name).suffix}"
    first.write_bytes(content)
    with watch(tmp_path) as camera:
        taken = [frame.data for _, frame in zip(range(len(expected)), camera, strict=False)]
        with second.open("wb") as slow:
            for part in np.array_split(np.frombuffer(content, np.uint8), 5):
                assert camera._poll() is None, "not all of it is there"
                slow.write(part.tobytes())
                slow.flush()
        taken += [frame.data for _, frame in zip(range(len(expected)), camera, strict=False)]
        assert camera.incidents == {}
    for frame, right in zip(taken, expected * 2, strict=True):
        np.testing.assert_array_equal(frame, right)


@pytest.mark.parametrize("kind", ["mrc", "tif"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_a_page_that_is_being_added_is_waited_for(tmp_path, kind, share):
    aside = tmp_path / "aside"
    aside.mkdir()
    before, after = (
        mrc(*values) if kind == "mrc" else tiff(*values, place=aside) for values in ((1, 2), (1, 2, 3))
    )
    path = tmp_path / f"movie.{kind}"
    path.write_bytes(before)
    with watch(tmp_path) as camera:
        assert [int(frame.data[0, 0]) for _, frame in zip(range(2), camera, strict=False)] == [1, 2]
        path.write_bytes(after[: len(before) + int(share * (len(after) - len(before)))])
        assert camera._poll() is None
        assert camera._poll() is None
        path.write_bytes(after)
        assert int(next(iter(camera)).data[0, 0]) == 3
        assert camera.incidents == {}


class Unsteady:
    """A stack whose second page cannot be read as often as told: a share that hiccups."""

    acquisition, frame_shape, dtype = Acquisition("share"), (31, 40), np.dtype(np.uint16)

    def __init__(self, failures):
        self.failures, self.closed = failures, 0

    def __call__(self, path):
        return self

    def __len__(self):
        return 3

    def __getitem__(self, index):
        if index == 1 and self.failures:
            self.failures -= 1
            raise FormatError("A file that can be read is needed")
        return Frame(pages(index)[0], index, self.acquisition)

    def __enter__(self):
        return self

    def __exit__(self, *given):
        self.close()

    def close(self):
        self.closed += 1


def test_a_page_that_cannot_be_read_is_asked_for_again_once_the_file_has_changed(tmp_path):
    path, stack = tmp_path / "movie.tif", Unsteady(failures=1)
    path.write_bytes(b"1")
    with watch(tmp_path, stack) as camera:
        assert int(next(iter(camera)).data[0, 0]) == 0
        assert camera._poll() is None
        assert camera._poll() is None
        path.write_bytes(b"22")
        assert [int(frame.data[0, 0]) for _, frame in zip(range(2), camera, strict=False)] == [1, 2]
        assert camera.incidents == {}
    assert stack.closed == 2


def test_a_page_that_stays_unreadable_is_given_up_and_counted(tmp_path):
    path, stack = tmp_path / "movie.tif", Unsteady(failures=1)
    path.write_bytes(b"1")
    with watch(tmp_path, stack, patience_s=0.0) as camera:
        assert int(next(iter(camera)).data[0, 0]) == 0
        while not camera.incidents:
            assert camera._poll() is None
        assert camera._poll() is None
        assert camera.incidents == {"unreadable files": 1}
