"""The simulator: true poses, exact truths, seeds that repeat, presets as hard as their papers' data."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.signal import fftconvolve

from napari_emrestore.core import InputError
from napari_emrestore.samples import clean_image
from napari_emrestore.training.acceptance import PAPER_ROWS, unrestored_row
from napari_emrestore.training.camera import CameraRange
from napari_emrestore.training.draws import Span, fixed
from napari_emrestore.training.presets import PRESETS, Preset, find_preset
from napari_emrestore.training.scanning import ScanRange, probe_transfer
from napari_emrestore.training.scenes import SCENES, draw_scene
from napari_emrestore.training.simulator import simulate


@pytest.mark.parametrize("kind", SCENES)
@pytest.mark.parametrize("size_px", [64, 97])
def test_scenes_fill_their_range_and_repeat(kind, size_px):
    scene = draw_scene(kind, size_px, np.random.default_rng(4))
    assert scene.shape == (size_px, size_px)
    assert scene.dtype == np.float32
    assert 0 <= scene.min() < 0.05
    assert 0.95 < scene.max() <= 1
    np.testing.assert_array_equal(scene, draw_scene(kind, size_px, np.random.default_rng(4)))


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_gives_frames_with_their_truth(name):
    scene = draw_scene("cells", 200, np.random.default_rng(0))
    made = [
        simulate(
            scene,
            PRESETS[name],
            frames=2,
            frame_shape=(96, 80),
            rng=np.random.default_rng(7),
            every_truth=True,
        )
        for _ in range(2)
    ]
    assert made[0].frames.shape == made[0].truths.shape == (2, 96, 80)
    assert made[0].frames.dtype == np.uint16
    assert np.isfinite(made[0].truths).all()
    np.testing.assert_array_equal(made[0].frames, made[1].frames)
    error = np.abs(made[0].frames - made[0].truths).mean() / np.ptp(made[0].truths)
    assert 0 < error < 0.6


def test_frames_show_the_scene_at_their_pose_without_noise():
    scene = draw_scene("particles", 160, np.random.default_rng(1))
    camera = PRESETS["ede_ordinary"].camera
    bright = Preset("bright", type(camera)(dose_e=Span(2e5, 2e5), gain_adu=Span(1, 1), offset_adu=Span(0, 0)))
    poses = np.array([[10.0, 20.0], [14.0, 17.0]])
    made = simulate(
        scene,
        bright,
        frames=2,
        frame_shape=(64, 64),
        rng=np.random.default_rng(0),
        poses_px=poses,
        every_truth=True,
    )
    gain = made.camera.gain_adu * made.camera.dose_e
    np.testing.assert_allclose(made.truths[0] / gain, scene[10:74, 20:84], atol=1e-4)
    np.testing.assert_allclose(made.frames[1] / gain, scene[14:78, 17:81], atol=0.02)


def test_a_scene_too_small_for_the_stream_is_refused_with_the_numbers():
    scene = draw_scene("cells", 100, np.random.default_rng(0))
    with pytest.raises(InputError, match="must hold every frame"):
        simulate(scene, PRESETS["tem_stream"], frames=9, frame_shape=(96, 96), rng=np.random.default_rng(0))


def test_an_unknown_preset_lists_the_known_ones():
    with pytest.raises(InputError, match="tem_stream"):
        find_preset("nothing")


def test_an_astigmatic_probe_turns_by_ninety_degrees_through_focus():
    def widths(defocus):
        ranges = ScanRange(Span(defocus, defocus), Span(4, 4), Span(0.3, 0.3))
        for seed in range(50):  # a draw that is Gaussian and has the sign of defocus we ask for
            factor, drawn = probe_transfer(ranges, (128, 128), np.random.default_rng(seed))
            if (
                drawn["gaussian"]
                and np.sign(drawn["defocus_px"]) == np.sign(defocus)
                and drawn["angle"] < 0.4
            ):
                return factor[3, 0] - factor[0, 3]
        raise AssertionError("no such draw")

    assert widths(1.5) * widths(-1.5) < 0


@pytest.mark.parametrize("preset", PAPER_ROWS)
def test_unrestored_rows_land_in_the_rows_of_the_papers(preset):
    rng = np.random.default_rng(11)
    kinds = {
        "tem_stream_grid": ["grid"] * 4,
        "lde_hde": ["particles"] * 4,
        "sem_blur_m1": ["sections"] * 6,
        "sem_blur_m2": ["grid", "shapes"] * 2,
    }
    scenes = [draw_scene(kind, 320, rng) for kind in kinds.get(preset, ["cells"] * 3)]
    if preset not in kinds:
        scenes.append(clean_image("tem-axons"))
    row = unrestored_row(preset, scenes, 16, rng)
    for paper in PAPER_ROWS[preset]:
        assert row[paper.metric] == pytest.approx(paper.value, abs=paper.tolerance), (preset, row)


@pytest.mark.parametrize(
    ("name", "frames"), [("tem_stream", 1), ("tem_stream", 3), ("sem_defocus", 1), ("sem_astigmatism", 1)]
)
def test_the_point_spread_turns_the_truth_into_the_mean_frame(name, frames):
    """With electrons beyond number and nothing but blur, truth convolved with the PSF is what was seen."""
    scene = draw_scene("cells", 200, np.random.default_rng(3))
    camera = CameraRange(dose_e=fixed(1e7), gain_adu=fixed(4e-3), read_noise_e=fixed(0.0))
    probe = PRESETS[name].scan
    still = ScanRange(probe.defocus_px, probe.astigmatism_px, probe.probe_px) if probe else None
    preset = replace(PRESETS[name], camera=camera, gap_px=fixed(0.0), scan=still)
    poses = np.tile((50.0, 50.0), (frames, 1))
    made = simulate(
        scene, preset, frames=frames, frame_shape=(100, 100), rng=np.random.default_rng(5), poses_px=poses
    )
    kernel = made.point_spread()
    assert kernel.sum() == pytest.approx(1)
    assert kernel.shape[0] % 2 == kernel.shape[1] % 2 == 1
    blurred = fftconvolve(made.truths[0], kernel, mode="same")[40:-40, 40:-40]
    seen = made.frames.mean(0)[40:-40, 40:-40]
    left = np.std(blurred - seen) / np.std(made.truths[0][40:-40, 40:-40] - seen)
    assert left < 0.05  # the kernel ends where the margin does
