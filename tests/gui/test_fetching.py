"""Weights to be downloaded: offered in the restore dock, seen coming, stopped, or told why not."""

import threading
from dataclasses import replace

import pytest
from napari.components import ViewerModel

from napari_emrestore.core import ModelError
from napari_emrestore.models import find_card
from napari_emrestore.widgets.restore import RestoreDock, choices

WAIT_MS = 60_000


@pytest.fixture
def far(tmp_path, monkeypatch):
    """A card whose weights are elsewhere."""
    near = find_card("katsuno-quarter")
    far = replace(
        near, id="far", weights=tmp_path / "far.safetensors", weights_url="https://files.example.org/far"
    )
    monkeypatch.setattr(choices, "list_models", lambda: [near, far])
    return far


@pytest.fixture
def dock(qtbot, far):
    dock = RestoreDock(ViewerModel())
    qtbot.addWidget(dock)
    dock.state.model = "far"
    return dock


def fetching(monkeypatch, work):
    monkeypatch.setattr("napari_emrestore.models.fetch_weights", work, raising=False)


def test_it_is_offered_only_while_the_weights_are_missing(qtbot, dock, far, monkeypatch):
    box = dock.view.model.fetch
    assert not box.isHidden()
    assert "files.example.org" in box.text.text()
    dock.state.model = "katsuno-quarter"
    assert box.isHidden()
    dock.state.model = "far"
    fetching(monkeypatch, lambda card, monitor: card.weights.touch())
    with qtbot.waitSignal(box.jobs.ended, timeout=WAIT_MS):
        box.run.button.click()
    assert far.is_ready
    assert box.isHidden()
    assert dock.state.model == "far"


def test_a_download_is_seen_and_can_be_stopped_and_a_failure_is_one_sentence(qtbot, dock, far, monkeypatch):
    box, reached = dock.view.model.fetch, threading.Event()

    def endless(card, monitor):
        for kilobytes in range(10_000_000):
            monitor.step(kilobytes, 10_000_000, f"downloading {card.id}, kB")
            reached.set()

    fetching(monkeypatch, endless)
    box.run.button.click()
    qtbot.waitUntil(reached.is_set)
    qtbot.waitUntil(lambda: "downloading far, kB" in box.run.label.text())
    with qtbot.waitSignal(box.jobs.cancelled, timeout=WAIT_MS):
        box.run.button.click()
    assert "kept for the next try" in box.run.label.text()

    def broken(card, monitor):
        raise ModelError("The weights must be downloaded once", came="answered 404 Not Found")

    fetching(monkeypatch, broken)
    with qtbot.waitSignal(box.jobs.ended, timeout=WAIT_MS):
        box.run.button.click()
    assert "answered 404" in box.run.label.text()
    assert not box.isHidden()
