"""Our networks as packages of the BioImage Model Zoo: ONNX weights, test images, card, checked by the zoo."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.core import ModelError
from napari_emrestore.core.optional import optional_package
from napari_emrestore.models.card_files import card_text
from napari_emrestore.models.foreign.onnx_export import OPSET, example_inputs, portable, write_network
from napari_emrestore.models.foreign.onnx_files import NOISE
from napari_emrestore.models.foreign.zoo import CONFIG_KEY, zoo_card
from napari_emrestore.models.networks import load_network

if TYPE_CHECKING:
    import torch

    from napari_emrestore.core import ModelCard

_HOME = "https://github.com/napari-emrestore/napari-emrestore"
_MOST_FRAMES = 5


def export_zoo(card: ModelCard, path: Path, *, frames: int | None = None) -> ModelCard:
    """Write the network of a card as a package of the zoo and return the card of that package.

    The zoo counts frames as channels, whose number is fixed. The package passes the zoo's validator, which
    runs it too, or it is not left behind.

    Parameters
    ----------
    card : ModelCard
        With weights.
    path : Path
        Target, ``.zip``; replaced if it exists.
    frames : int, optional
        Frames it will take; ``None`` takes five, or as many as the card allows.

    Raises
    ------
    ModelError
        If ONNX cannot hold the network, or the zoo's validator finds fault.
    MissingPackageError
        If bioimageio.core, onnx or onnxruntime is not installed.
    """
    spec, core = (
        optional_package("bioimageio.spec", "bioimageio"),
        optional_package("bioimageio.core", "bioimageio"),
    )
    count = frames or min(card.trained.frames[1], _MOST_FRAMES)
    fixed = replace(card, trained=replace(card.trained, frames=(count, count)))
    network = load_network(card)
    with tempfile.TemporaryDirectory() as folder:
        try:
            description = _describe(fixed, network, Path(folder))
        except ModelError:
            raise
        except ValueError as error:
            raise _faulty(card, " ".join(str(error).split())[:300]) from error
        draft = Path(folder) / "package.zip"
        spec.save_bioimageio_package(description, output_path=draft)
        summary = core.test_model(draft, weight_format="onnx", devices=["cpu"])
        if summary.status != "passed":
            raise _faulty(card, _faults(summary))
        path.write_bytes(draft.read_bytes())
    return zoo_card(path)


def _describe(card: ModelCard, network: torch.nn.Module, folder: Path) -> Any:
    """Write the files of a package and return its description."""
    import torch

    model = optional_package("bioimageio.spec.model.v0_5", "bioimageio")
    weights = folder / "weights.onnx"
    write_network(network, card, weights)
    least = _least_px(card)
    rng = np.random.default_rng(1)
    size = (1, card.trained.frames[1], least, least + card.tiling.stride)
    given = [rng.random(size, np.float32), *example_inputs(network, card)[1:]]
    with torch.inference_mode():
        made = network(*map(torch.from_numpy, given)).numpy()
    inputs = [_frames_tensor(model, card, _saved(folder / "test-frames.npy", given[0]))]
    if len(given) == 2:
        inputs.append(_noise_tensor(model, _saved(folder / "test-noise.npy", given[1])))
    return model.ModelDescr(
        name=_allowed(card.name),
        description=card.summary,
        authors=[model.Author(name="The napari-emrestore developers")],
        cite=[model.CiteEntry(text=card.credit or card.name, url=_HOME)],
        license=card.license,
        version=card.version,
        tags=["denoising", "restoration", "electron-microscopy"],
        documentation=model.FileDescr(source=_documentation(card, folder / "README.md")),
        inputs=inputs,
        outputs=[_restored_tensor(model, card, _saved(folder / "test-restored.npy", made))],
        weights=model.WeightsDescr(onnx=model.OnnxWeightsDescr(source=weights, opset_version=OPSET)),
        config={CONFIG_KEY: {"card": card_text(portable(card), folder / "card.toml")}},
    )


def _least_px(card: ModelCard) -> int:
    """Return the smallest side that keeps a core between two halos."""
    return 2 * card.tiling.halo + 2 * card.tiling.stride


def _frames_tensor(model: Any, card: ModelCard, test: Path) -> Any:
    size = model.ParameterizedSize(min=_least_px(card), step=card.tiling.stride)
    names = [f"frame{number}" for number in range(card.trained.frames[1])]
    axes = [
        model.BatchAxis(),
        model.ChannelAxis(channel_names=names),
        model.SpaceInputAxis(id="y", size=size),
        model.SpaceInputAxis(id="x", size=size),
    ]
    return model.InputTensorDescr(
        id="frames",
        description="Registered frames, 0 for dark and 1 for bright.",
        axes=axes,
        test_tensor=model.FileDescr(source=test),
        data=model.IntervalOrRatioDataDescr(type="float32"),
    )


def _noise_tensor(model: Any, test: Path) -> Any:
    return model.InputTensorDescr(
        id=NOISE,
        description="Slope and height of the line from intensity to the noise variance of one frame.",
        axes=[model.BatchAxis(), model.ChannelAxis(channel_names=["slope", "height"])],
        test_tensor=model.FileDescr(source=test),
        data=model.IntervalOrRatioDataDescr(type="float32"),
    )


def _restored_tensor(model: Any, card: ModelCard, test: Path) -> Any:
    def axis(name: str) -> Any:
        size = model.SizeReference(tensor_id="frames", axis_id=name)
        if card.tiling.halo:
            return model.SpaceOutputAxisWithHalo(id=name, size=size, halo=card.tiling.halo)
        return model.SpaceOutputAxis(id=name, size=size)

    return model.OutputTensorDescr(
        id="restored",
        description="The restored image, in the intensities of the frames.",
        axes=[model.BatchAxis(), axis("y"), axis("x")],
        test_tensor=model.FileDescr(source=test),
        data=model.IntervalOrRatioDataDescr(type="float32"),
    )


def _saved(path: Path, array: np.ndarray[Any, Any]) -> Path:
    np.save(path, array)
    return path


def _documentation(card: ModelCard, path: Path) -> Path:
    failures = "\n".join(f"- {failure}" for failure in card.known_failures)
    rows = "\n".join(f"- {dict(row)}" for row in card.validation) or "None was made."
    text = f"# {card.name}\n\n{card.summary}\n\n# Validation\n\n{rows}\n\n# Known failures\n\n{failures}\n"
    path.write_text(text, encoding="utf-8")
    return path


def _allowed(name: str) -> str:
    """Return a name with only the signs that the zoo allows."""
    return "".join(sign if sign.isalnum() or sign in " -+()_" else " " for sign in name)


def _faulty(card: ModelCard, said: str) -> ModelError:
    return ModelError("A package must pass the zoo's validator", item=card.id, came=f"gave: {said}")


def _faults(summary: Any) -> str:
    errors = [error for entry in summary.details for error in entry.errors]
    return "; ".join(f"{'.'.join(map(str, error.loc))}: {error.msg}" for error in errors[:3])
