"""One-shot commands of napari's menus and palette: align, average, open the models folder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import napari.viewer
    from napari.layers import Image

    from napari_emrestore.core import Monitor, Provenance, RegisteredBurst
    from napari_emrestore.widgets.jobs import Jobs
    from napari_emrestore.widgets.layers import LayerFrames


def align_frames(viewer: napari.viewer.Viewer) -> Jobs | None:
    """Add the aligned frames of the active layer: shift and rotation, onto the sharpest frame.

    The result holds the frames that triage kept, cropped to what they share.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Its active layer is an image stack of 2 to 32 frames.

    Returns
    -------
    Jobs, optional
        What is at work; ``None`` if the active layer cannot be aligned, which napari then says.
    """
    from napari_emrestore.widgets.hooks.background import start
    from napari_emrestore.widgets.layers import add_result

    found = _active_stack(viewer)
    if found is None:
        return None
    layer, frames = found

    def work(monitor: Monitor) -> RegisteredBurst:
        import numpy as np

        from napari_emrestore.bursts import register
        from napari_emrestore.core import Burst

        return register(Burst(np.asarray(frames.data), frames.acquisition), monitor=monitor)

    def show(burst: RegisteredBurst) -> None:
        name, made_by = f"{layer.name} · aligned", _provenance(frames, burst)
        add_result(viewer, burst.aligned, layer, name, provenance=made_by, origin_px=burst.origin_px)

    return start(f"Aligning {layer.name}", work, show)


def average_frames(viewer: napari.viewer.Viewer) -> Jobs | None:
    """Add the mean of the aligned frames of the active layer.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Its active layer is an image stack of 2 to 32 frames.

    Returns
    -------
    Jobs, optional
        As `align_frames`.
    """
    from napari_emrestore.pipeline import RunSettings
    from napari_emrestore.widgets.hooks.replays import run_on_layer

    found = _active_stack(viewer)
    if found is None:
        return None
    layer, frames = found
    source = frames.acquisition.path or layer.name
    return run_on_layer(viewer, layer, RunSettings(source, model="mean", frames=len(frames.data)))


def open_models_folder() -> None:
    """Open the folder for the user's own models in the file manager; it is made if it is missing."""
    from napari.utils.notifications import show_info
    from qtpy.QtCore import QUrl
    from qtpy.QtGui import QDesktopServices

    from napari_emrestore.models import models_folder

    folder = models_folder()
    folder.mkdir(parents=True, exist_ok=True)
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))
    show_info(f"Models (a card and its weights) that lie in {folder} are listed by the Restore dock.")


def _active_stack(viewer: napari.viewer.Viewer) -> tuple[Image, LayerFrames] | None:
    """Return the active layer with its frames, or tell what speaks against it."""
    from napari.utils.notifications import show_error

    from napari_emrestore.core import EmRestoreError

    try:
        return _stack(viewer.layers.selection.active)
    except EmRestoreError as error:
        show_error(str(error))
        return None


def _stack(layer: Any) -> tuple[Image, LayerFrames]:
    from napari.layers import Image

    from napari_emrestore.bursts import MOST_FRAMES
    from napari_emrestore.core import InputError
    from napari_emrestore.widgets.layers import read_frames

    if not isinstance(layer, Image):
        raise InputError(
            "An image layer is needed",
            came="no layer is selected" if layer is None else f"layer {layer.name!r} is none",
            remedy="Click on the stack of frames in the layer list first.",
        )
    frames = read_frames(layer)
    if not frames.is_stack or not 2 <= len(frames.data) <= MOST_FRAMES:
        raise InputError(
            f"A stack of 2 to {MOST_FRAMES} frames is aligned",
            item=f"layer {layer.name!r}",
            came=f"holds {len(frames.data)}",
            remedy="The Restore dock aligns longer stacks burst by burst.",
        )
    return layer, frames


def _provenance(frames: LayerFrames, burst: RegisteredBurst) -> Provenance:
    from napari_emrestore import __version__
    from napari_emrestore.core import Provenance

    known = frames.acquisition
    return Provenance(
        tool="register",
        inputs=({"name": known.name, "path": known.path, "sha256": ""},),
        settings={"kind": "euclidean", "reference": burst.reference, "origin_px": list(burst.origin_px)},
        versions={"napari-emrestore": __version__},
        notes=tuple(f"frame {v.index} left out: {v.reason}" for v in burst.verdicts if not v.accepted),
    )
