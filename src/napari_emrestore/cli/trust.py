"""Check on clean images whether a model is as far off as it expects, or teach one to expect its errors."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_emrestore.cli.options import add_device
from napari_emrestore.cli.probe import refuse_other_than_cards
from napari_emrestore.cli.terminal import Outcome, Terminal

if TYPE_CHECKING:
    import argparse

    from napari_emrestore.pipeline.evaluation.expected_errors import ErrorRow

_COLUMNS = ("input", "rms error", "rms expected", "within 1x", "within 2x", "correlation")
_DOSES = "5,10,30,100,300,1000"
_PROTOCOL = "expected error: "
_STREAM_DOSES = "20,50,100,200,400"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument("action", choices=["check", "teach"])
    parser.add_argument(
        "folder",
        metavar="FOLDER",
        help="check: clean images, unknown to the model; teach: what the recipe's patterns start from",
    )
    parser.add_argument("--model", required=True, metavar="ID", help="id, card file or folder of a model")
    parser.add_argument(
        "--doses",
        metavar="E,E,...",
        help=f"electrons per pixel to check at (default: {_DOSES}; for streams {_STREAM_DOSES})",
    )
    parser.add_argument(
        "--shrink", type=int, default=2, metavar="F", help="area mean of clean images (default: 2)"
    )
    parser.add_argument("--size", type=int, default=256, metavar="PX", help="side of a check (default: 256)")
    parser.add_argument("--repeats", type=int, default=1, metavar="N", help="checks per image (default: 1)")
    parser.add_argument("--seed", type=int, default=0, help="seed of all drawing (default: 0)")
    parser.add_argument(
        "-o", "--output", metavar="FOLDER", help="teach: folder for weights, card and checkpoint"
    )
    parser.add_argument(
        "--recipe", metavar="RECIPE", help="teach: recipe of the model (default: named like it)"
    )
    parser.add_argument(
        "--write-card", action="store_true", help="check: put the table into the model's card, given by path"
    )
    add_device(parser)


def run(arguments: argparse.Namespace, terminal: Terminal) -> Outcome:
    """Check or teach."""
    return _check(arguments, terminal) if arguments.action == "check" else _teach(arguments, terminal)


def _check(arguments: argparse.Namespace, terminal: Terminal) -> Outcome:
    from napari_emrestore.pipeline.evaluation.expected_errors import check_expected_error
    from napari_emrestore.pipeline.scenes import load_clean_images
    from napari_emrestore.restoration import load_restorer

    if arguments.write_card:
        refuse_other_than_cards([arguments.model])
    with terminal.progress() as monitor:
        restorer = load_restorer(
            arguments.model, device=arguments.device, precision=arguments.precision, monitor=monitor
        )
        doses = arguments.doses or (_DOSES if restorer.frames[1] == 1 else _STREAM_DOSES)
        images, reasons = load_clean_images(arguments.folder, shrink=arguments.shrink, monitor=monitor)
        rows = check_expected_error(
            restorer,
            images,
            _numbers(doses),
            side_px=arguments.size,
            repeats=arguments.repeats,
            seed=arguments.seed,
            monitor=monitor,
        )
    terminal.table(_COLUMNS, map(_told, rows), f"Expected error of {restorer.id}")
    terminal.say("Errors relative to the range of the clean image; 0.68 and 0.95 are right within 1x and 2x.")
    terminal.say("Correlation of expected and true root mean square over blocks of 16 px.")
    terminal.say("* no such inputs were trained on: the expected error need not hold.")
    for reason in reasons:
        terminal.say(f"Note: {reason}")
    if arguments.write_card:
        names = ", ".join(image.name for image in images)
        terminal.say(f"Wrote {_write_card(rows, f'clean images {names}', doses, arguments)}")
    return Outcome({"model": restorer.describe(), "rows": rows, "notes": reasons})


def _write_card(rows: list[ErrorRow], data: str, doses: str, arguments: argparse.Namespace) -> Path:
    """Put the table among a card's validations, in place of the one that was there."""
    from napari_emrestore.models import read_card, write_card

    path = Path(arguments.model)
    card = read_card(path)
    command = (
        f"napari-emrestore trust check FOLDER --model {card.id} --doses {doses} --shrink {arguments.shrink} "
        f"--size {arguments.size} --repeats {arguments.repeats} --seed {arguments.seed}"
    )
    others = [row for row in card.validation if not str(row.get("protocol", "")).startswith(_PROTOCOL)]
    table = [_card_row(row) | {"data": data, "command": command} for row in rows]
    return write_card(replace(card, validation=(*others, *table)), path)


def _card_row(row: ErrorRow) -> dict[str, Any]:
    names = ("rms_error", "rms_expected", "within_one", "within_two", "correlation")
    far = "" if row.is_trained else " (no such inputs were trained on)"
    numbers = {name: float(f"{getattr(row, name):.3g}") for name in names}
    return {"protocol": f"{_PROTOCOL}{row.kind}{far}", **numbers}


def _told(row: ErrorRow) -> tuple[str, ...]:
    numbers = (row.within_one, row.within_two, row.correlation)
    return (
        row.kind if row.is_trained else f"{row.kind} *",
        f"{row.rms_error:.4f}",
        f"{row.rms_expected:.4f}",
        *(f"{number:.2f}" for number in numbers),
    )


def _numbers(text: str) -> tuple[float, ...]:
    from napari_emrestore.core import InputError

    try:
        doses = tuple(float(part) for part in text.split(","))
    except ValueError:
        doses = ()
    if not doses or min(doses) <= 0:
        raise InputError("Doses are positive numbers with commas between them", came=f"{text!r} came")
    return doses


def _teach(arguments: argparse.Namespace, terminal: Terminal) -> Outcome:
    from napari_emrestore.cli.train import find_recipe
    from napari_emrestore.core import InputError
    from napari_emrestore.models import find_card
    from napari_emrestore.restoration import pick_device
    from napari_emrestore.training import read_recipe
    from napari_emrestore.training.error_heads import fit_error_head

    if arguments.output is None:
        raise InputError("Teaching needs a folder to write to", came="--output is missing")
    device = pick_device(arguments.device).name
    card, folder = find_card(arguments.model), Path(arguments.output)
    recipe = read_recipe(find_recipe(arguments.recipe or card.id))
    folder.mkdir(parents=True, exist_ok=True)
    with terminal.progress() as monitor:
        made = fit_error_head(
            card, recipe, Path(arguments.folder), folder=folder, device=device, monitor=monitor
        )
    terminal.say(f"Wrote {made.id} ({made.weights})")
    for name, value in made.training.items():
        if name.startswith("error_head"):
            terminal.say(f"  {name}: {value}")
    return Outcome({"model": made})
