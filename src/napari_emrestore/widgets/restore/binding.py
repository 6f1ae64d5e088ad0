"""Two-way ties between a field of an evented state and a Qt input."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qtpy.QtWidgets import QAbstractSlider, QCheckBox, QComboBox, QDoubleSpinBox, QLineEdit, QSpinBox


def tie_menu(menu: QComboBox, state: Any, name: str) -> None:
    """Keep the data of a menu's entry and a field of a state equal; an unknown value leaves the menu."""

    def show(value: Any) -> None:
        position = menu.findData(value)
        if position >= 0:
            menu.setCurrentIndex(position)

    def pass_on() -> None:
        if menu.currentData() is not None:
            setattr(state, name, menu.currentData())

    show(getattr(state, name))
    menu.currentIndexChanged.connect(pass_on)
    getattr(state.events, name).connect(show)


def tie_number(box: QSpinBox | QDoubleSpinBox | QAbstractSlider, state: Any, name: str) -> None:
    """Keep the value of a number box or slider and a field of a state equal."""
    box.setValue(getattr(state, name))
    box.valueChanged.connect(lambda value: setattr(state, name, value))
    getattr(state.events, name).connect(lambda value: box.setValue(value))


def tie_text(line: QLineEdit, state: Any, name: str) -> None:
    """Keep what is typed into a line and a field of a state equal."""

    def show(text: str) -> None:
        if line.text() != text:  # else the cursor would jump to the end while somebody types
            line.setText(text)

    line.setText(getattr(state, name))
    line.textEdited.connect(lambda text: setattr(state, name, text))
    getattr(state.events, name).connect(show)


def tie_check(box: QCheckBox, state: Any, name: str) -> None:
    """Keep the tick of a box and a field of a state equal."""
    box.setChecked(getattr(state, name))
    box.toggled.connect(lambda on: setattr(state, name, on))
    getattr(state.events, name).connect(lambda on: box.setChecked(on))
