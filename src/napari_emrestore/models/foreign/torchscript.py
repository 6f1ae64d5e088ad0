"""TorchScript archives: their code is read before torch may compile it.

TorchScript is a language of its own without Python's reach, but two things in it can do harm: operators that
touch files or other processes, and ``__setstate__`` methods, which run while a file is loaded. Archives with
any of them are refused from their source text, before anything is loaded; so are archives whose pickles name
anything but torch's own tensors and the archive's own classes.
"""

from __future__ import annotations

import io
import pickletools
import re
import warnings
import zipfile
from typing import TYPE_CHECKING

import numpy as np

from napari_emrestore.core import ModelError, TilingRule
from napari_emrestore.models.foreign.cards import plain_card
from napari_emrestore.models.foreign.trying import find_frames, find_stride
from napari_emrestore.models.weight_files import damaged_file, unchanged_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_emrestore.core import ModelCard
    from napari_emrestore.models.architectures.script_network import ScriptNetwork

_LARGEST_CODE = 64 << 20
_PICKLED = {
    "collections OrderedDict",
    *(f"torch._utils {name}" for name in ("_rebuild_tensor_v2", "_rebuild_parameter")),
    *(f"torch.jit._pickle {name}" for name in ("build_intlist", "build_doublelist", "build_boollist")),
    *(f"torch.jit._pickle {name}" for name in ("build_tensorlist", "restore_type_tag")),
    *(f"torch {kind}Storage" for kind in ("Float", "Double", "Half", "BFloat16", "Bool")),
    *(f"torch {kind}Storage" for kind in ("Long", "Int", "Short", "Char", "Byte")),
}
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
        # each new size would be compiled anew, which takes longer than the few images here
        with torch.inference_mode(), torch.jit.optimized_execution(False):  # type: ignore[attr-defined]
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
    return open_torchscript(unchanged_file(card))


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
        raise damaged_file(path, error) from error
    for parameter in script.parameters():
        parameter.requires_grad = False
    return ScriptNetwork(script.float().eval(), str(path))


def refuse_unsafe(path: Path, content: bytes | None = None) -> None:
    """Read the source text in a TorchScript archive and raise if it could do more than compute.

    Parameters
    ----------
    path : Path
        The archive, or what it is part of.
    content : bytes, optional
        The archive itself, if it stands inside of `path`.

    Raises
    ------
    ModelError
        See `open_torchscript`.
    """
    sources, pickles = _contents(path, content)
    for name, data in pickles.items():
        for asked in _names_asked_for(data, path):
            if asked.split(" ")[0].split(".")[0] != "__torch__" and asked not in _PICKLED:
                raise _unsafe(path, f"asks for {asked!r} in {name}")
    for name, text in sources.items():
        for pattern, does in _FORBIDDEN:
            if found := pattern.search(text):
                raise _unsafe(path, f"{does} ({found.group()} in {name})")


def _contents(path: Path, content: bytes | None) -> tuple[dict[str, str], dict[str, bytes]]:
    """Return the source texts and the pickles of an archive by name."""
    try:
        with zipfile.ZipFile(path if content is None else io.BytesIO(content)) as archive:
            entries = archive.infolist()
            scripts = [e for e in entries if "/code/" in e.filename and e.filename.endswith(".py")]
            pickles = [e for e in entries if e.filename.endswith(".pkl") and "/code/" not in e.filename]
            if sum(entry.file_size for entry in (*scripts, *pickles)) <= _LARGEST_CODE:
                return (
                    {entry.filename: archive.read(entry).decode("utf-8") for entry in scripts},
                    {entry.filename: archive.read(entry) for entry in pickles},
                )
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise damaged_file(path, error) from error
    raise damaged_file(path, ValueError(f"more than {_LARGEST_CODE >> 20} MB of code"))


def _names_asked_for(data: bytes, path: Path) -> Iterator[str]:
    """Yield "module name" for all that a pickle asks for, without loading it."""
    try:
        for operation, argument, _ in pickletools.genops(data):
            if operation.name in ("GLOBAL", "INST", "STACK_GLOBAL", "EXT1", "EXT2", "EXT4"):
                yield str(argument)
    except (ValueError, IndexError, EOFError) as error:
        raise damaged_file(path, error) from error


def _unsafe(path: Path, came: str) -> ModelError:
    return ModelError(
        "A TorchScript model only computes",
        item=str(path),
        came=f"{came}; it was refused and nothing in it was run",
        remedy="Ask for an ONNX or .safetensors file.",
    )
