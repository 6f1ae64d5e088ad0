"""Mosaics whose tiles are made elsewhere: the pixels of an ordinary one, gone on with after a stop."""

import numpy as np
import pytest
import tifffile
from scipy.ndimage import gaussian_filter

from napari_emrestore.core import Cancelled
from napari_emrestore.io import open_frames
from napari_emrestore.overview import MosaicSettings, assemble, open_mosaic, place_frames
from napari_emrestore.pipeline.spreading import mosaics, tile_makers
from napari_emrestore.restoration import load_restorer

STEP_PX = 45
SETTINGS = MosaicSettings(frames=2, matching="none")


@pytest.fixture(scope="module")
def scan(tmp_path_factory):
    """One strip that fills two tiles: its file and its layout."""
    rng = np.random.default_rng(4)
    scene = gaussian_filter(rng.normal(size=(96, 96 + 11 * STEP_PX)), 2)
    scene = 500 + 200 * scene / np.abs(scene).max()
    frames = np.stack([scene[:, k * STEP_PX : k * STEP_PX + 96] for k in range(12)])
    path = tmp_path_factory.mktemp("scan") / "scan.tif"
    noisy = frames + rng.normal(0, 5, frames.shape)
    tifffile.imwrite(path, noisy.astype(np.float32), photometric="minisblack")
    with open_frames(path) as stack:
        return path, place_frames(stack, SETTINGS)


def make(scan, output, scheduler=None, model="gaussian", **options):
    path, layout = scan
    restorer = None if model is None else load_restorer(model)
    makers = None
    if scheduler is not None:
        makers = tile_makers(scheduler, path, model=model, restorer=restorer, **options)
    with open_frames(path) as stack:
        return assemble(stack, output, restorer=restorer, settings=SETTINGS, layout=layout, makers=makers)


@pytest.fixture(scope="module")
def alone(scan, tmp_path_factory):
    return make(scan, tmp_path_factory.mktemp("alone") / "alone.zarr")


def assert_same(made, expected):
    assert made.complete
    assert made.images == expected.images
    for name in expected.images:
        for ours, theirs in zip(made.levels(name), expected.levels(name), strict=True):
            np.testing.assert_array_equal(ours[:], theirs[:])


def test_tiles_made_by_threads_give_the_same_mosaic(scan, alone, tmp_path):
    assert alone.tiles == 2
    assert_same(make(scan, tmp_path / "made.zarr", "threads:2"), alone)


def test_tiles_made_by_a_cluster_give_the_same_mosaic(scan, alone, tmp_path, machines):
    assert_same(make(scan, tmp_path / "made.zarr", machines.address), alone)


def test_a_raw_mosaic_needs_no_model(scan, tmp_path):
    made = make(scan, tmp_path / "made.zarr", "threads:1", model=None)
    assert "restored" not in made.images
    assert made.complete


def test_a_stopped_mosaic_is_gone_on_with(scan, alone, tmp_path, monkeypatch):
    class StopAfterOne:
        def step(self, done, total, note=""):
            assert note == "making tiles, 1 thread"
            if done == 1:
                raise Cancelled(note)

    output = tmp_path / "made.zarr"
    with pytest.raises(Cancelled):
        make(scan, output, "threads:1", monitor=StopAfterOne())
    assert open_mosaic(output).tiles_done == 1
    made = []
    original = mosaics.make_tile
    monkeypatch.setattr(mosaics, "make_tile", lambda task: made.append(task.tile) or original(task))
    assert_same(make(scan, output, "threads:1"), alone)
    assert len(made) == 1
