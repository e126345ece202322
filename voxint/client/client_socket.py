"""The socket of a client: one task reads, one writes, and whoever waits can be cancelled harmlessly."""

from __future__ import annotations

import ssl
from collections import deque
from collections.abc import Callable
from urllib.parse import urlsplit

import trio
from attrs import evolve, frozen
from trio_websocket import ConnectionClosed, ConnectionRejected, WebSocketConnection, wrap_client_stream

from voxint.client.refused import no_websocket, refused, tls_failed, unreachable, why_closed
from voxint.errors import ConfigError, Disconnected, WireError
from voxint.inside_trio import Block
from voxint.protocol.codec import MAX_FRAME_BYTES

__all__ = ["Address", "ClientSocket"]

ROOM = 65_536
"""Bytes that may wait for the writer before `ClientSocket.room` waits: two seconds of 16 kHz speech, chosen so that a
stalled network holds little and an INTERRUPT never queues behind more."""

READ_OUT_S = 0.1
"""Seconds from the end of a connection to the end of its opening: for an answer that came before it."""

CLOSE_S = 1.0
"""For what is still to be sent and a polite close; a peer that does not read would hold it for ever."""

SILENCE_S = 120.0
"""Servers send HEARTBEAT well under 120 s apart (the protocol's number): a longer silence is a dead connection."""

BLOCK_ENDED = "the block of connect() has ended, and its connection with it: use a client and its replies within it"

RECEIVE_BYTES = 65_536  # a base64 audio frame is about 5 KB: one read where trio-websocket's default takes two

_Stream = trio.SocketStream | trio.SSLStream[trio.SocketStream]


@frozen
class Address:
    """Where a server is.

    Args:
        secure: Whether to speak TLS.
        host: Name or IP address.
        port: TCP port.
        resource: Path and query.
        shown: The url as errors may show it: without query and user, where keys may stand.
    """

    secure: bool
    host: str
    port: int
    resource: str
    shown: str

    @classmethod
    def of(cls, url: str) -> Address:
        """Read a ws:// or wss:// url.

        Raises:
            ConfigError: It is not one.
        """
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError:
            host = None
        if host is None or parts.scheme not in ("ws", "wss"):
            raise ConfigError(
                "url", "this is no WebSocket's address: write ws://HOST:PORT/ws/agent/stream, or wss:// for TLS"
            )
        secure = parts.scheme == "wss"
        port = port or (443 if secure else 80)
        path = parts.path or "/"
        resource = f"{path}?{parts.query}" if parts.query else path
        authority = parts.netloc.rpartition("@")[2]
        return cls(secure, host, port, resource, f"{parts.scheme}://{authority}{path}")


class _Watched(trio.abc.HalfCloseableStream):
    """A connection whose end is noticed while the WebSocket is being opened: trio-websocket waits on for an answer.

    Args:
        stream: The connection.
        opening: Ends soon after that; what had come before is to be read first.
    """

    def __init__(self, stream: _Stream, opening: trio.CancelScope) -> None:
        self._stream = stream
        self._opening = opening

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        data: bytes | bytearray = b""
        try:
            data = await self._stream.receive_some(max_bytes)
        finally:
            if not data:
                self._opening.deadline = min(self._opening.deadline, trio.current_time() + READ_OUT_S)
        return data

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        await self._stream.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        await self._stream.wait_send_all_might_not_block()

    async def send_eof(self) -> None:
        if isinstance(self._stream, trio.abc.HalfCloseableStream):
            await self._stream.send_eof()

    async def aclose(self) -> None:
        await self._stream.aclose()


class ClientSocket:
    """A connection to a server, dialled by `run`.

    Args:
        address: Where.
        ssl_context: For wss://; None: the system's certificates.

    Attributes:
        block: That of `connect`: it ends when the connection has been closed.
        lost: Why nothing can be sent any more; None while something can.
        fault: What `receive` raised, where that ended the connection.
    """

    def __init__(self, address: Address, ssl_context: ssl.SSLContext | None) -> None:
        self.block = Block(BLOCK_ENDED, self.disconnected)
        self.lost: Disconnected | None = None
        self.fault: Exception | None = None
        self._address = address
        self._ssl_context = ssl_context
        self._frames: deque[str | bytes] = deque()
        self._waiting = 0
        self._writer = trio.lowlevel.ParkingLot()
        self._room = trio.lowlevel.ParkingLot()
        self._closing = False
        self._ended = trio.Event()

    def disconnected(self, what: str) -> Disconnected:
        """Return the error that says what happened to this connection."""
        return Disconnected("DISCONNECTED", f"{self._address.shown}: {what}", retryable=True)

    @property
    def congested(self) -> bool:
        """Whether `room` would wait."""
        return self._waiting >= ROOM

    async def room(self) -> None:
        """Wait until little waits for the writer. Bounded by the connection: its loss wakes everybody.

        Raises:
            Disconnected: The connection is lost.
        """
        await trio.lowlevel.checkpoint()
        while self.congested and self.lost is None:
            await self._room.park()
        self._check()

    def post(self, frame: str | bytes) -> None:
        """Hand a frame to the writer, without waiting.

        Raises:
            Disconnected: The connection is lost.
        """
        self._check()
        self._frames.append(frame)
        self._waiting += len(frame)
        self._writer.unpark()

    def raise_fault(self) -> None:
        """Raise what `receive` raised, where that ended the connection."""
        if self.fault is not None:
            raise self.fault

    async def wait_lost(self) -> None:
        """Wait until the connection is lost or closed; without bound, that is its use."""
        await self._ended.wait()

    async def close(self) -> None:
        """Send what waits, say goodbye, and wait for that for `CLOSE_S` at most; cancelled, it is over at once."""
        self._closing = True
        self._writer.unpark_all()
        with self.block, trio.move_on_after(CLOSE_S):  # an upload that is on its way is sent meanwhile
            await self._ended.wait()

    async def run(
        self,
        receive: Callable[[str | bytes], None],
        lost: Callable[[Disconnected], None],
        *,
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Dial, then read and write until either side ends. Cancelled, it drops the connection at once.

        Args:
            receive: Takes each frame, without waiting.
            lost: Told once, when the connection that was `started` has ended.
            task_status: `started` once the WebSocket is open.

        Raises:
            Disconnected: The server can't be reached or refused; only before `started`.
        """
        stream: _Stream | None = None
        why = self.disconnected(BLOCK_ENDED)
        opened = False
        try:
            stream = await self._dial()
            async with trio.open_nursery() as nursery:
                with trio.CancelScope() as opening:
                    ws = await self._open(nursery, _Watched(stream, opening))
                    opened = True
                if not opened:
                    raise self.disconnected(no_websocket(secure=self._address.secure, answered=False))
                task_status.started()
                nursery.start_soon(self._write, ws)
                why = await self._read(ws, receive)
                if not self._closing:
                    nursery.cancel_scope.cancel(reason="the connection has ended")
        except* Exception as group:  # noqa: BLE001 - whatever trio-websocket fails with costs this connection, no more
            why = self._failed(group, opened=opened)
            if not opened:
                raise why from None
        finally:
            self.lost = why
            self._ended.set()
            self._room.unpark_all()
            lost(why)
            if stream is not None:
                await trio.aclose_forcefully(stream)  # last: where this task was cancelled, it raises again

    async def _dial(self) -> _Stream:
        address = self._address
        try:
            if not address.secure:
                return await trio.open_tcp_stream(address.host, address.port)
            context = self._ssl_context or ssl.create_default_context()
            stream = await trio.open_ssl_over_tcp_stream(
                address.host, address.port, https_compatible=True, ssl_context=context
            )
            try:
                await stream.do_handshake()
            except BaseException:
                await trio.aclose_forcefully(stream)
                raise
        except OSError as error:
            raise self.disconnected(unreachable(error)) from None
        except trio.BrokenResourceError as error:
            raise self.disconnected(tls_failed(error)) from None
        return stream

    async def _open(self, nursery: trio.Nursery, stream: _Watched) -> WebSocketConnection:
        host = f"[{self._address.host}]" if ":" in self._address.host else self._address.host
        return await wrap_client_stream(
            nursery,
            stream,  # type: ignore[arg-type]  # any stream will do
            f"{host}:{self._address.port}",
            self._address.resource,
            max_message_size=MAX_FRAME_BYTES,
            receive_buffer_size=RECEIVE_BYTES,
        )

    async def _write(self, ws: WebSocketConnection) -> None:
        """Send what was posted: the only task that does, cancelled only together with the socket.

        A task cancelled inside a send would leave half a frame on the wire.
        """
        try:
            while True:
                while not self._frames:
                    if self._closing:
                        await ws.aclose()
                        return
                    await self._writer.park()
                frame = self._frames.popleft()
                self._waiting -= len(frame)
                if self._waiting < ROOM:
                    self._room.unpark_all()
                await ws.send_message(frame)
        except ConnectionClosed:
            pass  # the reader says why

    async def _read(self, ws: WebSocketConnection, receive: Callable[[str | bytes], None]) -> Disconnected:
        """Receive until the connection ends; return why it did."""
        with trio.CancelScope() as silence:
            while True:
                silence.deadline = trio.current_time() + SILENCE_S
                try:
                    receive(await ws.get_message())
                except ConnectionClosed as closed:
                    return self._closed(closed)
                except WireError as error:
                    return self.disconnected(f"the server broke the protocol, which is a bug of the server's: {error}")
                except Exception as error:  # noqa: BLE001 - a hook of the application's: `connect` raises it
                    self.fault = error
                    return self.disconnected(f"a hook of this program raised {type(error).__name__}")
        return self.disconnected(
            f"nothing came from the server for {SILENCE_S:g} s, no HEARTBEAT either: connect again"
        )

    def _closed(self, closed: ConnectionClosed) -> Disconnected:
        reason = closed.reason
        if self._closing:
            return self.disconnected(BLOCK_ENDED)
        if reason is None or reason.code == 1006:  # 1006: the TCP connection ended without a word
            return self.disconnected(
                "the connection broke without a word of the server's: is it, and the network, still up? Connect again"
            )
        return self.disconnected(why_closed(reason.code, reason.reason or ""))

    def _failed(self, group: BaseExceptionGroup[Exception], *, opened: bool) -> Disconnected:
        error: BaseException = group
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        if isinstance(error, Disconnected):
            return error
        if isinstance(error, ConnectionRejected):
            return self.disconnected(refused(error.status_code, error.headers, error.body))
        if opened:
            return self.disconnected(f"the connection failed ({type(error).__name__}): connect again")
        return self.disconnected(no_websocket(secure=self._address.secure, answered=True))

    def _check(self) -> None:
        if self.lost is not None:
            raise evolve(self.lost)  # a copy: several tasks may raise it, each with its own traceback
