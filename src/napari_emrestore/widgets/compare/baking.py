"""Runs the bake-off of a layer and turns what comes out into layers, with their names or without."""

from __future__ import annotations

from dataclasses import asdict, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Shapes
from qtpy.QtCore import QObject, Signal

from napari_emrestore.core import Provenance
from napari_emrestore.pipeline.comparison import bake_off, hide_names
from napari_emrestore.restoration.plan import Rect
from napari_emrestore.widgets.compare.geometry import current_position, inverse, plane_of
from napari_emrestore.widgets.compare.sources import BAKED
from napari_emrestore.widgets.compare.viewing import camera_of
from napari_emrestore.widgets.layers import add_result, known_acquisition, metadata, read_frames
from napari_emrestore.widgets.preferences import read_preferences

if TYPE_CHECKING:
    from napari.layers import Image
    from napari.viewer import Viewer

    from napari_emrestore.pipeline.comparison import BakeOff, BlindTest, Candidate, Vote
    from napari_emrestore.widgets.compare.state import CompareState
    from napari_emrestore.widgets.jobs import Jobs


class Baker(QObject):
    """One bake-off at a time, from the click to the winner.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Gets the layers.
    state : CompareState
        Says what takes part.
    jobs : Jobs
        Runs the models.
    rng : Generator
        Draws the order of a blind test.

    Signals
    -------
    finished : list of Image
        The layers to compare: the box as it came, then one per model that ran.
    voted : Vote
        Whose layers carry their names now.
    """

    finished = Signal(object)
    voted = Signal(object)

    def __init__(self, viewer: Viewer, state: CompareState, jobs: Jobs, rng: np.random.Generator) -> None:
        super().__init__(jobs.parent())
        self._viewer, self._state, self._jobs, self._rng = viewer, state, jobs, rng
        self._source: Image | None = None
        self._blind: BlindTest | None = None
        self._made: dict[str, Candidate] = {}
        self._layers: dict[str, Image] = {}
        self.failures: dict[str, str] = {}
        self.vote_record: Vote | None = None
        jobs.succeeded.connect(self._show)

    @property
    def models(self) -> tuple[str, ...]:
        """Models whose names may be shown: all that ran, or none before a blind vote."""
        return () if self._blind is not None else tuple(self._made)

    @property
    def letters(self) -> tuple[str, ...]:
        """Letters to vote for; empty if there is no vote to cast."""
        return () if self._blind is None else tuple(self._blind.reveal())

    @property
    def source(self) -> Image | None:
        """The layer that was restored in a box."""
        return self._source

    def start(self) -> None:
        """Run the models that the state names on a box of its layer.

        Raises
        ------
        InputError
            If the layer shows nothing at the slider's place, or is no grey image.
        """
        state, layer = self._state, self._state.baked
        frames = read_frames(layer, at=current_position(layer, self._viewer)[:-1])
        data: Any = frames.data[0]
        if frames.is_stack:
            shown = current_position(layer, self._viewer)[-1]
            data = frames.data[_around(shown, state.frames, len(frames.data))]
            data = data[0] if state.frames == 1 else data
        box = self._box(layer, tuple(data.shape[-2:]))
        self._source, self.vote_record = layer, None
        work = partial(
            bake_off,
            data,
            list(state.models),
            box=box,
            acquisition=known_acquisition(layer),
            device=read_preferences().device,
        )
        self._jobs.start("Bake-off", lambda monitor: work(monitor=monitor))

    def vote(self, letter: str) -> None:
        """Name the layers of a blind test after a vote for one of them."""
        if self._blind is None or self._source is None:
            return
        vote = self._blind.vote(letter)
        for shown, name in self._blind.reveal().items():
            layer = self._layers[shown]
            layer.name = f"{self._source.name} · {name}"
            layer.metadata = _metadata(self._source, _provenance(self._made[name]), vote=asdict(vote))
        self._blind, self.vote_record = None, vote
        self.voted.emit(vote)

    def _show(self, made: BakeOff) -> None:
        source = self._source
        if source is None or source not in self._viewer.layers:
            return
        self.failures = dict(made.failures)
        self._made = {candidate.name: candidate for candidate in made.candidates}
        blind = self._state.blind and len(made.candidates) > 1
        self._blind = hide_names(made.candidates, self._rng) if blind else None
        shown = made.candidates if self._blind is None else self._blind.candidates
        add = partial(self._add, source, made.area)
        degraded = add(made.degraded, f"{source.name} · {made.degraded.name}")
        self._layers = {
            one.name: add(one, one.name if blind else f"{source.name} · {one.name}") for one in shown
        }
        self.finished.emit([degraded, *self._layers.values()] if self._layers else [])

    def _add(self, source: Image, area: Rect, candidate: Candidate, name: str) -> Image:
        provenance = _provenance(candidate) if candidate.provenance else None
        return add_result(
            self._viewer,
            np.asarray(candidate.image, np.float32),
            source,
            name,
            origin_px=(area.y0, area.x0),
            contrast_limits=source.contrast_limits,
            metadata=_metadata(source, provenance),
        )

    def _box(self, layer: Image, shape: tuple[int, ...]) -> Rect:
        """Return the selected rectangle of the regions, or a square around the centre of the view."""
        corners = self._selected_rectangle(layer)
        if corners is None:
            centre = layer.world_to_data(np.asarray(camera_of(self._viewer).center)[-layer.ndim :])[-2:]
            return _square(centre, self._state.box_px, shape)
        low, high = np.floor(corners.min(axis=0)), np.ceil(corners.max(axis=0)) + 1
        (y0, x0), (y1, x1) = (np.clip(ends, 0, shape).astype(int).tolist() for ends in (low, high))
        return Rect(y0, y1, x0, x1)

    def _selected_rectangle(self, layer: Image) -> Any:
        regions = self._state.regions
        if not isinstance(regions, Shapes):
            return None
        chosen = [k for k in sorted(regions.selected_data) if regions.shape_type[k] == "rectangle"]
        if not chosen:
            return None
        matrix = inverse(plane_of(layer)) @ plane_of(regions)
        return regions.data[chosen[0]][:, -2:] @ matrix[:2, :2].T + matrix[:2, 2]


def _provenance(candidate: Candidate) -> Provenance:
    record = dict(candidate.provenance)
    return replace(Provenance(**record), inputs=tuple(record.get("inputs", ())))


def _metadata(source: Image, provenance: Provenance | None, **more: Any) -> dict[str, Any]:
    return metadata(known_acquisition(source), provenance, **{BAKED: True}, **more)


def _around(position: int, frames: int, count: int) -> slice:
    """Return so many frames around a position, moved inwards at the ends of a stack."""
    frames = min(frames, count)
    first = min(max(0, position - frames // 2), count - frames)
    return slice(first, first + frames)


def _square(centre: Any, side: int, shape: tuple[int, ...]) -> Rect:
    """Return a square around a point, moved into the image and cut where that is smaller."""
    ends = []
    for middle, length in zip(np.asarray(centre, float), shape, strict=True):
        size = min(side, length)
        first = min(max(0, round(float(middle) - size / 2)), length - size)
        ends.append((first, first + size))
    return Rect(*ends[0], *ends[1])
