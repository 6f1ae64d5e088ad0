"""OpenCV's ECC as oracle: same images, same start, warps as good and as close as noise allows."""

import cv2
import numpy as np
import pytest

from napari_emrestore.core import Warp
from napari_emrestore.registration import estimate_warp

SHAPE = (256, 288)
MOTIONS = {
    "translation": np.array([[1, 0, 3.4], [0, 1, -2.3]]),
    "euclidean": np.array([[np.cos(0.02), -np.sin(0.02), 5.1], [np.sin(0.02), np.cos(0.02), -3.7]]),
    "affine": np.array([[1.01, 0.006, -2.2], [-0.012, 0.994, 4.6]]),
    "homography": np.array([[1.004, 0.01, 1.7], [-0.008, 0.997, -2.9], [2e-5, -3e-5, 1]]),
}


@pytest.fixture(scope="module")
def scene() -> np.ndarray:
    rng = np.random.default_rng(0)
    fine, coarse = (cv2.GaussianBlur(rng.normal(size=(420, 420)), (0, 0), s) for s in (2.0, 12.0))
    return (fine / fine.std() + coarse / coarse.std()).astype(np.float32)


def pair(scene: np.ndarray, truth: Warp, electrons: float, rng: np.random.Generator) -> list[np.ndarray]:
    """Return reference and moving image cut by OpenCV from one large scene, with counted electrons."""
    into = Warp.from_xy([[1, 0, 66], [0, 1, 82]])
    images = []
    for warp in (Warp.identity(), truth.inverse()):
        matrix = into.after(warp).to_xy()
        seen = cv2.warpPerspective(
            scene,
            matrix,
            SHAPE[::-1],
            flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REFLECT,
        )
        images.append(rng.poisson(electrons * np.clip(1 + 0.25 * seen, 0.02, None)).astype(np.float32))
    return images


def by_opencv(reference: np.ndarray, moving: np.ndarray, kind: str) -> Warp:
    matrix = np.eye(3 if kind == "homography" else 2, 3, dtype=np.float32)
    motion = getattr(cv2, f"MOTION_{kind.upper()}")
    stop = (cv2.TERM_CRITERIA_COUNT + cv2.TERM_CRITERIA_EPS, 100, 1e-7)
    return Warp.from_xy(cv2.findTransformECC(reference, moving, matrix, motion, stop, None, 5)[1])


@pytest.mark.parametrize("kind", list(MOTIONS))
def test_as_accurate_as_opencv(scene, kind):
    rng = np.random.default_rng(1)
    truth = Warp.from_xy(MOTIONS[kind], kind)
    ours, theirs = [], []
    for _ in range(4):
        images = pair(scene, truth, 40, rng)
        found, peer = estimate_warp(*images, kind=kind), by_opencv(*images, kind)
        ours.append(found.corner_distance_px(truth, SHAPE))
        theirs.append(peer.corner_distance_px(truth, SHAPE))
        assert found.corner_distance_px(peer, SHAPE) < 0.5
    assert np.mean(ours) < 1.25 * np.mean(theirs) + 0.01


def test_finds_what_opencv_needs_a_start_for(scene):
    truth = Warp.from_xy([[1.0, 0.01, 80.3], [-0.01, 1.0, -57.6]], "affine")
    images = pair(scene, truth, 20, np.random.default_rng(2))
    assert estimate_warp(*images, kind="affine").corner_distance_px(truth, SHAPE) < 1.0
    try:
        lost = by_opencv(*images, "affine").corner_distance_px(truth, SHAPE)
    except cv2.error:
        lost = np.inf
    assert lost > 5


def test_resampled_images_match_opencv_inside(scene):
    from napari_emrestore.registration import resample

    warp = Warp.from_xy(MOTIONS["affine"])
    resampled, valid = resample(scene, warp)
    flags = cv2.INTER_LANCZOS4 | cv2.WARP_INVERSE_MAP
    peer = cv2.warpAffine(scene, MOTIONS["affine"], scene.shape[::-1], flags=flags)
    valid[:4] = valid[-4:] = valid[:, :4] = valid[:, -4:] = False
    assert np.abs(resampled - peer)[valid].std() < 0.03 * scene.std()
