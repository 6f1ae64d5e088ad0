"""What the noise regression learns from: the told variances are those of the noise in the image."""

import numpy as np
import pytest

from napari_emrestore.metrics import noise_sigma
from napari_emrestore.training import noise_floor
from napari_emrestore.training.data import Scene
from napari_emrestore.training.noise_floor import noise_examples
from napari_emrestore.training.recipe import DataRecipe

VARIANCE = 4e-4


@pytest.mark.parametrize("kind", ["even", "difference", "software", "shared"])
@pytest.mark.parametrize("seed", range(4))
def test_the_told_variances_are_those_of_the_noise(kind, seed, monkeypatch):
    monkeypatch.setattr(noise_floor, "_KINDS", {kind: 1.0})
    flat = np.full((256, 256), 0.5, np.float32)
    line = np.array([0.0, VARIANCE], np.float32)
    sample = flat[None], line, flat
    image, lines = noise_floor._noisy_image(sample, sample, np.random.default_rng(seed))
    assert lines.whole[1] == pytest.approx(image.var(), rel=0.1)
    assert lines.white[1] == pytest.approx(noise_sigma(image, mask_alone=True) ** 2, rel=0.1)
    assert lines.white[1] <= lines.whole[1] * 1.05


def test_a_camera_that_spreads_is_told_in_part_and_whole():
    rng = np.random.default_rng(0)
    scene = Scene(rng.random((200, 200), np.float32), "random", real=False)
    recipe = DataRecipe({"low_dose": 1.0}, crop_px=96, procedural_scenes=0)
    features, truths = noise_examples([scene], recipe, 40, 1)
    assert len(features) == len(truths) <= 40
    assert np.isfinite(features).all()
    white, whole = truths[:, :3], truths[:, 3:]
    assert (white <= whole + 0.05).all()
    assert (whole - white).max() > 0.3
