"""Starting weights from a file the user gives; nothing is ever downloaded.

Names in the file are those of torchvision (ResNet-18, MobileNet-v2, VGG-19) or of the public PyTorch
Inception-ResNet-v2.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

from napari_emrestore.core import ModelError
from napari_emrestore.models.weight_files import file_sha256, read_tensors

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import torch

    from napari_emrestore.models.architectures.backbone_file import BackboneFile

_WRAPPINGS = ("module.", "encoder.", "backbone.")
_COUNTER = "num_batches_tracked"
_NAMED = 5


def load_backbone(network: torch.nn.Module, path: Path | None) -> dict[str, str]:
    """Fill the backbone of a network from a file, in place, and return what to write down about it.

    Parameters
    ----------
    network : Module
        With a ``backbone_file``: the Katsuno U-Net at full width, or DeblurGAN-v2.
    path : Path, optional
        ``.pth``, ``.pt``, ``.safetensors`` or ``.npz``: a state dict, bare or under ``state_dict`` or
        ``model``; ``None`` leaves the random start and says so in the log.

    Returns
    -------
    dict
        Name and SHA-256 of the file for the training record; empty without a file.

    Raises
    ------
    ModelError
        If the network has no such backbone, or the file is damaged, unsafe or lacks what the backbone needs.
    """
    if path is None:
        warnings.warn(
            "No weights file for the backbone was given: it starts from random weights",
            UserWarning,
            stacklevel=2,
        )
        return {}
    wanted: BackboneFile | None = getattr(network, "backbone_file", None)
    if wanted is None:
        raise ModelError(
            "Only networks with an ImageNet backbone start from a file", came=f"{type(network).__name__} came"
        )
    fill(network.get_submodule(wanted.part), path, first=wanted.first, unused=wanted.unused)
    return {"backbone_file": path.name, "backbone_sha256": file_sha256(path)}


def fill(part: torch.nn.Module, path: Path, *, first: str, unused: tuple[str, ...]) -> None:
    """Copy the tensors of a file into a part of a network.

    Parameters
    ----------
    part : Module
        What to fill.
    path : Path
        See `load_backbone`.
    first : str
        Name of the kernel that sees the image; adapted to its number of channels.
    unused : tuple of str
        Beginnings of names that the file may have beyond those of the part.

    Raises
    ------
    ModelError
        If a tensor is missing, of another shape or unknown; all of them are named.
    """
    found = {_bare(name): tensor for name, tensor in read_tensors(path, wrapped=True).items()}
    found = {name: tensor for name, tensor in found.items() if not name.startswith(unused)}
    wanted = part.state_dict()
    if first in found and first in wanted:
        found[first] = adapt_channels(found[first], wanted[first].shape[1])
    found |= {name: t for name, t in wanted.items() if name.endswith(_COUNTER) and name not in found}
    _refuse_misfit(path, wanted, found)
    part.load_state_dict(found)


def adapt_channels(kernel: torch.Tensor, channels: int) -> torch.Tensor:
    """Return a first kernel (C, 3, y, x) for another number of input channels.

    For one channel the three are summed, which gives what a grey image repeated three times would; for
    others they are repeated in turn and scaled, which keeps the response to a constant image.
    """
    import torch

    given = kernel.shape[1]
    if channels == given:
        return kernel
    if channels == 1:
        return kernel.sum(1, keepdim=True)
    turn = torch.arange(channels) % given
    return kernel[:, turn] * (given / channels)


def _bare(name: str) -> str:
    while name.startswith(_WRAPPINGS):
        name = name.partition(".")[2]
    return name


def _refuse_misfit(path: Path, wanted: Mapping[str, torch.Tensor], found: Mapping[str, torch.Tensor]) -> None:
    reasons = [f"lacks {name}" for name in wanted if name not in found]
    reasons += [
        f"{name} is {tuple(found[name].shape)} for {tuple(tensor.shape)}"
        for name, tensor in wanted.items()
        if name in found and found[name].shape != tensor.shape
    ]
    reasons += [f"has {name}" for name in found if name not in wanted]
    if reasons:
        more = f" and {len(reasons) - _NAMED} more" if len(reasons) > _NAMED else ""
        raise ModelError(
            "A file with starting weights must fit the backbone",
            item=str(path),
            came="; ".join(reasons[:_NAMED]) + more,
            remedy="Give the state dict of the same network, or start from random weights.",
        )
