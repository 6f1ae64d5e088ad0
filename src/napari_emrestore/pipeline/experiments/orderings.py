"""Whether the order of two rows that a paper found came out here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_emrestore.pipeline.evaluation.statistics import paired_difference

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari_emrestore.pipeline.evaluation.statistics import Difference
    from napari_emrestore.pipeline.experiments.records import Outcome, Row

_MEASURES = ("PSNR dB", "SSIM")


@dataclass(frozen=True, slots=True)
class Ordering:
    """How far one row lies above another, in the paper and here.

    Attributes
    ----------
    first, second, test : str
        Labels of the rows, and the domain.
    measure : str
        ``"PSNR dB"`` or ``"SSIM"``; higher is better in both.
    paper : float, optional
        The paper's difference.
    here : Difference
        On the same tiles, with its 95 % interval over source scenes.
    """

    first: str
    second: str
    test: str
    measure: str
    paper: float | None
    here: Difference

    @property
    def verdict(self) -> str:
        """What the two say of each other, in a word or two."""
        low, high = self.here.low, self.here.high
        if self.here.mean == low == high == 0:
            return "equal"
        if low is None or high is None or low <= 0 <= high:
            return "within the spread"
        if self.paper is None:
            return "better" if self.here.mean > 0 else "worse"
        if self.paper == 0:
            return "the paper saw none"
        return "as in the paper" if self.here.mean * self.paper > 0 else "reversed"


def orderings(outcome: Outcome) -> Iterator[Ordering]:
    """Yield the comparisons of an experiment on every domain where both rows were measured."""
    rows = {(row.label, row.test): row for row in outcome.rows}
    rng = np.random.default_rng(outcome.plan.seed)
    tests = dict.fromkeys(row.test for row in outcome.rows)
    for first, second in outcome.experiment.comparisons:
        for test in tests:
            if (first, test) in rows and (second, test) in rows:
                yield from _compare(rows[first, test], rows[second, test], rng)


def _compare(first: Row, second: Row, rng: np.random.Generator) -> Iterator[Ordering]:
    values = ((first.psnrs_db, second.psnrs_db), (first.ssims, second.ssims))
    for n, (measure, (ours, others)) in enumerate(zip(_MEASURES, values, strict=True)):
        both = first.paper is not None and second.paper is not None
        paper = round(first.paper[n] - second.paper[n], 3) if both else None  # type: ignore[index]
        here = paired_difference(np.asarray(ours), np.asarray(others), first.sources, rng)
        yield Ordering(first.label, second.label, first.test, measure, paper, here)
