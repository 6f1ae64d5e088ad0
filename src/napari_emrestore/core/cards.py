"""What a model is, what it may be used for and how well it did: the content of a card file."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from napari_emrestore.core.restoration import TilingRule

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class TrainedRange:
    """The inputs a model has seen; outside of it a user is warned.

    Attributes
    ----------
    frames : tuple of int
        Smallest and largest number of frames.
    dose_e : tuple of float, optional
        Electrons per pixel and frame.
    pixel_size_nm : tuple of float, optional
        Nanometres per pixel; ``None`` when the training data do not fix it.
    """

    frames: tuple[int, int] = (1, 1)
    dose_e: tuple[float, float] | None = None
    pixel_size_nm: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class ModelCard:
    """One entry of the model catalogue; reading it needs no torch.

    Attributes
    ----------
    id, version, name : str
        ``id`` is unique in the catalogue; ``name`` is for menus.
    summary : str
        What it is for, in one sentence.
    task : str
        ``"denoise"`` or ``"deblur+denoise"``.
    architecture : str
        Folder name in ``models/architectures``.
    parameters : mapping
        Arguments of the architecture's ``build``.
    weights : Path, optional
        Safetensors file; ``None`` when the card ships without weights (see `known_failures`, `training`).
    sha256 : str
        Hash of the weights file; empty without weights.
    tiling : TilingRule
        Stride, halo and whether tiling is exact.
    precisions : tuple of str
        Safe precisions, of ``"fp32"``, ``"bf16"``, ``"fp16"``.
    trained : TrainedRange
        What it has seen.
    training : mapping
        Data, steps, machine, seconds, recipe.
    validation : tuple of mapping
        Rows of the validation table, each naming its data, metric values and the command that made it.
    probes : tuple of mapping
        One row per probe: what was done to a known pattern, the scores, and which of them failed.
    known_failures : tuple of str
        Where it is known to go wrong.
    license, credit : str
        Terms of the weights and who is to be cited.
    weights_url : str
        Where weights that are too large for the package come from; `weights` is then their place in the
        models folder, which is empty until they are fetched.
    """

    id: str
    version: str
    name: str
    summary: str
    task: str
    architecture: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    weights: Path | None = None
    sha256: str = ""
    tiling: TilingRule = TilingRule()
    precisions: tuple[str, ...] = ("fp32",)
    trained: TrainedRange = TrainedRange()
    training: Mapping[str, Any] = field(default_factory=dict)
    validation: tuple[Mapping[str, Any], ...] = ()
    probes: tuple[Mapping[str, Any], ...] = ()
    known_failures: tuple[str, ...] = ()
    license: str = ""
    credit: str = ""
    weights_url: str = ""

    @property
    def is_ready(self) -> bool:
        """Whether it can run now: it has weights, and none are to be downloaded first."""
        return self.weights is not None and (not self.weights_url or self.weights.exists())

    @property
    def tells_error(self) -> bool:
        """Whether it tells how far each pixel of a restoration is probably off."""
        return bool(self.parameters.get("error_head"))

    @property
    def is_shortened(self) -> bool:
        """Whether a shortened recipe trained it: for comparisons, never chosen or recommended unasked."""
        return bool(self.training.get("full_recipe"))
