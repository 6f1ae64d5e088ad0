"""The order of things on a card, told by a stand-in for one: what waits for what, and on which stream."""

from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest

from napari_emrestore.restoration import load_restorer

torch = pytest.importorskip("torch")
from napari_emrestore.restoration.recorded_passes import RecordedPass  # noqa: E402
from napari_emrestore.restoration.uploads import Uploads  # noqa: E402


class Stream:
    def __init__(self, name="aside"):
        self.name = name

    def wait_stream(self, other):
        CARD.told.append(f"{self.name} waits for {other.name}")


class Card:
    """Notes what is asked of it; everything is computed at once, on the processor."""

    def __init__(self):
        self.told, self.current, self.refuses = [], Stream("main"), False

    @contextmanager
    def stream(self, stream):
        before, self.current = self.current, stream
        yield
        self.current = before

    @contextmanager
    def graph(self, graph, *, stream, capture_error_mode):
        self.current = stream  # as torch does, and leaves it so if the recording fails
        self.told.append(f"recording on {stream.name}, {capture_error_mode}")
        yield
        if self.refuses:
            raise RuntimeError("CUDA error: operation failed due to a previous error during capture")
        self.told.append("recorded")


CARD = Card()


class Event:
    def record(self):
        CARD.told.append(f"event on {CARD.current.name}")

    def synchronize(self):
        CARD.told.append("host waits for an event")


class Graph:
    def replay(self):
        CARD.told.append("replay")


@pytest.fixture
def card(monkeypatch):
    CARD.__init__()
    monkeypatch.setattr(torch.cuda, "Stream", lambda device: Stream())
    monkeypatch.setattr(torch.cuda, "current_stream", lambda device: CARD.current)
    monkeypatch.setattr(torch.cuda, "stream", CARD.stream)
    monkeypatch.setattr(torch.cuda, "graph", CARD.graph)
    monkeypatch.setattr(torch.cuda, "CUDAGraph", Graph)
    monkeypatch.setattr(torch.cuda, "Event", Event)
    return CARD


def test_a_buffer_is_written_only_after_it_was_read(card):
    uploads, target = Uploads((4, 6), np.dtype(np.uint16), "cpu"), torch.zeros((4, 6))
    uploads._on_card, uploads._stream = True, Stream("upload")
    for value in range(4):
        uploads.send(np.full((4, 6), 60000 + value, np.uint16), target)
    uploads.arrive()
    sending = ["upload waits for main", "event on upload"]
    waiting = ["host waits for an event", *sending]
    assert card.told == [*sending, *sending, *waiting, *waiting, "main waits for upload"]
    assert (target == 60003).all()


class Network(torch.nn.Module):
    def forward(self, frames):
        CARD.told.append(f"network on {CARD.current.name}")
        return frames.mean(1)


@pytest.fixture
def restorer():
    known = load_restorer("katsuno-quarter", device="cpu", precision="fp32")
    return replace(known, network=Network(), place=replace(known.place, name="cuda:0"))


def test_a_pass_is_recorded_after_warming_up_on_the_same_stream(card, restorer):
    made = RecordedPass(restorer, torch.ones((1, 2, 4, 6)), None)
    assert made.is_graph
    assert card.told == [
        "aside waits for main",
        *["network on aside"] * 3,
        "recording on aside, thread_local",
        "network on aside",
        "recorded",
        "main waits for aside",
    ]
    card.told.clear()
    assert made.run().shape == (4, 6)
    assert card.told == ["replay"]
    assert card.current.name == "main"


def test_a_network_that_cannot_be_recorded_runs_as_it_is(card, restorer):
    card.refuses = True
    made = RecordedPass(restorer, torch.full((1, 2, 4, 6), 3.0), None)
    assert not made.is_graph
    assert card.current.name == "main", "the stream of a failed recording is left"
    card.told.clear()
    assert (made.run() == 3).all()
    assert card.told == ["network on main"]
