"""One-shot commands of napari's menus and palette: align, average, open the models folder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    import napari.viewer
    from napari.layers import Image

    from napari_emrestore.core import Monitor, Provenance, RegisteredBurst
    from napari_emrestore.widgets.jobs import Jobs

Made = tuple[Any, "Provenance", tuple[int, int]]
# a command has no dock that could own its job
_AT_WORK: set[Jobs] = set()


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
    return _start(viewer, "aligned", lambda burst: burst.aligned)


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
    from napari_emrestore.bursts import merge

    return _start(viewer, "mean", merge)


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


def _start(viewer: napari.viewer.Viewer, name: str, finish: Callable[[RegisteredBurst], Any]) -> Jobs | None:
    from napari.utils.notifications import show_error

    from napari_emrestore.core import EmRestoreError
    from napari_emrestore.widgets.jobs import Jobs
    from napari_emrestore.widgets.layers import add_result

    try:
        layer, work = _work_on(viewer.layers.selection.active, name, finish)
    except EmRestoreError as error:
        show_error(str(error))
        return None
    jobs = Jobs()

    def show(made: Made) -> None:
        image, provenance, origin_px = made
        add_result(viewer, image, layer, f"{layer.name} · {name}", provenance=provenance, origin_px=origin_px)

    _AT_WORK.add(jobs)
    jobs.succeeded.connect(show)
    jobs.failed.connect(lambda error: show_error(str(error)))
    jobs.ended.connect(lambda: _AT_WORK.discard(jobs))
    jobs.start(f"Aligning {layer.name}", work)
    return jobs


def _work_on(
    layer: Any, name: str, finish: Callable[[RegisteredBurst], Any]
) -> tuple[Image, Callable[[Monitor], Made]]:
    """Return the stack and the work on it, or raise what speaks against it."""
    from napari.layers import Image

    from napari_emrestore.core import InputError
    from napari_emrestore.widgets.layers import read_frames

    if not isinstance(layer, Image):
        raise InputError(
            "An image layer is needed",
            came="no layer is selected" if layer is None else f"layer {layer.name!r} is none",
            remedy="Click on the stack of frames in the layer list first.",
        )
    frames = read_frames(layer)
    if not frames.is_stack or not 2 <= len(frames.data) <= _most():
        raise InputError(
            f"A stack of 2 to {_most()} frames is aligned",
            item=f"layer {layer.name!r}",
            came=f"holds {len(frames.data)}",
            remedy="The Restore dock aligns longer stacks burst by burst.",
        )

    def work(monitor: Monitor) -> Made:
        import numpy as np

        from napari_emrestore.bursts import register
        from napari_emrestore.core import Burst

        burst = register(Burst(np.asarray(frames.data), frames.acquisition), monitor=monitor)
        return finish(burst), _provenance(name, frames.acquisition, burst), burst.origin_px

    return layer, work


def _most() -> int:
    from napari_emrestore.bursts import MOST_FRAMES

    return MOST_FRAMES


def _provenance(name: str, acquisition: Any, burst: RegisteredBurst) -> Provenance:
    from napari_emrestore import __version__
    from napari_emrestore.core import Provenance

    left_out = [f"frame {v.index} left out: {v.reason}" for v in burst.verdicts if not v.accepted]
    return Provenance(
        tool="register" if name == "aligned" else "average",
        inputs=({"name": acquisition.name, "path": acquisition.path, "sha256": ""},),
        settings={"kind": "euclidean", "reference": "sharpest", "reference_frame": burst.reference},
        versions={"napari-emrestore": __version__},
        notes=tuple(left_out),
    )
