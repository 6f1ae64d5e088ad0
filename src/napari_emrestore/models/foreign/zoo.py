"""BioImage Model Zoo packages in, runners out, with the zoo's own library.

A package may name Python files (its architecture, its own processing) and addresses to fetch from. Both are
refused: only ONNX and TorchScript weights inside of the package are used, and these after the checks of their
kinds. What the package promises for its test image is computed before it is used.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.core import InputError, ModelError, TilingRule
from napari_emrestore.core.optional import optional_package
from napari_emrestore.models.card_files import card_from_text
from napari_emrestore.models.foreign.cards import identifier, plain_card
from napari_emrestore.models.foreign.onnx_files import NOISE, count_parameters, read_alone
from napari_emrestore.models.foreign.runners import Runner
from napari_emrestore.models.foreign.torchscript import refuse_unsafe
from napari_emrestore.models.weight_files import damaged_file, file_sha256, unchanged_file

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_emrestore.core import ModelCard
    from napari_emrestore.models.foreign.runners import Noise

CONFIG_KEY = "napari_emrestore"
_KINDS = ("onnx", "torchscript")
_PER_IMAGE = {"zero_mean_unit_variance", "scale_range"}
_TOLERANCE = 1e-3
# the library would pad images by the halo and crop the result; tiles have their context already
_AS_IT_IS = {"skip_input_padding": True, "skip_output_cropping": True}


def zoo_card(path: Path) -> ModelCard:
    """Return a card for a package: a ``.zip``, or the description in an unpacked folder.

    Raises
    ------
    ModelError
        If the description breaks the zoo's format, or the model is none from frames to one image of any size.
    MissingPackageError
        If bioimageio.core is not installed.
    """
    description = _description(path)
    axes = _Axes(description, path)
    stated = _stated_card(description)
    if stated is not None:
        card = card_from_text(stated, path)
        return replace(card, architecture="bioimageio", weights=path.resolve(), sha256=file_sha256(path))
    steps = {step.id for step in description.inputs[0].preprocessing}
    count = axes.frames
    return plain_card(
        "bioimageio",
        path,
        (count, count),
        TilingRule(axes.stride, axes.halo, "blend" if axes.halo and not steps & _PER_IMAGE else "whole"),
        id=identifier(str(description.id or description.name)),
        name=str(description.name),
        version=str(description.version or "unknown"),
        license=str(description.license or "unknown"),
        credit="; ".join(str(entry.text) for entry in description.cite),
    )


def open_zoo(card: ModelCard, device: str = "auto") -> Runner:
    """Return the runner of a package, after it gave what it promises for its test image.

    Parameters
    ----------
    card : ModelCard
        Of `zoo_card`.
    device : str
        ``"auto"`` or ``"cpu"``.

    Raises
    ------
    ModelError
        If the package is damaged, has changed, would run code or fetch files, or breaks its promise.
    InputError
        If another device is asked for.
    MissingPackageError
        If bioimageio.core, or what its weights need, is not installed.
    """
    path = unchanged_file(card)
    if device not in ("auto", "cpu"):
        raise InputError(
            "Packages of the zoo run on the CPU here", item=card.id, came=f"was asked for on {device!r}"
        )
    description = _description(path)
    axes = _Axes(description, path)
    kind, parameters = _safe_weights(description, path)
    core = optional_package("bioimageio.core", "bioimageio")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # torch.jit goes on, without new features
        pipeline = core.create_prediction_pipeline(description, weight_format=kind, devices=["cpu"])
        _keep_promise(pipeline, description, path)
    least = 1 if _stated_card(description) is not None else axes.least_px
    run = _Run(core, pipeline, axes, least, card.id)
    runtime = f"bioimageio.core {core.__version__}, {kind}"
    return Runner(card, runtime, f"cpu ({runtime})", axes.takes_noise, parameters, run)


def _description(path: Path) -> Any:
    """Return a valid model description; nothing is fetched."""
    spec = optional_package("bioimageio.spec", "bioimageio")
    optional_package("bioimageio.core", "bioimageio")
    yaml = optional_package("ruyaml.error", "bioimageio")
    try:
        found = spec.load_description(path, format_version="latest", perform_io_checks=False)
    except (OSError, ValueError, TypeError, KeyError, yaml.YAMLError) as error:
        raise damaged_file(path, error) from error
    if isinstance(found, spec.InvalidDescr) or not isinstance(found, spec.ModelDescr):
        errors = [error for entry in found.validation_summary.details for error in entry.errors]
        said = "; ".join(f"{'.'.join(map(str, e.loc))}: {e.msg}" for e in errors[:3])
        raise _wrong(path, f"breaks it: {said or type(found).__name__}")
    return found


def _stated_card(description: Any) -> str | None:
    """Return the card that our own export left in a package."""
    extra = (description.config.model_extra or {}).get(CONFIG_KEY)
    return extra.get("card") if isinstance(extra, dict) else None


class _Axes:
    """Order and sizes of a model's axes, checked to be those of frames to one image."""

    def __init__(self, description: Any, path: Path) -> None:
        frames, *others = description.inputs
        output = description.outputs[0]
        self.input_id, self.output_id = str(frames.id), str(output.id)
        self.takes_noise = [str(entry.id) for entry in others] == [NOISE]
        self.dims = [str(axis.id) for axis in frames.axes]
        self.output_dims = [str(axis.id) for axis in output.axes]
        kinds = {axis.type for axis in (*frames.axes, *output.axes)}
        if (others and not self.takes_noise) or len(description.outputs) != 1:
            raise _wrong(path, f"has {len(description.inputs)} inputs and {len(description.outputs)} outputs")
        if not {"y", "x"} <= set(self.dims) or not kinds <= {"batch", "channel", "space"} or "z" in self.dims:
            raise _wrong(path, f"has axes {', '.join(self.dims)}")
        by_name = {str(axis.id): axis for axis in frames.axes}
        sizes = [by_name[name].size for name in ("y", "x")]
        if not all(hasattr(size, "step") for size in sizes):
            raise _wrong(path, f"takes only images of {sizes[0]} x {sizes[1]} px")
        channels = [axis.size for axis in frames.axes if axis.type == "channel"]
        self.frames = int(channels[0]) if channels else 1
        self.stride = math.lcm(*(size.step for size in sizes))
        if any(size.min % size.step for size in sizes):
            raise _wrong(path, f"takes images whose sides are {sizes[0]}, not multiples of a step")
        self.least_px = max(size.min for size in sizes)
        halos = [getattr(axis, "halo", 0) for axis in output.axes]
        self.halo = -(-max(halos) // self.stride) * self.stride


def _safe_weights(description: Any, path: Path) -> tuple[str, int]:
    """Return the kind of weights to use and their count, after checking them; refuse code and addresses."""
    steps = [*description.inputs[0].preprocessing, *description.outputs[0].postprocessing]
    if any(step.id == "custom" or hasattr(step, "source") for step in steps):
        raise _wrong(path, "brings its own processing code, which was not run")
    for kind in _KINDS:
        weights = getattr(description.weights, kind)
        if weights is None:
            continue
        if str(weights.source).startswith(("http:", "https:")):
            raise _wrong(path, f"keeps its weights at {weights.source}, which was not fetched")
        content = weights.get_reader().read()
        if kind == "onnx":
            return kind, count_parameters(read_alone(path, content))
        refuse_unsafe(path, content)
        return kind, 0
    given = ", ".join(name for name, entry in description.weights if entry is not None)
    raise _wrong(path, f"has weights only as {given}, which would need its code to be run")


def _keep_promise(pipeline: Any, description: Any, path: Path) -> None:
    """Raise if the model does not give its test output for its test input."""
    digest = optional_package("bioimageio.core.digest_spec", "bioimageio")
    entries = (*description.inputs, *description.outputs)
    if any(str(getattr(entry.test_tensor, "source", "")).startswith("http") for entry in entries):
        raise _wrong(path, "keeps its test images elsewhere, which were not fetched")
    made = pipeline.predict_sample_without_blocking(digest.get_test_input_sample(description), **_AS_IT_IS)
    wanted = digest.get_test_output_sample(description)
    for name, promised in wanted.members.items():
        found = np.asarray(made.members[name].data, np.float64)
        stated = np.asarray(promised.data, np.float64)
        span = max(float(np.ptp(stated)), 1e-6)
        if found.shape != stated.shape or not np.abs(found - stated).max() <= _TOLERANCE * span:
            raise _wrong(path, f"does not give its own test output {name!r}")


class _Run:
    """Puts windows into the order of the model's axes and takes the image out again."""

    def __init__(self, core: Any, pipeline: Any, axes: _Axes, least_px: int, item: str) -> None:
        self._core, self._pipeline, self._axes = core, pipeline, axes
        self._least_px, self._item = least_px, item

    def __call__(self, frames: NDArray[np.float32], noise: Noise) -> NDArray[np.float32]:
        size = frames.shape[1:]
        missing = [(0, 0), *((0, max(0, self._least_px - side)) for side in size)]
        members = {self._axes.input_id: self._tensor(np.pad(frames, missing, mode="symmetric"))}
        if self._axes.takes_noise:
            line = np.asarray([noise or (0.0, 0.0)], np.float32)
            members[NOISE] = self._core.Tensor(line, dims=("batch", "channel"))
        sample = self._core.Sample(members=members, stat={}, id=None)
        made = self._pipeline.predict_sample_without_blocking(sample, **_AS_IT_IS)
        made = made.members[self._axes.output_id].data
        image = np.asarray(made.transpose(..., "y", "x"), np.float32)
        if image.size != math.prod(image.shape[-2:]):
            came = f"returned {image.shape} for {frames.shape}"
            raise ModelError("A model returns one image", item=self._item, came=came)
        return np.ascontiguousarray(image.reshape(image.shape[-2:])[: size[0], : size[1]])

    def _tensor(self, frames: NDArray[np.float32]) -> Any:
        places = {"batch": 0, "channel": 1, "y": 2, "x": 3}
        order = [places.get(name, 1) for name in self._axes.dims]
        whole = np.transpose(frames[None], [*order, *(i for i in range(4) if i not in order)])
        shape = whole.shape[: len(order)]
        return self._core.Tensor(np.ascontiguousarray(whole.reshape(shape)), dims=self._axes.dims)


def _wrong(path: Path, came: str) -> ModelError:
    return ModelError(
        "A package of the BioImage Model Zoo follows its format and holds ONNX or TorchScript weights that "
        "map frames to one image of any size",
        item=str(path),
        came=came,
        remedy="Ask its makers for such a package.",
    )
