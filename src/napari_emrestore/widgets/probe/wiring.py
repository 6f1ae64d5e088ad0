"""The probe dock: what a click starts, and where its outcome goes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtWidgets import QFileDialog, QSizePolicy, QVBoxLayout, QWidget

from napari_emrestore.core import EmRestoreError
from napari_emrestore.widgets.jobs import Jobs
from napari_emrestore.widgets.layers import read_frames, visible_field
from napari_emrestore.widgets.lifetime import is_alive
from napari_emrestore.widgets.model_news import NEWS
from napari_emrestore.widgets.preferences import load_state, read_preferences, save_state
from napari_emrestore.widgets.probe import work
from napari_emrestore.widgets.probe.models import offered_models
from napari_emrestore.widgets.probe.sheet import Sheet, add_injection
from napari_emrestore.widgets.probe.state import ProbeState, numbers
from napari_emrestore.widgets.probe.view import ProbeView

if TYPE_CHECKING:
    from collections.abc import Mapping

    import napari.viewer
    from napari.layers import Image

    from napari_emrestore.probes import InjectionReport, ProbeReport, Score
    from napari_emrestore.widgets.layers import LayerFrames

_NAME = "probe"
_FIELD_PX = 512


class ProbeDock(QWidget):
    """Probes models with known patterns, and with faint ones added to an image layer.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Where layers come from and go to.
    """

    def __init__(self, viewer: napari.viewer.Viewer, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        models = offered_models()
        self.state = ProbeState()
        self.state.restore_record(load_state(_NAME))
        _keep_known(self.state, models)
        self.probing, self.measuring, self.injecting, self.saving = (Jobs(self) for _ in range(4))
        self.view = ProbeView(viewer, models, self.probing, self.injecting)
        self.sheet = Sheet(viewer)
        self._is_stack = False
        self._injected: tuple[Image, str, tuple[int, int]] | None = None
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.view)
        self._connect()
        self._take_layer(self.view.injection.layer.layer)
        self._show()

    def _connect(self) -> None:
        view = self.view
        for box in (view.patterns, view.degradation, view.injection):
            box.changed.connect(self._set)
        self.state.events.connect(lambda _: self._show())
        view.degradation.measure.connect(self._measure)
        view.degradation.forget.connect(self.state.forget_measured)
        view.injection.layer_picked.connect(self._take_layer)
        view.scores.picked.connect(self._show_where)
        view.scores.save.clicked.connect(self._save)
        view.run.asked.connect(self._probe)
        view.inject.asked.connect(self._inject)
        self.probing.part.connect(self._show_report)
        self.probing.succeeded.connect(self._end_probing)
        self.probing.cancelled.connect(lambda: view.run.say("Cancelled. What was finished is shown."))
        self.measuring.succeeded.connect(lambda found: self.state.take_measured(*found))
        self.saving.succeeded.connect(lambda files: view.run.say(f"Wrote {len(files)} files."))
        self.saving.failed.connect(lambda error: view.run.say(str(error)))
        self.measuring.failed.connect(lambda error: view.degradation.facts.setText(str(error)))
        self.injecting.succeeded.connect(self._show_injection)
        for jobs in (self.probing, self.injecting):
            jobs.ended.connect(self._show)
        NEWS.changed.connect(self._list_models)

    def _list_models(self) -> None:
        """Offer the models that there are now."""
        if not is_alive(self):  # the news outlives the dock
            return
        models = offered_models()
        self.view.patterns.fill_models(models)
        self.view.injection.fill_models(models)
        _keep_known(self.state, models)
        self._show()

    def _set(self, changes: dict[str, Any]) -> None:
        for name, value in changes.items():
            setattr(self.state, name, value)
        save_state(_NAME, self.state.to_record())

    def _show(self) -> None:
        self.view.show_state(self.state, is_stack=self._is_stack)

    def _take_layer(self, layer: Image | None) -> None:
        """Read what a layer is when it is picked, so that the button tells beforehand why it cannot run."""
        blocked, self._is_stack = "", False
        if layer is not None:
            try:
                self._is_stack = read_frames(layer).is_stack
            except EmRestoreError as error:
                blocked = str(error)
        self.state.layer = "" if layer is None else layer.name
        self.state.unusable = blocked
        self._show()

    def _measure(self, layer: Image) -> None:
        try:
            frames, first = self._in_view(layer)
        except EmRestoreError as error:
            self.view.degradation.facts.setText(str(error))
            return
        name = layer.name
        self.view.degradation.facts.setText(f"Measuring {name} …")
        self.measuring.start(
            f"Measuring the noise of {name}",
            lambda monitor: (work.measure(frames.data, first, frames.is_stack, monitor), name),
        )

    def _probe(self) -> None:
        state = self.state
        order = work.ProbeOrder(
            state.probes, state.models, state.degradation(), state.size_px, _preferred_place()
        )
        self.view.scores.clear()
        self.sheet.begin()
        self.probing.start("Probing", order.run)

    def _show_report(self, report: ProbeReport) -> None:
        self.sheet.add(report)
        self.view.scores.add(report)

    def _end_probing(self, count: int) -> None:
        self.view.run.say(f"{count} {'restoration' if count == 1 else 'restorations'} judged.")
        self._viewer.reset_view()

    def _save(self) -> None:
        """Ask for a folder and write what is shown into it."""
        folder = QFileDialog.getExistingDirectory(self, "Folder for tables and pictures")
        if folder:
            self.save_reports(folder)

    def save_reports(self, folder: str) -> None:
        """Write the reports that are shown into a folder, as `probes.write_reports` does."""
        reports = self.view.scores.reports
        self.saving.start("Saving probes", lambda monitor: work.save(reports, folder, monitor))

    def _show_where(self, report: ProbeReport, score: Score) -> None:
        self.sheet.show_where(report, score)

    def _inject(self) -> None:
        layer = self.view.injection.layer.layer
        if layer is None:
            return
        try:
            frames, first = self._in_view(layer)
        except EmRestoreError as error:
            self.view.inject.say(str(error))
            return
        state, field = self.state, _central(visible_field(layer))
        order = work.InjectionOrder(
            frames.data,
            first,
            state.burst if frames.is_stack else 1,
            field,
            state.model,
            state.pattern,
            numbers(state.periods_px),
            numbers(state.contrasts),
            state.blur_px,
            _preferred_place(),
        )
        self._injected = layer, state.model, (field[0], field[2])
        self.view.transfers.clear()
        self.injecting.start(f"Adding patterns to {layer.name}", order.run)

    def _show_injection(self, report: InjectionReport) -> None:
        if self._injected is None:
            return
        layer, model, origin_px = self._injected
        add_injection(self._viewer, report, layer, model, origin_px)
        self.view.transfers.show_report(report)
        self.view.inject.say("")

    def _in_view(self, layer: Image) -> tuple[LayerFrames, int]:
        """Return a layer's frames at the other sliders' positions, and which of them is in view."""
        point = self._viewer.dims.point[-layer.ndim :]
        place = np.rint(layer.world_to_data(point)[: layer.ndim - 2]).astype(int)
        frames = read_frames(layer, at=[int(step) for step in place[:-1]])
        first = int(np.clip(place[-1], 0, frames.data.shape[0] - 1)) if frames.is_stack else 0
        return frames, first


def _keep_known(state: ProbeState, models: Mapping[str, str]) -> None:
    """Let go of chosen models that are not there."""
    state.models = tuple(name for name in state.models if name in models)
    if state.model not in models:
        state.model = next(iter(models))


def _central(field: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
    """Return the middle of a field, at most 512 px wide, for an answer within seconds."""
    y0, y1, x0, x1 = field
    rows, columns = min(y1 - y0, _FIELD_PX), min(x1 - x0, _FIELD_PX)
    y, x = (y0 + y1 - rows) // 2, (x0 + x1 - columns) // 2
    return y, y + rows, x, x + columns


def _preferred_place() -> work.Place:
    preferences = read_preferences()
    return work.Place(preferences.device, preferences.precision)
