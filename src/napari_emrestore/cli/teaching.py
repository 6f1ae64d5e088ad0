"""How `train` teaches a model on a person's own ground truth: pairs, or clean images degraded to measure."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.cli.terminal import Outcome, Terminal

if TYPE_CHECKING:
    import argparse

    from napari_emrestore.core import ModelCard, Monitor
    from napari_emrestore.training.teaching import CleanLessons, Pair, PairLessons

    Lessons = tuple[PairLessons | CleanLessons, PairLessons | CleanLessons]

_LOOKED_AT = 8


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
    own.add_argument("--name", help="the new model is called MODEL-NAME")
    own.add_argument("--steps", type=int, default=1000, help="training steps (default: 1000)")
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
            steps=arguments.steps,
            source={"paths": list(arguments.pairs or arguments.clean)},
            device=arguments.device,
            monitor=monitor,
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


def _lessons(arguments: argparse.Namespace, card: ModelCard, monitor: Monitor) -> Lessons:
    from napari_emrestore.training.teaching import CleanLessons, PairLessons

    taken, stride = card.trained.frames, card.tiling.stride
    if arguments.pairs is not None:
        frames, clean = arguments.pairs
        pairs = _pairs(frames, clean, monitor)
        first, second = (PairLessons(pairs, taken, stride, held_out=held_out) for held_out in (False, True))
        return first, second
    clean, frames = arguments.clean
    images, preset = _clean(clean, frames, arguments.noise, monitor)
    one, other = (CleanLessons(images, preset, taken, stride, held_out=out) for out in (False, True))
    return one, other


def _pairs(frames: str, clean: str, monitor: Monitor) -> list[Pair]:
    """Return the pairs of two files, of a folder of frames and a file, or of two folders."""
    from napari_emrestore.core import InputError
    from napari_emrestore.io import find_inputs

    if not (Path(frames).is_dir() and Path(clean).is_dir()):
        return [_pair(frames, clean, monitor)]
    both = [find_inputs(folder) for folder in (frames, clean)]
    if len(both[0]) != len(both[1]):
        raise InputError(
            "Two folders of pairs hold equally many files, in the same order",
            came=f"{frames} holds {len(both[0])} and {clean} {len(both[1])}",
        )
    return [_pair(str(one), str(other), monitor) for one, other in zip(*both, strict=True)]


def _pair(frames: str, clean: str, monitor: Monitor) -> Pair:
    from napari_emrestore.io import open_frames
    from napari_emrestore.training.teaching import gather_pair

    with open_frames(frames) as stack, open_frames(clean) as truth:
        return gather_pair(
            np.asarray(stack.data[:32]),
            np.asarray(truth.data[0]),
            acquisitions=(stack.acquisition, truth.acquisition),
            monitor=monitor,
        )


def _clean(clean: str, frames: str, camera: str | None, monitor: Monitor) -> tuple[list[Any], Any]:
    """Return the clean images of a folder or file, and the preset of a microscope."""
    from napari_emrestore.io import open_frames
    from napari_emrestore.pipeline.scenes import load_clean_images, scale_to_unit
    from napari_emrestore.restoration.calibration import find_calibration
    from napari_emrestore.training.teaching import matched_preset

    if Path(clean).is_dir():
        images = [one.image for one in load_clean_images(clean, shrink=1, monitor=monitor)[0]]
    else:
        with open_frames(clean) as stack:
            images = [scale_to_unit(np.asarray(frame.data)) for frame in stack]
    with open_frames(frames) as stack:
        seen = np.asarray(stack.data[:_LOOKED_AT])
    noise = None if camera is None else find_calibration(camera).noise
    return images, matched_preset(seen, images, noise=noise)
