"""Other packages add cameras by entry point; listing imports none."""

import subprocess
import sys
from importlib.metadata import EntryPoint

import numpy as np
import pytest

from napari_emrestore.cameras import catalogue, list_cameras, open_camera


def open_theirs(*, count=3, **anything):
    return open_camera("replay", source=np.zeros((count, 4, 5), np.uint8), frame_rate_hz=None)


@pytest.fixture
def theirs(monkeypatch):
    point = EntryPoint("theirs", f"{__name__}:open_theirs", catalogue.ENTRY_POINTS)
    monkeypatch.setitem(sys.modules, __name__, sys.modules.get(__name__) or type(sys)(__name__))
    monkeypatch.setattr(sys.modules[__name__], "open_theirs", open_theirs, raising=False)
    monkeypatch.setattr(catalogue, "entry_points", lambda group: [point])


def test_a_camera_of_another_package_is_listed_and_opened(theirs):
    assert list_cameras()[-1].name == "theirs"
    with open_camera("theirs", count=2, further="setting") as camera:
        assert len(list(camera)) == 2


def test_listing_imports_no_camera():
    code = (
        "import sys; from napari_emrestore.cameras import list_cameras; list_cameras();"
        "print(*(m for m in sys.modules if 'emrestore.cameras.' in m or m in ('zmq', 'scipy')))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["napari_emrestore.cameras.catalogue"]
