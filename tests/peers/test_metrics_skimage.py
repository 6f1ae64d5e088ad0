"""scikit-image and OpenCV as oracles of the scores, for compiled and plain kernels."""

import numpy as np
import pytest
from skimage.metrics import mean_squared_error, peak_signal_noise_ratio, structural_similarity

from napari_emrestore import metrics
from napari_emrestore.metrics import _numba_kernels, _numpy_kernels, deviations, similarity

PEER_SETTINGS = {
    "gaussian": {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False},
    "uniform": {},
}
SHAPES = [(11, 11), (12, 300), (267, 270), (131, 17), (300, 533)]


@pytest.fixture(params=[_numba_kernels, _numpy_kernels], ids=["numba", "numpy"])
def kernels(request, monkeypatch):
    for module in (similarity, deviations):
        monkeypatch.setattr(module, "load_kernels", lambda: request.param)


def pair(shape, rng, level=0.5):
    scene = np.add.outer(np.sin(np.arange(shape[0]) / 9), np.cos(np.arange(shape[1]) / 7)) / 5 + level
    return scene + rng.normal(0, 0.05, shape), scene + rng.normal(0, 0.02, shape)


def peer_ssim(image, truth, data_range, window, full=False):
    x, y = image.astype(np.float64), truth.astype(np.float64)
    return structural_similarity(y, x, data_range=data_range, full=full, **PEER_SETTINGS[window])


def contrast_score(x, y, window):
    """Return the mean structural similarity without its brightness factor, for a data range of 1."""
    line = np.exp(-0.5 * (np.arange(-5, 6) / 1.5) ** 2) if window == "gaussian" else np.ones(7)
    weight = np.outer(line, line) / line.sum() ** 2
    unbias = 1 if window == "gaussian" else 49 / 48
    views = (np.lib.stride_tricks.sliding_window_view(part, weight.shape) for part in (x, y))
    dx, dy = (view - (view * weight).sum(axis=(2, 3), keepdims=True) for view in views)
    vx, vy, vxy = (unbias * (part * weight).sum(axis=(2, 3)) for part in (dx * dx, dy * dy, dx * dy))
    return float(((2 * vxy + 9e-4) / (vx + vy + 9e-4)).mean())


@pytest.mark.usefixtures("kernels")
@pytest.mark.parametrize("window", PEER_SETTINGS)
class TestSsim:
    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    @pytest.mark.parametrize("shape", SHAPES)
    def test_mean(self, window, shape, dtype):
        image, truth = (part.astype(dtype) for part in pair(shape, np.random.default_rng(1)))
        ours = metrics.ssim(image, truth, data_range=1.0, window=window)
        assert ours == pytest.approx(peer_ssim(image, truth, 1.0, window), abs=1e-6)

    @pytest.mark.parametrize(
        "dtype", [bool, np.uint8, np.int16, np.uint16, ">u2", np.int32, np.uint64, np.float16]
    )
    def test_other_types(self, window, dtype):
        image, truth = (
            part * (1 if dtype is bool else 100) for part in pair((40, 61), np.random.default_rng(2))
        )
        image, truth = (np.rint(part).astype(dtype) for part in (image, truth))
        ours = metrics.ssim(image, truth, data_range=100, window=window)
        assert ours == pytest.approx(peer_ssim(image, truth, 100, window), abs=1e-6)

    def test_map_inside(self, window):
        image, truth = pair((300, 270), np.random.default_rng(3))
        _, theirs = peer_ssim(image, truth, 1.0, window, full=True)
        ours = metrics.ssim_map(image, truth, data_range=1.0, window=window)
        rim = 5 if window == "gaussian" else 3
        inside = (slice(rim, -rim), slice(rim, -rim))
        np.testing.assert_allclose(ours[inside], theirs[inside], atol=1e-6)
        assert np.isnan(ours).sum() == ours.size - ours[inside].size
        assert np.nanmean(ours, dtype=np.float64) == pytest.approx(
            metrics.ssim(image, truth, data_range=1.0, window=window), abs=1e-6
        )

    def test_views_count_as_their_copies(self, window):
        image, truth = (part.astype(np.float32) for part in pair((120, 90), np.random.default_rng(4)))
        ours = metrics.ssim(
            image.T[::2, 5:], np.flipud(truth.T)[::-1][::2, 5:], data_range=1.0, window=window
        )
        theirs = peer_ssim(image.T[::2, 5:], truth.T[::2, 5:], 1.0, window)
        assert ours == pytest.approx(theirs, abs=1e-6)

    @pytest.mark.parametrize(("scale", "level"), [(1e-12, 0), (1e12, 0), (1e-42, 0), (1.0, 1e3), (1.0, -40)])
    def test_far_from_unit_range(self, window, scale, level):
        image, truth = (part * scale + level for part in pair((60, 70), np.random.default_rng(5)))
        ours = metrics.ssim(image, truth, data_range=scale, window=window)
        x, y = (image - level) / scale, (truth - level) / scale
        theirs = peer_ssim(x + level / scale, y + level / scale, 1.0, window)
        assert ours == pytest.approx(theirs, abs=1e-6)

    def test_far_above_the_peer(self, window):
        """At this level the peer's own variances are off by more than half; two passes are the oracle."""
        image, truth = (np.rint(part * 64) / 64 for part in pair((50, 40), np.random.default_rng(5)))
        ours = metrics.ssim(image + 3e6, truth + 3e6, data_range=1.0, window=window)
        assert ours == pytest.approx(contrast_score(image, truth, window), abs=1e-6)

    def test_flat_ground_far_from_the_mean(self, window):
        """Float32 alone would lose five digits here: the kernel has to notice and repeat the tile."""
        rng = np.random.default_rng(6)
        image = np.kron(rng.random((6, 6)), np.ones((41, 50))).astype(np.float32) * 5
        truth = image + rng.normal(0, 1e-3, image.shape).astype(np.float32)
        ours = metrics.ssim(image, truth, data_range=1.0, window=window)
        assert ours == pytest.approx(peer_ssim(image, truth, 1.0, window), abs=1e-6)

    def test_data_beyond_the_range(self, window):
        image, truth = (part.astype(np.float32) for part in pair((64, 64), np.random.default_rng(7)))
        ours = metrics.ssim(image * 300, truth * 300, data_range=1.0, window=window)
        theirs = peer_ssim(image * np.float32(300), truth * np.float32(300), 1.0, window)
        assert ours == pytest.approx(theirs, abs=1e-6)

    def test_mask_is_the_mean_over_whole_windows_inside(self, window):
        rng = np.random.default_rng(8)
        image, truth = pair((290, 310), rng)
        mask = np.ones(image.shape, bool)
        mask[100:130, 40:200] = mask[260:, 250:] = mask[10, 10] = False
        _, full = peer_ssim(image, truth, 1.0, window, full=True)
        rim = 5 if window == "gaussian" else 3
        windows = np.lib.stride_tricks.sliding_window_view(mask, (2 * rim + 1, 2 * rim + 1)).all(axis=(2, 3))
        expected = full[rim:-rim, rim:-rim][windows].mean()
        image[~mask], truth[~mask] = np.nan, 1e30
        for dtype in (np.float32, np.float64):
            ours = metrics.ssim(
                image.astype(dtype), truth.astype(dtype), data_range=1.0, window=window, mask=mask
            )
            assert ours == pytest.approx(expected, abs=1e-6)
        scores = metrics.ssim_map(image, truth, data_range=1.0, window=window, mask=mask)
        assert np.array_equal(np.isfinite(scores[rim:-rim, rim:-rim]), windows)


@pytest.mark.usefixtures("kernels")
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.float64])
@pytest.mark.parametrize("shape", [(1, 1), (7, 5), (700, 1100)])
def test_pixel_errors(shape, dtype):
    rng = np.random.default_rng(9)
    image, truth = (rng.integers(0, 200, shape).astype(dtype) for _ in range(2))
    x, y = image.astype(np.float64), truth.astype(np.float64)
    assert metrics.mse(image, truth) == pytest.approx(mean_squared_error(y, x), rel=1e-12)
    assert metrics.mae(image, truth) == pytest.approx(np.abs(x - y).mean(), rel=1e-12)
    ours = metrics.psnr(image, truth, data_range=200)
    assert ours == pytest.approx(peak_signal_noise_ratio(y, x, data_range=200), abs=1e-6)


def test_psnr_of_opencv():
    cv2 = pytest.importorskip("cv2")
    rng = np.random.default_rng(10)
    image, truth = (rng.integers(0, 256, (67, 43)).astype(np.uint8) for _ in range(2))
    assert metrics.psnr(image, truth, data_range=255) == pytest.approx(cv2.PSNR(image, truth), abs=1e-6)
