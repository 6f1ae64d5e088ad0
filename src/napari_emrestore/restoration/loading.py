"""From the name of a model or classical method to a restorer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_emrestore.core import SILENT, DeviceError, InputError
from napari_emrestore.restoration.classical import list_classical, load_classical
from napari_emrestore.restoration.runtime_restorer import RuntimeRestorer
from napari_emrestore.restoration.torch_restorer import TorchRestorer

if TYPE_CHECKING:
    from pathlib import Path

    from napari_emrestore.core import Monitor, Restorer


def load_restorer(
    id_or_path: str | Path, *, device: str = "auto", precision: str = "auto", monitor: Monitor = SILENT
) -> Restorer:
    """Return a restorer, learned or classical, by name.

    Weights that a card names by URL are downloaded first if they are not in the models folder.

    Parameters
    ----------
    id_or_path : str or Path
        An id of `list_models` or `list_classical`, or a model's card, weights file or folder; also a
        TorchScript file, an ONNX file or a BioImage Model Zoo package (see `find_card`).
    device : str
        ``"auto"`` (cuda, then mps, then cpu) or a name of `list_devices`. The restorer's `device` says which
        it became. Classical methods run on the CPU.
    precision : {"auto", "fp32", "bf16", "fp16"}
        ``"auto"`` takes half precision where the card calls it safe and the device computes it in hardware.
    monitor : Monitor
        Told how a download goes on, and asked whether to stop it.

    Raises
    ------
    ModelError
        If there is no such model, or its card or weights are wrong.
    DeviceError
        If the device is absent or cannot compute in this precision.
    InputError
        If the card does not allow the precision.
    MissingPackageError
        If a classical method or a foreign model needs a package that is not installed.
    Cancelled
        If the monitor asked to stop a download.
    """
    if str(id_or_path) in list_classical():
        _refuse_for_classical(str(id_or_path), device, precision)
        return load_classical(str(id_or_path))
    from napari_emrestore.models import fetch_weights, find_card
    from napari_emrestore.models.foreign.opening import needs_runner

    card = find_card(id_or_path)
    fetch_weights(card, monitor)
    kind = RuntimeRestorer if needs_runner(card) else TorchRestorer
    return kind.from_card(card, device, precision)


def _refuse_for_classical(name: str, device: str, precision: str) -> None:
    if device not in ("auto", "cpu"):
        raise DeviceError(
            "Classical methods run on the CPU",
            item=name,
            came=f"was asked for on {device!r}",
            remedy="Choose device='auto' or 'cpu'.",
        )
    if precision not in ("auto", "fp32"):
        raise InputError(
            "Classical methods compute in at least single precision",
            item=name,
            came=f"was asked for in {precision!r}",
            remedy="Choose precision='auto' or 'fp32'.",
        )
