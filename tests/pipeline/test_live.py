"""The line in a loop: what comes out, what is counted, what may change, and how it ends."""

import threading
from queue import Queue

import numpy as np
import pytest

from napari_emrestore.cameras import open_camera
from napari_emrestore.core import (
    Acquisition,
    DeviceError,
    Frame,
    InputError,
    ModelError,
    SourceTimeoutError,
    TilingRule,
    WriteError,
)
from napari_emrestore.pipeline import live_exchange
from napari_emrestore.pipeline.live import LiveLine
from napari_emrestore.pipeline.live_models import ModelLoading
from napari_emrestore.pipeline.live_observing import Observer
from napari_emrestore.pipeline.live_settings import LiveSettings
from napari_emrestore.restoration import load_restorer

PATIENCE_S = 30.0
END = object()


class Fed:
    """A source that yields what a test puts in, and ends or fails when told."""

    def __init__(self, shape=(64, 81)):
        self.acquisition, self.frame_shape, self.dtype = Acquisition("fed"), shape, np.dtype(np.uint16)
        self.queue, self.closed = Queue(), 0

    def __iter__(self):
        while (item := self.queue.get()) is not END:
            if isinstance(item, Exception):
                raise item
            yield item

    def close(self):
        self.closed += 1
        self.queue.put(END)


class Recorded:
    def __init__(self, fail_at=None):
        self.indices, self.fail_at = [], fail_at

    def put(self, frame):
        if frame.index == self.fail_at:
            raise WriteError("A disk with room is needed")
        self.indices.append(frame.index)


@pytest.fixture(scope="module")
def frames():
    with open_camera(
        "simulated",
        specimen_px=256,
        frame_shape=(64, 81),
        frame_rate_hz=None,
        velocity_px_s=(130.0, 40.0),
        dose_e=200.0,
    ) as camera:
        taken = [frame for frame, _ in zip(camera, range(12), strict=False)]
        poses = [camera.pose_px(frame.index) for frame in taken]
        return taken, np.array(poses), camera.truth(9)


@pytest.fixture
def in_step(monkeypatch):
    """Models are loaded before the next view, and restorations waited for: one view for each frame."""
    monkeypatch.setattr(ModelLoading, "start", ModelLoading.run)
    monkeypatch.setattr(live_exchange, "TOGETHER_S", PATIENCE_S)


pytestmark = pytest.mark.usefixtures("in_step")


def next_view(line):
    view = line.wait(PATIENCE_S)
    assert view is not None, line.failure
    return view


def test_the_newest_frames_are_registered_and_restored(frames):
    taken, poses, truth = frames
    source = Fed()
    with LiveLine(source, LiveSettings(model="mean", frames=4)) as line:
        for frame in taken[:10]:
            source.queue.put(frame)
            view = next_view(line)
            assert view.raw is frame
            assert view.problem == ""
            assert view.frames == tuple(range(max(0, frame.index - 3), frame.index + 1))
    assert view.score > 0.8
    assert view.step_px == pytest.approx(tuple(poses[8] - poses[9]), abs=0.3)
    assert view.restored.image.shape == (64, 81)

    def error(image):
        return np.sqrt(np.mean((np.asarray(image, float) - truth) ** 2))

    assert error(view.restored.image) < 0.65 * error(view.raw.data), "a mean of 4 halves the noise"


def test_every_frame_is_registered_once(frames, monkeypatch):
    from napari_emrestore.registration import following

    taken, source, seen = frames[0], Fed(), []
    follow = following.Follower.follow
    monkeypatch.setattr(
        following.Follower,
        "follow",
        lambda self, data, index: seen.append(index) or follow(self, data, index),
    )
    with LiveLine(source, LiveSettings(model="mean", frames=5)) as line:
        for frame in taken:
            source.queue.put(frame)
            next_view(line)
    assert seen == list(range(12))


class Slow:
    """A restorer of single frames that waits to be let go on."""

    id, version, device, frames = "slow", "1", "cpu", (1, 1)

    def __init__(self):
        self.tiling = TilingRule()
        self.busy, self.go = threading.Event(), threading.Semaphore(0)

    def describe(self):
        return {"id": self.id, "version": self.version, "weights_sha256": ""}

    def restore_window(self, window):
        self.busy.set()
        assert self.go.acquire(timeout=PATIENCE_S)
        return window[0]


def test_a_slow_restorer_holds_up_neither_camera_nor_view(frames, monkeypatch):
    monkeypatch.setattr(live_exchange, "TOGETHER_S", 0.0)
    taken, source, recorded, slow = frames[0], Fed(), Recorded(), Slow()
    line = LiveLine(source, LiveSettings(model="slow", frames=3), loader=lambda settings: slow)
    line.record(recorded)
    with line:
        source.queue.put(taken[0])
        assert slow.busy.wait(PATIENCE_S)
        assert next_view(line).raw is taken[0]
        for frame in (*taken[1:6], *taken[8:]):
            source.queue.put(frame)
            view = next_view(line)
            assert view.raw is frame, "every frame is seen while the restorer sleeps"
            assert view.restored is None
        slow.go.release()
        view = next_view(line)
        assert (view.raw, view.restored_raw) == (taken[11], taken[0])
        assert (view.frames, view.frames_behind) == ((0,), 11)
        moved = frames[1][0] - frames[1][11]
        assert view.restored_at_px == pytest.approx(tuple(moved), abs=1.0)
        slow.go.release()
        view = next_view(line)
        assert (view.raw, view.restored_raw) == (taken[11], taken[11])
        assert (view.frames, view.restored_at_px) == ((9, 10, 11), (0.0, 0.0))
        line.shown(view)
        counters = line.counters()
    assert recorded.indices == [0, 1, 2, 3, 4, 5, 8, 9, 10, 11]
    assert (counters.acquired, counters.lost_by_source, counters.dropped_by_ring) == (10, 2, 0)
    assert (counters.made, counters.restored, counters.passed_over) == (12, 2, 6)
    assert counters.restored_latency_ms_p50 == counters.latency_ms_p50 > 0


def test_frames_that_come_before_one_is_looked_at_are_dropped_and_counted(frames, monkeypatch):
    taken, source = frames[0], Fed()
    looking, go, see = threading.Event(), threading.Event(), Observer.see

    def slowly(self, newest, settings):
        looking.set()
        assert go.wait(PATIENCE_S)
        return see(self, newest, settings)

    monkeypatch.setattr(Observer, "see", slowly)
    with LiveLine(source, LiveSettings(frames=3)) as line:
        source.queue.put(taken[0])
        assert looking.wait(PATIENCE_S)
        for frame in taken[1:]:
            source.queue.put(frame)
        source.queue.put(END)
        line._threads[0].join(PATIENCE_S)
        assert not line._threads[0].is_alive(), "the camera was read to its end"
        go.set()
        line._threads[1].join(PATIENCE_S)
        counters = line.counters()
        assert next_view(line).raw is taken[11]
    assert (counters.acquired, counters.dropped_by_ring) == (12, 8)
    assert (counters.made, counters.superseded) == (2, 1)


def test_a_restoration_that_is_there_in_time_is_shown_with_its_frame(frames):
    taken, source, slow = frames[0], Fed(), Slow()
    with LiveLine(source, LiveSettings(model="slow", frames=1), loader=lambda settings: slow) as line:
        for frame in taken[:3]:
            source.queue.put(frame)
            assert slow.busy.wait(PATIENCE_S)
            slow.busy.clear()
            assert line.newest() is None, "it waits for its restoration"
            slow.go.release()
            view = next_view(line)
            assert view.raw is view.restored_raw is frame


@pytest.mark.parametrize("change", [{"model": "other"}, {"roi": (0, 0, 40, 40)}, {"kind": None}], ids=str)
def test_what_was_made_for_other_settings_is_never_shown(frames, monkeypatch, change):
    monkeypatch.setattr(live_exchange, "TOGETHER_S", 0.0)
    taken, source, slow = frames[0], Fed(), Slow()
    with LiveLine(source, LiveSettings(model="slow", frames=1), loader=lambda settings: slow) as line:
        source.queue.put(taken[0])
        next_view(line)
        assert slow.busy.wait(PATIENCE_S)
        line.change(**change)
        source.queue.put(taken[1])
        assert next_view(line).restored is None
        slow.go.release(2)
        view = next_view(line)
        assert view.restored_raw is view.raw
        assert view.raw.index == 1
        assert view.restored.image.shape == view.raw.data.shape


def test_settings_change_while_it_runs(frames):
    taken, source = frames[0], Fed()
    with LiveLine(source, LiveSettings(frames=2)) as line:
        source.queue.put(taken[0])
        assert next_view(line).restored is None
        line.change(model="gaussian", frames=3)
        source.queue.put(taken[1])
        view = next_view(line)
        assert view.restored.provenance.model["id"] == "gaussian"
        assert view.frames == (0, 1)
        line.change(roi=(5, 7, 40, 52))
        source.queue.put(taken[2])
        view = next_view(line)
        assert view.frames == (2,), "another region begins a new burst"
        np.testing.assert_array_equal(view.raw.data, taken[2].data[5:45, 7:59])
        assert view.restored.image.shape == (40, 52)
        line.change(model=None)
        source.queue.put(taken[3])
        assert next_view(line).restored is None
        with pytest.raises(InputError, match="within the frame"):
            line.change(roi=(40, 0, 40, 52))
        assert line.settings.roi == (5, 7, 40, 52)


def test_a_camera_whose_frames_change_is_followed(frames):
    source, taken = Fed(), frames[0]
    small = [Frame(f.data[:32, :40], f.index, f.acquisition, f.time_s) for f in taken]
    with LiveLine(source, LiveSettings(model="mean", frames=3, roi=(5, 7, 40, 52))) as line:
        for frame in (taken[0], small[1]):
            source.queue.put(frame)
            view = next_view(line)
        assert view.restored.image.shape == (32, 40)
        left = "The region (5, 7, 40, 52) leaves the frame of (32, 40)"
        assert view.problem == f"{left}: whole frames are shown"
        assert line.counters().view_lost == 0
        source.queue.put(taken[2])
        view = next_view(line)
        assert view.problem == ""
        assert view.raw.data.shape == (40, 52), "the region is that of the settings again"


def test_a_model_that_cannot_be_loaded_leaves_the_raw_view(frames):
    source = Fed()
    with LiveLine(source, LiveSettings(model="no-such-model")) as line:
        source.queue.put(frames[0][0])
        view = next_view(line)
        assert view.restored is None
        assert "no-such-model" in view.problem
        line.change(model="mean")
        source.queue.put(frames[0][1])
        assert next_view(line).restored is not None
    assert line.failure is None


def test_a_lost_view_begins_a_new_burst(frames):
    source, rng = Fed(), np.random.default_rng(0)
    with LiveLine(source, LiveSettings(model="mean", frames=5)) as line:
        for frame in frames[0][:3]:
            source.queue.put(frame)
            next_view(line)
        other = rng.poisson(np.kron(rng.uniform(100, 900, (16, 27)), np.ones((4, 3)))).astype(np.uint16)
        source.queue.put(Frame(other, 3, source.acquisition))
        view = next_view(line)
        assert view.frames == (3,)
        assert np.isnan(view.score)
        assert np.isnan(view.latency_s), "this frame had no time"
        assert line.counters().view_lost == 1
        assert [alarm.kind for alarm in line.alarms()] == ["lost"]


def test_saturated_and_dark_frames_are_told():
    source = Fed()
    with LiveLine(source, LiveSettings(kind=None)) as line:
        bright = np.full((64, 81), 65535, np.uint16)
        bright[:32] = 5
        source.queue.put(Frame(bright, 0, source.acquisition))
        view = next_view(line)
        assert view.saturated == pytest.approx(0.5)
        assert not view.dark
        assert [alarm.kind for alarm in line.alarms()] == ["saturated"]
        assert "50 %" in line.alarms()[0].text
        source.queue.put(Frame(np.zeros((64, 81), np.uint16), 1, source.acquisition))
        assert next_view(line).dark
        assert [alarm.kind for alarm in line.alarms()] == ["dark"]


def test_a_silent_camera_is_told_and_waited_for(frames):
    source = Fed()
    with LiveLine(source) as line:
        source.queue.put(frames[0][0])
        next_view(line)
        assert line.alarms() == ()
        for _ in range(2):
            source.queue.put(SourceTimeoutError("A camera delivers frames"))
        while line.silence is None:
            assert line.is_running
        assert [(alarm.kind, alarm.text) for alarm in line.alarms()] == [("frozen", str(line.silence))]
        source.queue.put(frames[0][1])
        assert next_view(line).raw is frames[0][1], "the camera is back"
        assert (line.silence, line.failure, line.alarms()) == (None, None, ())
    assert not line.is_running


def test_a_device_that_fails_ends_the_line(frames):
    source = Fed()
    with LiveLine(source) as line:
        source.queue.put(frames[0][0])
        next_view(line)
        source.queue.put(DeviceError("A camera that answers is needed"))
        for thread in line._threads:
            thread.join(PATIENCE_S)
        assert not line.is_running
        assert isinstance(line.failure, DeviceError)
        assert line.alarms() == (), "nothing is waited for"
        assert line.wait(PATIENCE_S) is None, "nobody waits for what cannot come"


def test_a_recorder_that_fails_is_let_go_and_the_view_goes_on(frames):
    source, recorded = Fed(), Recorded(fail_at=2)
    line = LiveLine(source)
    line.record(recorded)
    with line:
        for frame in frames[0][:5]:
            source.queue.put(frame)
            next_view(line)
        assert isinstance(line.sink_failure, WriteError)
        assert line.failure is None
    assert recorded.indices == [0, 1]


def test_stopping_closes_the_source_and_leaves_no_thread(frames):
    source = Fed()
    line = LiveLine(source, LiveSettings(model="mean")).start()
    source.queue.put(frames[0][0])
    next_view(line)
    line.stop()
    line.stop()
    assert source.closed
    assert not line.is_running
    assert line.newest() is None


def test_what_was_shown_is_counted_with_its_latency(frames):
    source = Fed()
    with LiveLine(source) as line:
        assert np.isnan(line.counters().latency_ms_p50)
        for frame in frames[0][:3]:
            source.queue.put(frame)
            line.shown(next_view(line))
        counters = line.counters()
    assert counters.shown == 3
    assert counters.latency_ms_p95 >= counters.latency_ms_p50 > 0


def test_a_jump_in_brightness_is_measured_anew(frames):
    source = Fed()
    with LiveLine(source, LiveSettings(model="gaussian", frames=1, kind=None)) as line:
        maps = []
        for k, factor in enumerate((1, 1, 3, 3)):
            data = (frames[0][k].data.astype(np.float32) * factor).astype(np.uint16)
            source.queue.put(Frame(data, k, source.acquisition))
            maps.append(next_view(line).restored.provenance.settings["intensity"])
    assert maps[0] == maps[1]
    assert maps[2] == maps[3]
    assert maps[2]["offset"] > 2 * maps[1]["offset"]


def test_a_file_is_a_source_too_and_may_be_stopped_in_the_middle(tmp_path, frames):
    from napari_emrestore.io import open_frames, write_image

    path = write_image(tmp_path / "a.ome.tif", np.stack([f.data for f in frames[0]] * 40), Acquisition())
    line = LiveLine(open_frames(path))
    with line:
        next_view(line)
    assert line.failure is None
    assert not line.is_running


def test_the_view_goes_on_while_a_model_is_loaded(frames, monkeypatch):
    monkeypatch.undo()  # loads beside the view, as it is meant to
    source, ready = Fed(), threading.Event()

    def slow(settings):
        assert ready.wait(PATIENCE_S)
        return load_restorer("gaussian")

    monkeypatch.setattr(live_exchange, "TOGETHER_S", PATIENCE_S)
    with LiveLine(source, LiveSettings(model="big", frames=1, kind=None), loader=slow) as line:
        for frame in frames[0][:3]:
            source.queue.put(frame)
            view = next_view(line)
            assert view.raw is frame
            assert view.restored is None
            assert view.problem == "big is being loaded"
        ready.set()
        line._observer._model.join(PATIENCE_S)
        source.queue.put(frames[0][3])
        view = next_view(line)
        assert view.problem == ""
        assert view.restored is not None


def test_a_line_that_is_prepared_restores_its_first_view(frames, monkeypatch):
    monkeypatch.undo()
    source = Fed()
    with LiveLine(source, LiveSettings(model="gaussian", frames=1)).prepare() as line:
        source.queue.put(frames[0][0])
        assert next_view(line).restored is not None
    with pytest.raises(ModelError, match="no-such-model"):
        LiveLine(Fed(), LiveSettings(model="no-such-model")).prepare()


@pytest.mark.parametrize(
    "wrong",
    [
        {"frames": 0},
        {"frames": 33},
        {"kind": "rubber"},
        {"merge": "sum"},
        {"roi": (0, 0, 5, 90)},
        {"roi": (-1, 0, 50, 50)},
    ],
    ids=str,
)
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(InputError):
        LiveSettings(**wrong)


def test_a_failure_of_the_loader_is_no_failure_of_the_line(frames):
    source = Fed()

    def refuse(settings):
        raise ModelError("A model with weights is needed")

    with LiveLine(source, LiveSettings(model="x"), loader=refuse) as line:
        source.queue.put(frames[0][0])
        assert next_view(line).problem.startswith("A model with weights")
