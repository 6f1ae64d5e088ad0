"""The connected microscope of the dock: going to a region, and a round of visits."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import QObject, Signal
from qtpy.QtWidgets import QFileDialog, QWidget

from napari_emrestore.core import DeviceError
from napari_emrestore.overview.targets.visiting import Arrival, go_there
from napari_emrestore.widgets.jobs import Jobs
from napari_emrestore.widgets.regions.targets.errands import Round, connect, visit_all
from napari_emrestore.widgets.regions.targets.telling import arrived, went, where
from napari_emrestore.widgets.regions.targets.visit_box import VisitBox

if TYPE_CHECKING:
    from napari_emrestore.cameras.micromanager_stage import MicroManagerStage
    from napari_emrestore.widgets.regions.targets.state import TargetsState


class Microscope(QObject):
    """Connects a stage, drives it, and says in its box what came of it.

    Parameters
    ----------
    state : TargetsState
        What is chosen; gets the name of the connected stage.
    parent : QWidget
        The part of the dock; its end lets the stage go.

    Signals
    -------
    changed
        Another stage, or a move has begun or ended.
    """

    changed = Signal()

    def __init__(self, state: TargetsState, parent: QWidget) -> None:
        super().__init__(parent)
        self._state = state
        self._round: Round | None = None
        self.jobs, self.device = Jobs(self), _Held()
        self.box = VisitBox(self.jobs)
        self.box.connect_asked.connect(self.link)
        self.box.go_asked.connect(self.go)
        self.box.run.asked.connect(self._ask_visit)
        self.jobs.started.connect(lambda _: self.changed.emit())
        self.jobs.part.connect(self._visited)
        self.jobs.succeeded.connect(self._driven)
        self.jobs.cancelled.connect(self._halted)
        self.jobs.failed.connect(lambda _: self._tell_round())
        self.jobs.ended.connect(self.changed)
        self.destroyed.connect(self.device.drop)

    def link(self) -> None:
        """Connect the microscope, or let go of it."""
        if self.jobs.running:
            return
        if self._state.microscope:
            self.device.drop()
            self._state.microscope = ""
            self.box.say("")
            self.changed.emit()
        else:
            self.jobs.start("Connecting", partial(connect, self._state.config or None))

    def go(self) -> None:
        """Drive the stage to the selected region."""
        state, region = self._state, self._state.selected_region()
        if region is None or state.stage is None or state.why_not_go() or self.jobs.running:
            return
        device, limits, stage = self.device.stage, state.limits(), state.stage
        self._round = None
        self.jobs.start(
            f"Going to region {region.id}",
            lambda monitor: go_there(region, stage, device, limits, monitor=monitor),
        )

    def visit(self, folder: str) -> None:
        """Drive the stage to the chosen regions and write frames of each into a folder."""
        state, chosen = self._state, self._state.chosen()
        if chosen is None or state.stage is None or state.why_not_visit() or self.jobs.running:
            return
        self._round = Round(Path(folder))
        work = partial(
            visit_all,
            chosen,
            state.stage,
            self.device.stage,
            state.limits(),
            self._round,
            frames=state.frames,
            nearest=state.nearest,
            fields=state.fields,
        )
        self.jobs.start("Visiting regions", work)

    def _ask_visit(self) -> None:
        folder = QFileDialog.getExistingDirectory(self.box, "Folder for the frames")
        if folder:
            self.visit(folder)

    def _visited(self, made: Round) -> None:
        self.box.say(arrived(made.arrivals[-1]))

    def _tell_round(self) -> None:
        if self._round is not None and self._round.arrivals:
            self.box.say(went(self._round))

    def _halted(self) -> None:
        """Say where the stage stands that was halted, and what was done until then."""
        if not self._state.microscope:
            self.box.run.say("Cancelled; nothing is connected.")
            return
        self.box.run.say("Stopped; the stage was halted.")
        done = "" if self._round is None else f"{went(self._round)} "
        self.box.say(f"{done}{where(self.device.stage)}")

    def _driven(self, outcome: MicroManagerStage | Arrival | Round) -> None:
        self.box.run.say("")
        if isinstance(outcome, Arrival):
            self.box.say(arrived(outcome))
        elif isinstance(outcome, Round):
            self.box.say(went(outcome))
        else:
            self.device.take(outcome)
            self._state.microscope = outcome.name
            self._round = None
            self.box.say(f"Connected. {where(outcome)}")


class _Held:
    """The connected stage; outlives the widgets, so that it can be let go of after them."""

    def __init__(self) -> None:
        self._stage: MicroManagerStage | None = None

    @property
    def stage(self) -> MicroManagerStage:
        if self._stage is None:
            raise DeviceError("A connected microscope is needed", came="none is")
        return self._stage

    def take(self, stage: MicroManagerStage) -> None:
        self.drop()
        self._stage = stage

    def drop(self) -> None:
        stage, self._stage = self._stage, None
        if stage is not None:
            stage.close()
