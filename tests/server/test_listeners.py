"""Several connections of one session."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from functools import partial

import pytest
import trio
from attrs import frozen
from trio.testing import MockClock, wait_all_tasks_blocked

from tests.memory import Memory, NumberedVoice, come_back, numbered
from tests.talk import SPOKEN, WRITTEN, Place, Talk, open_place
from voxint.core.agent import Agent, Limits
from voxint.core.settings import OnDisconnect, SettingsChange
from voxint.protocol import messages as m
from voxint.testing.stages import FOREVER, ScriptedModel

pytestmark = pytest.mark.virtual_time

LONG = "One long sentence that takes its time."


@frozen(eq=False)
class Family:
    """A kiosk that asks, and who else listens."""

    place: Place
    kiosk: Talk
    others: list[Talk]

    @property
    def everybody(self) -> list[Talk]:
        """All of them."""
        return [self.kiosk, *self.others]


@asynccontextmanager
async def family(
    agent: Agent, others: int = 1, patch: SettingsChange = SPOKEN, on_disconnect: OnDisconnect = "interrupt"
) -> AsyncGenerator[Family]:
    """Open a session with so many listeners beside the one that asks."""
    async with open_place(agent) as place:
        kiosk = place.join()
        kiosk.register(patch, on_disconnect=on_disconnect)
        await kiosk.until(lambda: bool(kiosk.frames))
        talks, last = list[Talk](), kiosk
        for _ in range(others):
            last = await come_back(place, last.registered)
            talks.append(last)
        yield Family(place, kiosk, talks)


def speaking(seconds: float = 4.0) -> Agent:
    """Return an agent that speaks for so long."""
    return Agent(llm=ScriptedModel(LONG), tts=NumberedVoice(seconds))


def memory_of(talk: Talk) -> Memory:
    """Return what a client has read of answers."""
    memory = Memory()
    memory.take(frame for _, frame in talk.frames)
    return memory


def answer_of(talk: Talk, request_id: str = "r1") -> list[tuple[float, m.ServerMessage]]:
    """Return the frames of an answer with their instants."""
    return [
        (at, frame) for at, frame in talk.frames if isinstance(frame, m.Response) and frame.request_id == request_id
    ]


async def until_ended(talk: Talk, request_id: str = "r1") -> None:
    """Wait until a client has read a request's end."""
    await talk.until(lambda: talk.ended_at(request_id) is not None)


async def test_everybody_hears_everything() -> None:
    """All the same frames, in the same instants."""
    async with family(speaking(), others=3) as those:
        those.kiosk.ask("r1")
        for talk in those.everybody:
            await until_ended(talk)
        assert [answer_of(talk) for talk in those.others] == [answer_of(those.kiosk)] * 3
        assert memory_of(those.others[0]).voice() == numbered(4 * 16_000)


async def test_anybody_may_interrupt() -> None:
    """The acknowledgement goes to who asked, behind the last frame, which goes to all."""
    async with family(speaking(), others=2) as those:
        those.kiosk.ask("r1")
        await trio.sleep(1)
        those.others[0].interrupt("r1")
        for talk in those.everybody:
            await until_ended(talk)
        assert [len(talk.acks) for talk in those.everybody] == [0, 1, 0]
        [ack] = those.others[0].acks
        assert (ack.status, ack.interrupted_request_ids) == ("SUCCESS", ("r1",))
        assert {talk.ended_at("r1") for talk in those.everybody} == {1.0}
        last = ack.receipts["r1"].last
        assert last.voice_stream_seq == len(memory_of(those.others[0]).answers["r1"].voice) - 1


async def test_only_the_player_says_what_was_heard() -> None:
    """Neither PLAYED nor the INTERRUPT of another moves the ledger; the player's own do."""
    async with family(speaking(8.0)) as those:
        [other] = those.others
        those.kiosk.ask("r1")
        await trio.sleep(3)
        other.say(m.Played(request_id="r1", played_ms=500))
        other.interrupt("r1", played_ms=750)
        await other.until(lambda: bool(other.acks))
        audio = other.acks[0].receipts["r1"].audio
        assert (audio.source, audio.heard_ms) == ("estimated", 3000)
        those.kiosk.ask("r2")
        await trio.sleep(3)
        those.kiosk.say(m.Played(request_id="r2", played_ms=1000))
        await trio.sleep(1)
        those.kiosk.interrupt(None, played_ms=1500)
        await those.kiosk.until(lambda: bool(those.kiosk.acks))
        audio = those.kiosk.acks[0].receipts["r2"].audio
        assert (audio.source, audio.heard_ms) == ("client", 1500)


@pytest.mark.parametrize("request_id", [None, "r1"])
async def test_another_does_not_say_how_much_of_the_end_was_heard(request_id: str | None) -> None:
    """An answer that was sent to its end and is still being played is cut to what the clock says."""
    async with family(speaking()) as those:
        [other] = those.others
        those.kiosk.ask("r1")
        await until_ended(other)
        other.interrupt(request_id, played_ms=10)
        await other.until(lambda: bool(other.acks))
        audio = other.acks[0].receipts["r1"].audio
        assert audio.source == "estimated"
        assert audio.heard_ms > 3500


async def heard_beside(*, slow_reads: bool) -> list[list[tuple[float, m.ServerMessage]]]:
    """Return what the kiosk and another hear beside a third, which reads or does not."""
    async with family(speaking(60.0), others=2) as those:
        slow, other = those.others
        if not slow_reads:
            slow.stop_reading()
        those.kiosk.ask("r1")
        await trio.sleep(10)
        assert slow.connection.closing is None
        await until_ended(those.kiosk)
        await until_ended(other)
        assert slow.connection.closing == (None if slow_reads else (1008, "the client does not read what it is sent"))
        return [answer_of(those.kiosk), answer_of(other)]


def test_a_slow_one_is_dropped_and_nobody_notices() -> None:
    """1008, after some thirteen seconds of speech unread; the others get the same in the same instants as without."""
    undisturbed, disturbed = (
        trio.run(partial(heard_beside, slow_reads=reads), clock=MockClock(autojump_threshold=0))
        for reads in (True, False)
    )
    assert undisturbed[0] == undisturbed[1] == disturbed[0] == disturbed[1]


@pytest.mark.parametrize("how", ["stalls", "dies", "says goodbye"])
async def test_another_becomes_the_player(how: str) -> None:
    """Nothing is lost or twice for it; only a player that takes nothing is waited for, for a second."""
    async with family(speaking(8.0), others=2) as those:
        kiosk, (heir, other) = those.kiosk, those.others
        kiosk.ask("r1")
        await trio.sleep(2)
        if how == "stalls":
            kiosk.stop_reading()
        elif how == "dies":
            kiosk.stop_reading()
            kiosk.connection.lost()
        else:
            kiosk.say(m.Shutdown(reason="bye"))
        for talk in those.others:
            await until_ended(talk)
            assert memory_of(talk).voice() == numbered(8 * 16_000)
        assert answer_of(heir) == answer_of(other)
        late_s = (heir.ended_at("r1") or 0) - 8 + 0.3
        assert late_s < (1.3 if how == "stalls" else 0.1)
        codes = {"stalls": 1008, "dies": 1001, "says goodbye": 1000}
        assert kiosk.connection.closing is not None
        assert kiosk.connection.closing[0] == codes[how]
        assert heir.connection.closing is other.connection.closing is None
        [request] = those.place.book.finished_requests
        assert request.answer.player is heir.connection.listener
        account = request.ledger.audio_account(trio.current_time())
        assert account.sent_ms == 8000
        # A clock reckons that the heir plays on from the instant in which it is the player: late by the stall.
        await trio.sleep(1.5 if how == "stalls" else 0.5)
        assert request.ledger.audio_account(trio.current_time()).heard_ms == 8000


@pytest.mark.parametrize("alone", [False, True])
async def test_a_player_slower_than_playback(alone: bool) -> None:
    """Alone it is waited for; beside others it is dropped once it has held them up for a second in all."""
    async with family(speaking(8.0), others=0 if alone else 1) as those:
        kiosk = those.kiosk
        kiosk.stop_reading()
        kiosk.ask("r1")
        with trio.move_on_after(20), suppress(trio.EndOfChannel):
            while True:
                await kiosk.connection.listener.next()
                await trio.sleep(0.08)  # for 40 ms of speech
        if alone:
            assert kiosk.connection.closing is None
            assert len(those.place.book.finished_requests) == 1
        else:
            assert kiosk.connection.closing == (1008, "the client does not read what it is sent")
            await until_ended(those.others[0])
            assert memory_of(those.others[0]).voice() == numbered(8 * 16_000)
            assert (those.others[0].ended_at("r1") or 0) < 9.5


async def test_who_joins_in_the_middle_gets_a_stream_of_its_own() -> None:
    """Numbered from 0, beginning with a frame of text, though all the text was said before."""
    async with family(speaking(), others=0) as those:
        those.kiosk.ask("r1")
        await trio.sleep(2)
        late = await come_back(those.place, those.kiosk.registered)
        await until_ended(late)
        first = answer_of(late)[0][1]
        assert isinstance(first, m.Response)
        assert (first.text_stream_seq, first.text, first.voice_stream_seq) == (0, "", None)
        memory = memory_of(late)
        assert numbered(4 * 16_000).endswith(memory.voice())
        assert len(memory.voice()) > 32_000


async def test_who_joins_does_not_rewind_the_player() -> None:
    """A late one that wants all of it is sent what is kept, and what the player has heard stays heard."""
    async with family(speaking(8.0), others=0) as those:
        those.kiosk.ask("r1")
        await trio.sleep(4)
        late = await come_back(those.place, those.kiosk.registered, {})
        await wait_all_tasks_blocked()
        those.kiosk.interrupt("r1")
        await those.kiosk.until(lambda: bool(those.kiosk.acks))
        assert those.kiosk.acks[0].receipts["r1"].audio.heard_ms == 4000
        assert memory_of(late).voice() == memory_of(those.kiosk).voice()


async def test_many_small_frames_that_come_at_once_are_no_slowness() -> None:
    """Who comes back for half a minute of 20 ms frames is not dropped for having them to read."""
    agent = Agent(llm=ScriptedModel(LONG), tts=NumberedVoice(40.0), limits=Limits(frame_ms=20, keep_ms=40_000))
    async with family(agent, others=0) as those:
        those.kiosk.ask("r1")
        await trio.sleep(35)
        late = those.place.join()
        late.stop_reading()
        token = those.kiosk.registered
        assert token.resume_token is not None
        late.register(resume=m.Resume(session_id=token.session_id, resume_token=token.resume_token, seen={}))
        await trio.sleep(1)
        assert len(late.connection.listener) > 1500
        assert not late.connection.listener.too_slow
        late.read_on()
        await until_ended(late)
        assert memory_of(late).voice() == numbered(40 * 16_000)


async def test_the_next_request_may_be_anybodys() -> None:
    """It interrupts what is live, whoever asked; and its player is who asks."""
    async with family(Agent(llm=ScriptedModel("Well, ", FOREVER)), patch=WRITTEN) as those:
        [other] = those.others
        those.kiosk.ask("r1")
        await trio.sleep(1)
        other.ask("r2")
        await trio.sleep(1)
        for talk in those.everybody:
            assert [frame.interrupt_reason for frame in talk.frames_of("r1")] == [None, "USER_NEW_INPUT"]
            assert talk.text_of("r2") == "Well, "
        assert other.connection.session is not None
        [request] = other.connection.session.registry.live
        assert request.answer.player is other.connection.listener
        other.interrupt()


async def test_the_last_to_leave_decides() -> None:
    """While somebody listens nothing is interrupted; the last one's loss is."""
    async with family(Agent(llm=ScriptedModel("Well, ", FOREVER)), others=2, patch=WRITTEN) as those:
        those.kiosk.ask("r1")
        await trio.sleep(1)
        those.kiosk.connection.lost()
        those.others[0].say(m.Shutdown(reason="bye"))
        await trio.sleep(1)
        assert those.place.book.finished_requests == []
        those.others[1].connection.lost()
        await trio.sleep(1)
        assert [request.reason for request in those.place.book.finished_requests] == ["DISCONNECT"]
        assert len(those.place.host.store) == 1


async def test_a_live_requests_numbers_are_kept_over_any_number_of_updates() -> None:
    """Sixty-five requests that only change settings end beside it, and its frames go on."""
    async with family(Agent(llm=ScriptedModel("Well, ", 1.0, "yes.")), patch=WRITTEN) as those:
        those.kiosk.ask("r1")
        await trio.sleep(0.5)
        for number in range(65):
            those.kiosk.ask(f"u{number}", "", SettingsChange(scene_context=str(number)))
        for talk in those.everybody:
            await until_ended(talk)
            assert [frame.text_stream_seq for frame in talk.frames_of("r1")] == [0, 1, -1]


async def test_everybody_hears_a_burst_in_the_same_order() -> None:
    """Where the lead is long, what the player takes makes room for more; the others get that behind what was before."""
    agent = Agent(llm=ScriptedModel(LONG), tts=NumberedVoice(8.0), limits=Limits(lead_ms=6000, speech_ahead_ms=7000))
    async with family(agent, others=1) as those:
        those.kiosk.ask("r1")
        for talk in those.kiosk, those.others[0]:
            await until_ended(talk)
            assert memory_of(talk).voice() == numbered(8 * 16_000)


async def test_a_guest_does_not_decide_what_was_heard() -> None:
    """Its INTERRUPT of everything stops, and cuts what still plays at what the player says, or the clock."""
    limits = Limits(lead_ms=3000, speech_ahead_ms=4000)
    agent = Agent(llm=ScriptedModel(LONG), tts=NumberedVoice(2.0), limits=limits)
    async with family(agent, others=1) as those:
        those.kiosk.ask("r1")
        await trio.sleep(1)
        those.others[0].say(m.Interrupt(reason="USER_STOP", played_ms=0))
        await trio.sleep(1)
        [ack] = those.others[0].acks
        assert ack.outcomes == {"r1": "already_finished"}
        assert (ack.receipts["r1"].audio.heard_ms, ack.receipts["r1"].audio.source) == (1000, "estimated")


async def test_an_interrupt_may_come_before_its_request() -> None:
    """Over another connection: the REQUEST is answered at once, interrupted, and starts nothing."""
    model = ScriptedModel("Well, ")
    async with family(Agent(llm=model), patch=WRITTEN) as those:
        [other] = those.others
        other.interrupt("r1")
        await other.until(lambda: bool(other.acks))
        assert other.acks[0].outcomes == {"r1": "not_found"}
        those.kiosk.ask("r1")
        for talk in those.everybody:
            await until_ended(talk)
            assert [frame.interrupted for frame in talk.frames_of("r1")] == [True]
        assert model.calls == []
