"""numba, numpy and torch take the same sums; parts of the compiled arithmetic equal plain algebra."""

import numpy as np
import pytest

from napari_emrestore.registration import _newton
from napari_emrestore.registration.cells import cell_pixels, choose_cells, row_step, some_rows, usable_cells
from napari_emrestore.registration.kernels import make_kernels
from napari_emrestore.registration.pyramid import from_level, noise_gain, plan, survey, to_level

from .scenes import Scene, counted, frame, warp_about_centre

SHAPE = (67, 83)
SCALE = 41.0
WARPS = np.stack(
    [
        warp_about_centre(SHAPE, (3.3, -2.7)).matrix,
        warp_about_centre(SHAPE, (-1.2, 4.1), 4.0, 0.03).matrix,
        warp_about_centre(SHAPE, (0.4, 0.9), -25.0, -0.05, 3e-4, "homography").matrix,
    ]
)


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return np.stack([frame(Scene(s), SHAPE) for s in range(4)])


@pytest.mark.parametrize("other", ["numpy", "torch"])
@pytest.mark.parametrize("masked", [False, True])
def test_all_kernels_take_the_same_sums(images, other, masked):
    mask = np.ones(SHAPE, bool)
    mask[20:25, 30:41] = False
    usable = usable_cells(SHAPE, mask if masked else None)
    moving = np.repeat(mask[None], 3, axis=0) if masked else None
    sums = []
    for name in ("numba", other):
        k = make_kernels(backend=name)
        template, batch = k.put(images[0]), k.put(images[1:])
        cells = k.choose_cells(WARPS, usable, moving, SHAPE)
        active = np.array([True, False, True])
        total, count = k.add_sampled(batch, WARPS, cells)
        sums.append(
            [
                cells,
                k.template_moments(k.prepared(template, SCALE), cells, SCALE),
                k.image_moments(template, batch, WARPS, cells, active, SCALE)[active],
                k.slope_products(template, batch, WARPS, cells, 1),
                total,
                count,
            ]
        )
    np.testing.assert_array_equal(sums[0][0], sums[1][0])
    # Gradients of the image reach one pixel beyond its cells, where the rim may be met in different ways.
    for ours, theirs, close in zip(sums[0][1:], sums[1][1:], (3e-4, 3e-4, 2e-3, 3e-4, 0), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=close * np.abs(ours).max())


@pytest.mark.parametrize("backend", ["numba", "numpy", "torch"])
@pytest.mark.parametrize("shape", [(64, 48), (61, 51), (40, 97)])
def test_pyramids_agree_and_keep_the_mean(backend, shape):
    rng = np.random.default_rng(0)
    frames = [
        rng.integers(0, 60000, shape).astype(np.uint16),
        rng.integers(0, 60000, shape).astype(np.uint16),
    ]
    k = make_kernels(backend=backend)
    made = k.pyramid(frames, [30000.0, 29000.0], [1e-4, 2e-4], range(3))
    assert [k.host(made[level]).shape[1:] for level in range(3)] == [
        tuple(s // 2**level for s in shape) for level in range(3)
    ]
    other = make_kernels(backend="numpy").pyramid(frames, [30000.0, 29000.0], [1e-4, 2e-4], range(3))
    for level in range(3):
        np.testing.assert_allclose(k.host(made[level]), other[level], atol=3e-5)
    flat = k.pyramid([np.full(shape, 7, np.uint16)], [5.0], [0.5], range(1, 3))
    assert sorted(flat) == [1, 2]
    np.testing.assert_allclose(k.host(flat[2]), 1.0, atol=1e-6)


def test_moments_make_the_sums_of_the_eight_features(images):
    """Against steepest-descent images written out pixel by pixel."""
    template = images[0]
    cells = usable_cells(SHAPE)[None]
    k = make_kernels(backend="numba")
    rows = k.template_moments(k.prepared(template, SCALE), cells, SCALE)[0]
    gy, gx = np.zeros(SHAPE), np.zeros(SHAPE)
    gy[1:-1], gx[:, 1:-1] = (template[2:] - template[:-2]) / 2, (template[:, 2:] - template[:, :-2]) / 2
    y, x = ((np.indices(SHAPE).T - (np.array(SHAPE) - 1) / 2) / SCALE).T
    q = y * gy + x * gx
    every = np.stack([gy, y * gy, x * gy, gx, y * gx, x * gx, -y * q, -x * q])
    every = every[:, cell_pixels(cells, SHAPE[1])[0] > 0]
    found = np.empty(8)
    _newton.features(rows, _newton.GY, _newton.GX, found)
    np.testing.assert_allclose(found, every.sum(1), atol=1e-3)
    products = np.empty((8, 8))
    _newton.hessian(rows, (1.0, 1.0, 1.0), products)
    np.testing.assert_allclose(products, every @ every.T, rtol=1e-3, atol=1e-3)


def test_products_of_some_rows_stand_for_all():
    shape = (520, 60)
    template = frame(Scene(5), shape)
    usable = usable_cells(shape)
    cells = np.stack([usable, some_rows(usable)])
    assert row_step(shape[0]) == 4
    moments = []
    for name in ("numba", "numpy", "torch"):
        k = make_kernels(backend=name)
        moments.append(k.template_moments(k.prepared(k.put(template), SCALE), cells, SCALE))
    for other in moments[1:]:
        np.testing.assert_allclose(moments[0], other, atol=3e-4 * np.abs(other).max())
    gy, gx = (template[2:, 1:-1] - template[:-2, 1:-1]) / 2, (template[1:-1, 2:] - template[1:-1, :-2]) / 2
    inside = cell_pixels(usable[None], shape[1])[0][1:-1, 1:-1] > 0
    for first, product in ((_newton.YY, gy * gy), (_newton.XX, gx * gx)):
        whole, some = moments[0][:, first, 0]
        assert whole == pytest.approx(product[inside].sum(), rel=0.05)
        assert some == pytest.approx(whole / 4, rel=0.02)


def test_small_systems_are_solved():
    rng = np.random.default_rng(1)
    matrix, sides = rng.normal(size=(8, 8)), rng.normal(size=(8, 2))
    expected = np.linalg.solve(matrix, sides)
    assert _newton.solve(matrix, sides)
    np.testing.assert_allclose(sides, expected, rtol=1e-9)
    assert not _newton.solve(np.zeros((3, 3)), np.zeros((3, 1)))


def test_steps_are_taken_out_of_warps():
    warp = WARPS[2].copy()
    step = np.array([0.01, 0.02, -0.01, 0.03, 0.01, -0.02, 0.004, -0.003])
    scale, centre = (max(SHAPE) - 1) / 2, (np.array(SHAPE) - 1) / 2
    n = np.array([[scale, 0, centre[0]], [0, scale, centre[1]], [0, 0, 1]])
    d = np.eye(3) + np.array(
        [[step[1], step[2], step[0]], [step[4], step[5], step[3]], [step[6], step[7], 0]]
    )
    expected = warp @ n @ np.linalg.inv(d) @ np.linalg.inv(n)
    assert _newton.compose(warp, step, False, SHAPE, scale)
    np.testing.assert_allclose(warp, expected / expected[2, 2], rtol=1e-9)


def test_cells_land_inside_the_moving_image():
    usable = usable_cells(SHAPE)
    for chosen, m in zip(choose_cells(WARPS, usable, None, SHAPE), WARPS, strict=True):
        y, x = np.nonzero(cell_pixels(chosen[None], SHAPE[1])[0])
        py, px, depth = m @ np.stack([y, x, np.ones(len(y))])
        assert len(y) > 500
        assert (py / depth >= 1).all()
        assert (px / depth >= 1).all()
        assert (py / depth <= SHAPE[0] - 2).all()
        assert (px / depth <= SHAPE[1] - 2).all()


def test_levels_share_one_geometry():
    warp = WARPS[1]
    for level in range(4):
        np.testing.assert_allclose(from_level(to_level(warp, level), level), warp, atol=1e-9)
    # Pixel 0 of level 1 lies between pixels 0 and 1.
    shifted = to_level(np.array([[1, 0, 2.0], [0, 1, 4.0], [0, 0, 1]]), 1)
    np.testing.assert_allclose(shifted[:2, 2], (1, 2))
    assert plan((1024, 700)).shapes[-1] == (64, 43)
    assert plan((30, 30)).coarsest == 0


@pytest.mark.parametrize("level", [0, 1, 2])
def test_the_noise_of_a_level_is_known(level):
    noise = np.random.default_rng(3).normal(size=(512, 512)).astype(np.float32)
    k = make_kernels(backend="numba")
    image = k.soften(k.pyramid([noise], [0.0], [1.0], range(level, level + 1))[level][0])
    assert image.var() == pytest.approx(noise_gain(level), rel=0.05)
    slope = (image[1:-1, 2:] - image[1:-1, :-2]) ** 2 / 4 + (image[2:, 1:-1] - image[:-2, 1:-1]) ** 2 / 4
    assert slope.mean() == pytest.approx(noise_gain(level, gradient=True), rel=0.05)


@pytest.mark.parametrize("electrons", [2, 10, 60])
def test_the_survey_tells_noise_from_scene(electrons):
    rng = np.random.default_rng(4)
    clean = frame(Scene(6), (256, 256))
    image = counted(clean, electrons, rng)
    light = survey(image)
    signal = (100 * electrons * 0.25) ** 2 * clean.var()
    assert light.offset == pytest.approx(image.mean(), rel=0.05)
    assert light.noise == pytest.approx(1 - signal / image.var(), abs=0.06)
    assert survey(np.full((9, 9), 7, np.uint16)).gain == 0
    half = np.zeros(image.shape, bool)
    half[:128] = True
    spoilt = image.copy()
    spoilt[128:] = 0
    assert survey(spoilt, half).noise == pytest.approx(light.noise, abs=0.08)


def test_compiled_code_survives_a_read_only_home(tmp_path):
    """Without a folder for its cache numba compiles once per process."""
    import os
    import subprocess
    import sys

    package = tmp_path / "site" / "frozen"
    package.mkdir(parents=True)
    imported = "from napari_emrestore.registration._compile import compiled"
    (package / "__init__.py").write_text(f"{imported}\n@compiled\ndef double(x):\n    return 2 * x\n")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "site"), "NUMBA_CACHE_DIR": "/dev/null/none"}
    environment |= {"HOME": "/dev/null", "XDG_CACHE_HOME": "/dev/null", "LOCALAPPDATA": "/dev/null"}
    (package / "__pycache__").write_text("a file where the folder should be")
    run = [sys.executable, "-B", "-c", "import frozen; print(frozen.double(21))"]
    done = subprocess.run(run, capture_output=True, text=True, env=environment)
    assert done.stdout.strip() == "42", done.stderr
