"""Results of the restore dock as layers: filling, finished, and previews that replace each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject, QTimer

from napari_emrestore.pipeline.line import provenance_of_error
from napari_emrestore.widgets.layers import (
    add_result,
    contrast_limits,
    frame_steps,
    known_acquisition,
    metadata,
    placement,
    show_frame,
)
from napari_emrestore.widgets.restore import work

if TYPE_CHECKING:
    from napari.layers import Image
    from napari.viewer import Viewer
    from numpy.typing import NDArray

    from napari_emrestore.core import Provenance
    from napari_emrestore.pipeline.previewing import Part
    from napari_emrestore.widgets.restore.orders import Order
    from napari_emrestore.widgets.restore.work import Finished, LiveCanvas

_REFRESHED_EVERY_MS = 500


class ResultLayers(QObject):
    """The layers of one dock in its viewer; for the main thread only.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Gets the layers.
    parent : QObject
        The dock.
    """

    def __init__(self, viewer: Viewer, parent: QObject) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._live: Image | None = None
        self._previews: dict[str, Image] = {}
        self._timer = QTimer(self)
        self._timer.setInterval(_REFRESHED_EVERY_MS)
        self._timer.timeout.connect(self._refresh)

    def start_live(self, order: Order, canvas: LiveCanvas, pyramid_px: int) -> None:
        """Show an array that is being filled."""
        self._live = add_result(
            self._viewer,
            work.quick_levels(canvas.array, pyramid_px),
            order.source,
            order.name,
            origin_px=canvas.origin_px,
            contrast_limits=tuple(order.source.contrast_limits),
            **frame_steps(work.plan(order)),
        )
        self._timer.start()

    def drop_live(self) -> None:
        """Take away a result that did not get finished."""
        self._timer.stop()
        if self._live is not None and self._live in self._viewer.layers:
            self._viewer.layers.remove(self._live)
        self._live = None

    def finish(self, order: Order, done: Finished) -> Image:
        """Return the layer of a finished run, seen beside the frame it lies on; previews go."""
        layer = self._put_result(order, done)
        if done.error is not None:
            self._put_error(order, done, layer)
        if len(done.result.windows) == 1:
            show_frame(self._viewer, order.source, done.result.windows[0].reference)
        return layer

    def _put_error(self, order: Order, done: Finished, result: Image) -> None:
        """Put the expected error under its restoration: hiding that shows it."""
        made = done.result.restoration
        coarse = done.error[-1] if isinstance(done.error, list) else done.error
        add_result(
            self._viewer,
            done.error,
            order.source,
            order.error_name,
            provenance=provenance_of_error(made.provenance),
            origin_px=made.origin_px,
            contrast_limits=(0.0, contrast_limits(coarse)[1]),
            colormap="inferno",
            **frame_steps([window.frames for window in done.result.windows]),
        )
        layers = self._viewer.layers
        layers.move(len(layers) - 1, layers.index(result))
        layers.selection = {result}

    def _put_result(self, order: Order, done: Finished) -> Image:
        self.drop_previews()
        self._timer.stop()
        live, self._live = self._live, None
        made = done.result.restoration
        if live is None or live not in self._viewer.layers:
            return add_result(
                self._viewer,
                done.image,
                order.source,
                order.name,
                provenance=made.provenance,
                origin_px=made.origin_px,
                contrast_limits=done.limits,
                **frame_steps([window.frames for window in done.result.windows]),
            )
        live.data = done.image
        live.contrast_limits = done.limits
        live.metadata = metadata(known_acquisition(order.source), made.provenance)
        return live

    def show_preview(self, order: Order, part: Part) -> None:
        """Show a restored part of the field and the mean of its frames, in place of the last ones."""
        chosen = set(self._viewer.layers.selection)
        several = order.settings.frames != 1
        if several:
            self._put("mean", f"{order.source.name} · mean · preview", part.mean, order, part, None)
        else:
            self._remove("mean")
        self._put("model", f"{order.name} · preview", part.image, order, part, part.provenance)
        self._viewer.layers.selection = chosen & set(self._viewer.layers)

    def drop_previews(self) -> None:
        """Take the previews away."""
        for what in list(self._previews):
            self._remove(what)

    def _put(
        self,
        what: str,
        name: str,
        image: NDArray[Any],
        order: Order,
        part: Part,
        provenance: Provenance | None,
    ) -> None:
        layer = self._previews.get(what)
        record = metadata(known_acquisition(order.source), provenance, preview=True)
        if layer is None or layer not in self._viewer.layers or layer.name != name:
            self._remove(what)
            layer = self._previews[what] = add_result(
                self._viewer, image, order.source, name, origin_px=part.origin_px, metadata=record
            )
        else:
            layer.data = image
            layer.translate = placement(order.source, part.origin_px)["translate"]
            layer.metadata = record

    def _remove(self, what: str) -> None:
        layer = self._previews.pop(what, None)
        if layer is not None and layer in self._viewer.layers:
            self._viewer.layers.remove(layer)

    def _refresh(self) -> None:
        if self._live is not None and self._live in self._viewer.layers:
            self._live.refresh()
