"""A call, in virtual time with a scripted system."""

from __future__ import annotations

import numpy as np
import pytest
import trio
from attrs import evolve

from bench.bargein.caller import call
from bench.bargein.line import RATE, Flushed, LineEvent, Transcribed
from bench.bargein.samples import Echo
from tests.bench.bargein.scripted import PIECE, ScriptedLine, canned, sample, script, speaks

ANSWER = canned()
JITTER = 0.04


async def test_microphone_runs_in_real_time_from_first_to_last(autojump_clock: trio.testing.MockClock) -> None:
    """Every piece has 20 ms, all are sent, and what was sent is what is kept."""
    began = trio.current_time()
    line = ScriptedLine(ANSWER, script(speaks(ANSWER, 2.0, 0, 10 * RATE)))
    async with line.open():
        record = await call(line, sample())
    assert {len(pcm) for pcm in line.sent} == {2 * PIECE}
    assert b"".join(line.sent) == record.input
    assert trio.current_time() - began == pytest.approx(len(record.input) / 2 / RATE, abs=0.03)
    assert record.late_ms == pytest.approx(0, abs=0.1)


async def test_overlap_is_where_the_record_says(autojump_clock: trio.testing.MockClock) -> None:
    """The overlap's first audible sample is its time behind the answer's first sound, within a piece."""
    line = ScriptedLine(ANSWER, script(speaks(ANSWER, 2.0, 0, 10 * RATE)))
    async with line.open():
        record = await call(line, sample(after_ms=1000))
    assert record.overlap is not None
    onset, end = record.overlap
    assert 0 <= onset - (2.0 + JITTER + 1.0) * RATE <= PIECE
    loud = np.abs(np.frombuffer(record.input, dtype="<i2"))
    assert loud[end - PIECE : end].max() > 10_000
    assert loud[onset - PIECE : onset].max() < 1_000 < loud[onset]
    assert loud[end : end + PIECE].max() < 1_000


async def test_answer_that_is_thrown_away_does_not_count(autojump_clock: trio.testing.MockClock) -> None:
    """The overlap waits for the answer that goes on."""
    first, second = speaks(ANSWER, 2.0, 0, RATE // 5), speaks(ANSWER, 3.0, 0, 10 * RATE, "b")
    line = ScriptedLine(ANSWER, script(first, [(2.3, Flushed("a"))], second))
    async with line.open():
        record = await call(line, sample(after_ms=1000))
    assert record.overlap is not None
    assert 0 <= record.overlap[0] - (3.0 + JITTER + 1.0) * RATE <= PIECE


async def test_echo_comes_back(autojump_clock: trio.testing.MockClock) -> None:
    """The microphone takes up what the loudspeaker sounds, as much later and quieter as the sample says."""
    asked = evolve(sample("echo"), overlap=None, echo=Echo(80.0, -20.0))
    line = ScriptedLine(ANSWER, script(speaks(ANSWER, 2.0, 0, 10 * RATE)))
    async with line.open():
        record = await call(line, asked)
    played, heard = (np.frombuffer(track, dtype="<i2").astype(float) for track in (record.output, record.input))
    delay = 80 * RATE // 1000
    first = int(3 * RATE)
    piece, back = played[first : first + RATE], heard[first + delay : first + delay + RATE]
    assert np.dot(piece, back) / np.dot(piece, piece) == pytest.approx(0.1, abs=0.01)
    assert record.overlap is not None
    assert (record.overlap[1] - record.overlap[0]) / RATE == 5


async def test_words_are_kept(autojump_clock: trio.testing.MockClock) -> None:
    """What the system understood stands in the record with its time."""
    line = ScriptedLine(ANSWER, [(1.7, Transcribed("what", False)), (2.5, Transcribed("what is it", True))])
    async with line.open():
        record = await call(line, sample())
    assert [(each.what, each.detail) for each in record.happened] == [("transcribed", "what"), ("final", "what is it")]
    assert record.happened[0].at == pytest.approx(1.7 * RATE, abs=PIECE)
    assert record.failure == "no answer came"


class _Lost(ScriptedLine):
    async def receive(self) -> LineEvent:
        await trio.sleep(1)
        raise trio.EndOfChannel


async def test_lost_connection_fails_the_call(autojump_clock: trio.testing.MockClock) -> None:
    """A system that ends the call is said to have done so."""
    record = await call(_Lost(ANSWER, []), sample())
    assert record.failure == "the system ended the call"
