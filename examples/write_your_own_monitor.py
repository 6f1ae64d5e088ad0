"""Follow long work and stop it: a monitor is any object with a `step` method."""

import numpy as np

from napari_emrestore import load_restorer, restore
from napari_emrestore.core import Cancelled


class StopHalfWay:
    """Prints every step and asks to stop in the middle."""

    def step(self, done: int, total: int, note: str = "") -> None:
        print(f"{note}: {done} of {total}")
        if done >= total / 2:
            raise Cancelled(note)


stack = np.random.default_rng(0).poisson(40, (6, 64, 64))
restorer = load_restorer("gaussian")
for frame in stack:
    try:
        restore(frame, restorer, tile=48, monitor=StopHalfWay())
    except Cancelled as stopped:
        print(stopped)
        break
