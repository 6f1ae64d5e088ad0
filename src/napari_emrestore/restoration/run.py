"""restore(): from frames in input units to a restored image in input units, with its provenance."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from napari_emrestore import __version__
from napari_emrestore.core import (
    SILENT,
    DeviceError,
    InputError,
    IntensityMap,
    Monitor,
    Provenance,
    Restoration,
    Restorer,
)
from napari_emrestore.restoration.blocks import blocks_of
from napari_emrestore.restoration.budget import plan_for
from napari_emrestore.restoration.checks import check_input
from napari_emrestore.restoration.classical.restorer import ClassicalRestorer
from napari_emrestore.restoration.inputs import Inputs, gather
from napari_emrestore.restoration.intensity import check_intensity, measure_intensity
from napari_emrestore.restoration.noise import doubt_of_noise, line_in_model_range, measure_noise
from napari_emrestore.restoration.plan import (
    TilePlan,
    Window,
    blend_weights,
    choose_window,
    plan_tiles,
    split_window,
)
from napari_emrestore.restoration.results import Result, result_array
from napari_emrestore.restoration.runtime_restorer import RuntimeRestorer
from napari_emrestore.restoration.torch_restorer import TorchRestorer
from napari_emrestore.restoration.windows import WindowReader, make_window

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_emrestore.metrics import NoiseModel

Tile = Literal["auto"] | int | tuple[int, int]


def restore(
    data: Any,
    restorer: Restorer,
    *,
    tile: Tile = "auto",
    intensity: IntensityMap | None = None,
    noise: NoiseModel | None = None,
    out: Any | None = None,
    expected_error: bool = False,
    error_out: Any | None = None,
    in_blocks: bool = False,
    monitor: Monitor = SILENT,
) -> Restoration:
    """Return the restoration of an image, a stack of images or a registered burst, in input units.

    Parameters
    ----------
    data : array, Frame, Burst or RegisteredBurst
        ``(Y, X)`` is one image; ``(N, Y, X)`` is one burst if the restorer takes several frames, else N
        images restored one by one. Any real dtype; numpy, dask or zarr, the latter two read piece by piece.
        Pixels that are not finite, or not valid in any frame of a registered burst, come back as NaN.
    restorer : Restorer
        Of `load_restorer`.
    tile : "auto", int or tuple of int
        Side or ``(Y, X)`` in px of the windows the restorer sees, halo included, a multiple of its stride.
        Given values are never changed. ``"auto"`` chooses by the free memory, and smaller ones if that does
        not suffice after all.
    intensity : IntensityMap, optional
        ``None`` measures it, once for all of `data`.
    noise : NoiseModel, optional
        Noise of the detector in input units, for models that ask for it and for calibrated filters of single
        images; others do without. ``None`` measures it, once.
    out : array, optional
        Floating-point array to write to, as a zarr array or a memory map; ``None`` makes one in memory.
        After an error or a stop it holds a part of the result.
    expected_error : bool
        Have the model tell how far each pixel is probably off; the image stays the same.
    error_out : array, optional
        What `out` is for the image, for the expected error.
    in_blocks : bool
        Whether windows write the blocks of a regular grid (`blocks_of`), whole chunks of an array on disk,
        so that the result is that of blocks restored apart. Not for restorers that must see it all.
    monitor : Monitor
        Told after every window, and before the first.

    Returns
    -------
    Restoration
        float32 (or `out`), unclamped. Its provenance holds the model, the tile plan, the intensity map,
        device, versions, seconds, and notes on everything out of the ordinary.

    Raises
    ------
    InputError
        If data, `tile`, `intensity` or `out` cannot be used with this restorer, or it tells no error.
    DeviceError
        If memory does not suffice, even in small windows or with the `tile` that was asked for.
    Cancelled
        When `monitor` says so.
    """
    started = time.perf_counter()
    inputs = gather(data, restorer)
    if expected_error:
        refuse_silent(restorer)
        inputs.results = 2
    mapping = measure_intensity(inputs) if intensity is None else check_intensity(intensity)
    plan = blocks_of(inputs, restorer, tile) if in_blocks else plan_for(inputs, restorer, tile)
    result = Result(result_array(inputs, out), mapping)
    errors = None
    if expected_error:
        errors = Result(result_array(inputs, error_out), IntensityMap(0.0, mapping.scale))
    given = noise
    restorer, noise = with_noise(restorer, inputs, mapping, given)
    reader = WindowReader(inputs, mapping)
    run = _Run(inputs, restorer, plan, reader, result, errors, monitor, given=given, shrinks=tile == "auto")
    run.all_images()
    settings: dict[str, Any] = {
        "tile": {**run.plan.describe(), "asked": tile},
        "intensity": asdict(mapping),
        "frames": inputs.frames,
        "noise": None if noise is None else asdict(noise),
    }
    provenance = _provenance(inputs, restorer, settings, run.notes(), time.perf_counter() - started)
    told = None if errors is None else errors.array
    return Restoration(result.array, inputs.acquisition, provenance, inputs.origin_px, told)


def refuse_silent(restorer: Restorer) -> None:
    """Raise `InputError` if a restorer does not tell how far its restoration is probably off."""
    if not (isinstance(restorer, TorchRestorer) and restorer.tells_error):
        raise InputError(
            "Only a model with an error head tells the expected error",
            item=restorer.id,
            came="has none",
            remedy="Choose another model (napari-emrestore models), or do without the expected error.",
        )


def with_noise(
    restorer: Restorer, inputs: Inputs, mapping: IntensityMap, noise: NoiseModel | None = None
) -> tuple[Restorer, NoiseModel | None]:
    """Return a restorer that knows the noise of an input, if it asks for it, and that noise.

    Parameters
    ----------
    restorer : Restorer
        Any; one that has no use for the noise comes back as it is, with ``None``.
    inputs : Inputs
        What is to be restored.
    mapping : IntensityMap
        Of these inputs.
    noise : NoiseModel, optional
        In input units; ``None`` measures it where it is asked for.
    """
    if isinstance(restorer, TorchRestorer | RuntimeRestorer) and restorer.asks_for_noise:
        noise = measure_noise(inputs) if noise is None else noise
        return replace(restorer, noise=line_in_model_range(noise, mapping)), noise
    if isinstance(restorer, ClassicalRestorer) and restorer.told is not None and inputs.frames == 1 and noise:
        return replace(restorer, noise=line_in_model_range(noise, mapping)), noise
    return restorer, None


def notes_on(
    inputs: Inputs, restorer: Restorer, missing_px: int, broken_px: int, noise: NoiseModel | None = None
) -> list[str]:
    """Return what is out of the ordinary in an input and in what a restorer made of it, in sentences.

    Parameters
    ----------
    inputs : Inputs
        What was restored.
    restorer : Restorer
        By what.
    missing_px, broken_px : int
        Pixels without a measurement, and pixels of the result that are not finite.
    noise : NoiseModel, optional
        That the caller gave; ``None`` if it was measured on the input.
    """
    notes: list[str] = []
    if isinstance(restorer, TorchRestorer | RuntimeRestorer):
        notes += check_input(restorer.card, inputs.acquisition, inputs.frames, inputs.data)
    if missing_px:
        notes.append(f"{missing_px} px hold no measurement: filled for the model, NaN in the result")
    if broken_px:
        notes.append(f"{broken_px} px of the result are not finite: the model overflowed")
    doubt = doubt_of_noise(inputs) if noise is None and _goes_by_noise(restorer) else None
    return notes if doubt is None else [*notes, doubt]


def _goes_by_noise(restorer: Restorer) -> bool:
    if isinstance(restorer, ClassicalRestorer):
        return restorer.told is not None
    return isinstance(restorer, TorchRestorer | RuntimeRestorer) and restorer.asks_for_noise


@dataclass(slots=True)
class _Run:
    """The loop over images and windows, and what happened in it."""

    inputs: Inputs
    restorer: Restorer
    plan: TilePlan
    reader: WindowReader
    result: Result
    errors: Result | None
    monitor: Monitor
    given: NoiseModel | None
    shrinks: bool
    done: int = 0
    total: int = 0
    missing_px: int = 0
    broken_px: int = 0
    said: list[str] = field(default_factory=list)

    def all_images(self) -> None:
        """Restore every image of the input."""
        self.total = self.inputs.images * len(self.plan.windows)
        self.monitor.step(0, self.total, "restoring")
        for image in range(self.inputs.images):
            self._one_image(image)
        for result in self._results:
            result.flush()

    def notes(self) -> tuple[str, ...]:
        """Return what a reader of the result must know."""
        notes = list(self.said)
        if self.plan.blended:
            notes.append(
                f"{self.restorer.id} uses image-wide statistics: {len(self.plan.windows)} tiles were blended "
                "and differ from a restoration in one piece"
            )
        odd = notes_on(self.inputs, self.restorer, self.missing_px, self.broken_px, self.given)
        return (*notes, *odd)

    def _one_image(self, image: int) -> None:
        todo = deque(self.plan.windows)
        self._clear_blended(image)
        while todo:
            try:
                self._one_window(image, todo[0])
            except (DeviceError, MemoryError) as error:
                todo = self._smaller(image, todo, error)
                continue
            todo.popleft()
            self.done += 1
            self.monitor.step(self.done, self.total, "restoring")

    def _one_window(self, image: int, window: Window) -> None:
        made = make_window(self.reader, self.restorer, image, window, with_error=self.errors is not None)
        self.missing_px += made.missing_px
        self.broken_px += made.broken_px
        self._write(self.result, image, window, made.kept)
        if self.errors is not None and made.error is not None:
            self._write(self.errors, image, window, made.error)

    def _write(self, result: Result, image: int, window: Window, values: NDArray[np.float32]) -> None:
        if self.plan.blended:
            result.add(image, window.write, values, blend_weights(self.plan, window))
        else:
            result.put(image, window.write, values)

    def _clear_blended(self, image: int) -> None:
        """Set an image to zero whose windows are added to it."""
        if self.plan.blended:
            for result in self._results:
                result.clear(image)

    @property
    def _results(self) -> tuple[Result, ...]:
        return (self.result,) if self.errors is None else (self.result, self.errors)

    def _smaller(self, image: int, todo: deque[Window], error: Exception) -> deque[Window]:
        """Return the windows still to be done in half the size, or raise `error` if that is no way out."""
        rule, shape = self.plan.rule, self.inputs.shape
        height, width = todo[0].read.shape
        window = choose_window(shape, rule, height * width // 2)
        if not self.shrinks or window[0] * window[1] >= height * width:
            raise error
        self.said.append(
            f"memory did not suffice for windows of {height} x {width} px; "
            f"they shrank to {window[0]} x {window[1]} px"
        )
        former, self.plan = self.plan, plan_tiles(shape, rule, window)
        self._clear_blended(image)  # shares already added belong to the former plan
        if self.plan.blended:
            pieces = self.plan.windows
        else:
            pieces = tuple(p for w in todo for p in split_window(former, w, height * width // 2))
        later = (self.inputs.images - image - 1) * len(self.plan.windows)
        self.total = self.done + len(pieces) + later
        return deque(pieces)


def _provenance(
    inputs: Inputs, restorer: Restorer, settings: dict[str, Any], notes: tuple[str, ...], seconds: float
) -> Provenance:
    model = restorer.describe()
    return Provenance(
        tool="restore",
        model=model,
        inputs=({"name": inputs.acquisition.name, "path": inputs.acquisition.path},),
        settings={**settings, "precision": model.get("precision", "fp32")},
        device=restorer.device,
        versions=versions_of(restorer),
        seconds=seconds,
        notes=notes,
    )


def versions_of(restorer: Restorer) -> dict[str, str]:
    """Return the versions of the packages that a restorer works with."""
    versions = {"napari-emrestore": __version__, "numpy": np.__version__}
    if isinstance(restorer, TorchRestorer):
        import torch

        versions["torch"] = str(torch.__version__)
    return versions
