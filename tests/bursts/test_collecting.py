"""Bursts are gathered frame by frame, and windows cover a recording as they say."""

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_emrestore.bursts import collect, windows
from napari_emrestore.core import Acquisition, Cancelled, Frame, InputError


class Recording:
    """A source of three-pixel-wide frames that counts how many were taken from it."""

    acquisition = Acquisition("recording", pixel_size_nm=(2.0, 2.0))
    frame_shape = (5, 3)
    dtype = np.dtype(np.uint16)

    def __init__(self, count: int, odd: int | None = None) -> None:
        self.count, self.odd, self.taken = count, odd, 0

    def __iter__(self) -> Iterator[Frame]:
        for index in range(self.count):
            self.taken += 1
            shape = (4, 3) if index == self.odd else self.frame_shape
            yield Frame(np.full(shape, 10 + index, np.uint16), 2 * index, self.acquisition)


class Steps:
    def __init__(self, stop_at: int = -1) -> None:
        self.seen: list[tuple[int, int]] = []
        self.stop_at = stop_at

    def step(self, done: int, total: int, note: str = "") -> None:
        self.seen.append((done, total))
        if done == self.stop_at:
            raise Cancelled


def test_collect_takes_the_next_frames_and_no_more():
    source, steps = Recording(9), Steps()
    burst = collect(source, 4, monitor=steps)
    assert burst.frames.shape == (4, 5, 3)
    assert burst.frames.dtype == np.uint16
    assert burst.frames[:, 0, 0].tolist() == [10, 11, 12, 13]
    assert burst.indices == (0, 2, 4, 6)
    assert burst.acquisition is source.acquisition
    assert source.taken == 4
    assert steps.seen == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_collect_says_when_the_source_ends_or_changes():
    with pytest.raises(InputError, match="ended after 2"):
        collect(Recording(2), 3)
    with pytest.raises(InputError, match=r"frame 2 is \(4, 3\)"):
        collect(Recording(5, odd=1), 3)


@pytest.mark.parametrize("n", [0, -1, 33])
def test_a_burst_has_1_to_32_frames(n):
    with pytest.raises(InputError, match="1 to 32 frames"):
        collect(Recording(40), n)


def test_collect_stops_when_asked():
    source = Recording(9)
    with pytest.raises(Cancelled):
        collect(source, 5, monitor=Steps(stop_at=2))
    assert source.taken == 2


@given(st.integers(1, 200), st.integers(1, 32))
def test_windows_hold_length_frames_in_order(count, length):
    if count < length:
        with pytest.raises(InputError, match=f"{count} came"):
            windows(count, length)
        return
    sliding, consecutive = windows(count, length), windows(count, length, "consecutive")
    assert all(len(window) == length and window[-1] < count for window in (*sliding, *consecutive))
    assert [window.start for window in sliding] == list(range(count - length + 1))
    assert [i for window in consecutive for i in window] == list(range(count // length * length))


def test_windows_refuse_an_unknown_mode():
    with pytest.raises(InputError, match="'sliding' or 'consecutive'"):
        windows(9, 3, "hopping")
