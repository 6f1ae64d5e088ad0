"""Bursts of a live view kept where the network runs, each frame sent there once, if that can be done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_emrestore.core import DeviceError
from napari_emrestore.registration.shifting import is_shift

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from napari_emrestore.core import Frame, IntensityMap, Restorer
    from napari_emrestore.pipeline.live_burst import Gathered
    from napari_emrestore.restoration import TorchRestorer
    from napari_emrestore.restoration.streaming import StreamRestorer

_STEADY_VIEWS = 3
"""So many views in a row must be alike before a stream is set up, which takes the time of some views."""


@dataclass(frozen=True, slots=True)
class Form:
    """What a stream is set up for; another one needs a new recording of the network's pass.

    Attributes
    ----------
    restorer : TorchRestorer
        Compared by identity.
    shape : tuple of int
        ``(Y, X)`` of the frames.
    dtype : str
        Of the frames.
    frames : int
        How many make an image.
    """

    restorer: TorchRestorer
    shape: tuple[int, ...]
    dtype: str
    frames: int


def form_of(burst: Gathered, restorer: Restorer, merge: str) -> Form | None:
    """Return the form in which a burst can be streamed; None if it cannot.

    A network is needed, frames of one whole-number type that only shift, and either as many frames as the
    network takes or, for one of single images, their plain mean.
    """
    from napari_emrestore.restoration import TorchRestorer
    from napari_emrestore.restoration.uploads import SENT_AS_THEY_ARE

    dtypes = {frame.data.dtype.name for frame in burst.frames}
    if not isinstance(restorer, TorchRestorer) or len(dtypes) > 1 or not dtypes <= set(SENT_AS_THEY_ARE):
        return None
    fewest, most = restorer.frames
    fits = fewest <= len(burst.frames) <= most or (most == 1 and merge == "mean")
    if not fits or not all(is_shift(warp) for warp in burst.warps):
        return None
    return Form(restorer, burst.frames[-1].data.shape, dtypes.pop(), len(burst.frames))


class DeviceStream:
    """Restores bursts of one form after the other; used by one thread."""

    def __init__(self) -> None:
        self._stream: StreamRestorer | None = None
        self._form: Form | None = None
        self._refused: Form | None = None
        self._alike = 0
        self._held: list[Frame | None] = []

    @property
    def is_graph(self) -> bool:
        """Whether the network's pass was recorded as a CUDA graph."""
        return self._stream is not None and self._stream.is_graph

    def is_ready(self, form: Form | None) -> bool:
        """Return whether bursts of a form are streamed; setting that up waits for a few alike.

        A form for which the device's memory does not suffice is not tried again until another one came.
        """
        if form != self._form:
            self._form, self._alike, self._stream, self._held = form, 0, None, []
            self._refused = None
        self._alike += 1
        if form is None or self._alike < _STEADY_VIEWS or form == self._refused:
            return False
        if self._stream is None:
            self._set_up(form)
        return self._stream is not None

    def restore(
        self, burst: Gathered, intensity: IntensityMap, noise: tuple[float, float] | None
    ) -> NDArray[np.float32] | None:
        """Return the restoration ``(Y, X)`` of a burst of the form that is ready, in input units.

        None if memory did not suffice after all; from then on the form is not ready.

        Parameters
        ----------
        burst : Gathered
            Of that form.
        intensity : IntensityMap
            Of the stream.
        noise : tuple of float, optional
            Slope and height of the noise line in model range.
        """
        stream, shape = self._stream, burst.frames[-1].data.shape
        if stream is None:
            return None
        height, width = shape
        shifts = [warp.shift_px((height, width)) for warp in burst.warps]
        try:
            return stream.restore(self._sent(stream, burst.frames), shifts, intensity, noise)
        except DeviceError:
            self._refused, self._stream, self._held = self._form, None, []
            return None

    def _set_up(self, form: Form) -> None:
        import numpy as np

        from napari_emrestore.restoration.streaming import StreamRestorer

        height, width = form.shape
        try:
            self._stream = StreamRestorer(form.restorer, (height, width), np.dtype(form.dtype), form.frames)
        except DeviceError:
            self._refused = form
        self._held = [None] * form.frames

    def _sent(self, stream: StreamRestorer, frames: tuple[Frame, ...]) -> list[int]:
        """Send what is not there yet to the places of what is no longer wanted; return the frames' places."""
        for frame in frames:
            if not any(held is frame for held in self._held):
                place = next(k for k, held in enumerate(self._held) if not any(held is f for f in frames))
                stream.put(frame.data, place)
                self._held[place] = frame
        return [next(k for k, held in enumerate(self._held) if held is frame) for frame in frames]
