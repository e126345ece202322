"""The server's end of a WebSocket, for a server that speaks: nothing it does may wait behind anything else.

A driver over wsproto's engine, which grants the upgrade, reads what is no plain message, and alone judges what breaks
the protocol. Four things are done around it, each because of what the general way costs:

- A message in one frame, as nearly all are, does not pass the engine (`net.frames`): a microphone sends 375 small ones
  a second. Nor does a message to the client: from a server that granted no extension it is one bare frame.
- A message is delivered in the step in which it was read, to a receiver that never waits. A queue would be one more
  turn behind everybody else's work for an interrupt, and one more for every microphone frame.
- Bytes are handed to the kernel without a scheduler pass, and where nobody is sending without an await (`send_now`).
- A ping is answered from the reading task where the kernel takes the answer, else by a task of its own: a client that
  reads nothing and pings is still heard when it interrupts.

The connection is closed by both sides saying so (RFC 6455, 7.1.2). A socket that is closed while something unread lies
in it is reset, and a reset takes from the client what it has not read yet: its last frames, and the close code.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeAlias

import trio
from wsproto.connection import ConnectionState
from wsproto.events import BytesMessage, CloseConnection, Ping, TextMessage

from voxint.lag import Arrivals, LoopLag
from voxint.net.frames import CLOSE, MOST_SKIPPED, PONG, MessageSplitter, frame_of, make_frame
from voxint.net.http_request import RequestHead
from voxint.net.tcp import READ_BYTES, TcpStream
from voxint.net.upgrade import grant_upgrade

__all__ = ["STEP_FRAMES", "Deliver", "ServerWebSocket"]

Deliver: TypeAlias = Callable[[str | bytes], int]

LONG_BYTES = 1 << 20
"""Of a message: to put a longer one together is a step of its own, and to read it another; ours: 1.5 ms each."""

STEP_FRAMES = 8
"""Frames that one connection may have read in a step, until all others have had theirs. Chosen here, by measuring:
where 8 clients flood the server with tiny messages of 40 us work each, five passes of the scheduler, as an
acknowledgement takes them, last 17 ms (p99); with 32 frames a step 65 ms, and with whatever one read brings 4.7 s. A
microphone's burst of 125 frames is read in 16 steps."""

PONGS = 16
"""Pings that may wait for their pong; of more the oldest get none (RFC 6455, 5.5.3). Chosen here: twice what a step
reads, and 2 KB at most."""

NORMAL = 1000
TOO_LARGE = 1009
"""Close codes (RFC 6455, 7.4.1)."""

LOST = "the client has closed the connection, or it was lost"


class ServerWebSocket:
    """The server's end of a WebSocket whose upgrade is granted; `read` has to run for as long as it is used.

    Args:
        stream: The client's connection, which the caller closes in the end. What is sent without a wait needs a
            `TcpStream`; on any other all is left to `flush`.
        head: The request that asked for the upgrade, found right by `check_upgrade`.
        ahead: What was read from the stream behind that request.
        max_message_bytes: Of a message from the client; see the attribute.
        close_s: Seconds that the client has to answer a Close, and after it to close the connection. Meanwhile all it
            sends is read and thrown away.
        most_skipped: Frames that are looked at for the client's Close when nothing more is delivered.
        holds: Told how many bytes are held of a message that is not whole, whenever that changes. It must not raise.
        arrivals: Told of each read; None: nobody wants to know how late it is.

    Attributes:
        turn: Awaited behind each read, before anything is done with it; None: at once. It can be changed at any time.
        max_message_bytes: The bound of a message from the client, and of what is held of one that is not whole yet. It
            can be changed at any time. More closes the connection with 1009.
    """

    def __init__(
        self,
        stream: trio.abc.Stream,
        head: RequestHead,
        ahead: bytes = b"",
        *,
        max_message_bytes: int,
        close_s: float = 1.0,
        most_skipped: int = MOST_SKIPPED,
        holds: Callable[[int], None] = lambda size: None,
        arrivals: Arrivals | None = None,
    ) -> None:
        self._stream = stream
        self._arrivals = arrivals or LoopLag().arrivals()
        self._tcp = stream if isinstance(stream, TcpStream) else None
        self._engine, self._unsent = grant_upgrade(head)
        self._close_s = close_s
        self._holds = holds
        self.turn: Callable[[], Awaitable[None]] | None = None
        self._frames = MessageSplitter(max_message_bytes, most_skipped)
        self._frames.feed(ahead)
        self._parts: list[bytearray] = []  # what has come of a message in parts
        self._held = 0  # their bytes
        self.max_message_bytes = max_message_bytes
        self._ignoring = False
        self._closing = False  # our Close is said
        self._closed_by_client = False
        self._broken = False
        self._pongs: deque[bytes] = deque(maxlen=PONGS)
        self._writing = trio.StrictFIFOLock()
        self._flushing = False  # a task does, or is about to
        self._nursery: trio.Nursery | None = None
        self._close_limit = trio.CancelScope()
        self._ended = trio.Event()

    @property
    def max_message_bytes(self) -> int:
        """The most bytes of a message from the client."""
        return self._max_message_bytes

    @max_message_bytes.setter
    def max_message_bytes(self, size: int) -> None:
        self._max_message_bytes = self._frames.largest = size

    async def read(self, deliver: Deliver, left: Callable[[], None] = lambda: None) -> None:
        """Open the connection, deliver what the client says, and return when the connection has ended in any way.

        Then both sides have closed it, or it was lost, or `close_s` has passed. Nothing that a client does raises.
        Cancelled, it leaves the connection as it is, for the caller to close.

        Args:
            deliver: Takes each message in the step in which it was read, without waiting and without raising, and
                returns how many passes of the scheduler may go by before the next.
            left: Called as soon as nothing more is delivered: the client has closed, or was lost, or is ignored.
        """
        try:
            async with trio.open_nursery() as nursery:
                self._nursery = nursery
                opening, self._unsent = self._unsent, b""
                self._write_soon(opening)
                try:
                    with suppress(trio.BrokenResourceError), self._close_limit:
                        await self._deliver_all(deliver)
                        left()
                        if self._ignoring and not self._closed_by_client:
                            await self._await_close()
                        await self._hang_up()
                finally:
                    self._nursery = None  # while it waits for its last task, none can begin in it
                nursery.cancel_scope.cancel(reason="the connection has ended")
        finally:
            self._let_go()
            self._unsent = b""
            self._ended.set()

    def send_now(self, *messages: str | bytes) -> bool:
        """Send messages as far as the kernel takes them, without an await; return whether that was all of them.

        What is left goes out in front of whatever is sent next; `flush` sends it by itself. On a connection that is
        closing nothing is sent or kept, and `flush` says so.
        """
        if self._closing:
            return False
        return self._write(b"".join(map(frame_of, messages)))

    async def flush(self) -> None:
        """Send what `send_now` has left. Cancelled, half a frame may have gone, and nothing more can be sent.

        Raises:
            trio.BrokenResourceError: The connection is closing, closed or lost.
        """
        if self._closing:
            raise trio.BrokenResourceError(LOST)
        await self._flush()

    async def send_message(self, message: str | bytes) -> None:
        """Send a message; a checkpoint only where the kernel does not take it at once. Otherwise as `flush`."""
        if not self.send_now(message):
            await self.flush()

    def ignore(self) -> None:
        """Deliver nothing more: what still comes is thrown away unread, but for the Close that ends it."""
        if not self._ignoring:
            self._ignoring = True
            self._let_go()
            self._closed_by_client = self._frames.skip() or self._closed_by_client

    def close(self, code: int, reason: str = "") -> None:
        """Say that the connection ends, behind what was sent before; the first call stands.

        Args:
            code: Such as 1000.
            reason: For a person to read, at most 123 bytes of UTF-8; cut beyond.
        """
        self._close(CloseConnection(code=code, reason=reason))

    async def aclose(self, code: int, reason: str = "") -> None:
        """Close as `close` does, and wait until the client has answered, at most twice `close_s`."""
        self.close(code, reason)
        await self._ended.wait()

    def _close(self, event: CloseConnection) -> None:
        if self._closing:
            return
        self._closing = True
        self.ignore()
        self._close_limit.deadline = trio.current_time() + self._close_s
        self._write_soon(self._take_pongs() + self._engine.send(event))  # nothing follows a Close

    async def _deliver_all(self, deliver: Deliver) -> None:
        """Deliver until nothing more is to be delivered, or nothing more comes."""
        done = 0
        while not self._ignoring:
            message = self._frames.message()
            if message is None:
                frame = self._frames.rest()
                if not frame:
                    self._answer_pings()
                    self._arrivals.asks()
                    data = await self._stream.receive_some(READ_BYTES)
                    if not data:
                        return
                    self._arrivals.came(all_of_it=len(data) < READ_BYTES)
                    if self.turn is not None:
                        await self.turn()
                    self._frames.feed(data)
                    done = 0
                    continue
                message = self._take(frame)
                if message is not None and len(message) > LONG_BYTES:
                    await trio.lowlevel.checkpoint()
            passes = 0 if message is None else deliver(message)
            done += 1
            if done >= STEP_FRAMES:
                passes, done = max(passes, 1), 0
            if passes:
                self._answer_pings()
                for _ in range(passes):
                    await trio.lowlevel.checkpoint()

    def _take(self, frame: bytes) -> str | bytes | None:
        """Let the engine read a frame, or a part of one; return the message that it completes."""
        self._engine.receive_data(frame)
        message = None
        for event in self._engine.events():
            if isinstance(event, TextMessage | BytesMessage):
                message = self._join(event)
            elif isinstance(event, Ping):
                self._pongs.append(make_frame(PONG, bytes(event.payload)))
            elif isinstance(event, CloseConnection):  # the client's own, or the engine's for what broke the protocol
                answered = self._engine.state is ConnectionState.REMOTE_CLOSING
                self._closed_by_client = answered or frame[0] & 0xF == CLOSE  # a wrong Close is the last word as well
                self._close(event.response() if answered else event)
        return message

    def _join(self, event: TextMessage | BytesMessage) -> str | bytes | None:
        """Keep a part of a message, as bytes: one character can make a str four times as large as its text.

        Small parts are joined, large ones are not: what grows by copying leaves holes in the memory, many of a kind.
        """
        part = event.data.encode() if isinstance(event, TextMessage) else event.data
        if self._held + len(part) > self.max_message_bytes:
            self.close(TOO_LARGE, f"a message has more than {self.max_message_bytes} bytes: send less at a time")
            return None
        if self._parts and len(self._parts[-1]) < READ_BYTES:
            self._parts[-1] += part
        else:
            self._parts.append(bytearray(part))
        self._held += len(part)
        if not event.message_finished:
            self._holds(self._held)
            return None
        whole = b"".join(self._parts)
        self._let_go()
        return whole.decode() if isinstance(event, TextMessage) else whole

    def _let_go(self) -> None:
        """Forget what is held."""
        if self._held:
            self._holds(0)
        self._parts, self._held = [], 0

    async def _await_close(self) -> None:
        """Throw away what comes until the client's Close does, or the end of the connection."""
        while not self._frames.skip():
            data = await self._stream.receive_some(READ_BYTES)
            if not data:
                return
            if self.turn is not None:
                await self.turn()
            self._frames.feed(data)

    async def _hang_up(self) -> None:
        """Say the last word and that there is no more, and let the client close the connection in its turn."""
        self.close(NORMAL)
        self._close_limit.deadline = trio.current_time() + self._close_s
        await self._flush()
        if isinstance(self._stream, trio.abc.HalfCloseableStream):
            async with self._writing:
                await self._stream.send_eof()
        while await self._stream.receive_some(READ_BYTES):
            pass

    def _answer_pings(self) -> None:
        """Answer the pings of this step, but for those that an answer to a message went out with."""
        if not self._pongs:
            return
        if self._unsent or self._writing.locked():
            self._flush_soon()  # it sends the latest by then
        else:
            self._write_soon(b"")

    def _write(self, data: bytes) -> bool:
        """Hand the kernel what it takes of `data` now, behind all that is unsent; return whether nothing is left.

        The pongs go in front, where they cost nothing: who pings and then asks gets its pong before the answer.
        """
        if self._unsent or self._broken or self._writing.locked():
            self._unsent += data
        else:
            data = self._take_pongs() + data
            self._unsent = data if self._tcp is None else data[self._tcp.send_now(data) :]
        return not self._unsent

    def _take_pongs(self) -> bytes:
        pongs = b"".join(self._pongs)
        self._pongs.clear()
        return pongs

    async def _flush(self) -> None:
        """Send all that is unsent. With `_write` the only place through which bytes go out."""
        async with self._writing:
            while self._unsent or self._pongs:
                if self._broken:
                    raise trio.BrokenResourceError(LOST)
                data, self._unsent = self._unsent + self._take_pongs(), b""
                self._broken = True  # until all of it has gone: behind half a frame nothing can follow
                await self._stream.send_all(data)
                self._broken = False

    def _write_soon(self, data: bytes) -> None:
        """Write what nobody waits for: the answer to the upgrade, a pong, a Close."""
        if not self._write(data):
            self._flush_soon()

    def _flush_soon(self) -> None:
        if self._nursery is not None and not self._flushing:
            self._flushing = True
            self._nursery.start_soon(self._flush_quietly)

    async def _flush_quietly(self) -> None:
        try:
            await self._flush()
        except trio.BrokenResourceError:
            pass  # the reading task notices by itself
        finally:
            self._flushing = False
