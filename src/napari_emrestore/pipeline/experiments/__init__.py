"""The papers' experiments on networks, repeated on simulated scenes that nobody has to own.

In: the name of an experiment (`EXPERIMENTS`), training steps, a folder. Every arm of its table is trained by
a recipe of the package and scored on scenes kept out of its training. Out: an `Outcome` with PSNR (dB) and
SSIM of every tile of every arm and test, beside the paper's figures, and which orders of the paper came out
beyond the spread; written as Markdown and JSON. Short runs show orderings at best, and only the papers' own
data give the papers' figures.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_emrestore.pipeline.experiments.records import Outcome, Plan
    from napari_emrestore.pipeline.experiments.reporting import markdown, write_outcome
    from napari_emrestore.pipeline.experiments.running import run_experiment
    from napari_emrestore.pipeline.experiments.tables import EXPERIMENTS, Arm, Experiment

_HOMES = {
    "EXPERIMENTS": "tables",
    "Arm": "tables",
    "Experiment": "tables",
    "Outcome": "records",
    "Plan": "records",
    "markdown": "reporting",
    "run_experiment": "running",
    "write_outcome": "reporting",
}

__all__ = [
    "EXPERIMENTS",
    "Arm",
    "Experiment",
    "Outcome",
    "Plan",
    "markdown",
    "run_experiment",
    "write_outcome",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
