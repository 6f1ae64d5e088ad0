"""Adapting without ground truth: real gains are found and kept, absent ones are not claimed."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch

from napari_emrestore.core import Cancelled, InputError, ModelError
from napari_emrestore.metrics import NoiseModel, mse
from napari_emrestore.models import catalogue, find_card, list_models, read_card
from napari_emrestore.restoration import TorchRestorer, load_restorer, restore
from napari_emrestore.training.adapting import AdaptSettings, TuningPlan, adapt, undo

PAIRS = Path(__file__).parents[4] / "shared/data/pairs"
STILL = AdaptSettings(kind=None, plan=TuningPlan(steps=45, check_every=15))


@pytest.fixture(scope="module")
def adapted(strange, tmp_path_factory):
    """The bundled denoiser, adapted to the strange camera."""
    folder = tmp_path_factory.mktemp("models")
    return adapt("naf-denoise", strange.frames, "odd", settings=STILL, folder=folder, device="cpu"), folder


def restored(card_or_id, frame):
    restorer = (
        load_restorer(card_or_id, device="cpu")
        if isinstance(card_or_id, str)
        else TorchRestorer.from_card(card_or_id, "cpu")
    )
    return np.asarray(restore(frame, restorer).image)


def test_a_model_adapted_to_a_strange_camera_beats_the_old_one_against_the_truth(strange, adapted):
    made, _ = adapted
    judged = slice(None), slice(168, 224)
    frame, truth = strange.frames[2], strange.truth[judged]
    before = mse(restored("naf-denoise", frame)[judged], truth)
    after = mse(restored(made.card, frame)[judged], truth)
    assert made.gain.is_real
    assert after < 0.75 * before
    share, spread = made.gain.share
    assert share == pytest.approx(1 - after / before, abs=spread + 0.1)


def test_the_new_card_stands_in_the_menu_and_says_where_it_comes_from(adapted, monkeypatch):
    made, folder = adapted
    monkeypatch.setattr(catalogue, "models_folder", lambda: folder)
    assert made.card.id == "naf-denoise-odd"
    assert made.card == read_card(folder / "naf-denoise-odd.toml")
    assert "naf-denoise-odd" in {card.id for card in list_models()}
    told = made.card.training
    assert told["adapted_from"] == "naf-denoise"
    assert told["adapted_from_sha256"] == find_card("naf-denoise").sha256
    assert (told["method"], told["steps"], told["frames_per_burst"]) == ("frames", 45, 6)
    assert made.card.validation[0]["mse_after"] < made.card.validation[0]["mse_before"]
    assert not list((folder / ".adapting").rglob("*.pt")), "a finished run leaves no checkpoint"


def test_what_was_adapted_can_be_taken_back(adapted, tmp_path):
    made, folder = adapted
    for path in folder.glob("naf-denoise-odd.*"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    assert undo(made.card.id, tmp_path).id == made.card.id
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ModelError, match="no such model"):
        undo(made.card.id, tmp_path)
    (tmp_path / "katsuno-quarter.toml").write_bytes(
        Path(catalogue.bundled_cards_folder(), "katsuno-quarter.toml").read_bytes()
    )
    with pytest.raises(ModelError, match="was made elsewhere"):
        undo("katsuno-quarter", tmp_path)


def test_a_name_is_used_once(strange, adapted):
    _, folder = adapted
    with pytest.raises(InputError, match="exists already"):
        adapt("naf-denoise", strange.frames, "odd", settings=STILL, folder=folder)
    with pytest.raises(InputError, match="lower-case"):
        adapt("naf-denoise", strange.frames, "My Camera", settings=STILL, folder=folder)


@pytest.mark.parametrize("seed", [4, 6])  # with 6, rounding alone gives a tiny gain on all blocks alike
def test_without_a_gain_the_old_weights_stay(strange, tmp_path, seed):
    rng = np.random.default_rng(seed)
    frames = rng.poisson(60 * strange.scene, (4, *strange.scene.shape)).astype(np.uint16)
    lazy = AdaptSettings(kind=None, plan=TuningPlan(steps=4, rate=1e-9, check_every=2))
    made = adapt("naf-denoise", frames, "same", settings=lazy, folder=tmp_path, device="cpu")
    assert made.card is None
    assert not made.gain.is_real
    assert any("stay" in note for note in made.notes)
    assert not list(tmp_path.glob("*.toml"))


def test_fresh_statistics_are_judged_like_everything_else(strange, tmp_path):
    settings = AdaptSettings("statistics", kind=None)
    made = adapt("katsuno-quarter", strange.frames, "bn", settings=settings, folder=tmp_path, device="cpu")
    assert (made.card is None) == (not made.gain.is_real)
    assert made.method == "statistics"
    assert made.checks == ()
    with pytest.raises(ModelError, match="batch normalisation"):
        adapt("naf-denoise", strange.frames, "bn", settings=settings, folder=tmp_path, device="cpu")


def test_a_stopped_run_goes_on_to_the_same_end(strange, tmp_path, recorder):
    settings = AdaptSettings(kind=None, plan=TuningPlan(steps=12, check_every=4))
    frames = strange.frames[:4, :64, :128]
    with pytest.raises(Cancelled):
        adapt(
            "naf-denoise", frames, "x", settings=settings, folder=tmp_path, device="cpu", monitor=recorder(5)
        )
    assert list(tmp_path.rglob("checkpoint.pt"))
    other = AdaptSettings(kind=None, plan=TuningPlan(steps=13, check_every=4))
    with pytest.raises(InputError, match="belongs to others"):
        adapt("naf-denoise", frames, "x", settings=other, folder=tmp_path, device="cpu")
    resumed = adapt("naf-denoise", frames, "x", settings=settings, folder=tmp_path, device="cpu")
    whole = adapt("naf-denoise", frames, "y", settings=settings, folder=tmp_path, device="cpu")
    assert [c.step for c in resumed.checks] == [c.step for c in whole.checks] == [0, 4, 8, 12]
    for one, other_check in zip(resumed.checks, whole.checks, strict=True):
        assert one.error == pytest.approx(other_check.error, rel=1e-4)


def test_single_images_are_refused_where_their_noise_is_correlated(strange, tmp_path):
    with pytest.raises(InputError, match=r"(?s)correlation.*two or more frames"):
        adapt("naf-denoise", strange.frames[0], "one", settings=STILL, folder=tmp_path, device="cpu")


def test_a_single_image_with_white_noise_is_judged_by_steins_estimate(strange, tmp_path):
    rng = np.random.default_rng(3)
    image = (400 * strange.scene + rng.normal(0, 60, strange.scene.shape)).astype(np.float32)
    made = adapt(
        "naf-denoise",
        image,
        "one",
        settings=AdaptSettings(plan=TuningPlan(steps=6, check_every=3)),
        noise=NoiseModel(0.0, 0.0, 60.0),
        folder=tmp_path,
        device="cpu",
    )
    assert made.method == "pixels"
    assert any("single images" in note for note in made.notes)


def test_what_cannot_be_adapted_is_refused(strange, tmp_path):
    with pytest.raises(InputError, match="takes 2 frames"):
        adapt("burst-naf", strange.frames[:1], "x", settings=AdaptSettings("frames"), folder=tmp_path)
    with pytest.raises(InputError, match="sharpens"):
        adapt("burst-naf", strange.frames[0], "x", settings=STILL, folder=tmp_path)
    with pytest.raises(InputError, match="48 x 64 px"):
        adapt("naf-denoise", strange.frames[:, :40, :40], "x", settings=STILL, folder=tmp_path)
    broken = strange.frames.astype(np.float32)
    broken[1, 2, 3] = np.nan
    with pytest.raises(InputError, match="finite"):
        adapt("naf-denoise", broken, "x", settings=STILL, folder=tmp_path)
    with pytest.raises(InputError, match="A method is"):
        AdaptSettings("magic")
    with pytest.raises(ModelError, match="weights"):
        adapt("sgpn", strange.frames, "x", settings=STILL, folder=tmp_path)


@pytest.mark.skipif(not PAIRS.is_dir(), reason="the development data are not there")
def test_real_frames_of_a_scanning_microscope_give_a_gain(tmp_path):
    from napari_emrestore.io import open_frames

    with open_frames(PAIRS / "stem_scan_preview") as stack:
        frames = np.asarray(stack.data)
    made = adapt("naf-denoise", frames, "stem", settings=STILL, folder=tmp_path, device="cpu")
    assert made.gain.is_real
    assert made.gain.share[0] > 0.05


def test_torch_keeps_its_random_state(strange, tmp_path):
    torch.manual_seed(1)
    before = torch.random.get_rng_state()
    lazy = AdaptSettings(kind=None, plan=TuningPlan(steps=1, check_every=1))
    adapt("naf-denoise", strange.frames[:3, :64, :128], "rng", settings=lazy, folder=tmp_path, device="cpu")
    assert torch.equal(before, torch.random.get_rng_state())
    assert os.listdir(tmp_path / ".adapting") == []
