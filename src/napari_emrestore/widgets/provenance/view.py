"""The record as a person reads it, and the buttons below it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QGridLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from napari_emrestore.widgets.forms import column, form, note, scrolled, section
from napari_emrestore.widgets.run_bar import RunBar

if TYPE_CHECKING:
    from napari_emrestore.widgets.jobs import Jobs
    from napari_emrestore.widgets.provenance.accounts import Account, Row

_FOLDED = ("As it ran", "Acquisition", "Versions")


class ProvenanceView(QWidget):
    """Name and summary, facts that scroll, buttons.

    Parameters
    ----------
    jobs : Jobs
        Whose progress is shown.
    """

    def __init__(self, jobs: Jobs) -> None:
        super().__init__()
        self.name = note()
        self.summary = note()
        self.facts: QWidget = scrolled(())
        self.copy_record = QPushButton("Copy record")
        self.copy_command = QPushButton("Copy command line")
        self.export = QPushButton("Export script …")
        self.change = QPushButton("Change settings …")
        self.repeat = RunBar(jobs, "Make it again")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 4, 6, 4)
        for widget in (self.name, self.summary):
            layout.addWidget(widget)
        layout.addWidget(self.facts, 1)
        self._layout = layout
        layout.addLayout(self._buttons())
        layout.addWidget(self.repeat)

    def show_account(self, name: str, account: Account) -> None:
        """Show what there is to say about a layer."""
        self.name.setText(name)
        font = self.name.font()
        font.setBold(True)
        self.name.setFont(font)
        self.name.setVisible(bool(name))
        self.summary.setText(account.summary)
        boxes = [section("Notes", _notes(account.notes))] if account.notes else []
        single = len(account.groups) == 1
        boxes += [
            section(title, _table(rows), is_open=single or title not in _FOLDED)
            for title, rows in account.groups
        ]
        before, self.facts = self.facts, scrolled(boxes)
        self._layout.replaceWidget(before, self.facts)
        before.hide()
        before.deleteLater()

    def allow(self, *, record: bool, no_command: str, no_repeat: str) -> None:
        """Enable what can be done; the others say in their tool tip why not."""
        self.copy_record.setEnabled(record)
        for button, reason in (
            (self.copy_command, no_command),
            (self.export, no_repeat),
            (self.change, no_repeat),
        ):
            button.setEnabled(not reason)
            button.setToolTip(reason)
        self.repeat.allow(no_repeat)

    def _buttons(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setSpacing(4)
        buttons = (self.copy_record, self.copy_command, self.export, self.change)
        for i, button in enumerate(buttons):
            grid.addWidget(button, i // 2, i % 2)
        return grid


def _table(rows: tuple[Row, ...]) -> QWidget:
    content = QWidget()
    layout = form()
    column(content).addLayout(layout)
    for row in rows:
        text = note(row.text)
        text.setToolTip(row.whole)
        label = QLabel(row.label)
        label.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
        layout.addRow(label, text)
    return content


def _notes(notes: tuple[str, ...]) -> QWidget:
    content = QWidget()
    layout = column(content)
    for text in notes:
        layout.addWidget(note(f"• {text}"))
    return content
