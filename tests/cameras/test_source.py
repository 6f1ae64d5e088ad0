"""A device that hangs does not hang who closes it; silence counts only while somebody waits."""

import threading

import numpy as np

from napari_emrestore.cameras import source as module
from napari_emrestore.cameras.source import LiveSource
from napari_emrestore.core import Acquisition, Frame

PATIENCE_S = 20.0


class Hanging(LiveSource):
    def __init__(self):
        super().__init__(Acquisition("hanging"), (2, 3), np.dtype(np.uint8), 10.0)
        self.inside, self.answer, self.released = threading.Event(), threading.Event(), []

    def _poll(self):
        self.inside.set()
        assert self.answer.wait(PATIENCE_S)

    def _release(self):
        self.released.append(threading.current_thread().name)


def test_a_device_that_hangs_is_released_by_its_reader_once_it_answers(monkeypatch):
    monkeypatch.setattr(module, "_CLOSE_S", 0.01)
    camera = Hanging()
    reader = threading.Thread(target=lambda: list(camera), name="reader", daemon=True)
    reader.start()
    assert camera.inside.wait(PATIENCE_S)
    camera.close()
    assert camera.released == []
    camera.answer.set()
    reader.join(PATIENCE_S)
    assert not reader.is_alive()
    assert camera.released == ["reader"]
    camera.close()
    assert camera.released == ["reader"]


def test_the_time_in_which_nobody_asks_is_no_silence(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])

    class Slow(LiveSource):
        def __init__(self):
            super().__init__(Acquisition(), (2, 3), np.dtype(np.uint8), 10.0)
            self.index = 0

        def _poll(self):
            now[0] += 6.0  # every frame takes two looks of six seconds
            self.index += 1
            half = self.index % 2
            return None if half else Frame(np.zeros((2, 3), np.uint8), self.index, Acquisition())

        def _release(self):
            pass

    with Slow() as camera:
        seen = []
        for frame in camera:
            now[0] += 1000.0
            seen.append(frame.index)
            if len(seen) == 3:
                break
    assert seen == [2, 4, 6]
