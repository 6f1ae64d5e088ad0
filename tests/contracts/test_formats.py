"""Every row of the format table: opens lazily, keeps pixel size and values, says when it is damaged."""

import csv
import os
import struct
import tracemalloc
import warnings
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_emrestore.core import Acquisition, EmRestoreError, FormatError, InputError, Provenance
from napari_emrestore.io import FORMATS, open_frames, read_provenance, readable_suffixes, write_image
from napari_emrestore.io.formats import resolve

PIXEL_NM = (0.25, 0.5)
SHARED = Path(__file__).parents[2].parent / "shared" / "data"
KNOWN = Acquisition(
    "burst 3",
    "",
    (0.123456789, 0.2),
    "time",
    33.3,
    15.1,
    2.5,
    {"high_tension_v": 200000.0, "tags": ["a", None]},
)
MADE_BY = Provenance(
    "restore", {"id": "m"}, ({"name": "a.dm4"},), {"tile": 512}, "cpu", {"numpy": "2"}, 1.5, ("x",)
)


def frames(count=3, height=37, width=52):
    return np.random.default_rng(5).integers(0, 60000, (count, height, width), dtype=np.uint16)


# --- samples written without our own writers, so that reader and writer are not tested against each other


def sample_tiff(path, data):
    y, x = PIXEL_NM
    metadata = {
        "axes": "TYX",
        "PhysicalSizeX": x,
        "PhysicalSizeXUnit": "nm",
        "PhysicalSizeY": y,
        "PhysicalSizeYUnit": "nm",
    }
    tifffile.imwrite(path, data, ome=True, metadata=metadata, compression="zlib", tile=(16, 32))


def sample_zarr(path, data):
    import zarr

    group = zarr.open_group(str(path), mode="w", zarr_format=2)
    array = group.create_array(
        "full",
        shape=data.shape,
        dtype=data.dtype,
        chunks=(1, *(max(16, size // 3) for size in data.shape[1:])),
    )
    array[:] = data
    scale = [{"type": "scale", "scale": [1.0, *PIXEL_NM]}]
    axes = [
        {"name": "t", "type": "time"},
        {"name": "y", "type": "space", "unit": "nanometer"},
        {"name": "x", "type": "space", "unit": "nanometer"},
    ]
    datasets = [{"path": "full", "coordinateTransformations": scale}]
    group.attrs["multiscales"] = [{"version": "0.4", "axes": axes, "datasets": datasets}]


def sample_mrc(path, data):
    mrcfile = pytest.importorskip("mrcfile")
    with mrcfile.new(path, data, overwrite=True) as mrc:
        mrc.set_image_stack()
        mrc.voxel_size = (PIXEL_NM[1] * 10, PIXEL_NM[0] * 10, 1)


def sample_png(path, data):
    Image.fromarray(data[0]).save(path)


def signal(data):
    axes = [
        {"name": "t", "units": "s", "scale": 0.5, "navigate": True},
        {"name": "y", "units": "nm", "scale": PIXEL_NM[0], "navigate": False},
        {"name": "x", "units": "nm", "scale": PIXEL_NM[1], "navigate": False},
    ]
    for index, (axis, size) in enumerate(zip(axes, data.shape, strict=True)):
        axis.update(size=size, offset=0.0, index_in_array=index, is_binned=False, _type="UniformDataAxis")
    metadata = {"General": {"title": "burst"}, "Signal": {"signal_type": ""}}
    return {
        "data": data,
        "axes": axes,
        "metadata": metadata,
        "original_metadata": {},
        "tmp_parameters": {},
        "package_info": {},
        "learning_results": {},
        "models": {},
        "package": "test",
        "package_version": "0",
        "attributes": {"_lazy": False},
    }


def sample_rosetta(module, **options):
    def write(path, data):
        # the writers go by the suffix, of which the table knows more than they do
        own = path.with_suffix({"emd": ".emd"}.get(module, path.suffix))
        import_module(f"rsciio.{module}").file_writer(str(own), signal(data), **options)
        own.rename(path)

    return write


def sample_ser(path, data):
    """TIA series, version 0x0210, after the published description of the format."""
    count, height, width = data.shape
    head = struct.pack("<2shhiiiiii", b"II", 0x0197, 0x0210, 0x4122, 0x4152, count, count, 0, 1)
    dimension = struct.pack("<iddiii", count, 0.0, 1.0, 0, 0, 0)
    table = len(head) + len(dimension)
    head = head[:22] + struct.pack("<ii", table, 1)
    first, size = table + 8 * count, 50 + height * width * 2
    offsets = [first + i * size for i in range(count)] + [first + count * size + 8 * i for i in range(count)]
    body = b""
    for image in data:
        # rows are stored from the bottom up; calibration in metres
        calibration = struct.pack("<ddiddi", 0.0, PIXEL_NM[1] * 1e-9, 0, 0.0, PIXEL_NM[0] * 1e-9, 0)
        body += calibration + struct.pack("<hii", 2, width, height) + image[::-1].tobytes()
    tags = struct.pack("<hhi", 0x4152, 0, 0) * count
    path.write_bytes(head + dimension + struct.pack(f"<{2 * count}i", *offsets) + body + tags)


def sample_emi(path, data):
    sample_ser(path.with_name(f"{path.stem}_1.ser"), data)
    acquire = (
        "<AcquireInfo><CameraNamePath>Ceta</CameraNamePath><DwellTimePath>0.1</DwellTimePath></AcquireInfo>"
    )
    value = "<Data><Label>Mode</Label><Value>TEM uP SA</Value><Unit></Unit></Data>"
    mode = f"<ExperimentalDescription><Root>{value}</Root></ExperimentalDescription>"
    path.write_bytes(
        b"JL\x02\x00" + bytes(60) + f"<ObjectInfo><Uuid>1</Uuid>{acquire}{mode}</ObjectInfo>".encode()
    )


class DmWriter:
    """DigitalMicrograph 3 and 4 tags, after the published description of the format."""

    def __init__(self, version):
        self.version = version

    def long(self, value):
        return struct.pack(">i" if self.version == 3 else ">q", value)

    def tag(self, name, kind, body):
        length = b"" if self.version == 3 else struct.pack(">q", len(body))
        return struct.pack(">bh", kind, len(name)) + name.encode() + length + body

    def group(self, name, *tags):
        return self.tag(name, 20, b"\x00\x00" + self.long(len(tags)) + b"".join(tags))

    def number(self, name, code, form, value):
        return self.tag(name, 21, b"%%%%" + self.long(1) + self.long(code) + struct.pack(form, value))

    def array(self, name, code, values):
        info = self.long(3) + self.long(20) + self.long(code) + self.long(values.size)
        return self.tag(name, 21, b"%%%%" + info + values.tobytes())

    def text(self, name, value):
        return self.array(name, 4, np.frombuffer(value.encode("utf-16-le"), np.uint16))

    def calibration(self, scale, unit):
        return self.group(
            "",
            self.number("Origin", 6, "<f", 0),
            self.number("Scale", 6, "<f", scale),
            self.text("Units", unit),
        )

    def image(self, data):
        sizes = [self.number("", 5, "<I", size) for size in data.shape[::-1]]
        steps = [
            self.calibration(PIXEL_NM[1], "nm"),
            self.calibration(PIXEL_NM[0], "nm"),
            self.calibration(0.5, "s"),
        ]
        calibrations = self.group("Calibrations", self.group("Dimension", *steps))
        content = self.group(
            "ImageData",
            calibrations,
            self.array("Data", 4, data),
            self.number("DataType", 5, "<I", 10),
            self.group("Dimensions", *sizes),
            self.number("PixelDepth", 5, "<I", 2),
        )
        return self.group("", content, self.group("ImageTags"), self.text("Name", "burst"))

    def file(self, data):
        tags = b"\x00\x00" + self.long(1) + self.group("ImageList", self.image(data))
        return struct.pack(">i", self.version) + self.long(len(tags)) + struct.pack(">i", 1) + tags + bytes(8)


def sample_dm(path, data):
    path.write_bytes(DmWriter(int(path.suffix[-1])).file(data))


SAMPLES = {
    **dict.fromkeys((".tif", ".tiff", ".btf"), sample_tiff),
    ".zarr": sample_zarr,
    **dict.fromkeys((".mrc", ".mrcs", ".st", ".map", ".rec", ".ali", ".preali"), sample_mrc),
    ".png": sample_png,
    **dict.fromkeys((".dm3", ".dm4"), sample_dm),
    ".ser": sample_ser,
    ".emi": sample_emi,
    **dict.fromkeys((".emd", ".h5", ".hdf5"), sample_rosetta("emd")),
    ".hspy": sample_rosetta("hspy"),
    ".tvips": sample_rosetta("tvips", show_progressbar=False, mode=1),
}
TIMED = (".tvips", ".dm3", ".dm4", ".emd", ".h5", ".hdf5", ".hspy")
UNSIZED = (".png", ".tvips")
FILES = tuple(s for s in SAMPLES if s != ".zarr")
WRITABLE = tuple(s for row in FORMATS if row.writer for s in row.suffixes)


@pytest.fixture
def sample(tmp_path):
    def write(suffix, data=None):
        path = tmp_path / f"stack_000{suffix}"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            SAMPLES[suffix](path, frames() if data is None else data)
        return path

    return write


def expected(suffix, data):
    return data[:1] if suffix == ".png" else data


def test_every_suffix_of_the_table_has_a_sample_here():
    assert set(SAMPLES) == set(readable_suffixes())


@pytest.mark.parametrize("row", FORMATS, ids=lambda row: row.name)
def test_the_functions_a_row_names_exist(row):
    assert callable(resolve(row.reader))
    if row.writer:
        assert callable(resolve(row.writer))
        assert callable(resolve(row.reader.replace(":read", ":read_record")))


@pytest.mark.parametrize("suffix", SAMPLES)
def test_values_pixel_size_and_frame_axis(sample, suffix):
    data = frames()
    with open_frames(sample(suffix, data)) as stack:
        wanted = expected(suffix, data)
        assert (len(stack), stack.frame_shape, stack.dtype) == (len(wanted), wanted.shape[1:], wanted.dtype)
        np.testing.assert_array_equal(stack.data.compute(), wanted)
        np.testing.assert_array_equal(stack[-1].data, wanted[-1])
        assert [frame.index for frame in stack] == list(range(len(wanted)))
        size = stack.acquisition.pixel_size_nm
        assert size is None if suffix in UNSIZED else size == pytest.approx(PIXEL_NM, rel=1e-6)
        if suffix in TIMED:
            assert (stack.acquisition.frame_axis, stack.acquisition.frame_step) == ("time", 500.0)


@pytest.mark.parametrize("suffix", SAMPLES)
def test_opening_reads_no_pixels(sample, suffix):
    data = frames(2, 1000, 1100)
    path = sample(suffix, data)
    with open_frames(path) as stack:
        assert stack.data.shape  # what it takes to import is no pixel
    tracemalloc.start()
    try:
        with open_frames(path) as stack:
            lazy = stack.data
            _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < data.nbytes / 4
    assert lazy.shape == expected(suffix, data).shape


def attempt(path, wanted):
    """Read everything; return whether the file was refused. Wrong pixels are the one forbidden outcome."""
    try:
        with open_frames(path) as stack:
            got = stack.data.compute()
    except EmRestoreError:
        return True
    np.testing.assert_array_equal(got, wanted)
    return False


@pytest.mark.parametrize("suffix", FILES)
def test_a_truncated_file_is_refused_and_never_shows_other_pixels(sample, suffix):
    path = sample(suffix)
    raw = path.read_bytes()
    refused = []
    for share in (0.01, 0.1, 0.35, 0.6, 0.8, 0.95):
        path.write_bytes(raw[: max(1, int(len(raw) * share))])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            refused.append(attempt(path, expected(suffix, frames())))
    assert refused[0]
    assert sum(refused) >= 4


@pytest.mark.parametrize("suffix", FILES)
@pytest.mark.parametrize("content", [b"", b"\x00", b"this is no image at all, " * 100, bytes(5000)])
def test_another_kind_of_content_is_a_format_error(tmp_path, suffix, content):
    path = tmp_path / f"other{suffix}"
    path.write_bytes(content)
    with pytest.raises(FormatError) as caught:
        open_frames(path)
    assert caught.value.item == path.name


@pytest.mark.parametrize("suffix", SAMPLES)
def test_a_closed_stack_says_so(sample, suffix):
    stack = open_frames(sample(suffix))
    stack.close()
    stack.close()
    with pytest.raises(InputError, match="was closed"):
        stack[0]


@pytest.mark.parametrize("suffix", WRITABLE)
@pytest.mark.parametrize("shape", [(37, 52), (3, 5, 9), (1, 6, 7), (1, 1)])
def test_what_we_write_comes_back_exactly(tmp_path, suffix, shape):
    if suffix == ".png" and shape[0] == 3:
        pytest.skip("a picture holds one frame")
    data = np.random.default_rng(2).integers(0, 60000, shape, dtype=np.uint16)
    path = write_image(tmp_path / f"result{suffix}", data, KNOWN, MADE_BY)
    with open_frames(path) as stack:
        assert stack.acquisition == replace(KNOWN, path=str(path))
        assert stack.dtype == data.dtype
        np.testing.assert_array_equal(stack.data.compute(), data.reshape(stack.data.shape))
    assert read_provenance(path) == MADE_BY
    assert os.listdir(tmp_path) == [path.name]


@pytest.mark.parametrize("suffix", SAMPLES)
def test_other_peoples_files_have_no_provenance(sample, suffix):
    assert read_provenance(sample(suffix)) is None


# --- real files, present where the development data are

# (pixel size (y, x) in nm or None, frame axis, frame step) as read in the file's header by hand or by its
# maker's program; None where the file gives no unit
REAL = {
    "03_Scanning_Preview.emi": ((0.38435, 0.38435), 5, "time", None),
    "03_Scanning_Preview_1.ser": ((0.38435, 0.38435), 5, "time", None),
    "128x128-TEM_search.emi": ((5.26121, 5.26121), 1, "index", None),
    "64x64x5_TEM_preview.emi": ((6.28183, 6.28183), 5, "time", None),
    "Camera_Ceta_Imaging_Micro.emd": ((3.13884, 3.13884), 1, "index", None),
    "DMReader_Image_SI-Survey.dm3": (None, 1, "index", None),
    "EMD-3001.map": ((0.044825, 0.045875), 25, "index", None),
    "EMD-3197.map": ((1.14, 1.14), 20, "z", 1.14),
    "EMDReader_Image_FEI.emd": ((5.30241, 5.30241), 1, "index", None),
    "FEI-Helios-Ebeam-16bits.tif": ((3372.4, 3372.4), 1, "index", None),
    "HAADF.dm3": ((17.99492, 17.99492), 91, "index", None),
    "HAADFscan.mrc": ((5.67913, 5.67913), 1, "index", None),
    "STEM_HAADF_Diffraction_Micro.emd": ((87.3708, 87.3708), 1, "index", None),
    "Si100_3D.emd": ((0.25, 0.25), 37, "index", None),
    "TVIPS_bin4.tif": ((1.42080, 1.42080), 1, "index", None),
    "beta-tubulin.mrc": ((0.5144, 0.5144), 20, "z", 0.5144),
    "data-testing_image.tif": (None, 1, "index", None),
    "derived_scan_preview_5frames.ome.tif": ((0.3844, 0.3844), 5, "time", None),
    "derived_thon_5frames_uint16.mrc": ((0.135355, 0.135355), 5, "index", None),
    "derived_vnc_stack1_00.ome.tif": ((4.6, 4.6), 1, "index", None),
    "dmTest_3D_int16_64_65_66.dm3": ((3.0, 0.002), 66, "z", 4000.0),
    "dmTest_3D_int16_64_65_66.dm4": ((3.0, 0.002), 66, "z", 4000.0),
    "dmTest_float32_nonSquare_diffPixelSize.dm3": ((0.2, 1.0), 1, "index", None),
    "dmTest_float32_nonSquare_diffPixelSize.dm4": ((0.2, 1.0), 1, "index", None),
    "fei_example_tem_stack.emd": ((0.00817288, 0.00817288), 2, "time", 800.0),
    "multi_signal.dm3": ((0.0177516, 0.0177516), 1, "index", None),
    "olympus_SIS.tif": ((0.0239279, 0.0239279), 1, "index", None),
    "stem_abf_data.hspy": (None, 1, "index", None),
    "sub-example_sample-1_TEST.ome.tif": ((1000.0, 1000.0), 1, "index", None),
    "temp.mrc": ((0.2, 0.2), 3, "index", None),
    "test_dm_image_um_unit.dm3": ((168.6747, 168.6747), 1, "index", None),
    "test_loading_image_saved_with_imageJ_stack.tif": ((168.6747, 168.6747), 2, "z", 2500.0),
    "test_stackbuilder_imagestack.dm3": ((59.98290, 59.98290), 3, "index", None),
    "test_tiff_FEI_SEM.tif": ((1825.05, 1825.05), 1, "index", None),
    "test_tiff_Zeiss_SEM_1k.tif": ((2614.514, 2614.514), 1, "index", None),
    "test_tiff_Zeiss_SEM_512pix.tif": ((11.649976, 11.649976), 1, "index", None),
}
EXPOSURES_MS = {
    "03_Scanning_Preview.emi": 235.93,
    "03_Scanning_Preview_1.ser": 235.93,
    "128x128-TEM_search.emi": 100.0,
    "64x64x5_TEM_preview.emi": 62.5,
    "Camera_Ceta_Imaging_Micro.emd": 400.0,
    "EMDReader_Image_FEI.emd": 6041.6,
    "FEI-Helios-Ebeam-16bits.tif": 2620.0,
    "TVIPS_bin4.tif": 400.0,
    "test_dm_image_um_unit.dm3": 500.0,
    "test_tiff_Zeiss_SEM_1k.tif": 40500.0,
}
JPEG_INSIDE = ("olympus_SIS.tif", "sub-example_sample-1_TEST.ome.tif")


@pytest.fixture(scope="module")
def catalogue():
    if not (SHARED / "CATALOGUE.csv").is_file():
        pytest.skip("the development data are not here")
    with (SHARED / "CATALOGUE.csv").open(encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


@pytest.mark.parametrize("name", REAL)
def test_a_real_file_opens_with_its_pixel_size(catalogue, name):
    if name in JPEG_INSIDE:
        pytest.importorskip("imagecodecs")
    size, count, axis, step = REAL[name]
    with open_frames(SHARED / "formats" / name) as stack:
        known = stack.acquisition
        assert stack.data.compute().shape == (count, *stack.frame_shape)
        assert (known.pixel_size_nm is None) == (size is None)
        assert size is None or known.pixel_size_nm == pytest.approx(size, rel=2e-5)
        assert (known.frame_axis, step is None) == (axis, known.frame_step is None)
        assert step is None or known.frame_step == pytest.approx(step)
        assert known.exposure_ms == pytest.approx(EXPOSURES_MS[name]) if name in EXPOSURES_MS else True


def test_every_real_file_is_in_the_table_or_opens_all_the_same(catalogue):
    for path in sorted((SHARED / "formats").iterdir()):
        if path.name in JPEG_INSIDE:
            continue
        with open_frames(path) as stack:
            assert stack[0].data.shape == stack.frame_shape


def test_every_real_pair_and_burst_opens(catalogue):
    listed = {row["path"]: row for row in catalogue if row["path"].startswith("pairs/")}
    folders = sorted({Path(path).parent for path in listed})
    assert folders
    for folder in folders:
        with open_frames(SHARED / folder) as stack:
            row = listed[f"{folder}/{stack.acquisition.extra['first_file']}"]
            assert stack.frame_shape == (int(row["height"]), int(row["width"]))
            assert stack.dtype.name == row["dtype"]
            assert stack[len(stack) - 1].data.std() > 0
    with open_frames(SHARED / "pairs" / "thon_carbon_left") as stack:
        assert len(stack) == 30
