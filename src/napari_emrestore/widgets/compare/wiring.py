"""The compare dock: what a click changes, what is measured then, and where it is shown."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Labels, Shapes
from qtpy.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from napari_emrestore.core import InputError
from napari_emrestore.models import list_models
from napari_emrestore.restoration import list_classical
from napari_emrestore.widgets.compare import keys, live
from napari_emrestore.widgets.compare.baking import Baker
from napari_emrestore.widgets.compare.exporting import export
from napari_emrestore.widgets.compare.following import Following
from napari_emrestore.widgets.compare.looking import Looking
from napari_emrestore.widgets.compare.measuring import Wanted
from napari_emrestore.widgets.compare.segmenting import Segmenting
from napari_emrestore.widgets.compare.showing import Showing
from napari_emrestore.widgets.compare.sources import is_comparable, is_truth, pick, take_snapshot
from napari_emrestore.widgets.compare.state import FOUND_IN_TRUTH, KEPT, CompareState
from napari_emrestore.widgets.compare.view import CompareView
from napari_emrestore.widgets.compare.viewing import frame
from napari_emrestore.widgets.jobs import Jobs
from napari_emrestore.widgets.layers import placement
from napari_emrestore.widgets.lifetime import is_alive
from napari_emrestore.widgets.model_news import NEWS
from napari_emrestore.widgets.preferences import load_state, save_state

if TYPE_CHECKING:
    from pathlib import Path

    import napari.viewer

_NAME = "compare"
_LAYER_FIELDS = ("truth", "raw", "regions", "line", "true_regions", "mapped", "baked")
_SEGMENTED = ("true_regions", "given_labels", "membrane_px")
_MEASURES = {
    "candidates": live.EVERYTHING,
    "truth": live.EVERYTHING,
    "raw": live.EVERYTHING,
    "regions": {live.NUMBERS},
    "line": {live.PLOT},
    "line_width_px": {live.PLOT},
    "plot": {live.PLOT},
    "maps": {live.MAPS},
    "mapped": {live.MAPS},
    "stretch_percent": {live.MAPS},
}
_SEEN = ("candidates", "truth", "view", "same_contrast", "swiped")


class CompareDock(QWidget):
    """Compares image layers: numbers, views, difference maps, plots, segmentations, bake-offs, reports.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Whose layers are compared.
    """

    def __init__(self, viewer: napari.viewer.Viewer, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.viewer = viewer
        self.state = CompareState()
        self.state.restore(load_state(_NAME))
        self.measures, self.bakes, self.exports, self.segments = (Jobs(self) for _ in range(4))
        self.view = CompareView(self.bakes, self.exports, self.segments, _models())
        self.live = live.Live(viewer, self.state, self.measures)
        self.looking = Looking(viewer, self.state)
        self.segmenting = Segmenting(viewer, self.state, self.segments)
        self.showing = Showing(viewer, self.state, self.view)
        self.baker = Baker(viewer, self.state, self.bakes, np.random.default_rng())
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.view)
        self._following = Following(
            viewer,
            layers_changed=self._layers_changed,
            layer_removed=self._layer_removed,
            slice_changed=self._slice_changed,
            camera_changed=lambda: self.live.mark(live.VISIBLE_PART),
            theme_changed=self._use_theme,
        )
        self._connect()
        NEWS.changed.connect(self._list_models)
        keys.listen(self)
        self._use_theme()
        self._layers_changed()

    def _list_models(self) -> None:
        """Offer the models that there are now for a bake-off."""
        if not is_alive(self):  # the news outlives the dock
            return
        models = _models()
        self.view.bake.fill_models(models)
        self._set({"models": tuple(name for name in self.state.models if name in models)})

    def blink(self) -> None:
        """Show the next candidate alone."""
        self.looking.blink()

    def hold_raw(self) -> None:
        """Show the raw layer alone until `release_raw`."""
        self.looking.hold_raw()

    def release_raw(self) -> None:
        """Show again what was shown before `hold_raw`."""
        self.looking.release_raw()

    def write(self, kind: str, path: Path) -> None:
        """Write ``"table"``, ``"plot"`` or ``"report"`` of what is compared now, off the main thread."""
        reason, segmented = self.state.why_not_measure(), not self.state.why_not_segment()
        try:
            snapshot = None if reason else take_snapshot(self.viewer, self.state, labels=segmented)
        except InputError as error:
            reason = str(error)
        if reason or snapshot is None:
            self.view.exports.note.setText(reason)
            return
        wanted = Wanted(plot=self.state.plot, width_px=self.state.line_width_px)
        vote = self.baker.vote_record
        settings = {"blind vote": None if vote is None else asdict(vote)}
        membrane_px = self.state.membrane_px if segmented else None
        self.exports.start("Writing", partial(export, kind, path, snapshot, wanted, membrane_px, settings))

    def _connect(self) -> None:
        view, state = self.view, self.state
        for box in (view.images, view.numbers, view.views, view.maps, view.plots, view.segments, view.bake):
            box.changed.connect(self._set)
        view.views.next_asked.connect(self.blink)
        view.plots.line_asked.connect(lambda: self._add_shapes("line", "line", "add_line"))
        view.numbers.regions_asked.connect(lambda: self._add_shapes("regions", "regions", "add_rectangle"))
        view.segments.run.asked.connect(self._segment)
        view.segments.regions_asked.connect(self.segmenting.add_layers)
        self.segmenting.measured.connect(view.segments.show_table)
        view.exports.asked.connect(self.write)
        view.bake.run.asked.connect(self._bake)
        view.bake.voted.connect(self.baker.vote)
        view.bake.applied.connect(self._apply)
        state.events.connect(self._state_changed)
        self.live.measured.connect(self.showing.show)
        self.live.outdated.connect(self.showing.show_outdated)
        self.live.outdated.connect(self._outdate_segmentation)
        self.live.refused.connect(self._refuse)
        self.measures.failed.connect(lambda error: view.images.say(str(error)))
        self.baker.finished.connect(self._show_bake)
        self.baker.voted.connect(self._show_vote)
        self._farewell = _Farewell(self._following, self.live, self.looking, self.segmenting)
        self.destroyed.connect(self._farewell.take)

    def _set(self, values: dict[str, Any]) -> None:
        """Take over what a person chose."""
        for name, value in values.items():
            setattr(self.state, name, value)

    def _state_changed(self, info: Any) -> None:
        name = info.signal.name
        if name == "divider":
            self.looking.move()
            self.view.views.show_divider(self.state.divider)
            return
        if name == "automatic":
            self._layers_changed()
            return
        if name in _LAYER_FIELDS or name == "candidates":
            self._choose_mapped()
            self.live.follow()
        if name in _SEGMENTED:
            self.segmenting.follow()
            self.segmenting.outdate()
        if name in ("regions", "maps"):
            self.showing.drop_unwanted()
        if name in _SEEN:
            self.looking.refresh()
        if name in _MEASURES:
            self.live.mark(*_MEASURES[name])
        if name in KEPT:
            save_state(_NAME, self.state.to_record())
        self._refresh()

    def _layers_changed(self) -> None:
        """Forget layers that are gone, pick new ones if that is wanted, and offer what there is."""
        state, layers = self.state, list(self.viewer.layers)
        state.candidates = tuple(layer for layer in state.candidates if layer in layers)
        state.swiped = state.swiped if all(layer in layers for layer in state.swiped) else ()
        state.given_labels = tuple(layer for layer in state.given_labels if layer in layers)
        for name in _LAYER_FIELDS:
            if getattr(state, name) not in (*layers, FOUND_IN_TRUTH):
                setattr(state, name, None)
        if state.automatic:
            state.candidates, state.truth, state.raw = pick(layers)
        if state.baked is None:
            images = [layer for layer in layers if is_comparable(layer) and not is_truth(layer)]
            state.baked = state.raw or next(iter(images), None)
        self._refresh()

    def _layer_removed(self, layer: Any) -> None:
        kind = self.showing.maps.kind_of(layer)
        if kind is not None:
            self.state.maps = self.state.maps - {kind}
        if self.looking.is_swipe(layer):
            self.state.view = "layers"

    def _slice_changed(self) -> None:
        layers = (*self.state.candidates, self.state.truth)
        if any(layer is not None and layer.ndim > 2 for layer in layers) or self.viewer.dims.ndisplay != 2:
            self.live.mark(*live.EVERYTHING)

    def _choose_mapped(self) -> None:
        """Keep the mapped candidate one that differs from what it is compared with."""
        others = [layer for layer in self.state.candidates if layer != self.state.against]
        if self.state.mapped not in others:
            self.state.mapped = others[-1] if others else None

    def _refresh(self) -> None:
        view, state, layers = self.view, self.state, list(self.viewer.layers)
        images = [layer for layer in layers if is_comparable(layer)]
        shapes = [layer for layer in layers if isinstance(layer, Shapes)]
        labels = [layer for layer in layers if isinstance(layer, Labels)]
        view.images.show_state(state, images)
        view.numbers.show_state(state, [*shapes, *labels])
        view.segments.show_state(state, labels)
        view.views.show_state(state, keys.current_keys())
        view.maps.show_state(state)
        view.plots.show_state(state, shapes)
        view.bake.show_state(state, images)
        ready = not state.why_not_measure()
        view.exports.allow(table=ready, plot=ready and state.plot != "none")

    def _refuse(self, reason: str) -> None:
        self.showing.show_refusal(reason)
        if self.state.view != "layers":
            self.state.view = "layers"

    def _segment(self) -> None:
        try:
            self.segmenting.start()
        except InputError as error:
            self.view.segments.run.say(str(error))

    def _outdate_segmentation(self, parts: frozenset[str]) -> None:
        if live.NUMBERS in parts:
            self.segmenting.outdate()

    def _use_theme(self) -> None:
        self.view.plots.use_theme(self.viewer.theme)

    def _add_shapes(self, field: str, name: str, mode: str) -> None:
        """Add a layer to draw in, on the pixels of the first candidate, with the tool switched on."""
        place = placement(self.state.candidates[0]) if self.state.candidates else {}
        layer = self.viewer.add_shapes(
            name=name, ndim=2, face_color="transparent", edge_color="yellow", **place
        )
        layer.mode = mode
        self._set({field: layer})

    def _bake(self) -> None:
        self.state.automatic = False  # what is compared next is the box
        try:
            self.baker.start()
        except InputError as error:
            self.view.bake.run.say(str(error))

    def _show_bake(self, layers: list[Any]) -> None:
        self.view.bake.run.say("")
        self.view.bake.say("\n".join(f"{model}: {why}" for model, why in self.baker.failures.items()))
        self.view.bake.show_vote(self.baker.letters)
        self.view.bake.show_winners(self.baker.models, "")
        if not layers:
            return
        self._set({"candidates": tuple(layers), "raw": layers[0], "view": "grid"})
        frame(self.viewer, layers[0])

    def _show_vote(self, vote: Any) -> None:
        who = ", ".join(f"{letter} is {name}" for letter, name in vote.order)
        self.view.bake.say(f"You chose {vote.letter}, {vote.name}. {who}.")
        self.view.bake.show_vote(())
        self.view.bake.show_winners(self.baker.models, vote.name)

    def _apply(self, model: str) -> None:
        """Open the restore dock with the winner and the whole layer."""
        from napari_emrestore.widgets.restore import RestoreDock

        source = self.baker.source
        if source not in self.viewer.layers:
            self.view.bake.say("The layer of the bake-off was removed; open it again to restore it.")
            return
        RestoreDock.offer(self.viewer, model, source)


def _models() -> dict[str, str]:
    """Return what a bake-off can run and what it is for; loads no torch."""
    trained = {card.id: card.summary for card in list_models() if card.weights is not None}
    return {**trained, **dict.fromkeys(list_classical(), "Classical method")}


class _Farewell:
    """What is left to do when Qt has deleted the widgets: only Python and the viewer may be touched.

    Its method is connected, and no lambda, whose closure the garbage collector may have emptied by then.
    """

    def __init__(
        self, following: Following, live_part: live.Live, looking: Looking, segmenting: Segmenting
    ) -> None:
        self._following, self._live, self._looking = following, live_part, looking
        self._segmenting = segmenting

    def take(self) -> None:
        """Stop listening to the viewer and give it back as it was."""
        self._following.close()
        self._live.unfollow()
        self._segmenting.unfollow()
        self._looking.leave()
