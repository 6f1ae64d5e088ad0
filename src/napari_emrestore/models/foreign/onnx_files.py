"""ONNX files in, runners out.

ONNX is data, not code. A file may name others to read weights from; such files are refused, so that a model
cannot reach beyond itself.
"""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.core import DeviceError, ModelError, TilingRule
from napari_emrestore.core.optional import optional_package
from napari_emrestore.models.card_files import card_from_text
from napari_emrestore.models.foreign.cards import plain_card
from napari_emrestore.models.foreign.runners import Runner
from napari_emrestore.models.foreign.trying import find_frames, find_stride
from napari_emrestore.models.weight_files import damaged_file, file_sha256, unchanged_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_emrestore.core import ModelCard
    from napari_emrestore.models.foreign.runners import Noise

CARD_KEY = "napari_emrestore_card"
NOISE = "noise"
_PROVIDERS = {
    "cuda": "CUDAExecutionProvider",
    "mps": "CoreMLExecutionProvider",
    "cpu": "CPUExecutionProvider",
}


def onnx_card(path: Path) -> ModelCard:
    """Return the card in an ONNX file of ours, or one with what was found by trying.

    Raises
    ------
    ModelError
        As `open_onnx`.
    MissingPackageError
        If onnxruntime or onnx is not installed.
    """
    session = _session(read_alone(path), path, "auto")
    stated = session.get_modelmeta().custom_metadata_map.get(CARD_KEY)
    if stated is not None:
        card = card_from_text(stated, path)
        return replace(card, architecture="onnx", weights=path.resolve(), sha256=file_sha256(path))
    run, item = partial(_run_of(session, path), noise=None), str(path)
    count = session.get_inputs()[0].shape[1]
    frames = (count, count) if isinstance(count, int) else find_frames(run, item)
    rule = TilingRule(find_stride(run, frames[0], item), 0, "whole")
    return plain_card("onnx", path, frames, rule)


def open_onnx(card: ModelCard, device: str = "auto") -> Runner:
    """Return the runner of an ONNX card.

    Parameters
    ----------
    card : ModelCard
        Of `onnx_card`, or written by hand beside the file.
    device : str
        ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"mps"``. The runner's `device` names the provider that
        onnxruntime took in the end.

    Raises
    ------
    ModelError
        If the file is damaged, has changed, names files outside of it, or is no network from frames to an
        image.
    DeviceError
        If onnxruntime cannot compute on the device that was asked for.
    MissingPackageError
        If onnxruntime or onnx is not installed.
    """
    path = unchanged_file(card)
    content = read_alone(path)
    session = _session(content, path, device)
    provider = session.get_providers()[0]
    runtime = f"onnxruntime {optional_package('onnxruntime', 'onnx').__version__}"
    takes_noise = len(session.get_inputs()) == 2
    parameters = count_parameters(content)
    return Runner(card, runtime, f"{provider} of {runtime}", takes_noise, parameters, _run_of(session, path))


def count_parameters(content: bytes) -> int:
    """Return how many numbers the tensors in an ONNX file hold."""
    model = optional_package("onnx", "onnx").load_model_from_string(content)
    return sum(math.prod(tensor.dims) for tensor in _tensors(model.graph) if tensor.name)


def read_alone(path: Path, content: bytes | None = None) -> bytes:
    """Return the content of a file after making sure that it stands alone.

    Parameters
    ----------
    path : Path
        The file, or what it is part of.
    content : bytes, optional
        The content, if it stands inside of `path`.

    Raises
    ------
    ModelError
        If it is no ONNX model or takes weights from another file.
    """
    onnx, protobuf = optional_package("onnx", "onnx"), optional_package("google.protobuf.message", "onnx")
    try:
        content = path.read_bytes() if content is None else content
        model = onnx.load_model_from_string(content)
    except (OSError, protobuf.DecodeError, ValueError) as error:
        raise damaged_file(path, error) from error
    outside = [tensor.name for tensor in _tensors(model.graph) if tensor.external_data]
    if outside:
        raise _wrong(path, f"takes {outside[0]!r} from another file, which is refused")
    return content


def _tensors(graph: Any) -> Iterator[Any]:
    """Yield all tensors of a graph and of the graphs inside its nodes."""
    yield from graph.initializer
    for node in graph.node:
        for attribute in node.attribute:
            yield from (attribute.t, *attribute.tensors)
            for inner in (attribute.g, *attribute.graphs):
                if inner.node or inner.initializer:
                    yield from _tensors(inner)


def _session(content: bytes, path: Path, device: str) -> Any:
    runtime = optional_package("onnxruntime", "onnx")
    options = runtime.SessionOptions()
    options.log_severity_level = 3
    providers = _providers(device)
    try:
        session = runtime.InferenceSession(content, options, providers=providers)
    except _errors() as error:
        raise damaged_file(path, error) from error
    inputs, outputs = session.get_inputs(), session.get_outputs()
    fits = [len(entry.shape) for entry in inputs] in ([4], [4, 2]) and len(outputs) == 1
    if not fits or any(entry.type != "tensor(float)" for entry in (*inputs, *outputs)):
        shapes = ", ".join(f"{entry.name} {entry.shape} {entry.type}" for entry in (*inputs, *outputs))
        raise _wrong(path, f"has {shapes}")
    if len(inputs) == 2 and inputs[1].name != NOISE:
        raise _wrong(path, f"has a second input {inputs[1].name!r}, which is not {NOISE!r}")
    if any(isinstance(size, int) for size in inputs[0].shape[2:]):
        raise _wrong(path, f"takes only images of {inputs[0].shape[2]} x {inputs[0].shape[3]} px")
    return session


def _providers(device: str) -> list[str]:
    available = optional_package("onnxruntime", "onnx").get_available_providers()
    if device == "auto":
        return [provider for provider in _PROVIDERS.values() if provider in available]
    wanted = _PROVIDERS.get(device.partition(":")[0], "")
    if wanted not in available:
        raise DeviceError(
            f"The installed onnxruntime computes with {', '.join(available)}",
            came=f"device {device!r} came",
            remedy="Choose device='auto', or install the onnxruntime for this device.",
        )
    return [wanted]


def _run_of(session: Any, path: Path) -> Any:
    inputs = [entry.name for entry in session.get_inputs()]

    def run(frames: NDArray[np.float32], noise: Noise) -> NDArray[np.float32]:
        given = {inputs[0]: np.ascontiguousarray(frames[None], np.float32)}
        if len(inputs) == 2:
            given[inputs[1]] = np.asarray([noise or (0.0, 0.0)], np.float32)
        try:
            made = np.asarray(session.run(None, given)[0])
        except _errors() as error:
            raise _wrong(path, f"gave: {_first_line(error)} for frames {frames.shape}") from error
        if made.shape in ((1, *frames.shape[1:]), (1, 1, *frames.shape[1:])):
            return made.reshape(frames.shape[1:])
        raise _wrong(path, f"returned {made.shape} for frames {frames.shape}")

    return run


def _wrong(path: Path, came: str) -> ModelError:
    return ModelError(
        "An ONNX model stands in one whole file and maps float32 frames (B, N, Y, X) of any size to images "
        "(B, Y, X) or (B, 1, Y, X)",
        item=str(path),
        came=came,
        remedy="Export it again, with dynamic axes and weights inside.",
    )


def _errors() -> tuple[type[Exception], ...]:
    """Return the errors of onnxruntime, which share no class of their own."""
    state = optional_package("onnxruntime.capi.onnxruntime_pybind11_state", "onnx")
    own = [v for v in vars(state).values() if isinstance(v, type) and issubclass(v, Exception)]
    return (*own, RuntimeError, ValueError)


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
