"""Every row of the table of cameras: order, time-out, closing, gaps, and settings that can be asked for."""

import threading
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
import tifffile

from napari_emrestore.cameras import LiveSource, camera_settings, list_cameras, open_camera
from napari_emrestore.cameras.network import Inbox, NetworkCamera
from napari_emrestore.cameras.network_protocol import encode
from napari_emrestore.core import InputError, SourceTimeoutError
from napari_emrestore.io import open_frames

PATIENCE_S = 20.0
SHAPE = (33, 40)


def simulated(place, frames, timeout_s):
    return open_camera(
        "simulated",
        frame_shape=SHAPE,
        specimen_px=64,
        frame_rate_hz=None,
        silent_after=frames,
        timeout_s=timeout_s,
    )


def replay(place, frames, timeout_s):
    # a period far beyond the time-out: what comes after the first frames is silence
    data = np.zeros((frames + 1, *SHAPE), np.uint16)
    camera = open_camera("replay", source=data, frame_rate_hz=None, timeout_s=timeout_s)
    fall_silent(camera, frames)
    return camera


def fall_silent(camera, frames):
    poll, given = camera._poll, []

    def silent_in_the_end():
        if len(given) == frames:
            camera._closing.wait(0.01)
            return None
        frame = poll()
        if frame is not None:
            given.append(frame.index)
        return frame

    camera._poll = silent_in_the_end


def folder(place, frames, timeout_s):
    for k in range(frames):
        tifffile.imwrite(place / f"a_{k}.tif", np.full(SHAPE, k, np.uint16), photometric="minisblack")
    return open_camera(
        "folder", folder=str(place), existing=True, poll_s=0.01, timeout_s=timeout_s, reader=open_frames
    )


def network(place, frames, timeout_s):
    zmq = pytest.importorskip("zmq")
    inbox = Inbox("tcp://127.0.0.1:*")
    context = zmq.Context()
    with context.socket(zmq.PUSH) as sender:
        sender.connect(inbox.address)
        for k in range(frames):
            sender.send_multipart(encode(np.full(SHAPE, k, np.uint16), k))
        first = inbox.receive(PATIENCE_S)
    context.term()
    return NetworkCamera(inbox, first, timeout_s)


def micromanager(place, frames, timeout_s):
    pytest.importorskip("pymmcore_plus")
    pytest.importorskip("mm_test_adapters")
    camera = open_camera(
        "micromanager", adapter="DemoCamera", device="DCam", exposure_ms=1.0, timeout_s=timeout_s
    )
    fall_silent(camera, frames)
    return camera


CAMERAS = {
    "simulated": simulated,
    "replay": replay,
    "folder": folder,
    "network": network,
    "micromanager": micromanager,
}


@contextmanager
def opened(name, frames=5, timeout_s=PATIENCE_S):
    with TemporaryDirectory() as place, CAMERAS[name](Path(place), frames, timeout_s) as camera:
        yield camera


@pytest.fixture(params=[kind.name for kind in list_cameras()])
def name(request):
    if request.param not in CAMERAS:
        pytest.skip(f"no stand-in for the device of {request.param!r} here")
    return request.param


def test_every_camera_of_ours_has_a_stand_in_here():
    assert {kind.name for kind in list_cameras()} >= set(CAMERAS)


def test_frames_come_in_order_as_announced(name):
    with opened(name) as camera:
        assert isinstance(camera, LiveSource)
        frames = [frame for frame, _ in zip(camera, range(4), strict=False)]
    assert [frame.index for frame in frames] == sorted({frame.index for frame in frames})
    assert {frame.data.shape for frame in frames} == {camera.frame_shape}
    assert {frame.data.dtype for frame in frames} == {camera.dtype}
    times = [frame.time_s for frame in frames]
    assert all(time is not None for time in times)
    assert times == sorted(times)
    assert all(frame.acquisition.name for frame in frames)


def test_iterating_again_goes_on_from_where_it_stands(name):
    with opened(name) as camera:
        first = next(iter(camera))
        second = next(iter(camera))
    assert second.index > first.index


def test_silence_is_a_timeout(name):
    with opened(name, frames=2, timeout_s=0.3) as camera, pytest.raises(SourceTimeoutError, match=r"0\.3 s"):
        for _ in camera:
            pass


def test_closing_ends_a_wait_for_a_frame(name):
    with opened(name, frames=2) as camera:
        seen, waiting, ended = [], threading.Event(), threading.Event()

        def read():
            for frame in camera:
                seen.append(frame.index)
                if len(seen) == 2:
                    waiting.set()
            ended.set()

        reader = threading.Thread(target=read, daemon=True)
        reader.start()
        assert waiting.wait(PATIENCE_S)
        camera.close()
        assert ended.wait(PATIENCE_S), "a reader that waits is let go"
    assert len(seen) == 2


def test_closing_twice_is_harmless_and_nothing_comes_after(name):
    with opened(name) as camera:
        next(iter(camera))
        camera.close()
        camera.close()
        assert camera.is_closed
        assert list(camera) == []


def test_settings_are_known_without_opening(name):
    settings = camera_settings(name)
    assert "timeout_s" in settings
    assert "reader" not in settings


def test_an_unknown_camera_or_setting_is_refused(name):
    with pytest.raises(InputError, match="'nothing' came"):
        open_camera("nothing")
    with pytest.raises(InputError, match="'no_such_setting' came"):
        open_camera(name, no_such_setting=1)


def test_a_timeout_is_above_zero():
    with pytest.raises(InputError, match="above 0"):
        simulated(Path(), 1, 0.0)
