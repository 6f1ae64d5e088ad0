"""The overview dock: what a click starts, and how its layers grow."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QFileDialog, QSizePolicy, QVBoxLayout, QWidget

from napari_emrestore.core import EmRestoreError
from napari_emrestore.overview import Mosaic
from napari_emrestore.widgets.jobs import Jobs
from napari_emrestore.widgets.layers import read_frames
from napari_emrestore.widgets.lifetime import is_alive
from napari_emrestore.widgets.model_news import NEWS
from napari_emrestore.widgets.overview.growth import GrowingLayers
from napari_emrestore.widgets.overview.state import OverviewState, free_output
from napari_emrestore.widgets.overview.view import OverviewView
from napari_emrestore.widgets.overview.work import REPLACED, Order, sketch_summary
from napari_emrestore.widgets.preferences import load_state, read_preferences, save_state
from napari_emrestore.widgets.probe.models import offered_models

if TYPE_CHECKING:
    import napari.viewer
    from napari.layers import Image

    from napari_emrestore.overview.sketching import Sketch

_NAME = "overview"
_REFRESH_MS = 2000


class OverviewDock(QWidget):
    """Makes the mosaic of a scan and shows it while it grows.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Where stacks come from and layers go to.
    """

    def __init__(self, viewer: napari.viewer.Viewer, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        models = offered_models()
        self.state = OverviewState()
        self.state.restore_record(load_state(_NAME))
        if self.state.model not in models:
            self.state.model = ""
        self.jobs = Jobs(self)
        self.view = OverviewView(viewer, models, self.jobs)
        self.growing = GrowingLayers(viewer)
        self._suggested = ""
        self._timer = QTimer(self)
        self._timer.setInterval(_REFRESH_MS)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.view)
        self._connect()
        self._take_layer(self.view.layer.layer)

    def _connect(self) -> None:
        view, jobs = self.view, self.jobs
        view.changed.connect(self._set)
        view.layer.picked.connect(self._take_layer)
        view.find_recording.clicked.connect(self._ask_recording)
        view.find_output.clicked.connect(self._ask_output)
        view.run.asked.connect(self._run)
        self.state.events.connect(lambda _: self._show())
        jobs.part.connect(self._show_growth)
        jobs.succeeded.connect(self._finish)
        jobs.cancelled.connect(lambda: view.run.say("Stopped. Build it again to go on where it stopped."))
        jobs.ended.connect(self._settle)
        self._timer.timeout.connect(self.growing.refresh)
        NEWS.changed.connect(self._list_models)

    def _list_models(self) -> None:
        if is_alive(self):  # the news outlives the dock
            self.view.fill_models(offered_models())
            self._show()

    def _show(self) -> None:
        self.view.show_state(self.state)

    def _set(self, changes: dict[str, Any]) -> None:
        for name, value in changes.items():
            setattr(self.state, name, value)
        if "recording" in changes:
            self._suggest_output()
        save_state(_NAME, self.state.to_record())

    def _take_layer(self, layer: Image | None) -> None:
        """Read what a layer is when it is picked, so that the button tells beforehand why it cannot run."""
        unusable = ""
        if layer is not None:
            try:
                read_frames(layer)
            except EmRestoreError as error:
                unusable = str(error)
        self.state.layer = "" if layer is None else layer.name
        self.state.unusable = unusable
        self._suggest_output()
        self._show()

    def _suggest_output(self) -> None:
        """Offer a free name beside the recording, unless a person chose another."""
        if self.state.output not in ("", self._suggested):
            return
        layer = self.view.layer.layer
        source = self.state.recording or (getattr(layer.source, "path", None) if layer else None)
        folder = Path(source).expanduser().parent if source else Path.home()
        name = source or self.state.layer
        self._suggested = free_output(folder, name) if name and folder.is_dir() else ""
        self.state.output = self._suggested

    def _ask_recording(self) -> None:
        path = QFileDialog.getExistingDirectory(self, "Recording (.zarr) or folder of frames")
        if path:
            self._set({"recording": path})

    def _ask_output(self) -> None:
        path, _ = QFileDialog.getSaveFileName(self, "New mosaic", self.state.output, "OME-Zarr (*.zarr)")
        if path:
            self._set({"output": path if path.endswith(".zarr") else f"{path}.zarr"})

    def _run(self) -> None:
        state, preferences = self.state, read_preferences()
        layer = self.view.layer.layer
        order = Order(
            state.recording or read_frames(layer),
            state.output,
            state.model,
            state.settings(),
            preferences.device,
            preferences.precision,
        )
        self.view.facts.setText("")
        self.jobs.start(f"Building the overview of {Path(state.recording).name or state.layer}", order.run)

    def _show_growth(self, part: Sketch | Mosaic) -> None:
        """Show where a running scan has been, then the layers of its mosaic once the file is there."""
        if not isinstance(part, Mosaic):
            self.growing.show_sketch(part)
            self.view.facts.setText(sketch_summary(part))
        elif not part.complete:
            self._timer.start()
            if self.growing.show_tiles(part):
                self.view.facts.setText(REPLACED)

    def _finish(self, made: tuple[Mosaic, str]) -> None:
        mosaic, facts = made
        self.growing.replace(mosaic)
        self.view.facts.setText(facts)
        self.view.run.say(f"Wrote {mosaic.path.name}")

    def _settle(self) -> None:
        self._timer.stop()
        self.growing.refresh()
        self._show()
