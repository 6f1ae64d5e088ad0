"""Optional packages, asked for when a foreign model needs them."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from napari_emrestore.core import MissingPackageError


def need(module: str, extra: str) -> Any:
    """Return an optional module.

    Raises
    ------
    MissingPackageError
        If it is not installed; names the extra that brings it.
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise MissingPackageError(
            f"Models of this kind need the package {module}",
            came="it is not installed",
            remedy=f'Install it: pip install "napari-emrestore[{extra}]"',
        ) from error
