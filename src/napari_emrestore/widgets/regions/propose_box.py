"""Lets regions be proposed, and accepted or refused, one by one or all that are listed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QCheckBox, QGridLayout, QPushButton, QWidget

from napari_emrestore.widgets.forms import column, decimal, form, menu, note, number, set_quietly
from napari_emrestore.widgets.regions.state import SEARCHES
from napari_emrestore.widgets.run_bar import RunBar

if TYPE_CHECKING:
    from collections.abc import Iterable

    from qtpy.QtWidgets import QFormLayout

    from napari_emrestore.widgets.jobs import Jobs
    from napari_emrestore.widgets.regions.state import RegionsState

_FIELDS_OF = {
    "brightness": ("smallest", "largest", "bright", "automatic", "threshold"),
    "likeness": ("least_likeness", "rotations"),
    "blobs": ("smallest", "largest", "bright", "least_contrast"),
}
_LARGEST = 1e7


class ProposeBox(QWidget):
    """What is looked for, the run, and the answer to what was found.

    Parameters
    ----------
    jobs : Jobs
        Whose run is shown.

    Signals
    -------
    changed : dict
        Fields of the state and their new values.
    answered : bool, bool
        Whether proposals are accepted; whether all that are listed, or the selected ones.
    """

    changed = Signal(object)
    answered = Signal(bool, bool)

    def __init__(self, jobs: Jobs) -> None:
        super().__init__()
        self.search = menu(SEARCHES)
        self.smallest = decimal(0.1, _LARGEST, digits=1, step=10)
        self.largest = decimal(0.1, _LARGEST, digits=1, step=10)
        self.bright = menu({True: "brighter than around", False: "darker than around"})
        self.automatic = QCheckBox("found by Otsu's method")
        self.threshold = decimal(-1e9, 1e9, digits=3)
        self.least_contrast = decimal(0.01, 20, digits=2, step=0.1)
        self.least_likeness = decimal(0.05, 1.0, digits=2, step=0.05)
        self.rotations = number(1, 72)
        self.visible_only = QCheckBox("Only what is in view")
        self.run = RunBar(jobs, "Propose regions")
        self.outcome = note()
        self.answers = {
            (True, False): QPushButton("Accept selected"),
            (False, False): QPushButton("Refuse selected"),
            (True, True): QPushButton("Accept all listed"),
            (False, True): QPushButton("Refuse all listed"),
        }
        self._rows: dict[str, tuple[QFormLayout, QWidget]] = {}
        self._arrange()
        self._connect()

    def show_state(self, state: RegionsState, proposals_listed: int, proposals_selected: int) -> None:
        """Show what is chosen, and what can be answered."""
        self.search.blockSignals(True)
        self.search.setCurrentIndex(self.search.findData(state.search))
        self.search.blockSignals(False)
        known = state.regions is not None and state.regions.overview.pixel_size_nm is not None
        for box, value in self._values(state):
            set_quietly(box, value)
        for box in (self.smallest, self.largest):
            box.setSuffix(" nm" if known else " px")
        self.bright.blockSignals(True)
        self.bright.setCurrentIndex(self.bright.findData(state.bright))
        self.bright.blockSignals(False)
        self.threshold.setEnabled(not state.automatic)
        for name, (rows, widget) in self._rows.items():
            rows.setRowVisible(widget, name in _FIELDS_OF[state.search])
        self.run.allow(state.why_not_search())
        for (_, all_listed), button in self.answers.items():
            button.setEnabled(bool(proposals_listed if all_listed else proposals_selected))

    def say(self, text: str) -> None:
        """Show what came out."""
        self.outcome.setText(text)
        self.outcome.setVisible(bool(text))

    def _values(self, state: RegionsState) -> Iterable[tuple[QWidget, float | bool]]:
        names = ("smallest", "largest", "automatic", "threshold", "least_contrast", "least_likeness")
        return [(getattr(self, name), getattr(state, name)) for name in (*names, "rotations", "visible_only")]

    def _arrange(self) -> None:
        rows = form()
        rows.addRow("Look by", self.search)
        self.search.setToolTip(
            "Brightness: a threshold, touching regions cut apart by watershed. "
            "Likeness: places that look like the selected region. Round blobs: by their diameter."
        )
        titles = {
            "smallest": ("Smallest", "Diameter of the smallest region, as a circle of its area"),
            "largest": ("Largest", "Diameter of the largest region, as a circle of its area"),
            "bright": ("They are", ""),
            "automatic": ("Threshold", "Where regions begin, from the histogram of what is searched"),
            "threshold": ("", "Threshold in units of the image"),
            "least_contrast": ("Contrast from", "In standard deviations of the searched pixels"),
            "least_likeness": ("Alike from", "Correlation with the selected region, up to 1"),
            "rotations": (
                "Orientations",
                "In how many orientations the example is looked for; time grows alike",
            ),
        }
        for name, (title, meaning) in titles.items():
            widget = getattr(self, name)
            widget.setToolTip(meaning)
            rows.addRow(title, widget)
            self._rows[name] = (rows, widget)
        layout = column(self)
        layout.addLayout(rows)
        layout.addWidget(self.visible_only)
        layout.addWidget(self.run)
        layout.addWidget(self.outcome)
        self.outcome.hide()
        grid = QGridLayout()
        for k, button in enumerate(self.answers.values()):
            grid.addWidget(button, k // 2, k % 2)
        layout.addLayout(grid)

    def _connect(self) -> None:
        self.search.currentIndexChanged.connect(
            lambda _: self.changed.emit({"search": self.search.currentData()})
        )
        self.bright.currentIndexChanged.connect(
            lambda _: self.changed.emit({"bright": self.bright.currentData()})
        )
        for name in ("automatic", "visible_only"):
            getattr(self, name).toggled.connect(lambda on, name=name: self.changed.emit({name: on}))
        for name in ("smallest", "largest", "threshold", "least_contrast", "least_likeness", "rotations"):
            getattr(self, name).valueChanged.connect(
                lambda value, name=name: self.changed.emit({name: value})
            )
        for (accept, all_listed), button in self.answers.items():
            button.clicked.connect(
                lambda _=False, accept=accept, every=all_listed: self.answered.emit(accept, every)
            )
