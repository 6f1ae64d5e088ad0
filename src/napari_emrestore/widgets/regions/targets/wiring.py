"""From buttons to files and moves, and from their outcome back to the dock."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from qtpy.QtWidgets import QFileDialog, QVBoxLayout, QWidget

from napari_emrestore.core import EmRestoreError
from napari_emrestore.overview.targets.catalogue import (
    TARGET_FORMATS,
    Exported,
    export_rois,
    import_rois,
    target_format,
)
from napari_emrestore.overview.targets.from_frames import mosaic_around, stage_map_of_mosaic
from napari_emrestore.overview.targets.gathering import Imported, join
from napari_emrestore.overview.targets.nav_maps import stage_map_of_nav
from napari_emrestore.overview.targets.stage_map import StageMap, read_stage_map, write_stage_map
from napari_emrestore.widgets.forms import section
from napari_emrestore.widgets.jobs import Jobs
from napari_emrestore.widgets.preferences import load_state, save_state
from napari_emrestore.widgets.regions.targets.crops_box import CropsBox
from napari_emrestore.widgets.regions.targets.driving import Microscope
from napari_emrestore.widgets.regions.targets.errands import (
    cut_crops,
    cut_virtual_maps,
)
from napari_emrestore.widgets.regions.targets.files_box import FilesBox
from napari_emrestore.widgets.regions.targets.stage_box import StageBox
from napari_emrestore.widgets.regions.targets.state import KEPT, Mark, TargetsState
from napari_emrestore.widgets.regions.targets.telling import counted

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from napari_emrestore.overview.regions import RegionSet

_NAME = "targets"
_STAGE_FILES = "Stage maps (*.stage.json *.json)"
_CONFIGS = "Micro-Manager configurations (*.cfg)"
_NAV_FILES = "SerialEM Navigator (*.nav)"


class RegionsHost(Protocol):
    """The dock this part sits in."""

    def change(self, regions: RegionSet, what: str) -> None:
        """Replace the regions, as a step that can be undone."""
        ...

    def raw_image(self) -> Any:
        """Return the raw overview ``(Y, X)``; raise `InputError` if what lies below is none."""
        ...


class Targets(QWidget):
    """Where the overview lies, files out and in, and visits; a part of the regions dock.

    Parameters
    ----------
    host : RegionsHost
        Takes imported regions.
    """

    def __init__(self, host: RegionsHost, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._host = host
        self.state = TargetsState()
        self.state.restore(load_state(_NAME))
        self.filing, self.cutting = Jobs(self), Jobs(self)
        self.stage_box, self.files_box = StageBox(), FilesBox()
        self.crops_box = CropsBox(self.cutting)
        self.microscope = Microscope(self.state, self)
        self.visit_box = self.microscope.box
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(section("Under the stage", self.stage_box, is_open=False))
        layout.addWidget(section("Export and import", self.files_box, is_open=False))
        layout.addWidget(section("Crops to realign to", self.crops_box, is_open=False))
        layout.addWidget(section("At the microscope", self.visit_box, is_open=False))
        self._connect()
        self._refresh()

    def show_regions(self, regions: RegionSet | None, selected: tuple[int, ...]) -> None:
        """Take what the dock shows; another overview begins without marks and stage map."""
        before = self.state.regions
        if regions is self.state.regions and selected == self.state.selected:
            return
        if _of_another(before, regions):
            self.filing.cancel()
            self.cutting.cancel()
            self._take_stage(None)
            self.state.mosaic = None if regions is None else mosaic_around(regions.overview.path)
            self.files_box.say("")
            self.crops_box.say("")
        self.state.regions, self.state.selected = regions, selected
        if self.state.marks and regions is not None:
            present = {one.id for one in regions.regions}
            self.state.marks = tuple(mark for mark in self.state.marks if mark.region_id in present)
            self.state.fit()
        self._refresh()

    def export(self, path: str) -> None:
        """Write the chosen regions to a file."""
        state, chosen = self.state, self.state.chosen()
        if chosen is None or state.why_not_export():
            return
        work = partial(export_rois, chosen, path, state.format, stage=state.stage, **state.export_options())
        self._file("Writing regions", work)

    def take(self, path: str) -> None:
        """Read regions from a file and add them."""
        if self.state.regions is None:
            return
        options = self.state.nav_options() if path.lower().endswith(".nav") else {}
        self._file(
            "Reading regions",
            partial(import_rois, path, self.state.regions.overview, stage=self.state.stage, **options),
        )

    def take_nav(self, path: str) -> None:
        """Take the stage map of SerialEM's own map of the overview."""
        if self.state.regions is not None:
            state, overview = self.state, self.state.regions.overview
            work = partial(stage_map_of_nav, path, overview, state.map_label, state.first_row)
            self._file("Reading the map", work)

    def take_frames(self) -> None:
        """Take the stage map of the mosaic's frames."""
        if self.state.mosaic is not None:
            self._file("Reading the layout", partial(stage_map_of_mosaic, self.state.mosaic))

    def open_stage_map(self, path: str) -> None:
        """Take a stage map that was saved."""
        self._file("Reading the stage map", partial(read_stage_map, path))

    def save_stage_map(self, path: str) -> None:
        """Write the stage map, for the command line and for tomorrow."""
        if self.state.stage is None:
            return
        try:
            write_stage_map(self.state.stage, path)
        except EmRestoreError as error:
            self.files_box.say(str(error))

    def mark(self) -> None:
        """Add the selected region to those whose stage position is known."""
        region = self.state.selected_region()
        if region is not None and not self.state.why_not_mark():
            self.state.marks = (*self.state.marks, Mark(region.id))
            self._refit()

    def tell(self, region_id: int, place_um: tuple[float, float] | None) -> None:
        """Set where a marked region lies under the stage, ``(y, x)``."""
        self.state.marks = tuple(
            replace(mark, stage_um=place_um) if mark.region_id == region_id else mark
            for mark in self.state.marks
        )
        self._refit()

    def cut(self, folder: str) -> None:
        """Write raw crops of the chosen regions into a folder."""
        state, chosen = self.state, self.state.chosen()
        if chosen is None or state.why_not_crop():
            return
        self.crops_box.say("")
        try:
            raw = self._host.raw_image()
        except EmRestoreError as error:
            self.crops_box.say(str(error))
            return
        work = cut_virtual_maps if state.imitate else cut_crops
        self.cutting.start("Cutting crops", partial(work, chosen, raw, folder, state.crop_options()))

    def _connect(self) -> None:
        stage, files, visit = self.stage_box, self.files_box, self.visit_box
        stage.mark_asked.connect(self.mark)
        stage.told.connect(self.tell)
        stage.unmark_asked.connect(self._unmark)
        stage.read_asked.connect(self._read_stage)
        stage.frames_asked.connect(self.take_frames)
        stage.nav_asked.connect(lambda: self._ask_open("SerialEM map", _NAV_FILES, self.take_nav))
        stage.open_asked.connect(lambda: self._ask_open("Stage map", _STAGE_FILES, self.open_stage_map))
        stage.save_asked.connect(self._save_stage)
        for box in (files, self.crops_box, visit):
            box.changed.connect(self._set)
        files.nav_asked.connect(
            lambda: self._ask_open("SerialEM map", _NAV_FILES, lambda path: self._set({"nav": path}))
        )
        visit.config_asked.connect(
            lambda: self._ask_open("Configuration", _CONFIGS, lambda path: self._set({"config": path}))
        )
        files.export_asked.connect(self._ask_export)
        files.import_asked.connect(lambda: self._ask_open("Import regions", _readable(), self.take))
        self.crops_box.run.asked.connect(self._ask_cut)
        self.cutting.succeeded.connect(self._cut)
        self.cutting.ended.connect(self._refresh)
        self.filing.succeeded.connect(self._filed)
        self.filing.failed.connect(lambda error: self.files_box.say(str(error)))
        self.microscope.changed.connect(self._refresh)

    def _set(self, values: dict[str, Any]) -> None:
        for name, value in values.items():
            setattr(self.state, name, value)
        if set(values) & set(KEPT):
            save_state(_NAME, self.state.to_record())
        self._refresh()

    def _take_stage(self, stage: StageMap | None) -> None:
        state = self.state
        state.marks, state.stage, state.fitted, state.problem = (), stage, False, ""

    def _refit(self) -> None:
        self.state.fit()
        self._refresh()

    def _refresh(self) -> None:
        self.stage_box.show_state(self.state)
        self.files_box.show_state(self.state)
        self.crops_box.show_state(self.state)
        self.visit_box.show_state(self.state, busy=self.microscope.jobs.running)

    def _unmark(self, region_id: int) -> None:
        self.state.marks = tuple(mark for mark in self.state.marks if mark.region_id != region_id)
        self._refit()

    def _read_stage(self, region_id: int) -> None:
        try:
            self.tell(region_id, self.microscope.device.stage.position_um())
        except EmRestoreError as error:
            self.visit_box.say(str(error))

    def _file(self, title: str, work: Callable[[], Any]) -> None:
        self.files_box.say("")
        self.filing.start(title, lambda monitor: work())

    def _filed(self, outcome: Exported | Imported | StageMap) -> None:
        if isinstance(outcome, StageMap):
            self._take_stage(outcome)
        elif isinstance(outcome, Exported):
            count = outcome.count
            self.files_box.say(_joined(f"{counted(count, 'region')} in {outcome.path.name}.", outcome.notes))
        elif not _of_another(self.state.regions, outcome.regions) and self.state.regions is not None:
            count = len(outcome.regions.regions)
            self._host.change(join(self.state.regions, outcome.regions), "importing")
            self.files_box.say(_joined(f"{counted(count, 'region')} came in.", outcome.notes))
        self._refresh()

    def _cut(self, files: list[Path]) -> None:
        self.crops_box.run.say("")
        first, count = files[0], sum(file.suffix == ".mrc" for file in files)
        virtual = f" and {first.name}, to open in SerialEM from there," if count < len(files) else ""
        self.crops_box.say(f"{counted(count, 'crop')}{virtual} in {first.parent}.")

    def _ask_open(self, title: str, kinds: str, then: Callable[[str], None]) -> None:
        path, _ = QFileDialog.getOpenFileName(self, title, "", kinds)
        if path:
            then(path)

    def _ask_export(self) -> None:
        row = target_format(self.state.format)
        pattern = " ".join(f"*{suffix}" for suffix in row.suffixes)
        path, _ = QFileDialog.getSaveFileName(
            self, "Export regions", f"targets{row.suffixes[0]}", f"{row.title} ({pattern})"
        )
        if path:
            self.export(path)

    def _ask_cut(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Folder for the crops")
        if folder:
            self.cut(folder)

    def _save_stage(self) -> None:
        path, _ = QFileDialog.getSaveFileName(self, "Stage map", "overview.stage.json", _STAGE_FILES)
        if path:
            self.save_stage_map(path)


def _of_another(before: RegionSet | None, now: RegionSet | None) -> bool:
    return (None if before is None else before.overview) != (None if now is None else now.overview)


def _readable() -> str:
    patterns = sorted({f"*{suffix}" for row in TARGET_FORMATS for suffix in row.suffixes} | {"*.json"})
    return f"Regions and positions ({' '.join(patterns)})"


def _joined(first: str, notes: tuple[str, ...]) -> str:
    return " ".join((first, *notes))
