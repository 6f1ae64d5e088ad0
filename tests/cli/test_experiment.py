"""The command experiment: tables printed and written, rows chosen, and refused where there are none."""

from dataclasses import replace

import pytest

from napari_emrestore.pipeline.experiments import EXPERIMENTS


def tiny(recipe):
    """SGPN with few channels on small crops, without a judge."""
    data = replace(recipe.data, crop_px=32, batch=1)
    parts = {"adversary": None, "perceptual": None, "semi_supervised": None}
    return replace(recipe, parameters={"width": "tiny"}, data=data, **parts)


@pytest.fixture
def shortened(monkeypatch):
    """SGPN term by term with a network that a test has time for."""
    whole = EXPERIMENTS["terms"]
    arms = tuple(replace(arm, test=("sem-1",), train=("sem-1",), change=tiny) for arm in whole.arms[:2])
    monkeypatch.setitem(EXPERIMENTS, "terms", replace(whole, arms=arms))


def test_the_tables_are_printed_and_written(command, shortened, tmp_path):
    sizes = ["--steps", 1, "--scenes", 1, "--scene-px", 96, "--tiles", 2]
    ran = command("experiment", "terms", "-o", tmp_path, *sizes)
    assert ran.code == 0
    table = (tmp_path / "terms.md").read_text(encoding="utf-8")
    assert table in ran.out
    assert "| + perceptual − adversarial | sem-1 | PSNR dB | +0.05 |" in table
    ran = command("experiment", "terms", "-o", tmp_path, *sizes, "--arms", "perc", "--json")
    assert [row["label"] for row in ran.record["rows"]] == ["one frame, sequence 3", "+ perceptual"]
    command_line = '--steps 1 --scenes 1 --scene-px 96 --tiles 2 --seed 0 --arms "perc"'
    assert command_line in (tmp_path / "terms.md").read_text(encoding="utf-8")


def test_rows_that_an_experiment_does_not_have_are_refused(command, tmp_path):
    ran = command("experiment", "shares", "-o", tmp_path, "--arms", "SGPN, 99 %")
    assert ran.code == 2
    assert "DeepDeblur, 5 %" in ran.err
