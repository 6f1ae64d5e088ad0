"""The bake-off: several models on one small box of an image or burst."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.bursts import as_aligned, merge, register
from napari_emrestore.core import (
    SILENT,
    Acquisition,
    Burst,
    Cancelled,
    EmRestoreError,
    InputError,
    RegisteredBurst,
)
from napari_emrestore.pipeline.comparison.candidates import MOST_CANDIDATES, Candidate
from napari_emrestore.restoration.plan import Rect

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from napari_emrestore.core import Monitor, WarpKind

FEWEST_MODELS = 2
_STEPS = 100
_CONTEXT_PX = 48  # around the box for methods that state no halo


@dataclass(frozen=True, slots=True, eq=False)
class BakeOff:
    """What each model made of the box.

    Attributes
    ----------
    candidates : tuple of Candidate
        One per model that ran, named by its id, all of one shape.
    failures : mapping of str to str
        Model id to the sentence that says why it did not run.
    degraded : Candidate
        The box as it came: the image, or the mean of the registered frames.
    area : Rect
        Pixels of the input that the candidates show.
    """

    candidates: tuple[Candidate, ...]
    failures: Mapping[str, str]
    degraded: Candidate
    area: Rect


def bake_off(
    data: Any,
    models: Sequence[str],
    *,
    box: Rect | None = None,
    kind: WarpKind | None = "euclidean",
    acquisition: Acquisition | None = None,
    device: str = "auto",
    monitor: Monitor = SILENT,
) -> BakeOff:
    """Return the restorations of one box by two to eight models; one that fails does not stop the others.

    Parameters
    ----------
    data : array, shape (Y, X) or (N, Y, X)
        An image, or the frames of one burst. Only the box is read.
    models : sequence of str
        Ids as `load_restorer` takes them.
    box : Rect, optional
        Pixels of the input to restore; ``None`` for all. What the models look at around it is read
        along and cut off afterwards.
    kind : {"translation", "euclidean", "affine", "homography"}, optional
        How frames are registered; ``None`` for frames that are aligned already.
    acquisition : Acquisition, optional
        What is known about the data.
    device : str
        For the models; classical methods run on the CPU.
    monitor : Monitor
        Told after every model.

    Raises
    ------
    InputError
        If the number of models, the data or the box do not fit.
    RegistrationError
        If the frames cannot be aligned.
    Cancelled
        When `monitor` says so.

    Notes
    -----
    A model of single frames gets the mean of the registered frames, as in a run of the whole line. The
    grey-value map of a model is measured on what was read, so the whole image may come out with a
    slightly different one.
    """
    shape = _check(data, models, box)
    wanted = box or Rect(0, shape[0], 0, shape[1])
    read = _with_context(wanted, shape, _context_px(models))
    known = acquisition or Acquisition()
    pixels = np.asarray(data[(..., *read.slices)])
    ready = None if pixels.ndim == 2 else _bring_together(Burst(pixels, known), kind, monitor)
    image = pixels if ready is None else merge(ready, "mean")
    top, left = (0, 0) if ready is None else ready.origin_px
    held = Rect(
        read.y0 + top, read.y0 + top + image.shape[0], read.x0 + left, read.x0 + left + image.shape[1]
    )
    shown = _overlap(wanted, held)
    keep = shown.within(held).slices
    candidates, failures = [], {}
    for position, model in enumerate(models):
        part = _Part(monitor, position, len(models), model)
        try:
            candidates.append(_run(model, image if ready is None else ready, image, keep, device, part))
        except Cancelled:
            raise
        except EmRestoreError as error:
            failures[model] = str(error)
    name = "input" if ready is None else f"mean of {len(ready.aligned)} frames"
    return BakeOff(tuple(candidates), failures, Candidate(name, image[keep]), shown)


def _run(
    model: str,
    data: NDArray[Any] | RegisteredBurst,
    mean: NDArray[Any],
    keep: tuple[slice, slice],
    device: str,
    monitor: Monitor,
) -> Candidate:
    from napari_emrestore.restoration import list_classical, load_restorer, restore

    restorer = load_restorer(model, device="auto" if model in list_classical() else device)
    taken = data if restorer.frames[1] > 1 else mean
    made = restore(taken, restorer, monitor=monitor)
    provenance = replace(made.provenance, notes=(*made.provenance.notes, "restored on a small box only"))
    return Candidate(model, np.asarray(made.image)[keep], made.provenance.seconds, asdict(provenance))


@dataclass(frozen=True, slots=True)
class _Part:
    """The share of one model in the progress of all."""

    monitor: Monitor
    position: int
    models: int
    name: str

    def step(self, done: int, total: int, note: str = "") -> None:
        """Pass on the work of one model as its share of the whole, in percent."""
        share = (self.position + done / max(total, 1)) / self.models
        self.monitor.step(round(_STEPS * share), _STEPS, f"{self.name}: {note}")


def _bring_together(burst: Burst, kind: WarpKind | None, monitor: Monitor) -> RegisteredBurst:
    if kind is None:
        return as_aligned(burst)
    return register(burst, kind=kind, reference="middle", monitor=monitor)


def _check(data: Any, models: Sequence[str], box: Rect | None) -> tuple[int, int]:
    """Return the shape ``(Y, X)`` of an image of `data`."""
    if not FEWEST_MODELS <= len(models) <= MOST_CANDIDATES or len(set(models)) < len(models):
        raise InputError(
            f"A bake-off takes {FEWEST_MODELS} to {MOST_CANDIDATES} different models",
            came=f"{len(models)} came: {', '.join(models) or 'none'}",
        )
    if data.ndim not in (2, 3):
        raise InputError(
            "A bake-off takes an image (Y, X) or a burst (N, Y, X)", came=f"shape {data.shape} came"
        )
    height, width = int(data.shape[-2]), int(data.shape[-1])
    if box is not None and not (0 <= box.y0 < box.y1 <= height and 0 <= box.x0 < box.x1 <= width):
        raise InputError(
            f"The box of a bake-off lies within the image of {height} × {width} pixels",
            came=f"rows {box.y0} to {box.y1}, columns {box.x0} to {box.x1} came",
        )
    return height, width


def _context_px(models: Sequence[str]) -> int:
    """Return how far the models look beyond the box; one that cannot be found says so when it runs."""
    from napari_emrestore.models import find_card
    from napari_emrestore.restoration import list_classical

    reach = [_CONTEXT_PX]
    for model in set(models) - set(list_classical()):
        with suppress(EmRestoreError):
            reach.append(find_card(model).tiling.halo)
    return max(reach)


def _with_context(box: Rect, shape: tuple[int, int], context_px: int) -> Rect:
    return Rect(
        max(0, box.y0 - context_px),
        min(shape[0], box.y1 + context_px),
        max(0, box.x0 - context_px),
        min(shape[1], box.x1 + context_px),
    )


def _overlap(wanted: Rect, held: Rect) -> Rect:
    """Return the pixels of the box that all registered frames show."""
    y0, y1 = max(wanted.y0, held.y0), min(wanted.y1, held.y1)
    x0, x1 = max(wanted.x0, held.x0), min(wanted.x1, held.x1)
    if y0 >= y1 or x0 >= x1:
        raise InputError(
            "The box of a bake-off must be shown by all its frames",
            came="the frames moved out of it",
            remedy="Take a larger box or fewer frames.",
        )
    return Rect(y0, y1, x0, x1)
