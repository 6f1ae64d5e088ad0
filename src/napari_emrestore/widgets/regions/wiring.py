"""The regions dock: what a click, a stroke or a key changes, and everything that follows from it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from qtpy.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from napari_emrestore.core import InputError
from napari_emrestore.widgets.compare.following import Following
from napari_emrestore.widgets.jobs import Jobs
from napari_emrestore.widgets.preferences import load_state, read_preferences, save_state
from napari_emrestore.widgets.regions.canvas import Canvas
from napari_emrestore.widgets.regions.editing import class_in, what_was_done, with_edit, with_fields
from napari_emrestore.widgets.regions.growth import Growth
from napari_emrestore.widgets.regions.history import History
from napari_emrestore.widgets.regions.images import Images
from napari_emrestore.widgets.regions.keys import Keys
from napari_emrestore.widgets.regions.looking import jump_to
from napari_emrestore.widgets.regions.measuring import Measuring
from napari_emrestore.widgets.regions.opening import describe, kept_or_new
from napari_emrestore.widgets.regions.saving import Saver, kept_file
from napari_emrestore.widgets.regions.searching import Searching
from napari_emrestore.widgets.regions.sources import (
    first_overview,
    fits,
    guess,
    levels_of,
    overview_of,
    raw_pixels,
)
from napari_emrestore.widgets.regions.state import KEPT, LAYER_FIELDS, RegionsState
from napari_emrestore.widgets.regions.targets.wiring import Targets
from napari_emrestore.widgets.regions.thumbnails import Thumbnails
from napari_emrestore.widgets.regions.view import RegionsView

if TYPE_CHECKING:
    from collections.abc import Collection

    import napari.viewer
    from napari.layers import Image

    from napari_emrestore.overview.proposing import Proposals
    from napari_emrestore.overview.regions import RegionClass, RegionKind, RegionSet
    from napari_emrestore.widgets.regions.canvas import Part, Parts
    from napari_emrestore.widgets.regions.drawn import Edit
    from napari_emrestore.widgets.regions.saving import Waiting

_NAME = "regions"


class RegionsDock(QWidget):
    """Marks, lists, measures and keeps regions of interest on an overview.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Whose layers are overviews, and where regions are drawn.
    """

    def __init__(self, viewer: napari.viewer.Viewer, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.viewer = viewer
        self.state = RegionsState()
        self.state.restore(load_state(_NAME))
        self.state.author = read_preferences().author
        self.history = History()
        self.opening, self.searching = Jobs(self, quiet=True), Searching(viewer, self.state, self)
        self.thumbnails, self.measuring, self.saver = Thumbnails(self), Measuring(self), Saver(self)
        self.images = Images(viewer, self.state, self.thumbnails, self.measuring, self)
        self.canvas, self.growth = Canvas(viewer, self), Growth(viewer, self)
        self.keys = Keys(self.choose_class, self.undo, self.redo)
        self.targets = Targets(self)
        self.view = RegionsView(viewer, self._fits, self.thumbnails, self.searching.jobs, self.targets)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.view)
        self._following = Following(
            viewer,
            layers_changed=self.growth.layers_changed,
            layer_removed=self.canvas.forget,
            slice_changed=self.images.slice_changed,
            camera_changed=lambda: None,
            theme_changed=lambda: None,
        )
        self._connect()
        self.view.overview.overview.pick(first_overview(viewer))
        self._pick("overview", self.view.overview.overview.layer)
        self._refresh()

    def change(self, regions: RegionSet, what: str) -> None:
        """Replace all regions, as one step that can be undone.

        Parameters
        ----------
        regions : RegionSet
            Of the same overview.
        what : str
            What was done, for example ``"drawing"``; said by Undo.
        """
        if self.state.regions is None or regions == self.state.regions:
            return
        self.history.note(what, self.state.regions)
        self._apply(regions)

    def undo(self) -> None:
        """Take back the last step."""
        if self.state.regions is not None:
            self._apply(self.history.undo(self.state.regions))

    def redo(self) -> None:
        """Do again what was undone last."""
        if self.state.regions is not None:
            self._apply(self.history.redo(self.state.regions))

    def begin(self, tool: str) -> None:
        """Switch on a tool: ``"point"``, ``"rectangle"``, ``"polygon"``, ``"label"`` or ``"select"``."""
        regions = self.state.regions
        if regions is None:
            return
        if tool == "select":
            self.canvas.begin_selecting()
        else:
            kind: RegionKind = tool  # type: ignore[assignment]
            self.canvas.begin(kind, regions, self.state.active_class)
            self.keys.bind(self.canvas.layers, regions.classes)
        self.view.classes.say(self.canvas.where_painted() if tool == "label" else "")

    def choose_class(self, name: str) -> None:
        """Draw in a class from now on; regions that are selected with the select tool get it too."""
        self.state.active_class = name
        chosen = [layer for layer in self.canvas.layers if str(layer.mode) in ("select", "direct")]
        if self.state.selected and self.viewer.layers.selection.active in chosen:
            self.edit({"class_name": name})

    def select(self, ids: tuple[int, ...]) -> None:
        """Select regions by their numbers, in the list and in the layers."""
        self.state.selected = ids
        self.canvas.select(ids)

    def edit(self, values: dict[str, Any]) -> None:
        """Give fields of all selected regions new values, as one step that can be undone."""
        state = self.state
        if state.regions is not None:
            changed = with_fields(state.regions, state.selected, values, state.author)
            self.change(changed, f"changing the {'/'.join(values).replace('_name', '')}")

    def jump(self, region_id: int) -> None:
        """Bring a region into the middle of the view."""
        if self.state.regions is not None and self.state.overview is not None:
            jump_to(self.viewer, self.state.overview, self.state.regions.region(region_id))

    def raw_image(self) -> Any:
        """Return the overview's pixels ``(Y, X)``, lazy; raise `InputError` if it is a restored image."""
        return raw_pixels(self.state.overview, self.viewer)

    def answer(self, *, accept: bool, ids: Collection[int]) -> None:
        """Accept or refuse proposals; of others nothing is changed."""
        regions = self.state.regions
        if regions is None:
            return
        waiting = [region.id for region in regions.proposals if region.id in frozenset(ids)]
        done = (
            with_fields(regions, waiting, {"accepted": True}, self.state.author)
            if accept
            else regions.remove(waiting)
        )
        self.change(done, "accepting" if accept else "refusing")

    def hideEvent(self, event: Any) -> None:
        """Write what is not written yet, for the dock may be about to go."""
        self.saver.flush()
        super().hideEvent(event)

    def _connect(self) -> None:
        view, state = self.view, self.state
        view.overview.picked.connect(self._pick)
        view.classes.tool_asked.connect(self.begin)
        view.classes.class_chosen.connect(lambda name: setattr(state, "active_class", name))
        view.classes.class_changed.connect(self._change_class)
        view.classes.class_removed.connect(self._remove_class)
        view.classes.refused.connect(self._refresh)
        view.list.shown_changed.connect(lambda shown: setattr(state, "shown", shown))
        view.list.selected.connect(self.select)
        view.list.jump_asked.connect(self.jump)
        view.list.deleted.connect(self._delete)
        view.list.undone.connect(self.undo)
        view.list.redone.connect(self.redo)
        view.details.changed.connect(self.edit)
        view.details.again.clicked.connect(lambda: self.images.take())
        view.propose.changed.connect(self._set)
        view.propose.run.asked.connect(self._propose)
        view.propose.answered.connect(self._answer)
        state.events.connect(self._state_changed)
        self.canvas.edited.connect(self._edited)
        self.canvas.selected.connect(self.select)
        self.canvas.made.connect(lambda _: self._bind_keys())
        self.opening.succeeded.connect(self._opened)
        self.opening.failed.connect(lambda error: self._refuse(str(error)))
        self.searching.found.connect(self._proposed)
        self.measuring.changed.connect(self._measured)
        self.measuring.failed.connect(view.overview.say)
        self.saver.failed.connect(lambda why: view.overview.say(f"The regions could not be kept. {why}"))
        self.images.taken.connect(self._images_taken)
        self.growth.grew.connect(self.images.take_soon)
        self.growth.came_back.connect(self._go_on_with)
        self._farewell = _Farewell(self._following, self.saver.waiting, self.canvas.parts, self.viewer)
        self.destroyed.connect(self._farewell.take)

    def _set(self, values: dict[str, Any]) -> None:
        for name, value in values.items():
            setattr(self.state, name, value)

    def _state_changed(self, info: Any) -> None:
        name, state = info.signal.name, self.state
        if name == "active_class" and state.regions is not None:
            self.canvas.show(state.regions, state.active_class)
        if name in ("shown", "selected"):
            self._show_numbers()
        if name in KEPT:
            save_state(_NAME, state.to_record())
        if name != "regions":  # those are shown when all that hangs on them is up to date
            self._refresh()

    def _refresh(self) -> None:
        self.view.show_state(self.state, self.history)
        self.targets.show_regions(self.state.regions, self.state.selected)

    def _show_numbers(self) -> None:
        self.view.show_numbers(self.state, self.measuring.numbers())
        self._refresh()

    def _measured(self) -> None:
        self.canvas.measure(self.measuring.numbers())
        self._show_numbers()

    # the overview and what lies on its pixels

    def _fits(self, layer: Image) -> bool:
        overview = self.state.overview
        return overview is not None and layer != overview and fits(layer, overview)

    def _pick(self, field: str, layer: Image | None) -> None:
        if field != "overview":
            setattr(self.state, field, layer)
            self.images.take_soon()
        elif layer != self.state.overview or layer is None:
            self._open(layer)

    def _open(self, layer: Image | None) -> None:
        """Put another overview under the dock: its own regions, history and layers."""
        self.saver.flush()
        self.searching.jobs.cancel()
        self.growth.watch(layer)
        self.canvas.lie_on(layer)
        self.history = History()
        state = self.state
        state.selected, state.regions, state.overview, state.unusable = (), None, layer, ""
        for menu in self.view.overview.others.values():
            menu.refresh()
        for name in LAYER_FIELDS[1:]:
            self.view.overview.others[name].pick(None if layer is None else guess(name, self.viewer, layer))
        self.images.take()
        if layer is None:
            self.view.overview.say("")
            return
        try:
            levels = levels_of(layer, self.viewer)
        except InputError as error:
            self._refuse(str(error))
            return
        state.unusable = "Looking for regions that were kept of this image …"
        self.opening.start("Opening regions", partial(kept_or_new, layer, overview_of(layer), levels))

    def _go_on_with(self, layer: Image) -> None:
        if self.state.regions is not None and self.state.regions.regions:
            return  # a person has begun on another one
        menu = self.view.overview.overview
        menu.refresh()  # it may hear of the layer later than we
        menu.pick(layer)

    def _refuse(self, reason: str) -> None:
        self.state.unusable = reason
        self.view.overview.say(reason)

    def _opened(self, outcome: tuple[Image, RegionSet, str]) -> None:
        layer, regions, note = outcome
        if layer != self.state.overview:
            return
        self.state.unusable = ""
        self._take(regions)
        self.view.overview.say(note or describe(regions.overview))

    def _images_taken(self, reason: str) -> None:
        if reason:
            self._refuse(reason)
        elif self.state.regions is not None:
            self.state.unusable = ""
        self._show_numbers()

    # the regions

    def _apply(self, regions: RegionSet) -> None:
        """Take other regions of the same overview, and keep them."""
        self._take(regions)
        self.saver.keep(regions, kept_file(regions.overview))

    def _take(self, regions: RegionSet) -> None:
        state = self.state
        state.regions = regions
        state.active_class = class_in(regions, state.active_class)
        there = {region.id for region in regions.regions}
        state.selected = tuple(number for number in state.selected if number in there)
        self.canvas.show(regions, state.active_class)
        self._bind_keys()
        self.measuring.follow(regions)
        self._measured()

    def _bind_keys(self) -> None:
        if self.state.regions is not None:
            self.keys.bind(self.canvas.layers, self.state.regions.classes)

    def _edited(self, part: Part, edit: Edit) -> None:
        """Take over what a person did in a layer."""
        state = self.state
        if state.regions is None:
            return
        before = state.regions
        after = with_edit(before, edit, state.active_class, state.author)
        new = after.regions[len(after.regions) - len(edit.new) :]
        self.canvas.number(part, new)
        self.view.classes.say(edit.note)
        if after == before:
            return
        self.history.note(what_was_done(edit), before)
        self._apply(after)
        if new:
            self.select(tuple(region.id for region in new))

    def _delete(self) -> None:
        if self.state.regions is not None:
            self.change(self.state.regions.remove(self.state.selected), "deleting")

    def _change_class(self, name: str, new: RegionClass) -> None:
        regions = self.state.regions
        if regions is None:
            return
        try:
            changed = regions.set_class(name, new)
        except InputError as error:
            self.view.classes.say(str(error))
            self._refresh()
            return
        self.view.classes.say("")
        self.change(changed, f"changing class {new.name}")
        self.state.active_class = new.name

    def _remove_class(self, name: str) -> None:
        if self.state.regions is not None:
            try:
                self.change(self.state.regions.remove_class(name), f"removing class {name}")
            except InputError as error:
                self.view.classes.say(str(error))

    def _propose(self) -> None:
        self.view.propose.say("")
        try:
            self.searching.start()
        except InputError as error:
            self.view.propose.run.say(str(error))

    def _proposed(self, found: Proposals) -> None:
        self.view.propose.run.say("")
        self.view.propose.say(found.note)
        if self.state.regions is not None:
            named = (replace(one, class_name=self.state.active_class) for one in found.regions)
            self.change(self.state.regions.add(*named), "proposing")

    def _answer(self, accept: bool, every: bool) -> None:
        self.answer(accept=accept, ids=self.view.list.model.ids if every else self.state.selected)


class _Farewell:
    """What is left to do when Qt has deleted the widgets: only Python and the viewer may be touched."""

    def __init__(
        self, following: Following, waiting: Waiting, parts: Parts, viewer: napari.viewer.Viewer
    ) -> None:
        self._following, self._waiting, self._parts, self._viewer = following, waiting, parts, viewer

    def take(self) -> None:
        """Write what waits, stop listening, and take the layers away: the next dock makes them anew."""
        self._waiting.write()
        self._following.close()
        self._parts.close(self._viewer)
