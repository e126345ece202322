from __future__ import annotations

import pytest
import trio

from voxint.core.alarms import Alarms
from voxint.core.answer import Answer
from voxint.core.audio import AudioFormat
from voxint.core.events import Called, Ended, Event, Said, Text, Understood, Voice
from voxint.core.failure import Failure
from voxint.core.hearers import STALL_S
from voxint.core.journal import Journal, Seen
from voxint.core.listener import MOST_UNREAD, Listener
from voxint.core.pieces import ROOM
from voxint.core.playout import PlayoutLedger

pytestmark = pytest.mark.virtual_time


def an_answer(
    *listeners: Listener, spoken: bool = False, keep: int = 0, request_id: str = "r1"
) -> tuple[Answer, Listener]:
    """Return an answer and its player, which is the first listener."""
    hears = list(listeners) or [Listener()]
    ledger = PlayoutLedger(AudioFormat(), spoken=spoken)
    answer = Answer(request_id, ledger, spoken=spoken, player=hears[0], listeners=hears, journal=Journal(keep))
    return answer, hears[0]


async def drain(listener: Listener) -> list[Event]:
    """Return all that waits, as the reader takes it."""
    said = [await listener.next() for _ in range(len(listener))]
    return [each.event for each in said if isinstance(each, Said)]


async def test_text_that_waits_is_one_piece() -> None:
    """It is joined when the reader takes it, which learns of how many pieces it is."""
    answer, player = an_answer()
    answer.text("Well, ")
    answer.text("yes. ")
    assert await player.next() == Said("r1", Text("Well, yes. "), False, 2)
    answer.text("So?")
    assert await player.next() == Said("r1", Text("So?"), False, 1)
    assert answer.ledger.shown == "Well, yes. So?"


async def test_a_call_keeps_its_place_in_the_text() -> None:
    """Text after it is a piece of its own."""
    answer, player = an_answer()
    answer.text("Let me see. ")
    answer.say(Called("look_up", {"word": "voxint"}, "c1"))
    answer.text("There.")
    call = Called("look_up", {"word": "voxint"}, "c1")
    assert await drain(player) == [Text("Let me see. "), call, Text("There.")]
    assert answer.ledger.shown == "Let me see. There."


async def test_voice_goes_piece_by_piece() -> None:
    """Each is accounted for as sent when the player takes it."""
    answer, player = an_answer(spoken=True)
    answer.voice(bytes(320))
    answer.voice(bytes(320))
    assert answer.ledger.audio_account(0.0).sent_ms == 0
    assert await drain(player) == [Voice(bytes(320))] * 2
    assert answer.ledger.audio_account(0.0).sent_ms == 20


async def test_a_silenced_answer_has_only_its_end() -> None:
    """What waits is thrown away, what comes is refused; what others say stays."""
    answer, player = an_answer(spoken=True)
    other, _ = an_answer(player, request_id="r2")
    answer.text("Well, ")
    other.text("I stay.")
    answer.voice(bytes(320))
    answer.silence()
    answer.text("late")
    answer.voice(bytes(320))
    answer.say(Called("sing", {}, "c1"))
    answer.say(Understood("late", True))
    answer.silence()
    answer.end(Ended(True, "USER_STOP"))
    answer.end(Ended(False))
    assert await drain(player) == [Text("I stay."), Ended(True, "USER_STOP")]
    assert answer.ledger.shown == ""


async def test_a_failure_is_an_end_too() -> None:
    """It is the only one."""
    answer, player = an_answer()
    failed = Ended(False, None, Failure("internal", "the server failed", True))
    answer.end(failed)
    answer.end(Ended(False))
    assert await drain(player) == [failed]


async def test_everybody_hears_the_same() -> None:
    """Who is slower gets what waits in fewer pieces; only what the player takes is sent."""
    player, other = Listener(), Listener()
    answer, _ = an_answer(player, other, spoken=True)
    answer.text("Well, ")
    assert await drain(player) == [Text("Well, ")]
    answer.text("yes. ")
    answer.voice(bytes(320))
    assert await drain(player) == [Text("yes. "), Voice(bytes(320))]
    assert await drain(other) == [Text("Well, yes. "), Voice(bytes(320))]
    assert (answer.ledger.shown, answer.ledger.audio_account(0.0).sent_ms) == ("Well, yes. ", 10)


async def test_who_does_not_read_is_dropped_and_not_waited_for() -> None:
    """The player is never held up by another, and what waits for that one is bounded."""
    dropped: list[str] = []
    player, other = Listener(), Listener(lambda: dropped.append("other"))
    answer, _ = an_answer(player, other, spoken=True)
    for _ in range(MOST_UNREAD + 1):
        answer.voice(bytes(2))
        await drain(player)
    await answer.flushed()
    assert dropped == ["other"]
    assert len(other) == MOST_UNREAD


async def test_a_player_that_stalls_is_dropped_where_others_listen() -> None:
    """Alone it is waited for; beside others it is given a second without any progress."""
    dropped: list[float] = []
    player = Listener(lambda: dropped.append(trio.current_time()))
    alone, _ = an_answer(player)
    beside, _ = an_answer(player, Listener(), request_id="r2")
    alarms = Alarms()
    for answer in alone, beside:
        answer.watch_player(alarms)

    async def guard(until: float) -> None:
        with trio.move_on_at(until):
            while True:
                alarms.ring()
                await alarms.sleep(trio.Event())

    alone.text("Well, ")
    await guard(10)
    assert dropped == []
    await drain(player)
    beside.text("Well, ")
    await guard(10 + STALL_S / 2)
    await player.next()
    beside.text("yes. ")
    await guard(20)
    assert dropped == [10 + STALL_S * 1.5]


async def test_an_heir_goes_on_where_it_is() -> None:
    """What it has taken is sent, what waits for it is not yet, and nothing counts twice."""
    player, heir = Listener(), Listener()
    answer, _ = an_answer(player, heir, spoken=True)
    answer.text("One ")
    answer.voice(bytes(320), bytes(320))
    await drain(player)
    assert await heir.next() == Said("r1", Text("One "), True)
    assert await heir.next() == Said("r1", Voice(bytes(320)), True)
    answer.text("two ")
    answer.play_to(heir)
    assert (answer.ledger.shown, answer.ledger.audio_account(0.0).sent_ms) == ("One ", 20)
    assert await drain(heir) == [Voice(bytes(320)), Text("two ")]
    assert (answer.ledger.shown, answer.ledger.audio_account(0.0).sent_ms) == ("One two ", 20)
    with trio.fail_after(0):
        await answer.flushed()


async def test_who_comes_back_gets_what_it_lacks() -> None:
    """Nothing is twice and nothing is missing; the end too where it has ended meanwhile."""
    answer, player = an_answer(spoken=True, keep=10_000)
    answer.text("One ")
    answer.voice(b"1" * 320)
    await drain(player)
    answer.play_to(None)
    answer.text("two ")
    answer.text("three.")
    with trio.move_on_after(5) as waited:
        await answer.flushed()
    assert waited.cancelled_caught
    back = Listener()
    assert answer.catch_up(back, Seen(texts=1)) == Seen(texts=1)
    answer.play_to(back)
    assert await drain(back) == [Voice(b"1" * 320), Text("two three.")]
    with trio.fail_after(0):
        await answer.flushed()
    answer.end(Ended(False))
    assert await drain(back) == [Ended(False)]
    later = Listener()
    assert answer.catch_up(later, Seen(texts=2, voices=1)) == Seen(2, 1)
    assert await drain(later) == [Text("three."), Ended(False)]


async def test_what_comes_is_what_no_player_has_taken() -> None:
    """Whoever was the player: for a listener that does not say what it has."""
    first, second = Listener(), Listener()
    answer, _ = an_answer(first, second, keep=10_000)
    for word in ("One ", "two "):
        answer.text(word)
        await first.next()
    await second.next()
    answer.text("three ")
    await first.next()
    assert answer.to_come == Seen(texts=3)
    answer.play_to(second)
    answer.play_to(None)
    assert answer.to_come == Seen(texts=2)
    answer.play_to(second)
    await second.next()
    answer.text("four.")
    answer.play_to(None)
    assert answer.to_come == Seen(texts=3)


async def test_what_is_lost_is_said() -> None:
    """Speech beyond the bound is kept no more."""
    answer, player = an_answer(spoken=True, keep=640)
    for _ in range(4):
        answer.voice(bytes(320))
    await drain(player)
    back = Listener()
    assert answer.catch_up(back, Seen(voices=1)) == Seen(voices=2)
    assert len(await drain(back)) == 2
    assert answer.catch_up(Listener(), Seen(voices=2)) == Seen(voices=2)


async def test_nothing_that_waits_counts_for_nothing() -> None:
    """A transcript without words is waited for as well, and a flood of them is full one day."""
    answer, player = an_answer()
    answer.say(Understood("", True))
    with trio.move_on_after(1) as waited:
        await answer.flushed()
    assert waited.cancelled_caught
    while not answer.full:
        answer.say(Understood("", False))
    await drain(player)
    await answer.flushed()


async def test_room_comes_back_when_the_writer_takes() -> None:
    """A full answer waits; silence lets everybody go."""
    answer, player = an_answer()
    answer.text("x" * ROOM)
    assert answer.full
    with trio.move_on_after(1) as waited:
        await answer.room()
    assert waited.cancelled_caught
    await drain(player)
    await answer.room()
    await answer.flushed()
    answer.text("x" * ROOM)
    answer.silence()
    await answer.room()
    await answer.flushed()
