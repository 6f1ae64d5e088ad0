"""The train dock: models fitted to a person's own microscope.

In: image layers with frames as the detector gave them, alone or with a clean image of the same place. Out: a
card ``<model>-<name>`` in the models folder, which every menu of models shows at once; a curve and a picture
of held-out pixels while it learns. The work is that of `training`; nothing is computed here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_emrestore.widgets.train.wiring import TrainDock

__all__ = ["TrainDock"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        from napari_emrestore.widgets.train import wiring

        return getattr(wiring, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
