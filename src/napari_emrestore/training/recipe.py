"""Recipes: everything that decides a training run, in one TOML file."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from napari_emrestore.core import InputError
from napari_emrestore.training.losses import LOSSES

if TYPE_CHECKING:
    from collections.abc import Mapping

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class SourceRecipe:
    """Images of one source.

    Attributes
    ----------
    pattern : str
        Glob below the data folder.
    shrink : tuple of int
        Area-mean factors; each gives one scene per image. Shrinking by 2 halves white noise.
    credit : str
        Who made the images and under which terms.
    validation : str
        Glob of images of this source that are kept out of training.
    """

    pattern: str
    shrink: tuple[int, ...] = (2,)
    credit: str = ""
    validation: str = ""


@dataclass(frozen=True, slots=True)
class DataRecipe:
    """What a network is shown.

    Attributes
    ----------
    presets : mapping of str to float
        Degradation presets and how often each is drawn.
    frames : tuple of int
        Fewest and most frames of a burst.
    sources : tuple of SourceRecipe
        Real images.
    procedural_scenes, procedural_size_px : int
        Number and size of procedural scenes of each kind.
    more_scenes : mapping of str to int
        Procedural scenes of some kinds on top of that number.
    procedural_share : float
        How often a procedural scene is drawn.
    contrast : tuple of float
        Range of the darkest intensity relative to the brightest.
    grain : tuple of float
        Least and most standard deviation of fine grain added to seven of ten scenes, relative to their
        range; it belongs to the specimen, so a network learns to keep what exceeds the noise.
    grain_from_step : int
        Training step from which grain is added; smooth scenes alone teach the basics faster.
    registration_px : float
        Standard deviation of the alignment error left between frames.
    noise_error : float
        Deviation of the logarithm of the noise that a network is told from the true one.
    shared_told : tuple of float
        Least and most share, 0 to 1, of the variance that neighbouring pixels share in what a network is
        told: one image seldom tells it from texture, so a network shown all cases must look for itself.
    crop_px, batch : int
        Size of a training crop and crops per step.
    """

    presets: Mapping[str, float]
    frames: tuple[int, int] = (1, 1)
    sources: tuple[SourceRecipe, ...] = ()
    procedural_scenes: int = 8
    procedural_size_px: int = 512
    more_scenes: Mapping[str, int] = field(default_factory=dict)
    procedural_share: float = 0.3
    contrast: tuple[float, float] = (0.0, 0.6)
    grain: tuple[float, float] = (0.0, 0.0)
    grain_from_step: int = 0
    registration_px: float = 0.1
    noise_error: float = 0.15
    shared_told: tuple[float, float] = (0.0, 0.0)
    crop_px: int = 128
    batch: int = 4


@dataclass(frozen=True, slots=True)
class OptimiserRecipe:
    """How a network learns: AdamW, warm-up, constant rate, cosine decay at the end.

    Attributes
    ----------
    steps, warmup_steps : int
        Training steps in all and of the linear warm-up.
    decay_share : float
        Share of the steps at the end over which the rate falls to zero.
    rate, weight_decay, clip : float
        Learning rate, decoupled weight decay and the largest gradient norm.
    method : {"adamw", "sgd"}
        Adam with decoupled weight decay, or gradient descent with momentum 0.9.
    betas : tuple of float
        Decay of Adam's running means.
    loss : str
        Name in ``losses.LOSSES``.
    loss_weight : float
        Factor of that loss beside adversarial and perceptual terms.
    over_scales : bool
        Take the loss at all three sizes of a network that restores from coarse to fine.
    balanced : bool
        Divide each sample's loss by the error of its frame mean, so that bright samples, whose errors
        are small, teach as much as dark ones.
    average : float
        Decay of the running average of weights that is validated and exported.
    refresh_passes : int
        Batches whose statistics replace those of batch normalisation in the averaged network before each
        validation; 0 keeps the running average of them.
    frozen_steps : int
        Steps at the start in which a backbone that came from a file stays as it is.
    keep : {"last", "best"}
        Export the network of the last step, or that of the validation with the highest SSIM.
    validate_every : int
        Steps between validations and checkpoints.
    seed : int
        Seed of weights and data.
    """

    steps: int
    warmup_steps: int = 200
    decay_share: float = 0.3
    rate: float = 1e-3
    weight_decay: float = 1e-4
    clip: float = 1.0
    method: Literal["adamw", "sgd"] = "adamw"
    betas: tuple[float, float] = (0.9, 0.95)
    loss: str = "l1_ssim"
    loss_weight: float = 1.0
    over_scales: bool = False
    balanced: bool = True
    average: float = 0.999
    refresh_passes: int = 0
    frozen_steps: int = 0
    keep: Literal["last", "best"] = "last"
    validate_every: int = 500
    seed: int = 0

    def __post_init__(self) -> None:
        _refuse_other("method", self.method, ("adamw", "sgd"))
        _refuse_other("keep", self.keep, ("last", "best"))
        _refuse_other("loss", self.loss, tuple(LOSSES))


@dataclass(frozen=True, slots=True)
class AdversaryRecipe:
    """A judge that learns to tell restored images from real ones, and what its word weighs.

    Attributes
    ----------
    judges : str
        Name in ``judge.DISCRIMINATORS``: whose discriminators.
    loss : {"relativistic", "least_squares"}
        RaGAN-LS of DeblurGAN-v2, or LSGAN of SGPN.
    weight : float
        Factor of the adversarial term.
    width : int
        Channels of the discriminators' first layer; 64 in the papers.
    rate : float
        The judge's learning rate; follows the same warm-up and decay as the restorer's.
    diff_augment : bool
        Recolour, shift and cut out what the judge sees (Zhao 2020).
    from_step : int
        Step from which judge and term take part; before it the restorer learns the content alone.
    """

    judges: str
    loss: Literal["relativistic", "least_squares"]
    weight: float
    width: int = 64
    rate: float = 1e-4
    diff_augment: bool = False
    from_step: int = 0

    def __post_init__(self) -> None:
        _refuse_other("adversary.loss", self.loss, ("relativistic", "least_squares"))


@dataclass(frozen=True, slots=True)
class PerceptualRecipe:
    """Distance in the features of a VGG-19 that the user gives; without the file it is zero, and said so.

    Attributes
    ----------
    weight : float
        Factor of the term.
    """

    weight: float


@dataclass(frozen=True, slots=True)
class SemiSupervisedRecipe:
    """Degraded images without ground truth, from which the restorer learns by the judge's word alone.

    Attributes
    ----------
    weight : float
        Factor of the difference between the judge's ratings of both kinds of restorations.
    labelled_share : float
        Share of the training images that keep their ground truth; the others are only shown degraded.
    pattern : str
        Glob, below the data folder, of images that came degraded from a microscope; they are shown too.
    """

    weight: float
    labelled_share: float = 1.0
    pattern: str = ""

    def __post_init__(self) -> None:
        if not 0 < self.labelled_share <= 1:
            raise InputError("labelled_share is above 0 and at most 1", came=f"{self.labelled_share} came")


@dataclass(frozen=True, slots=True)
class Recipe:
    """One training run from random weights to a model card.

    Attributes
    ----------
    id, version, name, summary, task, architecture, parameters, known_failures, license
        Go into the card; see `ModelCard`.
    pixel_size_nm, dose_e : tuple of float, optional
        The trained range for the card.
    halo_px, stride_px : int
        Exact halo and stride of the architecture; the card gets the halo measured on the weights.
    tiling_mode : {"exact", "blend", "whole"}
        As in `TilingRule`. For networks with image-wide statistics the card gets `halo_px` as it is.
    data : DataRecipe
        What it is shown.
    optimiser : OptimiserRecipe
        How it learns.
    adversary, perceptual, semi_supervised : optional
        What the restorer learns from beside the distance to the ground truth.
    error_head : OptimiserRecipe, optional
        How a head that tells the expected error learns afterwards, alone (`fit_error_head`); `loss` and
        `balanced` say nothing there.
    full_recipe : str
        For a shortened or narrowed recipe: the name of the one with everything in it.
    """

    id: str
    version: str
    name: str
    summary: str
    task: str
    architecture: str
    data: DataRecipe
    optimiser: OptimiserRecipe
    stride_px: int
    halo_px: int
    tiling_mode: Literal["exact", "blend", "whole"] = "exact"
    parameters: Mapping[str, Any] = field(default_factory=dict)
    dose_e: tuple[float, float] | None = None
    pixel_size_nm: tuple[float, float] | None = None
    known_failures: tuple[str, ...] = ()
    license: str = "BSD-3-Clause"
    adversary: AdversaryRecipe | None = None
    perceptual: PerceptualRecipe | None = None
    semi_supervised: SemiSupervisedRecipe | None = None
    error_head: OptimiserRecipe | None = None
    full_recipe: str = ""

    def __post_init__(self) -> None:
        if self.semi_supervised is not None and self.adversary is None:
            raise InputError(
                "Learning without ground truth needs a judge",
                item=self.id,
                came="has semi_supervised and no adversary",
            )


_TABLES: dict[str, type[Any]] = {
    "adversary": AdversaryRecipe,
    "error_head": OptimiserRecipe,
    "perceptual": PerceptualRecipe,
    "semi_supervised": SemiSupervisedRecipe,
}


def bundled_recipes() -> dict[str, Path]:
    """Return the recipes of the package by name."""
    return {path.stem: path for path in sorted((Path(__file__).parent / "recipes").glob("*.toml"))}


def read_recipe(path: Path) -> Recipe:
    """Return the recipe in a TOML file.

    Raises
    ------
    InputError
        If the file is no TOML or has a key that is unknown or missing; the key is named.
    """
    try:
        record = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError("A recipe is a readable TOML file", item=str(path), came=f"gave: {error}") from error
    _refuse_unknown(Recipe, record, path)
    data = dict(record.pop("data", {}))
    sources = tuple(_fill(SourceRecipe, source, path) for source in data.pop("sources", ()))
    record["data"] = _fill(DataRecipe, data | {"sources": sources}, path)
    record["optimiser"] = _fill(OptimiserRecipe, record.pop("optimiser", {}), path)
    for key, kind in _TABLES.items():
        if key in record:
            record[key] = _fill(kind, record[key], path)
    return _fill(Recipe, record, path)


def _fill(kind: type[T], record: Mapping[str, Any], path: Path) -> T:
    """Return `kind` with the values of `record`, lists as tuples."""
    _refuse_unknown(kind, record, path)
    values = {key: tuple(v) if isinstance(v, list) else v for key, v in record.items()}
    try:
        return kind(**values)
    except TypeError as error:
        raise InputError(
            f"A recipe's {kind.__name__} is complete", item=str(path), came=str(error)
        ) from error


def _refuse_unknown(kind: type[Any], record: Mapping[str, Any], path: Path) -> None:
    known = {f.name for f in fields(kind)}
    if unknown := sorted(set(record) - known):
        raise InputError(
            f"A recipe's {kind.__name__} has the keys {', '.join(sorted(known))}",
            item=str(path),
            came=f"has {', '.join(unknown)}",
        )


def _refuse_other(key: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise InputError(f"A recipe's {key} is one of {', '.join(known)}", came=f"{value!r} came")
