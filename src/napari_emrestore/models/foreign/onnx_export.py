"""Our networks as ONNX files: any size, any number of frames, the card inside."""

from __future__ import annotations

import contextlib
import io
import warnings
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.core import ModelError
from napari_emrestore.core.optional import optional_package
from napari_emrestore.models.card_files import card_text
from napari_emrestore.models.foreign.onnx_files import CARD_KEY, NOISE, onnx_card, open_onnx
from napari_emrestore.models.networks import load_network

if TYPE_CHECKING:
    from pathlib import Path

    import torch

    from napari_emrestore.core import ModelCard

OPSET = 18
_LEAST_PX = 64
_TOLERANCE = 1e-4


def export_onnx(card: ModelCard, path: Path) -> ModelCard:
    """Write the network of a card as one ONNX file and return the card of that file.

    Batch, image sides and, where the network takes several, frames stay free. The card goes into the file, so
    that it tiles as before. A network that is told the noise has the second input ``noise`` (B, 2). The file
    passes ONNX's checker and gives what the network gives, or it is not left behind.

    Parameters
    ----------
    card : ModelCard
        With weights.
    path : Path
        Target, ``.onnx``; replaced if it exists.

    Raises
    ------
    ModelError
        If the network uses what ONNX does not have for free sizes (BANet's strips), or the file would not
        give the same image.
    MissingPackageError
        If onnx or onnxruntime is not installed.
    """
    network = load_network(card)
    draft = path.with_name(f".{path.name}.part.onnx")
    try:
        write_network(network, card, draft)
        _compare(network, card, draft)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    return onnx_card(path)


def write_network(network: torch.nn.Module, card: ModelCard, path: Path) -> None:
    """Write a network as ONNX with the card in its metadata, checked by ONNX's checker."""
    import torch

    onnx = optional_package("onnx", "onnx")
    axes = {"frames": {0: "batch", 2: "y", 3: "x"}, "restored": {0: "batch", 1: "y", 2: "x"}}
    if card.trained.frames[0] != card.trained.frames[1]:
        axes["frames"][1] = "n"
    given = example_inputs(network, card)
    if len(given) == 2:
        axes[NOISE] = {0: "batch"}
    # the exporter prints the whole graph when it fails, and warns of its own age
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        try:
            torch.onnx.export(
                network,
                tuple(map(torch.from_numpy, given)),
                str(path),
                input_names=["frames", NOISE][: len(given)],
                output_names=["restored"],
                dynamic_axes=axes,
                opset_version=OPSET,
                dynamo=False,
            )
        except (RuntimeError, ValueError) as error:
            raise _not_exportable(card, error) from error
    model = onnx.load(str(path))
    entry = model.metadata_props.add()
    entry.key, entry.value = CARD_KEY, card_text(portable(card), path)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, str(path))


def example_inputs(network: torch.nn.Module, card: ModelCard) -> list[np.ndarray[Any, Any]]:
    """Return frames (1, N, Y, X) and, for a network that asks, the noise line (1, 2); float32."""
    rng = np.random.default_rng(0)
    fewest, most = card.trained.frames
    side = -(-_LEAST_PX // card.tiling.stride) * card.tiling.stride
    given = [rng.random((1, max(fewest, min(most, 3)), side, side + card.tiling.stride), np.float32)]
    if getattr(network, "noise_input", False):
        given.append(np.array([[0.01, 0.001]], np.float32))
    return given


def portable(card: ModelCard) -> ModelCard:
    """Return a card without what belongs to our own files."""
    return replace(card, architecture="onnx", parameters={}, weights=None, sha256="", precisions=("fp32",))


def _compare(network: torch.nn.Module, card: ModelCard, path: Path) -> None:
    """Raise if the file does not give what the network gives, on an image of another size."""
    import torch

    runner = open_onnx(onnx_card(path), "cpu")
    frames, *noise = example_inputs(network, card)
    wider = np.ascontiguousarray(np.concatenate([frames, frames], axis=3))
    with torch.inference_mode():
        wanted = network(*map(torch.from_numpy, (wider, *noise)))[0].numpy()
    told = (float(noise[0][0, 0]), float(noise[0][0, 1])) if noise else None
    made = runner.run(wider[0], told)
    off = float(np.abs(made - wanted).max() / max(float(np.ptp(wanted)), 1e-6))
    if off > _TOLERANCE:
        raise _not_exportable(card, ValueError(f"the file's image differs by {off:.1g} of its range"))


def _not_exportable(card: ModelCard, error: Exception) -> ModelError:
    said = str(error).strip().splitlines() or [type(error).__name__]
    return ModelError(
        f"The network {card.architecture!r} must be one that ONNX can hold with free sizes",
        item=card.id,
        came=f"gave: {said[0][:200]}",
        remedy="Use it in this program, or export another network.",
    )
