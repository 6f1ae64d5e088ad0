"""MRC and its many suffixes, by memory map."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from napari_emrestore.core import Acquisition
from napari_emrestore.io.mrc_header import RECORD_TYPE, MrcHeader, fei_facts, read_extended, read_header
from napari_emrestore.io.records import Record, plain_name
from napari_emrestore.io.stack import StoredStack
from napari_emrestore.io.units import pixel_size_nm

if TYPE_CHECKING:
    from pathlib import Path

_MOST_RECORD_BYTES = 64 << 20


def read(path: Path) -> StoredStack:
    """Return the sections of an MRC file as frames."""
    header = read_header(path)
    pixels = np.memmap(path, header.dtype, mode="r", offset=header.offset, shape=header.shape)
    return StoredStack(pixels, _acquisition(path, header))


def read_record(path: Path) -> Record | None:
    """Return the record that our writer left in an MRC file."""
    return _record(path, read_header(path))


def _record(path: Path, header: MrcHeader) -> Record | None:
    if header.extended_type != RECORD_TYPE:
        return None
    return Record.from_json(read_extended(path, header, _MOST_RECORD_BYTES).decode("ascii", "replace"))


def _acquisition(path: Path, header: MrcHeader) -> Acquisition:
    if record := _record(path, header):
        return record.acquisition_at(path)
    sections, rows, columns = header.voxel_nm
    size = None if rows is None or columns is None else (rows, columns)
    fei = fei_facts(path, header)
    if fei_size := pixel_size_nm(fei.get("pixel_y_m"), fei.get("pixel_x_m"), "m", "m"):
        size = fei_size
    extra = {name: fei[name] for name in ("high_tension_v",) if name in fei}
    known = Acquisition(plain_name(path), str(path), size, extra=extra)
    if size is not None and "dose_m2" in fei:
        known = replace(known, dose_e=fei["dose_m2"] * size[0] * size[1] * 1e-18)
    if header.labels:
        known = replace(known, extra={**extra, "labels": list(header.labels)})
    return replace(known, frame_axis="z", frame_step=sections) if header.is_volume else known
