"""A bad network between a page and its server: late, narrow, uneven, silent, cut; a TCP proxy in a thread of its own.

Chromium's own emulation (`Network.emulateNetworkConditions`) knows no unevenness, no silence and no cut.
"""

from __future__ import annotations

import random
import threading
from types import TracebackType
from typing import Self

import trio

from tests.browser.rig.waiting import LIMIT_S

__all__ = ["Network"]

PIECE = 4096
"""Bytes taken at a time; ours: a few frames of speech."""

WAITING = 64
"""Pieces under way in one direction; beyond it nothing more is taken, and the sender feels that."""


class Network:
    """Carries connections to a server; a context manager. What is set counts from the next piece on.

    Args:
        to: The server's port.
        seed: Of the unevenness.

    Attributes:
        port: Where to connect.
        delay_s: From one side to the other.
        jitter_s: On top of it, up to so long. Order is kept, as TCP keeps it: what is late holds up all behind it.
        bytes_per_s: How much gets through in either direction; None: all.
        carried: Connections so far.
    """

    def __init__(self, to: int, seed: int = 1) -> None:
        self.port = 0
        self.delay_s = 0.0
        self.jitter_s = 0.0
        self.bytes_per_s: float | None = None
        self.carried = 0
        self._to = to
        self._chance = random.Random(seed)
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: trio.run(self._main), daemon=True)
        self._token: trio.lowlevel.TrioToken
        self._end: trio.CancelScope
        self._live: set[trio.CancelScope] = set()
        self._flows = trio.Event()
        self._flows.set()

    @property
    def url(self) -> str:
        """The WebSocket's address through it."""
        return f"ws://127.0.0.1:{self.port}/ws/agent/stream"

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(LIMIT_S), "the network did not come up"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._token.run_sync_soon(lambda: self._end.cancel())
        self._thread.join(LIMIT_S)

    def stall(self) -> None:
        """Let nothing through, and tell nobody: a tunnel."""
        trio.from_thread.run_sync(self._stall, trio_token=self._token)

    def flow(self) -> None:
        """Let through what has waited, and everything behind it."""
        trio.from_thread.run_sync(self._flow, trio_token=self._token)

    def cut(self) -> None:
        """End every connection at once; new ones are carried."""
        trio.from_thread.run_sync(self._cut, trio_token=self._token)

    def _stall(self) -> None:
        self._flows = trio.Event()

    def _flow(self) -> None:
        self._flows.set()

    def _cut(self) -> None:
        for scope in self._live:
            scope.cancel(reason="the network is cut")

    async def _main(self) -> None:
        [listener] = await trio.open_tcp_listeners(0, host="127.0.0.1")
        self.port = listener.socket.getsockname()[1]
        self._token = trio.lowlevel.current_trio_token()
        async with trio.open_nursery() as nursery:
            self._end = nursery.cancel_scope
            self._ready.set()
            await trio.serve_listeners(self._carry, [listener])

    async def _carry(self, near: trio.SocketStream) -> None:
        self.carried += 1
        with trio.CancelScope() as scope:
            self._live.add(scope)
            try:
                async with (
                    near,
                    await trio.open_tcp_stream("127.0.0.1", self._to) as far,
                    trio.open_nursery() as nursery,
                ):
                    nursery.start_soon(self._pump, near, far, scope)
                    nursery.start_soon(self._pump, far, near, scope)
            except* OSError:
                pass  # nobody listens there, or one side is gone: the other one's stream is closed, which tells it
            finally:
                self._live.discard(scope)

    async def _pump(self, source: trio.SocketStream, sink: trio.SocketStream, scope: trio.CancelScope) -> None:
        send, receive = trio.open_memory_channel[tuple[float, bytes]](WAITING)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._deliver, receive, sink, scope)
            async with send:
                while data := await source.receive_some(PIECE):
                    late = self.delay_s + self.jitter_s * self._chance.random()
                    await send.send((trio.current_time() + late, data))

    async def _deliver(
        self, pieces: trio.MemoryReceiveChannel[tuple[float, bytes]], sink: trio.SocketStream, scope: trio.CancelScope
    ) -> None:
        free_at = 0.0
        async for due, data in pieces:
            await trio.sleep_until(max(due, free_at))
            await self._flows.wait()  # until `flow`, or the end of the block
            if self.bytes_per_s is not None:
                free_at = trio.current_time() + len(data) / self.bytes_per_s
            await sink.send_all(data)
        scope.cancel(reason="one side has closed")
