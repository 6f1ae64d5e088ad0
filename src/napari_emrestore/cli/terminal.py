"""What a command says, and to whom: tables and bars for a person, JSON for a program."""

from __future__ import annotations

import json
import signal
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from napari_emrestore.cli.progress import ProgressMonitor
from napari_emrestore.core import EmRestoreError
from napari_emrestore.pipeline.plain_json import plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from rich.console import Console


_FILE_WIDTH = 160  # characters of a line where the output goes to a file, which has no width of its own


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a command gave.

    Attributes
    ----------
    record : mapping
        Everything a program may want to read; dataclasses become JSON objects.
    code : int
        Exit code.
    """

    record: Mapping[str, Any] = field(default_factory=dict)
    code: int = 0


class Terminal:
    """Standard output and standard error of one command.

    Parameters
    ----------
    json : bool
        Whether a program reads standard output: then it gets one JSON object and nothing else.
    """

    def __init__(self, *, json: bool = False) -> None:
        self._json = json
        self._stop = threading.Event()

    @contextmanager
    def stop_on_interrupt(self) -> Iterator[None]:
        """Let the first Ctrl-C ask the work to stop at its next step; the second one breaks it off."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = signal.getsignal(signal.SIGINT)

        def ask(*_: object) -> None:
            self._stop.set()
            signal.signal(signal.SIGINT, signal.default_int_handler)

        signal.signal(signal.SIGINT, ask)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)

    @contextmanager
    def progress(self) -> Iterator[ProgressMonitor]:
        """Show bars while the block runs and hand out the monitor that moves them."""
        monitor = ProgressMonitor(self._stop, _console(error=True))
        with monitor:
            yield monitor

    def say(self, text: str) -> None:
        """Print a line for a person."""
        if not self._json:
            _console().print(text, highlight=False, markup=False, soft_wrap=True)

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[str]], title: str = "") -> None:
        """Print a table for a person; the first column is text, the others are set flush right."""
        if self._json:
            return
        from rich import box
        from rich.table import Table
        from rich.text import Text

        table = Table(title=title or None, title_justify="left", box=box.SIMPLE_HEAD)
        for position, column in enumerate(columns):
            table.add_column(column, justify="right" if position else "left", overflow="fold")
        for row in rows:
            table.add_row(*map(Text, row))
        _console().print(table)

    def finish(self, record: Mapping[str, Any]) -> None:
        """Print the outcome for a program."""
        if self._json:
            _console().file.write(json.dumps(plain(record), indent=2, allow_nan=False) + "\n")

    def fail(self, sentence: str, error: BaseException) -> None:
        """Print why nothing came of it: a sentence on standard error, and the facts for a program."""
        _console(error=True).print(sentence, highlight=False, markup=False, soft_wrap=True)
        facts = {"class": type(error).__name__, "message": sentence}
        if isinstance(error, EmRestoreError):
            facts |= {name: getattr(error, name) for name in ("needed", "item", "came", "remedy")}
        self.finish({"error": facts})


def _console(*, error: bool = False) -> Console:
    """Return a console on the stream of this moment, which tests and callers may have replaced."""
    from rich.console import Console

    console = Console(stderr=error)
    return console if console.is_terminal else Console(stderr=error, width=_FILE_WIDTH)
