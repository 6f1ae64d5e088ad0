"""Where results go: table, features, map layers, plot; and what is taken away when it no longer holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_emrestore.widgets.compare import live
from napari_emrestore.widgets.compare.features import clear_features, write_features
from napari_emrestore.widgets.compare.geometry import current_position
from napari_emrestore.widgets.compare.maps import MapLayers

if TYPE_CHECKING:
    from napari.viewer import Viewer

    from napari_emrestore.widgets.compare.measuring import Measured
    from napari_emrestore.widgets.compare.state import CompareState
    from napari_emrestore.widgets.compare.view import CompareView


class Showing:
    """Puts results where they are seen.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Gets the map layers.
    state : CompareState
        Says what is wanted.
    view : CompareView
        Shows the table and the plot.
    """

    def __init__(self, viewer: Viewer, state: CompareState, view: CompareView) -> None:
        self.maps = MapLayers(viewer)
        self._viewer, self._state, self._view = viewer, state, view
        self._written: Any = None  # the layer whose features hold our columns

    def show(self, measured: Measured) -> None:
        """Show what was measured."""
        self._view.images.say("")
        self._view.numbers.show_numbers(measured.numbers, measured.visible, measured.problems)
        if measured.numbers is not None and self._state.regions is not None:
            write_features(self._state.regions, measured.numbers, measured.snapshot.feature_rows)
            self._written = self._state.regions
        if measured.wanted.maps:
            self._show_maps(measured)
        if measured.wanted.plot != "none":
            self._view.plots.show_plot(measured.drawing, measured.problems)

    def show_outdated(self, parts: frozenset[str]) -> None:
        """Take away what no longer holds; a plot stays under a word that says so."""
        if live.NUMBERS in parts or live.VISIBLE_PART in parts:
            self._view.numbers.show_outdated(visible_only=live.NUMBERS not in parts)
        if parts >= {live.NUMBERS, live.MAPS}:  # the images themselves changed, not only what is wanted
            self.maps.hide()
        if live.PLOT in parts and self._state.plot != "none":
            self._view.plots.show_outdated()

    def show_refusal(self, reason: str) -> None:
        """Show why nothing can be compared, and nothing else."""
        self._view.images.say(reason)
        self._view.numbers.show_outdated(visible_only=False)
        self._view.plots.show_plot(None)
        self.maps.keep(frozenset())
        self._clear_features()

    def drop_unwanted(self) -> None:
        """Remove maps that were unticked, and our columns from regions that are no longer chosen."""
        self.maps.keep(self._state.maps)
        if self._written is not None and self._written != self._state.regions:
            self._clear_features()

    def _show_maps(self, measured: Measured) -> None:
        source = self._viewer.layers[measured.wanted.mapped]
        area = measured.snapshot.areas[source.name]
        for kind in measured.wanted.maps:
            if kind not in measured.maps:
                self.maps.drop(kind)
                continue
            self.maps.show(
                measured.maps[kind],
                source,
                area,
                current_position(source, self._viewer),
                is_truth=measured.snapshot.truth is not None,
            )

    def _clear_features(self) -> None:
        if self._written is not None:
            clear_features(self._written)
        self._written = None
