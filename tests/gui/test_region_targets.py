"""The way to the microscope in the regions dock: marks, residual, files out and in, the demo stage."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from napari_emrestore.io import FrameStack, open_frames
from napari_emrestore.overview import assemble
from napari_emrestore.overview.layout import Layout
from napari_emrestore.overview.region_geometry import centre
from napari_emrestore.overview.regions import Overview, Region, RegionClass, RegionSet
from napari_emrestore.overview.shading import even
from napari_emrestore.overview.targets import StageMap, read_stage_map
from napari_emrestore.overview.targets.visiting import Arrival, Stop
from napari_emrestore.widgets.regions.targets.errands import Round
from napari_emrestore.widgets.regions.targets.state import TargetsState
from napari_emrestore.widgets.regions.targets.telling import went
from napari_emrestore.widgets.regions.targets.wiring import Targets

LANDMARK = RegionClass("landmark", "#2ec4b6", "w")
PLACES = ((10.0, 20.0), (15.0, 180.0), (90.0, 40.0), (85.0, 170.0))
STAGE = StageMap(((-0.5, 0.0, 30.0), (0.0, 0.5, -20.0), (0.0, 0.0, 1.0)))
NAV = """AdocVersion = 2.00

[Item = M1]
Color = 2
StageXYZ = 5 6 7
NumPts = 0
Regis = 1
Type = 2
MapFile = a.mrc
MapID = 123456
MapScaleMat = 2 0 0 2
MapWidthHeight = 200 100

"""
PATIENCE_MS = 60_000


class Host:
    """The dock, as far as this part knows it."""

    def __init__(self):
        self.changes = []
        self.raw = np.random.default_rng(0).random((100, 200))

    def change(self, regions, what):
        self.changes.append((regions, what))

    def raw_image(self):
        return self.raw


@pytest.fixture
def regions():
    points = tuple(Region(k, "point", "landmark", (place,)) for k, place in enumerate(PLACES, start=1))
    return RegionSet(Overview("grid", (100, 200), (500.0, 500.0)), (LANDMARK,), points)


@pytest.fixture
def part(qtbot, regions):
    found = Targets(Host())
    qtbot.addWidget(found)
    found.resize(300, 900)
    found.show_regions(regions, (1,))
    yield found
    found.microscope.device.drop()


def mark_all(part, regions, wrong_um=0.0):
    for one in regions.regions:
        part.show_regions(regions, (one.id,))
        part.stage_box.mark.click()
        y, x = STAGE.to_stage(centre(one))
        row = part.stage_box.table.rowCount() - 1
        part.stage_box.table.item(row, 1).setText(f"{x}")
        part.stage_box.table.item(row, 2).setText(f"{y + (wrong_um if one.id == 4 else 0)}")


def test_marked_points_give_a_map_with_its_residual(part, regions):
    assert "3 more points" in part.stage_box.verdict.text()
    mark_all(part, regions)
    assert "Residual" in part.stage_box.verdict.text()
    assert "500 × 500 nm per pixel" in part.stage_box.verdict.text()
    assert part.state.stage.to_stage((50, 50)) == pytest.approx(tuple(STAGE.to_stage((50, 50))))
    part.tell(4, None)
    assert part.state.stage.fit.kind == "similarity"
    part.stage_box.table.setCurrentCell(0, 1)
    part.stage_box.unmark.click()
    assert part.state.stage is None
    assert "Mark 1 more point with" in part.stage_box.verdict.text()


def test_a_wrong_position_shows_in_the_residual(part, regions):
    mark_all(part, regions, wrong_um=4.0)
    assert part.state.stage.fit.residual_um == pytest.approx(1.0, rel=0.2)


def test_marks_follow_their_points_and_go_with_them(part, regions):
    mark_all(part, regions)
    part.show_regions(regions.edit([1], vertices=((12.0, 22.0),)), ())
    assert part.state.stage.fit.residual_um > 0.1
    part.show_regions(regions.remove([1]), ())
    assert [mark.region_id for mark in part.state.marks] == [2, 3, 4]


def test_points_in_one_line_are_explained(part, regions):
    line = regions.change([1, 2, 3], lambda one: replace(one, vertices=((10.0, 50.0 * one.id),)))
    part.show_regions(line, ())
    for k in (1, 2, 3):
        part.show_regions(line, (k,))
        part.mark()
        part.tell(k, (1.0, 25.0 * k))
    assert "one line" in part.stage_box.verdict.text()


def test_another_overview_begins_anew(part, regions):
    mark_all(part, regions)
    other = replace(regions, overview=Overview("other", (100, 200)))
    part.show_regions(other, ())
    assert part.state.stage is None
    assert part.stage_box.table.rowCount() == 0


def test_regions_go_out_and_come_in(part, regions, qtbot, tmp_path):
    assert not part.files_box.export.isEnabled()
    assert "under the stage" in part.files_box.export.toolTip()
    mark_all(part, regions)
    part.files_box.format.setCurrentIndex(part.files_box.format.findData("micromanager"))
    assert part.files_box.rows.isRowVisible(part.files_box.lines["xy_device"])
    with qtbot.waitSignal(part.filing.succeeded, timeout=PATIENCE_MS):
        part.export(str(tmp_path / "a.pos"))
    assert part.files_box.outcome.text().startswith("4 regions in a.pos.")
    with qtbot.waitSignal(part.filing.succeeded, timeout=PATIENCE_MS):
        part.take(str(tmp_path / "a.pos"))
    ((joined, what),) = part._host.changes
    assert what == "importing"
    assert len(joined.regions) == 8
    assert joined.classes == (LANDMARK,)
    assert centre(joined.regions[4]) == pytest.approx(PLACES[0])


def test_only_selected_regions_go_out(part, regions, qtbot, tmp_path):
    part.files_box.format.setCurrentIndex(part.files_box.format.findData("geojson"))
    part.files_box.only_selected.setChecked(True)
    part.show_regions(regions, (2, 3))
    with qtbot.waitSignal(part.filing.succeeded, timeout=PATIENCE_MS):
        part.export(str(tmp_path / "a.geojson"))
    assert part.files_box.outcome.text().startswith("2 regions")
    part.show_regions(regions, ())
    assert not part.files_box.export.isEnabled()


def test_what_cannot_be_read_is_said(part, qtbot, tmp_path):
    (tmp_path / "a.geojson").write_text("{")
    with qtbot.waitSignal(part.filing.failed, timeout=PATIENCE_MS):
        part.take(str(tmp_path / "a.geojson"))
    assert "a.geojson" in part.files_box.outcome.text()
    assert part._host.changes == []


def test_serialems_map_is_a_stage_map_and_makes_items_on_it(part, qtbot, tmp_path):
    nav = tmp_path / "grid.nav"
    nav.write_text(NAV.replace(".mrc", ".tif"))
    with qtbot.waitSignal(part.filing.succeeded, timeout=PATIENCE_MS):
        part.take_nav(str(nav))
    assert part.state.stage.to_stage((49.5, 99.5)) == pytest.approx((6, 5))
    assert "Residual not measured" in part.stage_box.verdict.text()
    part._set({"nav": str(nav)})
    with qtbot.waitSignal(part.filing.succeeded, timeout=PATIENCE_MS):
        part.export(str(tmp_path / "targets.nav"))
    assert "CoordsInMap" in (tmp_path / "targets.nav").read_text()


def test_crops_are_cut_as_told_or_as_a_map(part, regions, qtbot, tmp_path):
    part._set({"crop_height": 8, "crop_width": 10, "crop_nm": 250.0})
    assert part.crops_box.run.button.isEnabled()
    with qtbot.waitSignal(part.cutting.ended, timeout=PATIENCE_MS):
        part.cut(str(tmp_path / "crops"))
    assert part.crops_box.outcome.text() == f"4 crops in {tmp_path / 'crops'}."
    with open_frames(tmp_path / "crops" / "R1.mrc") as stack:
        assert (stack.frame_shape, stack.acquisition.pixel_size_nm) == ((8, 10), (250.0, 250.0))
    part.crops_box.imitate.setText("M2")
    part.crops_box.imitate.editingFinished.emit()
    assert not part.crops_box.run.button.isEnabled()
    assert not part.crops_box.rows.isRowVisible(part.crops_box.pixel)
    (tmp_path / "grid.nav").write_text(NAV + NAV[NAV.index("[Item") :].replace("M1", "M2"))
    part._set({"nav": str(tmp_path / "grid.nav"), "map_label": "M1"})
    with qtbot.waitSignal(part.cutting.ended, timeout=PATIENCE_MS):
        part.cut(str(tmp_path / "virtual"))
    assert "upside down" in part.crops_box.run.label.text()
    part.files_box.first_row.setCurrentIndex(part.files_box.first_row.findData("bottom"))
    with qtbot.waitSignal(part.cutting.ended, timeout=PATIENCE_MS):
        part.cut(str(tmp_path / "virtual"))
    assert part.crops_box.outcome.text().startswith("4 crops and targets.nav, to open in SerialEM")


def test_frames_of_a_mosaic_know_the_stage(part, regions, qtbot, tmp_path):
    places = np.array([(20.0 * (k // 5), 40.0 * (k % 5)) for k in range(20)])
    layout = Layout(
        (40, 40), (100, 200), places, np.zeros(20), ("image",) * 20, even((40, 40), 20, 0.0),
        stage_um=STAGE.to_stage(places + 19.5), pixel_size_nm=(500.0, 500.0),
    )  # fmt: skip
    assemble(FrameStack.from_array(np.full((20, 40, 40), 9, np.uint8)), tmp_path / "scan.zarr", layout=layout)
    assert not part.stage_box.frames.isEnabled()
    inside = replace(regions.overview, path=str(tmp_path / "scan.zarr" / "raw"))
    part.show_regions(replace(regions, overview=inside), ())
    with qtbot.waitSignal(part.filing.succeeded, timeout=PATIENCE_MS):
        part.stage_box.frames.click()
    assert "stage positions of 20 frames" in part.stage_box.verdict.text()
    assert part.state.stage.to_stage((50, 50)) == pytest.approx(tuple(STAGE.to_stage((50, 50))))


def test_stage_maps_are_kept_in_files(part, regions, qtbot, tmp_path):
    mark_all(part, regions)
    part.save_stage_map(str(tmp_path / "a.stage.json"))
    assert read_stage_map(tmp_path / "a.stage.json") == part.state.stage
    assert len(part.state.marks) == 4, "saving forgets no marks"
    with qtbot.waitSignal(part.filing.succeeded, timeout=PATIENCE_MS):
        part.open_stage_map(str(tmp_path / "a.stage.json"))
    part.show_regions(regions, (1,))
    part.mark()
    assert part.state.stage is not None, "a map that was opened stays until marks give another"


def test_choices_are_found_again(part, qtbot):
    part.files_box.format.setCurrentIndex(part.files_box.format.findData("coco"))
    part.visit_box.frames.setValue(7)
    again = Targets(Host())
    qtbot.addWidget(again)
    assert (again.state.format, again.state.frames) == ("coco", 7)


def test_the_state_says_what_is_missing(regions):
    state = TargetsState()
    assert "Open an image" in state.why_not_export()
    assert "Connect" in state.why_not_go()
    state.regions, state.microscope = regions, "XY"
    assert "under the stage" in state.why_not_visit()
    state.stage = STAGE
    assert "Select one region" in state.why_not_go()
    assert state.why_not_visit() == ""
    state.restore({"format": "nonsense", "frames": "many", "nearest": False})
    assert (state.format, state.frames, state.nearest) == ("serialem", 1, False)


@pytest.fixture
def connected(part, regions, qtbot):
    pytest.importorskip("pymmcore_plus")
    pytest.importorskip("mm_test_adapters")
    mark_all(part, regions)
    part._set({"config": "MMConfig_demo.cfg"})
    with qtbot.waitSignal(part.microscope.jobs.succeeded, timeout=PATIENCE_MS):
        part.visit_box.link.click()
    return part


def test_the_demo_stage_goes_to_the_selected_region_and_visits_all(connected, regions, qtbot, tmp_path):
    part = connected
    assert part.visit_box.link.text() == "Disconnect XY"
    part.show_regions(regions, (3,))
    with qtbot.waitSignal(part.microscope.jobs.succeeded, timeout=PATIENCE_MS):
        part.visit_box.go.click()
    reached = part.microscope.device.stage.position_um()
    assert reached == pytest.approx(tuple(STAGE.to_stage(PLACES[2])), abs=0.02)
    assert "Region 3: the stage stands at y -15.0" in part.visit_box.place.text()
    part.visit_box.frames.setValue(2)
    with qtbot.waitSignal(part.microscope.jobs.succeeded, timeout=PATIENCE_MS):
        part.microscope.visit(str(tmp_path / "visits"))
    assert "4 places visited, at most" in part.visit_box.place.text()
    assert str(tmp_path / "visits") in part.visit_box.place.text()
    with open_frames(tmp_path / "visits" / "R2.ome.tif") as stack:
        assert len(stack) == 2
        assert np.allclose(stack.acquisition.extra["stage_um"], STAGE.to_stage(PLACES[1]), atol=0.02)
    part.visit_box.link.click()
    assert part.state.microscope == ""
    assert not part.visit_box.go.isEnabled()


def test_a_cancelled_round_halts_the_stage_and_says_what_was_done(connected, regions, qtbot, tmp_path):
    part = connected
    part._set({"nearest": False})
    part.microscope.jobs.part.connect(lambda _: part.visit_box.run.button.click())
    with qtbot.waitSignal(part.microscope.jobs.cancelled, timeout=PATIENCE_MS):
        part.microscope.visit(str(tmp_path / "visits"))
    made = sorted(path.name for path in (tmp_path / "visits").iterdir())
    assert 1 <= len(made) < 4
    assert made == [f"R{k}.ome.tif" for k in range(1, len(made) + 1)]
    assert "the stage was halted" in part.visit_box.run.label.text()
    assert f"{len(made)} of 4 places visited" in part.visit_box.place.text()
    assert "The stage stands at" in part.visit_box.place.text()
    stage = part.microscope.device.stage
    halted = stage.position_um()
    qtbot.wait(300)
    assert stage.position_um() == pytest.approx(halted, abs=0.02)
    part.show_regions(regions, (1,))
    with qtbot.waitSignal(part.microscope.jobs.succeeded, timeout=PATIENCE_MS):
        part.visit_box.go.click()
    assert stage.position_um() == pytest.approx(tuple(STAGE.to_stage(PLACES[0])), abs=0.02)


def test_a_region_that_is_not_reached_is_named(part):
    stop = Stop(3, 1, (1.0, 2.0))
    made = Round(Path("visits"), 5, [Arrival(stop, (1.0, 3.0), 1.0, False)])
    assert went(made) == (
        "1 of 5 places visited, at most 1 µm off; frames are in visits. "
        "Beyond the tolerance of 0.5 µm: region 3. Check the stage."
    )
    assert went(Round(Path("visits"), 1)) == "None of 1 place was visited."


def test_nothing_moves_beyond_the_overview_without_a_margin(connected, regions, qtbot):
    part = connected
    part.show_regions(regions.add(Region(1, "point", "landmark", ((130.0, 50.0),))), (5,))
    before = part.microscope.device.stage.position_um()
    with qtbot.waitSignal(part.microscope.jobs.failed, timeout=PATIENCE_MS):
        part.visit_box.go.click()
    assert "Nothing has moved" in part.visit_box.run.label.text()
    assert part.microscope.device.stage.position_um() == before
    part.visit_box.margin.setValue(20.0)
    with qtbot.waitSignal(part.microscope.jobs.succeeded, timeout=PATIENCE_MS):
        part.visit_box.go.click()


def test_the_stage_can_be_read_into_a_mark(connected, regions):
    part = connected
    part.stage_box.table.setCurrentCell(2, 1)
    part.stage_box.read.click()
    assert part.state.marks[2].stage_um == pytest.approx(part.microscope.device.stage.position_um())


def test_in_the_dock_imported_regions_are_drawn_and_can_be_undone(make_napari_viewer_proxy, qtbot, tmp_path):
    from napari_emrestore.widgets.regions.wiring import RegionsDock

    viewer = make_napari_viewer_proxy()
    viewer.add_image(np.random.default_rng(0).random((100, 200)), name="grid")
    dock = RegionsDock(viewer)
    qtbot.addWidget(dock)
    qtbot.waitUntil(lambda: dock.state.regions is not None, timeout=PATIENCE_MS)
    (tmp_path / "a.csv").write_text("y_px,x_px,class\n10,20,hole\n30,40,hole\n")
    with qtbot.waitSignal(dock.targets.filing.succeeded, timeout=PATIENCE_MS):
        dock.targets.take(str(tmp_path / "a.csv"))
    assert [centre(one) for one in dock.state.regions.regions] == [(10.0, 20.0), (30.0, 40.0)]
    assert "hole" in [one.name for one in dock.state.regions.classes]
    assert dock.targets.state.regions is dock.state.regions
    dock.undo()
    assert dock.state.regions.regions == ()
