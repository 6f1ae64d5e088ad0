"""The regions dock: what is drawn is listed, measured, undone, kept; what is proposed waits for a person."""

import contextlib
import json

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_emrestore.core import Acquisition, Provenance
from napari_emrestore.overview.region_files import read_regions
from napari_emrestore.overview.region_geometry import area_px, centre
from napari_emrestore.overview.regions import Region, RegionClass
from napari_emrestore.widgets.compare.viewing import camera_of
from napari_emrestore.widgets.layers import metadata
from napari_emrestore.widgets.regions import RegionsDock, thumbnails
from napari_emrestore.widgets.regions.history import History
from napari_emrestore.widgets.regions.listing import SORTS, Shown, length_text, listed, rows_of, size_text
from napari_emrestore.widgets.regions.state import RegionsState
from napari_emrestore.widgets.regions.thumbnails import SIDE_PX, Pictured, make_thumbnail

WAIT_MS = 60_000
SHAPE = (120, 151)
DISCS = [(30.0, 40.0, 9.0), (60.0, 110.0, 13.0), (95.0, 35.0, 8.0)]
RECTANGLE = np.array([[10.0, 20], [10, 50], [30, 50], [30, 20]])


@pytest.fixture(scope="module")
def scene():
    rows, columns = np.ogrid[: SHAPE[0], : SHAPE[1]]
    image = np.full(SHAPE, 100, np.float32)
    for y, x, radius in DISCS:
        image += 60 * np.clip(radius + 0.5 - np.hypot(rows - y, columns - x), 0, 1)
    return image


@pytest.fixture
def raw(scene):
    return scene + np.random.default_rng(0).normal(0, 6, SHAPE).astype(np.float32)


@pytest.fixture
def viewer(raw, scene):
    """A viewer with an overview and its restoration, without a window."""
    viewer = ViewerModel()
    place = {"scale": (4, 2), "units": ("nm", "nm")}
    viewer.add_image(raw, name="grid", **place)
    made = metadata(Acquisition("grid"), Provenance("restore"))
    viewer.add_image(scene, name="grid · mean", metadata=made, **place)
    return viewer


def opened(qtbot, viewer, *, closed_by_test=False):
    dock = RegionsDock(viewer)
    if not closed_by_test:
        qtbot.addWidget(dock)
    qtbot.waitUntil(lambda: dock.state.regions is not None, timeout=WAIT_MS)
    return dock


@pytest.fixture
def dock(qtbot, viewer):
    return opened(qtbot, viewer)


def layer_of(dock, part):
    return dock.canvas.parts[part].layer


def draw(dock, corners=RECTANGLE, kind="rectangle"):
    """Draw a shape as a person does, from the tool on."""
    dock.begin("rectangle")
    layer_of(dock, "shapes").add([np.asarray(corners, float)], shape_type=kind)


def regions(dock):
    return dock.state.regions.regions


def kinds(dock):
    return [(region.id, region.kind, region.class_name) for region in regions(dock)]


def measured(qtbot, dock):
    qtbot.waitUntil(lambda: len(dock.measuring.numbers()) == len(regions(dock)), timeout=WAIT_MS)
    return dock.measuring.numbers()


def close(qtbot, dock):
    gone = []
    dock.destroyed.connect(lambda: gone.append(True))
    dock.deleteLater()
    qtbot.waitUntil(lambda: bool(gone))


def kept(folder):
    (path,) = (folder / "regions").iterdir()
    return read_regions(path)


# drawing


def test_the_raw_image_is_the_overview_and_its_restoration_is_found(dock, viewer):
    assert dock.state.overview is viewer.layers["grid"]
    assert dock.state.restored is viewer.layers["grid · mean"]
    assert dock.state.regions.overview.pixel_size_nm == (4, 2)
    assert "120 × 151 px, 4 × 2 nm per pixel" in dock.view.overview.facts.text()


def test_shapes_become_regions_of_the_class_that_is_drawn_in(dock):
    draw(dock)
    dock.choose_class("landmark")
    draw(dock, [[60, 20], [80, 30], [70, 60]], "polygon")
    assert kinds(dock) == [(1, "rectangle", "target"), (2, "polygon", "landmark")]
    np.testing.assert_array_equal(regions(dock)[0].vertices, RECTANGLE)
    layer = layer_of(dock, "shapes")
    assert list(layer.features["id"]) == [1, 2]
    assert list(layer.features["class"]) == ["target", "landmark"]
    np.testing.assert_allclose(layer.edge_color[1, :3], np.array([0x2E, 0xC4, 0xB6]) / 255, atol=1e-3)
    np.testing.assert_array_equal(layer.scale, (4, 2))


def test_an_ellipse_becomes_a_polygon_and_a_line_is_taken_out(dock):
    draw(dock, RECTANGLE, "ellipse")
    assert kinds(dock) == [(1, "polygon", "target")]
    assert area_px(regions(dock)[0]) == pytest.approx(np.pi * 150, rel=0.01)
    assert layer_of(dock, "shapes").shape_type == ["polygon"]
    draw(dock, [[1, 1], [20, 20]], "line")
    assert len(regions(dock)) == layer_of(dock, "shapes").nshapes == 1
    assert "line" in dock.view.classes.note.text()


def test_a_click_without_dragging_draws_nothing(dock):
    draw(dock, [[5, 5], [5, 5.1], [5.1, 5.1], [5.1, 5]])
    assert regions(dock) == ()
    assert layer_of(dock, "shapes").nshapes == 0
    assert dock.history.undoes == ""


def test_moving_deleting_and_copying_in_the_layer_is_followed(dock):
    draw(dock)
    draw(dock, RECTANGLE + 40)
    layer = layer_of(dock, "shapes")
    layer.selected_data = {0}
    layer.remove_selected()
    assert [region.id for region in regions(dock)] == [2]
    layer.data = [(RECTANGLE + 45, "rectangle")]
    assert regions(dock)[0].vertices[0] == (55, 65)
    layer.add([RECTANGLE], shape_type="rectangle")  # with the features of the last one, as pasting has
    assert [region.id for region in regions(dock)] == [2, 3]


def test_points_are_set_moved_and_deleted(dock):
    dock.begin("point")
    layer = layer_of(dock, "points")
    layer.add([[5, 6]])
    layer.add([[50, 60]])
    assert [centre(region) for region in regions(dock)] == [(5, 6), (50, 60)]
    moved = layer.data.copy()
    moved[0] = 7, 8
    layer.data = moved
    assert centre(regions(dock)[0]) == (7, 8)
    layer.selected_data = {0}
    layer.remove_selected()
    assert kinds(dock) == [(2, "point", "target")]


def painted(qtbot, dock, *places, value=None):
    layer = layer_of(dock, "painted")
    layer.brush_size = 10
    for place in places:
        before = dock.state.regions
        layer.paint(place, layer.selected_label if value is None else value)
        qtbot.waitUntil(lambda before=before: dock.state.regions is not before)
    return layer


def test_painting_makes_a_region_goes_on_with_it_and_begins_another(qtbot, dock):
    dock.begin("label")
    layer = painted(qtbot, dock, (40, 40), (45, 45))
    assert kinds(dock) == [(1, "label", "target")]
    assert area_px(regions(dock)[0]) == np.count_nonzero(layer.data == 1)
    dock.begin("label")
    painted(qtbot, dock, (90, 90))
    assert kinds(dock) == [(1, "label", "target"), (2, "label", "target")]
    painted(qtbot, dock, (90, 90), value=0)
    assert kinds(dock) == [(1, "label", "target")]


def test_a_number_that_is_no_region_is_given_a_free_one(qtbot, dock):
    draw(dock)
    dock.begin("label")
    layer = painted(qtbot, dock, (80, 80), value=1)  # 1 is the rectangle
    assert kinds(dock) == [(1, "rectangle", "target"), (2, "label", "target")]
    assert set(np.unique(layer.data)) == {0, 2}


def test_painting_over_another_region_changes_both(qtbot, dock):
    dock.begin("label")
    painted(qtbot, dock, (40, 40))
    first = area_px(regions(dock)[0])
    dock.begin("label")
    painted(qtbot, dock, (40, 45))
    assert area_px(regions(dock)[0]) < first
    dock.undo()
    assert area_px(regions(dock)[0]) == first
    assert np.count_nonzero(layer_of(dock, "painted").data) == first


def test_of_a_very_large_overview_a_part_is_painted_on(qtbot, dock, monkeypatch):
    monkeypatch.setattr("napari_emrestore.widgets.regions.canvas._PAINTED_PX", 64)
    dock.begin("label")
    layer = layer_of(dock, "painted")
    assert layer.data.shape == (64, 64)
    assert "64 × 64 px" in dock.view.classes.note.text()
    origin = dock.canvas.parts["painted"].area
    np.testing.assert_allclose(layer.translate, (4 * origin.y0, 2 * origin.x0))
    painted(qtbot, dock, (20, 20))
    assert centre(regions(dock)[0]) == pytest.approx((20 + origin.y0, 20 + origin.x0))


def test_a_layer_that_a_person_removed_stays_away_until_its_tool_is_used(dock, viewer):
    draw(dock)
    viewer.layers.remove(layer_of(dock, "shapes"))
    assert len(regions(dock)) == 1
    dock.undo()
    dock.redo()
    assert "shapes" not in dock.canvas.parts
    dock.begin("rectangle")
    assert layer_of(dock, "shapes").nshapes == 1


# undo, classes, editing


def test_undo_and_redo_change_the_layers_too(dock):
    draw(dock)
    draw(dock, RECTANGLE + 40)
    dock.undo()
    assert [region.id for region in regions(dock)] == [1]
    assert layer_of(dock, "shapes").nshapes == 1
    assert dock.view.list.redo.toolTip() == "Redo: drawing"
    dock.redo()
    assert layer_of(dock, "shapes").nshapes == 2
    assert list(layer_of(dock, "shapes").features["id"]) == [1, 2]
    dock.undo()
    draw(dock, RECTANGLE + 60)
    assert not dock.history.redoes
    assert [region.id for region in regions(dock)] == [1, 2]


def test_an_undone_move_is_moved_back(dock):
    draw(dock)
    layer = layer_of(dock, "shapes")
    layer.data = [(RECTANGLE + 5, "rectangle")]
    dock.undo()
    np.testing.assert_array_equal(layer.data[0], RECTANGLE)


def test_keys_choose_classes_and_undo(dock, viewer):
    draw(dock)
    layer = layer_of(dock, "shapes")
    press = {str(key): call for key, call in layer.keymap.items()}
    press["W"](layer)
    assert dock.state.active_class == "landmark"
    layer.mode = "select"
    layer.selected_data = {0}
    press["W"](layer)
    assert regions(dock)[0].class_name == "landmark"
    (undo,) = [call for key, call in press.items() if key in ("Ctrl+Z", "Meta+Z")]
    undo(layer)
    assert regions(dock)[0].class_name == "target"


def test_a_class_is_renamed_recoloured_added_and_removed(dock):
    draw(dock)
    table = dock.view.classes.table
    table.item(0, 0).setText("hole")
    assert kinds(dock) == [(1, "rectangle", "hole")]
    assert table.item(0, 2).text() == "1"
    table.item(0, 1).setText("w")
    assert "'w' came twice" in dock.view.classes.note.text()
    assert table.item(0, 1).text() == "q"
    table.item(0, 0).setText("  ")
    assert table.item(0, 0).text() == "hole"
    dock._change_class("hole", RegionClass("hole", "#000000", "y"))
    np.testing.assert_array_equal(layer_of(dock, "shapes").edge_color[0], (0, 0, 0, 1))
    assert "Y" in {str(key) for key in layer_of(dock, "shapes").keymap}
    dock.view.classes.add.click()
    assert dock.state.active_class == "class 1"
    assert dock.view.classes.remove.isEnabled()
    dock.view.classes.remove.click()
    assert [one.name for one in dock.state.regions.classes] == ["hole", "landmark"]


def test_class_note_and_confidence_of_the_selected_are_changed_as_one_step(dock):
    draw(dock)
    draw(dock, RECTANGLE + 40)
    dock.view.list.list.selectAll()
    assert dock.state.selected == (1, 2)
    dock.view.details.class_name.setCurrentIndex(1)
    dock.view.details.confidence.setValue(0.75)
    dock.view.details.note.setText("torn")
    dock.view.details.note.editingFinished.emit()
    assert {(r.class_name, r.confidence, r.note) for r in regions(dock)} == {("landmark", 0.75, "torn")}
    for _ in range(3):
        dock.undo()
    assert {(r.class_name, r.confidence, r.note) for r in regions(dock)} == {("target", None, "")}


def test_what_is_being_typed_stays_when_numbers_come(dock):
    draw(dock)
    dock.view.details.note.setText("half a sen")
    item = dock.view.classes.table.item(0, 0)
    dock.measuring.changed.emit()
    assert dock.view.details.note.text() == "half a sen"
    assert dock.view.classes.table.item(0, 0) is item
    dock.select(())
    assert dock.view.details.note.text() == ""


def test_list_and_layers_select_alike(dock):
    draw(dock)
    draw(dock, RECTANGLE + 40)
    layer = layer_of(dock, "shapes")
    layer.selected_data = {0}
    assert dock.state.selected == (1,)
    assert [index.row() for index in dock.view.list.list.selectedIndexes()] == [0]
    dock.view.list.list.setCurrentIndex(dock.view.list.model.index(1))
    assert dock.state.selected == (2,)
    assert set(layer.selected_data) == {1}
    dock.view.list.delete.click()
    assert [region.id for region in regions(dock)] == [1]


def test_going_to_a_region_centres_it(dock, viewer):
    draw(dock, RECTANGLE[0] + (RECTANGLE - RECTANGLE[0]) * 2)
    dock.jump(1)
    camera = camera_of(viewer)
    np.testing.assert_allclose(camera.center[-2:], (120, 100))
    zoom = camera.zoom
    draw(dock, RECTANGLE[0] + (RECTANGLE - RECTANGLE[0]) * 4)
    dock.view.list.list.doubleClicked.emit(dock.view.list.model.index(1))
    if hasattr(viewer, "canvas"):  # before napari 0.9 no plugin can tell its size
        assert camera.zoom == pytest.approx(zoom / 2)


# numbers and thumbnails


def test_numbers_are_measured_on_raw_and_restored_and_shown(qtbot, dock, viewer, scene):
    viewer.add_image(scene, name="ground truth", scale=(4, 2), units=("nm", "nm"))
    dock.view.overview.others["truth"].pick(viewer.layers["ground truth"])
    draw(dock, [[19, 29], [19, 51], [41, 51], [41, 29]])
    # what was measured before the truth had been read is replaced
    qtbot.waitUntil(lambda: measured(qtbot, dock)[1].psnr_db is not None, timeout=WAIT_MS)
    numbers = measured(qtbot, dock)[1]
    assert (numbers.height_nm, numbers.width_nm) == (88, 44)
    assert numbers.restored_mean == pytest.approx(scene[19:42, 29:52].mean(), rel=0.02)
    assert numbers.psnr_db == np.inf
    assert numbers.residual_to_noise == pytest.approx(1, abs=0.3)
    table = dock.view.details.table

    def shown():
        items = map(table.topLevelItem, range(table.topLevelItemCount()))
        return {item.text(0): item.text(1) for item in items}

    qtbot.waitUntil(lambda: shown().get("PSNR [dB]") == "∞")
    assert shown()["Size"] == "88 × 44 nm"


def test_numbers_of_a_moved_region_are_never_those_of_the_old_place(qtbot, dock):
    draw(dock)
    before = measured(qtbot, dock)[1]
    layer_of(dock, "shapes").data = [(RECTANGLE + np.array([20, 55]), "rectangle")]
    assert 1 not in dock.measuring.numbers()
    assert measured(qtbot, dock)[1].raw_mean != before.raw_mean


def test_a_constant_truth_is_refused_in_words(qtbot, dock, viewer):
    viewer.add_image(np.zeros(SHAPE), name="ground truth", scale=(4, 2), units=("nm", "nm"))
    dock.view.overview.others["truth"].pick(viewer.layers["ground truth"])
    draw(dock)
    qtbot.waitUntil(lambda: "must vary" in dock.view.overview.facts.text(), timeout=WAIT_MS)


def test_only_layers_on_the_same_pixels_are_offered(dock, viewer):
    viewer.add_image(np.zeros((7, 9)), name="small")
    viewer.add_image(np.zeros(SHAPE), name="elsewhere", translate=(5, 5))
    offered = dock.view.overview.others["truth"]
    assert [offered.itemText(k) for k in range(offered.count())] == ["none", "grid · mean"]


def test_thumbnails_are_made_for_the_rows_in_view_only(qtbot, dock):
    dock.show()
    many = (Region(1, "point", "target", ((float(k % 100), 20.0),)) for k in range(300))
    dock.change(dock.state.regions.add(*many), "testing")
    qtbot.waitUntil(lambda: dock.thumbnails.get(regions(dock)[0]) is not None, timeout=WAIT_MS)
    assert dock.thumbnails.get(regions(dock)[200]) is None
    dock.view.list.list.scrollToBottom()
    qtbot.waitUntil(lambda: dock.thumbnails.get(regions(dock)[-1]) is not None, timeout=WAIT_MS)
    assert dock.thumbnails.get(regions(dock)[150]) is None
    dock.view.list.grab()  # draws them


def test_a_thumbnail_shows_the_region_and_what_is_around_it():
    image = np.zeros((200, 200), np.uint8)
    image[100:150, 50:100] = 200
    corners = ((99.5, 49.5), (99.5, 99.5), (149.5, 99.5), (149.5, 49.5))
    coarse = image.reshape(100, 2, 100, 2).mean(axis=(1, 3))
    made = make_thumbnail(
        Region(1, "rectangle", "cell", corners),
        [Pictured((image,), (0, 200)), Pictured((image, coarse), (0, 400))],
    )
    raw, restored = made.pictures
    (ring,) = made.outlines
    inside = np.zeros((SIDE_PX, SIDE_PX), bool)
    (y0, x0), (y1, x1) = np.ceil(ring.min(axis=0)).astype(int), np.floor(ring.max(axis=0)).astype(int)
    inside[y0 + 1 : y1, x0 + 1 : x1] = True
    assert set(raw[inside]) == {255}
    assert set(restored[inside]) == {128}
    assert raw[0, 0] == 0
    edge = make_thumbnail(Region(1, "point", "cell", ((0.0, 0.0),)), [Pictured((image + 50,), (0, 50))])
    assert edge.pictures[0][0, 0] == 0  # outside
    assert edge.pictures[0][-1, -1] == 255


def test_old_thumbnails_are_forgotten(qtbot, dock, monkeypatch):
    monkeypatch.setattr(thumbnails, "_MOST_KEPT", 2)
    many = [Region(k, "point", "target", ((k, k),)) for k in (1, 2, 3)]
    with qtbot.waitSignals([dock.thumbnails.made] * 3, timeout=WAIT_MS):
        dock.thumbnails.want(many)
    assert [dock.thumbnails.get(one) is None for one in many] == [True, False, False]


# proposals


def propose(qtbot, dock, **fields):
    settings = {"smallest": 30.0, "largest": 130.0, "visible_only": False, **fields}
    for name, value in settings.items():
        setattr(dock.state, name, value)
    with qtbot.waitSignal(dock.searching.jobs.ended, timeout=WAIT_MS):
        dock.view.propose.run.button.click()
    return dock.state.regions.proposals


def test_proposals_wait_and_are_accepted_one_by_one_or_all(qtbot, dock):
    found = propose(qtbot, dock)
    assert len(found) == 3
    assert "3 found" in dock.view.propose.outcome.text()
    assert layer_of(dock, "shapes").face_color[0, 3] == pytest.approx(0.4)
    dock.select((found[0].id,))
    dock.view.propose.answers[True, False].click()
    assert [region.accepted for region in regions(dock)] == [True, False, False]
    assert layer_of(dock, "shapes").face_color[0, 3] == pytest.approx(0.12)
    dock.view.list.text.setText(str(found[1].id))
    dock.view.propose.answers[False, True].click()
    assert [region.id for region in regions(dock)] == [found[0].id, found[2].id]
    dock.view.list.text.setText("")
    dock.view.propose.answers[True, True].click()
    assert all(region.accepted for region in regions(dock))
    assert not dock.view.propose.answers[True, True].isEnabled()
    for _ in range(4):
        dock.undo()
    assert regions(dock) == ()


def test_what_is_there_already_is_not_proposed_again(qtbot, dock):
    propose(qtbot, dock)
    assert len(propose(qtbot, dock)) == 3
    assert "3 more left out" in dock.view.propose.outcome.text()


def test_likeness_needs_one_selected_example(qtbot, dock):
    dock.state.search = "likeness"
    assert not dock.view.propose.run.button.isEnabled()
    assert dock.view.propose.run.button.toolTip() == "Select one drawn example first."
    draw(dock, [[48, 96], [48, 124], [72, 124], [72, 96]])
    assert dock.view.propose.run.button.isEnabled()
    assert not dock.view.propose.smallest.isVisibleTo(dock.view.propose)
    assert dock.view.propose.rotations.isVisibleTo(dock.view.propose)
    propose(qtbot, dock, least_likeness=0.99)
    assert len(regions(dock)) == 1


def test_what_cannot_be_looked_for_is_said(qtbot, dock):
    dock.state.overview.data = np.zeros(SHAPE, np.float32)
    propose(qtbot, dock)
    assert "varies" in dock.view.propose.run.label.text()


# keeping


def test_regions_are_kept_and_read_back_by_the_next_dock(qtbot, viewer, own_config_folder):
    dock = opened(qtbot, viewer, closed_by_test=True)
    draw(dock)
    dock.begin("point")
    layer_of(dock, "points").add([[5, 6.25]])
    before = dock.state.regions
    close(qtbot, dock)
    assert [layer.name for layer in viewer.layers] == ["grid", "grid · mean"]
    assert kept(own_config_folder) == before
    again = opened(qtbot, viewer)
    assert again.state.regions == before
    assert "2 regions of this image read back" in again.view.overview.facts.text()
    assert layer_of(again, "shapes").nshapes == 1


def test_a_change_is_on_the_disk_soon_without_being_asked(qtbot, dock, own_config_folder):
    draw(dock)
    qtbot.waitUntil((own_config_folder / "regions").exists)
    qtbot.waitUntil(lambda: kept(own_config_folder) == dock.state.regions)
    dock.undo()
    qtbot.waitUntil(lambda: kept(own_config_folder).regions == ())


def test_every_overview_has_its_own_regions(qtbot, dock, viewer):
    draw(dock)
    viewer.add_image(np.random.default_rng(1).random((40, 30)), name="other")
    dock.view.overview.overview.pick(viewer.layers["other"])
    qtbot.waitUntil(lambda: dock.state.regions is not None, timeout=WAIT_MS)
    assert regions(dock) == ()
    assert not dock.history.undoes
    assert "grid · regions" not in viewer.layers
    dock.view.overview.overview.pick(viewer.layers["grid"])
    qtbot.waitUntil(lambda: dock.state.regions is not None, timeout=WAIT_MS)
    assert kinds(dock) == [(1, "rectangle", "target")]


def test_an_image_that_has_changed_is_told(qtbot, viewer, raw):
    viewer.layers["grid"].metadata = metadata(Acquisition("grid", path="grid.tif"))
    dock = opened(qtbot, viewer, closed_by_test=True)
    draw(dock)
    close(qtbot, dock)
    viewer.layers["grid"].data = raw + 1
    assert "has changed" in opened(qtbot, viewer).view.overview.facts.text()


def test_a_damaged_file_is_put_aside_and_told(qtbot, viewer, own_config_folder):
    dock = opened(qtbot, viewer, closed_by_test=True)
    draw(dock)
    close(qtbot, dock)
    (path,) = (own_config_folder / "regions").iterdir()
    path.write_text(path.read_text()[:-20])
    again = opened(qtbot, viewer, closed_by_test=True)
    assert regions(again) == ()
    assert "put aside" in again.view.overview.facts.text()
    draw(again)
    close(qtbot, again)
    assert len(list((own_config_folder / "regions").iterdir())) == 2


def test_a_folder_that_refuses_is_told(qtbot, dock, own_config_folder):
    own_config_folder.write_text("a file, no folder")
    draw(dock)
    qtbot.waitUntil(lambda: "could not be kept" in dock.view.overview.facts.text())


def test_choices_are_found_again(qtbot, dock, viewer):
    dock.view.propose.smallest.setValue(77)
    dock.view.propose.search.setCurrentIndex(2)
    again = opened(qtbot, viewer)
    assert (again.state.smallest, again.state.search) == (77, "blobs")


# any image


def test_a_multiscale_stack_is_used_at_the_slice_in_view(qtbot, raw):
    viewer = ViewerModel()
    stack = np.stack([raw, raw + 1000])
    levels = [stack, stack[:, ::2, ::2]]
    viewer.add_image(levels, multiscale=True, name="stack", contrast_limits=(0, 2000))
    dock = opened(qtbot, viewer)
    draw(dock)
    viewer.dims.set_current_step(0, 0)
    qtbot.waitUntil(lambda: measured(qtbot, dock)[1].raw_mean < 500, timeout=WAIT_MS)
    viewer.dims.set_current_step(0, 1)
    qtbot.waitUntil(lambda: measured(qtbot, dock)[1].raw_mean > 1000, timeout=WAIT_MS)
    assert dock.state.regions.overview.shape == SHAPE
    assert measured(qtbot, dock)[1].height_nm is None
    assert dock.view.propose.smallest.suffix() == " px"


def test_nothing_to_draw_on_and_colour_are_refused_in_words(qtbot):
    viewer = ViewerModel()
    dock = RegionsDock(viewer)
    qtbot.addWidget(dock)
    assert dock.state.why_not_draw() == "Open an image first, or pick one."
    assert not dock.view.classes.tools["point"].isEnabled()
    dock.begin("point")
    assert not viewer.layers
    viewer.add_image(np.zeros((8, 9, 3), np.uint8), rgb=True, name="colour")
    assert "is in colour" in dock.view.overview.facts.text()
    viewer.add_image(np.zeros((1, 1)), name="one pixel")
    dock.view.overview.overview.pick(viewer.layers["one pixel"])
    qtbot.waitUntil(lambda: dock.state.regions is not None, timeout=WAIT_MS)
    dock.begin("label")
    assert layer_of(dock, "painted").data.shape == (1, 1)


def test_the_overview_may_go_at_any_time(qtbot, dock, viewer):
    draw(dock)
    viewer.layers.remove("grid")
    qtbot.waitUntil(lambda: dock.state.overview is viewer.layers["grid · mean"], timeout=WAIT_MS)
    viewer.layers.clear()
    qtbot.waitUntil(lambda: dock.state.overview is None, timeout=WAIT_MS)
    assert dock.state.regions is None


def test_the_viewer_outlives_the_dock(qtbot, viewer):
    dock = opened(qtbot, viewer, closed_by_test=True)
    draw(dock)
    close(qtbot, dock)
    viewer.add_image(np.zeros((5, 6)))
    viewer.layers["grid"].contrast_limits = (0, 1)
    viewer.dims.ndisplay = 3
    viewer.layers.clear()


# the list and the state, without widgets


def test_the_list_is_sorted_and_filtered():
    from napari_emrestore.overview.region_numbers import RegionNumbers
    from napari_emrestore.overview.regions import Overview, RegionSet

    classes = (RegionClass("a", "#000000"), RegionClass("b", "#111111"))
    places = [Region(k, "point", "a", ((0.0, 0.0),)) for k in (1, 2, 3)]
    whole = RegionSet(Overview("o", (9, 9)), classes, tuple(places))
    whole = whole.edit([2], class_name="b", note="Torn", confidence=0.5).edit([3], accepted=False)
    numbers = {1: RegionNumbers(1, 1, raw_mean=5.0), 2: RegionNumbers(1, 1, raw_mean=2.0)}
    assert listed(whole, numbers, Shown()) == [1, 2, 3]
    assert listed(whole, numbers, Shown(descending=True)) == [3, 2, 1]
    assert listed(whole, numbers, Shown(sort="raw_mean")) == [2, 1, 3]
    assert listed(whole, numbers, Shown(sort="raw_mean", descending=True)) == [1, 2, 3]
    assert listed(whole, numbers, Shown(text="torn")) == [2]
    assert listed(whole, numbers, Shown(text="3")) == [3]
    assert listed(whole, numbers, Shown(class_name="a")) == [1, 3]
    assert listed(whole, numbers, Shown(status="proposed")) == [3]
    assert listed(whole, numbers, Shown(status="accepted")) == [1, 2]
    assert listed(whole, numbers, Shown(least_confidence=0.5)) == [2]
    for sort in SORTS:
        assert set(listed(whole, numbers, Shown(sort=sort))) == {1, 2, 3}


def test_numbers_are_written_with_units():
    from napari_emrestore.overview.region_numbers import RegionNumbers

    assert size_text(RegionNumbers(0, 0, 0.0, 0.0)) == "point"
    assert size_text(RegionNumbers(4, 5)) == "4 × 5 px"
    assert length_text(12.345, 999) == "12.35 × 999 nm"
    assert length_text(500, 12345) == "0.5 × 12.35 µm"
    shown = {what: value for what, value, _ in rows_of(RegionNumbers(4, 5, area_px=20, ssim=0.12345))}
    assert shown == {"Size": "4 × 5 px", "Area": "20 px", "SSIM": "0.1235"}


def test_history_keeps_so_many_steps_and_forgets_what_was_undone(monkeypatch):
    monkeypatch.setattr("napari_emrestore.widgets.regions.history._MOST_STEPS", 2)
    history = History()
    for k in range(3):
        history.note(f"step {k}", k)
    assert [history.undo(9), history.undo(2), history.undo(1)] == [2, 1, 1]
    assert (history.undoes, history.redoes) == ("", "step 1")
    assert [history.redo(1), history.redo(2), history.redo(9)] == [2, 9, 9]


def test_the_state_says_why_and_takes_back_what_it_kept():
    state = RegionsState()
    assert state.why_not_search()
    record = json.loads(json.dumps(RegionsState(search="blobs", largest=7.0, bright=False).to_record()))
    state.restore({**record, "rotations": "many", "search": "magic"})
    assert (state.search, state.largest, state.bright, state.rotations) == ("brightness", 7.0, False, 1)


# napari's own tables


def test_numbers_are_columns_of_the_layers_for_napari_to_colour_by(qtbot, dock):
    draw(dock, [[19, 29], [19, 51], [41, 51], [41, 29]])
    draw(dock)
    dock.begin("point")
    layer_of(dock, "points").add([[30, 40]])
    dock.begin("label")
    painted(qtbot, dock, (60, 110))
    numbers = measured(qtbot, dock)
    shapes, points, labels = (layer_of(dock, part) for part in ("shapes", "points", "painted"))
    qtbot.waitUntil(lambda: "raw_mean" in labels.features and "raw_mean" in points.features, timeout=WAIT_MS)
    assert list(shapes.features["id"]) == [1, 2]
    assert list(shapes.features["height_nm"]) == [88, 80]
    np.testing.assert_allclose(shapes.features["raw_mean"], [numbers[1].raw_mean, numbers[2].raw_mean])
    np.testing.assert_allclose(points.features["raw_cnr"], [numbers[3].raw_cnr])
    assert list(labels.features["index"]) == [4]
    assert "ssim" not in shapes.features, "there is no ground truth"
    shapes.face_color = "raw_mean"
    bright, dark = shapes.face_color
    assert not np.allclose(bright, dark)
    dock.edit({"note": "torn"})  # the painted one
    dock.select((1,))
    dock.edit({"class_name": "landmark"})
    np.testing.assert_allclose(shapes.face_color, [bright, dark])
    np.testing.assert_allclose(shapes.edge_color[0, :3], np.array([0x2E, 0xC4, 0xB6]) / 255, atol=1e-3)
    assert list(shapes.features["class"]) == ["landmark", "target"]
    assert list(labels.features["region_note"]) == ["torn"]


def test_a_moved_region_has_no_number_in_the_table_until_it_is_measured_again(qtbot, dock):
    draw(dock)
    measured(qtbot, dock)
    layer = layer_of(dock, "shapes")
    qtbot.waitUntil(lambda: "raw_mean" in layer.features, timeout=WAIT_MS)
    before = layer.features["raw_mean"][0]
    layer.data = [(RECTANGLE + np.array([20, 55]), "rectangle")]
    assert np.isnan(layer.features.get("raw_mean", np.array([np.nan]))[0])
    qtbot.waitUntil(
        lambda: not np.isnan(layer.features.get("raw_mean", np.array([np.nan]))[0]), timeout=WAIT_MS
    )
    assert layer.features["raw_mean"][0] != before


# overviews that grow


def grown(path, *, until=None):
    """Build a small mosaic, or stop after some tiles."""
    from napari_emrestore.core import Cancelled
    from napari_emrestore.io import FrameStack
    from napari_emrestore.overview import assemble
    from napari_emrestore.overview.layout import Layout
    from napari_emrestore.overview.shading import even

    places = np.array([(0.0, 400.0 * k) for k in range(4)])
    layout = Layout(
        (500, 500), (500, 1700), places, np.zeros(4), ("image",) * 4, even((500, 500), 4, 0.0),
        pixel_size_nm=(5.0, 5.0),
    )  # fmt: skip

    class Stop:
        def step(self, done, total, note=""):
            if until is not None and done >= until:
                raise Cancelled(note)

    frames = FrameStack.from_array(np.full((4, 500, 500), 9, np.uint8))
    with contextlib.suppress(Cancelled):
        assemble(frames, path, layout=layout, monitor=Stop())


def test_a_mosaic_is_read_again_while_it_grows_and_found_again_when_complete(qtbot, tmp_path):
    from napari_emrestore.overview import open_mosaic
    from napari_emrestore.widgets.hooks.mosaics import mosaic_layers

    path = tmp_path / "scan.zarr"
    grown(path, until=1)
    assert not open_mosaic(path).complete
    viewer = ViewerModel()
    for data, options, _ in mosaic_layers(path):
        viewer.add_image(data, **options)
    dock = opened(qtbot, viewer)
    overview = dock.state.overview
    draw(dock, [[10, 1500], [10, 1600], [90, 1600], [90, 1500]])
    assert measured(qtbot, dock)[1].raw_mean != 9
    grown(path)
    with qtbot.waitSignal(dock.growth.grew):
        dock.growth.look()
    qtbot.waitUntil(lambda: dock.measuring.numbers().get(1) is not None, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: measured(qtbot, dock)[1].raw_mean == pytest.approx(9), timeout=WAIT_MS)
    # as the overview dock does at the end
    for layer in [layer for layer in viewer.layers if layer not in dock.canvas.layers]:
        viewer.layers.remove(layer)
    for data, options, _ in mosaic_layers(path):
        viewer.add_image(data, **options)
    qtbot.waitUntil(lambda: dock.state.regions is not None, timeout=WAIT_MS)
    assert dock.state.overview is not overview
    assert dock.state.overview.name == "scan"
    assert kinds(dock) == [(1, "rectangle", "target")]
