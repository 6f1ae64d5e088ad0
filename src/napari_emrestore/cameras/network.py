"""Frames that another program sends over ZeroMQ; see `network_protocol` for the messages."""

from __future__ import annotations

import ipaddress
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import numpy as np

from napari_emrestore.cameras.network_protocol import MOST_HEADER_BYTES, Received, decode
from napari_emrestore.cameras.source import SLICE_S, LiveSource, checked_timeout
from napari_emrestore.core import SILENT, FormatError, Frame, InputError, SourceTimeoutError
from napari_emrestore.core.optional import optional_package

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari_emrestore.core import Monitor

MOST_FRAME_BYTES = 256 << 20


def open_network(
    *,
    address: str = "tcp://127.0.0.1:5557",
    allow_remote: bool = False,
    held_frames: int = 16,
    most_frame_bytes: int = MOST_FRAME_BYTES,
    timeout_s: float = 30.0,
    monitor: Monitor = SILENT,
) -> NetworkCamera:
    """Return a camera that receives frames; waits for the first.

    Parameters
    ----------
    address : str
        ``tcp://HOST:PORT`` of this computer to listen at; port ``*`` takes a free one.
    allow_remote : bool
        Whether the address may be one that other computers reach. Nothing is encrypted and anybody who
        reaches the port may send: only within a trusted network.
    held_frames : int
        Messages kept for a slow reader; then a sender has to wait, or to drop frames itself.
    most_frame_bytes : int
        A larger message ends its sender's connection.
    timeout_s : float
        See `LiveSource`; also for the first frame.
    monitor : Monitor
        May cancel the wait for the first frame.

    Raises
    ------
    InputError
        If the address is not of this computer alone (without `allow_remote`), or is taken.
    MissingPackageError
        If pyzmq is not installed.
    SourceTimeoutError
        If no frame comes.
    """
    checked_timeout(timeout_s)
    inbox = Inbox(address, allow_remote=allow_remote, held=held_frames, most_bytes=most_frame_bytes)
    try:
        first = _first(inbox, timeout_s, monitor)
    except BaseException:
        inbox.close()
        raise
    return NetworkCamera(inbox, first, timeout_s)


class NetworkCamera(LiveSource):
    """Yields the frames that come; see `open_network`.

    The shape and type of the first message hold; others are counted as malformed. Frames are counted from
    the first; a sender that begins anew with smaller numbers is counted on.
    """

    def __init__(self, inbox: Inbox, first: Received, timeout_s: float) -> None:
        shape = (int(first.data.shape[0]), int(first.data.shape[1]))
        native = first.data.dtype.newbyteorder("=")
        super().__init__(first.acquisition(), shape, native, timeout_s)
        self._inbox = inbox
        self._first: Received | None = first
        self._offset, self._last = -first.index, -1
        self.last_problem = ""

    def _poll(self) -> Frame | None:
        received, self._first = self._first, None
        try:
            received = received or self._inbox.receive(SLICE_S)
            if received is not None:
                self._check(received)
        except FormatError as error:
            self.last_problem = str(error)
            self._count("malformed messages")
            return None
        return None if received is None else self._frame(received)

    def _check(self, received: Received) -> None:
        if received.data.shape != self.frame_shape or received.data.dtype.newbyteorder("=") != self.dtype:
            raise FormatError(
                "Frames of one stream share shape and type",
                came=f"{received.data.shape} {received.data.dtype} came",
            )

    def _frame(self, received: Received) -> Frame:
        index = received.index + self._offset
        if index <= self._last:
            self._count("restarts of the sender")
            self._offset = self._last + 1 - received.index
            index = self._last + 1
        self._last = index
        data = np.asarray(received.data, self.dtype)
        return Frame(data, index, received.acquisition(), time.monotonic())

    def _release(self) -> None:
        self._inbox.close()


class Inbox:
    """A bound socket, used by one thread at a time.

    Parameters
    ----------
    address, allow_remote, held, most_bytes
        See `open_network`.

    Attributes
    ----------
    address : str
        Where it listens, with the port it got.
    """

    def __init__(
        self, address: str, *, allow_remote: bool = False, held: int = 16, most_bytes: int = MOST_FRAME_BYTES
    ) -> None:
        if not allow_remote:
            _refuse_remote(address)
        if held < 1 or most_bytes < MOST_HEADER_BYTES:
            raise InputError(
                f"At least one frame is held, of {MOST_HEADER_BYTES} bytes or more",
                came=f"{held} frames of {most_bytes} bytes came",
            )
        self._zmq = optional_package("zmq", "network")
        self._context: Any = self._zmq.Context()
        self._socket: Any = self._context.socket(self._zmq.PULL)
        self._socket.setsockopt(self._zmq.RCVHWM, held)
        self._socket.setsockopt(self._zmq.MAXMSGSIZE, most_bytes)
        self._socket.setsockopt(self._zmq.LINGER, 0)
        try:
            self._socket.bind(address)
        except self._zmq.ZMQError as error:
            self.close()
            raise InputError(
                "An address of this computer that is free is needed",
                item=address,
                came=f"could not be taken ({error})",
                remedy="Choose another port, or close the program that holds it.",
            ) from error
        self.address: str = self._socket.getsockopt_string(self._zmq.LAST_ENDPOINT)

    def receive(self, wait_s: float) -> Received | None:
        """Return the next message, None if none comes in time.

        Raises
        ------
        FormatError
            If it is malformed.
        """
        if not self._socket.poll(int(wait_s * 1000)):
            return None
        return decode(self._socket.recv_multipart())

    def close(self) -> None:
        """Let go of the address."""
        self._socket.close()
        self._context.term()


def _first(inbox: Inbox, timeout_s: float, monitor: Monitor) -> Received:
    for received in _received(inbox, time.monotonic() + timeout_s):
        monitor.step(0, 1, "waiting for the first message")
        if received is not None:
            return received
    raise SourceTimeoutError(
        "A network camera gets frames",
        item=inbox.address,
        came=f"got none that could be read in {timeout_s:g} s",
        remedy="Start the sender, and check that it connects to this address.",
    )


def _received(inbox: Inbox, until_s: float) -> Iterator[Received | None]:
    while time.monotonic() < until_s:
        try:
            yield inbox.receive(SLICE_S)
        except FormatError:
            yield None


def _refuse_remote(address: str) -> None:
    parts = urlsplit(address)
    host = parts.hostname or ""
    try:
        is_local = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_local = False
    if parts.scheme != "tcp" or not is_local:
        raise InputError(
            "Frames are received from this computer only, at tcp://127.0.0.1:PORT",
            came=f"{address!r} came",
            remedy="Set allow_remote to listen to a trusted network.",
        )
