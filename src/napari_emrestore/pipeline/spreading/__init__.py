"""One restoration or mosaic by many hands: pieces of it on threads here or on workers of a dask cluster.

In: the `RunSettings` of a run whose result goes to a Zarr image, and a scheduler (``"threads"``,
``"threads:4"`` or the address of a dask scheduler). Out: the `Result` that `run` gives, with the same pixels,
and in its provenance which device made how many pieces. A piece is one block of one large frame, or one burst
of a stack; each is written to chunks of its own, straight from where it was made, and then noted beside the
image. So a worker that dies costs its pieces only, and a job that was stopped goes on where it was.
`tile_makers` does the same for the tiles of a mosaic.

Input and output must be readable under the same path by all workers. Not done here: starting a cluster,
moving files to it, scores against a ground truth, and splitting a single burst of several frames.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_emrestore.pipeline.spreading.crews import Crew, open_crew
    from napari_emrestore.pipeline.spreading.mosaics import tile_makers
    from napari_emrestore.pipeline.spreading.running import run_spread
    from napari_emrestore.pipeline.spreading.sharing import share_out

_HOMES = {
    "Crew": "crews",
    "open_crew": "crews",
    "run_spread": "running",
    "tile_makers": "mosaics",
    "share_out": "sharing",
}

__all__ = ["Crew", "open_crew", "run_spread", "share_out", "tile_makers"]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
