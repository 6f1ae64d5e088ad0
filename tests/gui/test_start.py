"""Opening napari's menus, any dock and a sample loads no torch: it comes with the first run."""

import json
import subprocess
import sys

import pytest

DOCKS = (
    "Restore images",
    "Live camera",
    "Compare images",
    "Probe models",
    "What made this layer?",
    "Mark regions of interest",
)
# napari itself loads numba where it is installed
WATCHED = """
import json, sys
def say(stage):
    print(json.dumps([stage, [m for m in ("torch", "cv2", "rsciio") if m in sys.modules]]))
"""
STAGES = f"""
import napari, numpy
from qtpy.QtWidgets import QApplication, QMenu
viewer = napari.Viewer(show=False)
viewer.add_image(numpy.zeros((5, 40, 50), "uint16"), name="stream")
for window in QApplication.topLevelWidgets():
    for menu in window.findChildren(QMenu):
        menu.aboutToShow.emit()
say("menus")
for dock in {DOCKS!r}:
    viewer.window.add_plugin_dock_widget("napari-emrestore", dock)
    for _ in range(20):
        QApplication.processEvents()
    say(dock)
viewer.open_sample("napari-emrestore", "low-dose-particles")
for _ in range(20):
    QApplication.processEvents()
say("sample")
"""


def test_torch_is_not_loaded_before_work_starts():
    ran = subprocess.run([sys.executable, "-c", WATCHED + STAGES], capture_output=True, text=True, check=True)
    loaded = dict(json.loads(line) for line in ran.stdout.splitlines() if line.startswith("["))
    assert loaded == {stage: [] for stage in ("menus", *DOCKS, "sample")}


@pytest.mark.parametrize("dock", DOCKS)
def test_a_dock_opens_in_a_viewer_and_fits_300_pixels(make_napari_viewer_proxy, dock):
    viewer = make_napari_viewer_proxy()
    _, widget = viewer.window.add_plugin_dock_widget("napari-emrestore", dock)
    assert widget.minimumSizeHint().width() <= 300
    assert f"{dock} (napari-emrestore)" in viewer.window.dock_widgets
