"""What tests of the live dock share: pressing its buttons and waiting for its pictures."""

import threading

from qtpy.QtCore import Qt

WAIT_MS = 60_000


def started(qtbot, dock, until="restored"):
    """Press Start and wait for the first picture that has what is waited for."""
    dock.view.start.click()
    return seen(qtbot, dock, lambda picture: until in picture.images)


def seen(qtbot, dock, wanted):
    """Wait for a picture that is as wanted, and return it."""
    with qtbot.waitSignal(dock.layers.drawn, timeout=WAIT_MS, check_params_cb=wanted) as drawn:
        pass
    return drawn.args[0]


def stopped(qtbot, dock):
    """Stop the camera and wait until it has."""
    with qtbot.waitSignal(dock.sessions.ended, timeout=WAIT_MS):
        dock.stop()


def record(qtbot, dock):
    """Press Record (or Stop, or Keep) as soon as that can be done."""
    qtbot.waitUntil(dock.view.record.button.isEnabled, timeout=WAIT_MS)
    dock.view.record.button.click()


def type_in(qtbot, dock, name, text):
    """Type a setting of the camera into its field, letter by letter, and press Return."""
    field = dock.view.source.fields[name]
    field.selectAll()
    qtbot.keyClick(field, Qt.Key.Key_Delete)
    qtbot.keyClicks(field, text)
    qtbot.keyClick(field, Qt.Key.Key_Return)


def live_threads():
    """Return the names of the threads of live lines."""
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("live ")]
