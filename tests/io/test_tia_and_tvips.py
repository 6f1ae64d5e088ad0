"""TIA and TVIPS by memory map, held against rosettasciio on real files."""

from pathlib import Path

import numpy as np
import pytest

from napari_emrestore.core import FormatError
from napari_emrestore.io import open_frames

FORMATS = Path(__file__).parents[2].parent / "shared" / "data" / "formats"
SERIES = ("03_Scanning_Preview_1.ser", "64x64x5_TEM_preview_1.ser", "128x128-TEM_search_1.ser")


@pytest.mark.parametrize("name", SERIES)
def test_a_real_series_equals_what_rosettasciio_reads(name):
    if not FORMATS.is_dir():
        pytest.skip("the development data are not here")
    from rsciio import tia

    (signal,) = tia.file_reader(str(FORMATS / name))
    with open_frames(FORMATS / name) as stack:
        np.testing.assert_array_equal(
            stack.data.compute(), np.atleast_3d(signal["data"]).reshape(stack.data.shape)
        )
        assert stack.acquisition.pixel_size_nm == pytest.approx(
            [axis["scale"] for axis in signal["axes"][-2:]]
        )


def recording(path, counts=(3, 2), shape=(5, 6), stop=0):
    """A version 2 recording in as many parts, with 64-byte frame headers and a frame every 40 ms."""
    header = np.zeros(64, "<u4")
    header[:13] = [256, 2, shape[1], shape[0], 16, 0, 0, 2, 2, 15600, 200000, 40000, 64]
    data = np.random.default_rng(0).integers(0, 9999, (sum(counts), *shape), dtype=np.uint16)
    frame = 0
    for part, count in enumerate(counts):
        raw = header.tobytes() if part == 0 else b""
        for _ in range(count):
            stamp = np.zeros(16, "<u4")
            stamp[1:3] = divmod(1_600_000_000_000 + 40 * frame, 1000)
            raw += stamp.tobytes() + data[frame].tobytes()
            frame += 1
        path.with_name(f"{path.name}_{part:03d}.tvips").write_bytes(raw[: len(raw) - stop])
    return data


def test_a_recording_goes_on_over_its_parts(tmp_path):
    data = recording(tmp_path / "run")
    with open_frames(tmp_path / "run_000.tvips") as stack:
        np.testing.assert_array_equal(stack.data.compute(), data)
        known = stack.acquisition
        assert (known.frame_axis, known.frame_step, known.pixel_size_nm) == ("time", 40.0, None)
        assert known.extra["binning"] == [2, 2]
        assert known.extra["sensor_pixel_nm"] == 15600


def test_a_later_part_alone_and_a_part_cut_off_are_refused(tmp_path):
    recording(tmp_path / "run")
    with pytest.raises(FormatError, match="_000"):
        open_frames(tmp_path / "run_001.tvips")
    recording(tmp_path / "cut", stop=7)
    with pytest.raises(FormatError, match="ends inside frame"):
        open_frames(tmp_path / "cut_000.tvips")


def test_an_emi_without_its_series_says_which_file_is_missing(tmp_path):
    (tmp_path / "a.emi").write_bytes(b"JL<ObjectInfo></ObjectInfo>")
    with pytest.raises(FormatError, match=r"has no a_1\.ser"):
        open_frames(tmp_path / "a.emi")
