"""How `train` teaches a model on a person's own ground truth: pairs, or clean images degraded to measure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_emrestore.cli.terminal import Outcome, Terminal

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from napari_emrestore.core import ModelCard, Monitor
    from napari_emrestore.training.data import Batch
    from napari_emrestore.training.teaching import CleanLessons, PairLessons

    Lessons = tuple[PairLessons, PairLessons] | tuple[CleanLessons, CleanLessons]

_STEPS = 1000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this way to train."""
    own = parser.add_argument_group("your own images, instead of a recipe")
    own.add_argument(
        "--pairs",
        nargs=2,
        metavar=("FRAMES", "CLEAN"),
        help="frames and a clean image of their place, or two folders of them in the same order",
    )
    own.add_argument(
        "--clean",
        nargs=2,
        metavar=("CLEAN", "FRAMES"),
        help="clean images, degraded as your microscope degraded FRAMES: gain, dose, read noise, blur",
    )
    own.add_argument("--model", default="burst-naf", metavar="ID", help="model to start from")
    own.add_argument("--name", help="the new model is called MODEL-NAME, or RECIPE-NAME")
    own.add_argument("--steps", type=int, help="training steps (default: 1000, or the recipe's own)")
    own.add_argument("--noise", metavar="CAMERA", help="calibration of the camera, with --clean")


def run(arguments: argparse.Namespace, terminal: Terminal) -> Outcome:
    """Teach, and keep the model if it has become better."""
    from napari_emrestore.core import InputError
    from napari_emrestore.models import find_card
    from napari_emrestore.training.teaching import teach

    if arguments.name is None:
        raise InputError("A new model needs a name", came="--name is missing")
    card = find_card(arguments.model)
    with terminal.progress() as monitor:
        training, validation = _lessons(arguments, card, monitor)
        made = teach(
            card,
            training,
            validation,
            arguments.name,
            steps=arguments.steps or _STEPS,
            source={"paths": list(arguments.pairs or arguments.clean)},
            device=arguments.device,
            monitor=monitor,
            watch=Account(terminal),
        )
    terminal.say(made.text())
    if made.card is not None:
        terminal.say(f"Wrote {made.card.id} ({made.card.weights}); it is in every list of models now.")
    return Outcome(
        {
            "model": made.card,
            "ssim_before": made.ssim_before,
            "ssim_after": made.ssim_after,
            "error": made.error,
            "history": made.history,
        }
    )


class Account:
    """Says every validation of a training on a line of its own."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal

    def learnt(self, step: int, loss: float) -> None:
        """Leave single losses out: the mean since the last validation is said with the next."""

    def validated(self, record: Mapping[str, float], shown: Batch, restored: NDArray[np.float32]) -> None:
        """Say the figures."""
        from napari_emrestore.training.loop import sentence

        self._terminal.say(sentence(record))


def _lessons(arguments: argparse.Namespace, card: ModelCard, monitor: Monitor) -> Lessons:
    from napari_emrestore.io import open_frames
    from napari_emrestore.pipeline import lessons
    from napari_emrestore.restoration.calibration import find_calibration

    if arguments.pairs is not None:
        shown, wanted = arguments.pairs
        return lessons.pair_lessons(lessons.read_pairs(shown, wanted, monitor), card)
    clean, frames = arguments.clean
    images = lessons.read_clean_images(clean, monitor)
    with open_frames(frames) as stack:
        seen = np.asarray(stack.data[: lessons.LOOKED_AT])
    noise = None if arguments.noise is None else find_calibration(arguments.noise).noise
    return lessons.clean_lessons(images, seen, card, noise=noise)
