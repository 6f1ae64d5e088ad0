"""Which kind of foreign model a path is, by content and without loading anything heavy."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from pathlib import Path

Kind = Literal["torchscript", "onnx", "bioimageio"]

DESCRIPTIONS = ("rdf.yaml", "bioimageio.yaml")
_SCRIPTS = (".pt", ".pth", ".ts", ".torchscript")


def kind_of(path: Path) -> Kind | None:
    """Return the kind of a model file or folder, or None for anything else."""
    if path.is_dir():
        found = main_file(path)
        return None if found is None else kind_of(found)
    if path.name.endswith(DESCRIPTIONS):
        return "bioimageio"
    if path.suffix == ".onnx":
        return "onnx"
    if path.suffix == ".zip" and _holds(path, DESCRIPTIONS):
        return "bioimageio"
    if path.suffix in _SCRIPTS and _holds(path, ("constants.pkl",)):
        return "torchscript"
    return None


def main_file(folder: Path) -> Path | None:
    """Return the one file in a folder that stands for the model, or None if none or several do."""
    for name in DESCRIPTIONS:
        if (folder / name).is_file():
            return folder / name
    found = [path for path in sorted(folder.iterdir()) if path.is_file() and kind_of(path) is not None]
    return found[0] if len(found) == 1 else None


def _holds(path: Path, names: tuple[str, ...]) -> bool:
    """Say whether a zip archive has an entry of one of these names, in any of its folders."""
    try:
        with zipfile.ZipFile(path) as archive:
            return any(entry.rpartition("/")[2] in names for entry in archive.namelist())
    except (OSError, zipfile.BadZipFile):
        return False
