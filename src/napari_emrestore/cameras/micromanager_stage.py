"""The XY stage of a Micro-Manager core, with its camera for frames where the stage stands."""

from __future__ import annotations

import math
import threading
import time
import weakref
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.cameras.micromanager_core import IDLE_S, load_core, number, unload
from napari_emrestore.cameras.source import checked_timeout
from napari_emrestore.core import (
    SILENT,
    Acquisition,
    DeviceError,
    Frame,
    InputError,
    SourceTimeoutError,
)
from napari_emrestore.core.closing import ClosedAtEnd
from napari_emrestore.core.optional import optional_package

if TYPE_CHECKING:
    from napari_emrestore.core import Monitor

_POLL_S = 0.02
# an image that was being exposed when it was asked for may show the stage moving; the one after it does not
_FRESH = 2


def open_stage(*, config: str | None = None, timeout_s: float = 30.0) -> MicroManagerStage:
    """Return the XY stage of the core that is loaded in this process, or of one loaded from a configuration.

    Parameters
    ----------
    config : str, optional
        A configuration file of Micro-Manager; the core loaded from it is unloaded at the end. Without it,
        the loaded core (napari-micromanager's, say) is joined and stays loaded.
    timeout_s : float
        How long a move, or a frame, may take.

    Raises
    ------
    MissingPackageError
        If pymmcore-plus is not installed.
    InputError
        If there is no core with a camera and an XY stage.
    """
    checked_timeout(timeout_s)
    package = optional_package("pymmcore_plus", "micromanager")
    core, is_own = load_core(package, config, None, None)
    name = str(core.getXYStageDevice())
    if not name:
        if is_own:
            unload(core)
        raise InputError(
            "A Micro-Manager core with an XY stage is needed",
            item=config or "the loaded core",
            came="has none",
            remedy="Set the default XY stage in its configuration.",
        )
    return MicroManagerStage(core, name, is_own, timeout_s)


class MicroManagerStage(ClosedAtEnd):
    """A stage that can be driven and asked; see `open_stage`.

    Lengths are micrometres as the stage counts them, ``(y, x)``. It knows no limits of its own: who drives it
    checks them first. One call at a time; `close` waits for the one that is under way.
    """

    def __init__(self, core: Any, name: str, is_own: bool, timeout_s: float) -> None:
        self._loaded: Any = core
        self.name = name
        self._turn = threading.RLock()
        self._timeout_s = timeout_s
        # a core that still tells Python of events while the interpreter goes down aborts it
        self._shut = weakref.finalize(self, unload, core) if is_own else None

    @property
    def pixel_size_um(self) -> float | None:
        """Size of a pixel of the camera, if the configuration says it."""
        size = float(self._core.getPixelSizeUm())
        return size if size > 0 else None

    @property
    def field_um(self) -> tuple[float, float] | None:
        """What one frame shows ``(y, x)``, if the size of a pixel is known."""
        size = self.pixel_size_um
        if size is None:
            return None
        return self._core.getImageHeight() * size, self._core.getImageWidth() * size

    def position_um(self) -> tuple[float, float]:
        """Return where the stage says it is.

        Raises
        ------
        DeviceError
            If it does not answer.
        """
        try:
            with self._turn:
                x, y = self._core.getXYPosition(self.name)
        except RuntimeError as error:
            raise self._failed(error) from error
        return float(y), float(x)

    def move_to(self, place_um: tuple[float, float], monitor: Monitor = SILENT) -> tuple[float, float]:
        """Drive to a place and return where the stage says it is then.

        Raises
        ------
        InputError
            If the place is no finite number.
        DeviceError
            If the stage refuses, does not answer, or is not there in time; it is halted first.
        Cancelled
            If the monitor asks to stop; the stage is halted first.
        """
        y, x = place_um
        if not (math.isfinite(y) and math.isfinite(x)):
            raise InputError("A stage goes to finite places", item=self.name, came=f"{place_um} came")
        try:
            with self._turn:
                self._core.setXYPosition(self.name, x, y)
                self._wait(place_um, monitor)
        except BaseException as error:
            self._halt()
            if isinstance(error, RuntimeError) and not isinstance(error, DeviceError):
                raise self._failed(error) from error
            raise
        return self.position_um()

    def snap(self) -> Frame:
        """Return a frame whose exposure began after the call; of a running camera without stopping it.

        Raises
        ------
        DeviceError
            If the camera refuses.
        SourceTimeoutError
            If none comes in time.
        """
        try:
            with self._turn:
                if self._core.isSequenceRunning():
                    return self._frame(self._fresh())
                self._core.snapImage()
                return self._frame(np.array(self._core.getImage()))
        except RuntimeError as error:
            raise self._failed(error) from error

    def close(self) -> None:
        """Unload what was loaded; twice is harmless."""
        with self._turn:
            self._loaded = None
            if self._shut is not None:
                self._shut()

    @property
    def _core(self) -> Any:
        if self._loaded is None:
            raise DeviceError("An open stage is needed", item=self.name, came="was closed")
        return self._loaded

    def _wait(self, place_um: tuple[float, float], monitor: Monitor) -> None:
        until = time.monotonic() + self._timeout_s
        while self._core.deviceBusy(self.name):
            monitor.step(0, 1, "moving the stage")
            if time.monotonic() > until:
                raise DeviceError(
                    f"A stage arrives within {self._timeout_s:g} s",
                    item=self.name,
                    came=f"was still on its way to y {place_um[0]:g}, x {place_um[1]:g} µm and was halted",
                    remedy="Check that nothing is in its way; allow more time for far places.",
                )
            time.sleep(_POLL_S)

    def _halt(self) -> None:
        try:
            self._core.stop(self.name)
        except RuntimeError:  # not every stage can be halted; what went wrong first is what is told
            return

    def _fresh(self) -> Any:
        """Return an image of a running camera that was begun after the call."""
        until = time.monotonic() + self._timeout_s
        first: int | None = None
        while time.monotonic() < until:
            try:
                image, facts = self._core.getLastImageAndMD()
            except IndexError:  # its owner took it in between
                time.sleep(IDLE_S)
                continue
            first = number(facts) if first is None else first
            if number(facts) >= first + _FRESH:
                return np.array(image)
            time.sleep(IDLE_S)
        raise SourceTimeoutError(
            "A running camera delivers frames",
            item=str(self._core.getCameraDevice()),
            came=f"gave no new one for {self._timeout_s:g} s",
        )

    def _frame(self, image: Any) -> Frame:
        size = self.pixel_size_um
        known = Acquisition(
            str(self._core.getCameraDevice()),
            pixel_size_nm=None if size is None else (size * 1000, size * 1000),
            exposure_ms=float(self._core.getExposure()),
            extra={"camera": "micromanager", "stage_um": list(self.position_um())},
        )
        return Frame(image, 0, known, time.monotonic())

    def _failed(self, error: Exception) -> DeviceError:
        return DeviceError(
            "A stage and camera that answer are needed",
            item=self.name,
            came=f"failed ({error})",
            remedy="Check cables and power, and that no other program drives it.",
        )
