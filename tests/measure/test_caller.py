"""One caller against a small server that breaks its promises as it is told."""

from __future__ import annotations

import time
from functools import partial

import pytest
import trio

from tests.measure.peers import OPENED, Fake, answering, frame, samples, serving
from voxint.measure import Frame, PlannedTurn, Recording, SessionPlan, VoxintDialect, run_load, totals_of
from voxint.protocol import messages as m
from voxint.protocol.codec import encode_server

BY_CONTENT = partial(VoxintDialect, numbered=True)
BY_ID = VoxintDialect

ONE: SessionPlan = (PlannedTurn(1, 0.1, interrupt_s=0.5),)
TWO: SessionPlan = (PlannedTurn(1, 0.1, interrupt_s=0.5), PlannedTurn(2, 0.5, behind=True, interrupt_s=0.6))
"""Interrupted long after the first audio, so that a busy machine has time for it."""


async def load(
    url: str,
    *plans: SessionPlan,
    dialect: partial[VoxintDialect] | type[VoxintDialect] = BY_CONTENT,
    drain_s: float = 5.0,
) -> Recording:
    """Play plans that are over in 0.8 s."""
    with trio.fail_after(20):
        return await run_load(url, dialect, plans, warmup_s=0.0, seconds=0.8, drain_s=drain_s)


async def test_a_turn_is_timed_from_its_question_to_its_acknowledgement() -> None:
    """Question, first words, first audio, interrupt, its last frame and the acknowledgement, in this order."""
    async with serving(Fake()) as url:
        seen = await load(url, ONE)
    [turn] = seen.turns
    marks = [turn.asked, turn.first_text, turn.first_audio, turn.interrupted, turn.ended, turn.acknowledged]
    assert all(mark is not None for mark in marks)
    assert marks == sorted(marks, key=lambda mark: mark or 0.0)
    assert (turn.session, turn.leaked, turn.failed, seen.lost) == (0, 0, "", [])
    assert turn.audio_ms >= 40.0
    assert turn.audio_ms % 40.0 == 0.0
    assert len(turn.late_ms) == turn.audio_ms / 40.0 - turn.stale_frames - 1


async def test_what_follows_an_interrupt_is_written_with_it() -> None:
    """The server reads the next question right behind the INTERRUPT, which says what had been heard."""
    async with serving(fake := Fake()) as url:
        seen = await load(url, TWO)
    first, second = seen.turns
    kinds = [type(message).__name__ for message in fake.heard]
    assert kinds == ["Register", "RequestMessage", "Interrupt", "RequestMessage", "Interrupt"]
    interrupt = fake.heard[2]
    assert isinstance(interrupt, m.Interrupt)
    assert interrupt.played_ms is not None
    assert interrupt.played_ms > 0
    assert second.behind
    assert first.played_ms == pytest.approx(interrupt.played_ms, abs=200)  # reported before it is written


@pytest.mark.parametrize("leak", [
    lambda turn: [m.Response(f"req_{turn}", text_stream_seq=99, text=f"t{turn}w99 ")],
    lambda turn: [m.Response(f"req_{turn}", voice_stream_seq=99, voice=samples(turn))],
    lambda turn: [m.Response(f"req_{turn}", text_stream_seq=-1, voice_stream_seq=-1)],
    lambda turn: [m.Response(f"req_{turn}", text_stream_seq=99, text="")],
])  # fmt: skip
async def test_whatever_comes_after_the_acknowledgement_is_a_leak(leak: object) -> None:
    """Words, audio, an end, or a frame with nothing in it."""
    async with serving(Fake(after_ack=leak)) as url:  # type: ignore[arg-type] # pytest's parameters have no types
        seen = await load(url, ONE)
    assert totals_of(seen)["leak_after_ack"] == 1
    assert totals_of(seen)["unanswered"] == 0


async def test_a_leak_is_known_by_its_content() -> None:
    """Old audio under the next question's id is the old turn's; judged by its id it would be the next one's."""

    def leak(turn: int) -> list[m.Response]:
        return [m.Response(f"req_{turn + 1}", voice_stream_seq=0, voice=samples(turn))] if turn == 1 else []

    async with serving(Fake(after_ack=leak)) as url:
        by_content, by_id = await load(url, TWO), await load(url, TWO, dialect=BY_ID)
    assert [turn.leaked for turn in by_content.turns] == [1, 0]
    assert [turn.leaked for turn in by_id.turns] == [0, 0]


async def test_an_interrupt_without_an_answer_is_counted() -> None:
    """After a wait that has an end."""
    async with serving(Fake(acknowledges=False)) as url:
        seen = await load(url, ONE, drain_s=0.1)
    assert totals_of(seen)["unanswered"] == 1
    assert seen.lost == []
    assert 0.1 <= seen.finished - seen.until < 4


async def test_the_wait_ends_with_the_last_answer() -> None:
    """Also where that was heard to its end, and where it failed."""
    heard: SessionPlan = (PlannedTurn(1, 0.1),)
    async with serving(Fake(words=5)) as url:
        whole = await load(url, heard, drain_s=15.0)
    async with serving(Fake(fails=1)) as url:
        failed = await load(url, heard, drain_s=15.0)
    for seen in (whole, failed):
        assert seen.finished - seen.until < 10
        assert seen.turns[0].ended is not None
    assert (whole.turns[0].failed, failed.turns[0].failed) == ("", "UPSTREAM_ERROR: no")


async def test_a_deaf_caller_reads_nothing_before_it_interrupts() -> None:
    """What was sent meanwhile comes in after the INTERRUPT, and is stale: it says nothing of being late."""
    deaf: SessionPlan = (PlannedTurn(1, 0.1, interrupt_s=0.5, deaf_s=0.35),)
    async with serving(Fake()) as url:
        hearing, seen = await load(url, ONE), await load(url, deaf)
    stale, heard = (run.turns[0].stale_audio_ms / run.turns[0].audio_ms for run in (seen, hearing))
    assert stale > 0.5 > heard
    assert totals_of(seen)["leak_after_ack"] == 0


async def test_a_spoken_question_goes_on_until_the_interrupt() -> None:
    """A burst, then quanta of 86 bytes, all of them numbered; none after the INTERRUPT but one under way."""
    spoken: SessionPlan = (PlannedTurn(7, 0.1, interrupt_s=0.3, spoken=True),)
    async with serving(fake := Fake()) as url:
        await load(url, spoken)
    quanta = [each for each in fake.heard if isinstance(each, bytes)]
    assert set(quanta) == {(7).to_bytes(2, "little") * 43}
    assert 125 < len(quanta) <= 125 + 760, "375 a second for 0.2 s, and ten times as long on a busy machine"
    kinds = [type(each).__name__ for each in fake.heard]
    assert kinds[1:3] == ["RequestMessage", "bytes"]
    assert kinds[kinds.index("Interrupt") :].count("bytes") <= 1


def _opened() -> bytes:
    opened = encode_server(m.RegisterAck("SUCCESS", "", "s-1", 600, (), m.Audio()), "s-1", 0)
    assert isinstance(opened, str)
    return opened.encode()


class _Slow(VoxintDialect):
    """It keeps the generator busy for half a second with every question."""

    def ask(self, turn: int) -> Frame:
        time.sleep(0.5)
        return super().ask(turn)


async def test_a_generator_that_is_late_notes_it() -> None:
    """The interrupt was planned 10 ms behind the question, and could only be written later."""
    async with serving(Fake()) as url:
        seen = await load(url, (PlannedTurn(1, 0.1, interrupt_s=0.11),), dialect=_Slow)
        calm = await load(url, ONE)
    assert max(seen.lag_ms) >= 450
    assert max(calm.lag_ms) < max(seen.lag_ms)


async def test_what_is_late_while_callers_connect_is_nobodys_fault() -> None:
    """Before the load counts, lag is not noted."""
    async with serving(Fake(words=5)) as url:
        with trio.fail_after(20):
            late = (PlannedTurn(1, 0.0), PlannedTurn(2, 0.3))
            seen = await run_load(url, _Slow, [late], warmup_s=0.2, seconds=0.3, drain_s=5.0)
    assert len(seen.lag_ms) == 1


async def test_a_caller_that_is_refused_says_why() -> None:
    """The others of its load go on."""
    async with serving(Fake(refuses=m.Error("AUTH_FAILED", "who are you?", "", False))) as url:
        seen = await load(url, ONE, TWO)
    assert seen.lost == ["AUTH_FAILED: who are you?"] * 2
    assert seen.turns == []


@pytest.mark.parametrize("spoken", [False, True])
async def test_a_caller_that_is_cut_off_says_why(spoken: bool) -> None:
    """In the server's words, whether it was reading or speaking."""

    async def leave(stream: trio.abc.Stream) -> None:
        await stream.receive_some()
        await stream.send_all(OPENED + frame(1, _opened()))
        for _ in ("registration", "question"):
            await stream.receive_some()
        await stream.send_all(frame(8, (1001).to_bytes(2, "big") + b"bye"))

    turns: SessionPlan = (PlannedTurn(1, 0.1, interrupt_s=0.25, spoken=spoken),)
    async with answering(leave) as url:
        seen = await load(url, turns)
    assert seen.lost == ["DISCONNECTED: the server closed the connection (1001) and says: bye"]
    assert totals_of(seen)["turns"] == 1


async def test_a_server_that_stops_reading_holds_nobody() -> None:
    """What can't be written is given up when the plan and its wait are over."""

    async def sulk(stream: trio.abc.Stream) -> None:
        await stream.receive_some()
        await stream.send_all(OPENED + frame(1, _opened()))
        await trio.sleep_forever()

    async with answering(sulk) as url:
        seen = await load(url, ONE, dialect=partial(VoxintDialect, text=lambda turn: "x" * 30_000_000), drain_s=0.1)
    assert seen.lost == ["DISCONNECTED: the server does not read what is written to it: is it held up?"]


async def test_a_spoken_question_counts_from_its_end() -> None:
    """Its audio, then its end frame, from which the first words are timed; then it is interrupted like any other."""
    async with serving(fake := Fake()) as url:
        seen = await load(url, (PlannedTurn(1, 0.1, interrupt_s=0.8, spoken=True, speaks_s=0.4),))
    [turn] = seen.turns
    [*_, last_audio, end, interrupt] = [message for message in fake.heard if not isinstance(message, m.Register)]
    assert isinstance(last_audio, bytes)
    assert isinstance(end, m.RequestMessage)
    assert end.stream_seq == -1
    assert isinstance(interrupt, m.Interrupt)
    assert turn.first_text is not None
    assert turn.interrupted is not None
    assert turn.asked < turn.first_text <= turn.interrupted
    assert turn.interrupted - turn.asked < 0.5  # of 0.7 since it began to speak
