"""Which model: what it is for, knows and is bad at, how long it takes, what speaks against it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QStandardItem, QStandardItemModel
from qtpy.QtWidgets import QPushButton, QToolButton, QWidget

from napari_emrestore.widgets.forms import column, menu, note
from napari_emrestore.widgets.restore.adopting import AdoptBox
from napari_emrestore.widgets.restore.fetching import FetchBox

if TYPE_CHECKING:
    from napari_emrestore.pipeline.guard import Advice
    from napari_emrestore.widgets.restore.choices import Choice


class ModelSection(QWidget):
    """The model menu with the facts of the chosen model.

    Parameters
    ----------
    trained, classical : list of Choice
        What is offered.
    choice : QWidget, optional
        What else is to be chosen about a model; stands below its facts.

    Signals
    -------
    picked : str
        Id of the chosen model.
    """

    picked = Signal(str)

    def __init__(
        self, trained: list[Choice], classical: list[Choice], *, choice: QWidget | None = None
    ) -> None:
        super().__init__()
        self.menu = menu({})
        self._rows = QStandardItemModel(self.menu)
        self.menu.setModel(self._rows)
        self.fill(trained, classical)
        self.summary, self.facts, self.failures = note(), note(), note()
        self.more = QToolButton()
        self.more.setCheckable(True)
        self.more.setAutoRaise(True)
        self.more.setArrowType(Qt.ArrowType.RightArrow)
        self.more.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.fetch, self.adopt = FetchBox(), AdoptBox()
        self.warning, self.expected = note(), note()
        self.better = QPushButton()
        self._better = ""
        layout = column(self)
        for widget in (
            self.menu,
            self.summary,
            self.facts,
            self.more,
            self.failures,
            self.fetch,
            choice,
            self.expected,
            self.warning,
            self.better,
            self.adopt,
        ):
            if widget is not None:
                layout.addWidget(widget)
        self.menu.currentIndexChanged.connect(lambda: self.picked.emit(self.menu.currentData() or ""))
        self.more.toggled.connect(self._unfold)
        self.adopt.adopted.connect(self.picked)
        self.better.clicked.connect(lambda: self.picked.emit(self._better))
        self.failures.hide()
        self.warn("")

    def fill(self, trained: list[Choice], classical: list[Choice]) -> None:
        """Offer these and no others, telling nobody."""
        self.menu.blockSignals(True)
        self._rows.clear()
        self._add_group("Trained models", trained)
        self._add_group("Classical methods", classical)
        self.menu.blockSignals(False)

    def show_choice(self, choice: Choice) -> None:
        """Show a model's facts, and it in the menu."""
        position = self.menu.findData(choice.id)
        self.menu.setCurrentIndex(position)
        self.menu.setToolTip(self.menu.itemData(position, Qt.ItemDataRole.ToolTipRole) or "")
        self.summary.setText(choice.summary)
        self.facts.setText(choice.facts)
        self.fetch.show_card(choice.card)
        count = len(choice.failures)
        self.more.setText(f"Known failures ({count})")
        self.more.setVisible(count > 0)
        self.failures.setText("\n".join(f"• {failure}" for failure in choice.failures))
        self.failures.setVisible(count > 0 and self.more.isChecked())

    def show_advice(self, advice: Advice) -> None:
        """Show what speaks against the model, and a button for a better one."""
        self.warn(" ".join(f"{text[0].upper()}{text[1:]}." for text in advice.warnings), advice.better)

    def warn(self, text: str, better: str = "") -> None:
        """Show a warning, or none."""
        self._better = better
        self.warning.setText(f"⚠ {text}" if text else "")
        self.warning.setVisible(bool(text))
        self.better.setText(f"Use {better}")
        self.better.setVisible(bool(text and better))

    def _unfold(self, is_open: bool) -> None:
        self.failures.setVisible(is_open)
        self.more.setArrowType(Qt.ArrowType.DownArrow if is_open else Qt.ArrowType.RightArrow)

    def _add_group(self, title: str, choices: list[Choice]) -> None:
        header = QStandardItem(title)
        header.setFlags(Qt.ItemFlag.NoItemFlags)
        self._rows.appendRow(header)
        for choice in choices:
            self.menu.addItem(f"  {choice.id}", choice.id)
            tip = "\n".join([choice.summary, choice.facts, *(f"• {text}" for text in choice.failures)])
            self.menu.setItemData(self.menu.count() - 1, tip, Qt.ItemDataRole.ToolTipRole)
