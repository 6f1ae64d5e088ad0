"""Menus and lists that show a state without telling of it as if a person had chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qtpy.QtWidgets import QComboBox, QListWidget, QListWidgetItem


def offer(combo: QComboBox, entries: Sequence[tuple[str, Any]], chosen: Any) -> None:
    """Fill a menu with texts and values and choose one, telling nobody."""
    combo.blockSignals(True)
    combo.clear()
    for text, value in entries:
        combo.addItem(text, value)
        combo.setItemData(combo.count() - 1, text, Qt.ItemDataRole.ToolTipRole)
    position = next((k for k, (_, value) in enumerate(entries) if value == chosen), -1)
    combo.setCurrentIndex(position)
    combo.blockSignals(False)


def set_quietly(widget: Any, value: Any) -> None:
    """Put a value into a check box, number box or slider, telling nobody."""
    widget.blockSignals(True)
    (widget.setChecked if isinstance(value, bool) else widget.setValue)(value)
    widget.blockSignals(False)


def items_of(entries: QListWidget) -> list[QListWidgetItem]:
    """Return the entries of a list."""
    found = (entries.item(k) for k in range(entries.count()))
    return [item for item in found if item is not None]


def ticked(entries: QListWidget) -> list[QListWidgetItem]:
    """Return the ticked entries of a list."""
    return [item for item in items_of(entries) if item.checkState() == Qt.CheckState.Checked]


def set_tick(item: QListWidgetItem, on: bool) -> None:
    """Tick an entry of a list, or not."""
    item.setCheckState(Qt.CheckState.Checked if on else Qt.CheckState.Unchecked)


def layers_of(layers: Sequence[Any], nothing: str = "") -> list[tuple[str, Any]]:
    """Return entries for layers, after one for none of them."""
    return [*([(nothing, None)] if nothing else []), *((layer.name, layer) for layer in layers)]
