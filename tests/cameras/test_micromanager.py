"""Micro-Manager's own demo camera: settings, numbering, joining a core that runs, a clean end."""

import os
import subprocess
import sys
import threading
import time
from types import SimpleNamespace

import numpy as np
import pytest

from napari_emrestore.cameras import micromanager, open_camera
from napari_emrestore.core import DeviceError, InputError, MissingPackageError

pymmcore_plus = pytest.importorskip("pymmcore_plus")
pytest.importorskip("mm_test_adapters")
DEMO = {"adapter": "DemoCamera", "device": "DCam", "properties": {"PixelType": "16bit", "FastImage": "1"}}
PATIENCE_S = 20.0


def demo(**settings):
    return open_camera("micromanager", **{**DEMO, "exposure_ms": 1.0, "timeout_s": PATIENCE_S, **settings})


def take(camera, count):
    return [frame for _, frame in zip(range(count), camera, strict=False)]


def test_frames_are_numbered_without_gaps_and_say_how_they_were_taken():
    with demo(exposure_ms=4.0) as camera:
        frames = take(camera, 6)
        assert camera.acquisition.exposure_ms == 4.0
    assert [frame.index for frame in frames] == list(range(6))
    assert frames[0].data.dtype == np.uint16
    assert frames[0].data.shape == camera.frame_shape == (512, 512)
    steps = np.diff([frame.time_s for frame in frames])
    assert (steps > 0).all()


def test_region_and_binning_shape_the_frames():
    with demo(roi=(10, 20, 64, 101)) as camera:
        assert take(camera, 1)[0].data.shape == (64, 101)
    with demo(binning=2) as camera:
        assert camera.frame_shape == (256, 256)
        assert camera.acquisition.extra["binning"] == "2"


def test_a_configuration_brings_its_stage():
    with open_camera(
        "micromanager", config="MMConfig_demo.cfg", exposure_ms=2.0, timeout_s=PATIENCE_S
    ) as camera:
        frame = take(camera, 1)[0]
    assert frame.acquisition.extra["stage_um"] == pytest.approx([0.0, 0.0], abs=0.1)
    assert frame.acquisition.pixel_size_nm == (1000.0, 1000.0)


def test_a_camera_that_has_no_images_to_give_is_refused():
    with pytest.raises(InputError, match="refused"):
        open_camera("micromanager", adapter="Utilities", device="Multi Camera", timeout_s=PATIENCE_S)


def test_frames_carry_where_the_stage_was(monkeypatch):
    monkeypatch.setattr(micromanager, "_STAGE_REST", 0.0)  # asked for with each frame
    with open_camera(
        "micromanager", config="MMConfig_demo.cfg", exposure_ms=2.0, timeout_s=PATIENCE_S
    ) as camera:
        seen = [take(camera, 1)[0].acquisition.extra["stage_um"]]
        camera._camera.core.setXYPosition(30.0, -20.0)
        until = time.monotonic() + PATIENCE_S
        while seen[-1] != pytest.approx([-20.0, 30.0], abs=0.1):
            assert time.monotonic() < until
            seen.append(take(camera, 1)[0].acquisition.extra["stage_um"])
    assert seen[0] == pytest.approx([0.0, 0.0], abs=0.1)


@pytest.fixture
def running(monkeypatch):
    """A core somebody else has loaded, as napari-micromanager does."""
    core = pymmcore_plus.CMMCorePlus()
    core.loadDevice("Theirs", "DemoCamera", "DCam")
    core.initializeDevice("Theirs")
    core.setCameraDevice("Theirs")
    core.setExposure(2.0)
    monkeypatch.setattr(pymmcore_plus, "CMMCorePlus", SimpleNamespace(instance=lambda: core))
    yield core
    if core.isSequenceRunning():
        core.stopSequenceAcquisition()
    import pymmcore

    pymmcore.CMMCore.registerCallback(core, None)
    core.unloadAllDevices()


def test_a_loaded_core_is_joined_and_left_loaded(running):
    with open_camera("micromanager", timeout_s=PATIENCE_S) as camera:
        assert camera.acquisition.name == "Theirs"
        assert [frame.index for frame in take(camera, 2)] == [0, 1]
        assert running.isSequenceRunning()
    assert not running.isSequenceRunning(), "what we started we stop"
    assert running.getCameraDevice() == "Theirs"


def test_a_core_that_runs_is_looked_at_and_goes_on(running):
    running.startContinuousSequenceAcquisition(0)
    with pytest.raises(InputError, match="left as it is"):
        open_camera("micromanager", exposure_ms=5.0)
    with open_camera("micromanager", timeout_s=PATIENCE_S) as camera:
        indices = [frame.index for frame in take(camera, 3)]
    assert indices == sorted(set(indices))
    assert running.isSequenceRunning()
    assert running.getRemainingImageCount() >= 3, "its images are left for its owner"


def test_a_loaded_core_is_found_for_a_picker(running):
    from napari_emrestore.cameras.micromanager_devices import LoadedCore, loaded_core

    assert loaded_core() == LoadedCore("Theirs", "", is_running=False)
    with open_camera("micromanager", timeout_s=PATIENCE_S):
        assert loaded_core().is_running
    running.unloadAllDevices()
    assert loaded_core() is None


def test_whoever_stops_a_joined_camera_runs_it_from_then_on(running):
    with open_camera("micromanager", timeout_s=PATIENCE_S) as camera:
        last = take(camera, 3)[-1].index
        running.stopSequenceAcquisition()
        running.clearCircularBuffer()
        assert camera._poll() is None
        running.startContinuousSequenceAcquisition(0)
        assert take(camera, 1)[0].index == last + 1
        assert camera.incidents == {"restarts of the camera": 1}
        with pytest.raises(InputError, match="left as it is"):
            camera.change(exposure_ms=1.0)
    assert running.isSequenceRunning()


def test_settings_change_while_another_thread_reads():
    with demo() as camera:
        seen, stop = [], threading.Event()

        def read():
            for frame in camera:
                seen.append(frame)
                if stop.is_set():
                    return

        reader = threading.Thread(target=read, daemon=True)
        reader.start()
        camera.change(exposure_ms=3.0, roi=(8, 16, 64, 101))
        assert camera.frame_shape == (64, 101)
        camera.change(roi=None, binning=2)
        stop.set()
        reader.join(PATIENCE_S)
        assert camera.frame_shape == (256, 256)
        assert camera.acquisition.extra["binning"] == "2"
        last = take(camera, 1)[0]
    assert last.acquisition.exposure_ms == 3.0
    assert last.data.shape == (256, 256)
    assert [frame.index for frame in (*seen, last)] == list(range(len(seen) + 1)), "counted on"


def test_what_the_device_refuses_while_it_runs_leaves_it_running():
    with demo() as camera:
        take(camera, 2)
        with pytest.raises(InputError, match="refused"):
            camera.change(binning=3)
        assert camera.frame_shape == (512, 512)
        assert [frame.index for frame in take(camera, 2)] == [2, 3]
        with pytest.raises(InputError, match="was to change config"):
            camera.change(config="other.cfg")
    with pytest.raises(InputError, match="is closed"):
        camera.change(exposure_ms=1.0)


def test_a_camera_that_is_gone_is_told():
    with demo() as camera:
        take(camera, 1)
        camera._camera.core.stopSequenceAcquisition()
        camera._camera.core.unloadAllDevices()
        with pytest.raises(DeviceError, match="Check its cable"):
            take(camera, 1000)


def test_without_a_core_or_a_configuration_there_is_no_camera(monkeypatch):
    core = pymmcore_plus.CMMCorePlus()
    monkeypatch.setattr(pymmcore_plus, "CMMCorePlus", SimpleNamespace(instance=lambda: core))
    with pytest.raises(InputError, match="neither came"):
        open_camera("micromanager")


@pytest.mark.parametrize(
    "wrong",
    [{"device": "NoSuch"}, {"adapter": "NoSuch"}, {"binning": 3}, {"properties": {"no": "1"}}],
    ids=["device", "adapter", "binning", "property"],
)
def test_what_the_device_refuses_is_told(wrong):
    with pytest.raises(InputError, match="refused"):
        demo(**wrong)
    with pytest.raises(InputError, match="refused"):
        open_camera("micromanager", config="no-such-file.cfg")


def test_a_closed_camera_leaves_no_dead_core_behind():
    with demo() as camera:
        assert pymmcore_plus.CMMCorePlus.instance().getCameraDevice() == "Camera"
    assert camera.is_closed
    assert pymmcore_plus.CMMCorePlus.instance().getCameraDevice() == ""


def test_cameras_of_an_adapter_are_found():
    from napari_emrestore.cameras.micromanager_devices import find_configurations, find_devices

    assert [path.name for path in find_configurations()] == ["MMConfig_demo.cfg"]
    assert find_devices("DemoCamera") == {"DemoCamera": ["DCam"]}
    assert find_devices("NoSuchAdapter") == {}
    assert find_devices()["DemoCamera"] == ["DCam"]


def test_colour_is_refused():
    with pytest.raises(InputError, match="grey"):
        demo(properties={"PixelType": "32bitRGB"})


def test_without_the_package_the_remedy_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "pymmcore_plus", None)
    with pytest.raises(MissingPackageError, match=r"napari-emrestore\[micromanager\]"):
        demo()


def test_it_starts_and_stops_again_and_again():
    for _ in range(8):
        with demo() as camera:
            assert [frame.index for frame in take(camera, 2)] == [0, 1]
        assert pymmcore_plus.CMMCorePlus.instance().getCameraDevice() == ""


@pytest.mark.parametrize("ending", ["", "camera.close()"], ids=["left running", "closed"])
def test_a_process_ends_cleanly(ending):
    code = (
        "from napari_emrestore.cameras import open_camera\n"
        f"camera = open_camera('micromanager', adapter='DemoCamera', device='DCam', exposure_ms=1.0)\n"
        f"next(iter(camera))\n{ending}"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=120, env={**os.environ})
    assert ended.returncode == 0, ended.stderr.decode()
