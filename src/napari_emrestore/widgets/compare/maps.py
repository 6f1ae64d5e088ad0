"""Difference maps as layers: replaced when their sources change, gone when these are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_emrestore.widgets.compare.sources import MADE_HERE
from napari_emrestore.widgets.layers import METADATA_KEY, placement

if TYPE_CHECKING:
    from napari.layers import Image
    from napari.viewer import Viewer

    from napari_emrestore.pipeline.comparison import DifferenceMap
    from napari_emrestore.pipeline.comparison.maps import MapKind
    from napari_emrestore.restoration.plan import Rect

_COLORMAPS: dict[MapKind, str] = {"difference": "PiYG", "error": "magma", "similarity": "viridis"}
_TITLES: dict[MapKind, str] = {
    "difference": "signed difference",
    "error": "absolute error",
    "similarity": "SSIM map",
}
_CHANGE_TITLES: dict[MapKind, str] = {
    "difference": "signed difference",
    "error": "absolute change",
    "similarity": "similarity map",
}


class MapLayers:
    """At most one layer per kind of map.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Gets the layers.
    """

    def __init__(self, viewer: Viewer) -> None:
        self._viewer = viewer
        self._layers: dict[MapKind, Image] = {}
        self._hidden: set[MapKind] = set()

    def show(
        self, made: DifferenceMap, source: Image, area: Rect, position: tuple[int, ...], *, is_truth: bool
    ) -> None:
        """Show a map where its source lies; an older one of its kind goes.

        Parameters
        ----------
        made : DifferenceMap
            What to show.
        source : Image
            Candidate it is of.
        area : Rect
            Its pixels in the source.
        position : tuple of int
            Place of the compared slice on the axes of the source before ``(Y, X)``; the map shows at this
            place only, so scrolling a stack never leaves a map of another frame in view.
        is_truth : bool
            Whether it is against a ground truth.
        """
        older = self._layers.get(made.kind)
        looks = {} if older is None else {"opacity": older.opacity, "visible": older.visible}
        if made.kind in self._hidden:
            looks["visible"] = True
        self.drop(made.kind)
        place = placement(
            source,
            (area.y0, area.x0),
            stack=bool(position),
            first_frame=float(position[-1]) if position else 0.0,
        )
        titles = _TITLES if is_truth else _CHANGE_TITLES
        self._layers[made.kind] = self._viewer.add_image(
            made.image if not position else made.image[None],
            name=f"{source.name} · {titles[made.kind]}",
            colormap=_COLORMAPS[made.kind],
            contrast_limits=made.contrast_limits,
            metadata={METADATA_KEY: {MADE_HERE: made.kind}},
            **place,
            **looks,
        )

    def hide(self) -> None:
        """Hide all maps until they are measured again."""
        for kind, layer in self._layers.items():
            if layer.visible:
                self._hidden.add(kind)
                layer.visible = False

    def keep(self, kinds: frozenset[MapKind]) -> None:
        """Remove the maps of other kinds."""
        for kind in [kind for kind in self._layers if kind not in kinds]:
            self.drop(kind)

    def drop(self, kind: MapKind) -> None:
        """Remove the map of a kind, if there is one."""
        self._hidden.discard(kind)
        layer = self._layers.pop(kind, None)
        if layer is not None and layer in self._viewer.layers:
            self._viewer.layers.remove(layer)

    def kind_of(self, layer: Any) -> MapKind | None:
        """Return the kind of one of these layers, or None for any other."""
        return next((kind for kind, own in self._layers.items() if own == layer), None)
