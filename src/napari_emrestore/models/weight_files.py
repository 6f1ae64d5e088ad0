"""Weights files in, plain tensors out; nothing in a file is ever run."""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from napari_emrestore.core import ModelCard, ModelError

if TYPE_CHECKING:
    from pathlib import Path

    import torch

_CHUNK = 1 << 20


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file as 64 hexadecimal digits.

    Raises
    ------
    ModelError
        If the file cannot be read.
    """
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
    except OSError as error:
        raise ModelError(
            "The weights of a model must be a readable file",
            item=str(path),
            came=f"gave: {error}",
            remedy="Put the file back beside its card.",
        ) from error
    return digest.hexdigest()


def read_weights(card: ModelCard) -> dict[str, torch.Tensor]:
    """Return the tensors of a card's weights file by name, on the CPU, after checking the file's hash.

    Reads ``.safetensors``, or ``.pt`` and ``.pth`` holding nothing but a state dict; a pickle that asks
    for any other object is refused without running it.

    Raises
    ------
    ModelError
        If the card has no weights, or the file is missing, of another kind, changed or damaged.
    """
    return read_tensors(unchanged_file(card))


def unchanged_file(card: ModelCard) -> Path:
    """Return a card's weights file, which is there and has the card's hash.

    Raises
    ------
    ModelError
        If the card has no weights, or the file is missing, not fetched yet, changed or damaged.
    """
    path = card.weights
    if path is None:
        raise ModelError(
            "A model needs weights to run",
            item=card.id,
            came="is a card without weights",
            remedy="Train it first, or choose another model.",
        )
    if card.weights_url and not path.exists():
        raise ModelError(
            f"The weights of {card.id!r} must be downloaded once",
            item=card.weights_url,
            came="was not fetched yet",
            remedy=f"Run: napari-emrestore models fetch {card.id}",
        )
    found = file_sha256(path)
    if found != card.sha256:
        raise ModelError(
            f"The weights of {card.id!r} must have the SHA-256 of its card, {card.sha256}",
            item=str(path),
            came=f"has {found}",
            remedy="The file was changed or damaged: copy it again, or correct the card if you trust it.",
        )
    return path


def read_tensors(path: Path, *, wrapped: bool = False) -> dict[str, torch.Tensor]:
    """Return the tensors of a weights file by name, on the CPU.

    Parameters
    ----------
    path : Path
        ``.safetensors``, ``.npz``, or a pickle (``.pt``, ``.pth``) of a state dict.
    wrapped : bool
        Look for the state dict under ``state_dict`` or ``model`` too.

    Raises
    ------
    ModelError
        If the file is missing, of another kind or damaged, or asks for other objects than tensors; nothing
        in it is run.
    """
    readers = {".safetensors": _read_safetensors, ".npz": _read_npz}
    content = readers.get(path.suffix, _read_pickle)(path)
    for wrapping in ("state_dict", "model"):
        if wrapped and isinstance(content, Mapping) and isinstance(content.get(wrapping), Mapping):
            content = content[wrapping]
    return _tensors(path, content)


def _read_safetensors(path: Path) -> Any:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except (SafetensorError, OSError, ValueError) as error:
        raise damaged_file(path, error) from error


def _read_npz(path: Path) -> Any:
    import zipfile

    import numpy as np
    import torch

    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            return {name: torch.from_numpy(arrays[name]) for name in arrays.files}
    except (OSError, ValueError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise damaged_file(path, error) from error


def _read_pickle(path: Path) -> Any:
    import torch

    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise ModelError(
            "A weights file holds only tensors",
            item=str(path),
            came="asks for other objects or is damaged; it was refused and nothing in it was run",
            remedy="Ask for a .safetensors file, or save the model's state_dict alone.",
        ) from error
    except (OSError, RuntimeError, ValueError, EOFError, KeyError, IndexError, AttributeError) as error:
        raise damaged_file(path, error) from error


def damaged_file(path: Path, error: Exception) -> ModelError:
    """Return the error for a model file that cannot be read as what its name says it is."""
    said = str(error).strip().splitlines() or [type(error).__name__]
    return ModelError(
        "A model file must be whole and of the kind its name says",
        item=str(path),
        came=f"gave: {said[0]}",
        remedy="Copy it again.",
    )


def _tensors(path: Path, content: Any) -> dict[str, torch.Tensor]:
    import torch

    if not isinstance(content, Mapping) or not all(
        isinstance(key, str) and isinstance(value, torch.Tensor) for key, value in content.items()
    ):
        raise ModelError(
            "A weights file maps names to tensors",
            item=str(path),
            came=f"holds a {type(content).__name__} with other content",
            remedy="Save the model's state_dict alone.",
        )
    return dict(content)
