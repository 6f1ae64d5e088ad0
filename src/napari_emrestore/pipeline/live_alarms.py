"""Trip wires of the live line: what a microscopist should look up for, while the line goes on."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from napari_emrestore.core import SourceTimeoutError
    from napari_emrestore.pipeline.live_observing import Seen

AlarmKind = Literal["frozen", "saturated", "dark", "lost"]
ALARM_KINDS: tuple[AlarmKind, ...] = ("frozen", "saturated", "dark", "lost")

_INTERVALS = 16
_LATE_INTERVALS = 5.0
_LATE_S = 1.0
_SATURATED = 0.01
_LOST_SHOWN_S = 2.0


@dataclass(frozen=True, slots=True)
class Alarm:
    """A trip wire that was touched.

    Attributes
    ----------
    kind : {"frozen", "saturated", "dark", "lost"}
        ``frozen``: no frame in time. ``saturated``: more than 1 % of the newest frame's pixels are at the
        detector's ceiling. ``dark``: the newest frame shows nothing. ``lost``: in the last two seconds a
        frame was like nothing before.
    text : str
        One sentence for a person.
    """

    kind: AlarmKind
    text: str


class TripWires:
    """Told of frames by the threads of the line, asked for alarms by any."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._times: deque[float] = deque(maxlen=_INTERVALS)
        self._timeout: SourceTimeoutError | None = None
        self._seen: Seen | None = None
        self._lost_s = -np.inf
        self._ended = False

    @property
    def timeout(self) -> SourceTimeoutError | None:
        """What the source said of its silence; None once frames come again."""
        return self._timeout

    def frame_came(self) -> None:
        """Note that the source delivered."""
        with self._turn:
            self._timeout = None
            self._times.append(time.monotonic())

    def timed_out(self, error: SourceTimeoutError) -> None:
        """Note that the source itself calls it silent."""
        self._timeout = error

    def ended(self) -> None:
        """Note that no frame is waited for any more."""
        self._ended = True

    def saw(self, seen: Seen, lost: bool) -> None:
        """Note the newest frame, and whether it was like nothing before."""
        if lost:
            self._lost_s = time.monotonic()
        self._seen = seen

    def alarms(self) -> tuple[Alarm, ...]:
        """Return the trip wires that are touched now, in the order of `ALARM_KINDS`."""
        found = {"frozen": self._frozen(), "lost": self._lost(), **_of_pixels(self._seen)}
        return tuple(Alarm(kind, text) for kind in ALARM_KINDS if (text := found[kind]))

    def _frozen(self) -> str:
        """Say since when frames are missing, by the rate at which they came or by the source's time-out."""
        with self._turn:
            times = list(self._times)
        if self._ended:
            return ""
        silent_s = time.monotonic() - times[-1] if times else 0.0
        usual_s = float(np.median(np.diff(times))) if len(times) > 1 else np.inf
        if silent_s > _LATE_S + _LATE_INTERVALS * usual_s:
            return f"No frame for {silent_s:.0f} s; they came every {usual_s:.2g} s. Is the camera running?"
        return str(self._timeout or "")

    def _lost(self) -> str:
        if time.monotonic() - self._lost_s > _LOST_SHOWN_S:
            return ""
        return "A frame was like nothing before it: the alignment begins anew there."


def _of_pixels(seen: Seen | None) -> dict[AlarmKind, str]:
    if seen is None:
        return {"saturated": "", "dark": ""}
    share = f"{100 * seen.saturated:.0f} % of the pixels are saturated: lower the dose or the gain."
    return {
        "saturated": share if seen.saturated > _SATURATED else "",
        "dark": "The newest frame shows nothing but noise: is the beam on?" if seen.dark else "",
    }
