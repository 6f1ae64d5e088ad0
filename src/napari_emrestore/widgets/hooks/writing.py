"""Layers that napari saves: one file per image layer, with acquisition and provenance inside."""

from __future__ import annotations

import re
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari.layers import Image

_ENDINGS = (".ome.tif", ".ome.tiff", ".ome.zarr")


def write_images(path: str, layers: list[tuple[Any, dict[str, Any], str]]) -> list[str]:
    """Write image layers as OME-TIFF, OME-Zarr, MRC or PNG and return the paths.

    One layer goes to `path` itself; several go to files beside each other, each named after its layer.
    All keep their values, but that PNG scales floating-point values to the layer's contrast limits.

    Parameters
    ----------
    path : str
        The suffix picks the format.
    layers : list of layer data
        ``(data, options, "image")`` with two or three axes; of a multiscale layer the finest level is
        written.

    Raises
    ------
    InputError, WriteError
        If a layer is of colour, complex or has more axes, or the file cannot be written; earlier layers
        of the list are then written already.
    """
    from napari.layers import Image

    images = [Image(data, **options) for data, options, _ in layers]
    targets = [path] if len(images) == 1 else _beside(path, [image.name for image in images])
    return [_write(target, image) for target, image in zip(targets, images, strict=True)]


def _write(path: str, image: Image) -> str:
    from napari_emrestore.core import Acquisition, InputError
    from napari_emrestore.io import write_image
    from napari_emrestore.widgets.layers import provenance_of, read_frames

    if image.ndim > 3:
        raise InputError(
            "An image or one stack of images is written",
            item=f"layer {image.name!r}",
            came=f"has {image.ndim} axes",
            remedy="Take one position of the others out with Layers > Data > Duplicate slice or a crop.",
        )
    frames = read_frames(image)
    known = asdict(frames.acquisition)
    limits = tuple(float(limit) for limit in image.contrast_limits)
    is_float = frames.data.dtype.kind == "f"
    written = write_image(
        path,
        frames.data if frames.is_stack else frames.data[0],
        Acquisition(**{**known, "frame_step": known["frame_step"] or _frame_step(image, known)}),
        provenance_of(image),
        contrast_limits=(limits[0], limits[1]) if is_float and path.lower().endswith(".png") else None,
    )
    return str(written)


def _frame_step(image: Image, known: dict[str, Any]) -> float | None:
    """Return the distance between frames that a layer from elsewhere states in its scale, in ms or nm."""
    if image.ndim < 3 or known["frame_axis"] == "index":
        return None
    unit = image.units[0]
    target = "millisecond" if known["frame_axis"] == "time" else "nanometer"
    if not unit.is_compatible_with(target):
        return None
    return float((image.scale[0] * unit).to(target).magnitude)


def _beside(path: str, names: list[str]) -> list[str]:
    """Return one path per name: ``all.ome.tif`` becomes ``all-<name>.ome.tif``."""
    whole = Path(path)
    ending = next((end for end in _ENDINGS if whole.name.lower().endswith(end)), whole.suffix)
    stem = whole.name[: -len(ending)] if ending else whole.name
    parts = [re.sub(r"[^\w.+-]+", "_", name).strip("_") or "layer" for name in names]
    unique = [part if parts.count(part) == 1 else f"{part}-{i}" for i, part in enumerate(parts, start=1)]
    return [str(whole.with_name(f"{stem}-{part}{ending}")) for part in unique]
