"""Settings of a camera, given one by one on the command line."""

from __future__ import annotations

import json
from typing import Any

from napari_emrestore.core import InputError


def camera_settings(texts: list[str]) -> dict[str, Any]:
    """Return settings given as ``NAME=VALUE``; a value is JSON where it reads as such, else text.

    Raises
    ------
    InputError
        If one has no name or no equals sign.
    """
    settings: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise InputError("A setting of a camera is NAME=VALUE", came=f"{text!r} came")
        try:
            settings[name] = json.loads(value)
        except ValueError:
            settings[name] = value
    return settings
