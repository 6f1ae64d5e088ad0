"""Writing: exact, counted where not, and never half under the final name."""

import os
import signal
import subprocess
import sys
import tracemalloc
from dataclasses import replace

import dask.array as da
import numpy as np
import pytest
import tifffile
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from napari_emrestore.core import Acquisition, Cancelled, FormatError, InputError, Provenance, WriteError
from napari_emrestore.io import FrameStack, open_frames, read_provenance, write_image
from napari_emrestore.io.exporting import Export
from napari_emrestore.io.outgoing import Outgoing
from napari_emrestore.io.pyramid import halve, level_shapes

SUFFIXES = (".ome.tif", ".tif", ".ome.zarr", ".mrc", ".png")
KNOWN = Acquisition("a", pixel_size_nm=(0.5, 0.25))


def noise(*shape):
    return np.random.default_rng(8).normal(100, 20, shape).astype(np.float32)


# --- round trips

plain_text = st.text(max_size=30)
lengths = st.none() | st.floats(1e-6, 1e6)
acquisitions = st.builds(
    Acquisition,
    name=plain_text,
    pixel_size_nm=st.none() | st.tuples(st.floats(1e-6, 1e6), st.floats(1e-6, 1e6)),
    frame_axis=st.sampled_from(["time", "z", "index"]),
    frame_step=lengths,
    exposure_ms=lengths,
    dose_e=lengths,
    extra=st.dictionaries(
        plain_text, st.none() | st.booleans() | st.integers(-(2**53), 2**53) | plain_text, max_size=3
    ),
)


@settings(max_examples=25, deadline=None)
@given(
    known=acquisitions,
    suffix=st.sampled_from([".tif", ".zarr", ".mrc", ".png"]),
    notes=st.lists(plain_text, max_size=2),
)
def test_any_acquisition_and_provenance_come_back_exactly(tmp_path_factory, known, suffix, notes):
    folder = tmp_path_factory.mktemp("any")
    made_by = Provenance(
        "restore", {"id": "ü"}, ({"path": "C:\\x"},), {"a": [1, 2.5, None]}, notes=tuple(notes)
    )
    path = write_image(folder / f"a{suffix}", np.arange(12, dtype=np.uint16).reshape(3, 4), known, made_by)
    with open_frames(path) as stack:
        assert stack.acquisition == replace(known, path=str(path))
    assert read_provenance(path) == made_by


@pytest.mark.parametrize("suffix", [".tif", ".zarr", ".mrc"])
@pytest.mark.parametrize("chunks", [(1, 300, 700), (2, 100, 2100), (1, 530, 511)])
def test_dask_is_computed_once_and_equals_numpy(tmp_path, suffix, chunks):
    data = noise(2, 530, 2100)
    computed = []

    def block(piece, block_info=None):
        computed.append(block_info[0]["chunk-location"])
        return piece

    lazy = da.from_array(data, chunks=chunks).map_blocks(
        block, dtype=data.dtype, meta=np.empty((0, 0, 0), "f4")
    )
    path = write_image(tmp_path / f"a{suffix}", lazy, KNOWN)
    with open_frames(path) as stack:
        np.testing.assert_array_equal(stack.data.compute(), data)
    assert len(computed) == len(set(computed)) == lazy.npartitions


def test_zarr_and_stacks_are_sources_too(tmp_path):
    data = noise(3, 40, 50)
    path = write_image(tmp_path / "a.tif", zarr.array(data), KNOWN)
    again = write_image(tmp_path / "b.zarr", open_frames(path).data, KNOWN)
    np.testing.assert_array_equal(open_frames(again).data.compute(), data)


@pytest.mark.parametrize(
    "dtype", ["uint8", "int8", "uint16", "int16", "uint32", "int32", "float32", "float64"]
)
def test_tiff_keeps_every_type_it_has(tmp_path, dtype):
    data = np.random.default_rng(1).integers(0, 100, (5, 7)).astype(dtype)
    with open_frames(write_image(tmp_path / "a.tif", data, KNOWN)) as stack:
        assert stack.dtype.name == dtype
        np.testing.assert_array_equal(stack[0].data, data)
    with pytest.raises(InputError, match="int64 came"):
        write_image(tmp_path / "b.tif", data.astype(np.int64), KNOWN)


def test_not_a_number_survives_in_float_files(tmp_path):
    data = noise(5, 7)
    data[1, 2:5] = [np.nan, np.inf, -np.inf]
    for suffix in (".tif", ".zarr", ".mrc"):
        frame = open_frames(write_image(tmp_path / f"a{suffix}", data, KNOWN))[0]
        np.testing.assert_array_equal(frame.data, data)
        assert frame.acquisition.extra["not_finite_pixels"] == 3


# --- TIFF for others


@pytest.mark.parametrize("shape", [(2100, 1037), (2, 600, 2300)])
def test_a_large_tiff_has_a_pyramid_that_tifffile_reads(tmp_path, shape):
    data = noise(*shape)
    path = write_image(tmp_path / "a.ome.tif", data, KNOWN)
    assert os.listdir(tmp_path) == ["a.ome.tif"]
    with tifffile.TiffFile(path) as tiff:
        assert tiff.is_ome
        (series,) = tiff.series
        assert [level.shape[-2:] for level in series.levels] == level_shapes(*shape[-2:])
        np.testing.assert_array_equal(series.asarray(), data)
        frames, reduced = (
            data.reshape(-1, *shape[-2:]),
            series.levels[1].asarray().reshape(-1, *level_shapes(*shape[-2:])[1]),
        )
        for image, small in zip(frames, reduced, strict=True):
            np.testing.assert_array_equal(small, halve(image))
        assert series.keyframe.is_tiled


def test_tiff_carries_pixel_size_for_programs_without_ome(tmp_path):
    path = write_image(tmp_path / "a.tif", noise(5, 7), KNOWN)
    with tifffile.TiffFile(path) as tiff:
        tags = tiff.pages[0].tags
        per_cm = [tags[name].value[0] / tags[name].value[1] for name in ("YResolution", "XResolution")]
        assert per_cm == pytest.approx([1e7 / 0.5, 1e7 / 0.25])
        assert 'PhysicalSizeX="0.25" PhysicalSizeXUnit="nm"' in tiff.ome_metadata


# --- types and counts


def test_an_integer_export_clips_counts_and_says_so(tmp_path):
    data = np.array([[-5.0, -0.4, 0.6, 254.5], [255.4, 300.0, np.nan, np.inf]], np.float32)
    for suffix in (".tif", ".zarr"):
        path = write_image(
            tmp_path / f"a{suffix}", data, KNOWN, Provenance("restore", notes=("tile 512",)), dtype="uint8"
        )
        assert open_frames(path)[0].data.tolist() == [[0, 0, 1, 254], [255, 255, 0, 255]]
        assert open_frames(path).acquisition == replace(KNOWN, path=str(path))
        assert read_provenance(path).notes == (
            "tile 512",
            "float32 pixels were stored as uint8",
            "1 pixels below and 2 above the range were clipped",
            "1 not-a-number pixels were stored as 0",
        )


numbers = st.one_of(
    hnp.arrays(np.float64, (3, 4), elements=st.floats(-1e20, 1e20)),
    hnp.arrays(np.int64, (3, 4)),
    hnp.arrays(np.uint64, (3, 4)),
    hnp.arrays(np.float32, (3, 4), elements=st.floats(width=32)),
)
targets = st.sampled_from(["uint8", "int8", "uint16", "int16", "uint32", "int32", "int64", "uint64"])


@given(numbers, targets)
def test_clipping_is_exact_against_python_integers(block, target):
    bounds = np.iinfo(target)
    export = Export(block.dtype, np.dtype(target))
    stored = export.convert(block)
    wanted, below, above, blank = [], 0, 0, 0
    for value in block.ravel().tolist():
        if value != value:
            blank += 1
            wanted.append(0)
            continue
        whole = value if isinstance(value, int) or value in (np.inf, -np.inf) else int(np.rint(value))
        below, above = below + (whole < bounds.min), above + (whole > bounds.max)
        wanted.append(int(min(max(whole, bounds.min), bounds.max)))
    assert stored.ravel().tolist() == wanted
    assert (export.below, export.above, export.not_finite) == (below, above, blank)


def test_a_narrower_float_does_not_become_infinite():
    export = Export(np.dtype("f8"), np.dtype("f4"))
    stored = export.convert(np.array([[1e300, -1e300, np.inf, np.nan, 0.1]]))
    most = float(np.finfo("f4").max)
    np.testing.assert_array_equal(stored, np.array([[most, -most, np.inf, np.nan, 0.1]], np.float32))
    assert (export.above, export.below) == (1, 1)


# --- pictures


def test_a_picture_of_a_float_image_states_its_limits(tmp_path):
    data = np.linspace(-1, 3, 35, dtype=np.float32).reshape(5, 7)
    full = write_image(tmp_path / "a.png", data, KNOWN)
    stored = np.asarray(Image.open(full))
    assert (stored.dtype, stored.min(), stored.max()) == (np.uint16, 0, 65535)
    assert read_provenance(full).notes == ("uint16 picture: black is -1 and white is 3",)
    given = write_image(tmp_path / "b.png", data, KNOWN, dtype="uint8", contrast_limits=(0, 2))
    stored = np.asarray(Image.open(given))
    np.testing.assert_array_equal(stored, np.rint(data.clip(0, 2).astype(float) / 2 * 255))
    outside = (int((np.rint(data * 127.5) < 0).sum()), int((np.rint(data * 127.5) > 255).sum()))
    assert f"{outside[0]} pixels below and {outside[1]} above" in read_provenance(given).notes[1]


@pytest.mark.parametrize("value", [0.0, 7.5, np.nan])
def test_a_picture_of_nothing_is_black(tmp_path, value):
    path = write_image(tmp_path / "a.png", np.full((3, 4), value), KNOWN)
    assert (open_frames(path)[0].data == 0).all()


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "LA", "P"])
def test_a_colour_picture_is_refused_with_a_remedy(tmp_path, mode):
    colours = np.random.default_rng(0).integers(0, 255, (5, 7, 3), dtype=np.uint8)
    Image.fromarray(colours).convert(mode).save(tmp_path / "a.png")
    with pytest.raises(FormatError, match="convert it to grey"):
        open_frames(tmp_path / "a.png")


@pytest.mark.parametrize("mode", ["1", "L", "P"])
def test_grey_pictures_of_few_bits_open(tmp_path, mode):
    grey = np.tile(np.array([0, 255], np.uint8), (5, 4))
    Image.fromarray(grey).convert(mode).save(tmp_path / "a.png")
    np.testing.assert_array_equal(open_frames(tmp_path / "a.png")[0].data.astype(bool), grey > 0)


def test_a_picture_may_be_larger_than_pillow_allows_by_default(tmp_path, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    path = write_image(tmp_path / "a.png", np.zeros((50, 60), np.uint8), KNOWN)
    assert open_frames(path)[0].data.shape == (50, 60)


def test_a_png_that_claims_too_much_takes_no_memory(tmp_path):
    import struct
    import zlib

    head = struct.pack(">IIBBBBB", 2**20, 2**20, 16, 0, 0, 0, 0)
    chunks = [(b"IHDR", head), (b"IDAT", zlib.compress(bytes(100))), (b"IEND", b"")]
    parts = [struct.pack(">I", len(c)) + n + c + struct.pack(">I", zlib.crc32(n + c)) for n, c in chunks]
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(parts))
    with pytest.raises(FormatError, match="claims"):
        open_frames(tmp_path / "a.png")


# --- refusals before anything is written


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize(
    "data", [np.zeros((0, 5)), np.zeros(5), np.zeros((2, 2, 3, 4)), np.zeros((3, 4), complex)]
)
def test_what_is_no_image_is_refused(tmp_path, suffix, data):
    with pytest.raises(InputError):
        write_image(tmp_path / f"a{suffix}", data, KNOWN)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("a.tif", {"contrast_limits": (0, 1)}, "for PNG"),
        ("a.png", {"contrast_limits": (1, 1)}, "smaller first"),
        ("a.png", {"contrast_limits": (0, np.inf)}, "two finite"),
        ("a.png", {"dtype": "float32"}, "uint8, uint16"),
        ("a.gif", {}, "ends in"),
        ("gone/a.tif", {}, "does not exist"),
    ],
)
def test_settings_that_do_not_fit(tmp_path, name, options, words):
    with pytest.raises(InputError, match=words):
        write_image(tmp_path / name, np.zeros((3, 4), np.float32), KNOWN, **options)
    assert os.listdir(tmp_path) == []


def test_a_stack_is_no_picture(tmp_path):
    with pytest.raises(InputError, match="2 frames"):
        write_image(tmp_path / "a.png", np.zeros((2, 3, 4), np.uint8), KNOWN)


def test_metadata_that_json_cannot_say_is_refused_before_the_work(tmp_path):
    with pytest.raises(InputError, match="plain JSON"):
        write_image(tmp_path / "a.tif", noise(3, 4), Acquisition(extra={"a": float("nan")}))


# --- never half


class Stop:
    """A monitor that stops at the given step."""

    def __init__(self, at):
        self.at = at
        self.seen = []

    def step(self, done, total, note=""):
        self.seen.append((done, total))
        if done == self.at:
            raise Cancelled


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_progress_is_told_and_a_stop_leaves_the_old_file(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    write_image(path, np.zeros((3, 4), np.uint8), KNOWN)
    large = np.zeros((2100, 40), np.uint8)
    monitor = Stop(at=0)
    write_image(tmp_path / f"b{suffix}", large, KNOWN, monitor=monitor)
    assert monitor.seen[-1][0] == monitor.seen[-1][1]
    assert len(monitor.seen) > 1
    with pytest.raises(Cancelled):
        write_image(path, large, KNOWN, monitor=Stop(at=2))
    assert sorted(os.listdir(tmp_path)) == [f"a{suffix}", f"b{suffix}"]
    assert open_frames(path).frame_shape == (3, 4)


@pytest.mark.parametrize("error", [MemoryError, KeyboardInterrupt, ZeroDivisionError])
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_source_that_fails_midway_leaves_nothing(tmp_path, suffix, error):
    def block(_piece, block_info=None):
        if block_info[0]["chunk-location"][0] == 2:
            raise error
        return np.ones((600, 40), np.uint8)

    lazy = da.zeros((2400, 40), chunks=(600, 40), dtype=np.uint8).map_blocks(
        block, dtype=np.uint8, meta=np.empty((0, 0), "u1")
    )
    with pytest.raises(error):
        write_image(tmp_path / f"a{suffix}", lazy, KNOWN)
    assert os.listdir(tmp_path) == []


@pytest.mark.skipif(not hasattr(signal, "SIGXFSZ"), reason="needs a limit on file sizes")
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_full_disk_leaves_the_old_file_and_is_a_write_error(tmp_path, suffix):
    import resource

    path = tmp_path / f"a{suffix}"
    write_image(path, np.zeros((3, 4), np.uint8), KNOWN)
    data = np.random.default_rng(0).integers(0, 255, (2100, 700), dtype=np.uint8)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(WriteError, match="Free some space"):
            write_image(path, data, KNOWN)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert os.listdir(tmp_path) == [path.name]
    assert open_frames(path).frame_shape == (3, 4)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs a kill that cannot be caught")
@pytest.mark.parametrize("suffix", [".tif", ".zarr", ".mrc"])
def test_a_killed_process_leaves_no_file_of_that_name(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    code = (
        "import sys, time, numpy as np\n"
        "from napari_emrestore.core import Acquisition\n"
        "from napari_emrestore.io import write_image\n"
        "class Slow:\n"
        "    def step(self, done, total, note=''):\n"
        "        print(done, flush=True)\n"
        "        time.sleep(60)\n"
        "write_image(sys.argv[1], np.ones((2100, 900), 'f4'), Acquisition(), monitor=Slow())\n"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE) as process:
        assert process.stdout.readline().strip() == b"1"
        process.kill()
    assert not path.exists()
    assert all(name.startswith(".") for name in os.listdir(tmp_path))
    write_image(path, noise(5, 7), KNOWN)
    assert open_frames(path).frame_shape == (5, 7)


def test_a_file_may_be_written_over_the_one_it_is_read_from(tmp_path):
    path = write_image(tmp_path / "a.tif", noise(50, 70), KNOWN)
    before = open_frames(path)[0].data.copy()
    with open_frames(path) as stack:
        write_image(path, stack.data[0] + 1, KNOWN)
    np.testing.assert_array_equal(open_frames(path)[0].data, before + 1)


# --- the parts


@given(hnp.arrays(np.uint16, hnp.array_shapes(min_dims=2, max_dims=2, max_side=9)))
def test_halving_keeps_the_mean_of_what_is_there(image):
    small = halve(image)
    assert small.shape == ((image.shape[0] + 1) // 2, (image.shape[1] + 1) // 2)
    for (y, x), value in np.ndenumerate(small):
        assert abs(int(value) - image[2 * y : 2 * y + 2, 2 * x : 2 * x + 2].mean()) <= 0.5


def test_bands_halved_one_by_one_give_the_image_halved():
    image = noise(37, 11)
    bands = [halve(image[top : top + 8]) for top in range(0, 37, 8)]
    np.testing.assert_array_equal(np.concatenate(bands), halve(image))


@given(
    st.integers(1, 40),
    st.integers(1, 9),
    st.lists(st.integers(1, 15), min_size=1, max_size=5),
    st.integers(1, 3),
)
@settings(deadline=None)
def test_bands_cover_every_row_once_in_order(height, band, cuts, count):
    rows = [min(c, height) for c in cuts]
    while sum(rows) < height:
        rows.append(min(7, height - sum(rows)))
    edges = [r for i, r in enumerate(rows) if sum(rows[:i]) < height]
    edges[-1] -= sum(edges) - height
    data = np.arange(count * height * 3).reshape(count, height, 3)
    image = Outgoing(da.from_array(data, chunks=(1, tuple(edges), 2)), KNOWN)
    seen = [(frame, top, piece) for frame, top, piece in image.bands(band)]
    assert [(f, t) for f, t, _ in seen] == [(f, t) for f in range(count) for t in range(0, height, band)]
    for frame in range(count):
        np.testing.assert_array_equal(np.concatenate([p for f, _, p in seen if f == frame]), data[frame])


@pytest.mark.parametrize("suffix", [".tif", ".zarr", ".mrc"])
def test_memory_does_not_grow_with_the_height_of_a_lazy_image(tmp_path, suffix):
    def peak(height):
        lazy = da.ones((height, 1000), chunks=(256, 1000), dtype=np.float32)
        tracemalloc.start()
        try:
            write_image(tmp_path / f"a{suffix}", lazy, KNOWN)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(2100)
    assert peak(3 * 2100) < 1.2 * peak(2100)


def test_a_stack_from_memory_is_written_with_its_acquisition(tmp_path):
    with FrameStack.from_array(noise(2, 5, 7), KNOWN) as stack:
        path = write_image(tmp_path / "a.zarr", stack.data, stack.acquisition)
    assert open_frames(path).acquisition.pixel_size_nm == (0.5, 0.25)
