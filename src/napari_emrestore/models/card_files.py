"""Model card files: TOML in, `ModelCard` out, and back; a wrong card is refused with its reason."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from napari_emrestore.core import ModelCard, ModelError, TilingRule, TrainedRange
from napari_emrestore.models import folders

Check = Callable[[Any], bool]

TASKS = ("denoise", "deblur+denoise")
PRECISIONS = ("fp32", "bf16", "fp16")
TILING_MODES = ("exact", "blend", "whole")


def _text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _any_text(value: Any) -> bool:
    return isinstance(value, str)


def _table(value: Any) -> bool:
    return isinstance(value, Mapping)


def _count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _positive_count(value: Any) -> bool:
    return _count(value) and value > 0


def _range_of(number: Check) -> Check:
    def check(value: Any) -> bool:
        pair = isinstance(value, list) and len(value) == 2 and all(map(number, value))
        return pair and value[0] <= value[1]

    return check


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < float("inf")


def _list_of(item: Check) -> Check:
    return lambda value: isinstance(value, list) and all(map(item, value))


def _matches(pattern: str) -> Check:
    return lambda value: isinstance(value, str) and re.fullmatch(pattern, value) is not None


# key -> (needed, what it must be, check)
Rules = dict[str, tuple[bool, str, Check]]
_CARD: Rules = {
    "id": (True, "lower-case letters, digits, '.', '_' or '-'", _matches(r"[a-z0-9][a-z0-9._-]*")),
    "version": (True, "a text", _text),
    "name": (True, "a text", _text),
    "summary": (True, "one sentence", _text),
    "task": (True, f"one of {', '.join(TASKS)}", lambda v: v in TASKS),
    "architecture": (True, "the name of an architecture", _text),
    "parameters": (False, "a table", _table),
    "weights": (False, "a file name relative to the card", _text),
    "weights_url": (False, "an http or https address", _matches(r"|https?://\S+")),
    "sha256": (False, "64 hexadecimal digits", _matches(r"|[0-9a-f]{64}")),
    "tiling": (True, "a table", _table),
    "precisions": (
        True,
        f"a list with 'fp32', of {', '.join(PRECISIONS)}",
        lambda v: _list_of(lambda p: p in PRECISIONS)(v) and "fp32" in v,
    ),
    "trained": (True, "a table", _table),
    "training": (False, "a table", _table),
    "validation": (False, "a list of tables", _list_of(_table)),
    "probes": (False, "a list of tables", _list_of(_table)),
    "known_failures": (False, "a list of texts", _list_of(_text)),
    "license": (True, "a text", _text),
    "credit": (False, "a text", _any_text),
}
_TILING: Rules = {
    "stride": (True, "a whole number from 1", _positive_count),
    "halo": (True, "a whole number from 0", _count),
    "mode": (True, f"one of {', '.join(TILING_MODES)}", lambda v: v in TILING_MODES),
}
_TRAINED: Rules = {
    "frames": (True, "two whole numbers, small then large", _range_of(_positive_count)),
    "dose_e": (False, "two numbers, small then large", _range_of(_number)),
    "pixel_size_nm": (False, "two numbers, small then large", _range_of(_number)),
}


def read_card(path: str | Path) -> ModelCard:
    """Return the card in a TOML file; loads no torch and does not open the weights.

    Parameters
    ----------
    path : str or Path
        The card. A ``weights`` entry in it is relative to the card's folder.

    Returns
    -------
    ModelCard
        With `weights` as an absolute path. Lists in `parameters`, `training`, `validation` and `probes`
        stay lists.

    Raises
    ------
    ModelError
        If the file cannot be read, is not TOML, misses a key, has an unknown one or a wrong value; the
        message names file, key and what came.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(path, error) from error
    return card_from_text(text, path)


def card_from_text(text: str, path: Path) -> ModelCard:
    """Return the card in a TOML text that stands in the file `path`; see `read_card`."""
    table = _parse(text, path)
    _check(table, _CARD, path, "")
    _check(table["tiling"], _TILING, path, "tiling.")
    _check(table["trained"], _TRAINED, path, "trained.")
    _check_together(table, path)
    return _card_of(table, path)


def write_card(card: ModelCard, path: str | Path) -> Path:
    """Write a card as TOML and return its path; reading it back gives an equal card.

    Parameters
    ----------
    card : ModelCard
        Its weights file, if any, must be reachable by a relative path from `path`.
    path : str or Path
        Target, ``.toml``; its folder must exist. An existing file is replaced in one step.

    Raises
    ------
    ModelError
        If the card breaks a rule of `read_card`, holds what TOML cannot (``None``), or cannot be written.
    """
    path = Path(path)
    _replace(path, card_text(card, path))
    return path


def card_text(card: ModelCard, path: Path) -> str:
    """Return a card as the TOML text that stands in the file `path`; see `write_card`."""
    table = _table_of(card, path)
    _check(table, _CARD, path, "")
    _check(table["tiling"], _TILING, path, "tiling.")
    _check(table["trained"], _TRAINED, path, "trained.")
    _check_together(table, path)
    return _toml(table, path)


def _parse(text: str, path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> ModelError:
    return ModelError(
        "A model card is a readable TOML file",
        item=str(path),
        came=f"gave: {error}",
        remedy="Check the file, or copy a bundled card and change it.",
    )


def _check(table: Mapping[str, Any], rules: Rules, path: Path, prefix: str) -> None:
    for key in table:
        if key not in rules:
            raise ModelError(
                f"A model card has only the keys {', '.join(prefix + k for k in rules)}",
                item=str(path),
                came=f"has {prefix + key!r}",
                remedy="Remove it or correct its spelling.",
            )
    for key, (needed, _, _) in rules.items():
        if needed and key not in table:
            raise ModelError(
                f"A model card needs the key {prefix + key!r}", item=str(path), came="does not have it"
            )
    for key, value in table.items():
        _, meaning, check = rules[key]
        if not check(value):
            raise ModelError(
                f"The key {prefix + key!r} of a model card is {meaning}",
                item=str(path),
                came=f"has {value!r}",
            )


def _check_together(table: Mapping[str, Any], path: Path) -> None:
    tiling = table["tiling"]
    if tiling["halo"] % tiling["stride"]:
        raise ModelError(
            "The halo of a model card is a multiple of its stride",
            item=str(path),
            came=f"has halo {tiling['halo']} and stride {tiling['stride']}",
            remedy="Round the halo up.",
        )
    places = [key for key in ("weights", "weights_url") if table.get(key)]
    if len(places) != bool(table.get("sha256")):
        raise ModelError(
            "A model card has 'sha256' and one of 'weights' and 'weights_url', or none of them",
            item=str(path),
            came=f"has {', '.join([*places, *(['sha256'] if table.get('sha256') else [])])}",
        )


def _card_of(table: dict[str, Any], path: Path) -> ModelCard:
    trained = {key: tuple(value) for key, value in table["trained"].items()}
    weights = table.get("weights")
    return ModelCard(
        **{
            **table,
            "weights": (path.parent / weights).resolve() if weights else _downloaded(table),
            "tiling": TilingRule(**table["tiling"]),
            "trained": TrainedRange(**trained),
            "precisions": tuple(table["precisions"]),
            "validation": tuple(table.get("validation", ())),
            "probes": tuple(table.get("probes", ())),
            "known_failures": tuple(table.get("known_failures", ())),
        }
    )


def _downloaded(table: Mapping[str, Any]) -> Path | None:
    """Return where weights named by URL stand once fetched; the hash in the name keeps versions apart."""
    url = table.get("weights_url")
    if not url:
        return None
    suffix = Path(urlsplit(url).path).suffix
    return folders.downloads_folder() / f"{table['id']}-{table['sha256'][:12]}{suffix}"


def _table_of(card: ModelCard, path: Path) -> dict[str, Any]:
    table: dict[str, Any] = {entry.name: _plain(getattr(card, entry.name)) for entry in fields(card)}
    table["weights"] = _relative(card.weights, path) if card.weights and not card.weights_url else None
    table["tiling"] = {entry.name: getattr(card.tiling, entry.name) for entry in fields(TilingRule)}
    ranges = {entry.name: _plain(getattr(card.trained, entry.name)) for entry in fields(TrainedRange)}
    table["trained"] = {key: value for key, value in ranges.items() if value is not None}
    return {key: value for key, value in table.items() if value is not None and value != ""}


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(entry) for entry in value]
    return value


def _relative(weights: Path, path: Path) -> str:
    try:
        return Path(os.path.relpath(weights.resolve(), path.resolve().parent)).as_posix()
    except ValueError as error:  # another drive on Windows
        raise ModelError(
            "A card and its weights stand on one drive",
            item=str(weights),
            came=f"cannot be reached from {path.parent}",
            remedy="Copy the weights beside the card.",
        ) from error


def _toml(table: Mapping[str, Any], path: Path) -> str:
    import tomli_w

    try:
        return tomli_w.dumps(table)
    except TypeError as error:
        raise ModelError(
            "A model card holds texts, numbers, lists and tables", item=str(path), came=f"has {error}"
        ) from error


def _replace(path: Path, text: str) -> None:
    draft = path.with_name(f".{path.name}.part")
    try:
        draft.write_text(text, encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise ModelError("A model card must be writable", item=str(path), came=f"gave: {error}") from error
