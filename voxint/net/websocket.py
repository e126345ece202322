"""trio-websocket's server side, for one writer that must not wait and must not hold up the reader.

Five things differ from what the library does for everybody, each because of what it costs a server that speaks:

- A message is framed here. Nothing is ever fragmented, masked or compressed on the way from a server that accepted no
  extension (RFC 6455, 5.2), and the general way costs half of what a frame of 40 ms of audio costs altogether.
- The lock round the socket is entered, and the bytes are handed to the kernel, without a scheduler pass (`net.eager`);
  and where nobody is sending, without an await at all (`send_now`).
- A message is delivered in the step in which it was read, where its receiver never waits; the library's queue would
  be one more turn behind everybody else's work for an interrupt, and one more for every microphone frame.
- A message in one frame, as nearly all are, does not pass the library (`net.frames`): a microphone sends 375 small ones
  a second. Whatever else comes is given to it in order and to the byte, and it alone judges what breaks the protocol.
- A ping is answered by a task of its own. The library answers in the task that reads, behind the frame in flight: a
  client that reads nothing and pings would not be heard when it interrupts.

All of them reach into private parts, which is why pyproject.toml pins trio-websocket.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import trio
from trio_websocket import ConnectionClosed, WebSocketConnection, WebSocketRequest
from wsproto import ConnectionType, WSConnection
from wsproto.events import BytesMessage, Event, Ping, TextMessage

from voxint.net.eager import EagerLock, EagerStream
from voxint.net.frames import MessageSplitter, frame_of

__all__ = ["ServerWebSocket", "wrap_server_stream"]

HEAD_END = re.compile(rb"\n\r?\n")
LONGEST_END = 4
"""How h11, which reads it, tells the end of an upgrade request: bare line feeds will do."""

Deliver = Callable[[str | bytes], int]


class _FrontStream(EagerStream):
    """Delivers plain messages as it reads them, and gives the library the rest.

    Args:
        stream: The client's connection, with the upgrade request still to be read.
        largest: Of a message that is delivered here, in bytes.
        receiver: Returns what takes messages, see `ServerWebSocket.deliver`, or None: then all goes to the library.
    """

    def __init__(self, stream: trio.abc.Stream, largest: int, receiver: Callable[[], Deliver | None]) -> None:
        super().__init__(stream)
        self._frames = MessageSplitter(largest)
        self._receiver = receiver
        self._head: bytes | None = b""  # the latest bytes of the upgrade request; None behind it

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        """Return what comes and is no plain message, after the delivery of those before it."""
        if self._head is not None:
            return await self._receive_head(self._head)
        waited = False
        while True:
            while (deliver := self._receiver()) is not None and (message := self._frames.message()) is not None:
                for _ in range(deliver(message)):
                    await trio.lowlevel.checkpoint()
            if rest := self._frames.rest():
                if not waited:  # a flood of frames that are no messages must not keep all others waiting
                    await trio.lowlevel.checkpoint()
                return rest
            data = await super().receive_some(max_bytes)
            if not data:
                return data
            waited = True
            self._frames.feed(data)

    async def _receive_head(self, before: bytes) -> bytes | bytearray:
        data = await super().receive_some()
        seen = before + data
        end = HEAD_END.search(seen)
        if end is None:
            self._head = seen[1 - LONGEST_END :]
            return data
        self._head = None
        behind = seen[end.end() :]
        self._frames.feed(behind)
        return data[: len(data) - len(behind)]


class ServerWebSocket(WebSocketConnection):
    """The server's end of a WebSocket.

    Args:
        nursery: Where pings are answered; the one the connection's tasks live in.
        stream: The client's connection, with the upgrade request still to be read.
        max_message_size: Of a message from the client, in bytes; a larger one closes the connection with 1009.

    Attributes:
        deliver: Takes each message in the reading task, without waiting and without raising, and returns how many
            passes of the scheduler may go by before the next; None: `get_message` takes them.
    """

    deliver: Deliver | None = None

    def __init__(self, nursery: trio.Nursery, stream: trio.abc.Stream, max_message_size: int) -> None:
        self._eager = _FrontStream(stream, max_message_size, self._receiver)
        super().__init__(self._eager, WSConnection(ConnectionType.SERVER), max_message_size=max_message_size)
        self._lock = EagerLock()
        self._unsent = b""
        self._nursery = nursery
        self._ping: Ping | None = None

    def _receiver(self) -> Deliver | None:
        """Return who takes plain messages: nobody once the connection is closing."""
        return None if self._close_reason else self.deliver

    def send_now(self, *messages: str | bytes) -> bool:
        """Send messages as far as the kernel takes them, without an await; return whether that was all of them.

        What is left goes out in front of whatever is sent next; `flush` sends it by itself.
        """
        data = b"".join(map(frame_of, messages))
        busy = self._unsent or self._lock.held or self._close_reason
        self._unsent += data if busy else data[self._eager.send_now(data) :]
        return not self._unsent

    async def flush(self) -> None:
        """Send what `send_now` has left.

        Raises:
            ConnectionClosed: The connection is closed, closing or lost.
        """
        await self._send_all(b"")

    async def send_message(self, message: str | bytes) -> None:
        """Send a message; a checkpoint only where the kernel does not take it at once.

        Raises:
            ConnectionClosed: The connection is closed, closing or lost.
        """
        if self._close_reason:
            raise ConnectionClosed(self._close_reason)
        await self._send_all(frame_of(message))

    async def _send(self, event: Event) -> None:
        await self._send_all(self._wsproto.send(event))

    async def _send_all(self, data: bytes) -> None:
        async with self._lock:
            data, self._unsent = self._unsent + data, b""
            try:
                await self._stream.send_all(data)
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                await self._abort_web_socket()
                assert self._close_reason is not None
                raise ConnectionClosed(self._close_reason) from None

    async def _handle_message_event(self, event: BytesMessage | TextMessage) -> None:
        deliver = self._receiver()
        if deliver is None or self._message_size + len(event.data) > self._max_message_size:
            await super()._handle_message_event(event)
            return
        self._message_size += len(event.data)
        parts: list[Any] = self._message_parts
        parts.append(event.data)
        if event.message_finished:
            self._message_parts, self._message_size = [], 0
            message = "".join(parts) if isinstance(event, TextMessage) else b"".join(parts)
            for _ in range(deliver(message)):
                await trio.lowlevel.checkpoint()

    async def _handle_ping_event(self, event: Ping) -> None:
        # Only the latest of several unanswered pings needs its pong (RFC 6455, 5.5.3).
        answering, self._ping = self._ping is not None, event
        if not answering:
            self._nursery.start_soon(self._answer_pings)

    async def _answer_pings(self) -> None:
        while (ping := self._ping) is not None:
            try:
                await self._send(ping.response())
            except ConnectionClosed:
                return
            if self._ping is ping:
                self._ping = None


async def wrap_server_stream(nursery: trio.Nursery, stream: trio.abc.Stream, max_message_size: int) -> WebSocketRequest:
    """Read the upgrade request from `stream` and return it, to be accepted or rejected; the caller bounds the wait."""
    connection = ServerWebSocket(nursery, stream, max_message_size)
    nursery.start_soon(connection._reader_task)
    return await connection._get_request()
