"""Blocks restored apart: they cover an image once, equal the whole, and read no more than they need."""

import dask.array as da
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_emrestore.core import InputError, IntensityMap, TilingRule
from napari_emrestore.restoration import restore
from napari_emrestore.restoration.blocks import blocks_of, restore_block
from napari_emrestore.restoration.inputs import gather
from napari_emrestore.restoration.plan import plan_blocks

MAP = IntensityMap(100.0, 400.0)


@settings(max_examples=40, deadline=None)
@given(
    st.tuples(st.integers(1, 150), st.integers(1, 150)),
    st.sampled_from([1, 4, 6]),
    st.integers(0, 40),
    st.tuples(st.integers(4, 30), st.integers(4, 30)),
)
def test_blocks_lie_on_a_grid_and_cover_each_pixel_once(shape, stride, halo, steps):
    block = tuple(n * stride for n in steps)
    plan = plan_blocks(shape, TilingRule(stride, halo), block)
    count = np.zeros(shape, int)
    padded = [-(-n // stride) * stride for n in shape]
    for window in plan.windows:
        count[window.write.slices] += 1
        assert window.write.y0 % block[0] == window.write.x0 % block[1] == 0
        for read, write, end in (
            ((window.read.y0, window.read.y1), (window.write.y0, window.write.y1), padded[0]),
            ((window.read.x0, window.read.x1), (window.write.x0, window.write.x1), padded[1]),
        ):
            assert read[0] % stride == read[1] % stride == 0
            assert read[0] == 0 or write[0] - read[0] >= halo
            assert read[1] == end or read[1] - write[1] >= halo
    assert (count == 1).all()


@pytest.mark.parametrize("shape", [(97, 130), (60, 41), (5, 200)])
def test_blocks_equal_the_whole_and_the_run_in_blocks(restorer, rng, shape):
    image = rng.normal(300, 100, shape).astype(np.float32)
    image[3:5, 30:33] = np.nan
    plan = blocks_of(gather(image, restorer), restorer, 64)
    made = np.full(shape, -1, np.float32)
    missing = 0
    for window in plan.windows:
        block = restore_block(image, restorer, window, MAP)
        made[window.write.slices] = block.pixels
        missing += block.missing_px
    np.testing.assert_array_equal(
        made, restore(image, restorer, tile=64, intensity=MAP, in_blocks=True).image
    )
    np.testing.assert_allclose(made, restore(image, restorer, intensity=MAP).image, atol=2e-3)
    assert missing == np.isnan(image).sum() == np.isnan(made).sum()


def test_a_block_reads_its_own_part_only(restorer):
    read = []

    def chunk(block_info=None):
        read.append(block_info[None]["chunk-location"])
        return np.full((50, 50), 300, np.float32)

    image = da.map_blocks(chunk, chunks=((50,) * 8, (50,) * 8), dtype=np.float32)
    plan = plan_blocks((400, 400), restorer.tiling, (100, 100))
    restore_block(image, restorer, plan.windows[0], MAP)
    assert set(read) == {(y, x) for y in range(3) for x in range(3)}


def test_automatic_blocks_are_whole_chunks(numpy_restorer):
    image = np.zeros((1500, 2100), np.uint8)
    plan = blocks_of(gather(image, numpy_restorer()), numpy_restorer(), "auto")
    assert {(w.write.y0 % 512, w.write.x0 % 512) for w in plan.windows} == {(0, 0)}


def test_what_cannot_be_cut_into_blocks_is_refused(numpy_restorer):
    image = np.zeros((300, 300), np.float32)
    blended = numpy_restorer(tiling=TilingRule(1, 8, "blend"))
    with pytest.raises(InputError, match="block by block"):
        blocks_of(gather(image, blended), blended, 64)
    wide = numpy_restorer(tiling=TilingRule(4, 16))
    with pytest.raises(InputError, match="two halos of 16 px"):
        blocks_of(gather(image, wide), wide, 32)
    with pytest.raises(InputError, match="multiple of 4 px"):
        blocks_of(gather(image, wide), wide, 38)
