"""The network camera: what is sent arrives, what is malformed is counted, and nobody else may send."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_emrestore.cameras.network import Inbox, NetworkCamera, open_network
from napari_emrestore.cameras.network_protocol import DTYPES, decode, encode
from napari_emrestore.core import FormatError, InputError, SourceTimeoutError

zmq = pytest.importorskip("zmq")
PATIENCE_S = 20.0
ANY_PORT = "tcp://127.0.0.1:*"


def image(k=0, shape=(31, 46), dtype=np.uint16):
    return (np.arange(shape[0] * shape[1]).reshape(shape) % 99 + k).astype(dtype)


class Sender:
    def __init__(self, address):
        self.context = zmq.Context()
        self.socket = self.context.socket(zmq.PUSH)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.connect(address)

    def send(self, parts):
        self.socket.send_multipart(parts)

    def close(self):
        self.socket.close()
        self.context.term()


@pytest.fixture
def wire():
    inbox = Inbox(ANY_PORT)
    sender = Sender(inbox.address)
    yield inbox, sender
    sender.close()
    if not inbox._socket.closed:
        inbox.close()


def camera_of(wire, *messages, timeout_s=PATIENCE_S):
    inbox, sender = wire
    for message in messages:
        sender.send(message)
    first = inbox.receive(PATIENCE_S)
    return NetworkCamera(inbox, first, timeout_s)


@pytest.mark.parametrize("dtype", DTYPES)
def test_what_is_encoded_is_decoded(dtype):
    data = image(dtype=np.dtype(dtype))
    got = decode(encode(data, 7, name="K2", pixel_size_nm=[1.5, 2.0], stage_um=[3, 4.5], dose_e=2))
    np.testing.assert_array_equal(got.data, data)
    assert got.index == 7
    known = got.acquisition()
    assert (known.name, known.pixel_size_nm, known.dose_e) == ("K2", (1.5, 2.0), 2.0)
    assert known.extra["stage_um"] == [3.0, 4.5]


def test_frames_arrive_in_order_with_their_gaps(wire):
    messages = [encode(image(k), k, exposure_ms=15.0) for k in (40, 41, 44)]
    with camera_of(wire, *messages) as camera:
        frames = [frame for _, frame in zip(range(3), camera, strict=False)]
        assert camera.acquisition.exposure_ms == 15.0
    assert [frame.index for frame in frames] == [0, 1, 4]
    np.testing.assert_array_equal([f.data for f in frames], [image(40), image(41), image(44)])


def test_a_sender_that_begins_anew_is_counted_on(wire):
    with camera_of(wire, *[encode(image(), k) for k in (5, 6, 0, 1)]) as camera:
        assert [frame.index for _, frame in zip(range(4), camera, strict=False)] == [0, 1, 2, 3]
        assert camera.incidents == {"restarts of the sender": 1}


def header(**changes):
    fields = json.loads(encode(image(), 1)[0])
    fields |= changes
    return json.dumps({k: v for k, v in fields.items() if v is not None}).encode()


MALFORMED = {
    "one part": [b"{}"],
    "three parts": [*encode(image(), 1), b""],
    "no JSON": [b"\xff\x00", b""],
    "a list": [b"[1]", b""],
    "deep JSON": [b"[" * 50000, b""],
    "a large header": [b" " * (65 << 10) + b"{}", b""],
    "another protocol": [header(protocol="x"), encode(image(), 1)[1]],
    "no index": [header(index=None), encode(image(), 1)[1]],
    "a negative index": [header(index=-1), encode(image(), 1)[1]],
    "an index true": [header(index=True), encode(image(), 1)[1]],
    "a huge shape": [header(shape=[1 << 20, 1 << 20]), b""],
    "a flat shape": [header(shape=[0, 5]), b""],
    "three sides": [header(shape=[1, 31, 46]), encode(image(), 1)[1]],
    "objects": [header(dtype="O"), encode(image(), 1)[1]],
    "too few bytes": [header(), encode(image(), 1)[1][:-1]],
    "too many bytes": [header(), encode(image(), 1)[1] + b"1"],
    "no pixel size": [header(pixel_size_nm=[0, 1]), encode(image(), 1)[1]],
    "no exposure": [header(exposure_ms="long"), encode(image(), 1)[1]],
    "no stage": [header(stage_um=[float("nan"), 1]), encode(image(), 1)[1]],
    "another shape": encode(image(shape=(31, 47)), 2),
    "another type": encode(image(dtype=np.uint8), 2),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_message_is_counted_and_survived(wire, name):
    with camera_of(wire, encode(image(), 0), MALFORMED[name], encode(image(3), 5)) as camera:
        frames = [frame for _, frame in zip(range(2), camera, strict=False)]
        assert [frame.index for frame in frames] == [0, 5]
        assert camera.incidents == {"malformed messages": 1}
        assert camera.last_problem


@given(st.lists(st.binary(max_size=200), max_size=3))
@settings(deadline=None)
def test_any_bytes_are_a_frame_or_refused(parts):
    with pytest.raises(FormatError):
        decode(parts)


def test_a_message_that_is_too_large_never_arrives():
    inbox = Inbox(ANY_PORT, most_bytes=1 << 16)
    sender = Sender(inbox.address)
    sender.send(encode(image(shape=(300, 300)), 0))
    honest = Sender(inbox.address)
    honest.send(encode(image(), 7))
    assert inbox.receive(PATIENCE_S).index == 7, "only the honest one arrives"
    assert inbox.receive(0.05) is None
    sender.close()
    honest.close()
    inbox.close()


@pytest.mark.parametrize(
    "address", ["tcp://0.0.0.0:*", "tcp://*:5557", "tcp://192.168.7.7:5557", "ipc://x", "what"]
)
def test_only_this_computer_may_send_unless_allowed(address):
    with pytest.raises(InputError, match=r"127\.0\.0\.1"):
        Inbox(address)


def test_an_address_that_is_taken_is_told():
    inbox = Inbox(ANY_PORT)
    with pytest.raises(InputError, match="could not be taken"):
        Inbox(inbox.address)
    inbox.close()
    with pytest.raises(InputError, match="could not be taken"):
        Inbox("tcp://203.0.113.7:5557", allow_remote=True)
    with pytest.raises(InputError, match="At least one"):
        Inbox(ANY_PORT, held=0)


def test_nobody_sending_is_a_timeout_and_frees_the_address():
    inbox = Inbox(ANY_PORT)
    address = inbox.address
    inbox.close()
    for _ in range(2):
        with pytest.raises(SourceTimeoutError, match="got none"):
            open_network(address=address, timeout_s=0.05)
