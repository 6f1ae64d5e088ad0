"""Sample data that ship with the package: real images, and what is simulated with its ground truth.

In: the name of a sample. Out: frames ``(N, Y, X)`` in detector counts with what they should have been, in
the same counts; the same seed gives the same frames on every machine. No source image was used in
training. Where the images come from, and under which terms, stands in ``images/CREDITS.md``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_emrestore.samples.loading import SAMPLES, Sample, clean_image, load_sample

__all__ = ["SAMPLES", "Sample", "clean_image", "load_sample"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(import_module(f"{__name__}.loading"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
