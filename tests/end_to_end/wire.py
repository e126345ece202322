"""A client that is nothing but a WebSocket and the codec: it can say anything at any time, and reads everything."""

from __future__ import annotations

import ssl
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import trio
from attrs import define, field
from trio_websocket import CloseReason, ConnectionClosed, WebSocketConnection, wrap_client_stream

from tests.end_to_end.callers import ACK_WITHIN_S
from voxint.core.settings import OnDisconnect, SettingsChange
from voxint.protocol import messages as m
from voxint.protocol.codec import decode_server, encode_client
from voxint.testing.invariants import Checker

__all__ = ["Wire", "open_wire"]


@define(eq=False)
class Lazy(trio.abc.Stream):
    """A socket whose owner may stop reading, and whose kernel takes little meanwhile."""

    stream: trio.SocketStream
    reading: trio.Event

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send."""
        await self.stream.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        """Wait until there is room."""
        await self.stream.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        """Receive, when the owner reads at all."""
        await self.reading.wait()
        return await self.stream.receive_some(max_bytes)

    async def aclose(self) -> None:
        """Close."""
        await self.stream.aclose()


async def dial(port: int, *, narrow: bool) -> trio.SocketStream:
    """Connect, with the smallest receive buffer that the kernel gives where it is to be `narrow`."""
    sock = trio.socket.socket()
    if narrow:
        sock.setsockopt(trio.socket.SOL_SOCKET, trio.socket.SO_RCVBUF, 1)
    await sock.connect(("127.0.0.1", port))
    return trio.SocketStream(sock)


@define(eq=False)
class Wire:
    """One connection.

    Attributes:
        stream: The socket under the WebSocket.
        frames: Every frame with the instant it was read, on trio's clock.
        acks: The acknowledgements among them.
        raw: The same frames as they came.
        closed: Why the connection has ended; None while it has not.
    """

    ws: WebSocketConnection
    stream: Lazy
    checker: Checker = field(factory=lambda: Checker(ACK_WITHIN_S))
    frames: list[tuple[float, m.ServerMessage]] = field(factory=list)
    acks: list[tuple[float, m.InterruptAck]] = field(factory=list)
    raw: list[str | bytes] = field(factory=list)
    session_id: str | None = None
    closed: CloseReason | None = None
    more: trio.lowlevel.ParkingLot = field(factory=trio.lowlevel.ParkingLot)
    _outgoing: list[str | bytes] = field(factory=list)
    _writer: trio.lowlevel.ParkingLot = field(factory=trio.lowlevel.ParkingLot)

    def send(self, frame: str | bytes) -> None:
        """Send a frame as it is, in order and without waiting."""
        self._outgoing.append(frame)
        self._writer.unpark()

    def say(self, message: m.ClientMessage) -> None:
        """Send a message."""
        self.checker.sent(message, trio.current_time())
        self.send(encode_client(message, self.session_id, int(time.time() * 1000)))

    def speak(self, seconds: float) -> None:
        """Send audio of so many seconds, at 16 kHz."""
        self.send(bytes(2 * int(seconds * 16_000)))

    def register(
        self,
        patch: SettingsChange = SettingsChange(),  # noqa: B008 - frozen
        *,
        features: tuple[str, ...] = (),
        key: str = "",
        resume: m.Resume | None = None,
        on_disconnect: OnDisconnect = "interrupt",
    ) -> None:
        """Open a session, or go on with one."""
        auth = m.Auth(type="API_KEY", api_key=key)
        self.say(m.Register(auth=auth, patch=patch, features=features, resume=resume, on_disconnect=on_disconnect))

    def ask(self, request_id: str, text: str = "Hello?") -> None:
        """Ask in text."""
        self.say(m.RequestMessage(request_id=request_id, data_type="TEXT", content=m.Content(text=text)))

    def interrupt(self, request_id: str | None) -> None:
        """Interrupt one request, or all."""
        self.say(m.Interrupt(interrupt_request_id=request_id))

    def of(self, kind: type[m.ServerMessage]) -> list[m.ServerMessage]:
        """Return the frames of one class."""
        return [frame for _, frame in self.frames if isinstance(frame, kind)]

    def responses(self, request_id: str) -> list[m.Response]:
        """Return the RESPONSEs of a request."""
        return [frame for _, frame in self.frames if isinstance(frame, m.Response) and frame.request_id == request_id]

    @property
    def registered(self) -> m.RegisterAck:
        """The REGISTER_ACK."""
        [ack] = [frame for _, frame in self.frames if isinstance(frame, m.RegisterAck)]
        return ack

    def stop_reading(self) -> None:
        """Read nothing more than the read that is under way, until `read_on`."""
        self.stream.reading = trio.Event()

    def read_on(self) -> None:
        """Read again."""
        self.stream.reading.set()

    async def until(self, condition: Callable[[], bool], seconds: float = 5.0) -> None:
        """Wait until what was read makes `condition` true; also looked at when the connection ends."""
        with trio.fail_after(seconds):
            while not condition():
                assert self.closed is None, f"the connection ended: {self.closed}"
                await self.more.park()

    async def until_closed(self, seconds: float = 5.0) -> CloseReason:
        """Wait for the end of the connection and return why."""
        with trio.fail_after(seconds):
            while self.closed is None:
                await self.more.park()
        return self.closed

    async def _write(self) -> None:
        try:
            while True:
                while not self._outgoing:
                    await self._writer.park()
                await self.ws.send_message(self._outgoing.pop(0))
        except ConnectionClosed:
            pass  # `_read` says why

    async def _read(self) -> None:
        try:
            while True:
                self._take(await self.ws.get_message())
        except ConnectionClosed as closed:
            self.closed = closed.reason or CloseReason(1006, None)
        self.more.unpark_all()

    def _take(self, frame: str | bytes) -> None:
        message = decode_server(frame)
        now = trio.current_time()
        self.checker.received(message, now)
        self.frames.append((now, message))
        self.raw.append(frame)
        if isinstance(message, m.InterruptAck):
            self.acks.append((now, message))
        if isinstance(message, m.RegisterAck):
            self.session_id = message.session_id
        self.more.unpark_all()


@asynccontextmanager
async def open_wire(url: str, *, narrow: bool = False, tls: ssl.SSLContext | None = None) -> AsyncIterator[Wire]:
    """Connect, and drop the connection at the end of the block; by then no promise may be broken.

    Args:
        url: The server's WebSocket.
        narrow: Whether the kernel is to take little from a server while nobody reads.
        tls: What TLS is spoken with; None: none.

    Raises:
        ConnectionRejected: The server refused the WebSocket; in a group.
    """
    parts = urlsplit(url)
    assert parts.port is not None
    reading = trio.Event()
    reading.set()
    stream = Lazy(await dial(parts.port, narrow=narrow), reading)
    talk = stream if tls is None else trio.SSLStream(stream, tls, server_hostname="localhost", https_compatible=True)
    try:
        async with trio.open_nursery() as nursery:
            ws = await wrap_client_stream(nursery, talk, parts.netloc, parts.path)  # type: ignore[arg-type]  # any will do
            wire = Wire(ws, stream)
            nursery.start_soon(wire._read)
            nursery.start_soon(wire._write)
            yield wire
            nursery.cancel_scope.cancel()
    finally:
        await trio.aclose_forcefully(stream)  # trio-websocket leaves it open where the server closes first
    assert [str(broken) for broken in wire.checker.violations] == []
