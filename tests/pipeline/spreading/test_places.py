"""What a process keeps: one place for equal orders, let go of only when nobody uses it."""

from contextlib import ExitStack

import dask

from napari_emrestore.pipeline.spreading.places import let_go, reading_here, workplace


class Place:
    def __init__(self, order):
        self.order, self.closed = order, 0

    def close(self):
        self.closed += 1


def test_equal_orders_share_a_place_that_is_set_up_once():
    with workplace("a", Place) as (first, _), workplace("a", Place) as (second, seconds):
        assert first is second
        assert seconds == 0
    with workplace("a", Place) as (third, _):
        assert third is first
    assert not first.closed
    let_go("b")
    assert not first.closed
    let_go("a")
    assert first.closed == 1


def test_a_place_in_use_is_closed_after_its_last_piece():
    with workplace("a", Place) as (old, _):
        with workplace("b", Place) as (new, _):
            assert not old.closed
            let_go("b")
            assert not new.closed
        assert new.closed == 1
    assert old.closed == 1


def test_a_place_that_cannot_be_set_up_leaves_no_trace():
    def fail(order):
        raise OSError(order)

    for _ in range(2):
        try:
            with workplace("a", fail):
                raise AssertionError
        except OSError:
            pass
    with workplace("a", Place) as (place, _):
        assert place.order == "a"
    let_go("a")


def test_files_are_read_in_the_thread_that_asks_until_the_last_piece_ends():
    before = dask.config.get("scheduler", None)
    with ExitStack() as pieces:
        pieces.enter_context(reading_here())
        with reading_here():
            pass
        assert dask.config.get("scheduler") == "synchronous"
    assert dask.config.get("scheduler", None) == before
