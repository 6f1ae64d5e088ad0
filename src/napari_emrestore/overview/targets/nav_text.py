"""SerialEM's autodoc text: ``[kind = name]`` and ``key = value`` lines, in sections."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from napari_emrestore.core import FormatError
from napari_emrestore.overview.targets.parsing import finite, read_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

VERSION = "2.00"
ENCODING = "latin-1"
_SECTION = re.compile(r"\[\s*(\w+)\s*=\s*(.*?)\s*\]")
_FIRST_LINE = "AdocVersion"


@dataclass(frozen=True, slots=True)
class Section:
    """One bracketed part of an autodoc file.

    Attributes
    ----------
    kind : str
        ``"Item"`` for items of the Navigator.
    name : str
        Its label.
    values : mapping of str to str
        As they stand in the file.
    """

    kind: str
    name: str
    values: Mapping[str, str] = field(default_factory=dict)

    def numbers(self, key: str, count: int | None = None) -> list[float]:
        """Return the finite numbers of an entry; raises `KeyError` or `ValueError` if it is not so many."""
        found = [finite(word) for word in self.values[key].split()]
        if count is not None and len(found) != count:
            raise ValueError(f"{key} of item {self.name!r} has {len(found)} numbers, not {count}")
        return found

    def whole(self, key: str, default: int | None = None) -> int:
        """Return the whole number of an entry, or a default where it is absent and there is one."""
        if key not in self.values and default is not None:
            return default
        return int(self.values[key])

    def to_text(self) -> str:
        """Return the section as SerialEM reads it."""
        lines = [f"[{self.kind} = {self.name}]", *(f"{key} = {value}" for key, value in self.values.items())]
        return "\n".join(lines) + "\n"


def read_sections(path: Path) -> tuple[str, list[Section]]:
    """Return the text of a Navigator file and its sections.

    Raises
    ------
    FormatError
        If it is XML, of the old tab-delimited kind, or no Navigator file.
    InputError
        If it cannot be read.
    """
    # SerialEM writes the code page of its Windows; this one gives every byte back as it was, whichever it is
    text = read_text(path, encoding=ENCODING)
    if not text.lstrip().startswith(_FIRST_LINE):
        raise FormatError(
            "A Navigator file in autodoc format is needed",
            item=path.name,
            came=f"begins with {text.strip()[:30]!r}",
            remedy="In SerialEM, switch off the option to write XML and save it again.",
        )
    return text, list(_sections(text))


def file_text(sections: Iterable[Section], before: str = "") -> str:
    """Return a whole file: another one's text, or the first line of a new one, and then sections."""
    head = before.rstrip() or f"{_FIRST_LINE} = {VERSION}"
    return "\n\n".join([head, *(section.to_text().rstrip() for section in sections)]) + "\n"


def number_text(values: Iterable[float]) -> str:
    """Return numbers as an entry's value, to a millionth."""
    return " ".join(f"{value:.6f}" for value in values)


def one_line(text: str) -> str:
    """Return a text that fits into one entry."""
    return " ".join(text.split())


def _sections(text: str) -> Iterable[Section]:
    current: Section | None = None
    values: dict[str, str] = {}
    for line in text.splitlines():
        if begun := _SECTION.fullmatch(line.strip()):
            if current is not None:
                yield Section(current.kind, current.name, values)
            current, values = Section(begun[1], begun[2]), {}
        elif current is not None and "=" in line:
            key, value = line.split("=", 1)
            values[key.strip()] = value.strip()
    if current is not None:
        yield Section(current.kind, current.name, values)
