"""What a person set once and finds again: napari's Preferences, and the state of closed docks.

In: the settings page *EM Restore* of napari (0.9 and newer), or ``preferences.json`` in the configuration
folder where napari has no such page. Out: `Preferences`, and one plain JSON record per dock. A file that
cannot be read or written is named in a warning, which napari shows; nothing of it stops a dock.
"""

from __future__ import annotations

import json
import os
import warnings
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

PLUGIN = "napari-emrestore"


@dataclass(frozen=True, slots=True)
class Preferences:
    """Where a dock starts when it has no state of its own; the keys of the manifest's settings page.

    Attributes
    ----------
    device : str
        Where networks run: ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"mps"``.
    precision : str
        ``"auto"``, ``"fp32"``, ``"bf16"`` or ``"fp16"``.
    tile_px : int
        Side of a tile in pixels; 0 fits it to the memory at hand.
    pyramid_px : int
        Results with a side longer than this become multiscale layers.
    autosave : bool
        Whether a finished restoration is written at once.
    autosave_folder : str
        Where to; empty for the folder of the input, or the home folder for an input without a file.
    author : str
        Written into regions of interest that are made or changed; empty for nobody.
    """

    device: str = "auto"
    precision: str = "auto"
    tile_px: int = 0
    pyramid_px: int = 4096
    autosave: bool = False
    autosave_folder: str = ""
    author: str = ""


def read_preferences() -> Preferences:
    """Return the user's preferences; what was never set has its default."""
    found = _from_napari()
    return _from_file(config_folder() / "preferences.json") if found is None else found


def load_state(dock: str) -> dict[str, Any]:
    """Return what `save_state` kept for a dock; empty at the first start.

    Parameters
    ----------
    dock : str
        Name of the dock, for example ``"restore"``.
    """
    return _read_record(_state_path(dock))


def save_state(dock: str, state: Mapping[str, Any]) -> None:
    """Keep the state of a dock beyond its closing; the last writer wins.

    Parameters
    ----------
    dock : str
        Name of the dock; letters only, it names the file.
    state : mapping
        Plain JSON values.
    """
    text = json.dumps(dict(state), indent=1)
    path = _state_path(dock)
    partial = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(text, encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        warnings.warn(f"The settings of the {dock} dock could not be kept: {error}.", stacklevel=2)


def config_folder() -> Path:
    """Return the folder of the plugin's own settings; it need not exist."""
    from platformdirs import user_config_path

    return user_config_path(PLUGIN, appauthor=False)


def _state_path(dock: str) -> Path:
    return config_folder() / "docks" / f"{dock}.json"


def _from_napari() -> Preferences | None:
    """Return what napari's Preferences hold, or None where it has no page for plugins (before 0.9)."""
    try:
        from napari.settings import get_plugin_settings, get_settings
    except ImportError:
        return None
    stored = get_settings().config_path
    # napari writes every change at once to this file; asking for a page reads all plugins' manifests again
    if stored is not None and not (Path(stored).parent / f"{PLUGIN}.yaml").exists():
        return Preferences()
    pages = get_plugin_settings().get(PLUGIN)
    if pages is None:
        return None
    return Preferences(
        **{
            field.name: getattr(page, field.name)
            for page in (pages.computing, pages.results)
            for field in fields(Preferences)
            if hasattr(page, field.name)
        }
    )


def _from_file(path: Path) -> Preferences:
    record = _read_record(path)
    defaults = {field.name: field.default for field in fields(Preferences)}
    wrong = [name for name, value in record.items() if type(value) is not type(defaults.get(name))]
    if wrong:
        warnings.warn(
            f"Left out of {path}: {', '.join(wrong)}; known are {', '.join(defaults)}.", stacklevel=3
        )
    return Preferences(**{name: value for name, value in record.items() if name not in wrong})


def _read_record(path: Path) -> dict[str, Any]:
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        warnings.warn(f"Settings in {path} could not be read and are left out: {error}.", stacklevel=3)
        return {}
    if not isinstance(record, dict):
        warnings.warn(f"Settings in {path} are left out: they are no JSON object.", stacklevel=3)
        return {}
    return record
