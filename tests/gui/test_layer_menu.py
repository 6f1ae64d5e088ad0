"""The menu of image layers follows the viewer."""

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Labels
from qtpy.compat import isalive

from napari_emrestore.widgets.layer_menu import LayerMenu
from napari_emrestore.widgets.layers import frame_steps, visible_field

IMAGE = np.zeros((6, 8))


@pytest.fixture
def viewer():
    viewer = ViewerModel()
    viewer.add_image(IMAGE, name="a")
    viewer.add_labels(np.zeros((6, 8), int), name="labels")
    viewer.add_image(IMAGE, name="b")
    return viewer


def texts(menu):
    return [menu.itemText(position) for position in range(menu.count())]


def test_images_only_and_the_topmost_first(qtbot, viewer):
    menu = LayerMenu(viewer, none_text="none", wanted=lambda layer: layer.name != "hidden")
    qtbot.addWidget(menu)
    viewer.add_image(IMAGE, name="hidden")
    assert texts(menu) == ["none", "b", "a"]
    assert menu.layer is None


def test_layers_of_another_kind_can_be_offered(qtbot, viewer):
    menu = LayerMenu(viewer, kind=Labels)
    qtbot.addWidget(menu)
    assert texts(menu) == ["labels"]
    assert menu.layer == viewer.layers["labels"]


def test_the_choice_stays_while_layers_come_go_and_change_names(qtbot, viewer):
    menu, heard = LayerMenu(viewer), []
    qtbot.addWidget(menu)
    menu.picked.connect(heard.append)
    menu.pick(viewer.layers["a"])
    viewer.add_image(IMAGE, name="c")
    viewer.layers["a"].name = "renamed"
    viewer.layers.remove("b")
    viewer.layers.move(0, 2)
    assert menu.currentText() == "renamed"
    assert heard == [viewer.layers["renamed"]]
    viewer.layers.remove("renamed")
    assert menu.layer == viewer.layers["c"]
    viewer.layers.clear()
    assert menu.layer is None
    assert [getattr(layer, "name", None) for layer in heard] == ["renamed", "c", None]


def test_a_menu_that_is_gone_is_not_called(qtbot, viewer):
    menu = LayerMenu(viewer)
    menu.deleteLater()
    qtbot.waitUntil(lambda: not isalive(menu))
    viewer.add_image(IMAGE, name="c")
    viewer.layers["a"].name = "renamed"
    viewer.layers.clear()


def test_the_visible_field_is_the_whole_image_until_it_was_drawn(viewer):
    layer = viewer.layers["a"]
    assert visible_field(layer) == (0, 6, 0, 8)
    layer.corner_pixels = np.array([[1, 2], [3, 6]])
    assert visible_field(layer) == (1, 4, 2, 7)


def test_the_visible_field_of_a_pyramid_counts_pixels_of_its_finest_level():
    viewer = ViewerModel()
    layer = viewer.add_image([np.zeros((64, 96)), np.zeros((32, 48))], multiscale=True)
    layer.data_level = 1
    layer.corner_pixels = np.array([[4, 8], [9, 47]])
    assert visible_field(layer) == (8, 20, 16, 96)


@pytest.mark.parametrize(
    ("bursts", "first", "step"),
    [([range(0, 3), range(3, 6)], 1.0, 3.0), ([(0, 1), (1, 2), (2, 3)], 0.5, 1.0), ([(4,)], 4.0, 1.0)],
    ids=str,
)
def test_bursts_lie_in_the_middle_of_their_frames(bursts, first, step):
    assert frame_steps(bursts) == {"first_frame": first, "frame_step": step}
