"""Distance between images in the features of VGG-19, from a weights file that the user gives.

Johnson et al. 2016, DOI 10.1007/978-3-319-46475-6_43. Nothing is downloaded. Without the file the term
is zero and says so, in the log and in `Perceptual.record`.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    import torch
    from torch import Tensor

# VGG-19 up to its third convolution of the third block; "M" halves
_LAYERS: tuple[int | str, ...] = (64, 64, "M", 128, 128, "M", 256, 256, 256)
_VGG_LAYERS = 37
_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class Perceptual:
    """The perceptual loss: images ``(B, Y, X)`` in model range to one value per sample, ``(B,)``.

    Parameters
    ----------
    path : Path, optional
        State dict with torchvision's ``vgg19`` names: ``.pth``, ``.pt``, ``.safetensors`` or ``.npz``.
    device : str
        A torch device.

    Attributes
    ----------
    record : dict
        What to write down about the term: the file and its SHA-256, or that there is none.

    Raises
    ------
    ModelError
        If the file is damaged, unsafe or not of this network.
    """

    def __init__(self, path: Path | None, device: str = "cpu") -> None:
        from torch.nn import ModuleDict

        from napari_emrestore.models.pretrained import fill
        from napari_emrestore.models.weight_files import file_sha256

        self._features: torch.nn.Sequential | None = None
        if path is None:
            warnings.warn("No VGG-19 file was given: the perceptual term is zero", UserWarning, stacklevel=2)
            self.record = {"perceptual": "none: no VGG-19 file was given"}
            return
        self._features = build_features()
        unused = ("classifier.", *(f"features.{n}." for n in range(len(self._features), _VGG_LAYERS)))
        fill(ModuleDict({"features": self._features}), path, first="features.0.weight", unused=unused)
        self._features.to(device).eval().requires_grad_(False)
        self.record = {"perceptual": path.name, "perceptual_sha256": file_sha256(path)}

    def __call__(self, output: Tensor, truth: Tensor) -> Tensor:
        """Return the mean squared difference of features."""
        if self._features is None:
            return (output * 0).sum((1, 2))
        difference = self._features(_coloured(output)) - self._features(_coloured(truth))
        loss: Tensor = (difference**2).mean((1, 2, 3))
        return loss


def build_features() -> torch.nn.Sequential:
    """Return VGG-19 with random weights up to ``conv3_3``, without the ReLU behind it."""
    from torch import nn

    layers: list[nn.Module] = []
    before = 3
    for width in _LAYERS:
        if isinstance(width, str):
            layers.append(nn.MaxPool2d(2))
        else:
            layers += [nn.Conv2d(before, width, 3, padding=1), nn.ReLU()]
            before = width
    return nn.Sequential(*layers[:-1])


def _coloured(images: Tensor) -> Tensor:
    """Return grey images (B, Y, X) as the colour images (B, 3, Y, X) the features were trained on."""
    import torch

    mean, deviation = (torch.tensor(v, device=images.device)[:, None, None] for v in (_MEAN, _DEVIATION))
    return (images[:, None] - mean) / deviation
