"""The table of classical restorers; listing it loads none of them."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

from napari_emrestore.core import InputError

if TYPE_CHECKING:
    from napari_emrestore.restoration.classical.restorer import ClassicalRestorer

_HERE = "napari_emrestore.restoration.classical"
_FILTERS = {
    "gaussian": "gaussian",
    "bilateral": "bilateral",
    "median": "median",
    "wiener": "wiener",
    "wavelet": "wavelet",
    "tv-chambolle": "tv_chambolle",
    "tv-bregman": "tv_bregman",
    "nlmeans": "nl_means",
}

CLASSICAL: dict[str, str] = {
    "mean": f"{_HERE}.plain:mean",
    "median-of-frames": f"{_HERE}.plain:median_of_frames",
    **{name: f"{_HERE}.plain:{factory}" for name, factory in _FILTERS.items()},
    "bm3d": f"{_HERE}.calibrated:bm3d_plain",
    **{f"{name}-calibrated": f"{_HERE}.calibrated:{factory}" for name, factory in _FILTERS.items()},
    "bm3d-calibrated": f"{_HERE}.calibrated:bm3d",
}


def list_classical() -> tuple[str, ...]:
    """Return the ids of all classical restorers, baselines first; loads nothing."""
    return tuple(CLASSICAL)


def load_classical(name: str, /, **parameters: Any) -> ClassicalRestorer:
    """Return the classical restorer of this id.

    Parameters
    ----------
    name : str
        One of `list_classical`.
    **parameters
        Arguments of its factory, for example ``strength=1.2`` for a calibrated row.

    Raises
    ------
    InputError
        If there is no such restorer, or a parameter is out of range.
    MissingPackageError
        If it needs a package that is not installed.
    """
    if name not in CLASSICAL:
        raise InputError(
            f"A classical restorer is one of {', '.join(CLASSICAL)}",
            came=f"{name!r} came",
        )
    module, _, factory = CLASSICAL[name].partition(":")
    return cast("ClassicalRestorer", getattr(import_module(module), factory)(**parameters))
