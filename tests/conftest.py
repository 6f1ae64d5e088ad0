"""What tests of several packages share."""

import pytest

from napari_emrestore.core import Cancelled


class Recorder:
    """A monitor that records its steps and stops after `stop_at` of them."""

    def __init__(self, stop_at=None):
        self.steps, self.stop_at = [], stop_at

    def step(self, done, total, note=""):
        self.steps.append((done, total, note))
        if self.stop_at is not None and len(self.steps) > self.stop_at:
            raise Cancelled


@pytest.fixture
def recorder():
    return Recorder
