"""The ring keeps the newest frames and counts what was lost and dropped."""

import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_emrestore.cameras import Ring
from napari_emrestore.core import Acquisition, Frame, InputError


def frame(index):
    return Frame(np.zeros((2, 3), np.uint8), index, Acquisition())


@given(
    st.integers(1, 6),
    st.lists(st.tuples(st.integers(0, 9), st.integers(1, 8)), max_size=20),
    st.sets(st.integers(0, 200), max_size=20),
)
def test_every_frame_is_taken_or_counted(capacity, turns, missing):
    ring, index, taken = Ring(capacity), 0, []
    sent = 0
    for puts, most in turns:
        for _ in range(puts):
            if index not in missing:
                ring.put(frame(index))
                sent += 1
            index += 1
        got = ring.take(most)
        assert len(got) <= min(most, capacity)
        taken += [f.index for f in got]
    left = ring.take(capacity)
    taken += [f.index for f in left]
    assert taken == sorted(set(taken))
    assert ring.acquired == sent
    assert len(taken) + ring.dropped == sent
    inner = [k for k in missing if sent and first_sent(missing) < k < last_sent(index, missing)]
    assert ring.lost == len(inner)


def first_sent(missing):
    return next(k for k in range(1000) if k not in missing)


def last_sent(count, missing):
    return max(k for k in range(count) if k not in missing)


def test_a_reader_gets_the_newest():
    ring = Ring(4)
    for k in range(7):
        ring.put(frame(k))
    assert [f.index for f in ring.take(2)] == [5, 6]
    assert (ring.acquired, ring.dropped, ring.lost) == (7, 5, 0)


def test_a_waiting_reader_is_woken_by_a_frame_and_by_the_end():
    ring = Ring(4)

    def woken_by(happening):
        reader = threading.Thread(target=ring.wait, args=(60.0,), daemon=True)
        reader.start()
        happening()
        reader.join(20.0)
        return not reader.is_alive()

    assert woken_by(lambda: ring.put(frame(0)))
    assert [f.index for f in ring.take(4)] == [0]
    assert woken_by(ring.end)
    assert ring.ended
    assert ring.take(4) == []


def test_a_ring_holds_at_least_one():
    with pytest.raises(InputError, match="at least one"):
        Ring(0)


def test_a_smaller_ring_drops_the_oldest():
    ring = Ring(5)
    for k in range(5):
        ring.put(frame(k))
    ring.resize(2)
    assert [f.index for f in ring.take(5)] == [3, 4]
    assert ring.dropped == 3
