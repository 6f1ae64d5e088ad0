"""The train dock: what a click starts, and where its outcome goes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from napari_emrestore.core import EmRestoreError, InputError
from napari_emrestore.models import list_models, models_folder
from napari_emrestore.widgets.jobs import Jobs
from napari_emrestore.widgets.layers import read_frames
from napari_emrestore.widgets.lifetime import is_alive
from napari_emrestore.widgets.model_news import NEWS, tell
from napari_emrestore.widgets.preferences import load_state, read_preferences, save_state
from napari_emrestore.widgets.run_bar import duration
from napari_emrestore.widgets.train import work
from napari_emrestore.widgets.train.pausing import Pause, PausingMonitor
from napari_emrestore.widgets.train.state import TrainState
from napari_emrestore.widgets.train.view import TrainView

if TYPE_CHECKING:
    import napari.viewer
    from napari.layers import Image
    from qtpy.QtGui import QHideEvent

    from napari_emrestore.io import FrameStack
    from napari_emrestore.restoration.calibration import Calibration
    from napari_emrestore.training.adapting import Adaptation
    from napari_emrestore.training.teaching import Taught
    from napari_emrestore.widgets.layers import LayerFrames

_NAME = "train"
_LEAST_WIDTH_PX = 280
_CURVES = {
    "adapt": "Squared error on pixels kept aside",
    "teach": "SSIM on samples kept aside",
}


class TrainDock(QWidget):
    """Fits models to a person's own frames, with and without ground truth.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Where layers come from.
    """

    def __init__(self, viewer: napari.viewer.Viewer, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self.state = TrainState()
        self.state.restore_record(load_state(_NAME))
        self.runs, self.measuring = Jobs(self), Jobs(self)
        self._pause = Pause()
        self.view = TrainView(viewer, self.state, self.runs, self.measuring)
        self._looks: list[work.Look] = []
        self._running_task = self.state.task
        self._made = self._used = ""
        self._is_stack = False
        self._source: Image | None = None
        self.setMinimumWidth(_LEAST_WIDTH_PX)
        # otherwise napari pushes the dock's content together with a stretch of its own
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.view)
        self._connect()
        self._list_models()
        self.view.model.fill_noise(work.kept_cameras())
        self._describe()

    def hideEvent(self, event: QHideEvent | None) -> None:
        """Keep what is set when the dock is closed."""
        save_state(_NAME, self.state.to_record())
        super().hideEvent(event)

    def _connect(self) -> None:
        view = self.view
        view.tasks.currentChanged.connect(lambda _: setattr(self.state, "task", view.task))
        view.frames.layer.picked.connect(self._describe)
        view.truth.layer.picked.connect(self._describe)
        view.run.asked.connect(self._start)
        view.pause.toggled.connect(self._hold)
        view.camera.asked.connect(self._calibrate)
        view.outcome.use.clicked.connect(self._use)
        view.outcome.remove.clicked.connect(self._remove)
        self.state.events.connect(lambda _: self._judge())
        self.state.events.task.connect(lambda _: self._list_models())
        self.runs.part.connect(self._show_look)
        self.runs.succeeded.connect(self._show_outcome)
        self.runs.started.connect(self._allow)
        self.runs.ended.connect(self._end)
        self.runs.cancelled.connect(self._tell_of_resuming)
        self.measuring.succeeded.connect(self._show_camera)
        self.measuring.ended.connect(self._allow)
        NEWS.changed.connect(self._list_models)

    # what is there

    def _list_models(self) -> None:
        # the news outlives the dock
        if not is_alive(self):
            return
        cards = list_models()
        self.state.taken = tuple(card.id for card in cards)
        # an untrained network can be taught, but has nothing to adapt
        ready = [card for card in cards if card.weights is not None or self.state.task == "teach"]
        self.view.model.fill_models(ready)
        self._judge()

    def _describe(self, event: Any = None) -> None:
        """Show what the chosen layers hold."""
        if not is_alive(self):
            return
        text, is_stack, self.state.fault = "", False, ""
        layer, clean = self.view.frames.layer.layer, self.view.truth.layer.layer
        counts = [0, 0]
        for place, one in enumerate((layer, clean)):
            if one is None:
                continue
            try:
                frames = read_frames(one)
            except EmRestoreError as error:
                self.state.fault = str(error)
                continue
            counts[place] = len(frames.data)
            if place == 0:
                text, is_stack = frames.text, frames.is_stack
        self.state.count, self.state.clean_count = counts
        self.view.frames.axes.setText(text)
        self._is_stack = is_stack
        self._judge()

    def _judge(self) -> None:
        """Show what follows from what is set."""
        state = self.state
        self.view.show_task(state.task)
        self.view.frames.show_rows(is_stack=self._is_stack, in_bursts=state.meaning != "single")
        self._allow()

    def _allow(self, event: Any = None) -> None:
        reason = self.state.obstacle()
        self.view.run.allow("Noise is being measured." if self.measuring.running else reason)
        if not self.runs.running:
            self.view.run.say(reason)
        self.view.camera.run.allow(
            "A model is being made."
            if self.runs.running
            else ""
            if self.state.count
            else "Open your frames first, or pick them above."
        )
        self.view.pause.setVisible(self.runs.running)

    # running

    def _start(self) -> None:
        layer = self.view.frames.layer.layer
        if layer is None or self.state.obstacle():
            return
        save_state(_NAME, self.state.to_record())
        try:
            order = self._order(layer)
        except EmRestoreError as error:
            self.view.run.say(str(error))
            return
        self._looks, self._made, self._used = [], "", self.state.model
        self._source, self._running_task = layer, self.state.task
        self._show_looks()
        self.view.outcome.show_outcome("", "")
        self.view.pause.setChecked(False)
        pause = self._pause
        self.runs.start(f"Making {self.state.new_id}", lambda m: order.run(PausingMonitor(m, pause)))

    def _order(self, layer: Image) -> work.AdaptOrder | work.TeachOrder:
        state, device = self.state, read_preferences().device
        stack = _stack(read_frames(layer))
        if state.task == "adapt":
            settings = work.adapt_settings(state, len(stack))
            return work.AdaptOrder(stack, state.model, state.name, settings, state.noise, device)
        clean = self.view.truth.layer.layer
        if clean is None:
            raise InputError("Teaching needs a clean image", came="none is chosen")
        return work.TeachOrder(
            stack,
            _stack(read_frames(clean)),
            state.teaching,
            state.burst if state.meaning != "single" else 1,
            state.model,
            state.name,
            state.teach_steps,
            state.noise,
            device,
        )

    def _hold(self, on: bool) -> None:
        self._pause.set(on)
        self.view.pause.setText("Go on" if on else "Pause")

    def _end(self) -> None:
        self.view.pause.setChecked(False)
        self.view.pause.hide()
        self.view.camera.run.allow()

    def _tell_of_resuming(self) -> None:
        self.view.run.say("Stopped. Start again with the same settings to go on where it was.")

    def _show_look(self, look: work.Look) -> None:
        self._looks.append(look)
        self._show_looks()

    def _show_looks(self) -> None:
        points = [(float(look.step), look.value) for look in self._looks]
        task = self._running_task
        self.view.curve.show_points(points, _CURVES[task], higher_is_better=task == "teach")
        self.view.crops.show_images(self._looks[-1].images if self._looks else {})

    def _show_outcome(self, made: Adaptation | Taught) -> None:
        card = made.card
        text = work.outcome_text(made)
        took = f"It took {duration(made.seconds)}."
        self._made = "" if card is None else card.id
        head = f"The weights of {self._used} stay." if card is None else f"{card.id} is in every model menu."
        self.view.outcome.show_outcome(f"{head} {text} {took}", self._made)
        self.view.run.say("")
        if card is not None:
            tell()

    # what can be done with it

    def _use(self) -> None:
        """Open the restore dock with the new model and the frames it was fitted to."""
        from napari_emrestore.widgets.restore import RestoreDock

        source = self._source if self._source in self._viewer.layers else None
        RestoreDock.offer(self._viewer, self._made, source)

    def _remove(self) -> None:
        from napari_emrestore.training.adapting import undo

        try:
            undo(self._made, models_folder())
        except EmRestoreError as error:
            self.view.outcome.show_outcome(str(error), "")
            return
        self.view.outcome.show_outcome(f"{self._made} was removed; {self._used} is as it always was.", "")
        self._made = ""
        tell()

    # the camera

    def _calibrate(self) -> None:
        layer, dark = self.view.frames.layer.layer, self.view.camera.dark.layer
        if layer is None:
            return
        try:
            frames = read_frames(layer)
            blank = None if dark is None else read_frames(dark).data
        except EmRestoreError as error:
            self.view.camera.run.say(str(error))
            return
        camera = self.view.camera.name.text().strip()
        self.measuring.start(
            f"Measuring the noise of {layer.name}",
            lambda monitor: work.calibrate(frames, blank, camera, monitor),
        )

    def _show_camera(self, found: Calibration) -> None:
        self.view.camera.run.say("")
        self.view.camera.found.setText(work.camera_text(found))
        self.state.noise = found.camera
        self.view.model.fill_noise(work.kept_cameras())
        tell()


def _stack(frames: LayerFrames) -> FrameStack:
    from napari_emrestore.io import FrameStack

    return FrameStack.from_array(frames.data, frames.acquisition)
