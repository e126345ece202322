"""A WebSocket's two ends: the server's driver, and a client that writes bytes and looks at each frame."""

from __future__ import annotations

import socket
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import TypeAlias

import trio
from attrs import define, field
from trio.testing import memory_stream_pair, wait_all_tasks_blocked

from voxint.net.frames import CLOSE, make_frame, payload_span
from voxint.net.http_request import RequestHead
from voxint.net.tcp import TcpStream
from voxint.net.websocket import ServerWebSocket

__all__ = ["HEAD", "OPEN", "RawClient", "Rig", "Streams", "memory_pair", "open_rig", "socket_pair"]

KEY = b"dGhlIHNhbXBsZSBub25jZQ=="

HEAD = RequestHead("GET", "/", ((b"sec-websocket-key", KEY), (b"sec-websocket-version", b"13")))
"""What asks for a WebSocket."""

OPEN = (
    b"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: " + KEY + b"\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
"""The same on the wire."""


Streams: TypeAlias = tuple[trio.abc.Stream, trio.abc.Stream]
"""The server's, and the client's."""


@define
class RawClient:
    """The client's end.

    Attributes:
        stream: It.
        got: What was read and is no whole frame yet.
    """

    stream: trio.abc.Stream
    got: bytes = b""

    async def send(self, *frames: bytes) -> None:
        """Write bytes, in one segment."""
        await self.stream.send_all(b"".join(frames))

    async def opened(self) -> None:
        """Read the answer to the upgrade."""
        while b"\r\n\r\n" not in self.got:
            self.got += await self.stream.receive_some()
        head, _, self.got = self.got.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101 "), head

    async def frame(self) -> tuple[int, bytes] | None:
        """Return the opcode and the payload of the next frame, or None at the end of the connection."""
        while (span := payload_span(self.got, 0)) is None or span[1] > len(self.got):
            data = await self.stream.receive_some()
            if not data:
                assert self.got == b"", "the server left within a frame"
                return None
            self.got += data
        begin, end = span
        opcode, payload, self.got = self.got[0] & 0xF, self.got[begin:end], self.got[end:]
        return opcode, payload

    async def close_code(self, answer: bool = True) -> int:
        """Read until the server closes, answer it, and return its code."""
        while (frame := await self.frame()) is not None:
            if frame[0] == CLOSE:
                if answer:
                    await self.send(make_frame(CLOSE, frame[1], masked=True))
                return int.from_bytes(frame[1][:2], "big")
        raise AssertionError("the server left without a Close")


@define
class Rig:
    """A connection under test.

    Attributes:
        ws: The server's end.
        client: The client's.
        got: What was delivered.
        passes: What the receiver lets go by after each message.
        then: Called after each message was taken, in the same step.
        read: Set when `read` has returned.
    """

    ws: ServerWebSocket
    client: RawClient
    got: list[str | bytes] = field(factory=list)
    passes: int = 0
    then: Callable[[], object] = field(default=lambda: None)
    read: trio.Event = field(factory=trio.Event)

    def deliver(self, message: str | bytes) -> int:
        """Take a message."""
        self.got.append(message)
        self.then()
        return self.passes

    async def serve(self) -> None:
        """Read until the connection ends, and close it, as its owner does."""
        await self.ws.read(self.deliver)
        self.read.set()

    async def settled(self) -> None:
        """Wait until the server has read all there is in memory."""
        await wait_all_tasks_blocked()


def memory_pair() -> Streams:
    """Return a server's and a client's stream without a socket: nothing is sent without a wait there."""
    return memory_stream_pair()


def socket_pair(*, sent_bytes: int | None = None, received_bytes: int | None = None) -> Streams:
    """Return them over loopback, with small buffers for what the server sends and the client has not read."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        if sent_bytes is not None:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, sent_bytes)
        far = socket.socket()
        if received_bytes is not None:
            far.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, received_bytes)
        far.connect(listener.getsockname())
        near, _ = listener.accept()
    ends = (trio.SocketStream(trio.socket.from_stdlib_socket(end)) for end in (near, far))
    return TcpStream(next(ends)), next(ends)


@asynccontextmanager
async def open_rig(
    streams: Streams | None = None,
    *,
    ahead: bytes = b"",
    max_message_bytes: int = 1 << 20,
    close_s: float = 1.0,
) -> AsyncGenerator[Rig, None]:
    """Open a connection; at the end of the block it is dropped."""
    near, far = streams or memory_pair()
    ws = ServerWebSocket(near, HEAD, ahead, max_message_bytes=max_message_bytes, close_s=close_s)
    rig = Rig(ws, RawClient(far))
    async with near, far, trio.open_nursery() as nursery:
        nursery.start_soon(partial(_serve_and_close, rig, near))
        await rig.client.opened()
        yield rig
        nursery.cancel_scope.cancel()


async def _serve_and_close(rig: Rig, stream: trio.abc.Stream) -> None:
    await rig.serve()
    await trio.aclose_forcefully(stream)
