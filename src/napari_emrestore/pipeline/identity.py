"""Which bytes a run was given: what makes a result repeatable, and a run of a batch skippable."""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.pipeline.plain_json import plain

if TYPE_CHECKING:
    from napari_emrestore.core import Restorer
    from napari_emrestore.io import FrameStack
    from napari_emrestore.pipeline.settings import RunSettings

_UNHASHED = ("input", "output", "truth")
_MOST_HASHED = 2 << 30


def of_file(path: str) -> dict[str, Any]:
    """Return name, path and hash of a file or folder."""
    from napari_emrestore.io import file_sha256

    return {"name": Path(path).name, "path": path, "sha256": file_sha256(path)}


def of_stack(stack: FrameStack) -> dict[str, Any]:
    """Return name, path and hashes of the frames that a run was handed.

    ``pixels_sha256`` is the hash of the pixels themselves. Above 2 GiB of them, which may lie on a slow disk,
    it is empty, and the hash of the file at the path, where there is one, stands in ``sha256``.
    """
    known = stack.acquisition
    record = {"name": known.name, "path": known.path, "sha256": "", "pixels_sha256": ""}
    if len(stack) * int(np.prod(stack.frame_shape)) * stack.dtype.itemsize <= _MOST_HASHED:
        record["pixels_sha256"] = pixels_sha256(stack)
    elif known.path and Path(known.path).exists():
        record["sha256"] = of_file(known.path)["sha256"]
    return record


def pixels_sha256(stack: FrameStack) -> str:
    """Return the hash of shape, type and pixels of all frames in order."""
    total = hashlib.sha256(f"{len(stack)} {stack.frame_shape} {stack.dtype.str}".encode())
    for frame in stack:
        total.update(np.ascontiguousarray(frame.data).data)
    return total.hexdigest()


def run_key(settings: RunSettings, restorer: Restorer, inputs: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what identifies the outcome of a run: input bytes, settings, model and our version.

    Two runs with equal keys give the same pixels, so the second may be skipped.

    Parameters
    ----------
    settings : RunSettings
        What is to be done.
    restorer : Restorer
        Loaded.
    inputs : list of dict
        `of_file` or `of_stack` of the input and, if there is one, of the ground truth.
    """
    from napari_emrestore import __version__

    facts = restorer.describe()
    key = {
        "version": __version__,
        "input_sha256": _bytes_of(inputs[0]),
        "truth_sha256": _bytes_of(inputs[1]) if len(inputs) > 1 else None,
        "model": {name: facts.get(name) for name in ("id", "version", "weights_sha256")},
        "settings": {name: value for name, value in asdict(settings).items() if name not in _UNHASHED},
    }
    return {name: plain(value) for name, value in key.items()}


def _bytes_of(record: dict[str, Any]) -> str:
    return str(record.get("pixels_sha256") or record["sha256"])
