"""Jobs: off the main thread, numbered, stopped when asked; the dock hears each outcome once."""

import threading

import pytest
from napari.utils import progress
from qtpy.QtCore import QThreadPool
from qtpy.QtWidgets import QWidget

from napari_emrestore.core import Cancelled, InputError
from napari_emrestore.widgets.jobs import Jobs, end_all_work
from napari_emrestore.widgets.run_bar import RunBar, duration


def _until_stopped(monitor):
    started = threading.Event()
    while True:
        monitor.step(1, 10, "waiting")
        started.wait(0.01)


def test_the_result_arrives_on_the_main_thread_and_the_work_ran_on_another(qtbot):
    jobs, seen = Jobs(), []
    jobs.succeeded.connect(lambda value: seen.append((value, threading.current_thread())))
    with qtbot.waitSignal(jobs.ended):
        jobs.start("counting", lambda monitor: threading.current_thread())
    (worker_thread, arrival), *more = seen
    assert not more
    assert arrival is threading.main_thread()
    assert worker_thread is not threading.main_thread()
    assert not jobs.running


def test_parts_come_in_order_before_the_result(qtbot):
    jobs, seen = Jobs(), []
    jobs.part.connect(seen.append)
    jobs.succeeded.connect(seen.append)

    def work(monitor):
        for part in range(5):
            monitor.show(part)
        return "whole"

    with qtbot.waitSignal(jobs.ended):
        jobs.start("parts", work)
    assert seen == [0, 1, 2, 3, 4, "whole"]


def test_cancel_stops_the_work_and_nothing_comes_after(qtbot):
    jobs, seen = Jobs(), []
    jobs.succeeded.connect(seen.append)
    jobs.failed.connect(seen.append)
    jobs.start("waiting", _until_stopped)
    with qtbot.waitSignals([jobs.cancelled, jobs.ended]):
        jobs.cancel()
    assert not seen
    assert not jobs.running


def test_a_pause_ends_when_the_work_is_asked_to_stop(qtbot):
    jobs, reached = Jobs(), threading.Event()

    def work(monitor):
        monitor.pause(0.0)
        reached.set()
        monitor.pause(600.0)

    jobs.start("pausing", work)
    qtbot.waitUntil(reached.is_set)
    with qtbot.waitSignals([jobs.cancelled, jobs.ended]):
        jobs.cancel()


def test_endless_jobs_leave_the_shared_threads_to_the_others(qtbot):
    pool, release = QThreadPool.globalInstance(), threading.Event()
    endless = [Jobs(endless=True) for _ in range(pool.maxThreadCount() + 1)]
    started = [threading.Event() for _ in endless]

    def work_of(event):
        def work(monitor):
            event.set()
            release.wait(60)

        return work

    for jobs, event in zip(endless, started, strict=True):
        jobs.start("going on", work_of(event))
    qtbot.waitUntil(lambda: all(event.is_set() for event in started), timeout=20_000)
    short = Jobs()
    with qtbot.waitSignal(short.succeeded, timeout=20_000) as done:
        short.start("in between", lambda monitor: 7)
    assert done.args == [7]
    with qtbot.waitSignals([jobs.ended for jobs in endless], timeout=20_000):
        release.set()
    assert pool.activeThreadCount() <= pool.maxThreadCount()


def test_an_error_of_ours_arrives_as_one(qtbot):
    jobs = Jobs()

    def work(monitor):
        raise InputError("A burst is needed", came="a cat came")

    with qtbot.waitSignal(jobs.failed) as failed, qtbot.waitSignal(jobs.ended):
        jobs.start("failing", work)
    assert str(failed.args[0]) == "A burst is needed; a cat came."


def test_a_bug_is_raised_where_napari_shows_it_and_ends_the_job(qtbot):
    jobs, seen = Jobs(), []
    jobs.failed.connect(seen.append)
    with qtbot.capture_exceptions() as bugs, qtbot.waitSignal(jobs.ended):
        jobs.start("dividing", lambda monitor: 1 / 0)
    assert [kind for kind, *_ in bugs] == [ZeroDivisionError]
    assert not jobs.running
    assert not seen


def test_a_newer_job_never_shows_the_older_ones_result(qtbot):
    jobs, seen = Jobs(), []
    old_stopped = threading.Event()
    jobs.succeeded.connect(seen.append)
    jobs.cancelled.connect(lambda: seen.append("cancelled"))

    def old(monitor):
        try:
            _until_stopped(monitor)
        except Cancelled:
            old_stopped.set()
            return "old"  # even a work that returns something after all

    jobs.start("old", old)
    with qtbot.waitSignal(jobs.ended):
        jobs.start("new", lambda monitor: old_stopped.wait(5) and "new")
    qtbot.wait(50)
    assert seen == ["new"]


def test_a_dock_that_goes_away_stops_its_job(qtbot):
    dock, stopped = QWidget(), threading.Event()

    def work(monitor):
        try:
            _until_stopped(monitor)
        finally:
            stopped.set()

    Jobs(dock).start("waiting", work)
    dock.deleteLater()
    qtbot.waitUntil(stopped.is_set)


def test_napari_does_not_end_under_a_job(qtbot):
    stopped = threading.Event()

    def work(monitor):
        try:
            _until_stopped(monitor)
        finally:
            stopped.set()

    jobs = Jobs()
    jobs.start("waiting", work)
    jobs.start("newer", _until_stopped)
    end_all_work()
    assert stopped.is_set()
    qtbot.waitUntil(lambda: not jobs.running)


def test_the_button_runs_cancels_and_says_what_happened(qtbot):
    jobs = Jobs()
    bar = RunBar(jobs, "Restore")
    qtbot.addWidget(bar)
    bar.show()
    bar.asked.connect(lambda: jobs.start("waiting", _until_stopped))
    with qtbot.waitSignal(jobs.stepped):
        bar.button.click()
    assert bar.button.text() == "Cancel"
    assert bar.bar.isVisible()
    assert bar.bar.value() == 100
    assert bar.label.text().startswith("waiting 1 of 10")
    with qtbot.waitSignal(jobs.ended):
        bar.button.click()
        assert bar.button.text().startswith("Cancelling")
    assert bar.button.text() == "Restore"
    assert bar.button.isEnabled()
    assert bar.label.text() == "Cancelled. Nothing was changed."


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.2, "0 s"), (59.4, "59 s"), (200, "3 min 20 s"), (7500, "2 h 5 min")]
)
def test_times_are_for_people(seconds, text):
    assert duration(seconds) == text


def test_a_quiet_job_shows_no_bar_and_tells_the_same(qtbot):
    jobs, seen = Jobs(quiet=True), []
    jobs.stepped.connect(seen.append)
    before = set(progress._all_instances)

    def work(monitor):
        monitor.step(1, 1, "looking")
        return set(progress._all_instances)

    with qtbot.waitSignal(jobs.succeeded) as done:
        jobs.start("looking", work)
    assert done.args[0] == before
    assert [step.note for step in seen] == ["looking"]
