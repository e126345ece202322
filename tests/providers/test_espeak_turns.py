"""How callers share espeak's process: whose turn it is, and who has left it when he is cancelled."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable

import pytest
import trio
import trio.testing

from tests.processes import every_child
from tests.providers.spoken import speak
from voxint.core.stages import Speech
from voxint.core.turns import LANE
from voxint.providers import espeak
from voxint.providers._espeak_job import job_of
from voxint.providers._written_text import segments
from voxint.providers.espeak import Espeak
from voxint.workers.process import Worker

LONG = "the quick brown fox jumps over the lazy dog while nobody is looking "

SLOW = "777777777 " * 15
"""A segment that takes a quarter of a second: a minute of speech."""


class Watched:
    """The jobs of the process, noted as they are asked, with a hook before each."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, before: Callable[[], Awaitable[None]] = trio.lowlevel.checkpoint
    ) -> None:
        self.texts: list[str] = []
        self.speaking = 0
        self.most_speaking = 0
        plain = Worker.ask

        async def watched(worker: Worker, kind: int, payload: bytes = b"") -> bytes:
            self.texts.append(job_of(payload)[0])
            self.speaking += 1
            self.most_speaking = max(self.most_speaking, self.speaking)
            try:
                await before()
                return await plain(worker, kind, payload)
            finally:
                self.speaking -= 1

        monkeypatch.setattr(Worker, "ask", watched)


async def test_cancellation_aborts_in_mid_segment() -> None:
    """A caller cancelled at any moment of a slow segment: soon over, by the same process, which is as it was."""
    before = every_child()
    async with Espeak(voice="en") as stage:
        [process] = every_child() - before
        alone = await speak(stage, "hello there")
        took = []
        for after_ms in range(2, 60, 4):
            with trio.move_on_after(after_ms / 1000) as scope:
                await speak(stage, SLOW)
            took.append(trio.current_time() - scope.deadline)
            assert scope.cancelled_caught
            spoken = await speak(stage, "hello there")
            assert [speech.text for speech in spoken] == [speech.text for speech in alone]
            for one, other in zip(spoken, alone, strict=True):
                assert stage.audio_format.bytes_ms(abs(len(one.audio) - len(other.audio))) < 10
        assert sorted(took)[len(took) // 2] < 0.1  # 1 ms as measured; generous for a loaded machine
        assert every_child() - before == {process}


async def test_the_cancelled_in_the_queue_leave_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A caller cancelled while another is being spoken never reaches the library, and does not wait for it."""
    release = trio.Event()
    watched = Watched(monkeypatch, release.wait)
    async with Espeak() as stage, trio.open_nursery() as nursery:
        nursery.start_soon(speak, stage, LONG)
        await trio.testing.wait_all_tasks_blocked(0.01)
        with trio.move_on_after(0.01) as waiting:
            await speak(stage, "never spoken")
        assert waiting.cancelled_caught
        release.set()
    assert len(watched.texts) == 1


async def test_fifty_callers_take_turns_and_some_leave(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fifty callers, each third cancelled in its first segment: the rest are spoken whole, one at a time, in turn."""
    text = (LONG * 3).strip()
    cut = [segment.spoken for segment in segments(text, espeak.SEGMENT_CHARS)]
    scopes = [trio.CancelScope() for _ in range(50)]
    watched = Watched(monkeypatch)
    finished: list[int] = []
    first: list[int] = []

    async def call(stage: Espeak, number: int) -> None:
        pieces, text_out = trio.open_memory_channel[str](1)
        speech_in, speech_out = trio.open_memory_channel[Speech](math.inf)
        await pieces.send(text)
        pieces.close()
        with scopes[number]:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(watch_first, number, speech_out)
                await stage.synthesize(text_out, speech_in)
                speech_in.close()
            finished.append(number)

    async def watch_first(number: int, speech_out: trio.MemoryReceiveChannel[Speech]) -> None:
        async for _ in speech_out:
            if number not in first:
                first.append(number)
                if number % 3 == 0:
                    scopes[number].cancel()

    async with Espeak() as stage, trio.open_nursery() as nursery:
        for number in range(50):
            nursery.start_soon(call, stage, number)
    assert sorted(finished) == [number for number in range(50) if number % 3]
    assert sorted(first) == list(range(50))
    assert watched.most_speaking == 1
    assert watched.texts[:50] == [cut[0]] * 50  # everybody's first segment comes before anybody's second
    assert len(watched.texts) <= len(finished) * len(cut) + 2 * (50 - len(finished))


async def test_one_who_has_much_to_say_makes_nobody_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twenty answers of one caller wait for the engine; another's one is spoken next, not behind them."""
    order, ready = list[str](), trio.Event()
    Watched(monkeypatch, ready.wait)

    async def say(stage: Espeak, caller: str) -> None:
        LANE.set((caller, "s"))
        await speak(stage, "Yes.")
        order.append(caller)

    async with Espeak() as stage, trio.open_nursery() as nursery:
        for _ in range(20):
            nursery.start_soon(say, stage, "many")
        await trio.testing.wait_all_tasks_blocked(0.01)
        nursery.start_soon(say, stage, "one")
        await trio.testing.wait_all_tasks_blocked(0.01)
        ready.set()
    assert order.index("one") == 1
