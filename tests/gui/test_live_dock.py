"""The live dock: a first click works, what is changed holds from the next view on, nothing is left behind."""

import subprocess
import sys
import threading

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Shapes
from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QAbstractButton,
    QAbstractSpinBox,
    QComboBox,
    QLineEdit,
    QScrollArea,
    QSlider,
)
from tests.gui.live_driving import WAIT_MS, live_threads, record, seen, started, stopped

from napari_emrestore.cameras import list_cameras
from napari_emrestore.cameras.simulated import SimulatedMicroscope
from napari_emrestore.core import Acquisition, DeviceError, MissingPackageError, ModelError, WriteError
from napari_emrestore.io import open_frames, write_image
from napari_emrestore.metrics import ssim
from napari_emrestore.widgets.fold import Fold
from napari_emrestore.widgets.jobs import end_all_work
from napari_emrestore.widgets.layers import METADATA_KEY, known_acquisition, provenance_of
from napari_emrestore.widgets.live import LiveDock, device_finder, record_desk
from napari_emrestore.widgets.preferences import load_state

SHAPE = (48, 70)
SMALL = {"frame_shape": "48, 70", "specimen_px": "128", "velocity_px_s": "20, 0"}
LIVE = "simulated microscope · live"


@pytest.fixture
def viewer():
    return ViewerModel()


@pytest.fixture
def dock(qtbot, viewer):
    dock = LiveDock(viewer)
    qtbot.addWidget(dock)
    dock.state.typed = {"simulated": SMALL}
    dock.state.model, dock.state.kind = "mean", "none"  # aligning loads a compiler
    dock.view.source.show_camera()
    yield dock
    # qtbot has closed the dock by now, which ends everything
    qtbot.waitUntil(lambda: not live_threads(), timeout=WAIT_MS)


class TestWatching:
    def test_a_click_shows_raw_and_restored_where_the_camera_sees_them(self, qtbot, dock, viewer):
        picture = started(qtbot, dock)
        raw, restored = viewer.layers[LIVE], viewer.layers[f"{LIVE} · mean"]
        assert [layer.name for layer in viewer.layers] == [LIVE, f"{LIVE} · mean"]
        assert raw.data.shape == restored.data.shape == SHAPE
        assert tuple(raw.scale) == (4.0, 4.0)
        assert [str(unit) for unit in raw.units] == ["nanometer"] * 2
        assert len(picture.view.frames) > 1
        assert dock.view.start.text() == "Stop"
        assert not dock.view.source.menu.isEnabled()
        stopped(qtbot, dock)
        shown = dock.layers.shown.view
        np.testing.assert_array_equal(raw.data, shown.raw.data)
        np.testing.assert_array_equal(restored.data, shown.restored.image)
        assert raw.metadata[METADATA_KEY]["frame"] == shown.raw.index
        assert provenance_of(restored).tool == "restore"
        assert provenance_of(raw) is None
        assert not live_threads()
        assert dock.view.start.text() == "Start"
        assert dock.view.lamps.camera.label.text() == "Stopped."

    def test_pixels_are_filled_into_the_same_arrays(self, qtbot, dock, viewer):
        started(qtbot, dock)
        arrays = [layer.data for layer in viewer.layers]
        heard = []
        viewer.layers[LIVE].events.data.connect(heard.append)
        first = dock.layers.shown.view.raw.index
        seen(qtbot, dock, lambda picture: picture.view.raw.index > first + 3)
        assert not heard
        assert all(layer.data is array for layer, array in zip(viewer.layers, arrays, strict=True))
        stopped(qtbot, dock)
        assert heard  # who listens to pixels hears of the last ones

    def test_it_can_be_started_again_into_the_same_layers(self, qtbot, dock, viewer):
        started(qtbot, dock)
        before = list(viewer.layers)
        stopped(qtbot, dock)
        dock.view.source.fields["pixel_size_nm"].setText("8")
        dock.view.source.typed.emit("pixel_size_nm", "8")
        started(qtbot, dock)
        assert list(viewer.layers) == before
        assert tuple(viewer.layers[LIVE].scale) == (8.0, 8.0)

    def test_every_view_is_counted_and_the_numbers_are_those_of_the_line(self, qtbot, dock):
        started(qtbot, dock)
        with qtbot.waitSignals([dock.layers.drawn] * 3, timeout=WAIT_MS):
            pass
        line = dock.opened.line
        stopped(qtbot, dock)
        counters = line.counters()
        assert counters.shown >= 3
        assert counters.shown <= counters.made
        cells = dock.view.numbers.cells
        assert cells["acquired"].text().split()[0].isdigit()
        assert cells["stage"].text().endswith("µm")

    def test_the_model_is_judged_and_what_keeps_it_from_running_is_told(self, qtbot, dock, monkeypatch):
        def refuse(*args, **kwargs):
            raise ModelError("Weights as published are needed", came="others came")

        monkeypatch.setattr("napari_emrestore.restoration.load_restorer", refuse)
        dock.state.model = "katsuno-quarter"
        started(qtbot, dock, "raw")
        warning, pace = dock.view.restore.model.warning, dock.view.restore.model.expected
        qtbot.waitUntil(lambda: "electrons per pixel" in warning.text(), timeout=WAIT_MS)
        qtbot.waitUntil(lambda: "Weights as published" in pace.text(), timeout=WAIT_MS)
        dock.state.restore = False
        assert warning.isHidden()


class TestChangesWhileItRuns:
    def test_restoring_can_be_switched_off_and_on(self, qtbot, dock, viewer):
        started(qtbot, dock)
        dock.view.restore.restore.click()
        seen(qtbot, dock, lambda picture: "restored" not in picture.images)
        assert [layer.name for layer in viewer.layers] == [LIVE]
        dock.view.restore.restore.click()
        seen(qtbot, dock, lambda picture: "restored" in picture.images)
        assert [layer.name for layer in viewer.layers] == [LIVE, f"{LIVE} · mean"]

    def test_model_and_burst_length(self, qtbot, dock, viewer):
        started(qtbot, dock)
        dock.view.restore.frames.setValue(2)
        dock.view.restore.model.picked.emit("median-of-frames")
        picture = seen(qtbot, dock, lambda p: p.view.settings.model == "median-of-frames" and p.view.restored)
        assert len(picture.view.frames) <= 2
        assert viewer.layers[1].name == f"{LIVE} · median-of-frames"

    def test_a_region_drawn_in_a_shapes_layer(self, qtbot, dock, viewer):
        started(qtbot, dock)
        dock.view.look.draw.click()
        shapes = viewer.layers["live region"]
        assert isinstance(shapes, Shapes)
        seen(qtbot, dock, lambda picture: picture.view.settings.roi is not None)
        shapes.data = [np.array([[10.0, 20], [10, 60], [39, 60], [39, 20]])]
        picture = seen(qtbot, dock, lambda picture: picture.view.settings.roi == (10, 20, 30, 41))
        assert picture.view.raw.data.shape == (30, 41)
        np.testing.assert_allclose(viewer.layers[LIVE].translate, (40.0, 80.0))
        assert dock.view.look.region_text.text() == "41 × 30 px of the frame, from (20, 10)"
        shapes.data = [np.array([[-40.0, -50], [-40, 300], [900, 300], [900, -50]])]
        seen(qtbot, dock, lambda picture: picture.view.settings.roi == (0, 0, *SHAPE))
        shapes.data = [np.array([[0.0, 0], [0, 9], [9, 9], [9, 0]])]
        qtbot.waitUntil(lambda: "at least 24 px" in dock.view.look.region_text.text(), timeout=WAIT_MS)
        assert dock.state.roi is None
        viewer.layers.remove(shapes)
        assert dock.view.look.region.layer is None
        seen(qtbot, dock, lambda picture: picture.view.settings.roi is None)
        assert viewer.layers[LIVE].data.shape == SHAPE

    def test_contrast_follows_until_somebody_sets_it(self, qtbot, dock, viewer):
        started(qtbot, dock)
        raw = viewer.layers[LIVE]
        low, high = raw.contrast_limits
        assert raw.data.min() <= low < high <= raw.data.max()
        raw.contrast_limits = (1.0, 2.0)
        assert not dock.view.look.contrast.isChecked()
        first = dock.layers.shown.view.raw.index
        seen(qtbot, dock, lambda picture: picture.view.raw.index > first + 4)
        assert tuple(raw.contrast_limits) == (1.0, 2.0)
        dock.view.look.contrast.click()
        qtbot.waitUntil(lambda: tuple(raw.contrast_limits) != (1.0, 2.0), timeout=WAIT_MS)

    def test_ground_truth_is_that_of_the_frame_and_scores_hold(self, qtbot, dock, viewer):
        started(qtbot, dock)
        dock.view.look.truth.click()
        picture = seen(qtbot, dock, lambda picture: picture.scores is not None)
        scores, camera = picture.scores, dock.opened.camera
        assert viewer.layers[0].name == f"{LIVE} · ground truth"
        np.testing.assert_array_equal(picture.truth, camera.truth(picture.view.raw.index))
        frame = picture.view.restored_raw  # on a busy machine an earlier one than the newest
        truth = camera.truth(frame.index)
        raw = frame.data.astype(np.float32)
        assert scores.raw[0] == pytest.approx(ssim(raw, truth, data_range=float(np.ptp(truth))))
        assert scores.frame == frame.index
        assert f"Frame {scores.frame}" in dock.view.look.scores.text()
        assert scores.restored[1] > scores.raw[1]  # a mean of five frames is nearer to the truth
        dock.view.look.truth.click()
        seen(qtbot, dock, lambda picture: picture.truth is None)
        assert dock.view.look.scores.isHidden()

    @pytest.mark.parametrize("look", ["grid", "split", "blink"])
    def test_raw_beside_restored(self, qtbot, dock, viewer, look):
        started(qtbot, dock)
        dock.state.look = look
        raw, restored = viewer.layers[LIVE], viewer.layers[f"{LIVE} · mean"]
        if look == "grid":
            assert viewer.canvas.grid.enabled if hasattr(viewer, "canvas") else viewer.grid.enabled
        elif look == "split":
            swipe = viewer.layers[-1]
            assert swipe.data.base is raw.data
            dock.view.look.move_divider(0.25)
            assert viewer.layers[-1].data.shape == (SHAPE[0], round(SHAPE[1] * 0.25))
        else:
            assert raw.visible != restored.visible
        dock.view.look.hold.pressed.emit()
        assert (raw.visible, restored.visible) == (True, False)
        dock.view.look.hold.released.emit()
        dock.state.look = "stacked"
        assert [layer.name for layer in viewer.layers] == [LIVE, f"{LIVE} · mean"]
        assert raw.visible
        assert restored.visible


class TestSnapshots:
    def test_a_snapshot_is_what_was_seen_with_its_record(self, qtbot, dock, viewer):
        started(qtbot, dock)
        dock.view.snapshot.click()
        raw, restored = list(viewer.layers)[-2:]
        shown = dock.layers.shown.view
        assert raw.name == f"simulated microscope · frame {shown.raw.index}"
        assert restored.name == f"simulated microscope · frame {shown.restored_raw.index} · mean"
        kept = raw.data.copy()
        np.testing.assert_array_equal(kept, shown.raw.data)
        seen(qtbot, dock, lambda later: later.view.raw.index > shown.raw.index + 2)
        np.testing.assert_array_equal(raw.data, kept)
        assert known_acquisition(raw).extra["stage_um"] == shown.raw.acquisition.extra["stage_um"]
        assert provenance_of(restored).tool == "restore"
        assert provenance_of(raw) is None

    def test_there_is_none_before_the_first_view(self, dock, viewer):
        assert not dock.view.snapshot.isEnabled()
        assert dock.take_snapshot() == []
        assert len(viewer.layers) == 0


class TestRecording:
    @pytest.fixture
    def desk(self, dock, tmp_path):
        dock.state.folder, dock.state.recording = str(tmp_path / "scans"), "scan"
        return dock.desk

    def test_every_frame_is_recorded_until_it_is_stopped_and_again(self, qtbot, dock, desk, tmp_path):
        started(qtbot, dock)
        paths = set()
        for _ in range(2):
            record(qtbot, dock)
            qtbot.waitUntil(lambda: (s := desk.status) is not None and s.received > 4, timeout=WAIT_MS)
            with qtbot.waitSignal(desk.finished, timeout=WAIT_MS) as done:
                record(qtbot, dock)
            recorded = done.args[0]
            paths.add(recorded.path)
            with open_frames(str(recorded.path)) as stack:
                assert len(stack) == recorded.status.written > 4
                assert stack.frame_shape == SHAPE
            assert f"Recorded {recorded.status.written} frames" in dock.view.record.lamp.label.text()
            assert recorded.path.name.startswith("scan_")
            qtbot.waitUntil(lambda: dock.view.record.button.text() == "Record", timeout=WAIT_MS)

    def test_a_number_of_frames_in_another_format(self, qtbot, dock, desk):
        dock.state.record_mode, dock.state.record_frames, dock.state.suffix = "fixed", 3, ".mrc"
        started(qtbot, dock)
        with qtbot.waitSignal(desk.finished, timeout=WAIT_MS) as done:
            record(qtbot, dock)
        assert done.args[0].status.written == 3
        assert done.args[0].path.suffix == ".mrc"

    def test_the_last_seconds_are_kept_when_asked_for(self, qtbot, dock, desk):
        dock.state.record_mode, dock.state.record_seconds = "circular", 0.4
        started(qtbot, dock)
        qtbot.waitUntil(lambda: dock.view.record.button.text().startswith("Keep the last"), timeout=WAIT_MS)
        with qtbot.waitSignal(desk.finished, timeout=WAIT_MS) as done:
            record(qtbot, dock)
        with open_frames(str(done.args[0].path)) as stack:
            assert 1 <= len(stack) <= 0.4 * 25 + 2

    def test_stopping_the_camera_completes_the_recording(self, qtbot, dock, desk):
        started(qtbot, dock)
        record(qtbot, dock)
        qtbot.waitUntil(lambda: (s := desk.status) is not None and s.received > 1, timeout=WAIT_MS)
        with qtbot.waitSignals([desk.finished, dock.sessions.ended], timeout=WAIT_MS):
            dock.stop()

    def test_a_recording_that_fails_is_told_loudly_and_the_next_one_works(
        self, qtbot, dock, desk, monkeypatch
    ):
        told = []
        monkeypatch.setattr(record_desk, "show_error", told.append)
        started(qtbot, dock)

        def broken(self, monitor):
            raise WriteError("A disk that takes the frames is needed", came="it is full")

        with monkeypatch.context() as patch:
            patch.setattr(record_desk.Recording, "run", broken)
            with qtbot.waitSignal(desk.jobs.failed, timeout=WAIT_MS):
                record(qtbot, dock)
        assert told == ["The recording has stopped. A disk that takes the frames is needed; it is full."]
        assert dock.view.record.lamp.level == "bad"
        assert dock.sessions.running
        dock.state.record_mode, dock.state.record_frames = "fixed", 2
        with qtbot.waitSignal(desk.finished, timeout=WAIT_MS):
            record(qtbot, dock)

    def test_a_folder_that_cannot_be_made_is_told(self, qtbot, dock, desk, tmp_path, monkeypatch):
        monkeypatch.setattr(record_desk, "show_error", lambda text: None)
        (tmp_path / "file").write_text("no folder")
        dock.state.folder = str(tmp_path / "file" / "scans")
        started(qtbot, dock)
        with qtbot.waitSignal(desk.jobs.failed, timeout=WAIT_MS):
            record(qtbot, dock)
        assert "A folder that can be written to" in dock.view.record.lamp.label.text()

    def test_a_name_that_is_none_is_refused(self, qtbot, dock, desk):
        dock.state.recording = "a/b"
        started(qtbot, dock)
        record(qtbot, dock)
        assert "without slashes" in dock.view.record.lamp.label.text()

    def test_the_disk_is_forecast(self, qtbot, dock, desk):
        started(qtbot, dock)
        qtbot.waitUntil(lambda: "room for" in dock.view.record.forecast.text(), timeout=WAIT_MS)


class TestTripWires:
    def test_a_camera_that_falls_silent(self, qtbot, dock):
        dock.state.typed = {"simulated": {**SMALL, "silent_after": "12", "timeout_s": "0.3"}}
        started(qtbot, dock, "raw")
        qtbot.waitUntil(lambda: dock.view.lamps.camera.level == "bad", timeout=WAIT_MS)
        assert "frame" in dock.view.lamps.camera.label.text()

    def test_saturated_frames(self, qtbot, dock):
        dock.state.typed = {"simulated": {**SMALL, "gain_adu": "4000"}}
        started(qtbot, dock, "raw")
        qtbot.waitUntil(lambda: dock.view.lamps.camera.level == "warn", timeout=WAIT_MS)
        assert "saturated" in dock.view.lamps.camera.label.text()

    def test_dropped_frames_light_a_lamp(self, dock):
        lamps = dock.view.lamps
        lamps.show_dropped(0, 0, 3)
        assert lamps.dropped.level == "good"
        lamps.show_dropped(0, 7, 3)
        assert (lamps.dropped.level, lamps.dropped.label.text().split(" ")[0]) == ("warn", "7")
        lamps.show_dropped(2, 7, 3)
        assert lamps.dropped.level == "bad"
        assert "lost 2 frames" in lamps.dropped.label.text()


class TestEnds:
    @pytest.mark.parametrize("which", [0, 1])
    def test_a_removed_layer_ends_it(self, qtbot, dock, viewer, which):
        started(qtbot, dock)
        with qtbot.waitSignal(dock.sessions.ended, timeout=WAIT_MS):
            viewer.layers.pop(which)
        assert "was removed" in dock.view.lamps.camera.label.text()
        assert not live_threads()

    def test_a_closed_dock_leaves_no_thread_and_gives_the_grid_back(self, qtbot, viewer):
        dock = LiveDock(viewer)
        qtbot.addWidget(dock)
        dock.state.typed, dock.state.model, dock.state.look = {"simulated": SMALL}, "mean", "grid"
        started(qtbot, dock)
        grid = viewer.canvas.grid if hasattr(viewer, "canvas") else viewer.grid
        assert grid.enabled
        with qtbot.waitSignal(dock.destroyed, timeout=WAIT_MS):
            dock.deleteLater()
        qtbot.waitUntil(lambda: not live_threads(), timeout=WAIT_MS)
        assert not grid.enabled
        viewer.layers.clear()  # a dock that is gone hears of nothing

    def test_napari_ends_under_it(self, qtbot, dock, tmp_path):
        dock.state.folder = str(tmp_path)
        started(qtbot, dock)
        record(qtbot, dock)
        qtbot.waitUntil(lambda: (s := dock.desk.status) is not None and s.received > 1, timeout=WAIT_MS)
        end_all_work()
        assert not live_threads()
        (recorded,) = tmp_path.glob("*.zarr")
        with open_frames(str(recorded)) as stack:
            assert len(stack) > 1

    def test_a_camera_that_ends_is_told_of(self, qtbot, dock, tmp_path):
        frames = np.random.default_rng(0).integers(0, 900, (6, 40, 50)).astype(np.uint16)
        path = write_image(tmp_path / "scan.ome.tif", frames, Acquisition("scan"))
        dock.state.camera = "replay"
        assert dock.view.message.text() == "File or folder is needed."
        assert not dock.view.start.isEnabled()
        dock.view.source.fields["source"].setText(str(path))
        dock.view.source.typed.emit("source", str(path))
        assert dock.view.start.isEnabled()
        with qtbot.waitSignal(dock.sessions.ended, timeout=WAIT_MS):
            dock.view.start.click()
        assert dock.view.lamps.camera.label.text() == "The camera has come to its end after 6 frames."

    def test_a_camera_that_fails_is_told_of_and_can_be_started_again(self, qtbot, dock, monkeypatch):
        failing = threading.Event()
        take = SimulatedMicroscope._take

        def unplugged(self, index):
            if failing.is_set():
                raise DeviceError("A camera that answers is needed", came="its cable is out")
            return take(self, index)

        monkeypatch.setattr(SimulatedMicroscope, "_take", unplugged)
        started(qtbot, dock)
        with qtbot.waitSignal(dock.sessions.ended, timeout=WAIT_MS):
            failing.set()
        assert dock.view.lamps.camera.level == "bad"
        assert "its cable is out" in dock.view.lamps.camera.label.text()
        failing.clear()
        started(qtbot, dock)

    def test_a_fault_of_ours_goes_to_napari_and_the_dock_is_ready_again(self, qtbot, dock, monkeypatch):
        def wrong(*args, **kwargs):
            raise ZeroDivisionError

        with monkeypatch.context() as patch, qtbot.capture_exceptions() as bugs:
            patch.setattr("napari_emrestore.cameras.open_camera", wrong)
            with qtbot.waitSignal(dock.sessions.ended, timeout=WAIT_MS):
                dock.view.start.click()
        assert [kind for kind, *_ in bugs] == [ZeroDivisionError]
        assert dock.view.lamps.camera.level == "bad"
        assert dock.view.start.text() == "Start"

    def test_a_camera_that_cannot_be_opened(self, qtbot, dock):
        dock.state.typed = {"simulated": {**SMALL, "exposure_ms": "900"}}
        with qtbot.waitSignal(dock.sessions.failed, timeout=WAIT_MS):
            dock.view.start.click()
        assert "An exposure fits into the time of a frame" in dock.view.lamps.camera.label.text()

    def test_waiting_for_a_first_file_can_be_stopped(self, qtbot, dock, tmp_path):
        dock.state.camera = "folder"
        dock.state.type_in("folder", str(tmp_path))
        dock.view.start.click()
        with qtbot.waitSignal(dock.sessions.cancelled, timeout=WAIT_MS):
            dock.view.start.click()
        assert dock.view.lamps.camera.label.text() == "Stopped."


CLOSING = """
import threading, napari
from pathlib import Path
from qtpy.QtCore import QTimer
from napari_emrestore.widgets import preferences
preferences.config_folder = lambda: Path({folder!r})
viewer = napari.Viewer()
_, dock = viewer.window.add_plugin_dock_widget("napari-emrestore", "Live camera")
dock.state.camera, dock.state.typed = {camera!r}, {{{camera!r}: {typed!r}}}
dock.state.model, dock.state.kind = "mean", "none"
dock.layers.drawn.connect(lambda picture: QTimer.singleShot(0, viewer.close))
dock.view.start.click()
napari.run()
print("left", [thread.name for thread in threading.enumerate() if thread.name.startswith("live ")])
"""


@pytest.mark.parametrize(
    ("camera", "typed"),
    [("simulated", SMALL), ("micromanager", {"adapter": "DemoCamera", "device": "DCam", "exposure_ms": "5"})],
)
def test_closing_napari_while_a_camera_runs_leaves_nothing_and_does_not_crash(tmp_path, camera, typed):
    if camera == "micromanager":
        pytest.importorskip("pymmcore_plus")
        pytest.importorskip("mm_test_adapters")
    code = CLOSING.format(folder=str(tmp_path), camera=camera, typed=typed)
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines()[-1] == "left []"


class TestSteeringTheCamera:
    def test_what_it_can_change_stays_open_and_holds_from_the_next_frames_on(self, qtbot, dock):
        started(qtbot, dock)
        qtbot.waitUntil(lambda: dock.opened is not None, timeout=WAIT_MS)
        fields = dock.view.source.fields
        assert fields["gain_adu"].isEnabled()
        assert not fields["frame_rate_hz"].isEnabled()
        before = float(dock.layers.shown.view.raw.data.mean())
        fields["gain_adu"].selectAll()
        qtbot.keyClicks(fields["gain_adu"], "40")
        fields["gain_adu"].editingFinished.emit()
        seen(qtbot, dock, lambda picture: picture.view.raw.data.mean() > 1.5 * before)

    def test_a_value_that_the_camera_refuses_is_told(self, qtbot, dock):
        started(qtbot, dock)
        qtbot.waitUntil(lambda: dock.opened is not None, timeout=WAIT_MS)
        with qtbot.waitSignal(dock.steering.jobs.failed, timeout=WAIT_MS):
            dock.state.type_in("dose_e", "-1")
            dock.view.source.entered.emit("dose_e")
        assert "dose" in dock.view.message.text()

    def test_cameras_of_micromanager_are_found_and_filled_in(self, qtbot, dock, monkeypatch):
        found = {"DemoCamera: DCam": {"config": "", "adapter": "DemoCamera", "device": "DCam"}}
        monkeypatch.setattr(device_finder, "find_all", lambda: found)
        finder = dock.view.source.finder
        assert finder.isHidden()
        dock.state.camera = "micromanager"
        assert not finder.isHidden()
        with qtbot.waitSignal(finder.picked, timeout=WAIT_MS):
            finder.button.click()
        assert dock.view.source.fields["device"].text() == "DCam"
        assert dock.state.camera_values() == {"adapter": "DemoCamera", "device": "DCam"}

    def test_without_micromanager_it_says_what_to_install(self, qtbot, dock, monkeypatch):
        def missing():
            raise MissingPackageError("pymmcore-plus is needed", remedy="pip install it[micromanager]")

        monkeypatch.setattr(device_finder, "find_all", missing)
        finder = dock.view.source.finder
        with qtbot.waitSignal(finder.jobs.failed, timeout=WAIT_MS):
            finder.button.click()
        assert "micromanager" in finder.message.text()
        assert finder.button.isEnabled()


class TestSettings:
    def test_everything_fits_into_300_pixels(self, qtbot, dock):
        for fold in dock.findChildren(Fold):
            fold.header.setChecked(True)
        dock.view.numbers.cells["acquired"].setText("1234567  (100.0/s)")
        dock.view.numbers.cells["stage"].setText("-1234.567, -1234.567 µm")
        content = dock.findChild(QScrollArea).widget()
        assert content.minimumSizeHint().width() <= 280

    @pytest.mark.parametrize("camera", [row.name for row in list_cameras()])
    def test_every_control_says_what_it_does_and_is_reached_by_the_tab_key(self, qtbot, dock, camera):
        dock.state.camera, dock.state.look, dock.state.record_mode = camera, "split", "circular"
        kinds = (QAbstractButton, QComboBox, QLineEdit, QAbstractSpinBox, QSlider)
        controls = [
            control
            for kind in kinds
            for control in dock.view.findChildren(kind)
            if not isinstance(control.parent(), (QComboBox, QAbstractSpinBox))
            and not dock.view.restore.model.isAncestorOf(control)  # it is the restore dock's
        ]
        assert len(controls) > 20
        silent = [control for control in controls if not control.toolTip()]
        assert not silent
        assert all(control.focusPolicy() & Qt.FocusPolicy.TabFocus for control in controls)

    def test_they_are_kept_for_each_camera(self, qtbot, viewer):
        dock = LiveDock(viewer)
        qtbot.addWidget(dock)
        dock.view.source.typed.emit("dose_e", "12")
        dock.state.camera = "network"
        dock.view.source.typed.emit("address", "tcp://127.0.0.1:9999")
        dock.state.frames, dock.state.look = 7, "grid"
        dock.hideEvent(None)
        again = LiveDock(viewer)
        qtbot.addWidget(again)
        assert again.view.source.fields["address"].text() == "tcp://127.0.0.1:9999"
        again.state.camera = "simulated"
        assert again.view.source.fields["dose_e"].text() == "12"
        assert (again.state.frames, again.view.restore.frames.value(), again.state.look) == (7, 7, "grid")
        assert "roi" not in load_state("live")

    def test_folder_and_name_of_recordings_are_those_that_are_seen(self, qtbot, dock):
        box = dock.view.record
        dock.state.folder = "/scans"
        assert box.folder.text() == "/scans"
        box.name.selectAll()
        qtbot.keyClicks(box.name, "grid 3")
        assert dock.state.recording == "grid 3"

    def test_what_cannot_be_read_keeps_the_button_off_and_says_why(self, qtbot, dock):
        field = dock.view.source.fields["frame_rate_hz"]
        qtbot.keyClicks(field, "x")
        assert not dock.view.start.isEnabled()
        assert "Frames per s is a number" in dock.view.message.text()
        assert "border" in field.styleSheet()
        dock.start()
        assert not dock.sessions.running
