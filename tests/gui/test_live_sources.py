"""The live dock with every kind of camera, through its own widgets: picked, changed, recorded, broken off."""

import socket
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from napari.components import ViewerModel
from tests.gui.live_driving import WAIT_MS, live_threads, record, seen, started, stopped, type_in

from napari_emrestore.core import Acquisition
from napari_emrestore.io import open_frames, write_image
from napari_emrestore.pipeline.recorder import RESERVE_BYTES
from napari_emrestore.widgets.live import LiveDock

SHAPE = (48, 70)
EXAMPLE = Path(__file__).parents[2] / "examples" / "send_frames_over_the_network.py"
SCENE = """
import itertools, json, sys, time
import numpy as np
def frames():
    scene = np.kron(np.random.default_rng(0).uniform(100, 900, (8, 12)), np.ones((8, 8)))
    for k in itertools.count():
        yield np.roll(scene, k, 1)[:48, :70].astype(np.uint16)
        time.sleep(0.02)
"""
WRITER = """
import tifffile
for k, frame in enumerate(frames(), int(sys.argv[2])):
    tifffile.imwrite(f"{sys.argv[1]}/image_{k:04}.tif", frame)
"""


@pytest.fixture
def viewer():
    return ViewerModel()


@pytest.fixture
def dock(qtbot, viewer, tmp_path):
    dock = LiveDock(viewer)
    qtbot.addWidget(dock)
    dock.state.model, dock.state.kind = "mean", "none"  # aligning loads a compiler
    dock.state.folder = str(tmp_path / "scans")
    yield dock
    qtbot.waitUntil(lambda: not live_threads(), timeout=WAIT_MS)


@pytest.fixture
def other_program():
    """Start other programs, which end with the test at the latest."""
    running = []

    def start(code, *arguments):
        running.append(subprocess.Popen([sys.executable, "-c", code, *map(str, arguments)]))
        return running[-1]

    yield start
    for program in running:
        program.kill()
        program.wait()


def camera_lamp(dock):
    return dock.view.lamps.camera


def recorded(qtbot, dock):
    """Stop the recording that runs; return the numbers of its frames and their shape."""
    with qtbot.waitSignal(dock.desk.finished, timeout=WAIT_MS) as done:
        record(qtbot, dock)
    with open_frames(str(done.args[0].path)) as stack:
        return len(stack), stack.frame_shape


class TestMicroManager:
    @pytest.fixture(autouse=True)
    def demo(self, dock):
        pytest.importorskip("pymmcore_plus")
        pytest.importorskip("mm_test_adapters")
        dock.state.camera = "micromanager"

    def pick(self, qtbot, dock, title):
        finder = dock.view.source.finder
        with qtbot.waitSignal(finder.picked, timeout=WAIT_MS):
            finder.button.click()
        place = finder.found.findText(title)
        finder.found.setCurrentIndex(place)
        finder.found.activated.emit(place)
        type_in(qtbot, dock, "exposure_ms", "5")
        type_in(qtbot, dock, "roi", "0, 0, 96, 120")

    @pytest.mark.parametrize(
        ("title", "size_nm", "stage"),
        [("MMConfig_demo.cfg", 1000.0, "µm"), ("DemoCamera: DCam", None, "unknown")],
    )
    def test_picked_and_changed_while_it_runs(self, qtbot, dock, viewer, title, size_nm, stage):
        self.pick(qtbot, dock, title)
        picture = started(qtbot, dock)
        assert picture.view.raw.data.shape == (96, 120)
        qtbot.waitUntil(lambda: dock.view.numbers.cells["stage"].text().endswith(stage), timeout=WAIT_MS)
        type_in(qtbot, dock, "exposure_ms", "7")
        seen(qtbot, dock, lambda picture: picture.view.raw.acquisition.exposure_ms == 7)
        type_in(qtbot, dock, "roi", "10, 20, 64, 101")
        seen(qtbot, dock, lambda picture: picture.view.raw.data.shape == (64, 101))
        type_in(qtbot, dock, "roi", "")
        seen(qtbot, dock, lambda picture: picture.view.raw.data.shape == (512, 512))
        type_in(qtbot, dock, "binning", "2")
        seen(qtbot, dock, lambda p: "restored" in p.images and p.images["restored"].shape == (256, 256))
        side = 2 * size_nm if size_nm else 1.0
        assert [tuple(layer.scale) for layer in viewer.layers] == [(side, side)] * 2
        stopped(qtbot, dock)
        assert started(qtbot, dock).view.raw.data.shape == (256, 256)

    def test_what_it_refuses_is_told_and_put_back(self, qtbot, dock):
        self.pick(qtbot, dock, "DemoCamera: DCam")
        type_in(qtbot, dock, "binning", "2")
        started(qtbot, dock, "raw")
        qtbot.waitUntil(lambda: dock.opened is not None, timeout=WAIT_MS)
        with qtbot.waitSignal(dock.steering.jobs.failed, timeout=WAIT_MS):
            type_in(qtbot, dock, "binning", "3")
        assert "refused" in dock.view.message.text()
        assert dock.view.source.fields["binning"].text() == "2"
        assert dock.state.camera_values()["binning"] == 2
        index = dock.layers.shown.view.raw.index
        seen(qtbot, dock, lambda picture: picture.view.raw.index > index + 3)

    def test_the_stage_is_read_with_each_frame_and_frames_are_recorded(self, qtbot, dock):
        self.pick(qtbot, dock, "MMConfig_demo.cfg")
        started(qtbot, dock, "raw")
        record(qtbot, dock)
        qtbot.waitUntil(lambda: dock.opened is not None, timeout=WAIT_MS)
        dock.opened.camera._camera.core.setXYPosition(12.0, -7.0)
        cell = dock.view.numbers.cells["stage"]
        qtbot.waitUntil(lambda: cell.text().startswith("-7.0"), timeout=WAIT_MS)
        assert cell.text().split(", ")[1].startswith(("12.0", "11.99"))
        count, shape = recorded(qtbot, dock)
        assert count > 1
        assert shape == (96, 120)


class TestNetwork:
    @pytest.fixture
    def address(self, dock):
        pytest.importorskip("zmq")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            return f"tcp://127.0.0.1:{free.getsockname()[1]}"

    @pytest.fixture
    def sender(self):
        """The sender of the example, word for word."""
        _, _, rest = EXAMPLE.read_text().partition("# --- the sender: copy from here ...\n")
        return (
            f"import zmq\n{SCENE}{rest.partition('# --- ... to here')[0]}"
            "send(frames(), sys.argv[1], pixel_size_nm=[2.0, 3.0], stage_um=[1.5, -2.5])"
        )

    def test_a_sender_that_dies_is_told_of_and_another_goes_on(
        self, qtbot, dock, viewer, address, sender, other_program
    ):
        dock.state.camera = "network"
        type_in(qtbot, dock, "address", address)
        first = other_program(sender, address)
        picture = started(qtbot, dock)
        assert picture.view.raw.data.shape == SHAPE
        assert tuple(viewer.layers[0].scale) == (2.0, 3.0)
        qtbot.waitUntil(lambda: camera_lamp(dock).level == "good", timeout=WAIT_MS)
        assert dock.view.numbers.cells["stage"].text() == "1.500, -2.500 µm"
        record(qtbot, dock)
        qtbot.waitUntil(lambda: (s := dock.desk.status) is not None and s.received > 3, timeout=WAIT_MS)
        first.kill()
        qtbot.waitUntil(lambda: camera_lamp(dock).level == "bad", timeout=WAIT_MS)
        assert "No frame for" in camera_lamp(dock).label.text()
        before = dock.desk.status.received
        other_program(sender, address)
        qtbot.waitUntil(lambda: camera_lamp(dock).level == "good", timeout=WAIT_MS)
        assert "restarts of the sender" in dock.view.numbers.incidents.text()
        qtbot.waitUntil(lambda: dock.desk.status.received > before + 3, timeout=WAIT_MS)
        count, shape = recorded(qtbot, dock)
        assert count > before
        assert shape == SHAPE

    def test_waiting_for_a_sender_is_said_and_an_old_number_is_not_shown(self, qtbot, dock, address):
        dock.state.camera = "network"
        type_in(qtbot, dock, "address", address)
        dock.view.numbers.cells["acquired"].setText("264")
        dock.view.start.click()
        label = camera_lamp(dock).label
        qtbot.waitUntil(lambda: "waiting for the first message" in label.text(), timeout=WAIT_MS)
        assert dock.view.numbers.cells["acquired"].text() == "–"
        stopped(qtbot, dock)
        assert label.text() == "Stopped."


class TestFolder:
    def test_files_of_another_program_are_seen_as_they_come(
        self, qtbot, dock, viewer, tmp_path, other_program
    ):
        place = tmp_path / "session"
        place.mkdir()
        dock.state.camera = "folder"
        assert dock.view.message.text() == "Folder is needed."
        type_in(qtbot, dock, "folder", str(place))
        type_in(qtbot, dock, "patience_s", "0.2")
        writer = other_program(SCENE + WRITER, place, 0)
        picture = started(qtbot, dock)
        assert picture.view.raw.data.shape == SHAPE
        qtbot.waitUntil(lambda: camera_lamp(dock).level == "good", timeout=WAIT_MS)
        record(qtbot, dock)
        qtbot.waitUntil(lambda: (s := dock.desk.status) is not None and s.received > 2, timeout=WAIT_MS)
        writer.kill()
        qtbot.waitUntil(lambda: camera_lamp(dock).level == "bad", timeout=WAIT_MS)
        (place / "image_4999.tif").write_bytes(b"no image")
        (place / "notes.txt").write_text("stray")
        before = dock.desk.status.received
        other_program(SCENE + WRITER, place, 5000)
        qtbot.waitUntil(lambda: camera_lamp(dock).level == "good", timeout=WAIT_MS)
        incidents = dock.view.numbers.incidents
        qtbot.waitUntil(lambda: incidents.text() == "1 × unreadable files", timeout=WAIT_MS)
        qtbot.waitUntil(lambda: dock.desk.status.received > before + 2, timeout=WAIT_MS)
        assert recorded(qtbot, dock)[0] > before


def film(tmp_path, frames):
    """Return the path of a stack of frames, to be played."""
    return str(write_image(tmp_path / "film.ome.tif", np.asarray(frames, np.uint16), Acquisition("film")))


def scene(seed):
    return np.kron(np.random.default_rng(seed).uniform(100, 900, (8, 12)), np.ones((8, 8)))[:60, :90]


def play(qtbot, dock, path, **settings):
    dock.state.camera = "replay"
    dock.state.typed = {"replay": {"source": path, "repeat": "True", **settings}}
    dock.view.start.click()


class TestTripWires:
    def test_a_beam_that_goes_off(self, qtbot, dock, tmp_path):
        rng = np.random.default_rng(0)
        lit = rng.poisson(np.stack([scene(0)] * 10))
        play(qtbot, dock, film(tmp_path, [*lit, *rng.poisson(5, (40, 60, 90))]), frame_rate_hz="20")
        qtbot.waitUntil(lambda: "is the beam on?" in camera_lamp(dock).label.text(), timeout=WAIT_MS)
        assert camera_lamp(dock).level == "warn"
        qtbot.waitUntil(lambda: camera_lamp(dock).level == "good", timeout=WAIT_MS)

    def test_a_view_that_jumps(self, qtbot, dock, tmp_path):
        dock.state.kind = "translation"
        frames = [scene(place) for place in (1, 2) for _ in range(30)]
        play(qtbot, dock, film(tmp_path, frames), frame_rate_hz="20")
        qtbot.waitUntil(lambda: "begins anew" in camera_lamp(dock).label.text(), timeout=WAIT_MS)
        assert camera_lamp(dock).level == "warn"
        assert int(dock.view.numbers.cells["lost_view"].text()) >= 1

    def test_frames_that_the_camera_loses(self, qtbot, dock, tmp_path):
        path = film(tmp_path, [scene(0)] * 20)
        play(qtbot, dock, path, frame_rate_hz="20000", held_frames="1")
        qtbot.waitUntil(lambda: dock.view.lamps.dropped.level == "bad", timeout=WAIT_MS)
        assert "The camera lost" in dock.view.lamps.dropped.label.text()

    def test_a_disk_that_is_soon_full(self, qtbot, dock, tmp_path, monkeypatch):
        a_minute = 60 * 25 * 60 * 90 * 2
        usage = SimpleNamespace(free=RESERVE_BYTES + a_minute)
        monkeypatch.setattr("napari_emrestore.pipeline.recorder.shutil.disk_usage", lambda path: usage)
        play(qtbot, dock, film(tmp_path, [scene(0)] * 20))
        qtbot.waitUntil(lambda: dock.view.record.forecast.text().startswith("⚠"), timeout=WAIT_MS)
        record(qtbot, dock)
        qtbot.waitUntil(lambda: dock.view.record.lamp.level == "warn", timeout=WAIT_MS)
        assert "Disk full in" in dock.view.record.lamp.label.text()
        assert recorded(qtbot, dock)[1] == (60, 90)


class TestTwoDocks:
    @pytest.mark.parametrize("same_viewer", [True, False])
    def test_one_goes_on_when_the_other_is_closed(self, qtbot, dock, viewer, tmp_path, same_viewer):
        path = film(tmp_path, [scene(0)] * 10)
        other = LiveDock(viewer if same_viewer else ViewerModel())
        qtbot.addWidget(other)
        other.state.model, other.state.kind = "mean", "none"
        for one in (dock, other):
            play(qtbot, one, path)
            seen(qtbot, one, lambda picture: "restored" in picture.images)
        assert len(viewer.layers) == (4 if same_viewer else 2)
        running = len(live_threads())
        with qtbot.waitSignal(other.destroyed, timeout=WAIT_MS):
            other.deleteLater()
        qtbot.waitUntil(lambda: len(live_threads()) == running / 2, timeout=WAIT_MS)
        index = dock.layers.shown.view.raw.index
        seen(qtbot, dock, lambda picture: picture.view.raw.index > index + 3)
        stopped(qtbot, dock)
