"""A network that goes wrong by script: a TCP proxy that breaks any byte of either direction.

::

    plan = Faults(down=(Reset(at=1000),))
    async with open_chaos("127.0.0.1", server.port, plan) as chaos:
        async with connect(f"ws://127.0.0.1:{chaos.port}/ws/agent/stream") as client:
            ...  # gets a thousand bytes of the server's, and then a reset

It knows no protocol: what is broken is a byte's place in the stream. Put it between clients and a server, or between a
server and its upstream. What no fault is named for goes through as it comes, its end and its resets too. Nothing is
ever sent twice or out of order, which TCP would not do either.
"""

from __future__ import annotations

import math
import socket
import struct
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Literal

import trio
from attrs import define, field, frozen, validators

from voxint.background import open_background
from voxint.inside_trio import require_trio

__all__ = [
    "Chaos",
    "Delay",
    "Faults",
    "Flip",
    "HalfClose",
    "Insert",
    "NetworkFault",
    "Passage",
    "Reset",
    "Slow",
    "Stall",
    "Truncate",
    "open_chaos",
]

READ_BYTES = 16_384

AHEAD = 16
"""Pieces that may have been read and not passed on; then the sender is held back, as by a slow network."""

SLICE_S = 0.02
"""In which slices a slow direction passes bytes on; ours: as often as a microphone has something to say."""


@frozen(kw_only=True)
class NetworkFault:
    """What goes wrong in one direction, once `at` bytes of it were passed on; 0: before the first."""

    at: int = field(default=0, validator=validators.ge(0))


@frozen(kw_only=True)
class Delay(NetworkFault):
    """From here on every byte comes so much later than it was sent, in order."""

    seconds: float


@frozen(kw_only=True)
class Slow(NetworkFault):
    """From here on only so many bytes pass in a second."""

    bytes_per_s: float = field(validator=validators.gt(0))


@frozen(kw_only=True)
class Stall(NetworkFault):
    """Nothing passes for so long, by default for good; the connection stays open, and neither side is told."""

    seconds: float = math.inf


@frozen(kw_only=True)
class Flip(NetworkFault):
    """The next bytes are XORed with these, as broken memory does it."""

    mask: bytes = b"\xff"


@frozen(kw_only=True)
class Insert(NetworkFault):
    """These bytes, which nobody sent, come in between."""

    data: bytes


@frozen(kw_only=True)
class HalfClose(NetworkFault):
    """The receiver is told that no more comes, the rest is thrown away; the other direction goes on."""


@frozen(kw_only=True)
class Truncate(NetworkFault):
    """Both directions end here in order, as if each side had closed the connection."""


@frozen(kw_only=True)
class Reset(NetworkFault):
    """Both sides get a reset (RST), as from a machine that was switched off and on."""


def _by_place(faults: Sequence[NetworkFault]) -> tuple[NetworkFault, ...]:
    return tuple(sorted(faults, key=lambda fault: fault.at))


@frozen
class Faults:
    """What goes wrong on one connection; of several faults at one byte the first named comes first.

    Args:
        up: From the client to the server.
        down: From the server to the client.
    """

    up: tuple[NetworkFault, ...] = field(default=(), converter=_by_place)
    down: tuple[NetworkFault, ...] = field(default=(), converter=_by_place)


@define(eq=False)
class _Course:
    """Where one direction is: what it still has to go through, and what it has passed on."""

    due: list[NetworkFault]
    passed: int = 0
    """Of what its sender sent."""
    sent: int = 0
    """With what was put in between."""

    def steps(self, data: bytes) -> Iterator[bytes | NetworkFault]:
        """Yield the pieces of `data`, and each fault in its place; one at the end of the data, too."""
        while True:
            while self.due and self.due[0].at <= self.passed:
                yield self.due.pop(0)
            if not data:
                return
            size = self.due[0].at - self.passed if self.due else len(data)
            piece, data = data[:size], data[size:]
            self.passed += len(piece)
            yield piece


def _course(faults: tuple[NetworkFault, ...]) -> _Course:
    return _Course(list(faults))


@define(eq=False)
class Passage:
    """One connection through the proxy.

    Attributes:
        ended: Set once both sides are closed here.
    """

    ended: trio.Event = field(init=False, factory=trio.Event)
    _up: _Course = field(converter=_course)
    _down: _Course = field(converter=_course)
    _scope: trio.CancelScope = field(init=False, factory=trio.CancelScope)

    @property
    def up(self) -> int:
        """How many bytes the server got."""
        return self._up.sent

    @property
    def down(self) -> int:
        """How many bytes the client got."""
        return self._down.sent

    def reset(self) -> None:
        """Reset both sides now."""
        self._scope.cancel(reason="the connection is reset")

    async def run(self, client: trio.SocketStream, host: str, port: int) -> None:
        """Serve the connection until both directions have ended. Unbounded, as long as both sides want it."""
        ends = [client]
        in_order = False
        try:
            with self._scope:
                server = await trio.open_tcp_stream(host, port)
                ends.append(server)
                in_order = await _until_both_ended(_Pump(client, server, self._up), _Pump(server, client, self._down))
        except OSError:  # nobody listens there
            pass
        finally:
            for end in ends:
                if not in_order:
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                end.socket.close()
            self.ended.set()


@define(eq=False)
class Chaos:
    """A proxy that listens.

    Attributes:
        port: Where, on loopback.
        passages: All connections so far, in the order in which they came.
    """

    port: int
    passages: list[Passage] = field(factory=list)

    def reset(self) -> None:
        """Reset every open connection now."""
        for passage in self.passages:
            passage.reset()


@asynccontextmanager
async def open_chaos(
    host: str, port: int, plan: Faults | Callable[[int], Faults] = Faults()
) -> AsyncGenerator[Chaos, None]:
    """Pass connections on to a server while the block runs, with faults; leaving it resets those that are open.

    Args:
        host: The server's address.
        port: Its port. Where nobody listens there, the client gets a reset.
        plan: What goes wrong: on every connection, or, as a function, on the connection of that number, from 0.
    """
    require_trio("open_chaos")
    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    chaos = Chaos(listeners[0].socket.getsockname()[1])
    numbered = plan if callable(plan) else lambda number: plan

    async def connected(client: trio.SocketStream) -> None:
        faults = numbered(len(chaos.passages))
        passage = Passage(faults.up, faults.down)
        chaos.passages.append(passage)
        await passage.run(client, host, port)

    async with open_background() as nursery:
        nursery.start_soon(trio.serve_listeners, connected, listeners)
        yield chaos
        nursery.cancel_scope.cancel(reason="the proxy closes")


_End = Literal["direction", "in order", "by a reset"]
"""How something ends: one direction, or the whole connection."""


async def _until_both_ended(up: _Pump, down: _Pump) -> bool:
    """Run both directions; return whether the connection ended in order, and not by a reset."""
    in_order = True

    async def run(pump: _Pump) -> None:
        nonlocal in_order
        end = await pump.run()
        if end != "direction":
            in_order = end == "in order"
            nursery.cancel_scope.cancel(reason="the connection ends")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(run, up)
        nursery.start_soon(run, down)
    return in_order


@define(eq=False)
class _Pump:
    """One direction."""

    source: trio.SocketStream
    sink: trio.SocketStream
    course: _Course
    delay_s: float = 0.0
    bytes_per_s: float = math.inf
    mask: bytes = b""

    async def run(self) -> _End:
        """Pass on until something ends, and return what does."""
        end: _End = "by a reset"  # where either side has gone by one: the other is to learn of it so
        try:
            async with trio.open_nursery() as nursery:
                give, take = trio.open_memory_channel[tuple[float, bytes]](AHEAD)
                nursery.start_soon(self._read, give)
                end = await self._write(take)
                nursery.cancel_scope.cancel(reason="the direction has ended")
        except* (trio.BrokenResourceError, trio.ClosedResourceError):
            pass
        return end

    async def _read(self, give: trio.MemorySendChannel[tuple[float, bytes]]) -> None:
        with give:
            while data := await self.source.receive_some(READ_BYTES):
                await give.send((trio.current_time(), data))

    async def _write(self, take: trio.MemoryReceiveChannel[tuple[float, bytes]]) -> _End:
        with take:
            end = await self._go(b"")  # what is due before the first byte
            while end is None:
                try:
                    came_at, data = await take.receive()
                except trio.EndOfChannel:
                    await self.sink.send_eof()
                    end = "direction"
                else:
                    await trio.sleep_until(came_at + self.delay_s)
                    end = await self._go(data)
            if end == "direction":
                async for _ in take:  # what a half-closed direction's sender still says
                    pass
        return end

    async def _go(self, data: bytes) -> _End | None:
        """Take what came through the faults that are due; return what ends by one of them."""
        for step in self.course.steps(data):
            match step:
                case bytes():
                    await self._send(self._flipped(step))
                case Insert():
                    await self._send(step.data)
                case Flip():
                    self.mask = step.mask
                case Delay():
                    self.delay_s = step.seconds
                case Slow():
                    self.bytes_per_s = step.bytes_per_s
                case Stall():
                    await trio.sleep(step.seconds)
                case HalfClose():
                    await self.sink.send_eof()
                    return "direction"
                case Truncate():
                    return "in order"
                case Reset():
                    return "by a reset"
        return None

    def _flipped(self, data: bytes) -> bytes:
        mask, self.mask = self.mask[: len(data)], self.mask[len(data) :]
        return bytes(byte ^ bits for byte, bits in zip(data, mask, strict=False)) + data[len(mask) :]

    async def _send(self, data: bytes) -> None:
        while data:
            size = len(data)
            if self.bytes_per_s < math.inf:
                size = min(size, max(1, int(self.bytes_per_s * SLICE_S)))
                await trio.sleep(size / self.bytes_per_s)
            await self.sink.send_all(data[:size])
            self.course.sent += size
            data = data[size:]
