"""Repeat a paper's experiment on simulated scenes: train its networks side by side and score them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from napari_emrestore.cli.terminal import Outcome, Terminal

if TYPE_CHECKING:
    import argparse

_NAMES = ("ablation", "cross", "splits", "shares", "terms")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument(
        "name",
        choices=_NAMES,
        help="ablation, cross and splits: burst networks (Wieslander 2021, Tables 2 to 4); "
        "shares and terms: SEM out of focus (Cheng 2023, Tables 2 and 6)",
    )
    parser.add_argument("-o", "--output", required=True, help="folder for tables and checkpoints")
    parser.add_argument(
        "--steps", type=int, metavar="N", help="training steps per row (default: the recipe's)"
    )
    parser.add_argument(
        "--full", action="store_true", help="the papers' networks and steps; for a graphics card"
    )
    parser.add_argument(
        "--arms", default="", metavar="TEXT", help="only rows whose name contains this, for example SGPN"
    )
    parser.add_argument(
        "--scenes", type=int, default=4, metavar="N", help="scenes per kind and sequence (default: 4)"
    )
    parser.add_argument(
        "--scene-px", type=int, default=384, metavar="PX", help="side of a scene (default: 384)"
    )
    parser.add_argument("--tiles", type=int, default=32, metavar="N", help="test tiles (default: 32)")
    parser.add_argument("--vgg", metavar="FILE", help="VGG-19 weights file for the perceptual term")
    parser.add_argument("--seed", type=int, default=0, help="seed of all drawing (default: 0)")
    parser.add_argument("--device", default="cpu", help="cpu, cuda, cuda:1 or mps (default: cpu)")


def run(arguments: argparse.Namespace, terminal: Terminal) -> Outcome:
    """Train, score, write the report and print its table."""
    from napari_emrestore.pipeline.experiments import (
        EXPERIMENTS,
        Plan,
        markdown,
        run_experiment,
        write_outcome,
    )
    from napari_emrestore.pipeline.plain_json import plain

    experiment = EXPERIMENTS[arguments.name]
    plan = Plan(
        arguments.steps,
        arguments.full,
        arguments.scenes,
        arguments.scene_px,
        arguments.tiles,
        arguments.seed,
        arguments.device,
        Path(arguments.vgg) if arguments.vgg else None,
        arguments.arms,
    )
    folder = Path(arguments.output)
    folder.mkdir(parents=True, exist_ok=True)
    with terminal.progress() as monitor:
        outcome = run_experiment(arguments.name, experiment, plan, folder, monitor)
    page, data = write_outcome(outcome, folder)
    terminal.say(markdown(outcome))
    terminal.say(f"Wrote {page} and {data}")
    return Outcome({"rows": plain(outcome.rows), "seconds": outcome.seconds, "files": [str(page), str(data)]})
