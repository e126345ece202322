"""A server of which nothing is known: its network, its pace, then loads that fit it."""

from __future__ import annotations

from functools import partial

import pytest
import trio

from tests.measure.peers import OPENED, Fake, answering, frame, serving
from voxint.errors import Disconnected, ServerError
from voxint.measure import Pace, VoxintDialect, figures_of, learn_pace, measure_load, round_trips, survey, totals_of
from voxint.protocol import messages as m

LIMIT_S = 30


async def test_round_trips_are_those_of_an_idle_connection() -> None:
    """Nobody has registered; one more than is told warms the connection up."""
    async with serving(fake := Fake()) as url:
        with trio.fail_after(LIMIT_S):
            taken = await round_trips(url, 5)
    assert len(taken) == 5
    assert all(0.0 < trip_ms < 10_000.0 for trip_ms in taken)
    assert fake.heard == [m.HealthCheck()] * 6


async def test_far_away_there_are_fewer_round_trips(monkeypatch: pytest.MonkeyPatch) -> None:
    """The protocol closes a connection that does not register."""
    monkeypatch.setattr(survey, "ROUND_TRIPS_S", 0.0)
    async with serving(Fake()) as url:
        with trio.fail_after(LIMIT_S):
            assert await round_trips(url, 5) == []


async def test_a_server_without_an_answer_is_no_voxint(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is a WebSocket, and says nothing."""
    monkeypatch.setattr(survey, "ANSWER_S", 0.05)
    async with serving(Fake(healthy=False)) as url:
        with trio.fail_after(LIMIT_S), pytest.raises(ServerError, match=r"within 0\.05 s it did not answer"):
            await round_trips(url)


@pytest.mark.parametrize("ask", [round_trips, partial(learn_pace, make_dialect=VoxintDialect)])
async def test_a_server_of_another_kind_is_no_voxint(ask: partial[object]) -> None:
    """It echoes, say."""

    async def echo(stream: trio.abc.Stream) -> None:
        await stream.receive_some()
        await stream.send_all(OPENED)
        await stream.receive_some()
        await stream.send_all(frame(1, b'{"version": "1.0", "msg_type": "HELLO", "payload": {}}'))
        await stream.receive_some()

    async with answering(echo) as url:
        with trio.fail_after(LIMIT_S), pytest.raises(ServerError, match="is this a voxint server"):
            await ask(url)  # type: ignore[misc] # either is a coroutine function


async def test_the_pace_is_that_of_the_first_audio() -> None:
    """The slowest of the turns; the first, which connects the server to its providers, does not count."""
    pauses = {1: 2.0, 2: 0.0, 3: 0.15, 4: 0.0}
    async with serving(fake := Fake(pause_s=lambda turn: pauses[turn])) as url:
        with trio.fail_after(LIMIT_S):
            pace = await learn_pace(url, VoxintDialect)
    assert pace.speaks
    assert 0.15 < pace.first_s < 2.0
    kinds = [type(message).__name__ for message in fake.heard]
    assert kinds == ["Register", *["RequestMessage", "Interrupt"] * 4]


async def test_a_server_without_speech_is_measured_by_its_words() -> None:
    """It is waited for once, not in every turn."""
    async with serving(fake := Fake(speaks=False, words=10)) as url:
        with trio.fail_after(LIMIT_S):
            pace = await learn_pace(url, VoxintDialect)
    assert not pace.speaks
    assert pace.first_s < 1.0
    assert fake.connections == 1


async def test_words_without_an_end_are_not_waited_for_without_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """A text may go on for a minute."""
    monkeypatch.setattr(survey, "SPEECH_S", 0.1)
    async with serving(Fake(speaks=False)) as url:
        with trio.fail_after(LIMIT_S):
            assert not (await learn_pace(url, VoxintDialect)).speaks


async def test_speech_that_nobody_wants_is_not_waited_for() -> None:
    """And not asked for."""
    async with serving(fake := Fake(speaks=False)) as url:
        with trio.fail_after(LIMIT_S):
            await learn_pace(url, partial(VoxintDialect, speech=False), speech=False)
    [register] = [message for message in fake.heard if isinstance(message, m.Register)]
    assert register.patch.require_tts is False


async def test_a_missing_acknowledgement_is_left_to_the_load(monkeypatch: pytest.MonkeyPatch) -> None:
    """There it is counted."""
    monkeypatch.setattr(survey, "ACK_S", 0.2)
    async with serving(Fake(acknowledges=False)) as url:
        with trio.fail_after(LIMIT_S):
            assert (await learn_pace(url, VoxintDialect)).speaks


@pytest.mark.parametrize(("fake", "words"), [
    (Fake(refuses=m.Error("AUTH_FAILED", "who are you?", "", False)), "AUTH_FAILED: who are you"),
    (Fake(fails=1), "UPSTREAM_ERROR: no .of a question asked before the load"),
    (Fake(words=0), "an answer ended without a word: does another --question get one"),
    (Fake(pause_s=lambda turn: 60.0), r"within 0\.3 s nothing came of a question"),
])  # fmt: skip
async def test_a_server_that_can_not_be_measured_says_why(
    fake: Fake, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And what to try, after a wait that has an end."""
    monkeypatch.setattr(survey, "FIRST_WORDS_S", 0.3)
    async with serving(fake) as url:
        with trio.fail_after(LIMIT_S), pytest.raises(ServerError, match=words):
            await learn_pace(url, VoxintDialect)


async def test_nobody_is_there() -> None:
    """One error, with the address."""
    for measure in (round_trips("ws://127.0.0.1:1/"), learn_pace("ws://127.0.0.1:1/", VoxintDialect)):
        with pytest.raises(Disconnected, match="nothing listens at this address"):
            await measure


def test_a_load_fits_the_pace() -> None:
    """Interrupts come 0.1 to 0.5 s after the first audio, whatever that takes; nobody asks before all have dialled."""
    for turns in Pace(3.0, speaks=True).plans(10, 20.0):
        assert 0.5 <= turns[0].ask_s <= 2.0
        for turn in turns:
            assert turn.interrupt_s is not None
            assert 3.1 <= turn.interrupt_s - turn.ask_s <= 3.5


async def test_a_load_is_measured_beside_its_round_trips() -> None:
    """As it was planned, with every figure of speech."""
    pace = Pace(0.03, speaks=True)
    async with serving(Fake()) as url:
        with trio.fail_after(LIMIT_S):
            load = await measure_load(url, VoxintDialect, pace, 3, warmup_s=0.5, seconds=2.0)
    figures, totals = figures_of(load.recording), totals_of(load.recording)
    assert load.sessions == 3
    assert 1 <= len(load.round_trip_ms) <= 100
    assert [turn.number for turn in sorted(load.recording.turns, key=lambda turn: turn.number)] == [
        turn.number for turn in sorted((turn for turns in pace.plans(3, 2.5) for turn in turns), key=lambda t: t.number)
    ]
    assert all(figures[name] for name in ("ack_ms", "next_audio_ms", "first_audio_ms", "audio_late_ms"))
    assert (totals["unanswered"], totals["leak_after_ack"], totals["lost"]) == (0, 0, 0)
