"""A socket without the scheduler passes and failed calls that a server of many small frames can do without.

A server that speaks sends a small frame to each listener 25 times a second. trio's own `send_all` lets every other task
run after each send, and trio-websocket's lock does so before it: two thirds of what a frame cost, and for an
acknowledgement two more turns of waiting behind everybody else's work.

To receive, trio tries first and waits then; a frame is hardly ever there already, so that each costs a failed call and
its exception.
"""

from __future__ import annotations

import os
from collections.abc import Coroutine
from types import TracebackType
from typing import Any

import trio

from voxint.net.prefixed import PrefixedStream

__all__ = ["EagerLock", "EagerStream", "read_when_there", "socket_under", "write_now"]

READ_BYTES = 16_384
"""At a time, where the caller does not say: many frames of a microphone, few of a model's stream."""


def socket_under(stream: trio.abc.Stream) -> trio.SocketStream | None:
    """Return the TCP connection that `stream` writes to as it is, or None where something lies between."""
    if isinstance(stream, PrefixedStream):
        stream = stream.inner
    return stream if isinstance(stream, trio.SocketStream) else None


def write_now(tcp: trio.SocketStream, data: bytes | bytearray | memoryview) -> int:
    """Hand the kernel what it takes of `data` now and return how much; 0 where it is full, or the connection gone."""
    try:
        return os.write(tcp.socket.fileno(), data)
    except OSError:
        return 0  # a `send_all` of the rest waits for room, or raises what is wrong


async def read_when_there(tcp: trio.SocketStream, max_bytes: int) -> bytes:
    """Wait until there is something to read, and read it, at most `max_bytes`; empty at the end.

    Raises:
        trio.BrokenResourceError: The connection was lost.
        trio.ClosedResourceError: It was closed here.
    """
    while True:
        if tcp.socket.fileno() < 0:
            raise trio.ClosedResourceError
        await trio.lowlevel.wait_readable(tcp.socket)
        try:
            return os.read(tcp.socket.fileno(), max_bytes)
        except BlockingIOError:
            continue  # a false alarm: the kernel dropped what it had announced
        except OSError as error:
            raise trio.BrokenResourceError("the connection was lost") from error


class EagerStream(trio.abc.Stream):
    """A stream whose `send_all` is a checkpoint only where it has to wait, and which waits before it reads.

    For a sender that waits between its sends anyway, as a writer does for its queue; a loop that only sends would
    keep all others waiting. Two sends at once are the sender's fault here as they are in trio.
    """

    def __init__(self, stream: trio.abc.Stream) -> None:
        self._stream = stream
        self._tcp = socket_under(stream)

    def send_now(self, data: bytes | bytearray | memoryview) -> int:
        """Send what the kernel takes of `data` now and return how much; 0 where something lies between, as TLS does."""
        return 0 if self._tcp is None else write_now(self._tcp, data)

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send all of `data`. Cancelled, an unknown part of it has been sent."""
        taken = self.send_now(data)
        if taken < len(data) or not data:
            await self._stream.send_all(memoryview(data)[taken:])

    def wait_send_all_might_not_block(self) -> Coroutine[Any, Any, None]:
        """Wait as the inner stream does."""
        return self._stream.wait_send_all_might_not_block()

    def receive_some(self, max_bytes: int | None = None) -> Coroutine[Any, Any, bytes | bytearray]:
        """Receive as the inner stream does."""
        if self._tcp is None or (isinstance(self._stream, PrefixedStream) and self._stream.prefixed):
            return self._stream.receive_some(max_bytes)
        return read_when_there(self._tcp, max_bytes or READ_BYTES)

    def aclose(self) -> Coroutine[Any, Any, None]:
        """Close the inner stream."""
        return self._stream.aclose()


class EagerLock:
    """trio's first-come lock, entered without a checkpoint where nobody holds it."""

    def __init__(self) -> None:
        self._lock = trio.StrictFIFOLock()

    @property
    def held(self) -> bool:
        """Whether somebody is inside."""
        return self._lock.locked()

    async def __aenter__(self) -> None:
        try:
            self._lock.acquire_nowait()
        except trio.WouldBlock:
            await self._lock.acquire()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lock.release()
