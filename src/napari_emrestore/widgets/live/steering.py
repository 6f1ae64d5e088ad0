"""Settings changed while the camera runs: told to the device by a worker, put back where it refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QObject, Signal

from napari_emrestore.widgets.jobs import Jobs

if TYPE_CHECKING:
    from napari_emrestore.core import EmRestoreError
    from napari_emrestore.widgets.live.session import Opened
    from napari_emrestore.widgets.live.source_box import SourceBox
    from napari_emrestore.widgets.live.state import LiveState


class CameraSteering(QObject):
    """Changes one setting after the other, as they are entered; for the main thread only.

    Parameters
    ----------
    source : SourceBox
        Where they are entered.
    state : LiveState
        What is entered.

    Signals
    -------
    changed
        The camera has taken a value; frames may have another shape now.
    told : str
        Why it has not, and nothing when it is asked anew.
    """

    changed = Signal()
    told = Signal(str)

    def __init__(self, source: SourceBox, state: LiveState, parent: QObject) -> None:
        super().__init__(parent)
        self.jobs = Jobs(parent, quiet=True)
        self._source, self._state = source, state
        self._opened: Opened | None = None
        self._held: dict[str, str] = {}
        self._waiting: list[str] = []
        self._name = self._text = ""
        source.entered.connect(self._take)
        self.jobs.succeeded.connect(lambda _: self._keep())
        self.jobs.failed.connect(self._put_back)
        self.jobs.ended.connect(self._change_next)

    def begin(self, opened: Opened) -> None:
        """Change this camera, which has the settings of the form."""
        self._opened = opened
        self._held = {name: self._state.text_for(name) for name in opened.camera.changeable}

    def end(self) -> None:
        """Let go of the camera."""
        self._opened = None
        self._waiting.clear()

    def _take(self, name: str) -> None:
        if self._opened is not None and name in self._held and name not in self._waiting:
            self._waiting.append(name)
            self._change_next()

    def _change_next(self) -> None:
        if self._opened is None or self.jobs.running or not self._waiting:
            return
        name = self._name = self._waiting.pop(0)
        self._text, value = self._state.text_for(name), self._state.value_of(name)
        camera = self._opened.camera
        self.told.emit("")
        self.jobs.start(f"Changing {name}", lambda _: camera.change(**{name: value}))

    def _keep(self) -> None:
        self._held[self._name] = self._text
        self.changed.emit()

    def _put_back(self, error: EmRestoreError) -> None:
        """Show again what the camera has, unless something else was typed meanwhile."""
        if self._opened is not None and self._state.text_for(self._name) == self._text:
            self._state.type_in(self._name, self._held[self._name])
            self._source.show_text(self._name)
        self.told.emit(str(error))
