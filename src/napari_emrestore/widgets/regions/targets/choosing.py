"""A line for the path of a file, with a folder to click in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtWidgets import QLineEdit, QStyle

if TYPE_CHECKING:
    from qtpy.QtGui import QAction


def choosing(line: QLineEdit, meaning: str) -> QAction:
    """Return the action of a folder symbol at the end of a line, which asks for a file.

    Parameters
    ----------
    line : QLineEdit
        Also takes a path that is typed.
    meaning : str
        Shown when the mouse rests on the symbol.
    """
    style: Any = line.style()
    icon = style.standardIcon(QStyle.StandardPixmap.SP_DirOpenIcon)
    action: QAction = line.addAction(icon, QLineEdit.ActionPosition.TrailingPosition)
    action.setToolTip(meaning)
    return action
