"""Many interrupts at random instants, and many callers at once: nothing leaks, nothing is said after the end."""

from __future__ import annotations

import random
import time

import trio
from attrs import define, field

from tests.end_to_end.callers import turns
from tests.end_to_end.turns import bench
from tests.end_to_end.upstream import stopped_by
from tests.end_to_end.wire import Wire, open_wire
from tests.talk import SPOKEN
from voxint.testing.sim import Sim

INTERRUPTS = 1000
SEED = 20_260_101
SHORT = {
    "tokens": 12,
    "tokens_per_sentence": 4,
    "first_token_s": 0.005,
    "token_interval_s": 0.004,
    "first_chunk_s": 0.005,
    "chunk_interval_s": 0.005,
    "speech_s": 0.1,
    "content": "numbered",
}
"""Replies of 50 ms of text and 0.3 s of speech, so that a thousand take seconds."""

CALM = {
    "tokens": 40,
    "tokens_per_sentence": 8,
    "first_token_s": 0.05,
    "token_interval_s": 0.08,
    "chunk_ms": 200.0,
    "chunk_interval_s": 0.05,
    "speech_s": 1.0,
    "content": "numbered",
}
"""Replies at a model's pace: 3.2 s of text, 5 s of speech."""


@define(eq=False)
class Chatter:
    """A caller that asks and interrupts, many times.

    Attributes:
        acknowledged: When each of its turns was, on CLOCK_MONOTONIC.
        waits: How long each acknowledgement took, in seconds.
    """

    wire: Wire
    chance: random.Random
    acknowledged: dict[int, float] = field(factory=dict)
    waits: list[float] = field(factory=list)

    async def turns(self, times: int, within_s: float) -> None:
        """Interrupt so many replies, each after a random part of `within_s`; some by id, some without."""
        turn = self._ask()
        for n in range(times):
            await trio.sleep(self.chance.uniform(0, within_s))
            self.wire.interrupt(f"r{turn}" if self.chance.random() < 0.5 else None)
            interrupted = turn
            asked = trio.current_time()
            behind = n + 1 < times and self.chance.random() < 0.5
            if behind:
                turn = self._ask()
            await self.wire.until(lambda: len(self.wire.acks) > len(self.waits))
            self._note(interrupted, asked)
            if not behind and n + 1 < times:
                turn = self._ask()

    def _ask(self) -> int:
        turn = next(turns)
        self.wire.ask(f"r{turn}", f"turn {turn}")
        return turn

    def _note(self, turn: int, asked: float) -> None:
        at, ack = self.wire.acks[-1]
        assert ack.outcomes.get(f"r{turn}", "already_finished") in ("stopped", "already_finished")
        self.waits.append(at - asked)
        if f"r{turn}" in ack.interrupted_request_ids:
            self.acknowledged[turn] = at + time.monotonic() - trio.current_time()


async def chat(sim: Sim, callers: int, times: int, within_s: float, pace: dict[str, object], spread_s: float) -> float:
    """Let callers talk to one server, check everything, return the median wait for an acknowledgement in seconds."""
    chatters: list[Chatter] = []
    async with bench(sim, pace=pace) as run:
        before = await run.upstream.latest()

        async def one(seed: int) -> None:
            chance = random.Random(seed)
            await trio.sleep(chance.uniform(0, spread_s))
            async with open_wire(run.url) as wire:
                wire.register(SPOKEN)
                await wire.until(lambda: wire.session_id is not None)
                chatter = Chatter(wire, chance)
                chatters.append(chatter)
                await chatter.turns(times, within_s)
                await trio.sleep(0.05)  # so that a frame that leaks after the last acknowledgement is seen
                wire.checker.settled()

        async with trio.open_nursery() as nursery:
            for caller in range(callers):
                nursery.start_soon(one, SEED + caller)
        await run.upstream.quiet()
        report = await sim.ledger(after=before, settled=True)
        acknowledged = {turn: at for chatter in chatters for turn, at in chatter.acknowledged.items()}
        assert report.open_requests == 0
        for entry in report.requests:
            if entry.turn in acknowledged:
                stopped_by(entry, acknowledged[entry.turn])
    assert sum(len(chatter.waits) for chatter in chatters) == callers * times
    assert len(acknowledged) > callers * times // 2
    waits = sorted(wait for chatter in chatters for wait in chatter.waits)
    return waits[len(waits) // 2]


async def test_a_thousand_interrupts(sim: Sim) -> None:
    """A thousand replies, each cut at a random instant: no promise broken, no slot, descriptor or task left."""
    median = await chat(sim, callers=8, times=INTERRUPTS // 8, within_s=0.12, pace=SHORT, spread_s=0.1)
    assert median < 0.25


async def test_fifty_callers_at_once(sim: Sim) -> None:
    """Fifty callers that talk at the same time are each acknowledged in time, and hear nothing of one another."""
    median = await chat(sim, callers=50, times=3, within_s=2.0, pace=CALM, spread_s=1.0)
    assert median < 0.25
