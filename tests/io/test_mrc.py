"""MRC, held against the package mrcfile in both directions."""

import io

import numpy as np
import pytest

from napari_emrestore.core import Acquisition, FormatError, InputError, Provenance
from napari_emrestore.io import open_frames, read_provenance, write_image

mrcfile = pytest.importorskip("mrcfile")
RNG = np.random.default_rng(4)


def patched(path, offset, content):
    raw = bytearray(path.read_bytes())
    raw[offset : offset + len(content)] = content
    path.write_bytes(raw)


def int32(value, order="<"):
    return np.array(value, f"{order}i4").tobytes()


@pytest.fixture
def volume(tmp_path):
    def write(data, voxel=(2.0, 4.0, 6.0), name="a.mrc", stack=True):
        with mrcfile.new(tmp_path / name, data, overwrite=True) as mrc:
            if data.ndim == 3 and stack:
                mrc.set_image_stack()
            mrc.voxel_size = voxel
        return tmp_path / name

    return write


@pytest.mark.parametrize("dtype", ["int8", "int16", "uint16", "float32", "float16"])
@pytest.mark.parametrize("shape", [(3, 5, 7), (5, 7), (1, 1)])
def test_what_mrcfile_writes(volume, dtype, shape):
    data = RNG.integers(-100, 100, shape).astype(dtype)
    with open_frames(volume(data)) as stack:
        assert stack.dtype == data.dtype
        np.testing.assert_array_equal(stack.data.compute(), data.reshape(stack.data.shape))
        assert stack.acquisition.pixel_size_nm == pytest.approx((0.4, 0.2))
        assert stack.acquisition.frame_axis == "index"


def test_a_volume_has_a_z_axis(volume):
    known = open_frames(volume(np.zeros((3, 5, 7), np.float32), stack=False)).acquisition
    assert (known.frame_axis, known.frame_step) == ("z", pytest.approx(0.6))


@pytest.mark.parametrize("dtype", ["int8", "int16", "uint16", "float32"])
@pytest.mark.parametrize("shape", [(3, 5, 7), (600, 7)])
def test_mrcfile_reads_and_validates_what_we_write(tmp_path, dtype, shape):
    data = (RNG.normal(size=shape) * 20 + 30).clip(0).astype(dtype)
    known = Acquisition("a", pixel_size_nm=(0.4, 0.2), frame_axis="z", frame_step=0.6)
    path = write_image(tmp_path / "a.mrc", data, known, Provenance("restore"))
    complaints = io.StringIO()
    mrcfile.validate(path, print_file=complaints)
    # the extended header carries our record under a type of its own, which is all there is to remark
    assert [line for line in complaints.getvalue().splitlines() if "EMRS" not in line] == [
        f"Checking if {path} is a valid MRC2014 file..."
    ]
    with mrcfile.open(path) as mrc:
        np.testing.assert_array_equal(mrc.data.reshape(shape), data)
        assert mrc.voxel_size.x == pytest.approx(2.0)
        assert mrc.voxel_size.y == pytest.approx(4.0)
        assert mrc.header.dmean == pytest.approx(data.mean(), rel=1e-5)
        assert mrc.header.rms == pytest.approx(data.std(), rel=1e-4)
        assert (mrc.header.dmin, mrc.header.dmax) == (data.min(), data.max())
        assert mrc.get_labels()[0].startswith("napari-emrestore restore")


def test_statistics_leave_not_a_number_out(tmp_path):
    data = np.array([[1, np.nan, 3], [np.inf, 5, 7]], np.float32)
    path = write_image(tmp_path / "a.mrc", data, Acquisition())
    with mrcfile.open(path) as mrc:
        assert (mrc.header.dmin, mrc.header.dmax, mrc.header.dmean) == (1, 7, 4)
    np.testing.assert_array_equal(open_frames(path)[0].data, data)


@pytest.mark.parametrize(("given", "stored"), [("uint8", "uint16"), ("float64", "float32"), ("bool", "int8")])
def test_types_that_mrc_lacks_are_widened_or_the_file_says_so(tmp_path, given, stored):
    data = RNG.integers(0, 2, (5, 7)).astype(given)
    path = write_image(tmp_path / "a.mrc", data, Acquisition())
    with open_frames(path) as stack:
        assert stack.dtype.name == stored
        np.testing.assert_array_equal(stack[0].data, data)
    made_by = read_provenance(path)
    assert (
        made_by is None if given != "float64" else made_by.notes == ("float64 pixels were stored as float32",)
    )


def test_types_that_mrc_cannot_hold_need_a_choice(tmp_path):
    data = np.full((5, 7), 70000, np.int32)
    with pytest.raises(InputError, match="int32 came"):
        write_image(tmp_path / "a.mrc", data, Acquisition())
    path = write_image(tmp_path / "a.mrc", data, Acquisition(), dtype="uint16")
    assert "0 pixels below and 35 above" in read_provenance(path).notes[-1]
    assert (open_frames(path)[0].data == 65535).all()


def test_big_endian_files_and_wrong_machine_stamps(volume):
    path = volume(np.arange(35, dtype=np.int16).reshape(5, 7))
    raw = path.read_bytes()
    header = np.frombuffer(raw[:1024], "<i4").astype(">i4").tobytes()
    path.write_bytes(header + np.frombuffer(raw[1024:], "<i2").astype(">i2").tobytes())
    with open_frames(path) as stack:
        np.testing.assert_array_equal(stack[0].data, np.arange(35).reshape(5, 7))


def test_imod_bytes_are_unsigned_unless_flagged(volume):
    path = volume(np.full((5, 7), -1, np.int8))
    assert (open_frames(path)[0].data == -1).all()
    patched(path, 152, int32(1146047817) + int32(0))
    assert (open_frames(path)[0].data == 255).all()
    patched(path, 156, int32(1))
    assert (open_frames(path)[0].data == -1).all()


def test_an_axis_order_of_the_cell_is_followed(volume):
    path = volume(np.zeros((3, 5, 7), np.float32), stack=False)
    with mrcfile.mmap(path, "r+") as mrc:
        mrc.header.mapc, mrc.header.mapr, mrc.header.maps = 3, 1, 2
    known = open_frames(path).acquisition
    # columns lie along z (18 Å in 3), rows along x, sections along y
    assert known.pixel_size_nm == pytest.approx((0.2, 0.6))
    assert known.frame_step == pytest.approx(0.4)


@pytest.mark.parametrize(("offset", "content"), [(40, bytes(12)), (28, bytes(12)), (40, b"\xff" * 12)])
def test_a_missing_cell_or_grid_is_no_pixel_size(volume, offset, content):
    path = volume(np.zeros((5, 7), np.float32))
    patched(path, offset, content)
    assert open_frames(path).acquisition.pixel_size_nm is None


def test_the_fei_extended_header_gives_dose_and_pixel_size(volume):
    path = volume(np.zeros((5, 7), np.float32), voxel=(0, 0, 0))
    extended = bytearray(768)
    extended[8:12] = int32(1 << 5 | 1 << 6 | 1 << 14 | 1 << 15)
    extended[84:100] = np.array([300e3, 25e20]).tobytes()
    extended[156:172] = np.array([2e-10, 1e-10]).tobytes()
    raw = path.read_bytes()
    path.write_bytes(raw[:1024] + bytes(extended) + raw[1024:])
    patched(path, 92, int32(768))
    patched(path, 104, b"FEI1")
    known = open_frames(path).acquisition
    assert known.pixel_size_nm == pytest.approx((0.1, 0.2))
    assert known.dose_e == pytest.approx(25e20 * 2e-20)
    assert known.extra["high_tension_v"] == 300e3


@pytest.mark.parametrize(
    ("offset", "content", "words"),
    [
        (12, int32(4), "complex 32-bit"),
        (12, int32(101), "packed 4-bit"),
        (12, int32(77), "starts with"),
        (0, int32(-5), "starts with"),
        (0, int32(2**23), "its header asks for"),
        (92, int32(2**30), "its header asks for"),
    ],
)
def test_headers_that_cannot_be(volume, offset, content, words):
    path = volume(np.zeros((5, 7), np.float32))
    patched(path, offset, content)
    with pytest.raises(FormatError, match=words):
        open_frames(path)


def test_a_stack_of_volumes_is_refused(tmp_path):
    with mrcfile.new(tmp_path / "a.mrc", np.zeros((2, 3, 5, 7), np.float32)):
        pass
    with pytest.raises(FormatError, match="stack of volumes"):
        open_frames(tmp_path / "a.mrc")
