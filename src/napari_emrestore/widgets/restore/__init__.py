"""The restore dock: an image layer in, a restored layer out, with what was measured on the way.

In: a 2-D image, stack, lazy or multiscale layer; a ground truth, if there is one; a model. Out: layers
``<input> · <model>`` in the input's place and units, with their provenance; a table of the burst's frames;
scores against the ground truth. The work is `pipeline.run_frames`, the same line as the command line's;
nothing is computed here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_emrestore.widgets.restore.wiring import RestoreDock

__all__ = ["RestoreDock"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        from napari_emrestore.widgets.restore import wiring

        return getattr(wiring, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
