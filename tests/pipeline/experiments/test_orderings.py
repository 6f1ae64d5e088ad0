"""Orders are told apart from chance, and compared with the paper's."""

import numpy as np
import pytest

from napari_emrestore.pipeline.experiments import Experiment, Outcome, Plan, markdown
from napari_emrestore.pipeline.experiments.orderings import orderings
from napari_emrestore.pipeline.experiments.records import Row

SOURCES = tuple(str(n % 8) for n in range(16))


def row(label, psnrs_db, paper, test="grid"):
    return Row(label, test, tuple(psnrs_db), tuple(np.full(16, 0.5)), SOURCES, paper, {})


def outcome(gain_db, first_paper, second_paper):
    """Two rows, the first better by `gain_db` ± 0.1 on tiles that differ by far more than that."""
    rng = np.random.default_rng(3)
    tiles = rng.normal(20, 3, 16)
    rows = (
        row("A", tiles + gain_db + rng.normal(0, 0.1, 16), first_paper),
        row("B", tiles, second_paper),
    )
    experiment = Experiment("Title", "Table", (), (("A", "B"), ("A", "not measured")))
    return Outcome("ablation", experiment, Plan(), rows, 1.0)


@pytest.mark.parametrize(
    ("gain_db", "first_paper", "second_paper", "order"),
    [
        (1.0, (30, 0.9), (29, 0.8), "as in the paper"),
        (-1.0, (30, 0.9), (29, 0.8), "reversed"),
        (-1.0, (29, 0.9), (30, 0.8), "as in the paper"),
        (0.0, (30, 0.9), (29, 0.8), "within the spread"),
        (1.0, (30, 0.9), (30, 0.8), "the paper saw none"),
        (1.0, (30, 0.9), None, "better"),
        (-1.0, None, (30, 0.9), "worse"),
    ],
)
def test_an_order_is_told_only_beyond_the_spread_of_paired_tiles(gain_db, first_paper, second_paper, order):
    in_db, in_ssim = orderings(outcome(gain_db, first_paper, second_paper))
    assert in_db.verdict == order
    assert in_db.here.mean == pytest.approx(gain_db, abs=0.1)
    assert in_ssim.verdict == "equal"


def test_the_report_shows_both_differences():
    text = markdown(outcome(1.0, (30, 0.9), (29, 0.8)))
    assert "| A − B | grid | PSNR dB | +1.00 | +1.0" in text
    assert "not measured" not in text
