"""Docks under test keep their settings in the test's own folder, and need a screen, real or virtual."""

import os
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

_HERE = Path(__file__).parent
_SCREENS = ("DISPLAY", "WAYLAND_DISPLAY")
# the package is tested without its viewer too
collect_ignore_glob = [] if find_spec("napari") else ["test_*.py"]


def pytest_collection_modifyitems(items):
    """Skip what would end the whole run in Qt's abort."""
    if not sys.platform.startswith("linux") or any(os.environ.get(name) for name in _SCREENS):
        return
    no_screen = pytest.mark.skip(reason="no screen: run with xvfb-run -a (apt-get install xvfb)")
    for item in items:
        if _HERE in item.path.parents:
            item.add_marker(no_screen)


@pytest.fixture(autouse=True)
def own_config_folder(tmp_path, monkeypatch):
    """Return the folder that stands for the user's configuration."""
    folder = tmp_path / "config"
    monkeypatch.setattr("napari_emrestore.widgets.preferences.config_folder", lambda: folder)
    return folder
