"""The rows of a table: what does nothing, the frame average, models, and the best tuned classical method."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.core import SILENT, Burst, MissingPackageError
from napari_emrestore.pipeline.evaluation.degrading import Instance

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_emrestore.core import Monitor, Restorer
    from napari_emrestore.restoration.classical import Tuning

    Image = NDArray[np.float32]

UNRESTORED = "degraded"
FRAME_AVERAGE = "frame average"
GROUND_TRUTH = "ground truth"
BEST_CLASSICAL = "best tuned classical"
_TIMING_PX = 512
_TIMING_RUNS = 3
_TIMING_SECONDS = 3.0


@dataclass(frozen=True, slots=True, eq=False)
class Method:
    """One row of a table.

    Attributes
    ----------
    name : str
        Unique in its table.
    restorer : Restorer, optional
        ``None`` for the rows that take the first frame, the average or the truth as they are.
    parameters : int
        Trained numbers of a network; 0 for everything else.
    note : str
        What was tuned, and to what.
    """

    name: str
    restorer: Restorer | None = None
    parameters: int = 0
    note: str = ""

    def apply(self, instance: Instance, *, monitor: Monitor = SILENT) -> Image:
        """Return the restoration ``(Y, X)`` of an instance, in its units."""
        frames = instance.frames
        if self.name == GROUND_TRUTH:
            return instance.truth
        if self.restorer is None:
            return frames[0] if self.name == UNRESTORED else np.asarray(frames.mean(axis=0))
        from napari_emrestore.restoration import restore

        data: Any = instance.registered or Burst(frames)
        if self.restorer.frames[1] == 1:
            data = frames.mean(axis=0)
        return np.asarray(restore(data, self.restorer, monitor=monitor).image)

    def seconds_per_frame(self, frames: int) -> float:
        """Return the wall time for one burst of 512 x 512 pixels: the best of up to three runs."""
        if self.name in (UNRESTORED, GROUND_TRUTH):
            return 0.0
        burst = _timing_burst(frames)
        self.apply(burst)  # loading and compiling are not part of it
        times: list[float] = []
        while len(times) < _TIMING_RUNS and sum(times) < _TIMING_SECONDS:
            started = time.perf_counter()
            self.apply(burst)
            times.append(time.perf_counter() - started)
        return min(times)

    def peak_mib(self, frames: int) -> float:
        """Return the most memory held at once for one burst of 512 x 512 pixels, input excluded, in MiB.

        What Python, numpy and torch allocate on the CPU is counted; what other C libraries keep to
        themselves is not.
        """
        from napari_emrestore.restoration.memory import peak_bytes

        if self.name in (UNRESTORED, GROUND_TRUTH):
            return 0.0
        burst = _timing_burst(frames)
        return peak_bytes(lambda: self.apply(burst)) / 2**20


def _timing_burst(frames: int) -> Instance:
    pixels = np.random.default_rng(0).poisson(50, (frames, _TIMING_PX, _TIMING_PX)).astype(np.float32)
    return Instance(pixels, pixels[0])


def baselines(frames: int) -> list[Method]:
    """Return the rows every table has: the degraded frame and, for a burst, the average."""
    return [Method(UNRESTORED), *([Method(FRAME_AVERAGE)] if frames > 1 else [])]


def load_method(model: str, device: str, precision: str) -> Method:
    """Return the row of a model or of an untuned classical method."""
    from napari_emrestore.restoration import load_restorer

    restorer = load_restorer(model, device=device, precision=precision)
    return Method(model, restorer, _count_parameters(model))


def _count_parameters(model: str) -> int:
    from napari_emrestore.models import find_card, load_network
    from napari_emrestore.models.foreign.opening import needs_runner, open_runner
    from napari_emrestore.restoration import list_classical

    if model in list_classical():
        return 0
    card = find_card(model)
    if needs_runner(card):
        return open_runner(card).parameters
    return sum(int(tensor.numel()) for tensor in load_network(card).parameters())


def best_classical(
    families: Sequence[str], calibration: Sequence[Instance], *, monitor: Monitor = SILENT
) -> tuple[Method, list[str]]:
    """Return the classical method with the least squared error on calibration instances, and what is missing.

    Parameters
    ----------
    families : sequence of str
        Classical ids with a search grid.
    calibration : sequence of Instance
        Made from images that are in no table.

    Raises
    ------
    InputError
        If a family is unknown or nothing can be tuned.
    """
    tuned: dict[str, Tuning] = {}
    missing = []
    for family in families:
        try:
            tuned[family] = _tune(family, calibration, monitor)
        except MissingPackageError as error:
            missing.append(str(error))
    if not tuned:
        raise _nothing_to_tune(families)
    family = min(tuned, key=lambda name: tuned[name].score)
    best = tuned[family]
    chosen = ", ".join(f"{name} = {value}" for name, value in best.parameters.items())
    note = f"{family} with {chosen}, tuned by squared error on {len(calibration)} other instances"
    return Method(BEST_CLASSICAL, best.restorer, note=note), missing


def _tune(family: str, calibration: Sequence[Instance], monitor: Monitor) -> Tuning:
    from napari_emrestore.restoration.classical import GRIDS, load_classical, tune

    if family not in GRIDS:
        raise _nothing_to_tune([family])
    return tune(
        partial(load_classical, family),
        [instance.frames for instance in calibration],
        [instance.truth for instance in calibration],
        GRIDS[family],
        monitor=monitor,
    )


def _nothing_to_tune(families: Sequence[str]) -> Any:
    from napari_emrestore.core import InputError
    from napari_emrestore.restoration.classical import GRIDS

    return InputError(
        f"Classical methods that can be tuned are {', '.join(GRIDS)}",
        came=f"{', '.join(families) or 'none'} came",
    )
