"""How large an experiment is run, and what comes out of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from napari_emrestore.pipeline.experiments.tables import Experiment


@dataclass(frozen=True, slots=True)
class Plan:
    """How large an experiment is run.

    Attributes
    ----------
    steps : int, optional
        Training steps of every arm; ``None`` for those of its recipe.
    full : bool
        Take the papers' networks and crops instead of the reduced ones.
    scenes : int
        Scenes of each kind in each of the four sequences of a domain.
    scene_px : int
        Their side.
    tiles : int
        Test tiles per domain.
    seed : int
        Of scenes, weights and samples.
    device : str
        A torch device.
    vgg : Path, optional
        VGG-19 weights for the perceptual term.
    arms : str
        Run only arms whose label contains this.
    """

    steps: int | None = None
    full: bool = False
    scenes: int = 4
    scene_px: int = 384
    tiles: int = 32
    seed: int = 0
    device: str = "cpu"
    vgg: Path | None = None
    arms: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: a method on a test domain.

    Attributes
    ----------
    label, test : str
        The arm, or what was not trained, and the domain.
    psnrs_db, ssims : tuple of float
        One value per tile; the same tiles for every row of a test on the same sequence.
    sources : tuple of str
        The scene that each tile was cut from.
    paper : tuple of float, optional
        PSNR in dB and SSIM in the paper.
    facts : mapping
        Recipe, steps, parameters, seconds, and what was said of the training.
    """

    label: str
    test: str
    psnrs_db: tuple[float, ...]
    ssims: tuple[float, ...]
    sources: tuple[str, ...]
    paper: tuple[float, float] | None
    facts: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Outcome:
    """A finished experiment.

    Attributes
    ----------
    name : str
        In `EXPERIMENTS`.
    experiment : Experiment
        What was run.
    plan : Plan
        How large.
    rows : tuple of Row
        By arm and test; unrestored rows of each domain first.
    seconds : float
        Wall time.
    """

    name: str
    experiment: Experiment
    plan: Plan
    rows: tuple[Row, ...]
    seconds: float
