"""Noise that neighbouring pixels share, as in resampled files: it is removed, and doubt is said."""

from pathlib import Path

import numpy as np
import pytest
from imageio.v3 import imread
from scipy.ndimage import gaussian_filter, zoom

from napari_emrestore.metrics import NoiseModel
from napari_emrestore.restoration import load_restorer, restore
from napari_emrestore.training.scenes import draw_scene

PAIR = Path(__file__).parents[3] / "shared" / "data" / "pairs" / "emdiffuse_brain_22"
DEVIATION = 12.0


def scan(kind, seed=3):
    """Return a clean scan in grey levels and the same with noise, white or shared by neighbours."""
    rng = np.random.default_rng(seed)
    clean = 200 * gaussian_filter(draw_scene("sections", 256, rng), 0.8)
    noise = rng.normal(size=clean.shape)
    if kind == "smoothed":
        noise = gaussian_filter(noise, 0.8)
    if kind == "enlarged":
        noise = zoom(noise[:128, :128], 2, order=1)
    return clean, clean + DEVIATION * noise / noise.std()


def error(image, clean):
    return float(np.mean((np.asarray(image, np.float64) - clean) ** 2))


@pytest.mark.parametrize("kind", ["white", "smoothed", "enlarged"])
@pytest.mark.parametrize("method", ["naf-denoise", "nlmeans-calibrated"])
def test_it_is_removed_without_being_told(kind, method):
    clean, noisy = scan(kind)
    made = restore(noisy, load_restorer(method, device="cpu"))
    assert error(made.image, clean) < 0.8 * error(noisy, clean)


@pytest.mark.parametrize("told", [0.05, 1.0])
@pytest.mark.parametrize("kind", ["white", "smoothed", "enlarged"])
def test_a_denoiser_told_too_little_does_no_harm(kind, told):
    clean, noisy = scan(kind)
    made = restore(noisy, load_restorer("naf-denoise", device="cpu"), noise=NoiseModel(0.0, 0.0, told))
    assert error(made.image, clean) < 1.05 * error(noisy, clean)


@pytest.mark.parametrize("method", ["naf-denoise", "nlmeans-calibrated"])
def test_doubt_is_said_where_the_image_itself_gave_the_noise(method):
    restorer = load_restorer(method, device="cpu")
    clean, noisy = scan("enlarged")
    (note,) = restore(noisy, restorer).provenance.notes
    assert note.startswith("The noise was taken as")
    assert note.endswith("a burst or a calibration of the camera can")
    assert not restore(noisy, restorer, noise=NoiseModel(0.0, 0.0, DEVIATION)).provenance.notes
    assert not restore(scan("white")[1], restorer).provenance.notes
    assert not restore(noisy, load_restorer("gaussian")).provenance.notes
    stack = clean + np.random.default_rng(0).normal(0, DEVIATION, (3, *clean.shape))
    assert not restore(stack, load_restorer("burst-naf", device="cpu")).provenance.notes


def test_fine_texture_is_kept_and_the_doubt_is_said():
    rng = np.random.default_rng(5)
    patches = gaussian_filter(rng.normal(size=(256, 256)), 9)
    fine = gaussian_filter(rng.normal(size=(256, 256)), 0.6)
    texture = 1000 + 150 * fine / fine.std() * np.clip(0.6 + patches / patches.std(), 0, 1.5)
    made = restore(texture + rng.normal(0, 5, texture.shape), load_restorer("nlmeans-calibrated"))
    (note,) = made.provenance.notes
    assert "may lie between" in note
    assert error(made.image, texture) < 0.05 * texture.var()


@pytest.mark.skipif(not PAIR.is_dir(), reason="the development data are not there")
@pytest.mark.parametrize(("method", "gain_db"), [("naf-denoise", 0.8), ("nlmeans-calibrated", 0.4)])
def test_a_real_fast_scan_comes_nearer_to_its_slow_partner(method, gain_db):
    noisy, clean = (imread(PAIR / f"{name}.png").astype(np.float64) for name in ("noisy", "clean"))
    made = restore(noisy, load_restorer(method, device="cpu"))
    assert 10 * np.log10(error(noisy, clean) / error(made.image, clean)) > gain_db
