"""Simulated scans: where they go, what is known of it, and what a frame shows."""

import numpy as np
import pytest

from napari_emrestore.cameras.scanning import ScanPath, simulate_scan
from napari_emrestore.cameras.specimen import expose, procedural_specimen
from napari_emrestore.cameras.stage import StageMotion
from napari_emrestore.core import InputError


@pytest.fixture(scope="module")
def specimen():
    return procedural_specimen(256, np.random.default_rng(0))


def scanned(specimen, path, **options):
    return simulate_scan(specimen, path, frame_shape=(40, 56), rng=np.random.default_rng(1), **options)


def test_a_serpentine_turns_at_the_end_of_each_strip():
    moves = ScanPath(3, 4, 10.0, 25.0).moves()
    assert len(moves) == 3 * 3 + 2 * 3 + 1
    places = np.cumsum(moves, axis=0)
    np.testing.assert_allclose(places[-1], (50, 30))
    assert np.abs(moves).max() == 10.0, "the way between strips is gone in steps, too"
    assert ScanPath(3, 4, 10.0, 25.0, "jump").moves()[3].tolist() == [25.0, 0.0]


@pytest.mark.parametrize("turns", ["continuous", "jump"])
def test_an_undisturbed_stage_is_where_it_was_told_to_be(specimen, turns):
    scan = scanned(specimen, ScanPath(2, 5, 8.0, 20.0, turns), start_px=(10.0, 20.0))
    off = scan.truth_px - scan.told_px
    # the mean over an exposure lies a little ahead of its beginning
    assert np.abs(off).max() < 8.0 / 4
    truth = scan.detector.expected(expose(specimen, scan.truth_px[3:4], (40, 56)))
    assert np.corrcoef(scan.frames[3].ravel(), truth.ravel())[0, 1] > 0.15


def test_a_shaken_stage_is_elsewhere_and_darkness_shows(specimen):
    motion = StageMotion(1.0, 37.0, 5.0, 4.0, (2.0, 1.0))
    shading = np.linspace(0.5, 1.0, 40)[:, None] * np.ones((1, 56))
    scan = scanned(specimen, ScanPath(1, 20, 8.0, 0.0), motion=motion, shading=shading)
    assert np.abs(scan.truth_px - scan.told_px).max() > 2
    means = scan.frames.astype(float).mean(axis=(0, 2)) - scan.detector.offset_adu
    assert means[:5].mean() / means[-5:].mean() == pytest.approx(0.57, abs=0.08)


def test_an_exposure_that_does_not_fit_is_refused(specimen):
    with pytest.raises(InputError, match="shorter"):
        scanned(specimen, ScanPath(1, 2), exposure_s=0.04, frame_s=0.04)
