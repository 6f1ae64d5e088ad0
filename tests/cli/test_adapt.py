"""calibrate and adapt on the command line: what they say, write and take back."""

from dataclasses import replace

import numpy as np
import pytest
import tifffile

from napari_emrestore.models import catalogue, find_card, write_card
from napari_emrestore.restoration import calibration


@pytest.fixture(autouse=True)
def own_folders(tmp_path, monkeypatch):
    monkeypatch.setattr(calibration, "calibrations_folder", lambda: tmp_path / "cameras")
    for module in ("napari_emrestore.models.catalogue", "napari_emrestore.models"):
        monkeypatch.setattr(f"{module}.models_folder", lambda: tmp_path / "models", raising=False)
    assert catalogue.models_folder() == tmp_path / "models"
    return tmp_path


@pytest.fixture
def shaky(tmp_path):
    """Frames of stripes under a camera whose rows share noise."""
    rng = np.random.default_rng(5)
    _, x = np.mgrid[:64, :160]
    dose = np.broadcast_to(40 + 30 * np.sin(x / 5), (4, 64, 160))
    frames = rng.poisson(dose) * 20.0 + 100 + rng.normal(0, 250, (4, 64, 1))
    tifffile.imwrite(
        tmp_path / "shaky.tif", np.clip(frames, 0, 65535).astype(np.uint16), photometric="minisblack"
    )
    return tmp_path / "shaky.tif"


def test_a_camera_is_calibrated_adapted_to_and_taken_back(command, shaky, own_folders):
    told = command("calibrate", shaky, "--camera", "cam", "--offset", 100)
    assert told.code == 0
    assert "gain:" in told.out
    assert (own_folders / "cameras/cam.toml").is_file()
    line = ["adapt", shaky, "--model", "naf-denoise", "--name", "cam", "--kind", "none", "--noise", "cam"]
    made = command(*line, "--steps", 30, "--device", "cpu", "--json").record
    assert made["model"]["id"] == "naf-denoise-cam"
    assert made["gain"]["after"] < made["gain"]["before"]
    assert made["model"]["training"]["noise"] == "calibrated"
    assert len(made["model"]["training"]["data"][0]["sha256"]) == 64
    assert "naf-denoise-cam" in command("models").out
    assert "Removed naf-denoise-cam" in command("adapt", "--undo", "naf-denoise-cam").out
    assert "naf-denoise-cam" not in command("models").out


def test_a_model_of_a_recipe_is_removed_too(command, own_folders):
    base, home = find_card("katsuno-quarter"), own_folders / "models"
    home.mkdir()
    write_card(replace(base, id="k-mine", training={"trained_on": "images"}), home / "k-mine.toml")
    ran = command("adapt", "--undo", "k-mine")
    assert ran.out.strip() == "Removed k-mine."
    assert not list(home.iterdir())
    assert base.weights.exists(), "weights that lie elsewhere stay"


def test_what_is_missing_is_one_sentence(command, shaky):
    for arguments, said in (
        (["adapt", shaky], "--name is missing"),
        (["adapt", "--name", "x"], "FRAMES is missing"),
        (["adapt", shaky, "--name", "x", "--noise", "nobody"], "calibrate FRAMES"),
        (["adapt", "--undo", "burst-naf"], "Only models that were adapted"),
    ):
        ran = command(*arguments)
        assert ran.code != 0
        assert said in ran.err
