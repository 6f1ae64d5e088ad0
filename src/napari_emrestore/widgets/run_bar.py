"""Run, Cancel, a bar and one line of text: how every dock shows its job."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QLabel, QProgressBar, QPushButton, QVBoxLayout, QWidget

if TYPE_CHECKING:
    from napari_emrestore.core import EmRestoreError
    from napari_emrestore.widgets.jobs import Jobs, Step

_BAR_STEPS = 1000


class RunBar(QWidget):
    """A button that starts a job and stops it, a determinate bar with the time left, and the last word.

    Parameters
    ----------
    jobs : Jobs
        Whose job is shown.
    text : str
        What the button says when nothing runs.
    """

    asked = Signal()

    def __init__(self, jobs: Jobs, text: str = "Run", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._jobs = jobs
        self._text = text
        self.button = QPushButton(text)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setVisible(False)
        self.label = QLabel()
        self.label.setWordWrap(True)
        self.label.setVisible(False)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for widget in (self.button, self.bar, self.label):
            layout.addWidget(widget)
        self.button.clicked.connect(self._clicked)
        jobs.started.connect(self._show_start)
        jobs.stepped.connect(self._show_step)
        jobs.failed.connect(self._show_failure)
        jobs.cancelled.connect(lambda: self.say("Cancelled. Nothing was changed."))
        jobs.ended.connect(self._show_end)

    def say(self, text: str) -> None:
        """Show one line below the button; an empty one hides it."""
        self.label.setText(text)
        self.label.setVisible(bool(text))

    def allow(self, reason: str = "") -> None:
        """Enable the button, or disable it and say why in its tool tip."""
        self.button.setEnabled(not reason or self._jobs.running)
        self.button.setToolTip(reason)

    def _clicked(self) -> None:
        if not self._jobs.running:
            self.asked.emit()
            return
        self._jobs.cancel()
        self.button.setText("Cancelling …")
        self.button.setEnabled(False)

    def _show_start(self, title: str) -> None:
        self.button.setText("Cancel")
        self.button.setEnabled(True)
        self.bar.setRange(0, 0)
        self.bar.setVisible(True)
        self.say(f"{title} …")

    def _show_step(self, step: Step) -> None:
        if self._jobs.stopping:
            return
        self.bar.setRange(0, _BAR_STEPS)
        self.bar.setValue(round(_BAR_STEPS * step.done / max(step.total, 1)))
        left = "" if step.seconds_left is None else f", {duration(step.seconds_left)} left"
        self.say(f"{step.note or 'working'} {step.done} of {step.total}{left}")

    def _show_failure(self, error: EmRestoreError) -> None:
        self.say(str(error))

    def _show_end(self) -> None:
        self.button.setText(self._text)
        self.button.setEnabled(True)
        self.bar.setVisible(False)


def duration(seconds: float) -> str:
    """Return a time for people: ``"8 s"``, ``"3 min 20 s"``, ``"2 h 5 min"``."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
