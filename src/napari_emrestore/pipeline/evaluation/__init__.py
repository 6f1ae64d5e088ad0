"""Models and classical methods on the same degraded images, by the protocols of four papers.

In: a folder of clean images, names of models and of one protocol. Out: an `Evaluation`: a value per
instance, method and measure, summarised as mean and standard deviation, with the mean paired difference
to the frame average and to the best tuned classical method and its 95 % bootstrap interval over source
images; written as CSV, Markdown and pictures by `write_report`.

Clean images come in any units and are scaled to 0 to 1; a restored image is compared with the truth its
input was made from, never with one that helped to restore it. Not done here: training, and any claim about
images of a kind that was not in the folder.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_emrestore.pipeline.evaluation.comparing import Evaluation, EvaluationSettings, evaluate
    from napari_emrestore.pipeline.evaluation.protocols import PROTOCOLS
    from napari_emrestore.pipeline.evaluation.reporting import write_report

_HOMES = {
    "PROTOCOLS": "protocols",
    "Evaluation": "comparing",
    "EvaluationSettings": "comparing",
    "evaluate": "comparing",
    "write_report": "reporting",
}

__all__ = ["PROTOCOLS", "Evaluation", "EvaluationSettings", "evaluate", "write_report"]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
