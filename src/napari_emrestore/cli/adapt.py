"""Adapt a trained model to your own frames without ground truth; kept only if held-out pixels show a gain."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_emrestore.cli.options import add_kind
from napari_emrestore.cli.terminal import Outcome, Terminal

if TYPE_CHECKING:
    import argparse

    from napari_emrestore.training.adapting import Adaptation

_METHODS = ("auto", "frames", "pixels", "statistics")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument(
        "input",
        nargs="?",
        metavar="FRAMES",
        help="burst, longer series or single image, as the detector gave it",
    )
    parser.add_argument("--name", help="the new model is called MODEL-NAME")
    parser.add_argument(
        "--model", default="auto", metavar="ID", help="trained model to start from (default: by the frames)"
    )
    parser.add_argument(
        "--method",
        choices=_METHODS,
        default="auto",
        help="frames predict each other, hidden pixels are predicted, or fresh statistics alone for networks "
        "with batch normalisation (default: frames if there are several, else pixels)",
    )
    parser.add_argument(
        "--frames",
        type=int,
        metavar="N",
        help="frames that show one scene (default: 8, or as many as there are)",
    )
    add_kind(parser)
    parser.add_argument("--noise", metavar="CAMERA", help="calibration of the camera (default: measured)")
    parser.add_argument("--steps", type=int, default=400, help="training steps (default: 400)")
    parser.add_argument("--seed", type=int, default=0, help="seed of all draws (default: 0)")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1 or mps (default: auto)")
    parser.add_argument(
        "--undo",
        metavar="ID",
        help="remove a model made here; what it came from was never changed",
    )


def run(arguments: argparse.Namespace, terminal: Terminal) -> Outcome:
    """Adapt, or take an adapted model back."""
    from napari_emrestore.core import InputError

    if arguments.undo is not None:
        return _undo(arguments.undo, terminal)
    for option, value in (("FRAMES", arguments.input), ("--name", arguments.name)):
        if value is None:
            raise InputError(
                "Adapting needs frames and a name for the new model", came=f"{option} is missing"
            )
    made = _adapt(arguments, terminal)
    for note in made.notes:
        terminal.say(note)
    if made.card is not None:
        terminal.say(f"Wrote {made.card.id} ({made.card.weights}); it is in every list of models now.")
    return Outcome(
        {
            "model": made.card,
            "gain": made.gain,
            "method": made.method,
            "checks": made.checks,
            "seconds": made.seconds,
            "notes": made.notes,
        }
    )


def _adapt(arguments: argparse.Namespace, terminal: Terminal) -> Adaptation:
    from napari_emrestore.io import open_frames
    from napari_emrestore.pipeline.identity import of_file
    from napari_emrestore.pipeline.line import choose_model
    from napari_emrestore.pipeline.settings import RunSettings
    from napari_emrestore.restoration.calibration import find_calibration
    from napari_emrestore.training.adapting import AdaptSettings, TuningPlan, adapt

    settings = AdaptSettings(
        arguments.method, arguments.frames, arguments.kind, TuningPlan(arguments.steps, seed=arguments.seed)
    )
    noise = None if arguments.noise is None else find_calibration(arguments.noise).noise
    with open_frames(arguments.input) as stack, terminal.progress() as monitor:
        model = choose_model(RunSettings(arguments.input, model=arguments.model), len(stack))
        return adapt(
            model,
            stack.data,
            arguments.name,
            settings=settings,
            noise=noise,
            source=of_file(arguments.input),
            device=arguments.device,
            monitor=monitor,
        )


def _undo(model_id: str, terminal: Terminal) -> Outcome:
    from napari_emrestore.models import models_folder
    from napari_emrestore.training.adapting import undo

    card = undo(model_id, models_folder())
    base = card.training.get("adapted_from")
    terminal.say(f"Removed {card.id}; {base} is as it always was." if base else f"Removed {card.id}.")
    return Outcome({"removed": card.id})
