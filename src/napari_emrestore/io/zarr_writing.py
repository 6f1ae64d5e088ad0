"""OME-Zarr 0.5 out: chunk by chunk, with a multiscale pyramid; our record among the attributes.

The few lines of metadata are written here: the package ome-zarr needs a web client and server to write
them, and ome-zarr-models pins its relatives closely. Both validate the result in our tests.
"""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.core import SILENT, Acquisition, InputError, Provenance
from napari_emrestore.io.outgoing import Outgoing, tell
from napari_emrestore.io.pyramid import halve, level_shapes
from napari_emrestore.io.records import RECORD_KEY, Record
from napari_emrestore.io.staging import staged

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import DTypeLike

    from napari_emrestore.core import Monitor

CHUNK_PX = 512
_NATIVE = (
    "bool",
    "uint8",
    "int8",
    "uint16",
    "int16",
    "uint32",
    "int32",
    "uint64",
    "int64",
    "float16",
    "float64",
    "float32",
)


def write(path: Path, image: Outgoing, monitor: Monitor) -> None:
    """Write an image or stack as OME-Zarr 0.5, every pixel read once, memory for one band of rows."""
    dtype = image.store_as(_NATIVE, {}, "OME-Zarr")
    shape = image.shape if image.is_stack else image.shape[1:]
    group, level = create_image(path, shape, dtype, image.acquisition)
    bands = image.shape[0] * -(-image.shape[1] // CHUNK_PX)
    for done, (frame, top, band) in enumerate(image.bands(CHUNK_PX), start=1):
        _put(level, frame, top, band)
        tell(monitor, done, bands, image.acquisition.name)
    finish_image(group, image.record(), monitor)


@contextmanager
def zarr_target(
    path: str | Path,
    shape: tuple[int, ...],
    dtype: DTypeLike,
    acquisition: Acquisition,
    provenance: Provenance | None = None,
    *,
    chunk_px: tuple[int, int] = (CHUNK_PX, CHUNK_PX),
    monitor: Monitor = SILENT,
) -> Iterator[Any]:
    """Give a Zarr array to be filled in any order; on leaving, it becomes an OME-Zarr image at `path`.

    For results that come tile by tile. When the block fails or is cancelled nothing is left at `path`.

    Parameters
    ----------
    path : str or Path
        Ends in ``.zarr``; an older Zarr image there is replaced at the end.
    shape : tuple of int
        ``(Y, X)`` or ``(N, Y, X)``.
    dtype : dtype-like
        Real numbers.
    acquisition, provenance
        What the file is to carry.
    chunk_px : tuple of int
        ``(Y, X)`` of the stored pieces.
    monitor : Monitor
        Told about the pyramid that is made at the end.

    Yields
    ------
    zarr.Array
        Of that shape; writing whole chunks is fastest. Set
        ``array.attrs["provenance"]`` to `Provenance.to_json` text if it is known only after the work.

    Raises
    ------
    InputError, WriteError
        As `write_image`.
    """
    final = check_target(path, shape, dtype)
    with staged(final) as partial:
        group, level = create_image(partial, shape, np.dtype(dtype), acquisition, chunk_px)
        yield level
        finish_image(group, Record(acquisition, _late_provenance(level) or provenance), monitor)


def check_target(path: str | Path, shape: tuple[int, ...], dtype: DTypeLike) -> Path:
    """Return the path of a new Zarr image.

    Raises
    ------
    InputError
        If it does not end in ``.zarr``, or no image has such a shape or type.
    """
    final = Path(path).expanduser()
    if final.suffix.lower() != ".zarr":
        raise InputError("The name of a Zarr image ends in .zarr", item=final.name, came="does not")
    if len(shape) not in (2, 3) or min(shape) < 1:
        raise InputError("An image has shape (Y, X) or (N, Y, X)", came=f"{tuple(shape)} came")
    if np.dtype(dtype).name not in _NATIVE:
        raise InputError(
            f"OME-Zarr holds pixels of type {', '.join(_NATIVE)}", came=f"{np.dtype(dtype)} came"
        )
    return final


def _late_provenance(level: Any) -> Provenance | None:
    text = level.attrs.asdict().get("provenance")
    if text is None:
        return None
    del level.attrs["provenance"]
    return Provenance.from_json(str(text))


def create_image(
    path: Path,
    shape: tuple[int, ...],
    dtype: np.dtype[Any],
    known: Acquisition,
    chunk_px: tuple[int, int] = (CHUNK_PX, CHUNK_PX),
) -> tuple[Any, Any]:
    """Return the group and the full-size level of a new image, which `finish_image` completes."""
    import zarr

    group = zarr.open_group(str(path), mode="w", zarr_format=3)
    return group, _add_level(group, 0, shape, dtype, _axis_names(len(shape), known), chunk_px)


def _add_level(
    group: Any,
    number: int,
    shape: tuple[int, ...],
    dtype: np.dtype[Any],
    names: list[str],
    chunk_px: tuple[int, int] = (CHUNK_PX, CHUNK_PX),
) -> Any:
    chunks = (*(1 for _ in shape[:-2]), *map(min, chunk_px, shape[-2:]))
    # a level may be there, half made, where an image is finished at the second start
    return group.create_array(
        str(number), shape=shape, dtype=dtype, chunks=chunks, dimension_names=names, overwrite=True
    )


def _put(level: Any, frame: int, top: int, band: Any) -> None:
    rows = slice(top, top + len(band))
    if level.ndim == 3:
        level[frame, rows] = band
    else:
        level[rows] = band


def finish_image(group: Any, record: Record, monitor: Monitor) -> None:
    """Add to an image of `create_image` the smaller levels, then the metadata that makes it one."""
    level = group["0"]
    *stack, height, width = level.shape
    shapes = level_shapes(height, width)
    frames = range(stack[0] if stack else 1)
    bands = len(frames) * sum(-(-y // CHUNK_PX) for y, _ in shapes[1:])
    names = _axis_names(level.ndim, record.acquisition)
    done = 0
    for number, shape in enumerate(shapes[1:], start=1):
        smaller = _add_level(group, number, (*stack, *shape), level.dtype, names)
        for frame in frames:
            for top in range(0, shape[0], CHUNK_PX):
                rows = slice(2 * top, 2 * (top + CHUNK_PX))
                band = level[frame, rows] if stack else level[rows]
                _put(smaller, frame, top, halve(np.asarray(band)))
                done += 1
                monitor.step(done, bands, f"writing smaller copies of {record.acquisition.name}")
        level = smaller
    group.attrs.update(
        {"ome": ome_metadata(record.acquisition, len(shapes), bool(stack)), RECORD_KEY: record.to_dict()}
    )


def _axis_names(count: int, known: Acquisition) -> list[str]:
    return ["z" if known.frame_axis == "z" else "t", "y", "x"][-count:]


def ome_metadata(known: Acquisition, levels: int, is_stack: bool) -> dict[str, Any]:
    """Return OME-Zarr 0.5 multiscale metadata of an image or stack with so many levels."""
    is_volume = known.frame_axis == "z"
    size = known.pixel_size_nm
    axes: list[dict[str, str]] = []
    scale: list[float] = []
    if is_stack:
        axes.append({"name": "z", "type": "space"} if is_volume else {"name": "t", "type": "time"})
        scale.append(known.frame_step or 1.0)
        if known.frame_step is not None and known.frame_axis != "index":
            axes[0]["unit"] = "nanometer" if is_volume else "millisecond"
    for name in "yx":
        axes.append({"name": name, "type": "space", **({"unit": "nanometer"} if size else {})})
    scale += size or (1.0, 1.0)
    datasets = [
        {"path": str(level), "coordinateTransformations": _transformations(scale, level)}
        for level in range(levels)
    ]
    multiscale = {"name": known.name, "axes": axes, "datasets": datasets, "type": "mean"}
    return {"version": "0.5", "multiscales": [multiscale]}


def _transformations(scale: list[float], level: int) -> list[dict[str, Any]]:
    factor = 1 << level
    *frame, y, x = scale
    steps: list[dict[str, Any]] = [{"type": "scale", "scale": [*frame, y * factor, x * factor]}]
    if level:
        # the centre of a mean over 2 x 2 pixels lies between their centres
        offset = (factor - 1) / 2
        steps.append({"type": "translation", "translation": [0.0] * len(frame) + [y * offset, x * offset]})
    return steps
