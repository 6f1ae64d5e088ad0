"""The live dock: a camera in, its raw and restored views as layers, every raw frame recorded if wanted.

In: a camera of `cameras.list_cameras` with its settings, a model, a region drawn in a Shapes layer. Out: two
or three layers that show the newest view (raw, restored, and the ground truth where the camera knows it),
snapshots as layers of their own with their record, recordings on the disk. The work is `pipeline.live`, the
same line as the command line's; what is measured here is only for the eye: contrast limits and, against a
known truth, SSIM and PSNR of what is shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_emrestore.widgets.live.wiring import LiveDock

__all__ = ["LiveDock"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        from napari_emrestore.widgets.live import wiring

        return getattr(wiring, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
