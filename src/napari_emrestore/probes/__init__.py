"""Known patterns through a restorer: what it keeps, smears or invents.

`run_probe` draws a pattern (spots and bent lines, lines, blank field, star, ...), blurs it by motion, adds
the noise of a camera, restores it and measures each artefact: checkerboards, wobbly texture, invented lines,
fake grain, left-over motion, lost contrast. `inject` adds faint gratings, lines or dots to a real image and
measures how much of them a restorer keeps there.

In: a restorer of `restoration`, a random generator, for injection an image ``(Y, X)`` or burst ``(N, Y, X)``
in detector units. Out: frozen reports with images in the same units, scores with limits and a verdict in
words, and maps ``(Y, X)`` of where. Patterns are in [0, 1]; lengths are in pixels; motion is vertical. Not
done here: registration, scores of images without a known truth.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_emrestore.probes.degrading import Degradation, degrade, match_degradation
    from napari_emrestore.probes.injection import InjectionReport, inject
    from napari_emrestore.probes.patterns import PROBES, Probe, draw_probe, list_probes
    from napari_emrestore.probes.reporting import write_reports
    from napari_emrestore.probes.running import ProbeReport, run_probe, run_probes
    from napari_emrestore.probes.scores import ARTEFACTS, Score
    from napari_emrestore.probes.transfer import Transfer

_HOMES = {
    "ARTEFACTS": "scores",
    "Degradation": "degrading",
    "InjectionReport": "injection",
    "PROBES": "patterns",
    "Probe": "patterns",
    "ProbeReport": "running",
    "Score": "scores",
    "Transfer": "transfer",
    "degrade": "degrading",
    "draw_probe": "patterns",
    "inject": "injection",
    "list_probes": "patterns",
    "match_degradation": "degrading",
    "run_probe": "running",
    "run_probes": "running",
    "write_reports": "reporting",
}

__all__ = [
    "ARTEFACTS",
    "PROBES",
    "Degradation",
    "InjectionReport",
    "Probe",
    "ProbeReport",
    "Score",
    "Transfer",
    "degrade",
    "draw_probe",
    "inject",
    "list_probes",
    "match_degradation",
    "run_probe",
    "run_probes",
    "write_reports",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
