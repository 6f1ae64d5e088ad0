"""Optional packages, imported when they are needed."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from napari_emrestore.core.errors import MissingPackageError


def optional_package(name: str, extra: str) -> Any:
    """Return a module that not every installation has.

    Parameters
    ----------
    name : str
        Module to import.
    extra : str
        Extra of this package that brings it.

    Raises
    ------
    MissingPackageError
        If it cannot be imported; the remedy names the extra.
    """
    try:
        return import_module(name)
    except ImportError as error:
        raise MissingPackageError(
            f"This needs the package {name}",
            came=f"it could not be imported ({error})",
            remedy=f'Run: pip install "napari-emrestore[{extra}]"',
        ) from error
