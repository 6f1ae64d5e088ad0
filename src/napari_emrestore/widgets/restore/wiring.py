"""The restore dock: what a click starts, and where its outcome goes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from qtpy.QtWidgets import QFileDialog, QSizePolicy, QVBoxLayout, QWidget

from napari_emrestore.core import EmRestoreError, InputError
from napari_emrestore.pipeline.canvas import fits_in_memory
from napari_emrestore.pipeline.guard import InputFacts, advise, measure_input
from napari_emrestore.widgets.jobs import Jobs
from napari_emrestore.widgets.layers import read_frames
from napari_emrestore.widgets.lifetime import is_alive
from napari_emrestore.widgets.model_news import NEWS
from napari_emrestore.widgets.preferences import read_preferences, save_state
from napari_emrestore.widgets.restore import work
from napari_emrestore.widgets.restore.choices import list_choices
from napari_emrestore.widgets.restore.looking import Looking, settling_timer
from napari_emrestore.widgets.restore.orders import LayerWatch, Order, autosave_path, take_order
from napari_emrestore.widgets.restore.showing import ResultLayers
from napari_emrestore.widgets.restore.starting import take_up, usual_model
from napari_emrestore.widgets.restore.state import RestoreState
from napari_emrestore.widgets.restore.view import RestoreView
from napari_emrestore.widgets.run_bar import duration

if TYPE_CHECKING:
    from collections.abc import Sequence

    import napari.viewer
    from napari.layers import Image
    from psygnal import EmissionInfo
    from qtpy.QtGui import QHideEvent

    from napari_emrestore.pipeline import RunSettings
    from napari_emrestore.restoration import Device

_NAME = "restore"
_PLUGIN, _MENU_NAME = "napari-emrestore", "Restore images"
_ALIGNING = ("meaning", "kind", "reference", "reference_frame")
_DESCRIBING = ("scale", "units", "axis_labels")
_LIVE_PX = 1 << 22
_LEAST_WIDTH_PX = 280


class RestoreDock(QWidget):
    """Restores image layers: align, choose frames and a model, preview, run.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Where layers come from and go to.
    """

    def __init__(self, viewer: napari.viewer.Viewer, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        trained, classical = list_choices()
        self._choices = {choice.id: choice for choice in (*trained, *classical)}
        self._cards = [choice.card for choice in trained if choice.card is not None]
        self.state = RestoreState()
        take_up(self.state, self._choices, _NAME)
        self.checks, self.previews, self.runs = Jobs(self), Jobs(self), Jobs(self)
        self._measuring, self.listing = Jobs(self, quiet=True), Jobs(self)
        self.view = RestoreView(
            viewer, self.state, (trained, classical), self.checks, self.previews, self.runs
        )
        self.layers = ResultLayers(viewer, self)
        self._shelf = work.Shelf()
        self.looking = Looking(
            self.view,
            self.state,
            self.layers,
            self._shelf,
            self._take_order,
            self.checks,
            self.previews,
            self,
        )
        self._version = 0
        self._order: Order | None = None
        self._facts: InputFacts | None = None
        self._timed: tuple[RunSettings, float] | None = None
        self._input_fault = self._reason = ""
        self._watch = LayerWatch({"data": self._new_input, **dict.fromkeys(_DESCRIBING, self._describe)})
        self._settled = settling_timer(self)
        self.setMinimumWidth(_LEAST_WIDTH_PX)
        # otherwise napari pushes the dock's content together with a stretch of its own
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.view)
        self._connect()
        self._show_choice()
        self._new_input()

    @classmethod
    def offer(cls, viewer: napari.viewer.Viewer, model_id: str, layer: Image | None = None) -> RestoreDock:
        """Return the restore dock of a viewer, opened if it was not, with a model and an input chosen.

        Parameters
        ----------
        viewer : napari.viewer.Viewer
            With a window.
        model_id : str
            Of the menu.
        layer : Image, optional
            The input; ``None`` leaves it as it is.
        """
        docked = [widget for widget in viewer.window.dock_widgets.values() if isinstance(widget, cls)]
        dock = docked[0] if docked else viewer.window.add_plugin_dock_widget(_PLUGIN, _MENU_NAME)[1]
        holder = dock.parentWidget()
        if holder is not None:
            holder.show()
            holder.raise_()
        dock.choose(model_id, layer)
        return dock

    def choose(self, model_id: str, layer: Image | None = None) -> None:
        """Choose a model and, if given, the input.

        Raises
        ------
        InputError
            If there is no such model.
        """
        if model_id not in self._choices:
            raise InputError(
                "The restore dock offers the models of the catalogue",
                item=model_id,
                came="is none of them",
                remedy="Put its card into the models folder and open the dock again.",
            )
        if layer is not None:
            self.view.input.layer.pick(layer)
        self.state.model = model_id

    def preview_at_cursor(self) -> None:
        """Preview the visible field around the cursor, as far as previews reach; for a key or a command."""
        layer = self.view.input.layer.layer
        if layer is not None and not self.state.obstacle() and not self.runs.running:
            y, x = layer.world_to_data(self._viewer.cursor.position[-layer.ndim :])[-2:]
            self.looking.preview_around(float(y), float(x))

    def apply_settings(self, settings: RunSettings, layer: Image | None = None) -> None:
        """Set everything to what an earlier run was told; nothing runs yet.

        Raises
        ------
        InputError
            If its model is not there.
        """
        self.choose(settings.model, layer)
        self.state.take(settings)

    def hideEvent(self, event: QHideEvent | None) -> None:
        """Keep what is set when the dock is closed."""
        self._keep()
        super().hideEvent(event)

    def _connect(self) -> None:
        view = self.view
        view.input.layer.picked.connect(self._new_input)
        view.input.truth.picked.connect(self._describe)
        view.model.picked.connect(self._pick_model)
        view.computer.device.wanted.connect(self._list_devices)
        view.run.asked.connect(self._run)
        self.state.events.connect(self._changed)
        self._settled.timeout.connect(self._keep)
        self.looking.timed.connect(self._show_timed)
        NEWS.changed.connect(self._list_models)
        self._measuring.succeeded.connect(self._show_facts)
        self.listing.succeeded.connect(self._show_devices)
        self.runs.part.connect(self._show_live)
        self.runs.succeeded.connect(self._show_result)
        self.runs.failed.connect(self.layers.drop_live)
        self.runs.cancelled.connect(self.layers.drop_live)
        for jobs in (self.checks, self.previews, self.runs):
            jobs.started.connect(self._allow)
            jobs.ended.connect(self._allow)

    # the input

    def _new_input(self, event: Any = None) -> None:
        """Forget all about the former input."""
        # a layer outlives the dock, which it may call after Qt has deleted it
        if not is_alive(self):
            return
        self._version += 1
        self._watch.follow(self.view.input.layer.layer)
        self._facts = self._timed = None
        self.state.decisions = {}
        self.looking.forget()
        self._follow_labels()
        self._describe()
        order = self._take_order(quiet=True)
        if order is not None:
            self._measuring.start("looking at the input", lambda _: measure_input(order.stack))

    def _follow_labels(self) -> None:
        """Take a layer that calls its frames sections as such; a person may correct it."""
        layer = self.view.input.layer.layer
        label = layer.axis_labels[-3].lower() if layer is not None and layer.ndim >= 3 else ""
        if label == "z":
            self.state.meaning = "z"
        elif label and self.state.meaning == "z":
            self.state.meaning = "time"

    def _describe(self, event: Any = None) -> None:
        """Show the axes of the input and which rows matter."""
        if not is_alive(self):
            return
        layer, truth = self.view.input.layer.layer, self.view.input.truth.layer
        text, count, is_stack = "", 0, False
        if layer is not None:
            try:
                frames = read_frames(layer, frame_axis=self.state.frame_axis)
                text, count, is_stack = frames.text, len(frames.data), frames.is_stack
            except InputError as error:
                text = str(error)
        self._input_fault = text if layer is not None and count == 0 else ""
        self.view.input.show_input(
            text, frames=count, is_stack=is_stack, truth_is_one=truth is not None and truth.ndim == 2
        )
        if is_stack:
            self.view.burst.limit(count)
        self.state.count = count
        self._judge()

    def _show_facts(self, facts: InputFacts) -> None:
        self._facts = facts
        self._judge()

    # what was set

    def _list_models(self) -> None:
        """Offer the models that there are now; one that is gone gives way to the usual one."""
        if not is_alive(self):  # the news outlives the dock
            return
        trained, classical = list_choices()
        self._choices = {choice.id: choice for choice in (*trained, *classical)}
        self._cards = [choice.card for choice in trained if choice.card is not None]
        self.view.model.fill(trained, classical)
        self.view.computer.fill_noise()
        self._shelf.restorers.clear()
        if self.state.model in self._choices:
            self._show_choice()
        else:
            self.state.model = usual_model(self._choices)

    def _pick_model(self, model_id: str) -> None:
        if model_id in self._choices:
            self.state.model = model_id

    def _show_choice(self) -> None:
        choice = self._choices[self.state.model]
        self.state.taken, self.state.tells_error = choice.frames, choice.tells_error
        self.view.model.show_choice(choice)

    def _changed(self, info: EmissionInfo) -> None:
        name = info.signal.name
        if name == "model":
            self._show_choice()
        if name in _ALIGNING:
            self.looking.forget()
        if name == "meaning":
            self._describe()
        if name == "frames" and not self.runs.running:
            self.looking.length_changed()
        self._settled.start()
        self._judge()

    def _judge(self) -> None:
        """Show what follows from what is set: parts, warnings, time, and whether it can run."""
        state, choice = self.state, self._choices[self.state.model]
        state.fault = self._input_fault or choice.obstacle
        self.view.show_bursts(
            several=state.count > 1 and state.meaning in ("time", "aligned"),
            aligned=state.meaning == "aligned",
        )
        if self._facts is not None and not state.fault:
            self.view.model.show_advice(advise(choice.card, self._facts, state.burst, self._cards))
        else:
            self.view.model.warn(choice.obstacle)
        self._show_time()
        self._allow()

    def _show_time(self) -> None:
        text = "Time: a preview measures it."
        if self._timed is not None and self._timed[0] == self.state.settings(self._timed[0].input):
            text = f"Time: about {duration(self._timed[1])} for the whole run, by the preview's speed."
        self.view.model.expected.setText(text)

    def _show_timed(self, settings: RunSettings, seconds: float) -> None:
        self._timed = settings, seconds
        self._show_time()

    def _allow(self) -> None:
        """Enable what may be started now."""
        reason = self.state.obstacle()
        busy = {
            "Frames are being checked.": self.checks,
            "A preview is being made.": self.previews,
            "A run is going on.": self.runs,
        }
        for bar, own in (
            (self.view.burst.check, self.checks),
            (self.view.preview, self.previews),
            (self.view.run, self.runs),
        ):
            others = [text for text, jobs in busy.items() if jobs is not own and jobs.running]
            bar.allow(" ".join(others) or reason)
        if not any(jobs.running for jobs in busy.values()):
            self.view.run.say(reason) if reason else self._unsay()
        self._reason = reason

    def _unsay(self) -> None:
        """Take away a reason that does not hold any more, but nothing else that was said."""
        if self._reason and self.view.run.label.text() == self._reason:
            self.view.run.say("")

    def _keep(self) -> None:
        save_state(_NAME, self.state.to_record())

    def _list_devices(self) -> None:
        from napari_emrestore.restoration import list_devices

        self.listing.start("looking for devices", lambda _: list_devices())

    def _show_devices(self, devices: Sequence[Device]) -> None:
        self.view.computer.device.fill(
            {device.name: f"{device}, {device.free_bytes / 2**30:.1f} GiB free" for device in devices}
        )

    # running

    def _run(self) -> None:
        self.view.scores.clear()
        order = self._take_order()
        if order is None:
            return
        order = self._with_place(order)
        if order is None:
            self.view.run.say("The result does not fit into memory; it needs a Zarr image to go to.")
            return
        self._order = order
        self._keep()
        pyramid_px, shelf = read_preferences().pyramid_px, self._shelf
        self.runs.start(order.name, lambda m: work.run(order, shelf, pyramid_px, _LIVE_PX, m))

    def _with_place(self, order: Order) -> Order | None:
        """Return the order with a place on disk if it needs or wants one; ``None`` if none is given."""
        path = autosave_path(order, read_preferences())
        if not fits_in_memory(work.result_shape(order), 1 + order.settings.expected_error):
            path = self.ask_for_place(order)
            if not path:
                return None
            path = path if path.endswith(".zarr") else f"{path}.zarr"
        return replace(order, settings=replace(order.settings, output=path or None))

    def ask_for_place(self, order: Order) -> str:
        """Return where a result that is larger than memory goes, asked of the person; empty if nowhere."""
        title = f"{order.name} does not fit into memory: where shall it go?"
        return str(QFileDialog.getSaveFileName(self, title, f"{order.name}.zarr", "Zarr image (*.zarr)")[0])

    def _show_live(self, canvas: work.LiveCanvas) -> None:
        if self._order is not None:
            self.layers.start_live(self._order, canvas, read_preferences().pyramid_px)

    def _show_result(self, done: work.Finished) -> None:
        order = self._order
        if order is None:
            return
        layer = self.layers.finish(order, done)
        made = done.result.restoration.provenance
        notes = " ".join(f"{text[0].upper()}{text[1:]}." for text in made.notes)
        saved = "" if done.result.output is None else f" Saved to {done.result.output}."
        took = duration(done.result.seconds)
        told = "" if done.error is None else " Its expected error lies under it."
        self.view.run.say(f"{layer.name}: {took} on {made.device}.{told}{saved} {notes}".strip())
        if done.truth_range is not None:
            self.view.scores.show_scores(done.result.windows, "the ground truth", done.truth_range)

    def _take_order(self, *, quiet: bool = False) -> Order | None:
        """Return what is to be done with the input now, or say why nothing can be."""
        layer = self.view.input.layer.layer
        if layer is None:
            return None
        try:
            return take_order(self._viewer, layer, self.view.input.truth.layer, self.state, self._version)
        except EmRestoreError as error:
            if not quiet:
                self.view.run.say(str(error))
            return None
