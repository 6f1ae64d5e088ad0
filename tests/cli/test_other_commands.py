"""register, models, simulate, train, doctor and demo do what their help says."""

from pathlib import Path

import numpy as np
import pytest
import tifffile
from imageio.v3 import imwrite

from napari_emrestore.cli import evaluate
from napari_emrestore.io import open_frames, read_provenance
from napari_emrestore.models import list_models
from napari_emrestore.pipeline.evaluation import PROTOCOLS
from napari_emrestore.pipeline.evaluation.comparing import TUNED_BY_DEFAULT


def test_register_finds_the_shifts_and_writes_aligned_frames(command, stream, tmp_path):
    line = [
        "register",
        stream,
        "-o",
        tmp_path / "aligned.ome.tif",
        "--kind",
        "translation",
        "--reference",
        "0",
    ]
    record = command(*line, "--json").record
    shifts = [np.asarray(matrix)[:2, 2] for matrix in record["matrices"]]
    expected = [
        (-k, k) for k in range(5)
    ]  # frame k shows the scene k rows further down, k columns further left
    np.testing.assert_allclose(shifts, expected, atol=0.2)
    with open_frames(tmp_path / "aligned.ome.tif") as stack:
        aligned = np.asarray(stack.data)
    assert list(aligned.shape) == record["shape"]
    assert np.corrcoef(aligned[0].ravel(), aligned[4].ravel())[0, 1] > 0.7
    assert read_provenance(tmp_path / "aligned.ome.tif").tool == "register"
    assert "reference" in command(*line).out


def test_register_refuses_to_leave_frames_where_they_are(command, stream, tmp_path):
    assert command("register", stream, "-o", tmp_path / "a.tif", "--kind", "none").code == 2


def test_models_lists_what_the_catalogue_has(command):
    record = command("models", "--json").record
    assert [model["id"] for model in record["models"]] == [card.id for card in list_models()]
    assert "mean" in record["classical"]
    table = command("models", "--markdown").out
    assert all(f"| {card.id} |" in table for card in list_models())


@pytest.mark.parametrize("card", list_models(), ids=[card.id for card in list_models()])
def test_a_card_is_shown_whole(command, card):
    out = command("models", "show", card.id).out
    assert card.summary in out
    assert card.sha256 in out
    assert command("models", "show", card.id, "--json").record["model"]["architecture"] == card.architecture


def test_a_model_that_is_not_there_is_named(command):
    ran = command("models", "show", "no-such-model")
    assert ran.code == 1
    assert "no-such-model" in ran.err


def test_simulate_writes_a_stream_and_its_truth(command, tmp_path):
    rng = np.random.default_rng(2)
    imwrite(tmp_path / "clean.png", rng.integers(0, 255, (220, 240), dtype=np.uint8))
    line = [
        "simulate",
        tmp_path / "clean.png",
        "--preset",
        "still_camera",
        "--frames",
        "3",
        "--size",
        "64",
        "96",
    ]
    first = command(*line, "-o", tmp_path / "a.ome.tif", "--json").record
    command(*line, "-o", tmp_path / "b.ome.tif")
    stream, truth = (tifffile.imread(first[name]) for name in ("output", "truth"))
    assert stream.shape == truth.shape == (3, 64, 96)
    assert first["truth"].endswith("a_truth.ome.tif")
    np.testing.assert_array_equal(stream, tifffile.imread(tmp_path / "b.ome.tif"))
    assert read_provenance(tmp_path / "a.ome.tif").settings["seed"] == 0


def test_evaluate_compares_and_reports(command, scene, tmp_path):
    (tmp_path / "clean").mkdir()
    for k in range(2):
        imwrite(tmp_path / f"clean/{k}.png", np.round(np.roll(scene, 40 * k) * 255).astype(np.uint8))
    line = [
        "evaluate",
        tmp_path / "clean",
        "-o",
        tmp_path / "report",
        "--protocol",
        "kat",
        "--models",
        "median",
    ]
    line += ["--tune", "none", "--shrink", "1", "--size", "64", "--repeats", "1"]
    record = command(*line, "--json").record
    assert {row["method"] for row in record["rows"]} == {"degraded", "median"}
    assert all(Path(file).exists() for file in record["files"])
    out = command(*line).out
    assert "MAE" in out
    assert "scaled to 0 to 1 by their own" in out


def test_evaluate_offers_what_there_is():
    assert evaluate._PROTOCOLS == tuple(PROTOCOLS)
    assert evaluate._TUNED == ",".join(TUNED_BY_DEFAULT)


def test_train_runs_a_recipe_and_takes_up_its_checkpoint(command, scene, tmp_path):
    imwrite(tmp_path / "held-out.png", np.round(scene * 255).astype(np.uint8))
    recipe = tmp_path / "tiny.toml"
    recipe.write_text(
        'id = "tiny"\nversion = "1"\nname = "Tiny"\nsummary = "A test."\ntask = "denoise"\n'
        'architecture = "burst_naf"\nstride_px = 16\nhalo_px = 64\n'
        "[parameters]\nwidth = 4\n"
        "[data]\npresets = { poisson = 1.0 }\nprocedural_scenes = 1\nprocedural_size_px = 96\n"
        "procedural_share = 1.0\ncrop_px = 32\nbatch = 1\n"
        'sources = [{ pattern = "held-out.png", shrink = [1], validation = "held-out.png" }]\n'
        "[optimiser]\nsteps = 2\nvalidate_every = 1\n"
    )
    line = ["train", recipe, "--data", tmp_path, "-o", tmp_path / "run"]
    record = command(*line, "--json").record
    assert record["model"]["id"] == "tiny"
    assert (tmp_path / "run/tiny.safetensors").exists()
    assert command(*line).code == 0  # all steps are done; the checkpoint says so


def test_train_knows_the_bundled_recipes(command, tmp_path):
    ran = command("train", "no-such-recipe", "--data", tmp_path, "-o", tmp_path)
    assert ran.code == 2
    assert "burst-naf" in ran.err


def test_doctor_reports_all_it_looked_at(command):
    ran = command("doctor", "--seconds", "0", "--json")
    record = ran.record
    assert ran.code == 0
    assert set(record) == {"system", "packages", "devices", "models", "benchmark"}
    assert record["packages"]["napari-emrestore"] != "not installed"
    assert record["devices"][-1]["name"] == "cpu"
    assert record["devices"][-1]["free_gib"] > 0
    assert record["benchmark"]["frames"] == 1
    assert all(model["weights"] in ("verified", "none") for model in record["models"])


def test_doctor_finds_damaged_weights(command, monkeypatch):
    cards = [card for card in list_models() if card.weights]
    monkeypatch.setattr("napari_emrestore.models.file_sha256", lambda _: "0" * 64)
    monkeypatch.setattr("napari_emrestore.cli.doctor._benchmark", lambda _: {})
    ran = command("doctor")
    assert ran.out.count("damaged") == len(cards)
    assert ran.code == (1 if cards else 0)


def test_demo_makes_table_picture_and_file(command, tmp_path):
    ran = command("demo", "-o", tmp_path / "demo", "--model", "mean")
    assert ran.code == 0, ran.err
    assert "burst mean" in ran.out
    made = {path.name for path in (tmp_path / "demo").iterdir()}
    assert made == {"stream.ome.tif", "truth.ome.tif", "restored.ome.tif", "side_by_side.png"}
