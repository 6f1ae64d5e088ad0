"""Train a model from a recipe, or teach one on your own images; a stopped run goes on where it was."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from napari_emrestore.cli import teaching
from napari_emrestore.cli.terminal import Outcome, Terminal

if TYPE_CHECKING:
    import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument(
        "recipe", nargs="?", metavar="RECIPE", help="recipe file, or the name of a bundled one"
    )
    parser.add_argument("--data", help="folder that the recipe's image patterns start from")
    parser.add_argument("-o", "--output", help="folder for weights, card and checkpoint")
    parser.add_argument("--backbone", metavar="FILE", help="weights file for the network's ImageNet backbone")
    parser.add_argument(
        "--vgg", metavar="FILE", help="VGG-19 weights file, for a recipe with a perceptual term"
    )
    parser.add_argument("--device", default="cpu", help="cpu, cuda, cuda:1 or mps (default: cpu)")
    teaching.add_arguments(parser)


def run(arguments: argparse.Namespace, terminal: Terminal) -> Outcome:
    """Run a recipe and write the model card, or teach a model on pairs or clean images."""
    from napari_emrestore.core import InputError
    from napari_emrestore.training import fit, read_recipe

    own = arguments.pairs is not None or arguments.clean is not None
    if own == (arguments.recipe is not None):
        raise InputError("Training takes a recipe, --pairs or --clean", came="none or several came")
    if own:
        return teaching.run(arguments, terminal)
    for option in ("data", "output"):
        if getattr(arguments, option) is None:
            raise InputError("A recipe needs a data folder and an output", came=f"--{option} is missing")
    folder = Path(arguments.output)
    folder.mkdir(parents=True, exist_ok=True)
    recipe = read_recipe(find_recipe(arguments.recipe))
    with terminal.progress() as monitor:
        card = fit(
            recipe,
            Path(arguments.data),
            folder=folder,
            device=arguments.device,
            monitor=monitor,
            backbone=Path(arguments.backbone) if arguments.backbone else None,
            vgg=Path(arguments.vgg) if arguments.vgg else None,
        )
    terminal.say(f"Wrote {folder / card.id}.toml and {card.weights}")
    for name, value in card.training.items():
        terminal.say(f"  {name}: {value}")
    return Outcome({"model": card})


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
