"""A mosaic on disk: raw, restored and maps, images of one Zarr group on one grid, and its layout.

The group is a collection of images as OME-Zarr 0.5 knows it, so other programs find all of them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.core import InputError
from napari_emrestore.io.growing_image import GrowingImage
from napari_emrestore.overview.layout import Layout

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_emrestore.core import Acquisition, Provenance
    from napari_emrestore.overview.composing import TileImages
    from napari_emrestore.overview.planning import MosaicPlan
    from napari_emrestore.restoration.plan import Rect

LAYOUT, TILES = "layout.json", "tiles.jsonl"
IMAGES = ("restored", "raw", "confidence", "frames", "coverage", "residual")
"""All images a mosaic may have; the first there is stands for the mosaic."""
_STATE = "napari-emrestore-mosaic"


@dataclass(frozen=True, slots=True, eq=False)
class Mosaic:
    """A mosaic on disk.

    Attributes
    ----------
    path : Path
        The ``.zarr`` folder.
    layout : Layout
        Where its frames lie.
    images : tuple of str
        Those of `IMAGES` it holds.
    tiles_done, tiles : int
        How many of its tiles are made.
    """

    path: Path
    layout: Layout
    images: tuple[str, ...]
    tiles_done: int
    tiles: int

    @property
    def complete(self) -> bool:
        """Whether every tile is made."""
        return self.tiles_done == self.tiles

    def levels(self, name: str) -> list[Any]:
        """Return an image and its smaller copies ``(Y, X)``, largest first, as zarr arrays.

        Raises
        ------
        InputError
            If the mosaic has no such image.
        """
        import zarr

        if name not in self.images:
            raise InputError(
                f"This mosaic holds {', '.join(self.images)}",
                item=str(self.path),
                came=f"{name!r} was asked for",
            )
        group: Any = zarr.open_group(str(self.path / name), mode="r")
        return [group[key] for key in sorted(group.array_keys(), key=int)]


class MosaicFile:
    """A mosaic being written, tile by tile; readable all the while.

    Parameters
    ----------
    path : str or Path
        Ends in ``.zarr``.
    plan : MosaicPlan
        What is made.
    acquisition : Acquisition
        Of the frames.
    model : mapping
        What the restorer says of itself; empty without one.

    Raises
    ------
    InputError
        If the name cannot be used, or a mosaic of other frames or settings is there.
    """

    def __init__(
        self, path: str | Path, plan: MosaicPlan, acquisition: Acquisition, model: Mapping[str, Any]
    ) -> None:
        self.path = checked_place(path)
        self._plan, self._made_by = plan, plan_key(plan) | {"model": dict(model)}
        self._names = image_names(plan)
        self.done = self._finished_tiles()
        import zarr

        group: Any = zarr.open_group(str(self.path), mode="a", zarr_format=3)
        self._images = {
            name: GrowingImage(
                group.require_group(name),
                plan.layout.shape,
                np.dtype(np.uint16 if name == "frames" else np.float32),
                replace(acquisition, name=f"{acquisition.name} {name}"),
            )
            for name in self._names
        }
        series = group.require_group("OME")
        series.attrs.update({"ome": {"version": "0.5", "series": list(self._names)}})
        self._group = group
        for y, x in self.done:  # what was on its way to the smaller copies when the last run ended
            for image in self._images.values():
                image.refresh(y, x)
        self._tell(complete=False)
        (self.path / LAYOUT).write_text(plan.layout.to_json(), encoding="utf-8")

    def put(self, made: TileImages) -> None:
        """Write a finished tile; once it is in the list of tiles it need not be made again."""
        for name, pixels in made.images.items():
            self._images[name].put(made.tile.y0, made.tile.x0, pixels)
        self.done.add(_key(made.tile))
        with (self.path / TILES).open("a", encoding="utf-8") as table:
            table.write(json.dumps(_key(made.tile)) + "\n")

    def flush(self) -> None:
        """Bring everything that was put to disk."""
        for image in self._images.values():
            image.flush()

    def finish(self, provenance: Provenance) -> None:
        """Say what made the mosaic, and whether it is complete."""
        self.flush()
        for image in self._images.values():
            image.describe(provenance)
        self._tell(complete=len(self.done) == len(self._plan.tiles))

    def is_done(self, tile: Rect) -> bool:
        """Return whether a tile is there already."""
        return _key(tile) in self.done

    def _finished_tiles(self) -> set[tuple[int, int]]:
        """Return the tiles of an interrupted mosaic that this one goes on with."""
        if not self.path.exists():
            return set()
        layout, table = self.path / LAYOUT, self.path / TILES
        same = layout.is_file() and layout.read_text(encoding="utf-8") == self._plan.layout.to_json()
        if not same or _state(self.path).get("made_by") != _as_json(self._made_by):
            raise InputError(
                "Only a mosaic of the same frames and settings is gone on with",
                item=str(self.path),
                came="is another",
                remedy="Choose another name, or delete it first.",
            )
        lines = table.read_text(encoding="utf-8").split("\n")[:-1] if table.is_file() else []
        return {(y, x) for y, x in map(json.loads, lines)}

    def _tell(self, *, complete: bool) -> None:
        self._group.attrs.update(
            {
                "ome": {"version": "0.5", "bioformats2raw.layout": 3},
                _STATE: {
                    "images": list(self._names),
                    "tiles": len(self._plan.tiles),
                    "complete": complete,
                    "made_by": _as_json(self._made_by),
                },
            }
        )


def image_names(plan: MosaicPlan) -> tuple[str, ...]:
    """Return the images that a plan makes, the one that stands for the mosaic first."""
    maps = ("confidence", "frames", "coverage", "residual") if plan.maps else ()
    return (*(("restored",) if plan.restores else ()), "raw", *maps)


def plan_key(plan: MosaicPlan) -> dict[str, Any]:
    """Return what must be the same for tiles of two runs to fit together, beside layout and restorer."""
    return {
        "composition": plan.composition,
        "frames": plan.frames,
        "restores": plan.restores,
        "maps": plan.maps,
        "intensity": None if plan.intensity is None else [plan.intensity.offset, plan.intensity.scale],
    }


def open_mosaic(path: str | Path) -> Mosaic:
    """Return a mosaic on disk, also one that is still growing.

    Raises
    ------
    InputError
        If there is none.
    """
    place = Path(path).expanduser()
    state = _state(place)
    if not state or not (place / LAYOUT).is_file():
        raise InputError("A mosaic written by this package is needed", item=str(path), came="is none")
    table = place / TILES
    done = set(table.read_text(encoding="utf-8").splitlines()) if table.is_file() else set()
    layout = Layout.from_json((place / LAYOUT).read_text(encoding="utf-8"))
    return Mosaic(place, layout, tuple(state["images"]), len(done), state["tiles"])


def is_mosaic(path: str | Path) -> bool:
    """Return whether a folder holds a mosaic of this package."""
    return bool(_state(Path(path).expanduser()))


def checked_place(path: str | Path) -> Path:
    """Return the folder of a new mosaic.

    Raises
    ------
    InputError
        If its name does not end in .zarr, its parent does not exist, or something else is there.
    """
    place = Path(path).expanduser()
    if place.suffix.lower() != ".zarr":
        raise InputError("The name of a mosaic ends in .zarr", item=place.name, came="does not")
    if not place.parent.is_dir():
        raise InputError(
            "A mosaic is made in an existing folder",
            item=str(place.parent),
            came="does not exist",
            remedy="Create it first.",
        )
    if place.exists() and not is_mosaic(place):
        raise InputError(
            "Only a mosaic is replaced",
            item=str(place),
            came="is something else",
            remedy="Choose another name.",
        )
    return place


def _state(path: Path) -> dict[str, Any]:
    try:
        content = json.loads((path / "zarr.json").read_text(encoding="utf-8"))
        return dict(content["attributes"][_STATE])
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _as_json(content: Mapping[str, Any]) -> Any:
    return json.loads(json.dumps(content, default=str))


def _key(tile: Rect) -> tuple[int, int]:
    return tile.y0, tile.x0
