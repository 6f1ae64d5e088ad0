"""Known warps come back, whoever computes, at any dose; poor ones are never passed off as good."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from napari_emrestore.core import Cancelled, DeviceError, InputError, RegistrationError, Warp
from napari_emrestore.registration import align, estimate_warp, initial_shift

from .scenes import Scene, counted, frame, warp_about_centre

SHAPE = (192, 224)
BACKENDS = ("numba", "numpy", "torch")


@pytest.fixture(scope="module")
def scene() -> Scene:
    return Scene(3)


@pytest.fixture(scope="module")
def reference(scene: Scene) -> np.ndarray:
    return frame(scene, SHAPE)


KNOWN = [
    ("translation", {"shift": (3.37, -5.81)}, 0.005),
    ("euclidean", {"shift": (-2.6, 4.2), "degrees": 1.3}, 0.01),
    ("affine", {"shift": (6.1, 1.4), "degrees": -0.8, "stretch": 0.012}, 0.01),
    ("homography", {"shift": (2.2, -3.3), "degrees": 0.5, "stretch": 0.01, "tilt": 6e-5}, 0.02),
]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(("kind", "motion", "tolerance"), KNOWN)
def test_known_warps_are_recovered(scene, reference, backend, kind, motion, tolerance):
    truth = warp_about_centre(SHAPE, **motion)
    found = estimate_warp(reference, frame(scene, SHAPE, truth), kind=kind, backend=backend)
    assert found.kind == kind
    assert found.score > 0.95
    assert found.corner_distance_px(truth, SHAPE) < tolerance


def test_a_wider_family_finds_the_narrower_warp(scene, reference):
    truth = warp_about_centre(SHAPE, shift=(1.25, -0.75))
    moving = frame(scene, SHAPE, truth)
    for kind in ("translation", "euclidean", "affine", "homography"):
        assert estimate_warp(reference, moving, kind=kind).corner_distance_px(truth, SHAPE) < 0.04


@pytest.mark.parametrize("fraction", [0.0, 0.125, 0.25, 0.5, 0.8])
def test_no_bias_by_the_sampling_grid(scene, reference, fraction):
    truth = Warp.from_shift((fraction, -2 * fraction))
    found = estimate_warp(reference, frame(scene, SHAPE, truth), kind="translation")
    np.testing.assert_allclose(found.matrix[:2, 2], (fraction, -2 * fraction), atol=0.006)


def test_an_image_is_where_it_is(reference):
    found = estimate_warp(reference, reference, kind="affine")
    assert found.score == pytest.approx(1.0, abs=0.02)
    assert found.corner_distance_px(Warp.identity(), SHAPE) < 1e-3


def test_gain_and_offset_do_not_matter(scene, reference):
    moving = frame(scene, SHAPE, warp_about_centre(SHAPE, shift=(2.0, 3.5), degrees=0.6))
    plain = estimate_warp(reference, moving)
    other = estimate_warp(reference * 7.5 - 300, moving * 0.02 + 11)
    assert other.corner_distance_px(plain, SHAPE) < 1e-3
    assert other.score == pytest.approx(plain.score, abs=1e-3)


@pytest.mark.parametrize(
    "dtype", [np.uint8, np.uint16, ">u2", np.int16, np.int32, np.float16, np.float32, np.float64]
)
def test_every_pixel_type_is_read(scene, reference, dtype):
    truth = Warp.from_shift((2.5, 1.5))
    images = [(20 * i + 120).astype(dtype) for i in (reference, frame(scene, SHAPE, truth))]
    assert estimate_warp(*images, kind="translation").corner_distance_px(truth, SHAPE) < 0.05


def test_frames_of_a_large_offset_keep_their_structure(scene, reference):
    truth = Warp.from_shift((2.5, 1.5))
    images = [1e7 + i.astype(np.float64) for i in (reference, frame(scene, SHAPE, truth))]
    assert estimate_warp(*images, kind="translation").corner_distance_px(truth, SHAPE) < 0.02


@pytest.mark.parametrize("shift", [(0, 96), (-90, 0), (60, -70), (-48, 40), (85, 10)])
def test_shifts_up_to_half_a_frame_need_no_start(scene, reference, shift):
    moving = frame(scene, SHAPE, Warp.from_shift(shift))
    np.testing.assert_allclose(initial_shift(reference, moving), shift, atol=2.0)
    assert (
        estimate_warp(reference, moving, kind="affine").corner_distance_px(Warp.from_shift(shift), SHAPE)
        < 0.3
    )


def test_a_start_replaces_the_search(scene, reference):
    truth = warp_about_centre(SHAPE, shift=(20, -12), degrees=14)
    start = warp_about_centre(SHAPE, shift=(19, -13), degrees=13)
    found = estimate_warp(reference, frame(scene, SHAPE, truth), start=start)
    assert found.corner_distance_px(truth, SHAPE) < 0.05


@pytest.mark.parametrize("electrons", [2.0, 5.0, 30.0])
def test_large_motion_at_low_dose(scene, electrons):
    rng = np.random.default_rng(5)
    shape = (320, 288)
    truth = warp_about_centre(shape, shift=(41.3, -30.6), degrees=1.0, stretch=0.01)
    images = [counted(frame(scene, shape, w), electrons, rng) for w in (None, truth)]
    found = estimate_warp(*images, kind="affine")
    assert found.corner_distance_px(truth, shape) < 1.0
    assert found.score > 0.7  # the noise is taken out of the score


def test_a_narrow_strip_is_aligned(scene):
    shape = (41, 301)
    truth = Warp.from_shift((1.3, -4.6))
    images = [frame(scene, shape, w) for w in (None, truth)]
    assert estimate_warp(*images, kind="translation").corner_distance_px(truth, shape) < 0.05


def test_strangers_are_refused(scene, reference):
    stranger = frame(Scene(99), SHAPE)
    with pytest.raises(RegistrationError, match="reaches") as caught:
        estimate_warp(reference, stranger, kind="affine")
    assert caught.value.remedy


@pytest.mark.parametrize("which", [0, 1])
def test_a_constant_image_cannot_be_aligned(reference, which):
    images = [reference, reference]
    images[which] = np.full(SHAPE, 7.0)
    with pytest.raises(RegistrationError, match="constant"):
        estimate_warp(*images)


def test_noise_alone_is_refused():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, *SHAPE))
    with pytest.raises(RegistrationError):
        estimate_warp(a, b)


def test_pixels_that_are_not_finite_are_left_out(scene, reference):
    truth = Warp.from_shift((2.4, -1.3))
    moving = frame(scene, SHAPE, truth)
    moving[30:50, 60:90] = np.nan
    holed = reference.copy()
    holed[100:110, 20:60] = np.inf
    found = estimate_warp(holed, moving, kind="translation")
    assert found.corner_distance_px(truth, SHAPE) < 0.02


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_dead_rim_does_not_hold_the_image(scene, backend):
    truth = warp_about_centre(SHAPE, shift=(7.3, -5.2), degrees=0.7)
    images = [frame(scene, SHAPE, w) * 50 + 300 for w in (None, truth)]
    for image in images:
        image[:14] = image[-11:] = image[:, :9] = image[:, -17:] = 12.0
    found = estimate_warp(*images, backend=backend)
    assert found.corner_distance_px(truth, SHAPE) < 0.05
    warps = align(np.stack(images), backend=backend)
    assert warps[1].corner_distance_px(truth, SHAPE) < 0.05
    unmasked = align(np.stack(images), masks=None, backend=backend)
    assert unmasked[1].corner_distance_px(truth, SHAPE) > 0.5


def test_a_grid_bar_is_left_out(scene):
    rng = np.random.default_rng(8)
    truth = warp_about_centre(SHAPE, shift=(9.3, 4.2), degrees=0.5)
    images = []
    for warp, at in ((None, 40), (truth, 58)):  # thick bars move by parallax, not with the specimen
        image = counted(frame(scene, SHAPE, warp), 40, rng)
        image[:, at : at + 50] = counted(np.full((SHAPE[0], 50), -3.9), 40, rng)
        images.append(image)
    assert align(np.stack(images))[1].corner_distance_px(truth, SHAPE) < 0.15


def test_given_masks_are_used(scene, reference):
    truth = Warp.from_shift((3.4, -2.3))
    images = np.stack([reference, frame(scene, SHAPE, truth)])
    stuck = Scene(50).seen((SHAPE[0], 90), np.eye(3)) * 3
    images[:, :, :90] = stuck
    mask = np.ones(SHAPE, bool)
    mask[:, :94] = False
    found = align(images, kind="translation", masks=mask)[1]
    assert found.corner_distance_px(truth, SHAPE) < 0.03
    pair = estimate_warp(*images, kind="translation", reference_mask=mask, moving_mask=mask)
    assert pair.corner_distance_px(truth, SHAPE) < 0.03


@pytest.fixture(scope="module")
def burst(scene) -> tuple[np.ndarray, list[Warp]]:
    rng = np.random.default_rng(2)
    truths = [Warp.identity()]
    truths += [
        warp_about_centre(SHAPE, shift=tuple(rng.uniform(-12, 12, 2)), degrees=rng.uniform(-1, 1))
        for _ in range(8)
    ]
    frames = np.stack([counted(frame(scene, SHAPE, w), 25, rng) for w in truths])
    return frames, truths


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_burst_is_aligned_whole(burst, backend):
    frames, truths = burst
    warps = align(frames, backend=backend, refine=False)
    assert len(warps) == len(frames)
    assert np.array_equal(warps[0].matrix, np.eye(3))
    assert warps[0].score == 1
    for found, truth in zip(warps[1:], truths[1:], strict=True):
        assert found.score > 0.8
        assert found.corner_distance_px(truth, SHAPE) < 0.25


def test_any_frame_can_be_the_reference(burst):
    frames, truths = burst
    warps = align(frames, reference=-3, refine=False)
    home = truths[6].inverse()
    for found, truth in zip(warps, truths, strict=True):
        assert found.corner_distance_px(truth.after(home), SHAPE) < 0.4


def test_a_pair_is_a_burst_of_two(burst):
    frames, _ = burst
    pair = estimate_warp(frames[0], frames[1])
    alone = align(frames[:2], refine=False)[1]
    assert pair.corner_distance_px(alone, SHAPE) < 0.01


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_mean_of_a_burst_aligns_better_at_low_dose(scene, backend):
    rng = np.random.default_rng(11)
    truths = [Warp.identity()] + [Warp.from_shift(tuple(rng.uniform(-4, 4, 2))) for _ in range(11)]
    frames = np.stack([counted(frame(scene, SHAPE, w), 0.7, rng) for w in truths])
    errors = {}
    for refine in (False, True):
        warps = align(frames, kind="translation", refine=refine, backend=backend)
        errors[refine] = np.mean(
            [f.corner_distance_px(t, SHAPE) ** 2 for f, t in zip(warps[1:], truths[1:], strict=True)]
        )
    assert errors[True] < 0.75 * errors[False]


def test_threads_and_batches_change_nothing(burst, monkeypatch):
    from napari_emrestore.registration import alignment, batches

    frames, _ = burst
    found = []
    for cores in (1, 3, 16):  # and so other batches
        monkeypatch.setattr(batches, "cores", lambda cores=cores: cores)
        monkeypatch.setattr(alignment, "cores", lambda cores=cores: cores)
        found.append(align(frames))
    for one, *others in zip(*found, strict=True):
        for other in others:
            assert np.array_equal(one.matrix, other.matrix)
            assert one.score == other.score


def test_a_lost_frame_is_told_by_its_score(burst):
    frames, _ = burst
    spoilt = frames.copy()
    spoilt[3] = counted(frame(Scene(77), SHAPE), 25, np.random.default_rng(1))
    spoilt[5] = 500
    warps = align(spoilt)
    assert warps[3].score < 0.4
    assert warps[5].score == 0
    assert min(w.score for k, w in enumerate(warps) if k not in (3, 5)) > 0.8


def test_a_constant_reference_aligns_nothing(burst):
    frames = burst[0].copy()
    frames[0] = 3
    warps = align(frames)
    assert warps[0].score == 1
    assert all(w.score == 0 for w in warps[1:])


@pytest.mark.parametrize("shape", [(1, 30, 40), (1, 1, 1)])
def test_one_frame_is_its_own_reference(shape):
    (warp,) = align(np.zeros(shape))
    assert np.array_equal(warp.matrix, np.eye(3))


@pytest.mark.parametrize("cores", [1, 2])
def test_stopping(burst, monkeypatch, cores):
    from napari_emrestore.registration import batches

    monkeypatch.setattr(batches, "cores", lambda: cores)

    class Stop:
        def step(self, done, total, note=""):
            assert 0 < done <= total
            assert note
            raise Cancelled("aligning")

    with pytest.raises(Cancelled):
        align(burst[0], monitor=Stop())


def test_progress_reaches_the_end(burst):
    steps = []

    class Notes:
        def step(self, done, total, note=""):
            steps.append((done, total, note))

    align(burst[0], refine=False, monitor=Notes())
    assert steps[-1][0] == steps[-1][1] == 8
    assert [s[0] for s in steps] == sorted(s[0] for s in steps)


@pytest.mark.parametrize(
    ("frames", "options"),
    [
        (np.zeros((3, 8, 8)), {}),
        (np.zeros((40, 40)), {}),
        (np.zeros((2, 40, 40), complex), {}),
        (np.zeros((0, 40, 40)), {}),
        (np.zeros((2, 40, 40)), {"reference": 2}),
        (np.zeros((2, 40, 40)), {"kind": "spline"}),
        (np.zeros((2, 40, 40)), {"masks": np.ones((40, 40))}),
        (np.zeros((2, 40, 40)), {"masks": np.ones((40, 41), bool)}),
        (np.zeros((2, 40, 40)), {"masks": "none"}),
        (np.zeros((2, 40, 40)), {"backend": "fortran"}),
        (np.zeros((2, 40, 40)), {"backend": "numba", "device": "cuda"}),
    ],
)
def test_what_does_not_fit_is_said(frames, options):
    with pytest.raises(InputError):
        align(frames, **options)


@pytest.mark.parametrize(
    ("moving", "options"),
    [
        (np.zeros((40, 41)), {}),
        (np.zeros((1, 1)), {}),
        (np.zeros((40, 40), complex), {}),
        (np.zeros((40, 40)), {"kind": "rigid"}),
        (np.zeros((40, 40)), {"moving_mask": np.ones((3, 3), bool)}),
    ],
)
def test_pairs_that_do_not_fit_are_said(moving, options):
    with pytest.raises(InputError):
        estimate_warp(np.zeros((40, 40)), moving, **options)
    if not options:
        with pytest.raises(InputError):
            initial_shift(np.zeros((40, 40)), moving)


def test_an_absent_device_is_said(reference):
    with pytest.raises(DeviceError, match="cuda:77"):
        estimate_warp(reference, reference, device="cuda:77")


def test_numpy_takes_over_without_numba(scene, reference, monkeypatch):
    from napari_emrestore.registration import kernels

    monkeypatch.setattr(kernels, "has_numba", lambda: False)
    assert kernels.make_kernels().name == "numpy"
    with pytest.raises(ImportError):
        kernels.make_kernels(backend="numba")


def test_importing_loads_neither_torch_nor_numba():
    code = "import sys, napari_emrestore.registration; print({'torch', 'numba', 'scipy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_all_of_it_runs_without_numba():
    code = """
import sys
import numpy as np
from scipy import ndimage
sys.modules["numba"] = None
from napari_emrestore.core import Warp
from napari_emrestore.registration import align, kernels, resample, resampling
kernels.has_numba = resampling.has_numba = lambda: False
scene = ndimage.zoom(np.random.default_rng(0).normal(size=(16, 18)), 6)
warps = align(np.stack([scene[:80, :90], scene[3:83, 5:95]]), kind="translation")
print(np.round(warps[1].matrix[:2, 2], 2).tolist(), resample(scene, Warp.from_shift((1, 2)))[1].sum())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"[-3.0, -5.0] {95 * 106}"
