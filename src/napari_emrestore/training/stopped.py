"""Runs that were stopped: what they left in the models folder, to go on from or to begin anew."""

from __future__ import annotations

import hashlib
import shutil
from typing import TYPE_CHECKING

from napari_emrestore.core import InputError

if TYPE_CHECKING:
    from pathlib import Path

_KINDS = (".adapting", ".teaching", ".training")


def stopped_runs(folder: Path) -> dict[str, Path]:
    """Return the folder of each run that was stopped, by the id its model would have got.

    Parameters
    ----------
    folder : Path
        The models folder; need not exist.
    """
    found = (path for kind in _KINDS for path in sorted((folder / kind).glob("*/checkpoint.pt")))
    return {path.parent.name: path.parent for path in found}


def forget_run(model_id: str, folder: Path) -> None:
    """Remove what a stopped run has left, so that the next of this name begins anew."""
    left = stopped_runs(folder).get(model_id)
    if left is not None:
        shutil.rmtree(left)


def claim(work: Path, told: bytes) -> None:
    """Make a folder that of one run, or go on in it.

    Parameters
    ----------
    work : Path
        Of this run alone.
    told : bytes
        What tells it from others: settings and images.

    Raises
    ------
    InputError
        If another run was stopped there.
    """
    key = hashlib.sha256(told).hexdigest()
    mark = work / "run.txt"
    others = mark.is_file() and mark.read_text(encoding="utf-8") != key
    if others and (work / "checkpoint.pt").exists():
        raise InputError(
            "A run that was stopped goes on with the same images and settings",
            item=str(work),
            came="belongs to others",
            remedy="Choose another name, or delete this folder to begin anew.",
        )
    work.mkdir(parents=True, exist_ok=True)
    mark.write_text(key, encoding="utf-8")
