"""List the models with what they are for, or show everything one card says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_emrestore.cli.terminal import Outcome, Terminal

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable

    from napari_emrestore.core import ModelCard

_COLUMNS = ("id", "task", "frames", "dose e/px", "weights", "licence", "for")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument("action", nargs="?", choices=["list", "show", "fetch"], default="list")
    parser.add_argument("id", nargs="?", help="with show and fetch: id, card file or folder of a model")
    parser.add_argument("--markdown", action="store_true", help="print the list as a Markdown table")


def run(arguments: argparse.Namespace, terminal: Terminal) -> Outcome:
    """Print the catalogue or one card."""
    from napari_emrestore.core import InputError

    if arguments.action == "list":
        return _list(terminal, markdown=arguments.markdown)
    if arguments.id is None:
        raise InputError(
            f"The command models {arguments.action} needs a model",
            remedy="Name one: napari-emrestore models.",
        )
    return _show(arguments.id, terminal) if arguments.action == "show" else _fetch(arguments.id, terminal)


def markdown_table(cards: Iterable[ModelCard]) -> str:
    """Return the catalogue as a Markdown table, as it stands in the README."""
    rows = [_COLUMNS, ("---",) * len(_COLUMNS), *map(_row, cards)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _list(terminal: Terminal, *, markdown: bool) -> Outcome:
    from napari_emrestore.models import list_models
    from napari_emrestore.restoration import list_classical

    cards, classical = list_models(), list_classical()
    if markdown:
        terminal.say(markdown_table(cards))
    else:
        terminal.table(_COLUMNS, map(_row, cards))
        terminal.say(f"Classical methods: {', '.join(classical)}")
    return Outcome({"models": cards, "classical": classical})


def _show(id_or_path: str, terminal: Terminal) -> Outcome:
    from napari_emrestore.models import find_card
    from napari_emrestore.pipeline.plain_json import plain

    card = find_card(id_or_path)
    record: dict[str, Any] = plain(card)
    for name, value in record.items():
        terminal.say(f"{name}: {_shown(value)}")
    return Outcome({"model": record})


def _fetch(id_or_path: str, terminal: Terminal) -> Outcome:
    from napari_emrestore.models import fetch_weights, find_card

    card = find_card(id_or_path)
    with terminal.progress() as monitor:
        path = fetch_weights(card, monitor)
    terminal.say(f"{card.id}: {path}" if path else f"{card.id} comes without weights")
    return Outcome({"id": card.id, "weights": str(path) if path else None})


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return "".join(f"\n  {key}: {item}" for key, item in value.items()) or "none"
    if isinstance(value, list):
        return "".join(f"\n  {item}" for item in value) or "none"
    return "none" if value in (None, "") else str(value)


def _row(card: ModelCard) -> tuple[str, ...]:
    dose = card.trained.dose_e
    return (
        card.id,
        card.task,
        _span(card.trained.frames),
        _span(dose) if dose else "not fixed",
        _weights(card),
        card.license,
        card.summary,
    )


def _weights(card: ModelCard) -> str:
    if card.weights is None:
        return "no"
    return "yes" if card.is_ready else "to download"


def _span(ends: tuple[float, float]) -> str:
    low, high = ends
    return f"{low:g}" if low == high else f"{low:g} to {high:g}"
