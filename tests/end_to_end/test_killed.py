"""Processes that are killed under load, and a disk that is full: everybody else hears of it soon, and goes on."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable
from pathlib import Path

import trio

from tests.long.server_process import open_server
from voxint.client import connect
from voxint.errors import Disconnected, ServerError
from voxint.testing.sim import sim_process

CALLERS = 12

HEARD_S = 10.0
"""For everybody to hear of a death: the kernel tells them at once, and a busy machine takes its time."""

LONG = {"tokens": 5000, "tokens_per_sentence": 6, "first_token_s": 0.01, "token_interval_s": 0.01, "speech_s": 0.2}


class Callers:
    """Clients that listen to answers without an end.

    Attributes:
        heard: How many have had something.
        ended: What each raised in the end.
        again: Set when those whose session has survived are to ask once more.
    """

    def __init__(self) -> None:
        self.heard = 0
        self.ended: list[ServerError] = []
        self.again = trio.Event()
        self._more = trio.Event()

    async def call(self, url: str) -> None:
        """Connect, ask, hear the answer until it breaks, and ask again where that can be."""
        async with connect(url, require_tts=True) as client:
            first = True
            try:
                async for _ in await client.send_text("Go on"):
                    self.heard += first
                    first = False
                    self._tell()
            except ServerError as error:
                self.ended.append(error)
            self._tell()
            if not isinstance(self.ended[-1], Disconnected):
                await self.again.wait()
                assert await (await client.send_text("Are you there?")).text()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for it."""
        with trio.fail_after(HEARD_S):
            while not condition():
                await self._more.wait()

    def _tell(self) -> None:
        more, self._more = self._more, trio.Event()
        more.set()


async def test_a_server_that_is_killed_under_load(tmp_path: Path) -> None:
    """Every caller is told that it is disconnected, every upstream's connection is closed, and a new server takes over.

    On the same port, at once: who registers again is answered.
    """
    callers = Callers()
    async with sim_process(**LONG) as sim:
        async with open_server(sim.base_url, tmp_path / "log") as server, trio.open_nursery() as nursery:
            for _ in range(CALLERS):
                nursery.start_soon(callers.call, server.url)
            await callers.until(lambda: callers.heard == CALLERS)
            await server.kill()
            await callers.until(lambda: len(callers.ended) == CALLERS)
        assert [type(error) for error in callers.ended] == [Disconnected] * CALLERS
        with trio.fail_after(HEARD_S):
            report = await sim.ledger(settled=True)
        asked = [entry for entry in report.requests if "chat" in entry.endpoint]
        assert [entry.outcome for entry in asked] == ["disconnected"] * CALLERS
        await sim.configure(**{**LONG, "tokens": 6})
        async with open_server(sim.base_url, tmp_path / "log", port=server.port) as again:
            assert again.url == server.url
            for _ in range(CALLERS):
                async with connect(again.url, require_tts=True) as client:
                    assert await (await client.send_text("Are you there?")).text()


async def test_an_upstream_that_is_killed_under_load(tmp_path: Path) -> None:
    """Every caller gets an ERROR that may be tried again and keeps its session; with a new upstream all goes on."""
    callers = Callers()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    async with open_server(f"http://127.0.0.1:{port}/v1", tmp_path / "log") as server, trio.open_nursery() as nursery:
        async with sim_process(**LONG, port=port) as sim:
            for _ in range(CALLERS):
                nursery.start_soon(callers.call, server.url)
            await callers.until(lambda: callers.heard == CALLERS)
            os.kill(sim.pid, signal.SIGKILL)
            await callers.until(lambda: len(callers.ended) == CALLERS)
        assert {(error.code, error.retryable) for error in callers.ended} == {("UPSTREAM_ERROR", True)}
        async with sim_process(**{**LONG, "tokens": 6}, port=port):
            callers.again.set()
            with trio.move_on_after(HEARD_S) as patience:
                while nursery.child_tasks:  # noqa: ASYNC110 - a nursery has no event to give
                    await trio.sleep(0.01)
            assert not patience.cancelled_caught
    assert server.errors() == []


async def test_a_log_on_a_full_disk(tmp_path: Path) -> None:
    """No line of it can be written: callers are answered as ever, and the server does not even stumble."""
    async with sim_process(**{**LONG, "tokens": 12}) as sim, open_server(sim.base_url, Path("/dev/full")) as server:
        for _ in range(20):
            async with connect(server.url, require_tts=True) as client:
                reply = await client.send_text("Hello?")
                await reply.interrupt()
                assert await (await client.send_text("Hello again?")).text()
        values = await server.metrics()
        assert values["voxint_connections"] <= 1
        assert server.process.poll() is None
