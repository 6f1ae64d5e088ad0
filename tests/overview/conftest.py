"""Scans whose truth is known, small enough to be laid out in a second."""

import numpy as np
import pytest

from napari_emrestore.cameras.scanning import ScanPath, simulate_scan
from napari_emrestore.cameras.specimen import procedural_specimen
from napari_emrestore.cameras.stage import StageMotion
from napari_emrestore.core import Acquisition
from napari_emrestore.io import FrameStack
from napari_emrestore.overview import MosaicSettings, place_frames

SIDE = 160
SHAKEN = StageMotion(0.4, 50.0, 0.6, 2.0, (0.5, 0.3))


@pytest.fixture(scope="session")
def specimen():
    return procedural_specimen(1024, np.random.default_rng(7))


@pytest.fixture(scope="session")
def field():
    """A beam that is brightest off the centre and darker at the corners."""
    y, x = np.mgrid[:SIDE, :SIDE] / SIDE
    return 1 - 0.5 * ((y - 0.4) ** 2 + (x - 0.6) ** 2)


def make_scan(specimen, path, *, motion=SHAKEN, shading=None, seed=1):
    return simulate_scan(
        specimen,
        path,
        frame_shape=(SIDE, SIDE),
        rng=np.random.default_rng(seed),
        motion=motion,
        shading=shading,
        start_px=(60.0, 60.0),
    )


def stack_of(scan, **known):
    return FrameStack.from_array(scan.frames, Acquisition("scan", pixel_size_nm=(4.0, 4.0), **known))


def placement_error_px(layout, scan):
    """Return the root mean square distance of the placed frames from where they were, means aligned."""
    off = (layout.places_px - scan.truth_px)[layout.placed]
    return float(np.sqrt(((off - off.mean(axis=0)) ** 2).sum(axis=1).mean()))


@pytest.fixture(scope="session")
def shaken(specimen, field):
    """A serpentine of three strips, shaken, blurred, unevenly lit."""
    return make_scan(specimen, ScanPath(3, 16, 14.0, 0.75 * SIDE), shading=field)


@pytest.fixture(scope="session")
def settings(shaken):
    return MosaicSettings(dark=shaken.detector.offset_adu)


@pytest.fixture(scope="session")
def layout(shaken, settings):
    return place_frames(stack_of(shaken), settings)
