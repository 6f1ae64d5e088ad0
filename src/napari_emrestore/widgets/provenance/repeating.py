"""The work of the dock's jobs: make a layer again and compare, or write a script with its input beside it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.core import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from napari_emrestore.core import Acquisition, Monitor, Provenance
    from napari_emrestore.io import FrameStack
    from napari_emrestore.pipeline import Result, RunSettings


@dataclass(frozen=True, slots=True, eq=False)
class Repeated:
    """A result made again.

    Attributes
    ----------
    result : Result
        Of the line.
    difference : float
        Largest difference to the pixels of before, in input units; not-a-number if their shapes differ.
    """

    result: Result
    difference: float

    @property
    def verdict(self) -> str:
        """How like the result is to the one of before, in a sentence."""
        if np.isnan(self.difference):
            return "Made again, but the result has another size than the layer."
        if self.difference == 0:
            return "Made again: every pixel is the same."
        return f"Made again: pixels differ by up to {self.difference:.3g}."


def repeat(
    stack: FrameStack, settings: RunSettings, made_by: Provenance, before: Any, monitor: Monitor
) -> Repeated:
    """Return what a layer's settings give now, and how far it is from its pixels.

    Parameters
    ----------
    stack : FrameStack
        The input.
    settings, made_by
        Of the layer.
    before : array
        Its pixels.
    monitor : Monitor
        As for `run`.

    Raises
    ------
    InputError
        If the input holds other pixels than the record says.
    """
    from napari_emrestore.pipeline import run_frames

    require_same(stack, made_by)
    result = run_frames(stack, replace(settings, output=None), monitor=monitor)
    return Repeated(result, _difference(np.asarray(before), np.asarray(result.restoration.image)))


def write_script(
    path: Path, made_by: Provenance, settings: RunSettings, name: str, stack: FrameStack | None
) -> Path:
    """Write a script that makes a result again, and beside it the input if that is in no file.

    Parameters
    ----------
    path : Path
        Ends in ``.py``.
    made_by, settings, name
        Of the result.
    stack : FrameStack, optional
        The input where it is in no file.

    Raises
    ------
    InputError
        If the input holds other pixels than the record says.
    WriteError
        If the folder takes no file.
    """
    from napari_emrestore.core import WriteError
    from napari_emrestore.io import write_image
    from napari_emrestore.pipeline.replaying import python_script

    if stack is not None:
        require_same(stack, made_by)
        beside = path.with_name(f"{path.stem}-input.ome.tif")
        pixels = stack.data if len(stack) > 1 else stack.data[0]
        settings = replace(settings, input=str(write_image(beside, pixels, _named(stack.acquisition))))
    settings = replace(settings, output=str(path.with_name(f"{path.stem}.ome.tif")))
    try:
        path.write_text(python_script(made_by, settings, name, folder=path.parent), encoding="utf-8")
    except OSError as error:
        raise WriteError(
            "A place for the script is needed", item=str(path), came=f"failed ({error})"
        ) from error
    return path


def require_same(stack: FrameStack, made_by: Provenance) -> None:
    """Refuse an input whose pixels are not those of the record, as far as the record knows them.

    Raises
    ------
    InputError
        If they differ.
    """
    from napari_emrestore.pipeline.identity import pixels_sha256

    known = made_by.inputs[0].get("pixels_sha256") if made_by.inputs else ""
    if known and known != pixels_sha256(stack):
        raise InputError(
            "The same input is needed to make a layer again",
            item=f"layer {stack.acquisition.name!r}",
            came="holds other pixels than the record says",
            remedy="Open the original again.",
        )


def _named(known: Acquisition) -> Acquisition:
    return replace(known, path="")


def _difference(before: Any, now: Any) -> float:
    if before.shape != now.shape:
        return float("nan")
    one_is_nan = np.isnan(before) != np.isnan(now)
    gap = np.abs(np.asarray(before, np.float64) - now)
    return float("inf") if one_is_nan.any() else float(np.nanmax(gap, initial=0.0))
