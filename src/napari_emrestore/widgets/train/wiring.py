"""The train dock: what a click starts, and where its outcome goes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from napari_emrestore.core import EmRestoreError, InputError
from napari_emrestore.models import list_models, models_folder
from napari_emrestore.training import bundled_recipes, read_recipe
from napari_emrestore.training.adapting import is_made_here
from napari_emrestore.training.stopped import forget_run, stopped_runs
from napari_emrestore.widgets.jobs import Jobs
from napari_emrestore.widgets.layers import read_frames
from napari_emrestore.widgets.lifetime import is_alive
from napari_emrestore.widgets.model_news import NEWS, tell
from napari_emrestore.widgets.preferences import load_state, read_preferences, save_state
from napari_emrestore.widgets.run_bar import duration
from napari_emrestore.widgets.train import orders, work
from napari_emrestore.widgets.train.pausing import Pause, PausingMonitor
from napari_emrestore.widgets.train.state import TrainState
from napari_emrestore.widgets.train.view import TrainView

if TYPE_CHECKING:
    import napari.viewer
    from napari.layers import Image
    from qtpy.QtGui import QHideEvent

    from napari_emrestore.io import FrameStack
    from napari_emrestore.restoration.calibration import Calibration

_NAME = "train"
_LEAST_WIDTH_PX = 280
_CURVES = {
    "adapt": "Squared error on pixels kept aside",
    "teach": "SSIM on samples kept aside",
    "recipe": "SSIM on images kept aside",
}
_LOSS = "Training loss"
_GOES_ON = "A run of this name was stopped: with the same settings it goes on where it was."


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
        self._looks: list[orders.Look] = []
        self._losses: list[orders.Loss] = []
        self._running_task = self.state.task
        self._made = ""
        self._is_stack, self._mine = False, set[str]()
        self._source: Image | None = None
        self.setMinimumWidth(_LEAST_WIDTH_PX)
        # otherwise napari pushes the dock's content together with a stretch of its own
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.view)
        self._connect()
        self._list_models()
        self._show_recipe()
        self._propose_name()
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
        view.anew.clicked.connect(self._forget)
        view.outcome.use.clicked.connect(self._use)
        view.outcome.remove.clicked.connect(lambda: self._remove(self._made))
        view.model.remove.clicked.connect(lambda: self._remove(self.state.model))
        self.state.events.connect(lambda _: self._judge())
        self.state.events.task.connect(lambda _: self._list_models())
        self.state.events.recipe.connect(self._show_recipe)
        view.model.data.entered.connect(self._look_into_folder)
        self.runs.part.connect(self._show_part)
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
        self._mine = {card.id for card in cards if is_made_here(card)}
        # an untrained network can be taught, but has nothing to adapt
        ready = [card for card in cards if card.weights is not None or self.state.task == "teach"]
        self.view.model.fill_models(ready)
        self._list_stopped()

    def _list_stopped(self) -> None:
        self.state.stopped = tuple(stopped_runs(models_folder()))
        self._judge()

    def _show_recipe(self, name: str = "") -> None:
        """Show what a recipe is; one that was just chosen brings its number of steps."""
        recipe = read_recipe(bundled_recipes()[self.state.recipe])
        self.view.model.about.setText(work.recipe_text(recipe))
        if name or self.state.recipe_steps == 0:
            self.state.recipe_steps = recipe.optimiser.steps
        self._look_into_folder()

    def _look_into_folder(self, path: str = "") -> None:
        recipe = read_recipe(bundled_recipes()[self.state.recipe])
        self.state.lacking = work.lacking(recipe, self.state.data_folder)

    def _propose_name(self) -> None:
        """Put the next free name where the one there is belongs to a model."""
        self.view.model.name.setText(self.state.free_name())

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
        self.view.frames.show_rows(state, is_stack=self._is_stack)
        self.view.model.show_removal(offered=state.task != "recipe" and state.model in self._mine)
        self._allow()

    def _allow(self, event: Any = None) -> None:
        reason = self.state.obstacle()
        self.view.run.allow("Noise is being measured." if self.measuring.running else reason)
        goes_on = not self.runs.running and not reason and self.state.goes_on
        if not self.runs.running:
            self.view.run.say(_GOES_ON if goes_on else reason)
        self.view.anew.setVisible(goes_on)
        nothing = "" if self.state.count else "Open your frames first, or pick them above."
        self.view.camera.run.allow("A model is being made." if self.runs.running else nothing)
        self.view.pause.setVisible(self.runs.running)

    # running

    def _start(self) -> None:
        if self.state.obstacle():
            return
        save_state(_NAME, self.state.to_record())
        try:
            order = self._order()
        except EmRestoreError as error:
            self.view.run.say(str(error))
            return
        self._looks, self._losses, self._made = [], [], ""
        self._source = None if self.state.uses_folders else self.view.frames.layer.layer
        self._running_task = self.state.task
        self._show_looks()
        self.view.outcome.show_outcome("", "")
        self.view.pause.setChecked(False)
        pause = self._pause
        self.runs.start(f"Making {self.state.new_id}", lambda m: order.run(PausingMonitor(m, pause)))

    def _order(self) -> orders.AdaptOrder | orders.TeachOrder | orders.RecipeOrder:
        state, device = self.state, read_preferences().device
        if state.task == "recipe":
            return orders.RecipeOrder(state.recipe, state.data_folder, state.name, state.recipe_steps, device)
        if state.task == "adapt":
            stack = _stack(self.view.frames.layer.layer)
            settings = orders.adapt_settings(state, len(stack))
            return orders.AdaptOrder(stack, state.model, state.name, settings, state.noise, device)
        burst = state.burst if state.meaning != "single" else 1
        return orders.TeachOrder(
            state.frames_folder if state.uses_folders else _stack(self.view.frames.layer.layer, burst),
            state.clean_folder or _stack(self.view.truth.layer.layer),
            state.teaching,
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
        self._list_stopped()

    def _forget(self) -> None:
        forget_run(self.state.new_id, models_folder())
        self._list_stopped()

    def _show_part(self, part: orders.Look | orders.Loss) -> None:
        if isinstance(part, orders.Look):
            self._looks.append(part)
        else:
            self._losses.append(part)
        self._show_looks()

    def _show_looks(self) -> None:
        points = [(float(look.step), look.value) for look in self._looks]
        task = self._running_task
        self.view.curve.show_points(points, _CURVES[task], higher_is_better=task != "adapt")
        losses = [(float(loss.step), loss.value) for loss in self._losses]
        self.view.loss.show_points(losses, _LOSS)
        self.view.crops.show_images(self._looks[-1].images if self._looks else {})

    def _show_outcome(self, made: orders.Made) -> None:
        card, took = made.card, f"It took {duration(made.seconds)}."
        if card is None:
            self.view.outcome.show_outcome(f"{made.text} {took}", "")
            self.view.run.say("")
            return
        self._made = card.id
        head = f"{card.id} is made and in every model menu."
        place = f"Its card and weights are in {models_folder()}."
        self.view.outcome.show_outcome(f"{head} {made.text} {took} {place}", card.id)
        tell()
        self._propose_name()

    # what can be done with it

    def _use(self) -> None:
        """Open the restore dock with the new model and the frames it was fitted to."""
        from napari_emrestore.widgets.restore import RestoreDock

        source = self._source if self._source in self._viewer.layers else None
        RestoreDock.offer(self._viewer, self._made, source)

    def _remove(self, model_id: str) -> None:
        from napari_emrestore.training.adapting import undo

        try:
            card = undo(model_id, models_folder())
        except EmRestoreError as error:
            self.view.outcome.show_outcome(str(error), "")
            return
        base = card.training.get("adapted_from")
        kept = f"; {base} is as it always was" if base else ""
        self.view.outcome.show_outcome(f"{model_id} was removed{kept}.", "")
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


def _stack(layer: Image | None, most: int | None = None) -> FrameStack:
    """Return the frames of a layer, or the first of them."""
    from napari_emrestore.io import FrameStack

    if layer is None:
        raise InputError("Frames come from a layer", came="none is chosen")
    frames = read_frames(layer)
    return FrameStack.from_array(frames.data[:most], frames.acquisition)
