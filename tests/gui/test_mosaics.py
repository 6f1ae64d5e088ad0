"""Mosaics in napari: all their images on one grid, and in the regions dock each in its place."""

import numpy as np
import pytest
from napari.components import ViewerModel
from tests.overview.conftest import make_scan, stack_of

from napari_emrestore.cameras.scanning import ScanPath
from napari_emrestore.cameras.specimen import procedural_specimen
from napari_emrestore.core import Cancelled
from napari_emrestore.overview import assemble
from napari_emrestore.restoration import load_restorer
from napari_emrestore.widgets.hooks.reading import get_reader
from napari_emrestore.widgets.regions import RegionsDock

WAIT_MS = 60_000


class StopAtFirstTile:
    """Stops when the first tile is to be made."""

    def step(self, done, total, note=""):
        if note == "making tiles":
            raise Cancelled


@pytest.fixture(scope="module")
def scan():
    return make_scan(procedural_specimen(512, np.random.default_rng(7)), ScanPath(1, 6, 20.0, 0.0))


def layers_of(path):
    reader = get_reader(str(path))
    viewer = ViewerModel()
    for data, options, kind in reader(str(path)):
        assert kind == "image"
        viewer.add_image(data, **options)
    return viewer


def test_a_mosaic_opens_as_its_images_and_the_regions_dock_measures_on_its_maps(qtbot, scan, tmp_path):
    made = assemble(stack_of(scan), tmp_path / "grid.zarr", restorer=load_restorer("mean"))
    viewer = layers_of(made.path)
    shown = {layer.name: layer.visible for layer in viewer.layers}
    assert shown == {
        "grid · confidence": False,
        "grid · frames": False,
        "grid · coverage": False,
        "grid · residual": False,
        "grid": True,
        "grid · restored": True,
    }
    np.testing.assert_array_equal(viewer.layers["grid"].scale[-2:], (4, 4))
    dock = RegionsDock(viewer)
    qtbot.addWidget(dock)
    qtbot.waitUntil(lambda: dock.state.regions is not None, timeout=WAIT_MS)
    state, layers = dock.state, viewer.layers
    assert state.overview is layers["grid"]
    assert state.restored is layers["grid · restored"]
    assert state.frame_count is layers["grid · frames"]
    assert state.registration is layers["grid · residual"]
    assert state.confidence is layers["grid · confidence"]
    dock.begin("point")
    middle = np.array(state.regions.overview.shape) / 2
    dock.canvas.parts["points"].layer.add([middle])
    qtbot.waitUntil(lambda: bool(dock.measuring.numbers()), timeout=WAIT_MS)
    numbers = dock.measuring.numbers()[1]
    y, x = np.round(middle).astype(int)
    frames = made.levels("frames")[0][y - 5 : y + 6, x - 5 : x + 6]
    assert frames.min() <= numbers.frames <= frames.max()
    assert numbers.residual_rms > 0
    assert 0 < numbers.confidence <= 1


def test_a_mosaic_that_is_not_finished_opens_too(scan, tmp_path):
    with pytest.raises(Cancelled):
        assemble(stack_of(scan), tmp_path / "half.zarr", monitor=StopAtFirstTile())
    assert "half" in layers_of(tmp_path / "half.zarr").layers
