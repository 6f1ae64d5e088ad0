"""TorchScript archives: their code is read before torch may compile it.

TorchScript is a language of its own without Python's reach, but two things in it can do harm: operators that
touch files or other processes, and ``__setstate__`` methods, which run while a file is loaded. Archives with
any of them are refused from their source text, before anything is loaded. The pickles inside are read by
torch's C++ reader, which makes tensors and plain containers only.
"""

from __future__ import annotations

import re
import warnings
import zipfile
from typing import TYPE_CHECKING

import numpy as np

from napari_emrestore.core import ModelError, TilingRule
from napari_emrestore.models.foreign.cards import plain_card
from napari_emrestore.models.foreign.trying import find_frames, find_stride
from napari_emrestore.models.weight_files import file_sha256

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_emrestore.core import ModelCard
    from napari_emrestore.models.architectures.script_network import ScriptNetwork

_LARGEST_CODE = 64 << 20
_FORBIDDEN = (
    (re.compile(r"\btorch\.(save|load|from_file|classes|ops|hub|package|jit)\b"), "reads or writes files"),
    (re.compile(r"\bops\.(?!aten\.|prim\.)\w+"), "uses operators of an extension"),
    (re.compile(r"\b(?:ops\.aten|aten)\.(save|from_file|_print)\b"), "reads or writes files"),
    (re.compile(r"\b(rpc_\w+|PythonOp|IgnoredPythonOp)\b"), "calls other programs"),
    (re.compile(r"\bdef __(setstate|getstate)__\b"), "runs code while it is loaded"),
)


def torchscript_card(path: Path) -> ModelCard:
    """Return a card for a TorchScript file, with frames and stride found by trying.

    Raises
    ------
    ModelError
        As `open_torchscript`, or if it is no network from frames to an image.
    """
    import torch

    network = open_torchscript(path)

    def run(frames: NDArray[np.float32]) -> NDArray[np.float32]:
        with torch.inference_mode():
            return np.asarray(network(torch.from_numpy(frames)[None])[0].numpy())

    frames = find_frames(run, str(path))
    rule = TilingRule(find_stride(run, frames[0], str(path)), 0, "whole")
    return plain_card("torchscript", path, frames, rule)


def load_torchscript(card: ModelCard) -> ScriptNetwork:
    """Return the network of a card, after checking the file's hash.

    Raises
    ------
    ModelError
        As `open_torchscript`, or if the file has changed.
    """
    path = card.weights
    if path is None or file_sha256(path) != card.sha256:
        raise ModelError(
            f"The file of {card.id!r} must have the SHA-256 of its card",
            item=str(path),
            came="was changed, damaged or not given",
        )
    return open_torchscript(path)


def open_torchscript(path: Path) -> ScriptNetwork:
    """Return the network in a TorchScript archive: float32, on the CPU, in evaluation mode.

    Raises
    ------
    ModelError
        If the file is damaged or holds code that is not only arithmetic; nothing in it was run then.
    """
    import torch

    from napari_emrestore.models.architectures.script_network import ScriptNetwork

    refuse_unsafe(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # torch.jit goes on, without new features
            script = torch.jit.load(str(path), map_location="cpu")  # type: ignore[no-untyped-call]
    except (RuntimeError, ValueError, OSError) as error:
        raise _damaged(path, error) from error
    for parameter in script.parameters():
        parameter.requires_grad = False
    return ScriptNetwork(script.float().eval(), str(path))


def refuse_unsafe(path: Path) -> None:
    """Read the source text in a TorchScript archive and raise if it could do more than compute.

    Raises
    ------
    ModelError
        See `open_torchscript`.
    """
    for name, text in _sources(path).items():
        for pattern, does in _FORBIDDEN:
            if found := pattern.search(text):
                raise ModelError(
                    "A TorchScript model only computes",
                    item=str(path),
                    came=f"{does} ({found.group()} in {name}); it was refused and nothing in it was run",
                    remedy="Ask for an ONNX or .safetensors file.",
                )


def _sources(path: Path) -> dict[str, str]:
    try:
        with zipfile.ZipFile(path) as archive:
            entries = [entry for entry in archive.infolist() if "/code/" in entry.filename]
            scripts = [entry for entry in entries if entry.filename.endswith(".py")]
            if sum(entry.file_size for entry in scripts) <= _LARGEST_CODE:
                return {entry.filename: archive.read(entry).decode("utf-8") for entry in scripts}
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise _damaged(path, error) from error
    raise _damaged(path, ValueError(f"more than {_LARGEST_CODE >> 20} MB of code"))


def _damaged(path: Path, error: Exception) -> ModelError:
    return ModelError(
        "A TorchScript file must be whole",
        item=str(path),
        came=f"gave: {str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__}",
        remedy="Copy it again.",
    )
