"""What becomes of a session's answer while nobody listens."""

from __future__ import annotations

import pytest
import trio

from tests.memory import Memory, NumberedVoice, come_back, numbered
from tests.talk import SPOKEN, WRITTEN, Place, Talk, open_place
from voxint.core.agent import Agent, Limits
from voxint.core.request import Request
from voxint.core.settings import OnDisconnect, SettingsChange
from voxint.protocol import messages as m
from voxint.server.config import ServerConfig
from voxint.testing.stages import FOREVER, REPEAT, ScriptedModel, ScriptedVoice

pytestmark = pytest.mark.virtual_time


async def begin(place: Place, patch: SettingsChange = SPOKEN, on_disconnect: OnDisconnect = "keep") -> Talk:
    """Open a session."""
    talk = place.join()
    talk.register(patch, on_disconnect=on_disconnect)
    await talk.until(lambda: bool(talk.frames))
    return talk


def live(talk: Talk) -> Request:
    """Return the one live request of a client's session."""
    assert talk.connection.session is not None
    [request] = talk.connection.session.registry.live
    return request


def answers_of(talk: Talk) -> list[m.ServerMessage]:
    """Return the RESPONSEs."""
    return [frame for _, frame in talk.frames if isinstance(frame, m.Response)]


@pytest.mark.parametrize("left_at", [2.0, 2.1, 2.2, 2.3, 2.4])
async def test_speech_is_made_ahead_to_the_bound(left_at: float) -> None:
    """Beyond it the synthesizer waits, whenever the last listener left; it goes on when somebody listens."""
    voice = NumberedVoice(60.0)
    agent = Agent(llm=ScriptedModel("A very long sentence."), tts=voice, limits=Limits(keep_ms=5000))
    async with open_place(agent) as place:
        first = await begin(place)
        first.ask("r1")
        await trio.sleep(left_at)
        assert voice.written_s < left_at + 1.25
        first.connection.lost()
        await trio.sleep(30)
        assert live(first).state == "live"
        assert left_at + 5 < voice.written_s < left_at + 6
        made = voice.written_s
        second = await come_back(place, first.registered)
        await trio.sleep(4)
        assert voice.written_s == made  # what is ahead is said first
        await trio.sleep(4)
        assert voice.written_s > made + 2
        second.interrupt("r1")


async def test_a_written_answer_is_made_ahead_to_the_bound() -> None:
    """Of text as much as is kept, which is far more than waits for a listener; beyond it the model waits."""
    model = ScriptedModel("word ", 1 / 128, REPEAT)
    async with open_place(Agent(llm=model, limits=Limits(keep_ms=4096))) as place:
        first = await begin(place, WRITTEN)
        first.ask("r1")
        await first.until(lambda: bool(first.frames_of("r1")))
        first.connection.lost()
        before = model.calls[0].written
        await trio.sleep(20)
        kept = 4096 * 32 // (256 + 5)
        assert before + kept - 2 <= model.calls[0].written <= before + kept + 2
        memory = Memory()
        memory.take(answers_of(first))
        second = await come_back(place, first.registered, memory.seen)
        await second.until(lambda: len(second.text_of("r1")) > 5 * kept)
        assert second.registered.resumed == m.Resumed(live=("r1",), lost=(), outcomes={})
        second.interrupt("r1")


async def test_nothing_is_kept_where_nothing_is_to_be() -> None:
    """The model waits at once."""
    model = ScriptedModel("word ", 1 / 128, REPEAT)
    async with open_place(Agent(llm=model, limits=Limits(keep_ms=0))) as place:
        first = await begin(place, WRITTEN)
        first.ask("r1")
        await first.until(lambda: bool(first.frames_of("r1")))
        first.connection.lost()
        before = model.calls[0].written
        await trio.sleep(20)
        assert model.calls[0].written <= before + 2


async def test_who_comes_back_gets_speech_at_its_pace() -> None:
    """What was lost comes at once; what was made ahead comes as it is played, behind that."""
    agent = Agent(llm=ScriptedModel("A very long sentence."), tts=NumberedVoice(20.0))
    async with open_place(agent) as place:
        first, memory = await begin(place), Memory()
        first.ask("r1")
        memory.asked("r1")
        await trio.sleep(2)
        first.reads = 0
        had = len(first.frames_of("r1"))
        memory.take(answers_of(first))
        await trio.sleep(3)
        lost_s = live(first).ledger.audio_account(trio.current_time()).sent_ms / 1000 - len(memory.voice()) / 32_000
        first.connection.lost()
        await trio.sleep(10)
        second = await come_back(place, first.registered, memory.seen)
        came = trio.current_time()
        await second.until(lambda: second.ended_at("r1") is not None)
        memory.take(answers_of(second))
        assert memory.voice() == numbered(20 * 16_000)
        got_s = 0.0
        for at, frame in second.frames:
            if isinstance(frame, m.Response) and frame.voice:
                got_s += len(frame.voice) / 32_000
                assert got_s <= max(lost_s, at - came + 0.3) + 0.13, at - came
        assert had > 10


async def test_heard_stands_still_while_nobody_listens() -> None:
    """It never passes what was sent; who comes back plays on from what it has, and the receipt knows."""
    agent = Agent(llm=ScriptedModel("One two three four five six seven eight."), tts=NumberedVoice(8.0))
    async with open_place(agent) as place:
        first, memory = await begin(place), Memory()
        first.ask("r1")
        await trio.sleep(1)
        first.reads = 0
        memory.take(answers_of(first))
        has_ms = len(memory.voice()) / 32
        await trio.sleep(1)
        first.connection.lost()
        request = live(first)
        await trio.sleep(5)
        account = request.ledger.audio_account(trio.current_time())
        assert account.heard_ms == account.sent_ms < 2400
        second = await come_back(place, first.registered, memory.seen)
        heard_ms = request.ledger.audio_account(trio.current_time()).heard_ms
        assert heard_ms == has_ms
        await trio.sleep(1)
        second.interrupt("r1")
        await second.until(lambda: bool(second.acks))
        memory.take(answers_of(second))
        [receipt] = second.acks[0].receipts.values()
        assert receipt.audio.heard_ms == has_ms + 1000
        assert receipt.audio.sent_ms == len(memory.voice()) / 32
        assert receipt.last.voice_stream_seq == len(memory.answers["r1"].voice) - 1
        assert second.history == [("Hello?", receipt.text.heard, "interrupted")]


async def test_the_last_one_to_leave_interrupts() -> None:
    """Unless the session keeps its answers: with DISCONNECT; who comes back finds what was heard in the history."""
    model = ScriptedModel("One two three four five six seven eight.", 1.0)
    async with open_place(Agent(llm=model, tts=NumberedVoice(8.0))) as place:
        first, memory = await begin(place, on_disconnect="interrupt"), Memory()
        first.ask("r1")
        await trio.sleep(3.5)
        memory.take(answers_of(first))
        request = live(first)
        first.connection.lost()
        await request.stopped.wait()
        assert (request.ending, request.reason) == ("interrupted", "DISCONNECT")
        second = await come_back(place, first.registered, memory.seen)
        assert second.registered.resumed == m.Resumed(live=(), lost=(), outcomes={"r1": "interrupted"})
        assert [frame.interrupt_reason for frame in second.frames_of("r1")] == ["DISCONNECT"]
        second.ask("r2", "And then?")
        await trio.sleep(1)
        [said] = [message for message in model.calls[-1].given[0].messages if message.role == "assistant"]
        assert request.receipt is not None
        heard = request.receipt.text.heard
        assert heard.startswith("One two three ")
        assert not heard.endswith("eight.")
        assert said.content.startswith(heard.strip())
        assert second.history[0] == ("Hello?", heard, "interrupted")
        second.interrupt()


@pytest.mark.parametrize("resume_s", [8.0, 64.0])
async def test_a_session_lives_alone_for_so_long(resume_s: float) -> None:
    """Then it is gone, and what was live with it: SESSION_EXPIRED."""
    config = ServerConfig(resume_s=resume_s)
    agent = Agent(llm=ScriptedModel("Well, ", FOREVER), limits=Limits(token_stall_s=200, request_s=200))
    async with open_place(agent, config) as place:
        first = await begin(place, WRITTEN)
        first.ask("r1")
        await trio.sleep(1)
        first.connection.lost()
        await trio.sleep(resume_s - 0.25)
        second = await come_back(place, first.registered)
        second.connection.lost()
        await trio.sleep(resume_s - 0.25)
        request = live(first)
        assert len(place.host.store) == 1
        await trio.sleep(0.5)
        assert (request.ending, request.reason) == ("interrupted", "SESSION_EXPIRED")
        assert len(place.host.store) == 0
        third = await come_back(place, second.registered)
        assert [error.error_code for error in third.errors] == ["SESSION_INVALID"]


async def test_an_answer_that_is_made_waits_for_somebody() -> None:
    """Nobody has taken it, so it is not complete; the session's end, or its own limit, bounds the wait."""
    limits = Limits(request_s=20)
    async with open_place(Agent(llm=ScriptedModel("Well, ", 1.0, "yes."), limits=limits)) as place:
        first = await begin(place, WRITTEN)
        first.ask("r1")
        await first.until(lambda: first.text_of("r1") == "Well, ")
        first.connection.lost()
        await trio.sleep(18)
        assert live(first).state == "live"
        await trio.sleep(3)
        [request] = place.book.finished_requests
        assert request.failure is not None
        assert request.failure.kind == "timeout"
        assert [exchange.reply for exchange in first.connection.session.dialogue] == ["Well, "]  # type: ignore[union-attr]  # it has registered


@pytest.mark.parametrize("ends", ["goodbye", "lost"])
async def test_goodbye_ends_the_session(ends: str) -> None:
    """SHUTDOWN leaves nothing to come back for, also where an answer had to be stopped first."""
    async with open_place(Agent(llm=ScriptedModel("Well, ", FOREVER, lingers=0.125))) as place:
        first = await begin(place, WRITTEN, on_disconnect="interrupt")
        first.ask("r1")
        await trio.sleep(1)
        if ends == "goodbye":
            first.say(m.Shutdown(reason="bye"))
        else:
            first.connection.lost()
        await trio.sleep(0.5)
        assert len(place.host.store) == (0 if ends == "goodbye" else 1)


async def test_an_idle_session_holds_no_speech() -> None:
    """What was said is let go of, as long after its end as a session lives alone."""
    agent = Agent(llm=ScriptedModel("Well, well."), tts=ScriptedVoice())
    async with open_place(agent, ServerConfig(resume_s=20, session_timeout_s=600)) as place:
        first = await begin(place)
        for number in range(3):
            first.ask(f"r{number}")
            await trio.sleep(5)
        session = first.connection.session
        assert session is not None
        kept = [request.answer.journal for request in session.registry.ended]
        assert [len(journal) > 0 for journal in kept] == [True] * 3
        await trio.sleep(20 + 15 + 1)
        assert [len(journal) for journal in kept] == [0] * 3


async def test_a_drain_does_not_wait_for_nobody() -> None:
    """An answer that is kept for who may come back counts for nothing: a server that goes down admits nobody."""
    async with open_place(Agent(llm=ScriptedModel("Well, ", FOREVER))) as place:
        first = await begin(place, WRITTEN)
        first.ask("r1")
        await trio.sleep(1)
        first.connection.lost()
        with trio.fail_after(1):
            await place.host.until_idle()
