"""The selected regions: class, confidence and note to change, and what was measured in the first of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QHeaderView, QLineEdit, QPushButton, QTreeWidget, QTreeWidgetItem, QWidget

from napari_emrestore.widgets.forms import column, decimal, form, menu, note
from napari_emrestore.widgets.regions.listing import rows_of

if TYPE_CHECKING:
    from napari_emrestore.overview.region_numbers import RegionNumbers
    from napari_emrestore.overview.regions import Region
    from napari_emrestore.widgets.regions.state import RegionsState

_NOT_SET = -0.05
_TABLE_PX = 190


class DetailsBox(QWidget):
    """What can be changed of the selected regions, and the numbers of one.

    Signals
    -------
    changed : dict
        Fields of `Region` and their new values, for all selected ones.
    """

    changed = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.title = note()
        self.class_name = menu({})
        self.confidence = decimal(_NOT_SET, 1.0, digits=2, step=0.05)
        self.confidence.setSpecialValueText("not set")
        self.confidence.setToolTip("How sure you are, from 0 to 1; of a proposal, how well it stands out")
        self.note = QLineEdit()
        self.note.setPlaceholderText("Free text")
        self.table = QTreeWidget()
        self.table.setHeaderLabels(["Measured", "Value"])
        self.table.setRootIsDecorated(False)
        self.table.setFixedHeight(_TABLE_PX)
        self.table.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        header = self.table.header()
        if header is not None:
            header.setStretchLastSection(False)
            header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
            header.setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        self.remark = note()
        self.again = QPushButton("Measure again")
        self.again.setToolTip("After the image itself has changed, as a mosaic does while it grows")
        rows = form()
        rows.addRow("Class", self.class_name)
        rows.addRow("Confidence", self.confidence)
        rows.addRow("Note", self.note)
        layout = column(self)
        layout.addWidget(self.title)
        layout.addLayout(rows)
        layout.addWidget(self.table)
        layout.addWidget(self.remark)
        layout.addWidget(self.again)
        self.class_name.currentIndexChanged.connect(
            lambda _: self.changed.emit({"class_name": self.class_name.currentData()})
        )
        self.confidence.valueChanged.connect(
            lambda value: self.changed.emit({"confidence": value if value >= 0 else None})
        )
        self.note.editingFinished.connect(self._tell_note)
        self._noted = ""
        self._of: tuple[int, ...] = ()

    def show_state(self, state: RegionsState) -> None:
        """Show what the selected regions have in common."""
        chosen = state.chosen_regions()
        for widget in (self.class_name, self.confidence, self.note):
            widget.setEnabled(bool(chosen))
        self.title.setText(_title(chosen))
        names = [] if state.regions is None else [one.name for one in state.regions.classes]
        of = {region.class_name for region in chosen}
        self._show_class(names, of.pop() if len(of) == 1 else "")
        sure = {region.confidence for region in chosen}
        value = sure.pop() if len(sure) == 1 else None
        self.confidence.blockSignals(True)
        self.confidence.setValue(_NOT_SET if value is None else value)
        self.confidence.blockSignals(False)
        notes = {region.note for region in chosen}
        noted = notes.pop() if len(notes) == 1 else ""
        if (state.selected, noted) != (self._of, self._noted):  # or it would go while a person types
            self._of, self._noted = state.selected, noted
            self.note.setText(noted)

    def show_numbers(self, numbers: RegionNumbers | None) -> None:
        """Show what was measured in the only selected region."""
        self.table.clear()
        for what, value, meaning in () if numbers is None else rows_of(numbers):
            item = QTreeWidgetItem([what, value])
            item.setTextAlignment(1, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            for place in (0, 1):
                item.setToolTip(place, meaning)
            self.table.addTopLevelItem(item)
        self.remark.setText("" if numbers is None else numbers.note)
        self.remark.setVisible(bool(self.remark.text()))

    def _show_class(self, names: list[str], chosen: str) -> None:
        self.class_name.blockSignals(True)
        self.class_name.clear()
        for name in names:
            self.class_name.addItem(name, name)
        self.class_name.setCurrentIndex(self.class_name.findData(chosen) if chosen else -1)
        self.class_name.blockSignals(False)

    def _tell_note(self) -> None:
        if self.note.text() != self._noted:
            self._noted = self.note.text()
            self.changed.emit({"note": self._noted})


def _title(chosen: tuple[Region, ...]) -> str:
    if not chosen:
        return "Select a region in the list or in the image."
    if len(chosen) > 1:
        return f"{len(chosen)} regions; what you change here changes all of them."
    region = chosen[0]
    made = f", {region.origin}" + (f" by {region.author}" if region.author else "")
    waits = "" if region.accepted else ", waits for you to accept it"
    when = f", {region.time.replace('T', ' ').removesuffix('Z')} UTC" if region.time else ""
    return f"Region {region.id}: {region.kind}{made}{when}{waits}."
