"""The live dock: what a click starts, and where its outcome goes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from napari_emrestore.cameras import list_cameras
from napari_emrestore.core import EmRestoreError
from napari_emrestore.pipeline.guard import InputFacts, advise
from napari_emrestore.widgets.jobs import Jobs
from napari_emrestore.widgets.lifetime import is_alive
from napari_emrestore.widgets.live.looking import LiveLooking
from napari_emrestore.widgets.live.pictures import RESTORED, TRUTH, KnowsTruth
from napari_emrestore.widgets.live.record_desk import RecordDesk
from napari_emrestore.widgets.live.region_drawing import RegionDrawing
from napari_emrestore.widgets.live.session import Opened, Session
from napari_emrestore.widgets.live.showing import LiveLayers
from napari_emrestore.widgets.live.snapshots import add_snapshot
from napari_emrestore.widgets.live.state import LiveState
from napari_emrestore.widgets.live.steering import CameraSteering
from napari_emrestore.widgets.live.view import LiveView
from napari_emrestore.widgets.live.watching import StatusWatch
from napari_emrestore.widgets.model_news import NEWS
from napari_emrestore.widgets.preferences import load_state, read_preferences, save_state
from napari_emrestore.widgets.restore.choices import list_choices
from napari_emrestore.widgets.restore.looking import settling_timer
from napari_emrestore.widgets.restore.starting import usual_model

if TYPE_CHECKING:
    from collections.abc import Collection

    import napari.viewer
    from napari.layers import Image
    from psygnal import EmissionInfo
    from qtpy.QtGui import QHideEvent

    from napari_emrestore.pipeline.live_counters import LiveCounters
    from napari_emrestore.pipeline.live_settings import LiveSettings
    from napari_emrestore.widgets.jobs import Step
    from napari_emrestore.widgets.live.lamps import Level
    from napari_emrestore.widgets.live.pictures import Picture

_NAME = "live"
_STEERING = ("restore", "model", "frames", "kind", "roi")
_LEAST_WIDTH_PX = 280


class LiveDock(QWidget):
    """Watches a camera: raw and restored view, snapshots, recordings.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Gets the layers.
    """

    def __init__(self, viewer: napari.viewer.Viewer, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        cameras = list_cameras()
        trained, classical = list_choices()
        self._choices = {choice.id: choice for choice in (*trained, *classical)}
        self._cards = [choice.card for choice in trained if choice.card is not None]
        self.state = LiveState()
        _take_up(self.state, self._choices, {row.name for row in cameras})
        self.sessions = Jobs(self, endless=True)
        self.view = LiveView(viewer, self.state, cameras, (trained, classical))
        self.layers = LiveLayers(viewer, self)
        self.looking = LiveLooking(viewer, self.layers, self.view.look.move_divider, self)
        self.desk = RecordDesk(self.view.record, self.state, self)
        self.watch = StatusWatch(self.view, self)
        self.steering = CameraSteering(self.view.source, self.state, self)
        self.region = RegionDrawing(viewer, self.view.look, self.state, self.layers, self)
        self._session: Session | None = None
        self._opened: Opened | None = None
        self._facts: InputFacts | None = None
        self._why_stopped = ""
        self._end_is_told = True
        self._settled = settling_timer(self)
        self.setMinimumWidth(_LEAST_WIDTH_PX)
        # otherwise napari pushes the dock's content together with a stretch of its own
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.view)
        self._farewell = _Farewell(self.looking)
        self._connect()
        self._show_choice()
        self._show_start()

    @property
    def opened(self) -> Opened | None:
        """The camera that runs and its line; None while none does."""
        return self._opened

    def start(self) -> None:
        """Open the camera that is set and show what it sees; harmless while one runs."""
        if self.sessions.running or self.state.why_not_start():
            return
        self._keep()
        self.state.roi = None  # a drawn region is taken again when the frame is known
        session = Session(self.state.camera, self.state.camera_values(), self._live_settings())
        self._session, self._facts = session, None
        self._why_stopped, self._end_is_told = "Stopped.", False
        self._expect()
        self.layers.begin(session.newest)
        self.view.say("")
        self.view.look.show_scores(None, "")
        self.view.numbers.clear()
        self.view.source.lock(True)
        self._say_opening("")
        self.sessions.start(f"Live: {self.state.camera}", session.run)
        self._show_start()

    def stop(self, why: str = "Stopped.") -> None:
        """Close the camera; a recording is completed first."""
        if self.sessions.running and not self.sessions.stopping:
            self._why_stopped = why
            self._leave_camera()
            self.sessions.cancel()
            self._show_start()

    def take_snapshot(self) -> list[Image]:
        """Add what is seen now as layers of their own; nothing before the first view."""
        if self.layers.shown is None:
            return []
        return add_snapshot(self._viewer, self.layers.shown, self.layers.layers)

    def hideEvent(self, event: QHideEvent | None) -> None:
        """Keep what is set when the dock is closed, and stop the camera when the whole window is."""
        self._keep()
        window = self.window()
        if event is not None and not event.spontaneous() and (window is None or not window.isVisible()):
            self.stop()
        super().hideEvent(event)

    def _connect(self) -> None:
        view = self.view
        view.start.clicked.connect(self._press_start)
        view.snapshot.clicked.connect(self.take_snapshot)
        view.source.typed.connect(self.state.type_in)
        self.steering.changed.connect(self._take_region)
        self.steering.told.connect(view.say)
        view.restore.model.picked.connect(self._pick_model)
        view.look.divider.valueChanged.connect(lambda _: self.looking.move(view.look.share))
        view.look.hold.pressed.connect(self.looking.hold_raw)
        view.look.hold.released.connect(self.looking.release)
        view.look.histogram.toggled.connect(self._show_histogram)
        self.state.events.connect(self._changed)
        NEWS.changed.connect(self._list_models)
        self.sessions.stepped.connect(self._show_step)
        self.sessions.part.connect(self._take_part)
        self.sessions.succeeded.connect(self._tell_end)
        self.sessions.failed.connect(lambda error: self._finish("bad", str(error)))
        self.sessions.cancelled.connect(lambda: self._finish("off", self._why_stopped))
        self.sessions.ended.connect(self._end)
        self.layers.drawn.connect(self._drawn)
        self.layers.changed.connect(self._look)
        self.layers.sized.connect(self.region.read)
        self.layers.sized.connect(self._look)  # the left side of a divider is a layer of its own
        self.layers.removed.connect(lambda name: self.stop(f"Stopped: layer {name!r} was removed."))
        self.layers.contrast_set.connect(lambda: setattr(self.state, "auto_contrast", False))
        self._settled.timeout.connect(self._keep)
        self.destroyed.connect(self._farewell.take)

    # the camera

    def _press_start(self) -> None:
        if self.sessions.running:
            self.stop()
        else:
            self.start()

    def _say_opening(self, note: str) -> None:
        self.view.lamps.show_idle("off", f"Opening camera {self.state.camera!r}: {note or 'please wait'} …")

    def _show_step(self, step: Step) -> None:
        if self._opened is None:
            self._say_opening(step.note)

    def _take_part(self, part: Any) -> None:
        if isinstance(part, InputFacts):
            self._facts = part
            self._judge()
        elif isinstance(part, Opened):
            self._opened = part
            self.view.look.truth.setEnabled(isinstance(part.camera, KnowsTruth))
            self.view.source.lock(True, part.camera.changeable)
            self.watch.begin(part)
            self.desk.begin(part)
            self.steering.begin(part)
            self._take_region()

    def _take_region(self) -> None:
        if self._opened is not None:
            self.region.begin(self._opened.camera.frame_shape)

    def _drawn(self, picture: Picture) -> None:
        """Count a picture that is on the screen, and show what belongs to it."""
        if self._session is not None:
            self._session.shown(picture)
        self.watch.take(picture)
        if self.looking.is_outdated():
            self._look()
        self.looking.drawn()
        self.view.snapshot.setEnabled(True)
        if picture.scores is not None or picture.truth is None:
            self.view.look.show_scores(picture.scores, picture.view.settings.model or "")

    def _tell_end(self, counters: LiveCounters) -> None:
        self._finish("off", f"The camera has come to its end after {counters.acquired} frames.")

    def _finish(self, level: Level, text: str) -> None:
        self._end_is_told = True
        self._leave_camera()
        self.view.lamps.show_idle(level, text)

    def _leave_camera(self) -> None:
        """Ask nothing more of the camera; what is seen stays."""
        self.watch.end()
        self.desk.end()
        self.steering.end()
        self.layers.end()
        self._opened = None

    def _end(self) -> None:
        if not self._end_is_told:
            self._finish("bad", "A fault of this plugin has ended it; napari shows where.")
        self._session = None
        self.view.source.lock(False)
        self.view.look.truth.setEnabled(True)
        self.view.restore.say_pace("")
        self._show_start()

    # what was set

    def _list_models(self) -> None:
        """Offer the models that there are now."""
        if not is_alive(self):  # the news outlives the dock
            return
        trained, classical = list_choices()
        self._choices = {choice.id: choice for choice in (*trained, *classical)}
        self._cards = [choice.card for choice in trained if choice.card is not None]
        self.view.restore.model.fill(trained, classical)
        if self.state.model not in self._choices:
            self.state.model = usual_model(self._choices)
        self.view.restore.model.show_choice(self._choices[self.state.model])

    def _pick_model(self, model_id: str) -> None:
        if model_id in self._choices:
            self.state.model = model_id

    def _changed(self, info: EmissionInfo) -> None:
        name = info.signal.name
        if name == "camera":
            self.view.source.show_camera()
        if name in _STEERING:
            self._steer()
        if name == "model":
            self._show_choice()
        if name == "look":
            self.view.look.show_look(self.state.look)
            self._look()
        if name in ("record_mode", "record_seconds"):
            self.desk.follow_mode()
        if name == "folder":
            self.desk.watch_disk()
        self._expect()
        self._settled.start()
        self._judge()
        self._show_start()

    def _live_settings(self) -> LiveSettings:
        preferences = read_preferences()
        return self.state.live_settings(preferences.device, preferences.precision)

    def _expect(self) -> None:
        """Let pictures come with what is to be seen."""
        wanted = {RESTORED: self.state.restore, TRUTH: self.state.truth}
        self.layers.expected = frozenset(name for name, on in wanted.items() if on)
        if self._session is not None:
            self._session.truth, self._session.limits = self.state.truth, self.state.auto_contrast

    def _steer(self) -> None:
        """Let the line do what is set, from the next view on."""
        if self._session is None:
            return
        try:
            self._session.steer(self._live_settings())
        except EmRestoreError as error:
            self.view.say(str(error))

    def _look(self) -> None:
        self.looking.enter(self.state.look, self.view.look.share)
        self._show_histogram()

    def _show_histogram(self) -> None:
        """Show napari's own histogram of the layer that is looked at (napari 0.8 and newer)."""
        layers = self.layers.layers
        for layer in layers.values():
            if hasattr(layer, "histogram"):
                on = self.view.look.histogram.isChecked() and layer == list(layers.values())[-1]
                if layer.histogram.enabled != on:
                    layer.histogram.enabled = on

    def _show_choice(self) -> None:
        self.view.restore.model.show_choice(self._choices[self.state.model])
        self._judge()

    def _judge(self) -> None:
        """Show what speaks against the model for what the camera gives."""
        choice = self._choices[self.state.model]
        if choice.obstacle or self._facts is None or not self.state.restore:
            self.view.restore.model.warn(choice.obstacle if self.state.restore else "")
        else:
            advice = advise(choice.card, self._facts, self.state.frames, self._cards)
            self.view.restore.model.show_advice(advice)

    def _show_start(self) -> None:
        reason = self.state.why_not_start()
        if self.sessions.stopping:
            self.view.show_start("Stopping …", enabled=False)
        elif self.sessions.running:
            self.view.show_start("Stop")
        else:
            self.view.show_start("Start", enabled=not reason, tip=reason)
        self.view.say("" if self.sessions.running else reason)

    def _keep(self) -> None:
        save_state(_NAME, self.state.to_record())


def _take_up(state: LiveState, models: Collection[str], cameras: Collection[str]) -> None:
    """Set a new dock to where the last one was left."""
    state.restore_record(load_state(_NAME))
    if state.camera not in cameras:
        state.camera = LiveState.camera
    if state.model not in models:
        state.model = LiveState.model if LiveState.model in models else next(iter(models))


class _Farewell:
    """What is left to do when Qt has deleted the dock; outlives it.

    Its method is connected, and no lambda, whose closure the garbage collector may have emptied by then.
    """

    def __init__(self, looking: LiveLooking) -> None:
        self._looking = looking

    def take(self) -> None:
        """Give the viewer back as it was."""
        self._looking.leave()
