"""TIFF dialects: pixel sizes of known unit only, grey only, whole only."""

import json
from typing import ClassVar

import numpy as np
import pytest
import tifffile

from napari_emrestore.core import FormatError, MissingPackageError
from napari_emrestore.io import open_frames
from napari_emrestore.io.tiff_vendors import vendor_facts

GREY = np.arange(30, dtype=np.uint16).reshape(5, 6)


def opened(path):
    with open_frames(path) as stack:
        return stack.acquisition


@pytest.mark.parametrize(
    ("unit", "size"),
    [
        ("nm", (0.5, 0.25)),
        ("micron", (500.0, 250.0)),
        ("\\u00B5m", (500.0, 250.0)),
        ("pixel", None),
        ("inch", None),
        (None, None),
    ],
)
def test_imagej(tmp_path, unit, size):
    metadata = {"unit": unit, "finterval": 0.25, "axes": "TYX"} if unit else {"axes": "TYX"}
    tifffile.imwrite(
        tmp_path / "a.tif", np.stack([GREY, GREY]), imagej=True, resolution=(4, 2), metadata=metadata
    )
    known = opened(tmp_path / "a.tif")
    assert known.pixel_size_nm == (pytest.approx(size) if size else None)
    assert (known.frame_axis, known.frame_step) == (("time", 250.0) if unit else ("time", None))


def test_a_print_resolution_is_no_pixel_size(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", GREY, resolution=(300, 300), resolutionunit="INCH")
    assert opened(tmp_path / "a.tif").pixel_size_nm is None


def test_digital_micrograph_export(tmp_path):
    tags = [
        (65003, "s", 0, "nm", True),
        (65004, "s", 0, "pm", True),
        (65009, "d", 1, 0.5, True),
        (65010, "d", 1, 8.0, True),
    ]
    tifffile.imwrite(tmp_path / "a.tif", GREY, extratags=tags)
    known = opened(tmp_path / "a.tif")
    assert known.pixel_size_nm == pytest.approx((0.008, 0.5))
    assert known.extra["maker"] == "Gatan"


class Dialect:
    """A TIFF file whose maker's tags say these things."""

    def __init__(self, **told):
        self.told = told

    def __getattr__(self, name):
        return self.told.get(name)


class Page:
    tags: ClassVar[dict] = {}
    imagewidth = 2048


def test_fei_without_a_scan_section_has_the_infrared_field_of_view():
    fei = {"IRBeam": {"HFW": 2e-4, "VFW": 1e-4}, "Image": {"ResolutionX": 400, "ResolutionY": 100}}
    assert vendor_facts(Dialect(fei_metadata=fei), Page()).pixel_size_nm == pytest.approx((1000.0, 500.0))
    assert vendor_facts(Dialect(fei_metadata={"User": {}}), Page()).pixel_size_nm is None


def test_zeiss_counts_pixels_of_a_thousand_columns():
    sem = {
        "": (0, 0, 0, 2e-9, 5),
        "ap_frame_time": ("Cycle Time", 1.5, "Secs"),
        "ap_actualkv": ("EHT", 5.0, "kV"),
    }
    facts = vendor_facts(Dialect(sem_metadata=sem), Page())
    assert facts.pixel_size_nm == pytest.approx((1.0, 1.0))
    assert (facts.exposure_ms, facts.extra["high_tension_v"]) == (1500.0, 5000.0)


def test_colour_is_refused_with_a_remedy(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((5, 6, 3), np.uint8), photometric="rgb")
    with pytest.raises(FormatError, match=r"grey image.*convert it to grey"):
        open_frames(tmp_path / "a.tif")


def test_the_first_grey_series_is_taken_and_that_is_recorded(tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.tif") as tiff:
        tiff.write(np.zeros((5, 6, 3), np.uint8), photometric="rgb")
        tiff.write(GREY)
    with open_frames(tmp_path / "a.tif") as stack:
        np.testing.assert_array_equal(stack[0].data, GREY)
        assert stack.acquisition.extra == {"image": 1, "images": 2}


def test_a_palette_of_greys_with_a_few_coloured_annotations_is_grey(tmp_path):
    ramp = np.repeat(np.arange(256, dtype=np.uint16)[None] * 257, 3, axis=0)
    ramp[0, 250:] = 0
    image = GREY.astype(np.uint8)
    tifffile.imwrite(tmp_path / "grey.tif", image, photometric="palette", colormap=ramp)
    with open_frames(tmp_path / "grey.tif") as stack:
        np.testing.assert_array_equal(stack[0].data, image)
    tifffile.imwrite(
        tmp_path / "colour.tif",
        image,
        photometric="palette",
        colormap=np.random.default_rng(0).permuted(ramp, axis=1),
    )
    with pytest.raises(FormatError, match="grey"):
        open_frames(tmp_path / "colour.tif")


def test_complex_pixels_are_refused(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((5, 6), np.complex64))
    with pytest.raises(FormatError, match=r"real numbers.*complex64.*modulus"):
        open_frames(tmp_path / "a.tif")


def test_two_frame_axes_are_refused(tmp_path):
    tifffile.imwrite(tmp_path / "a.ome.tif", np.zeros((2, 3, 5, 6), np.uint8), metadata={"axes": "TZYX"})
    with pytest.raises(FormatError, match=r"T\(2\) Z\(3\)"):
        open_frames(tmp_path / "a.ome.tif")


@pytest.mark.parametrize(
    "options", [{}, {"compression": "zlib"}, {"tile": (16, 16)}, {"byteorder": ">"}, {"bigtiff": True}]
)
def test_layouts_of_the_same_pixels(tmp_path, options):
    data = np.random.default_rng(3).integers(0, 60000, (3, 35, 41), dtype=np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", data, photometric="minisblack", **options)
    with open_frames(tmp_path / "a.tif") as stack:
        np.testing.assert_array_equal(stack.data.compute(), data)
        assert stack[2].data.dtype.isnative


@pytest.mark.parametrize("options", [{"imagej": True}, {"compression": "zlib"}, {"metadata": None}])
def test_a_stack_cut_off_never_becomes_a_shorter_stack(tmp_path, options):
    path = tmp_path / "a.tif"
    data = np.random.default_rng(3).integers(0, 60000, (4, 30, 40), dtype=np.uint16)
    tifffile.imwrite(path, data, photometric="minisblack", **options)
    raw = path.read_bytes()
    for length in np.linspace(20, len(raw) - 20, 15).astype(int):
        path.write_bytes(raw[:length])
        with pytest.raises(FormatError):
            open_frames(path)


def test_a_series_over_several_files_needs_all_of_them(tmp_path):
    names = [f"p{number}.ome.tif" for number in range(2)]
    uuids = [f"urn:uuid:0000000{number}-0000-0000-0000-000000000000" for number in range(2)]
    blocks = "".join(
        f'<TiffData IFD="0" FirstT="{i}" PlaneCount="1"><UUID FileName="{name}">{uuid}</UUID></TiffData>'
        for i, (name, uuid) in enumerate(zip(names, uuids, strict=True))
    )
    for name, uuid in zip(names, uuids, strict=True):
        xml = (
            '<?xml version="1.0"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" '
            f'UUID="{uuid}"><Image ID="Image:0"><Pixels ID="Pixels:0" DimensionOrder="XYZCT" Type="uint16" '
            f'SizeX="6" SizeY="5" SizeZ="1" SizeC="1" SizeT="2">{blocks}</Pixels></Image></OME>'
        )
        tifffile.imwrite(tmp_path / name, GREY, description=xml.encode(), metadata=None)
    with open_frames(tmp_path / names[0]) as stack:
        np.testing.assert_array_equal(stack.data.compute(), [GREY, GREY])
    (tmp_path / names[1]).unlink()
    with pytest.raises(FormatError, match=r"frame 1 of p0\.ome\.tif is in another file"):
        open_frames(tmp_path / names[0])


def test_a_header_with_absurd_sizes_takes_no_memory(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.zeros((64, 64), np.uint8), compression="zlib", rowsperstrip=64)
    with tifffile.TiffFile(path, mode="r+b") as tiff:
        for name in ("ImageWidth", "ImageLength", "RowsPerStrip"):
            tiff.pages[0].tags[name].overwrite(2**20, dtype="I")
    with pytest.raises(FormatError, match="claims"):
        open_frames(path)


def test_a_codec_that_is_missing_is_named(tmp_path, monkeypatch):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, GREY, compression="zlib")

    def refuse(*_args, **_options):
        raise ValueError("<COMPRESSION.LZW: 5> requires the 'imagecodecs' package")

    monkeypatch.setattr(tifffile.TiffPageSeries, "aszarr", refuse)
    with pytest.raises(MissingPackageError, match="pip install imagecodecs"):
        open_frames(path)


def test_ome_units_default_to_those_of_the_schema(tmp_path):
    metadata = {
        "axes": "TYX",
        "PhysicalSizeX": 0.25,
        "PhysicalSizeY": 0.5,
        "TimeIncrement": 0.04,
        "Name": "live",
    }
    metadata["Plane"] = {"ExposureTime": [0.02] * 2}
    tifffile.imwrite(tmp_path / "a.ome.tif", np.stack([GREY, GREY]), metadata=metadata)
    known = opened(tmp_path / "a.ome.tif")
    assert known.pixel_size_nm == (500.0, 250.0)
    assert (known.name, known.frame_axis, known.frame_step, known.exposure_ms) == ("live", "time", 40.0, 20.0)
    assert json.dumps(dict(known.extra)) == "{}"
