"""The settings of a camera described well enough for a form: kind, default, choices, what each means."""

from __future__ import annotations

import inspect
import json
import math
import re
import sys
import typing
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

from napari_emrestore.cameras.catalogue import camera_opener, camera_settings
from napari_emrestore.core import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

SettingKind = Literal["flag", "whole", "decimal", "numbers", "choice", "text", "texts", "record"]
_UNITS = {
    "px_s": "px/s",
    "hz": "Hz",
    "ms": "ms",
    "s": "s",
    "px": "px",
    "nm": "nm",
    "e": "electrons",
    "adu": "counts",
    "bytes": "bytes",
}
_NOT_UNITS = ("per_s",)
_ABBREVIATED = ("roi",)
_WANTED = {
    "whole": "a whole number",
    "decimal": "a number",
    "numbers": "numbers with commas between them",
    "choice": "one of its choices",
    "text": "a text",
    "texts": "texts with commas between them",
    "record": "a list such as Gain=2, PixelType=16bit",
}


@dataclass(frozen=True, slots=True)
class CameraSetting:
    """One setting of a camera.

    Attributes
    ----------
    name : str
        For `open_camera`.
    kind : str
        ``flag`` (bool), ``whole``, ``decimal``, ``numbers`` (tuple), ``choice``, ``text``, ``texts`` (tuple)
        or ``record`` (mapping of text to text).
    default : object
        ``None`` where the camera, or its device, decides; also if it is `required`.
    required : bool
        Whether it has no default.
    optional : bool
        Whether ``None`` is a value.
    choices : tuple of str
        Of a ``choice``.
    whole : bool
        Whether ``numbers`` are whole numbers.
    note : str
        What it means, from the documentation of the camera; may be empty.
    """

    name: str
    kind: SettingKind
    default: Any = None
    required: bool = False
    optional: bool = False
    choices: tuple[str, ...] = ()
    whole: bool = False
    note: str = ""

    @property
    def label(self) -> str:
        """The name in words, with its unit: ``"Frame rate (Hz)"``."""
        for ending, unit in _UNITS.items():
            stem = self.name.removesuffix(f"_{ending}")
            if stem != self.name and not self.name.endswith(_NOT_UNITS):
                return f"{_sentence(stem)} ({unit})"
        return _sentence(self.name)

    def text(self, value: Any) -> str:
        """Return a value as a person would type it; empty for ``None``."""
        if value is None:
            return ""
        if self.kind == "record":
            return ", ".join(f"{name}={entry}" for name, entry in value.items())
        if self.kind in ("numbers", "texts"):
            return ", ".join(str(entry) for entry in value)
        return str(value)

    def parse(self, text: str) -> Any:
        """Return the value that somebody typed.

        Raises
        ------
        InputError
            If it cannot be read as one.
        """
        typed = text.strip()
        if not typed and self.optional:
            return None
        if not typed and self.kind in ("record", "texts"):
            return {} if self.kind == "record" else ()
        if typed:
            try:
                return _READERS[self.kind](typed, self)
            except ValueError:
                pass
        raise InputError(
            f"{self.label} is {_WANTED[self.kind]}", came=f"{typed!r} came" if typed else "nothing came"
        )


@cache  # asked at every letter that is typed, and looking for other packages' cameras takes long
def describe_settings(camera: str) -> tuple[CameraSetting, ...]:
    """Return the settings of a camera of the table, in the order of its opener; it is not opened.

    Raises
    ------
    InputError
        If there is no such camera.
    """
    opener = camera_opener(camera)
    notes = _notes(inspect.getdoc(opener) or "")
    names = vars(sys.modules[opener.__module__]) if opener.__module__ in sys.modules else {}
    return tuple(
        _described(parameter, names, notes.get(name, ""))
        for name, parameter in camera_settings(camera).items()
        if parameter.kind not in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL)
    )


def _described(parameter: inspect.Parameter, names: dict[str, Any], note: str) -> CameraSetting:
    typed = [part.strip() for part in str(parameter.annotation).split("|")]
    required = parameter.default is parameter.empty
    default = None if required else parameter.default
    alias = names.get(typed[0])
    if typing.get_origin(alias) is Literal:
        return CameraSetting(
            parameter.name, "choice", default, required, choices=typing.get_args(alias), note=note
        )
    kind = _kind(typed[0], default)
    whole = kind == "numbers" and "float" not in typed[0]
    if kind == "record":
        default = dict(default or {})
    return CameraSetting(parameter.name, kind, default, required, "None" in typed, whole=whole, note=note)


def _kind(annotation: str, default: Any) -> SettingKind:
    """Return the kind of a setting by its first type; an unknown type is taken as text."""
    kinds: dict[str, SettingKind] = {"bool": "flag", "int": "whole", "float": "decimal"}
    if annotation in kinds:
        return kinds[annotation]
    if annotation.startswith("tuple[str"):
        return "texts"
    if annotation.startswith("tuple["):
        return "numbers"
    return "record" if annotation.startswith(("Mapping", "dict")) else "text"


def _whole(text: str, setting: CameraSetting) -> int:
    return int(text)


def _decimal(text: str, setting: CameraSetting) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(text)
    return value


def _numbers(text: str, setting: CameraSetting) -> tuple[float, ...]:
    read: Callable[[str, CameraSetting], float] = _whole if setting.whole else _decimal
    numbers = tuple(read(part, setting) for part in re.split(r"[,;\s×x]+", text.strip("()[] ")) if part)
    usual = setting.default
    if isinstance(usual, tuple) and len(numbers) != len(usual):
        raise ValueError(text)
    return numbers


def _choice(text: str, setting: CameraSetting) -> str:
    if text not in setting.choices:
        raise ValueError(text)
    return text


def _record(text: str, setting: CameraSetting) -> dict[str, str]:
    pairs = [part.partition("=") for part in text.split(",")]
    if not all(name.strip() and equals for name, equals, _ in pairs):
        raise ValueError(text)
    return {name.strip(): value.strip() for name, _, value in pairs}


_READERS: dict[str, Callable[[str, CameraSetting], Any]] = {
    "flag": lambda text, _: bool(json.loads(text.lower())),
    "whole": _whole,
    "decimal": _decimal,
    "numbers": _numbers,
    "choice": _choice,
    "text": lambda text, _: text,
    "texts": lambda text, _: tuple(part.strip() for part in text.split(",") if part.strip()),
    "record": _record,
}


def _notes(document: str) -> dict[str, str]:
    """Return what a numpy docstring says of each parameter, as one paragraph without markup."""
    _, _, rest = document.partition("Parameters\n----------\n")
    section = re.split(r"\n\n?\w[\w ]*\n-{3,}\n", rest)[0]
    notes: dict[str, str] = {}
    heads: list[str] = []
    for line in section.splitlines():
        if line and not line[0].isspace():
            heads = [name.strip() for name in line.split(":")[0].split(",")]
        elif line.strip():
            for head in heads:
                notes[head] = f"{notes.get(head, '')} {line.strip()}".strip().replace("`", "")
    return {name: note for name, note in notes.items() if not note.startswith("See ")}


def _sentence(name: str) -> str:
    words = " ".join(word.upper() if word in _ABBREVIATED else word for word in name.split("_"))
    return words[:1].upper() + words[1:]
