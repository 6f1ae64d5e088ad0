"""Bars for a terminal, silence for a file, and one place where Ctrl-C takes effect."""

import io
import signal
import threading

import pytest
from rich.console import Console

from napari_emrestore.cli.progress import ProgressMonitor
from napari_emrestore.cli.terminal import Terminal
from napari_emrestore.core import Cancelled


def monitor_on(*, terminal):
    text, stop = io.StringIO(), threading.Event()
    console = Console(file=text, force_terminal=terminal, width=100)
    return ProgressMonitor(stop, console), text, stop


def test_stages_have_a_bar_each_with_count_and_time_left():
    monitor, text, _ = monitor_on(terminal=True)
    with monitor:
        monitor.step(1, 4, "aligning frames")
        monitor.step(2, 9, "restoring")
        monitor._bars.refresh()
    assert "aligning frames" in text.getvalue()
    assert "2/9" in text.getvalue()


def test_a_finished_stage_leaves_and_may_come_back():
    monitor, _, _ = monitor_on(terminal=True)
    with monitor:
        for _ in range(2):
            monitor.step(1, 2, "restoring")
            assert list(monitor._stages) == ["restoring"]
            monitor.step(2, 2, "restoring")
            assert not monitor._stages
        assert not monitor._bars.tasks


def test_nothing_is_drawn_into_a_file():
    monitor, text, _ = monitor_on(terminal=False)
    with monitor:
        monitor.step(1, 2, "restoring")
    assert text.getvalue() == ""


@pytest.mark.parametrize("terminal", [True, False])
def test_a_stop_takes_effect_at_the_next_step(terminal):
    monitor, _, stop = monitor_on(terminal=terminal)
    with monitor:
        monitor.step(1, 3, "restoring")
        stop.set()
        with pytest.raises(Cancelled, match="restoring"):
            monitor.step(2, 3, "restoring")


def test_the_first_ctrl_c_asks_and_the_second_breaks_off():
    before = signal.getsignal(signal.SIGINT)
    terminal = Terminal()
    with terminal.stop_on_interrupt():
        signal.raise_signal(signal.SIGINT)
        with terminal.progress() as monitor, pytest.raises(Cancelled):
            monitor.step(0, 1, "anything")
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


def test_a_command_may_run_in_any_thread():
    seen = []

    def work():
        with Terminal().stop_on_interrupt():
            seen.append("ran")

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == ["ran"]
