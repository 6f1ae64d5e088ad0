"""Records in words: what a person reads about a layer."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from napari_emrestore.pipeline.settings import RunSettings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from napari_emrestore.core import Acquisition, Provenance

_DEEDS = {"run": "Restored", "restore": "Restored", "register": "Aligned"}
_DEFAULTS = {field.name: field.default for field in fields(RunSettings)}
_FILES = ("input", "output", "truth")
_LONGEST = 160
_TOLD_ELSEWHERE = ("run", "run_key", "windows", "verdicts", "matrices")


@dataclass(frozen=True, slots=True)
class Row:
    """One fact.

    Attributes
    ----------
    label : str
        What it is.
    text : str
        For reading.
    whole : str
        In full, where `text` is shortened; empty otherwise.
    """

    label: str
    text: str
    whole: str = ""


@dataclass(frozen=True, slots=True)
class Account:
    """What there is to say about a layer.

    Attributes
    ----------
    summary : str
        One sentence.
    groups : tuple of (str, tuple of Row)
        Facts under their headings; no group is empty.
    notes : tuple of str
        What a reader must know to judge the result.
    """

    summary: str
    groups: tuple[tuple[str, tuple[Row, ...]], ...]
    notes: tuple[str, ...] = ()


def account_of(provenance: Provenance | None, acquisition: Acquisition) -> Account:
    """Return what to show about a layer.

    Parameters
    ----------
    provenance : Provenance, optional
        What made it; ``None`` for a layer as it was opened.
    acquisition : Acquisition
        What is known about how its frames were taken.
    """
    if provenance is None:
        groups: list[tuple[str, Iterator[Row]]] = [("Acquisition", _acquisition(acquisition))]
        summary = "Nothing made this layer here: it holds what was opened."
    else:
        groups = [
            ("Model", _model(provenance)),
            ("Inputs", _inputs(provenance)),
            ("Settings", _settings(provenance.settings.get("run", {}))),
            ("As it ran", _as_it_ran(provenance.settings)),
            ("Bursts", _bursts(provenance.settings.get("windows", ()))),
            ("Acquisition", _acquisition(acquisition)),
            ("Versions", (Row(name, str(version)) for name, version in provenance.versions.items())),
        ]
        summary = _summary(provenance)
    filled = ((title, tuple(rows)) for title, rows in groups)
    notes = provenance.notes if provenance else ()
    return Account(summary, tuple((title, rows) for title, rows in filled if rows), tuple(notes))


def _summary(made: Provenance) -> str:
    deed = _DEEDS.get(made.tool, f"Made by {made.tool}")
    model = " ".join(str(made.model[key]) for key in ("id", "version") if made.model.get(key))
    by = f" by {model}" if model else ""
    source = f" from {made.inputs[0].get('name', 'an unnamed input')}" if made.inputs else ""
    took = f" in {made.seconds:.3g} s" if made.seconds else ""
    return f"{deed}{by}{source}{took} on {made.device}."


def _model(made: Provenance) -> Iterator[Row]:
    for name, value in made.model.items():
        if value:
            yield _hash("weights", str(value)) if name == "weights_sha256" else _fact(name, value)


def _inputs(made: Provenance) -> Iterator[Row]:
    for source in made.inputs:
        yield Row("name", str(source.get("name", "unknown")))
        if source.get("path"):
            yield Row("file", str(source["path"]))
        for key, label in (("sha256", "hash of the file"), ("pixels_sha256", "hash of the pixels")):
            if source.get(key):
                yield _hash(label, str(source[key]))


def _settings(run: Mapping[str, Any]) -> Iterator[Row]:
    """Yield what was asked for beyond the defaults."""
    for name, value in run.items():
        usual = _DEFAULTS.get(name)
        if name not in _FILES and value not in (usual, list(usual) if isinstance(usual, tuple) else usual):
            yield _fact(name, value)


def _as_it_ran(settings: Mapping[str, Any]) -> Iterator[Row]:
    return (_fact(name, value) for name, value in settings.items() if name not in _TOLD_ELSEWHERE)


def _bursts(windows: Any) -> Iterator[Row]:
    for number, window in enumerate(windows, start=1):
        frames = window["frames"]
        span = f"frame {frames[0]}" if len(frames) == 1 else f"frames {frames[0]} to {frames[-1]}"
        onto = f", onto frame {window['reference']}" if len(frames) > 1 else ""
        yield Row(f"burst {number}", span + onto)
        for verdict in window.get("verdicts", ()):
            if not verdict["accepted"]:
                yield Row("left out", f"frame {frames[verdict['index']]}: {verdict['reason']}")


def _acquisition(known: Acquisition) -> Iterator[Row]:
    if known.path:
        yield Row("file", known.path)
    if known.pixel_size_nm:
        yield Row("pixel size", " × ".join(f"{size:.5g}" for size in known.pixel_size_nm) + " nm")
    if known.frame_step and known.frame_axis != "index":
        yield Row("frame step", f"{known.frame_step:g} {'ms' if known.frame_axis == 'time' else 'nm'}")
    for label, value, unit in (
        ("exposure", known.exposure_ms, "ms"),
        ("dose", known.dose_e, "electrons per pixel and frame"),
    ):
        if value:
            yield Row(label, f"{value:g} {unit}")
    for name, value in known.extra.items():
        yield _fact(name, value)


def _hash(label: str, value: str) -> Row:
    return Row(label, f"{value[:12]} …" if len(value) > 12 else value, value)


def _fact(name: str, value: Any) -> Row:
    """Return a named value, cut where nobody would read on; the tool tip has the rest."""
    text = _text(value)
    short = text if len(text) <= _LONGEST else f"{text[:_LONGEST].rsplit(' ', 1)[0]} …"
    return Row(name.replace("_", " "), short, text if short != text else "")


def _text(value: Any) -> str:
    """Return a value of a record in a line, without the brackets of JSON."""
    if value is None:
        return "none"
    if isinstance(value, dict):
        return ", ".join(f"{name} {_text(part)}" for name, part in value.items() if part is not None)
    if isinstance(value, list | tuple):
        return ", ".join(_text(part) for part in value)
    return f"{value:.5g}" if isinstance(value, float) else str(value)
