"""What the manifest names and napari calls: readers, writers, samples and one-shot commands.

In: paths, layer data and the viewer, as npe2 and scripts hand them over. Out: layer data, written paths,
new layers. A reader that is asked whether it wants a path looks at names and the first bytes only; pixels
are read when napari shows them. Nothing is computed here but what a command stands for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_emrestore.widgets.hooks.commands import align_frames, average_frames, open_models_folder
    from napari_emrestore.widgets.hooks.reading import get_reader
    from napari_emrestore.widgets.hooks.replays import run_in_viewer
    from napari_emrestore.widgets.hooks.samples import low_dose_particles, sem_pair, tem_stream
    from napari_emrestore.widgets.hooks.writing import write_images

_HOMES = {
    "align_frames": "commands",
    "average_frames": "commands",
    "get_reader": "reading",
    "low_dose_particles": "samples",
    "open_models_folder": "commands",
    "run_in_viewer": "replays",
    "sem_pair": "samples",
    "tem_stream": "samples",
    "write_images": "writing",
}

__all__ = [
    "align_frames",
    "average_frames",
    "get_reader",
    "low_dose_particles",
    "open_models_folder",
    "run_in_viewer",
    "sem_pair",
    "tem_stream",
    "write_images",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
