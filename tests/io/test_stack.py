"""FrameStack: a source of frames that reads only what is asked, and says what it cannot read."""

from typing import ClassVar

import dask.array as da
import numpy as np
import pytest
import tifffile
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_emrestore.core import Acquisition, FormatError, FrameSource, InputError
from napari_emrestore.io import FrameStack, open_frames, open_series, read_provenance, write_image
from napari_emrestore.io.stack import StoredStack, chunk_shape


def source_of(stack: FrameSource) -> FrameSource:
    return stack


@pytest.fixture
def data():
    return np.random.default_rng(1).normal(size=(4, 6, 9)).astype(np.float32)


@pytest.mark.parametrize("kind", ["numpy", "dask", "zarr", "list"])
def test_an_array_in_memory_is_a_source_too(data, kind):
    array = {"numpy": data, "dask": da.from_array(data), "zarr": zarr.array(data), "list": data.tolist()}[
        kind
    ]
    with FrameStack.from_array(array, Acquisition("a")) as stack:
        source = source_of(stack)
        assert source.acquisition.name == "a"
        np.testing.assert_array_equal([frame.data for frame in source], data)
        np.testing.assert_array_equal(stack.data[1:, 2].compute(), data[1:, 2])
        assert stack.sha256() == ""


def test_one_image_is_one_frame(data):
    stack = FrameStack.from_array(zarr.array(data[0]))
    assert (len(stack), stack.frame_shape) == (1, (6, 9))
    with pytest.raises(InputError, match=r"\(3,\)"):
        FrameStack.from_array([1, 2, 3])


@pytest.mark.parametrize("index", [4, -5, 100])
def test_a_frame_that_is_not_there_is_named(data, index):
    with pytest.raises(InputError, match=f"between 0 and 3; {index} came"):
        FrameStack.from_array(data)[index]


def test_time_stamps_follow_the_frame_step(data):
    stack = FrameStack.from_array(data, Acquisition(frame_axis="time", frame_step=20.0))
    assert [frame.time_s for frame in stack] == pytest.approx([0.02, 0.04, 0.06, 0.08])
    assert FrameStack.from_array(data)[0].time_s is None


def test_not_a_number_comes_through_and_is_counted(data):
    data[1, 2, :3] = [np.nan, np.inf, -np.inf]
    frames = list(FrameStack.from_array(data))
    assert frames[1].acquisition.extra == {"not_finite_pixels": 3}
    assert "not_finite_pixels" not in frames[0].acquisition.extra
    np.testing.assert_array_equal(frames[1].data, data[1])


def test_frames_come_in_this_machines_byte_order(data):
    stack = FrameStack.from_array(data.astype(">f4"))
    assert stack.dtype == np.dtype("f4")
    assert stack[0].data.dtype.isnative
    np.testing.assert_array_equal(stack.data.compute(), data)


@pytest.mark.parametrize("dtype", [complex, "U3", [("r", "u1"), ("g", "u1")]])
def test_only_real_numbers_are_pixels(dtype):
    with pytest.raises(FormatError, match="real numbers"):
        FrameStack.from_array(np.zeros((2, 3, 4), dtype))


def test_an_empty_stack_is_refused():
    with pytest.raises(FormatError, match="at least one pixel"):
        FrameStack.from_array(np.zeros((0, 3, 4)))


def test_slicing_the_lazy_array_reads_no_more_than_its_chunks():
    class Counting:
        shape = (5, 8, 9)
        dtype = np.dtype("u1")
        read: ClassVar[list] = []

        def __getitem__(self, key):
            self.read.append(key[0])
            return np.zeros(self.shape, self.dtype)[key]

    pixels = Counting()
    stack = FrameStack(StoredStack(pixels, Acquisition()))
    lazy = stack.data
    assert pixels.read == []
    lazy[3].compute()
    assert [(key.start, key.stop) for key in pixels.read] == [(3, 4)]


def test_frames_stored_in_one_piece_are_unpacked_once(tmp_path):
    data = np.arange(10 * 4 * 5).reshape(10, 4, 5)
    zarr.save_array(str(tmp_path / "a.zarr"), data)
    zarr.open_array(str(tmp_path / "b.zarr"), mode="w", shape=data.shape, dtype=data.dtype, chunks=(4, 4, 5))[
        :
    ] = data
    for name in ("a.zarr", "b.zarr"):
        with open_frames(tmp_path / name) as stack:
            np.testing.assert_array_equal([frame.data for frame in stack], data)
            assert [frame.index for frame in stack] == list(range(10))


def test_the_hash_is_of_the_file(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.zeros((3, 4), np.uint8))
    first = open_frames(path).sha256()
    tifffile.imwrite(path, np.ones((3, 4), np.uint8))
    assert len(first) == 64
    assert open_frames(path).sha256() != first


sizes = st.integers(1, 5000)


@settings(deadline=None)
@given(st.integers(1, 300), sizes, sizes, st.sampled_from([1, 2, 4, 8]), st.integers(1, 20), sizes, sizes)
def test_chunks_are_whole_tiles_within_the_stack(count, height, width, itemsize, depth, tile_y, tile_x):
    n, y, x = chunk_shape((count, height, width), itemsize, (depth, tile_y, tile_x))
    assert 1 <= n <= count
    assert 1 <= y <= height
    assert 1 <= x <= width
    assert y == height or y % tile_y == 0
    assert x == width or x % tile_x == 0
    whole_tile = min(depth, count) * tile_y * tile_x * itemsize
    assert n * y * x * itemsize <= max(64 << 20, whole_tile)


@pytest.mark.parametrize("name", ["a.ome.zarr", "a.ome.tif"])
@pytest.mark.parametrize("shape", [(2101, 700), (2, 2101, 700)])
def test_the_levels_of_a_pyramid_are_means_of_the_image(tmp_path, name, shape):
    image = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    path = write_image(tmp_path / name, image, Acquisition("a"))
    with open_frames(path) as stack:
        largest, *smaller = stack.levels
        np.testing.assert_array_equal(largest.compute(), image.reshape(-1, 2101, 700))
        assert [level.shape[1:] for level in smaller] == [(1051, 350), (526, 175), (263, 88)]
        blocks = image.reshape(-1, 2101, 700)[:, :2100].reshape(-1, 1050, 2, 350, 2).mean((2, 4))
        np.testing.assert_allclose(smaller[0][:, :1050].compute(), blocks, rtol=1e-6)


def test_a_file_without_a_pyramid_has_one_level(tmp_path):
    with open_frames(write_image(tmp_path / "a.tif", np.ones((5, 7)), Acquisition())) as stack:
        assert len(stack.levels) == 1


def test_files_picked_together_are_one_stack_in_natural_order(tmp_path):
    paths = [
        write_image(tmp_path / f"f{i}.tif", np.full((3, 4), i, np.uint8), Acquisition(pixel_size_nm=(2, 2)))
        for i in (10, 2, 1)
    ]
    with open_series(paths) as stack:
        assert stack.data[:, 0, 0].compute().tolist() == [1, 2, 10]
        assert stack.acquisition.name == "f1"
        assert stack.acquisition.pixel_size_nm == (2, 2)
    assert read_provenance(tmp_path) is None
