"""An INTERRUPT that comes while a stage holds the event loop: it is read late, and everybody is told so."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio
from structlog.testing import capture_logs

from tests.blocky import SLEEPS, Blocky
from voxint.client import Client, connect
from voxint.core.agent import Agent
from voxint.core.stages import LanguageModel
from voxint.net.websocket import STEP_FRAMES
from voxint.protocol.messages import InterruptAck
from voxint.server.config import ServerConfig
from voxint.server.serve import Server, serve
from voxint.testing.stages import FOREVER, ScriptedModel

SLACK_MS = 100.0
"""Between two processors' views of one instant, on a busy machine."""


@asynccontextmanager
async def client_of(model: LanguageModel) -> AsyncIterator[Client]:
    """Give a client of a server whose loop is another thread's: what holds that one leaves the client alone."""
    ready, listens = trio.open_memory_channel[tuple[Server, trio.lowlevel.TrioToken]](1)
    here = trio.lowlevel.current_trio_token()

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            server = await nursery.start(serve, Agent(llm=model), ServerConfig(port=0, drain_s=0))
            here.run_sync_soon(ready.send_nowait, (server, trio.lowlevel.current_trio_token()))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.to_thread.run_sync, trio.run, main)
        server, there = await listens.receive()
        try:
            async with connect(server.url) as client:
                yield client
        finally:
            there.run_sync_soon(server.shut_down)


async def interrupted(client: Client, request_id: str | None = None) -> tuple[InterruptAck, float]:
    """Interrupt right after something was asked; return the acknowledgement, and the ms that it took."""
    await client.send_text("Hi")
    await trio.sleep(0.05)
    began = trio.current_time()
    ack = await client.interrupt(request_id)
    return ack, (trio.current_time() - began) * 1000


async def test_a_late_interrupt_that_finds_nothing_says_that_it_was_late() -> None:
    """The loop was held from before it came until the stage let go: its bound holds all of that."""
    with capture_logs() as logs:
        async with client_of(Blocky(0.2, sleeps=5, words=1)) as client:
            ack, took_ms = await interrupted(client, "another")
    assert (ack.status, ack.outcomes) == ("FAILED", {"another": "not_found"})
    assert ack.read_late_ms is not None
    assert took_ms - SLACK_MS <= ack.read_late_ms <= 1000 + 5 * SLACK_MS
    told = [line for line in logs if line["event"] == "the loop was held"]
    assert any(line["by"] == SLEEPS and line["for_s"] >= 1.0 and line["log_level"] == "warning" for line in told)


async def test_a_late_interrupt_is_told_in_the_receipt() -> None:
    """`stop_ms` counts from when it may have come, and the rest of it is what the work took to stop."""
    async with client_of(Blocky(0.05, words=40)) as client:
        ack, took_ms = await interrupted(client)
    [receipt] = ack.receipts.values()
    assert ack.status == "SUCCESS"
    assert ack.read_late_ms is not None
    assert receipt.read_late_ms == ack.read_late_ms
    assert receipt.read_late_ms <= receipt.closed_ms["llm"] <= receipt.stop_ms  # on the clock of the stop
    assert took_ms - SLACK_MS <= receipt.stop_ms


async def test_a_request_that_is_read_late_interrupts_late() -> None:
    """The commonest interruption is the next question: what it superseded says so to who asks for its receipt."""
    async with client_of(Blocky(0.1, words=40)) as client:
        first = await client.send_text("Hi")
        await trio.sleep(0.05)
        await client.send_text("And?")
        ack = await client.interrupt(first.request_id)
    receipt = ack.receipts[first.request_id]
    assert receipt.reason == "USER_NEW_INPUT"
    assert receipt.read_late_ms is not None
    assert receipt.read_late_ms <= receipt.stop_ms


async def test_an_interrupt_that_is_read_in_time_says_nothing_of_it() -> None:
    """The loop was idle: what woke it had just come."""
    async with client_of(ScriptedModel("Well, ", FOREVER)) as client:
        for _ in range(3):  # a busy machine may hold the loop once
            ack, _ = await interrupted(client)
            if ack.read_late_ms is None:
                break
    assert ack.read_late_ms is None
    assert [receipt.read_late_ms for receipt in ack.receipts.values()] == [None]


async def test_an_interrupt_behind_other_frames_is_as_late_as_its_turn() -> None:
    """Some frames of one client are looked at in a pass; those behind them wait through as many passes as it takes."""
    async with client_of(Blocky(0.03, words=100)) as client:
        reply = await client.send_text("Hi")
        await trio.sleep(0.2)
        began = trio.current_time()
        for _ in range(20 * STEP_FRAMES):
            client.played(reply.request_id, 0.0)
        ack = await client.interrupt()
        took_ms = (trio.current_time() - began) * 1000
    [receipt] = ack.receipts.values()
    assert took_ms > 20 * 30
    assert ack.read_late_ms is not None
    assert ack.read_late_ms > 20 * 30 - SLACK_MS
    assert took_ms - SLACK_MS <= receipt.stop_ms
