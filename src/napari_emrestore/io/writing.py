"""One way out for every result: `write_image`."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_emrestore.core import SILENT, Acquisition, InputError
from napari_emrestore.io.formats import format_of, resolve
from napari_emrestore.io.outgoing import Outgoing
from napari_emrestore.io.staging import staged

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

    from napari_emrestore.core import Monitor, Provenance


def write_image(
    path: str | Path,
    data: Any,
    acquisition: Acquisition,
    provenance: Provenance | None = None,
    *,
    dtype: DTypeLike | None = None,
    contrast_limits: tuple[float, float] | None = None,
    monitor: Monitor = SILENT,
) -> Path:
    """Write an image or stack with its acquisition and provenance, and return its path.

    The file appears under its name only when it is complete; an older file or Zarr image of that name is
    replaced then.

    Parameters
    ----------
    path : str or Path
        The suffix picks the writer: ``.ome.tif`` or ``.tif``, ``.ome.zarr`` or ``.zarr``, ``.mrc``,
        ``.png`` (pictures).
    data : array-like, shape (Y, X) or (N, Y, X)
        A numpy, dask or zarr array of real numbers, read once and in bands of rows.
    acquisition : Acquisition
        Comes back exactly from `open_frames`, but for ``path``, which is then the file's own.
    provenance : Provenance, optional
        Comes back from `read_provenance`.
    dtype : dtype-like, optional
        Pixel type of the file; None keeps the type of `data` where the format can. An integer type
        rounds and clips; how many pixels it clipped is added to the notes of the provenance.
    contrast_limits : tuple of float, optional
        For PNG: the input values that become black and white; None takes the smallest and largest value.
    monitor : Monitor
        Told after every band of rows.

    Returns
    -------
    Path

    Raises
    ------
    InputError
        If the suffix, the data, `dtype` or `contrast_limits` do not fit, or the folder does not exist.
    WriteError
        If the system refuses to write; nothing is left under the name.
    Cancelled
        If the monitor asks to stop; nothing is left under the name.
    """
    final = Path(path).expanduser()
    row = format_of(final, to_write=True)
    _check_limits(final, contrast_limits)
    image = Outgoing(data, acquisition, provenance, dtype=dtype, contrast_limits=contrast_limits)
    # fails early, before a long computation, if the record cannot be written
    image.record().to_dict()
    with staged(final) as partial:
        resolve(row.writer)(partial, image, monitor)
    return final


def _check_limits(path: Path, limits: tuple[float, float] | None) -> None:
    if limits is None:
        return
    if path.suffix.lower() != ".png":
        raise InputError(
            "Contrast limits are for PNG pictures; other formats keep the values",
            item=path.name,
            came="is none",
            remedy="Leave contrast_limits out.",
        )
    low, high = limits
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise InputError("Contrast limits are two finite values, the smaller first", came=f"{limits} came")
