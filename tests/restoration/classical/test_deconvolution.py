"""A known blur is undone: the deconvolved image is nearer to the scene than the blurred one was."""

import numpy as np
import pytest
from scipy.ndimage import convolve

from napari_emrestore.core import InputError
from napari_emrestore.restoration.classical import (
    bm3d_then_wiener,
    richardson_lucy,
    unsupervised_wiener_deconvolution,
    wiener_deconvolution,
)

PSF = np.ones((1, 7))  # motion along x
FACTORIES = {
    "richardson-lucy": lambda psf: richardson_lucy(psf, iterations=15, black=0.0),
    "wiener-deconvolution": lambda psf: wiener_deconvolution(psf, balance=0.02),
    "unsupervised-wiener": unsupervised_wiener_deconvolution,
    "bm3d-then-wiener": lambda psf: bm3d_then_wiener(psf, balance=0.01),
}


def blurred_scene(dose: float) -> tuple[np.ndarray, np.ndarray]:
    """Return discs on a ground, and what a camera sees of them through motion, both about 0 to 1."""
    y, x = np.indices((90, 111))
    scene = np.full(y.shape, 0.2)
    for cy, cx, radius in ((20, 25, 9), (60, 30, 12), (35, 70, 14), (70, 90, 8)):
        scene[(y - cy) ** 2 + (x - cx) ** 2 < radius**2] += 0.5
    seen = convolve(scene, PSF / PSF.sum(), mode="mirror")
    noisy = np.random.default_rng(2).poisson(seen * dose) / dose
    return scene, noisy.astype(np.float32)


@pytest.mark.parametrize("name", FACTORIES)
def test_deconvolution_comes_nearer_to_the_scene(name):
    scene, seen = blurred_scene(dose=3000)
    restored = FACTORIES[name](PSF).restore_window(seen[None])
    assert restored.shape == scene.shape
    assert np.mean((restored - scene) ** 2) < 0.7 * np.mean((seen - scene) ** 2)
    assert restored.mean() == pytest.approx(seen.mean(), rel=0.02)
    # the rim does not ring: the image is continued as its mirror image
    assert np.abs(restored[:, :4] - 0.2).max() < 0.15


@pytest.mark.parametrize("name", FACTORIES)
@pytest.mark.parametrize("shape", [(1, 1), (2, 3), (17, 12)])
def test_deconvolution_takes_odd_tiny_and_constant_images(name, shape):
    noise = np.random.default_rng(0).normal(0.5, 0.2, shape).astype(np.float32)
    for frames in (noise[None], np.full((3, *shape), 0.4, np.float32), np.zeros((1, *shape), np.float32)):
        restored = FACTORIES[name](np.ones((3, 5))).restore_window(frames)
        assert restored.shape == shape
        assert np.isfinite(restored).all()
        if np.ptp(frames) == 0:
            np.testing.assert_allclose(restored, frames[0], atol=2e-3)


def test_a_deconvolution_names_its_psf_and_sees_the_whole_image():
    restorer = wiener_deconvolution(4 * PSF)
    assert restorer.tiling.mode == "whole"
    np.testing.assert_allclose(restorer.describe()["parameters"]["psf"], PSF / 7)


def test_richardson_lucy_equals_scikit_image_far_from_the_rim():
    from skimage.restoration import richardson_lucy as peer

    _, seen = blurred_scene(dose=200)
    kernel = np.outer([1, 2, 1], [1, 3, 2, 1, 0]).astype(float)
    ours = richardson_lucy(kernel, iterations=6, black=0.0).restore_window(seen[None])
    theirs = peer(seen.astype(float), kernel / kernel.sum(), num_iter=6, clip=False)
    np.testing.assert_allclose(ours[30:-30, 30:-30], theirs[30:-30, 30:-30], atol=1e-5)


@pytest.mark.parametrize("seed", [0, 3])
def test_the_sampler_is_seeded(seed):
    _, seen = blurred_scene(dose=50)
    once, again = (unsupervised_wiener_deconvolution(PSF, seed=seed).restore_window(seen[None]) for _ in "ab")
    np.testing.assert_array_equal(once, again)


@pytest.mark.parametrize(
    "psf", [np.ones((2, 3)), np.ones(3), np.zeros((3, 3)), -np.ones((3, 3)), np.full((3, 3), np.nan)]
)
@pytest.mark.parametrize("name", FACTORIES)
def test_what_is_no_psf_is_refused(name, psf):
    with pytest.raises(InputError, match="point-spread function"):
        FACTORIES[name](psf)


def test_settings_out_of_range_are_refused():
    with pytest.raises(InputError, match="at least 1 iteration"):
        richardson_lucy(PSF, iterations=0)
    for factory in (wiener_deconvolution, bm3d_then_wiener):
        with pytest.raises(InputError, match="balance above 0"):
            factory(PSF, balance=0)
