"""The compare dock: numbers follow what changes, maps are never old, napari is given back as it was."""

import csv
import subprocess
import sys

import dask.array as da
import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image
from qtpy.QtCore import Qt
from scipy.ndimage import gaussian_filter, label

from napari_emrestore.core import Provenance
from napari_emrestore.metrics import psnr, ssim
from napari_emrestore.widgets.compare import CompareDock, keys, live, sources, viewing
from napari_emrestore.widgets.compare.state import CompareState
from napari_emrestore.widgets.layers import add_result, provenance_of
from napari_emrestore.widgets.restore import RestoreDock

WAIT_MS = 60_000
SHAPE = (64, 82)
PLACE = {"scale": (2.0, 2.0), "units": ("nm", "nm"), "axis_labels": ("y", "x")}


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Do not wait for a person to finish typing."""
    monkeypatch.setattr(live, "_WAIT_MS", 1)


@pytest.fixture(scope="module")
def scene():
    field = gaussian_filter(np.random.default_rng(0).normal(size=SHAPE), 2)
    return (100 + 60 * field / np.abs(field).max()).astype(np.float32)


@pytest.fixture
def viewer(scene):
    """Raw layer, ground truth and two restorations of which the first is better; without a window."""
    return filled(ViewerModel(), scene)


def filled(viewer, scene):
    rng = np.random.default_rng(1)
    raw = viewer.add_image((scene + rng.normal(0, 15, SHAPE)).astype(np.float32), name="stream", **PLACE)
    viewer.add_image(scene, name="ground truth", **PLACE)
    for name, noise in (("good", 2), ("poor", 9)):
        image = (scene + rng.normal(0, noise, SHAPE)).astype(np.float32)
        add_result(viewer, image, raw, f"stream · {name}", provenance=Provenance("restore", seconds=1.5))
    return viewer


@pytest.fixture
def dock(qtbot, viewer):
    return opened(qtbot, viewer)


def opened(qtbot, viewer):
    dock = CompareDock(viewer)
    qtbot.addWidget(dock)
    with qtbot.waitSignal(dock.live.measured, timeout=WAIT_MS):
        pass
    return dock


def after(qtbot, dock, change):
    """Change something and return what is measured because of it."""
    with qtbot.waitSignal(dock.live.measured, timeout=WAIT_MS) as heard:
        change()
    return heard.args[0]


def setting(dock, **values):
    def change():
        for name, value in values.items():
            setattr(dock.state, name, value)

    return change


def cells(dock):
    table = dock.view.numbers.table
    return {
        (table.verticalHeaderItem(y).text(), table.horizontalHeaderItem(x).toolTip()): table.item(y, x).text()
        for y in range(table.rowCount())
        for x in range(table.columnCount())
    }


class TestNumbers:
    def test_restorations_their_input_and_the_truth_are_picked_by_themselves(self, dock, viewer, scene):
        assert [layer.name for layer in dock.state.candidates] == ["stream", "stream · good", "stream · poor"]
        assert dock.state.truth.name == "ground truth"
        assert dock.state.raw.name == "stream"
        good = viewer.layers["stream · good"].data
        span = float(np.ptp(scene))
        assert cells(dock)["stream · good", "SSIM"] == f"{ssim(good, scene, data_range=span):.4f}"
        assert cells(dock)["stream · good", "PSNR (dB)"] == f"{psnr(good, scene, data_range=span):.2f}"
        assert cells(dock)["stream · good", "seconds"] == "1.50"
        assert cells(dock)["stream", "seconds"] == "–"
        assert f"Data range {span:.6g}" in dock.view.numbers.note.text()

    def test_what_is_called_a_truth_is_none_when_it_was_restored(self, viewer, scene):
        record = Provenance("restore")
        truth = viewer.layers["ground truth"]
        add_result(viewer, scene, truth, "ground truth · mean", provenance=record)
        candidates, picked, raw = sources.pick(list(viewer.layers))
        assert (picked, raw.name) == (truth, "stream")
        assert [layer.name for layer in candidates][-1] == "ground truth · mean"

    def test_a_new_restoration_joins(self, qtbot, dock, viewer, scene):
        def restore():
            add_result(
                viewer, scene, viewer.layers["stream"], "stream · new", provenance=Provenance("restore")
            )

        after(qtbot, dock, restore)
        assert cells(dock)["stream · new", "PSNR (dB)"] == "∞"

    def test_the_table_follows_pixels_that_change(self, qtbot, dock, viewer, scene):
        layer = viewer.layers["stream · poor"]
        after(qtbot, dock, lambda: setattr(layer, "data", scene + 1))
        assert cells(dock)["stream · poor", "MAE"] == "1"

    def test_no_number_outlives_its_images(self, qtbot, dock, viewer):
        with qtbot.waitSignal(dock.live.measured, timeout=WAIT_MS):
            viewer.layers["stream · good"].data = np.zeros(SHAPE, np.float32)
            assert cells(dock) == {}
            assert dock.view.numbers.note.text() == "Measuring …"

    def test_ticks_by_hand_end_the_automatic(self, qtbot, dock):
        item = dock.view.images.candidates.item(0)
        after(qtbot, dock, lambda: item.setCheckState(Qt.CheckState.Unchecked))
        assert not dock.state.automatic
        assert "stream" not in {layer.name for layer in dock.state.candidates}

    def test_without_truth_nothing_is_called_a_score(self, qtbot, dock):
        after(qtbot, dock, setting(dock, automatic=False, truth=None))
        titles = " ".join(title for _, title in cells(dock))
        assert "similarity to reference" in titles
        assert "PSNR" not in titles
        assert "'stream'" in dock.view.numbers.note.text()
        assert cells(dock)["stream", "similarity to reference"] == "–"

    def test_the_matched_twin_is_a_tick_away(self, dock):
        dock.view.numbers.matched.click()
        assert "SSIM, matched" in {title for _, title in cells(dock)}

    def test_layers_with_other_crops_are_compared_where_they_overlap(self, qtbot, dock, viewer, scene):
        crop = viewer.add_image(scene[10:40, 20:70], name="crop", **{**PLACE, "translate": (20.0, 40.0)})
        measured = after(qtbot, dock, setting(dock, automatic=False, candidates=(crop,)))
        (row,) = measured.numbers.rows
        assert (row.mae, row.pixels) == (0, 30 * 50)

    @pytest.mark.parametrize(
        ("place", "says"),
        [
            ({"translate": (1.0, 0.0)}, "pixel grid"),
            ({"scale": (2.0, 2.5)}, "pixel size"),
            ({"rotate": 5}, "rotated"),
            ({"translate": (500.0, 0.0)}, "no pixel"),
        ],
    )
    def test_layers_off_the_grid_are_refused_in_a_sentence(self, qtbot, dock, viewer, scene, place, says):
        layer = viewer.add_image(scene, name="other", **{**PLACE, **place})
        with qtbot.waitSignal(dock.live.refused, timeout=WAIT_MS):
            setting(dock, automatic=False, candidates=(dock.state.candidates[0], layer))()
        assert says in dock.view.images.problem.text()
        assert cells(dock) == {}

    def test_units_count(self, qtbot, dock, viewer, scene):
        micro = viewer.add_image(scene, name="same in µm", scale=(2e-3, 2e-3), units=("µm", "µm"))
        measured = after(qtbot, dock, setting(dock, automatic=False, candidates=(micro,)))
        assert measured.numbers.rows[0].mae == 0

    def test_stacks_and_lazy_pyramids_are_compared_at_the_slider(self, qtbot, scene):
        viewer = ViewerModel()
        stack = np.stack([scene + k for k in range(3)])
        viewer.add_image(da.from_array(stack), name="stack", contrast_limits=(0, 200))
        viewer.add_image(
            [stack, stack[:, ::2, ::2]], name="pyramid", multiscale=True, contrast_limits=(0, 200)
        )
        truth = viewer.add_image(scene, name="flat truth")
        dock = CompareDock(viewer)
        qtbot.addWidget(dock)
        viewer.dims.set_point(0, 0)
        layers = tuple(viewer.layers)[:2]
        after(qtbot, dock, setting(dock, automatic=False, candidates=layers, truth=truth))
        measured = after(qtbot, dock, lambda: viewer.dims.set_point(0, 2))
        assert [row.mae for row in measured.numbers.rows] == pytest.approx([2, 2], rel=1e-5)

    def test_the_visible_field_follows_the_camera(self, qtbot, dock, viewer):
        def look():
            for layer in viewer.layers:
                layer.corner_pixels = np.array([[10, 20], [29, 59]])
            viewing.camera_of(viewer).zoom = 3

        measured = after(qtbot, dock, look)
        assert measured.numbers is None
        assert measured.visible.rows[0].pixels == 20 * 40
        dock.state.region = "visible field"
        assert "800 pixels" in dock.view.numbers.note.text()

    def test_three_dimensions_are_refused(self, qtbot, dock, viewer):
        with qtbot.waitSignal(dock.live.refused, timeout=WAIT_MS):
            viewer.dims.ndisplay = 3
        assert "2-D" in dock.view.images.problem.text()


class TestRegions:
    RECTANGLE = np.array([[10, 20], [10, 49], [29, 49], [29, 20]])

    def test_numbers_of_shapes_go_into_their_features(self, qtbot, dock, viewer, scene):
        shapes = viewer.add_shapes(
            [self.RECTANGLE, np.array([[0, 0], [9, 9]])],
            shape_type=["rectangle", "line"],
            features={"mine": ["a", "b"]},
            **PLACE,
        )
        after(qtbot, dock, setting(dock, regions=shapes))
        good = viewer.layers["stream · good"].data
        error = np.abs(good - scene)[10:30, 20:50].mean()
        assert shapes.features["MAE: stream · good"][0] == pytest.approx(error, rel=1e-5)
        assert np.isnan(shapes.features["MAE: stream · good"][1])
        assert list(shapes.features["mine"]) == ["a", "b"]
        assert shapes.features["compared with"][0] == "ground truth"
        dock.state.region = "shape 1"
        assert cells(dock)["stream · good", "MAE"] == f"{error:.4g}"

    def test_they_follow_the_drawing(self, qtbot, dock, viewer):
        shapes = viewer.add_shapes([self.RECTANGLE], shape_type="rectangle", **PLACE)
        after(qtbot, dock, setting(dock, regions=shapes))
        measured = after(qtbot, dock, lambda: setattr(shapes, "data", [self.RECTANGLE[:, ::-1]]))
        assert measured.snapshot.regions[0].area.slices == (slice(20, 50), slice(10, 30))
        more = after(qtbot, dock, lambda: shapes.add_ellipses(self.RECTANGLE))
        area = next(row.pixels for row in more.numbers.rows if row.region == "shape 2")
        assert area == pytest.approx(np.pi * 9.5 * 14.5, rel=0.1)

    def test_labels_get_a_row_each(self, qtbot, dock, viewer, scene):
        labels = np.zeros(SHAPE, int)
        labels[5:30, 5:40], labels[40:60, 50:70] = 3, 7
        layer = viewer.add_labels(labels, **PLACE)
        after(qtbot, dock, setting(dock, regions=layer))
        assert list(layer.features["index"]) == [3, 7]
        error = np.abs(viewer.layers["stream · poor"].data - scene)[40:60, 50:70].mean()
        assert layer.features["MAE: stream · poor"][1] == pytest.approx(error, rel=1e-5)
        layer.data_setitem((np.array([0]), np.array([0])), 9)
        with qtbot.waitSignal(dock.live.measured, timeout=WAIT_MS):
            pass
        assert list(layer.features["index"]) == [3, 7, 9]

    def test_letting_go_of_regions_takes_our_columns_out(self, qtbot, dock, viewer):
        shapes = viewer.add_shapes(
            [self.RECTANGLE], shape_type="rectangle", features={"mine": ["a"]}, **PLACE
        )
        after(qtbot, dock, setting(dock, regions=shapes))
        after(qtbot, dock, setting(dock, regions=None))
        assert list(shapes.features.columns) == ["mine"]

    def test_a_layer_to_draw_in_comes_with_the_tool(self, dock, viewer):
        dock.view.numbers.draw.click()
        assert dock.state.regions.mode == "add_rectangle"
        np.testing.assert_allclose(dock.state.regions.scale, (2, 2))


class TestSegmentation:
    @pytest.fixture
    def cells_viewer(self):
        """Cells between dark walls: raw, a restoration with fewer errors, the truth, and labels of people."""
        y, x = np.mgrid[:96, :120]
        walls = (y % 32 < 4) | (x % 40 < 4)
        truth = gaussian_filter(np.where(walls, 40.0, 160.0), 1).astype(np.float32)
        noise = np.random.default_rng(0).normal(0, 1, truth.shape)
        viewer = ViewerModel()
        raw = viewer.add_image((truth + 150 * noise).astype(np.float32), name="stream", **PLACE)
        viewer.add_image(truth, name="ground truth", **PLACE)
        made = (truth + 10 * noise).astype(np.float32)
        add_result(viewer, made, raw, "stream · good", provenance=Provenance("restore"))
        true = label(~walls)[0]
        viewer.add_labels(true, name="drawn", **PLACE)
        viewer.add_labels(np.where(true > 0, 1, 0), name="merged", **PLACE)
        return viewer

    @pytest.fixture
    def dock(self, qtbot, cells_viewer):
        return opened(qtbot, cells_viewer)

    def measured(self, qtbot, dock):
        with qtbot.waitSignal(dock.segmenting.measured, timeout=WAIT_MS) as heard:
            dock.view.segments.run.button.click()
        return {(row.name, row.region): row for row in heard.args[0].rows}

    def choose(self, dock, name):
        menu = dock.view.segments.true_regions
        menu.setCurrentIndex(menu.findText(name))

    def test_raw_restored_truth_and_labels_are_measured_against_drawn_regions(self, qtbot, dock):
        box = dock.view.segments
        assert not box.run.button.isEnabled()
        assert "true regions" in box.run.button.toolTip()
        self.choose(dock, "drawn")
        assert [box.given.item(k).text() for k in range(box.given.count())] == ["merged"]
        box.given.item(0).setCheckState(Qt.CheckState.Checked)
        rows = self.measured(qtbot, dock)
        errors = {name: row.error for (name, _), row in rows.items()}
        assert errors["ground truth"] < 0.02
        assert errors["stream · good"] < errors["stream"] - 0.1
        assert rows["merged", "whole image"].precision < 0.2
        assert rows["stream · good", "whole image"].gain == errors["stream"] - errors["stream · good"]
        shown = box.table
        names = [shown.verticalHeaderItem(k).text() for k in range(shown.rowCount())]
        assert names == ["stream", "stream · good", "ground truth", "merged"]
        assert shown.item(2, 0).text() == f"{errors['ground truth']:.3f}"
        assert "9 true regions" in box.note.text()

    def test_no_table_outlives_what_it_is_of(self, qtbot, dock, cells_viewer):
        box = dock.view.segments
        drawn = cells_viewer.layers["drawn"]
        changes = (
            lambda: setattr(cells_viewer.layers["stream"], "data", np.zeros((96, 120), np.float32)),
            lambda: drawn.data_setitem((np.array([0]), np.array([0])), 5),
            lambda: box.membrane.setValue(3),
        )
        self.choose(dock, "drawn")
        for change in changes:
            self.measured(qtbot, dock)
            assert box.table.isVisibleTo(box)
            change()
            assert not box.table.isVisibleTo(box)
            assert "measure again" in box.run.label.text()
        cells_viewer.layers.remove("drawn")
        assert dock.state.true_regions is None

    def test_without_drawn_regions_the_truth_gives_them(self, qtbot, dock, cells_viewer):
        self.choose(dock, "found in the ground truth")
        rows = self.measured(qtbot, dock)
        assert {name for name, _ in rows} == {"stream", "stream · good"}
        assert "finds in 'ground truth'" in dock.view.segments.note.text()
        cells_viewer.layers.remove("ground truth")
        assert "ground truth" in dock.view.segments.run.button.toolTip()

    def test_regions_found_become_layers_on_their_images(self, qtbot, dock, cells_viewer):
        self.choose(dock, "drawn")
        self.measured(qtbot, dock)
        dock.view.segments.add.click()
        made = cells_viewer.layers["stream · good · regions"]
        np.testing.assert_allclose(made.extent.world, cells_viewer.layers["stream"].extent.world)
        assert len(np.unique(made.data)) == 9

    def test_labels_that_leave_out_a_part_are_refused(self, qtbot, dock, cells_viewer):
        cells_viewer.add_labels(np.ones((50, 50), int), name="part", **PLACE)
        self.choose(dock, "part")
        dock.view.segments.run.button.click()
        assert "leaves out a part" in dock.view.segments.run.label.text()

    def test_files_carry_the_numbers(self, qtbot, dock, tmp_path):
        self.choose(dock, "drawn")
        for kind, name in (("table", "table.csv"), ("report", "page.html")):
            with qtbot.waitSignal(dock.exports.succeeded, timeout=WAIT_MS):
                dock.write(kind, tmp_path / name)
        with (tmp_path / "table.csv").open(encoding="utf-8", newline="") as file:
            table = {row["candidate"]: row for row in csv.DictReader(file) if row["region"] == "whole image"}
        assert (
            float(table["stream · good"]["adapted Rand error"])
            < 0.1
            < float(table["stream"]["adapted Rand error"])
        )
        assert table["ground truth"]["SSIM"] == ""
        assert table["ground truth"]["true regions of"] == "drawn"
        assert "<h2>Segmentation</h2>" in (tmp_path / "page.html").read_text(encoding="utf-8")


class TestMaps:
    def test_a_map_lies_on_its_source_and_goes_with_its_tick(self, qtbot, dock, viewer, scene):
        after(qtbot, dock, lambda: dock.view.maps.kinds["difference"].click())
        made = viewer.layers["stream · poor · signed difference"]
        np.testing.assert_allclose(made.data, viewer.layers["stream · poor"].data - scene, atol=1e-4)
        np.testing.assert_allclose(made.extent.world, viewer.layers["stream · poor"].extent.world)
        dock.view.maps.kinds["difference"].click()
        assert made not in viewer.layers

    def test_it_is_replaced_when_its_source_changes(self, qtbot, dock, viewer, scene):
        after(qtbot, dock, setting(dock, maps=frozenset({"error"})))
        old = viewer.layers["stream · poor · absolute error"]
        source = viewer.layers["stream · poor"]
        with qtbot.waitSignal(dock.live.measured, timeout=WAIT_MS):
            source.data = scene + 3
            assert not old.visible
        (new,) = (layer for layer in viewer.layers if "absolute error" in layer.name)
        np.testing.assert_allclose(new.data, 3, atol=1e-4)
        assert new.visible

    def test_it_vanishes_with_its_source(self, qtbot, dock, viewer):
        after(qtbot, dock, setting(dock, maps=frozenset({"error"})))
        after(qtbot, dock, lambda: viewer.layers.remove("stream · poor"))
        assert [layer.name for layer in viewer.layers if "error" in layer.name] == [
            "stream · good · absolute error"
        ]

    def test_deleting_it_unticks_it(self, qtbot, dock, viewer):
        after(qtbot, dock, setting(dock, maps=frozenset({"similarity"})))
        viewer.layers.remove("stream · poor · SSIM map")
        assert not dock.view.maps.kinds["similarity"].isChecked()

    def test_stretching_narrows_the_limits(self, qtbot, dock, viewer):
        after(qtbot, dock, setting(dock, maps=frozenset({"error"})))
        wide = viewer.layers["stream · poor · absolute error"].contrast_limits[1]
        after(qtbot, dock, setting(dock, stretch_percent=60.0))
        assert viewer.layers["stream · poor · absolute error"].contrast_limits[1] < wide / 2

    def test_of_a_stack_it_shows_at_its_frame_only(self, qtbot, scene):
        viewer = ViewerModel()
        stack = np.stack([scene + k for k in range(4)])
        layer = viewer.add_image(stack, name="stack", scale=(3, 2, 2), contrast_limits=(0, 200))
        truth = viewer.add_image(scene, name="flat truth", scale=(2, 2))
        dock = CompareDock(viewer)
        qtbot.addWidget(dock)
        viewer.dims.set_point(0, 6)
        after(
            qtbot,
            dock,
            setting(dock, automatic=False, candidates=(layer,), truth=truth, maps=frozenset({"error"})),
        )
        made = viewer.layers["stack · absolute error"]
        assert made.data.shape == (1, *SHAPE)
        assert made.translate[0] == 6

    def test_maps_are_never_candidates(self, qtbot, dock):
        after(qtbot, dock, setting(dock, maps=frozenset({"error"})))
        names = {
            dock.view.images.candidates.item(k).text() for k in range(dock.view.images.candidates.count())
        }
        assert not any("error" in name for name in names)


class TestViews:
    def visible(self, viewer):
        return [layer.name for layer in viewer.layers if layer.visible]

    def test_the_grid_is_given_back(self, dock, viewer):
        grid = viewing.grid_of(viewer)
        grid.stride, grid.shape = 2, (1, 3)
        viewer.layers["stream"].visible = False
        limits = viewer.layers["stream · good"].contrast_limits
        shapes = viewer.add_shapes()
        dock.view.views.modes["grid"].click()
        assert grid.enabled
        assert not shapes.visible
        assert all(layer.visible for layer in dock.state.candidates)
        assert viewer.layers["stream · good"].contrast_limits == dock.state.truth.contrast_limits
        dock.view.views.modes["layers"].click()
        assert not grid.enabled
        assert (grid.stride, grid.shape) == (2, (1, 3))
        assert not viewer.layers["stream"].visible
        assert viewer.layers["stream · good"].contrast_limits == limits
        assert shapes.visible
        assert not viewer.layers["stream"].name_overlay.visible

    def test_blink_goes_round(self, dock, viewer):
        seen = []
        for _ in range(5):
            dock.blink()
            seen += self.visible(viewer)
        assert seen == ["stream", "stream · good", "stream · poor", "ground truth", "stream"]
        dock.state.view = "layers"
        assert len(self.visible(viewer)) == 4

    def test_raw_shows_while_the_key_is_held(self, dock, viewer):
        held = keys.hold_raw(viewer)
        next(held)
        assert self.visible(viewer) == ["stream"]
        assert next(held, "released") == "released"
        assert len(self.visible(viewer)) == 4

    def test_the_key_reaches_the_dock_of_its_viewer_only(self, dock, viewer):
        keys.blink(ViewerModel())
        assert dock.state.view == "layers"
        keys.blink(viewer)
        assert dock.state.view == "blink"

    def test_swipe_shows_one_layer_left_and_another_right(self, dock, viewer):
        before = list(viewer.mouse_drag_callbacks)
        limits = viewer.layers["stream"].contrast_limits
        dock.state.swiped = (viewer.layers["stream"], viewer.layers["stream · good"])
        dock.view.views.modes["swipe"].click()
        left = viewer.layers["stream | swipe"]
        assert self.visible(viewer) == ["stream · good", "stream | swipe"]
        assert np.shares_memory(left.data, viewer.layers["stream"].data)
        dock.view.views.divider.setValue(250)
        assert left.data.shape == (64, round(82 / 4))
        np.testing.assert_allclose(left.translate, viewer.layers["stream"].translate)
        viewer.layers["stream"].gamma = 0.5
        assert left.gamma == 0.5
        dock.view.views.modes["layers"].click()
        assert left not in viewer.layers
        assert viewer.mouse_drag_callbacks == before
        assert viewer.layers["stream"].contrast_limits == limits

    def test_the_mouse_drags_the_divider(self, dock, viewer):
        dock.state.view = "swipe"
        camera = viewing.camera_of(viewer)

        class Event:
            type = "mouse_press"
            position = (60.0, 2 * 41.0)

        drag = viewer.mouse_drag_callbacks[-1]
        moves = drag(viewer, Event)
        next(moves)
        assert not camera.mouse_pan
        Event.type, Event.position = "mouse_move", (60.0, 2 * 61.0)
        next(moves)
        assert dock.state.divider == pytest.approx(61.5 / 82)
        Event.type = "mouse_release"
        assert next(moves, "released") == "released"
        assert camera.mouse_pan
        Event.type, Event.position = "mouse_press", (60.0, 2.0)
        assert next(drag(viewer, Event), "panned") == "panned"

    def test_deleting_the_swipe_ends_it(self, dock, viewer):
        dock.state.view = "swipe"
        viewer.layers.remove("stream | swipe")
        assert dock.state.view == "layers"
        assert len(self.visible(viewer)) == 4

    def test_pyramids_swipe_in_all_levels(self, qtbot, scene):
        viewer = ViewerModel()
        levels = [scene, scene[::2, ::2]]
        for name in ("a", "b"):
            viewer.add_image(levels, multiscale=True, name=name, contrast_limits=(0, 200))
        dock = CompareDock(viewer)
        qtbot.addWidget(dock)
        after(qtbot, dock, setting(dock, automatic=False, candidates=tuple(viewer.layers)))
        dock.state.view = "swipe"
        dock.state.divider = 0.3
        left = viewer.layers["a | swipe"]
        assert [level.shape for level in left.data] == [(64, 24), (32, 12)]

    def test_a_layer_that_goes_ends_nothing_else(self, dock, viewer):
        dock.state.view = "grid"
        viewer.layers.remove("stream · good")
        assert dock.state.view == "grid"
        dock.state.view = "layers"
        assert len(self.visible(viewer)) == 3


class TestPlots:
    @pytest.mark.parametrize("kind", ["histogram", "power", "correlation"])
    def test_are_drawn_in_the_colours_of_napari(self, qtbot, dock, viewer, kind):
        after(qtbot, dock, lambda: dock.view.plots.kind.setCurrentIndex(dock.view.plots.kind.findData(kind)))
        figure = dock.view.plots.figure
        assert [text.get_text() for text in figure.legends[0].get_texts()][:3] == [
            layer.name for layer in dock.state.candidates
        ]
        dark = figure.get_facecolor()
        viewer.theme = "light"
        assert figure.get_facecolor() != dark

    def test_a_profile_needs_a_line_and_gets_one(self, qtbot, dock, viewer):
        after(qtbot, dock, setting(dock, plot="profile"))
        assert "Draw one" in dock.view.plots.note.text()
        dock.view.plots.draw_line.click()
        assert dock.state.line.mode == "add_line"
        measured = after(qtbot, dock, lambda: dock.state.line.add_lines(np.array([[5, 5], [5, 60]])))
        assert measured.snapshot.line == ((5, 5), (5, 60))
        axes = dock.view.plots.figure.axes[0]
        assert axes.get_xlabel() == "distance (nm)"
        assert len(axes.lines) == 4

    def test_what_was_drawn_goes_when_none_is_wanted(self, qtbot, dock):
        after(qtbot, dock, setting(dock, plot="histogram"))
        dock.state.plot = "none"
        assert dock.view.plots.figure is None


class TestBakeOff:
    def bake(self, qtbot, dock, **settings):
        setting(dock, models=("median", "gaussian"), box_px=32, **settings)()
        with qtbot.waitSignal(dock.bakes.ended, timeout=WAIT_MS):
            dock.view.bake.run.button.click()

    def test_puts_models_side_by_side_where_the_box_was(self, qtbot, dock, viewer):
        viewing.camera_of(viewer).center = (0, 2 * 32, 2 * 41)
        self.bake(qtbot, dock)
        names = [layer.name for layer in dock.state.candidates]
        assert names == ["stream · input", "stream · median", "stream · gaussian"]
        median = viewer.layers["stream · median"]
        np.testing.assert_array_equal(
            viewer.layers["stream · input"].data, viewer.layers["stream"].data[16:48, 25:57]
        )
        np.testing.assert_allclose(median.translate, (32, 50))
        assert provenance_of(median).model["id"] == "median"
        assert dock.state.view == "grid"

    def test_a_blind_test_names_nobody_before_the_vote(self, qtbot, dock, viewer):
        self.bake(qtbot, dock, blind=True)
        shown = dock.state.candidates[1:]
        assert [layer.name for layer in shown] == ["A", "B"]
        assert all(provenance_of(layer) is None for layer in shown)
        assert dock.view.bake.winner.count() == 0
        dock.view.bake.vote.findChildren(type(dock.view.bake.apply))[1].click()
        assert {layer.name for layer in shown} == {"stream · median", "stream · gaussian"}
        assert all(provenance_of(layer) is not None for layer in shown)
        winner = dock.baker.vote_record
        assert winner.letter == "B"
        assert shown[1].name == f"stream · {winner.name}"
        assert dock.view.bake.winner.currentData() == winner.name

    def test_a_model_that_fails_says_why_beside_the_others(self, qtbot, dock):
        setting(dock, models=("median", "gaussian", "no-such"), box_px=32)()
        with qtbot.waitSignal(dock.bakes.ended, timeout=WAIT_MS):
            dock.view.bake.run.button.click()
        assert "no-such" in dock.view.bake.result.text()
        assert len(dock.state.candidates) == 3

    def test_frames_of_a_stack_are_registered_first(self, qtbot, scene):
        viewer = ViewerModel()
        rng = np.random.default_rng(2)
        frames = np.stack([np.roll(scene, k, axis=1) + rng.normal(0, 3, SHAPE) for k in range(4)])
        viewer.add_image(frames.astype(np.float32), name="stream", axis_labels=("t", "y", "x"))
        truth = viewer.add_image(np.roll(scene, 1, axis=1), name="truth of frame 1", axis_labels=("y", "x"))
        dock = CompareDock(viewer)
        qtbot.addWidget(dock)
        viewer.dims.set_point(0, 1)
        dock.state.truth = truth
        assert dock.state.baked.name == "stream"
        setting(dock, models=("mean", "median"), box_px=48, frames=3)()
        with qtbot.waitSignal(dock.live.measured, timeout=WAIT_MS):
            dock.view.bake.run.button.click()
        assert viewer.layers["stream · mean"].ndim == 2
        rows = {name: float(text) for (name, title), text in cells(dock).items() if title == "MAE"}
        assert rows["stream · mean"] < np.abs(frames[1] - truth.data).mean()

    def test_the_selected_rectangle_is_the_box(self, qtbot, dock, viewer):
        shapes = viewer.add_shapes([TestRegions.RECTANGLE], shape_type="rectangle", **PLACE)
        shapes.selected_data = {0}
        after(qtbot, dock, setting(dock, regions=shapes))
        self.bake(qtbot, dock)
        assert viewer.layers["stream · median"].data.shape == (20, 30)

    def test_says_what_is_missing(self, dock):
        dock.state.models = ("median",)
        assert "2 to 8" in dock.view.bake.run.button.toolTip()
        assert not dock.view.bake.run.button.isEnabled()


class TestExports:
    def write(self, qtbot, dock, kind, path):
        with qtbot.waitSignal(dock.exports.ended, timeout=WAIT_MS):
            dock.write(kind, path)
        assert str(path) in dock.view.exports.note.text()
        return path

    def test_the_table_has_regions_and_the_visible_field(self, qtbot, dock, viewer, tmp_path):
        shapes = viewer.add_shapes([TestRegions.RECTANGLE], shape_type="rectangle", **PLACE)
        after(qtbot, dock, setting(dock, regions=shapes))
        path = self.write(qtbot, dock, "table", tmp_path / "numbers.csv")
        rows = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
        assert {row["region"] for row in rows} == {"whole image", "shape 1", "visible field"}

    def test_plot_and_page_are_written(self, qtbot, dock, tmp_path):
        after(qtbot, dock, setting(dock, plot="histogram"))
        assert self.write(qtbot, dock, "plot", tmp_path / "plot.svg").read_text().startswith("<?xml")
        page = self.write(qtbot, dock, "report", tmp_path / "page.html").read_text(encoding="utf-8")
        assert "Fourier ring correlation" in page
        assert "sha256" in page

    def test_a_folder_that_is_missing_is_told(self, qtbot, dock, tmp_path):
        with qtbot.waitSignal(dock.exports.ended, timeout=WAIT_MS):
            dock.write("table", tmp_path / "no" / "numbers.csv")
        assert "does not exist" in dock.view.exports.note.text()


class TestLife:
    def test_settings_survive_closing(self, qtbot, viewer, dock):
        setting(dock, stretch_percent=97.0, models=("median", "wiener"), blind=True)()
        again = opened(qtbot, viewer)
        assert (again.state.stretch_percent, again.state.models) == (97.0, ("median", "wiener"))
        assert again.view.bake.blind.isChecked()

    def test_a_damaged_record_changes_nothing(self):
        state = CompareState()
        state.restore({"stretch_percent": 3.0, "plot": "pie", "blind": 1, "models": 5, "box_px": "wide"})
        assert state.to_record() == CompareState().to_record()

    def test_a_closed_dock_hears_nothing_and_leaves_napari_as_it_was(self, qtbot, viewer):
        dock = CompareDock(viewer)  # Qt deletes it here, not the test's end
        dock.state.view = "swipe"
        with qtbot.waitSignal(dock.destroyed):
            dock.deleteLater()
        assert [layer.name for layer in viewer.layers] == [
            "stream",
            "ground truth",
            "stream · good",
            "stream · poor",
        ]
        viewer.add_image(np.zeros(SHAPE, np.float32))
        viewer.layers["stream"].data = np.ones(SHAPE, np.float32)
        keys.blink(viewer)

    def test_an_empty_viewer_says_what_to_do(self, qtbot):
        dock = CompareDock(ViewerModel())
        qtbot.addWidget(dock)
        with qtbot.waitSignal(dock.live.refused, timeout=WAIT_MS):
            dock.live.mark(live.NUMBERS)
        assert "Tick" in dock.view.images.problem.text()
        assert not dock.view.exports.buttons["table"].isEnabled()

    def test_colour_images_are_not_offered(self):
        assert not sources.is_comparable(Image(np.zeros((5, 6, 3), np.uint8), rgb=True))

    def test_works_in_a_window_with_public_calls_only(self, qtbot, make_napari_viewer_proxy, scene):
        viewer = filled(make_napari_viewer_proxy(), scene)
        _, dock = viewer.window.add_plugin_dock_widget("napari-emrestore", "Compare images")
        with qtbot.waitSignal(dock.live.measured, timeout=WAIT_MS):
            dock.live.mark(*live.EVERYTHING)
        assert cells(dock)["stream · good", "SSIM"]
        for mode in ("grid", "swipe", "blink", "layers"):
            dock.view.views.modes[mode].click()
        after(qtbot, dock, setting(dock, maps=frozenset({"error"}), plot="correlation"))
        assert dock.view.plots.figure is not None

    def test_the_winner_goes_to_the_restore_dock(self, qtbot, make_napari_viewer_proxy, scene):
        viewer = filled(make_napari_viewer_proxy(), scene)
        _, dock = viewer.window.add_plugin_dock_widget("napari-emrestore", "Compare images")
        TestBakeOff().bake(qtbot, dock)
        dock.view.bake.winner.setCurrentIndex(dock.view.bake.winner.findData("gaussian"))
        dock.view.bake.apply.click()
        docked = viewer.window.dock_widgets.values()
        (restore,) = (widget for widget in docked if isinstance(widget, RestoreDock))
        assert restore.state.model == "gaussian"

    def test_building_it_loads_nothing_slow(self):
        code = (
            "import sys, napari.layers, napari.qt.threading, napari.components; before = set(sys.modules)\n"
            "import napari_emrestore.widgets.compare.wiring\n"
            "new = {name.split('.')[0] for name in set(sys.modules) - before}\n"
            "slow = {'torch', 'matplotlib', 'scipy', 'zarr', 'rsciio', 'cv2', 'skimage', 'numba'}\n"
            "print(sorted(new & slow))"
        )
        heard = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert heard.stdout.strip() == "[]"
