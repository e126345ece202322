"""What a call's record is judged to be, by calls with a scripted system in virtual time."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import trio
from attrs import evolve

from bench.bargein.caller import call
from bench.bargein.line import RATE, Heard, LineEvent
from bench.bargein.rating import Rating, heard_of, rate
from bench.bargein.record import Record
from bench.bargein.samples import Sample
from tests.bench.bargein.scripted import ScriptedLine, canned, cut, held, sample, script, speaks
from voxint.testing.sim.ledger import LedgerEntry

ANSWER = canned()

ASKED, ENDS = 0.6, 1.6
"""When the question begins and ends (bench/bargein/caller.py, scripted.py)."""

SPEAKS, JITTER = 2.0, 0.04
"""When the answer's first frame comes, and how long the player waits with it."""

ONSET = SPEAKS + JITTER + 1.0
"""When the overlap begins, within the piece of the microphone in which it is known."""


async def _called(asked: Sample, events: Sequence[tuple[float, LineEvent]]) -> Record:
    async with ScriptedLine(ANSWER, events).open() as line:
        return await call(line, asked)


async def _rated(asked: Sample, *parts: Sequence[tuple[float, LineEvent]]) -> Rating:
    return rate(asked, await _called(asked, script(*parts)), ANSWER)


def _spoken(
    seconds: float, *, at: float = SPEAKS, first: float = 0.0, name: str = "a"
) -> list[tuple[float, LineEvent]]:
    return list(speaks(ANSWER, at, int(first * RATE), int(seconds * RATE), name))


async def test_ended_at_onset(autojump_clock: trio.testing.MockClock) -> None:
    """An interruption that ends the answer is timed to the last sample that was played, and to the client's word."""
    rating = await _rated(sample(), _spoken(1.22), cut(ONSET + 0.2))
    assert rating.failure == ""
    assert rating.stopped
    assert not rating.held
    assert rating.onset_to_silence_ms == pytest.approx(200, abs=1)
    assert rating.onset_to_commit_ms == pytest.approx(200, abs=1)
    assert rating.onset_to_hold_ms is None
    assert (rating.lost, rating.twice) == (0, 0)


async def test_goes_on_after_hold(autojump_clock: trio.testing.MockClock) -> None:
    """An answer that was held goes on with the very next sample: nothing lost, nothing twice, no gap, not stopped."""
    asked = sample("cough", seconds=0.3)
    until = ONSET + 0.7
    before = _spoken(1.4)  # up to 240 ms ahead of the hold, which the player keeps
    rating = await _rated(asked, before, held(ONSET + 0.16, until, "noise"), _spoken(9, at=until, first=1.4))
    assert not rating.stopped
    assert rating.held
    assert rating.onset_to_pause_ms == pytest.approx(160, abs=1)
    assert rating.onset_to_silence_ms is None
    assert rating.held_ms == [pytest.approx(540, abs=1)]
    assert rating.resume_gap_ms == [pytest.approx(0, abs=1)]
    assert (rating.lost, rating.twice) == (0, 0)


async def test_stopped_after_it_went_on(autojump_clock: trio.testing.MockClock) -> None:
    """An answer that was held, went on and was ended then is silent from its last sample on, not from the hold."""
    until = ONSET + 0.5
    events = held(ONSET + 0.16, until, "noise"), _spoken(0.2, at=until, first=1.4), cut(until + 0.25)
    rating = await _rated(sample(), _spoken(1.4), *events)
    assert rating.stopped
    assert rating.onset_to_pause_ms == pytest.approx(160, abs=1)
    assert rating.onset_to_silence_ms == pytest.approx(750, abs=1)


async def test_echo_that_stops_at_once(autojump_clock: trio.testing.MockClock) -> None:
    """Who is stopped by an echo before the time in which it is looked for is stopped; whoever speaks anew, too."""
    asked = evolve(sample("echo"), overlap=None)
    early = cut(SPEAKS + 0.3)
    rating = await _rated(asked, _spoken(0.3), early)
    assert (rating.stopped, rating.failure) == (True, "")
    rating = await _rated(asked, _spoken(0.3), early, _spoken(10, at=SPEAKS + 1, name="b"))
    assert (rating.stopped, rating.failure) == (True, "")
    assert not (await _rated(asked, _spoken(11))).stopped


async def test_missed(autojump_clock: trio.testing.MockClock) -> None:
    """An answer that is spoken over to the call's end was not stopped, and never silent."""
    rating = await _rated(sample(), _spoken(10))
    assert not rating.stopped
    assert rating.onset_to_pause_ms is None
    assert rating.onset_to_silence_ms is None


async def test_new_answer(autojump_clock: trio.testing.MockClock) -> None:
    """Where the answer's beginning sounds anew, the old one is over, and the time to it is told."""
    again = ONSET + 0.8 + 0.6
    rating = await _rated(sample(), _spoken(1.3), cut(ONSET + 0.3), _spoken(5, at=again, name="b"))
    assert rating.stopped
    assert rating.next_voice_ms == pytest.approx((0.6 + JITTER) * 1000, abs=1)
    assert (rating.lost, rating.twice) == (0, 0)


@pytest.mark.parametrize(("first", "lost", "twice"), [(1.45, 800, 0), (1.35, 0, 800)])
async def test_lost_and_twice(autojump_clock: trio.testing.MockClock, first: float, lost: int, twice: int) -> None:
    """Samples that are left out over a hold, or said twice, are counted to the sample."""
    until = ONSET + 0.7
    rating = await _rated(
        sample("cough"), _spoken(1.4), held(ONSET + 0.2, until, "noise"), _spoken(9, at=until, first=first)
    )
    assert (rating.lost, rating.twice) == (lost, twice)


async def test_endpoint(autojump_clock: trio.testing.MockClock) -> None:
    """The end of the question is told from its last sample; before that, it was cut off."""
    decided: list[tuple[float, LineEvent]] = [(ENDS + 0.5, Heard("endpoint", (ENDS + 0.4) * 1000, "request"))]
    rating = await _rated(sample(), decided, _spoken(10, at=2.2))
    assert rating.endpoint_ms == pytest.approx(400, abs=1)
    assert rating.cut_off is False
    assert rating.voice_to_voice_ms == pytest.approx((2.2 + JITTER - ENDS) * 1000, abs=1)
    early: list[tuple[float, LineEvent]] = [(1.3, Heard("endpoint"))]
    rating = await _rated(sample(), early, _spoken(10, at=2.2))
    assert rating.cut_off is True
    assert rating.endpoint_ms is None


async def test_no_answer(autojump_clock: trio.testing.MockClock) -> None:
    """A call in which nothing of the answer sounds has failed, and says so."""
    rating = await _rated(sample(), [])
    assert rating.failure == "no answer came"


async def test_held_spend(autojump_clock: trio.testing.MockClock) -> None:
    """What the upstreams made while held is counted, and when the last of them was closed."""
    asked = sample()
    until = ONSET + 0.7
    record = await _called(
        asked, script(_spoken(1.4), held(ONSET + 0.2, until, "noise"), _spoken(3, at=until, first=1.4))
    )

    def entry(endpoint: str, *stamps: float, closed: float) -> LedgerEntry:
        at = [record.began + stamp for stamp in stamps]
        begun = record.began + 1.0
        return LedgerEntry(1, endpoint, begun, generated_at=at, t_disconnect_seen=record.began + closed)

    ledger = [
        entry("/v1/chat/completions", ONSET, ONSET + 0.3, ONSET + 0.4, until + 0.1, closed=ONSET + 0.9),
        entry("/v1/audio/speech", ONSET + 0.3, until + 0.1, closed=ONSET + 1.0),
    ]
    rating = rate(asked, record, ANSWER, ledger)
    assert rating.held_tokens == 2
    assert rating.held_audio_ms == 80
    assert rating.onset_to_close_ms == pytest.approx(1000, abs=1)


async def test_other_calls_do_not_count(autojump_clock: trio.testing.MockClock) -> None:
    """A connection that had ended before the onset, or ends after the call, is no part of it."""
    asked = sample()
    record = await _called(asked, script(_spoken(1.4), cut(ONSET + 0.2)))
    ends = [record.began + ONSET - 0.5, record.began + 100]
    ledger = [LedgerEntry(1, "/v1/chat/completions", record.began + 1.0, t_disconnect_seen=at) for at in ends]
    assert rate(asked, record, ANSWER, ledger).onset_to_close_ms is None


async def test_faded_in(autojump_clock: trio.testing.MockClock) -> None:
    """Ten milliseconds that are faded in count as said, neither lost nor twice."""
    until = ONSET + 0.7
    going = _spoken(9, at=until, first=1.4)
    record = await _called(sample("cough"), script(_spoken(1.4), held(ONSET + 0.2, until, "noise"), going))
    answer = heard_of(record, ANSWER)[0]
    resumed = next(run.at for run in answer.runs if run.at >= (until - 0.01) * RATE)
    faded = bytearray(record.output)
    faded[2 * resumed : 2 * (resumed + 160)] = bytes(320)
    rating = rate(sample("cough"), evolve(record, output=bytes(faded)), ANSWER)
    assert (rating.lost, rating.twice) == (0, 0)
