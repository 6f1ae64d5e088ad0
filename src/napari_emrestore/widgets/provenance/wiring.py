"""The dock *What made this layer?*: follows the selection, starts what its buttons say."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari.layers import Image
from qtpy.QtCore import QTimer
from qtpy.QtGui import QGuiApplication
from qtpy.QtWidgets import QFileDialog, QSizePolicy, QVBoxLayout, QWidget

from napari_emrestore.core import EmRestoreError
from napari_emrestore.io import FrameStack
from napari_emrestore.pipeline.replaying import command_line, missing_input, settings_in
from napari_emrestore.widgets.hooks.replays import layer_of_file, show_result
from napari_emrestore.widgets.jobs import Jobs
from napari_emrestore.widgets.layers import known_acquisition, provenance_of, read_frames
from napari_emrestore.widgets.lifetime import is_alive
from napari_emrestore.widgets.provenance.repeating import Repeated, repeat, write_script
from napari_emrestore.widgets.provenance.state import ProvenanceState
from napari_emrestore.widgets.provenance.view import ProvenanceView

if TYPE_CHECKING:
    import napari.viewer
    from napari.layers import Layer

    from napari_emrestore.core import Provenance


class ProvenanceDock(QWidget):
    """Shows what made the selected layer, and makes it again.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Whose selection is followed.
    """

    def __init__(self, viewer: napari.viewer.Viewer, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._watched: Layer | None = None
        self._again: tuple[Image, str] | None = None
        self.state = ProvenanceState()
        self.jobs = Jobs(self)
        self.view = ProvenanceView(self.jobs)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.view)
        # otherwise napari puts an empty stretch below the dock
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        # a layer that is being filled gets its record last, so it is looked at once napari is done with it
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(0)
        self._soon.timeout.connect(self.look)
        self._connect()
        self.look()

    def look(self) -> None:
        """Look at the selected layer and show what it says."""
        layer = self._viewer.layers.selection.active
        self._watch(layer)
        record = layer is not None
        self.state.layer = layer.name if layer is not None else ""
        self.state.provenance = provenance_of(layer) if layer is not None else None
        if layer is not None:
            self.state.acquisition = known_acquisition(layer)
        self.state.inputs = tuple(
            each.name for each in self._viewer.layers if isinstance(each, Image) and each is not layer
        )
        self.view.show_account(self.state.layer, self.state.account)
        self.view.allow(
            record=record and self.state.provenance is not None,
            no_command=self.state.why_no_command(),
            no_repeat=self.state.why_not_repeat(),
        )

    def copy_record(self) -> None:
        """Put the layer's record on the clipboard, as JSON."""
        if self.state.provenance is not None:
            record = json.loads(self.state.provenance.to_json())
            self._copy(json.dumps(record, indent=1, ensure_ascii=False), "The record")

    def copy_command(self) -> None:
        """Put the command line that makes the layer again on the clipboard."""
        made_by = self.state.provenance
        if made_by is not None and not self.state.why_no_command():
            settings = settings_in(made_by)
            source = Path(settings.input)
            output = source.with_name(f"{source.name.split('.')[0]}-{settings.model}.ome.tif")
            self._copy(command_line(replace(settings, output=str(output))), "The command line")

    def export_script(self, path: str | Path) -> None:
        """Write a script that makes the layer again, with its input beside it if that is in no file."""
        made_by = self.state.provenance
        if made_by is None or self.state.why_not_repeat():
            return
        target = Path(path).with_suffix(".py")
        stack = _stack(self._input_layer(made_by)) if missing_input(made_by) else None
        settings, name = settings_in(made_by), self.state.layer
        self.jobs.start("Writing script", lambda _: write_script(target, made_by, settings, name, stack))

    def make_again(self) -> None:
        """Run the layer's settings on its input once more; the result is a new layer."""
        made_by, layer = self.state.provenance, self._watched
        if made_by is None or not isinstance(layer, Image) or self.state.why_not_repeat():
            return
        settings = settings_in(made_by)
        before = layer.data[0] if layer.multiscale else layer.data
        try:
            source = self._input_layer(made_by)
            stack = _stack(source)
        except EmRestoreError as error:
            self.view.repeat.say(str(error))
            return
        self._again = source, layer.name
        self.jobs.start("Making it again", lambda monitor: repeat(stack, settings, made_by, before, monitor))

    def change_settings(self) -> None:
        """Open the restore dock with the settings of the layer."""
        from napari_emrestore.widgets.restore import RestoreDock

        made_by = self.state.provenance
        if made_by is not None and not self.state.why_not_repeat():
            settings = settings_in(made_by)
            source = self._input_layer(made_by)
            dock = RestoreDock.offer(self._viewer, settings.model, source)
            dock.apply_settings(settings, source)

    def _connect(self) -> None:
        layers = self._viewer.layers
        for emitter in (layers.selection.events.active, layers.events.inserted, layers.events.removed):
            emitter.connect(self._changed)
        view = self.view
        view.copy_record.clicked.connect(self.copy_record)
        view.copy_command.clicked.connect(self.copy_command)
        view.export.clicked.connect(self._ask_where)
        view.change.clicked.connect(self.change_settings)
        view.repeat.asked.connect(self.make_again)
        self.jobs.succeeded.connect(self._show)

    def _changed(self, event: Any = None) -> None:
        # the viewer outlives the dock, which it may call after Qt has deleted it
        if is_alive(self):
            self._soon.start()

    def _watch(self, layer: Layer | None) -> None:
        if layer is self._watched:
            return
        if self._watched is not None:
            for name in ("name", "data"):
                self._watched.events[name].disconnect(self._changed)
        if layer is not None:
            for name in ("name", "data"):
                layer.events[name].connect(self._changed)
        self._watched = layer

    def _input_layer(self, made_by: Provenance) -> Image:
        """Return the layer of the record's input: by its file, which may be opened for it, or by its name."""
        name = missing_input(made_by)
        if not name:
            return layer_of_file(self._viewer, made_by.inputs[0]["path"])
        return next(each for each in self._viewer.layers if isinstance(each, Image) and each.name == name)

    def _ask_where(self) -> None:
        suggested = f"{self.state.layer.replace(' · ', '-').replace(' ', '-')}.py"
        path, _ = QFileDialog.getSaveFileName(self, "Export script", suggested, "Python script (*.py)")
        if path:
            self.export_script(path)

    def _copy(self, text: str, what: str) -> None:
        clipboard = QGuiApplication.clipboard()
        if clipboard is None:
            self.view.repeat.say("There is no clipboard here.")
            return
        clipboard.setText(text)
        self.view.repeat.say(f"{what} is on the clipboard.")

    def _show(self, outcome: Repeated | Path) -> None:
        if isinstance(outcome, Path):
            self.view.repeat.say(f"Wrote {outcome.name}. Drop it on napari, or run it with Python.")
            return
        if self._again is not None:
            source, name = self._again
            show_result(self._viewer, source, outcome.result, name)
        self.view.repeat.say(outcome.verdict)


def _stack(layer: Image) -> FrameStack:
    frames = read_frames(layer)
    return FrameStack.from_array(frames.data, frames.acquisition)
