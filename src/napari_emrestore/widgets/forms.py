"""Foldable boxes, labelled rows and inputs that stay usable in a dock of 300 pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QFormLayout,
    QFrame,
    QLabel,
    QScrollArea,
    QSizePolicy,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from napari_emrestore.widgets.fold import Fold

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_SHORTEST_ENTRY = 8


def section(title: str, content: QWidget, *, is_open: bool = True) -> Fold:
    """Return a foldable box."""
    return Fold(title, content, is_open=is_open)


def column(parent: QWidget) -> QVBoxLayout:
    """Return the layout of a section's content."""
    layout = QVBoxLayout(parent)
    layout.setContentsMargins(6, 2, 2, 6)
    layout.setSpacing(4)
    return layout


def form() -> QFormLayout:
    """Return a layout of labelled rows."""
    layout = QFormLayout()
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setHorizontalSpacing(6)
    layout.setVerticalSpacing(4)
    layout.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
    layout.setLabelAlignment(Qt.AlignmentFlag.AlignLeft)
    return layout


def note(text: str = "") -> QLabel:
    """Return a sentence that wraps and can be copied."""
    label = QLabel(text)
    label.setWordWrap(True)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    # not "Minimum": the height of a sentence at its own width would be kept at the width of the dock
    label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
    return label


def menu(entries: Mapping[Any, str]) -> QComboBox:
    """Return a menu whose entries carry data; it may become narrower than its longest entry."""
    box = QComboBox()
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    box.setMinimumContentsLength(_SHORTEST_ENTRY)
    for data, text in entries.items():
        box.addItem(text, data)
    return box


def number(low: int, high: int, *, suffix: str = "", step: int = 1) -> QSpinBox:
    """Return a box for a whole number, which tells of it when it is complete."""
    box = QSpinBox()
    box.setRange(low, high)
    box.setSuffix(suffix)
    box.setSingleStep(step)
    box.setKeyboardTracking(False)
    return box


def decimal(low: float, high: float, *, digits: int, suffix: str = "", step: float = 1.0) -> QDoubleSpinBox:
    """Return a box for a number with a fixed count of digits, which tells of it when it is complete."""
    box = QDoubleSpinBox()
    box.setDecimals(digits)
    box.setRange(low, high)
    box.setSuffix(suffix)
    box.setSingleStep(step)
    box.setKeyboardTracking(False)
    return box


def set_quietly(widget: Any, value: Any) -> None:
    """Put a value into a check box, number box or slider, telling nobody."""
    widget.blockSignals(True)
    (widget.setChecked if isinstance(value, bool) else widget.setValue)(value)
    widget.blockSignals(False)


def scrolled(boxes: Iterable[QWidget]) -> QScrollArea:
    """Return boxes below each other that scroll up and down only."""
    content = QWidget()
    layout = QVBoxLayout(content)
    layout.setContentsMargins(0, 0, 4, 0)
    layout.setSpacing(2)
    for box in boxes:
        layout.addWidget(box)
    layout.addStretch(1)
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setWidget(content)
    return area
