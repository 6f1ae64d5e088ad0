"""Train a model from a recipe, or teach one on your own images; a stopped run goes on where it was."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from napari_emrestore.cli import teaching
from napari_emrestore.cli.terminal import Outcome, Terminal

if TYPE_CHECKING:
    import argparse

    from napari_emrestore.core import ModelCard


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument(
        "recipe", nargs="?", metavar="RECIPE", help="recipe file, or the name of a bundled one"
    )
    parser.add_argument("--data", help="folder that the recipe's image patterns start from")
    parser.add_argument(
        "-o",
        "--output",
        help="folder for weights, card and checkpoint; --name puts the model among yours instead",
    )
    parser.add_argument("--backbone", metavar="FILE", help="weights file for the network's ImageNet backbone")
    parser.add_argument(
        "--vgg", metavar="FILE", help="VGG-19 weights file, for a recipe with a perceptual term"
    )
    parser.add_argument("--device", default="cpu", help="cpu, cuda, cuda:1 or mps (default: cpu)")
    teaching.add_arguments(parser)


def run(arguments: argparse.Namespace, terminal: Terminal) -> Outcome:
    """Run a recipe and write the model card, or teach a model on pairs or clean images."""
    from napari_emrestore.core import InputError

    own = arguments.pairs is not None or arguments.clean is not None
    if own == (arguments.recipe is not None):
        raise InputError("Training takes a recipe, --pairs or --clean", came="none or several came")
    if own:
        return teaching.run(arguments, terminal)
    if arguments.data is None:
        raise InputError("A recipe needs a data folder", came="--data is missing")
    if (arguments.output is None) == (arguments.name is None):
        raise InputError(
            "A recipe's model goes among yours with --name, or into a folder with --output",
            came=f"{'none' if arguments.name is None else 'both'} came",
        )
    card = _run_recipe(arguments, terminal) if arguments.output is None else _fit(arguments, terminal)
    terminal.say(f"Wrote {card.id} ({card.weights})")
    for name, value in card.training.items():
        terminal.say(f"  {name}: {value}")
    return Outcome({"model": card})


def _run_recipe(arguments: argparse.Namespace, terminal: Terminal) -> ModelCard:
    """Put the model among the person's own."""
    from napari_emrestore.training import read_recipe, run_recipe

    with terminal.progress() as monitor:
        return run_recipe(
            read_recipe(find_recipe(arguments.recipe)),
            Path(arguments.data),
            arguments.name,
            steps=arguments.steps,
            device=arguments.device,
            monitor=monitor,
            watch=teaching.Account(terminal),
            **_files(arguments),
        )


def _fit(arguments: argparse.Namespace, terminal: Terminal) -> ModelCard:
    """Put the model into the folder that was given, under the recipe's own name."""
    from napari_emrestore.core import InputError
    from napari_emrestore.training import fit, read_recipe

    if arguments.steps is not None:
        raise InputError("A recipe run for a folder is run as it stands", came="--steps came")
    folder = Path(arguments.output)
    folder.mkdir(parents=True, exist_ok=True)
    with terminal.progress() as monitor:
        return fit(
            read_recipe(find_recipe(arguments.recipe)),
            Path(arguments.data),
            folder=folder,
            device=arguments.device,
            monitor=monitor,
            watch=teaching.Account(terminal),
            **_files(arguments),
        )


def _files(arguments: argparse.Namespace) -> dict[str, Path | None]:
    given = {"backbone": arguments.backbone, "vgg": arguments.vgg}
    return {name: Path(path) if path else None for name, path in given.items()}


def find_recipe(name_or_path: str) -> Path:
    """Return the file of a recipe: the path itself, or a recipe of the package by its name.

    Raises
    ------
    InputError
        If it is neither.
    """
    from napari_emrestore.core import InputError
    from napari_emrestore.training import bundled_recipes

    path = Path(name_or_path)
    if path.is_file():
        return path
    bundled = bundled_recipes()
    if name_or_path in bundled:
        return bundled[name_or_path]
    raise InputError(f"A recipe is a TOML file or one of {', '.join(bundled)}", came=f"{name_or_path!r} came")
