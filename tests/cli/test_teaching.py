"""train on a person's own images: pairs, clean images, and what is missing."""

import numpy as np
import pytest
import tifffile


@pytest.fixture
def images(tmp_path):
    """Two folders with frames and clean images of two places."""
    rng = np.random.default_rng(2)
    y, x = np.mgrid[:80, :176]
    for place in range(2):
        clean = 50 + 30 * np.sin((x + 9 * place) / 6) * np.cos(y / 8)
        frames = rng.poisson(clean, (3, 80, 176)) * 20 + 100
        for folder, image in (("fast", frames), ("slow", clean * 7)):
            (tmp_path / folder).mkdir(exist_ok=True)
            path = tmp_path / folder / f"place{place}.tif"
            tifffile.imwrite(path, image.astype(np.uint16), photometric="minisblack")
    return tmp_path


@pytest.fixture
def taught(monkeypatch):
    """What `teach` was given; it says that nothing was gained."""
    from napari_emrestore.training.teaching import Taught
    from napari_emrestore.training.teaching import teaching as home

    given = []

    def teach(card, training, validation, name, **told):
        given.append((card.id, training, validation, name, told))
        return Taught(None, 0.5, 0.5, 0.01, (), 1.0)

    monkeypatch.setattr(home, "teach", teach)
    return given


def test_two_folders_are_pairs_in_order(command, images, taught):
    ran = command(
        "train", "--pairs", images / "fast", images / "slow", "--model", "naf-denoise", "--name", "x"
    )
    assert ran.code == 0, ran.err
    assert "no gain" in ran.out
    ((model, training, validation, name, told),) = taught
    assert (model, name, told["steps"]) == ("naf-denoise", "x", 1000)
    assert training.batch([0, 1], 1).bursts.shape == (2, 1, 64, 64)
    assert validation.batch([0], 1).truths.shape[0] == 1


def test_clean_images_are_degraded_like_the_frames(command, images, taught):
    frames = images / "fast/place0.tif"
    ran = command("train", "--clean", images / "slow", frames, "--model", "naf-denoise", "--name", "x")
    assert ran.code == 0, ran.err
    ((_, training, _, _, _),) = taught
    assert np.isfinite(training.batch([0], 1).bursts).all()


def test_what_does_not_go_together_is_one_sentence(command, images):
    pairs = ["--pairs", images / "fast", images / "slow"]
    for arguments, said in (
        (["train"], "takes a recipe, --pairs or --clean"),
        (["train", "burst-naf", *pairs], "takes a recipe, --pairs or --clean"),
        (["train", "burst-naf"], "--data is missing"),
        (["train", "burst-naf", "--data", images], "among yours with --name"),
        (["train", "burst-naf", "--data", images, "-o", images, "--name", "x"], "both came"),
        (["train", "burst-naf", "--data", images, "--name", "x"], "has none that matches"),
        (["train", *pairs], "--name is missing"),
    ):
        ran = command(*arguments)
        assert ran.code == 2
        assert said in ran.err
    (images / "slow/place1.tif").unlink()
    ran = command("train", *pairs, "--model", "naf-denoise", "--name", "x")
    assert "equally many files" in ran.err
