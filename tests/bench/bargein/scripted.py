"""A system that does what a test tells it, in virtual time, with an answer of noise."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager

import numpy as np
import trio
from attrs import define, field

from bench.bargein.canned import Canned
from bench.bargein.line import PIECE_MS, RATE, Audio, Flushed, LineEvent, Paused, Resumed
from bench.bargein.samples import Kind, Overlap, Sample, Stretch

PIECE = PIECE_MS * RATE // 1000

QUESTION_S, LEAD_S = 1.0, 0.6
"""A question lasts a second, and begins 600 ms into a call (bench/bargein/caller.py)."""


def canned(seconds: float = 12.0) -> Canned:
    """Return an answer of two sentences of noise."""
    chance = np.random.default_rng(1)
    half = int(seconds / 2 * RATE)
    sounds = [chance.integers(-9000, 9000, half).astype("<i2").tobytes() for _ in range(2)]
    return Canned(("This is the first sentence.", "And here the second ends."), sounds)


def tone(seconds: float, text: str = "") -> Stretch:
    """Return a tone, audible from its first sample to its last."""
    sound = np.cos(np.arange(int(seconds * RATE)) * np.pi / 8 + np.pi / 8)
    return Stretch.of(sound, -6.0, text)


def sample(kind: Kind = "interruption", *, after_ms: float = 1000.0, seconds: float = 0.8) -> Sample:
    """Return a call's sample: a question of a second, and a tone that comes into the answer."""
    return Sample(
        name=f"en-000-{kind}",
        kind=kind,
        language="en",
        voice="tone",
        level_db=-6.0,
        room_db=-60.0,
        seed=1,
        question=tone(QUESTION_S),
        overlap=Overlap(after_ms, tone(seconds)),
    )


@define(eq=False)
class ScriptedLine:
    """A line whose system speaks and does things at their times, in seconds since the call began.

    Args:
        answer: Whose sound it is.
        script: What comes when. An `Audio` without samples stands for "speak on from here": the answer's next samples
            follow at their pace, until something else than an event of the record comes.
    """

    answer: Canned
    script: Sequence[tuple[float, LineEvent]]
    sent: list[bytes] = field(factory=list)
    _events: trio.MemoryReceiveChannel[LineEvent] = field(init=False)
    _out: trio.MemorySendChannel[LineEvent] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._out, self._events = trio.open_memory_channel[LineEvent](10_000)

    async def send(self, pcm: bytes) -> None:
        """Keep what the microphone sends."""
        self.sent.append(pcm)
        await trio.lowlevel.checkpoint()

    async def receive(self) -> LineEvent:
        """Return what the script has next."""
        return await self._events.receive()

    async def run(self) -> None:
        """Do what the script says."""
        began = trio.current_time()
        for at, event in self.script:
            await trio.sleep_until(began + at)
            await self._out.send(event)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[ScriptedLine]:
        """Run the script for the block."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.run)
            yield self
            nursery.cancel_scope.cancel(reason="the call is over")


def speaks(answer: Canned, at: float, first: int, count: int, name: str = "a") -> Iterable[tuple[float, LineEvent]]:
    """Return frames of the answer from the sample `first` on, each in its time from `at` on."""
    for place in range(first, first + count, PIECE):
        pcm = answer.pcm[2 * place : 2 * min(place + PIECE, first + count)]
        yield at + (place - first) / RATE, Audio(pcm, name)


def script(*parts: Iterable[tuple[float, LineEvent]]) -> list[tuple[float, LineEvent]]:
    """Return scripts as one, in the order of their times."""
    return sorted((each for part in parts for each in part), key=lambda pair: pair[0])


def held(at: float, until: float, reason: str) -> list[tuple[float, LineEvent]]:
    """Return a hold and its release."""
    return [(at, Paused("a")), (until, Resumed("a", reason))]


def cut(at: float) -> list[tuple[float, LineEvent]]:
    """Return the answer's end for good."""
    return [(at, Flushed("a", "USER_VOICE_INPUT"))]
