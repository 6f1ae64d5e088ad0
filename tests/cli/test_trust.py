"""The command that checks expected errors: a table, a card, and what it refuses."""

import numpy as np
import pytest
from imageio.v3 import imwrite
from tests.small_networks import small_card

from napari_emrestore.models import read_card, write_card
from napari_emrestore.training.scenes import draw_scene


@pytest.fixture
def model(tmp_path):
    """The card file of a small network that tells one error for all."""
    former = ({"protocol": "another"}, {"protocol": "expected error: former"})
    return write_card(small_card(tmp_path, validation=former), tmp_path / "small.toml")


@pytest.fixture
def images(tmp_path):
    folder = tmp_path / "images"
    folder.mkdir()
    scene = draw_scene("cells", 128, np.random.default_rng(0))
    imwrite(folder / "one.png", (scene * 255).astype(np.uint8))
    return folder


def test_the_table_is_printed_and_put_into_the_card(command, images, model):
    ran = command("trust", "check", images, "--model", model, "--size", "64", "--doses", "50", "--write-card")
    assert ran.code == 0
    for text in ("50 e/px", "all doses", "siemens-star, 100 e/px *", "moved 8 px, 100 e/px *"):
        assert text in ran.out
    rows = read_card(model).validation
    assert [row["protocol"].partition(": ")[0] for row in rows] == ["another", *["expected error"] * 4]
    assert rows[1]["data"] == "clean images one.png"
    assert "--doses 50 --shrink 2 --size 64" in rows[1]["command"]
    assert 0 <= rows[1]["within_one"] <= rows[1]["within_two"] <= 1


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["check", "--model", "mean"], "error head"),
        (["check", "--model", "naf-denoise", "--write-card"], "given by their path"),
        (["check", "--model", "mean", "--doses", "5,none"], "positive numbers"),
        (["teach", "--model", "naf-denoise"], "folder to write to"),
    ],
)
def test_what_cannot_be_done_is_refused(command, images, more, said):
    ran = command("trust", more[0], images, *more[1:], "--size", "32")
    assert ran.code == 2
    assert said in ran.err
