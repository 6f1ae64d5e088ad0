"""Every classical row: equal to its peer, finite on odd images, exact in tiles where it says so."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_emrestore.core import InputError, MissingPackageError
from napari_emrestore.restoration.classical import CLASSICAL, list_classical, load_classical, plain

SHAPES = [(1, 1), (1, 9), (2, 3), (7, 5), (31, 18)]
PLAIN = ["gaussian", "bilateral", "median", "wiener", "wavelet", "tv-chambolle", "tv-bregman", "nlmeans"]


def scene(shape: tuple[int, int], seed: int = 1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    blocks = np.kron(rng.uniform(0, 1, (shape[0] // 8 + 1, shape[1] // 8 + 1)), np.ones((8, 8)))
    return (blocks[: shape[0], : shape[1]] + rng.normal(0, 0.1, shape)).astype(np.float32)


def test_the_list_names_every_row_and_loads_none():
    assert list_classical()[:2] == ("mean", "median-of-frames")
    assert {f"{name}-calibrated" for name in [*PLAIN, "bm3d"]} | {*PLAIN, "bm3d"} < set(CLASSICAL)


def test_an_unknown_row_is_refused_by_name():
    with pytest.raises(InputError, match="'gauss' came"):
        load_classical("gauss")


@pytest.mark.parametrize("name", list_classical())
@pytest.mark.parametrize("shape", SHAPES)
def test_every_row_takes_odd_tiny_and_constant_images(name, shape):
    restorer = load_classical(name)
    for frames in (
        scene(shape)[None],
        np.full((2, *shape), 0.5, np.float32),
        np.zeros((1, *shape), np.float32),
    ):
        restored = restorer.restore_window(frames)
        assert restored.shape == shape
        assert restored.dtype == np.float32
        assert np.isfinite(restored).all()
        if np.ptp(frames) == 0:
            np.testing.assert_allclose(restored, frames[0], atol=2e-3)


@pytest.mark.parametrize("name", list_classical())
def test_every_row_keeps_its_input_and_describes_itself(name):
    frames = np.stack([scene((24, 33), seed) for seed in (1, 2)])
    before = frames.copy()
    restorer = load_classical(name)
    restorer.restore_window(frames)
    np.testing.assert_array_equal(frames, before)
    assert restorer.id == restorer.describe()["id"] == name
    assert restorer.frames == (1, 32)
    assert restorer.describe()["weights_sha256"] == ""


def test_fusions_are_the_mean_and_the_median_over_frames():
    frames = np.random.default_rng(0).normal(size=(5, 7, 9)).astype(np.float32)
    np.testing.assert_allclose(load_classical("mean").restore_window(frames), frames.mean(axis=0), atol=1e-6)
    median = load_classical("median-of-frames").restore_window(frames)
    np.testing.assert_allclose(median, np.median(frames, axis=0), atol=1e-6)


@pytest.mark.parametrize("name", [*PLAIN, "gaussian-calibrated"])
def test_a_single_image_filter_filters_the_mean_of_the_frames(name):
    frames = np.stack([scene((40, 33), seed) for seed in (1, 2, 3)])
    restorer = load_classical(name)
    np.testing.assert_allclose(
        restorer.restore_window(frames), restorer.restore_window(frames.mean(axis=0)[None]), atol=1e-6
    )


def peer(name: str, image: np.ndarray) -> np.ndarray:
    """Return what OpenCV, SciPy or scikit-image make of `image` with the paper's parameters."""
    import cv2
    from scipy.signal import wiener
    from skimage import restoration as sk

    match name:
        case "gaussian":
            return cv2.GaussianBlur(image, (3, 3), 0)
        case "bilateral":
            return cv2.bilateralFilter(image, 9, 75, 75)
        case "median":
            return cv2.medianBlur(image, 3)
        case "wiener":
            # Lee's filter with the noise our rim rule finds; SciPy sees zeros beyond the rim
            noise = np.mean(
                cv2.blur(np.float64(image) ** 2, (3, 3)) - cv2.blur(np.float64(image), (3, 3)) ** 2
            )
            return wiener(image.astype(float), 3, noise)
        case "wavelet":
            return sk.denoise_wavelet(image, method="BayesShrink", mode="soft", wavelet="db1")
        case "tv-chambolle":
            return sk.denoise_tv_chambolle(image, weight=0.1, eps=2e-4, max_num_iter=200)
        case "tv-bregman":
            return sk.denoise_tv_bregman(image, weight=0.1, eps=2e-4, max_num_iter=200, isotropic=False)
    return sk.denoise_nl_means(image.astype(float), patch_size=7, patch_distance=11, h=0.1, fast_mode=True)


@pytest.mark.parametrize("name", PLAIN)
def test_a_plain_row_equals_its_peer(name):
    image = scene((61, 48))
    ours = load_classical(name).restore_window(image[None])
    inside = slice(1, -1)
    np.testing.assert_allclose(ours[inside, inside], peer(name, image)[inside, inside], atol=2e-5)
    if name != "wiener":
        np.testing.assert_allclose(ours, peer(name, image), atol=2e-5)


def test_the_bilateral_filter_with_a_narrow_range_equals_the_formula():
    import cv2

    image = scene((40, 53))
    ours = plain.bilateral(0.2, 1.5).restore_window(image[None])
    np.testing.assert_allclose(ours, cv2.bilateralFilter(image, 9, 0.2, 1.5), atol=2e-3)  # table look-up


EXACT = {
    "mean": plain.mean(),
    "median-of-frames": plain.median_of_frames(),
    "gaussian": plain.gaussian(),
    "gaussian 1.3": plain.gaussian(1.3),
    "bilateral": plain.bilateral(0.2, 2.0),
    "median": plain.median(5),
    "wiener": plain.wiener(5, 0.01),
    "nlmeans": plain.nl_means(0.2, patch_px=5, distance_px=6, sigma=0.1),
}


@settings(max_examples=12, deadline=None)
@given(st.integers(20, 90), st.integers(20, 90), st.integers(5, 40), st.sampled_from(sorted(EXACT)))
def test_tiles_with_the_halo_equal_the_whole(height, width, tile, name):
    restorer = EXACT[name]
    assert restorer.tiling.mode == "exact"
    frames = np.stack([scene((height, width), seed) for seed in (3, 4)])
    whole = restorer.restore_window(frames)
    halo = restorer.tiling.halo
    for y in range(0, height, tile):
        for x in range(0, width, tile):
            top, left = max(y - halo, 0), max(x - halo, 0)
            window = frames[:, top : y + tile + halo, left : x + tile + halo]
            core = restorer.restore_window(window)[y - top :, x - left :][:tile, :tile]
            np.testing.assert_allclose(core, whole[y : y + tile, x : x + tile], atol=1e-5)


@pytest.mark.parametrize("name", list_classical())
def test_rows_that_estimate_from_the_image_refuse_tiles(name):
    mode = load_classical(name).tiling.mode
    if name.endswith("-calibrated") or name in ("wiener", "wavelet", "bm3d"):
        assert mode == "whole"
    elif name.startswith("tv-"):
        assert mode == "blend"
    else:
        assert mode == "exact"


def test_rows_of_an_absent_package_say_how_to_get_it(monkeypatch):
    from napari_emrestore.restoration.classical import calibrated

    monkeypatch.setattr(calibrated, "find_spec", lambda name: None)
    for name in ("bm3d", "bm3d-calibrated"):
        with pytest.raises(MissingPackageError, match="pip install"):
            load_classical(name)
