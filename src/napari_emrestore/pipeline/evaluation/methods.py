"""The rows of a table: what does nothing, the frame average, models, and the best tuned classical method."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.core import SILENT, Burst, InputError, MissingPackageError
from napari_emrestore.pipeline.evaluation.degrading import Instance

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from napari_emrestore.core import Monitor, Restorer
    from napari_emrestore.restoration.classical import Tuning

    Image = NDArray[np.float32]

UNRESTORED = "degraded"
FRAME_AVERAGE = "frame average"
GROUND_TRUTH = "ground truth"
BEST_CLASSICAL = "best tuned classical"
DENOISED_THEN_DEBLURRED = "BM3D, then Wiener told the blur"
BLUR_FAMILY = "bm3d-then-wiener"
_TIMING_PX = 512
_TIMING_RUNS = 3
_TIMING_SECONDS = 3.0
_TIMING_PSF = np.full((1, 9), 1 / 9)
_BALANCES = (1e-4, 3e-4, 1e-3, 3e-3, 0.01, 0.03, 0.1, 0.3, 1.0)


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
    deblurrer : callable, optional
        Makes the restorer of an instance from its true blur, instead of `restorer`.
    """

    name: str
    restorer: Restorer | None = None
    parameters: int = 0
    note: str = ""
    deblurrer: Callable[[NDArray[np.float64]], Restorer] | None = None

    def apply(self, instance: Instance, *, monitor: Monitor = SILENT) -> Image:
        """Return the restoration ``(Y, X)`` of an instance, in its units."""
        frames = instance.frames
        if self.name == GROUND_TRUTH:
            return instance.truth
        restorer = self.restorer if self.deblurrer is None else self.deblurrer(_blur_of(instance))
        if restorer is None:
            return frames[0] if self.name == UNRESTORED else np.asarray(frames.mean(axis=0))
        from napari_emrestore.restoration import restore

        data: Any = instance.registered or Burst(frames)
        most = restorer.frames[1]
        if most == 1:
            data = frames.mean(axis=0)
        elif most < len(frames):
            data = Burst(frames[:most])
        return np.asarray(restore(data, restorer, monitor=monitor).image)

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
    return Instance(pixels, pixels[0], psf=_TIMING_PSF)


def baselines(frames: int) -> list[Method]:
    """Return the rows every table has: the degraded frame and, for a burst, the average."""
    return [Method(UNRESTORED), *([Method(FRAME_AVERAGE)] if frames > 1 else [])]


def load_method(model: str, device: str, precision: str, frames: int) -> Method:
    """Return the row of a model or of an untuned classical method, for bursts of `frames`.

    A network for shorter bursts is shown the first frames, one for single frames the average.
    """
    from napari_emrestore.restoration import load_restorer

    restorer = load_restorer(model, device=device, precision=precision)
    most = restorer.frames[1]
    note = f"sees the first {most} of {frames} frames" if 1 < most < frames else ""
    return Method(model, restorer, _count_parameters(model), note)


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


def tuned_rows(
    families: Sequence[str], calibration: Sequence[Instance], *, monitor: Monitor = SILENT
) -> tuple[list[Method], list[str]]:
    """Return the rows of tuned classical methods and, as sentences, which packages are missing.

    Parameters
    ----------
    families : sequence of str
        As for `best_classical`; `BLUR_FAMILY` beside them has a row of its own where instances are blurred.
    calibration : sequence of Instance
        Made from images that are in no table.

    Raises
    ------
    InputError
        If a family is unknown or nothing can be tuned.
    """
    plain = [family for family in families if family != BLUR_FAMILY]
    rows: list[Method] = []
    missing: list[str] = []
    if plain:
        best, missing = best_classical(plain, calibration, monitor=monitor)
        rows.append(best)
    if BLUR_FAMILY in families and (not plain or any(known.psf is not None for known in calibration)):
        try:
            rows.append(denoised_then_deblurred(calibration, monitor=monitor))
        except MissingPackageError as error:
            missing.append(str(error))
    return rows, missing


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


def denoised_then_deblurred(calibration: Sequence[Instance], *, monitor: Monitor = SILENT) -> Method:
    """Return BM3D of the average, then Wiener deconvolution, its balance tuned on calibration instances.

    It is told the true blur of every instance, which nobody has at a microscope: a bar for networks, which
    are told nothing.

    Raises
    ------
    InputError
        If the instances are not blurred.
    MissingPackageError
        If the package bm3d is not installed.
    """
    from napari_emrestore.restoration import restore
    from napari_emrestore.restoration.classical import (
        bm3d_then_wiener,
        load_classical,
        wiener_deconvolution,
    )

    denoiser = Method("bm3d-calibrated", load_classical("bm3d-calibrated"))
    errors = dict.fromkeys(_BALANCES, 0.0)
    for done, instance in enumerate(calibration):
        psf = _blur_of(instance)
        smooth = denoiser.apply(instance)
        for balance in errors:
            sharp = restore(smooth, wiener_deconvolution(psf, balance=balance)).image
            errors[balance] += float(np.mean((sharp - instance.truth) ** 2))
        monitor.step(done + 1, len(calibration), "tuning deconvolution")
    best = min(errors, key=lambda balance: errors[balance])
    note = (
        f"balance = {best}, tuned by squared error on {len(calibration)} other instances; told the true blur"
    )
    return Method(DENOISED_THEN_DEBLURRED, note=note, deblurrer=partial(bm3d_then_wiener, balance=best))


def _blur_of(instance: Instance) -> NDArray[np.float64]:
    if instance.psf is None:
        raise InputError(
            f"{BLUR_FAMILY} needs a protocol that blurs",
            came="this one only adds noise",
            remedy="Take plos or sgpn, or leave it out.",
        )
    return instance.psf


def _nothing_to_tune(families: Sequence[str]) -> Any:
    from napari_emrestore.restoration.classical import GRIDS

    return InputError(
        f"Classical methods that can be tuned are {', '.join(GRIDS)}",
        came=f"{', '.join(families) or 'none'} came",
    )
