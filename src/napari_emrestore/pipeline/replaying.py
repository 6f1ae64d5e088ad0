"""From the record of a result back to how it was made: settings, a command line, a Python script.

Only what `run` made can be made again; results of other tools say so.
"""

from __future__ import annotations

import json
import shlex
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_emrestore.core import InputError
from napari_emrestore.pipeline.settings import RunSettings

if TYPE_CHECKING:
    from napari_emrestore.core import Provenance

_TRUTH_DECIDED = "is the reference because the ground truth belongs to it"
_SCRIPT = '''\
"""Makes {name!r} again.

It was made by napari-emrestore {version} with {model}.
Drop this file on napari, or run it with Python: then it writes {output}.
"""

import sys
from pathlib import Path

from napari_emrestore import RunSettings, run
from napari_emrestore.pipeline.replaying import tell_changes

HERE = Path(__file__).parent
{settings}

tell_changes(SETTINGS, input_sha256={sha256!r}, weights_sha256={weights!r})
napari = sys.modules.get("napari")
viewer = napari.current_viewer() if napari else None
if viewer is None:
    print("Wrote", run(SETTINGS).output)
else:
    from napari_emrestore.widgets.hooks import run_in_viewer

    run_in_viewer(viewer, SETTINGS)
'''


def settings_in(provenance: Provenance) -> RunSettings:
    """Return the settings that make a result again: its model by name, its input as it was noted.

    Parameters
    ----------
    provenance : Provenance
        Of a result of `run`.

    Raises
    ------
    InputError
        If something else made the result, or its ground truth decided how and is not in a file.
    """
    record = provenance.settings.get("run")
    if provenance.tool != "run" or record is None:
        raise InputError(
            "Only restorations can be made again from their record",
            came=f"this was made by {provenance.tool!r}",
            remedy="Repeat the step that made it.",
        )
    settings = RunSettings.from_json(json.dumps(record))
    model = str(provenance.model.get("id", settings.model)) if settings.model == "auto" else settings.model
    settings = replace(settings, model=model, output=None)
    if settings.truth is None and any(_TRUTH_DECIDED in note for note in provenance.notes):
        return _with_its_reference(settings, provenance)
    return settings


def missing_input(provenance: Provenance) -> str:
    """Return the name of the input if it is in no file any more, or never was; empty if it is there."""
    if not provenance.inputs:
        return "its input"
    path = str(provenance.inputs[0].get("path", ""))
    return "" if path and Path(path).exists() else str(provenance.inputs[0].get("name", "its input"))


def command_line(settings: RunSettings) -> str:
    """Return the line for a shell that follows the settings; what has its default is left out.

    Parameters
    ----------
    settings : RunSettings
        With an output.

    Raises
    ------
    InputError
        If no output is named.
    """
    if settings.output is None:
        raise InputError("A command line names a file to write", came="the settings name none")
    words = ["napari-emrestore", "restore", settings.input, "--output", settings.output]
    for name, value in _changed(settings):
        if value is True:
            words.append(f"--{name.replace('_', '-')}")
        elif name not in ("input", "output"):
            words += [f"--{name.replace('_', '-')}", _word(value, "x" if name == "tile" else ",")]
    return shlex.join(words)


def python_script(provenance: Provenance, settings: RunSettings, name: str, folder: Path) -> str:
    """Return a script that makes a result again, in napari or without a screen.

    It works where `napari_emrestore` is installed; files beside it are found when they move with it.

    Parameters
    ----------
    provenance : Provenance
        Of the result.
    settings : RunSettings
        `settings_in` of it, with an output and perhaps another place for the input.
    name : str
        Of the result.
    folder : Path
        Where the script will lie.
    """
    model = {key: str(provenance.model.get(key) or "") for key in ("id", "version", "weights_sha256")}
    lines = "".join(f"    {key}={_literal(key, value, folder)},\n" for key, value in _changed(settings))
    first = provenance.inputs[0] if provenance.inputs else {}
    return _SCRIPT.format(
        name=name,
        version=provenance.versions.get("napari-emrestore", "of unknown version"),
        model=f"{model['id']} {model['version']}".strip(),
        output=Path(settings.output or "").name,
        settings=f"SETTINGS = RunSettings(\n{lines})",
        sha256=str(first.get("pixels_sha256") or first.get("sha256") or ""),
        weights=model["weights_sha256"],
    )


def tell_changes(settings: RunSettings, *, input_sha256: str = "", weights_sha256: str = "") -> None:
    """Warn if the input or the model are no longer what a record says; empty hashes are not compared.

    Parameters
    ----------
    settings : RunSettings
        Name the input and the model.
    input_sha256 : str
        Of the input's pixels, or of its file.
    weights_sha256 : str
        Of the model's weights.
    """
    import warnings

    from napari_emrestore.models import list_models

    known = {card.id: card.sha256 for card in list_models()}
    if weights_sha256 and known.get(settings.model, weights_sha256) != weights_sha256:
        warnings.warn(f"The model {settings.model} is another one now; pixels will differ.", stacklevel=2)
    if input_sha256 and input_sha256 not in _hashes(settings.input):
        warnings.warn(f"{settings.input} has changed since; pixels will differ.", stacklevel=2)


def _hashes(path: str) -> tuple[str, ...]:
    from napari_emrestore.io import file_sha256, open_frames
    from napari_emrestore.pipeline.identity import pixels_sha256

    with open_frames(path) as stack:
        return pixels_sha256(stack), file_sha256(path)


def _with_its_reference(settings: RunSettings, provenance: Provenance) -> RunSettings:
    """Return settings that name the reference which a ground truth in memory had decided."""
    windows = provenance.settings.get("windows", ())
    if len(windows) != 1:
        raise InputError(
            "The ground truth that decided the reference of a burst is needed",
            came="it was a layer without a file",
            remedy="Restore in the dock again, with the same ground truth.",
        )
    return replace(settings, reference=windows[0]["reference"] - windows[0]["frames"][0])


def _changed(settings: RunSettings) -> list[tuple[str, Any]]:
    """Return the settings that have not their default, in order."""
    values = [(field.name, getattr(settings, field.name), field.default) for field in fields(settings)]
    return [(name, value) for name, value, default in values if value != default]


def _literal(name: str, value: Any, folder: Path) -> str:
    """Return a setting as Python; a file in the script's folder by its name there."""
    if name in ("input", "output", "truth") and Path(value).parent == folder:
        return f"str(HERE / {Path(value).name!r})"
    return repr(value)


def _word(value: Any, between: str) -> str:
    """Return a setting as the command line takes it."""
    if value is None:
        return "none"
    return between.join(str(part) for part in value) if isinstance(value, tuple) else str(value)
