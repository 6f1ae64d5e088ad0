"""Turn fast, noisy, blurry electron-microscopy streams into images a microscopist can trust.

One line of data flow: source -> frames -> burst -> registered burst -> restorer -> restoration -> report.
Importing this package loads neither torch nor Qt; each call below loads what it needs when it runs.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_CALLS = {
    "open_frames": "napari_emrestore.io",
    "open_camera": "napari_emrestore.cameras",
    "collect": "napari_emrestore.bursts",
    "estimate_warp": "napari_emrestore.registration",
    "register": "napari_emrestore.bursts",
    "list_models": "napari_emrestore.models",
    "load_restorer": "napari_emrestore.restoration",
    "restore": "napari_emrestore.restoration",
    "run_probe": "napari_emrestore.probes",
    "inject": "napari_emrestore.probes",
    "assemble": "napari_emrestore.overview",
    "export_rois": "napari_emrestore.overview",
    "import_rois": "napari_emrestore.overview",
    "fit": "napari_emrestore.training",
    "run": "napari_emrestore.pipeline",
    "RunSettings": "napari_emrestore.pipeline",
}

__all__ = [
    "RunSettings",
    "__version__",
    "assemble",
    "collect",
    "estimate_warp",
    "export_rois",
    "fit",
    "import_rois",
    "inject",
    "list_models",
    "load_restorer",
    "open_camera",
    "open_frames",
    "register",
    "restore",
    "run",
    "run_probe",
]


def __getattr__(name: str) -> Any:
    if name in _CALLS:
        return getattr(import_module(_CALLS[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
