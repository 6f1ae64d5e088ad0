"""Mosaics on disk: read while they grow, gone on with, complete, and never in the way of something else."""

import json

import numpy as np
import pytest
import zarr
from ome_zarr_models.v05.image import Image
from tests.overview.conftest import stack_of

from napari_emrestore.core import Cancelled, InputError
from napari_emrestore.io import open_frames, read_provenance
from napari_emrestore.io.pyramid import halve, halve_measured
from napari_emrestore.overview import MosaicSettings, assemble, mosaic_tile, open_mosaic, plan_mosaic
from napari_emrestore.overview.mosaic_files import TILES
from napari_emrestore.restoration import load_restorer
from napari_emrestore.restoration.plan import Rect


class StopAtTile:
    """Stops once so many tiles are made."""

    def __init__(self, tiles):
        self.tiles, self.seen = tiles, 0

    def step(self, done, total, note=""):
        if note == "making tiles":
            self.seen += 1
            if self.seen == self.tiles:
                raise Cancelled


@pytest.fixture
def wide(layout, shaken):
    """The scan placed so far apart that its mosaic has several tiles."""
    from dataclasses import replace

    return replace(layout, places_px=layout.places_px * 3, shape=tuple(3 * n for n in layout.shape))


def test_a_mosaic_is_written_with_its_copies_maps_and_record(layout, shaken, settings, tmp_path):
    frames, restorer = stack_of(shaken), load_restorer("mean")
    made = assemble(frames, tmp_path / "m.zarr", restorer=restorer, settings=settings, layout=layout)
    assert made.complete
    assert made.images == ("restored", "raw", "confidence", "frames", "coverage", "residual")
    plan = plan_mosaic(layout, frames, restorer)
    whole = mosaic_tile(plan, frames, Rect(0, layout.shape[0], 0, layout.shape[1]), restorer)
    for name in made.images:
        np.testing.assert_allclose(made.levels(name)[0][:], whole.images[name], rtol=1e-5, atol=1e-3)
        Image.from_zarr(zarr.open_group(str(made.path / name), mode="r"))
    record = read_provenance(made.path / "restored")
    assert record.model["id"] == "mean"
    assert record.settings["placed"] == len(layout)
    with open_frames(made.path) as opened:
        assert opened.frame_shape == layout.shape
        assert opened.acquisition.pixel_size_nm == (4.0, 4.0)
        assert opened.acquisition.name == "scan restored"


def test_it_can_be_read_while_it_grows_and_goes_on_after_a_stop(wide, shaken, settings, tmp_path):
    frames, path, seen = stack_of(shaken), tmp_path / "m.zarr", []
    with pytest.raises(Cancelled):
        assemble(frames, path, settings=settings, layout=wide, grown=seen.append, monitor=StopAtTile(2))
    half = open_mosaic(path)
    assert (half.tiles_done, half.complete) == (2, False)
    assert [mosaic.tiles_done for mosaic in seen] == [0]
    small = half.levels("raw")[1][:]
    assert 0 < np.isfinite(small).mean() < 0.9

    done = assemble(frames, path, settings=settings, layout=wide)
    assert done.complete
    straight = assemble(frames, tmp_path / "s.zarr", settings=settings, layout=wide)
    for name in straight.images:
        for ours, theirs in zip(done.levels(name), straight.levels(name), strict=True):
            np.testing.assert_array_equal(ours[:], theirs[:])
    lines = (path / TILES).read_text().splitlines()
    assert len(lines) == len(set(lines)) == done.tiles, "no tile is made twice"
    assert json.loads((path / "zarr.json").read_text())["attributes"]["napari-emrestore-mosaic"]["complete"]


def test_smaller_copies_are_means_of_what_was_measured(wide, shaken, settings, tmp_path):
    made = assemble(stack_of(shaken), tmp_path / "m.zarr", settings=settings, layout=wide)
    full, half, *_ = (level[:] for level in made.levels("raw"))
    np.testing.assert_allclose(half, halve_measured(full), rtol=1e-5)


def test_halving_looks_over_gaps():
    piece = np.array([[1, 3, np.nan], [np.nan, 5, np.nan]], np.float32)
    np.testing.assert_array_equal(halve_measured(piece), np.array([[3, np.nan]], np.float32))
    whole = np.random.default_rng(0).normal(size=(5, 7)).astype(np.float32)
    np.testing.assert_array_equal(halve_measured(whole), halve(whole))


def test_a_mosaic_of_other_settings_and_what_is_no_mosaic_are_left_alone(layout, shaken, settings, tmp_path):
    frames = stack_of(shaken)
    assemble(frames, tmp_path / "m.zarr", settings=settings, layout=layout)
    with pytest.raises(InputError, match="another"):
        assemble(frames, tmp_path / "m.zarr", settings=MosaicSettings("best"), layout=layout)
    (tmp_path / "other.zarr").mkdir()
    with pytest.raises(InputError, match="something else"):
        assemble(frames, tmp_path / "other.zarr", layout=layout)
    with pytest.raises(InputError, match=r"\.zarr"):
        assemble(frames, tmp_path / "m.tif", layout=layout)
    with pytest.raises(InputError, match="existing folder"):
        assemble(frames, tmp_path / "nowhere" / "m.zarr", layout=layout)
    with pytest.raises(InputError, match="is none"):
        open_mosaic(tmp_path / "other.zarr")
    with pytest.raises(InputError, match="restored"):
        open_mosaic(tmp_path / "m.zarr").levels("restored")
