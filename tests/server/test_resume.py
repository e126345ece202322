from __future__ import annotations

from collections.abc import Callable

import pytest
import trio

from tests.memory import Memory, NumberedVoice, come_back, numbered
from tests.talk import SPOKEN, WRITTEN, Place, Talk, open_place
from voxint.core.agent import Agent, Limits
from voxint.core.settings import OnDisconnect, SettingsChange
from voxint.core.stages import ToolCall
from voxint.protocol import messages as m
from voxint.testing.stages import FOREVER, ScriptedEars, ScriptedModel

pytestmark = pytest.mark.virtual_time

WORDS = ("Once ", "upon ", "a time. ", "There ", "was ", "a voice. ")
TEXT = "".join(WORDS)


def answers_of(talk: Talk) -> list[m.ServerMessage]:
    """Return the frames that bear a request's id."""
    return [
        frame
        for _, frame in talk.frames
        if isinstance(frame, m.Response | m.TranscriptMessage) or (isinstance(frame, m.Error) and frame.request_id)
    ]


def ended(talk: Talk, request_id: str = "r1") -> Callable[[], bool]:
    """Return whether a request's end was read."""
    return lambda: talk.ended_at(request_id) is not None


async def begin(
    place: Place,
    patch: SettingsChange,
    *,
    features: tuple[str, ...] = (),
    on_disconnect: OnDisconnect = "keep",
    reads: int | None = None,
) -> Talk:
    """Open a session whose first client reads so many frames behind its REGISTER_ACK, and is then off the network."""
    talk = place.join()
    talk.register(patch, features=features, on_disconnect=on_disconnect)
    await talk.until(lambda: bool(talk.frames))
    talk.reads = reads
    return talk


async def until_quiet(talk: Talk) -> None:
    """Wait until the client has read all that it will, or its request has ended."""
    await talk.until(lambda: talk.reads == 0 or ended(talk)())


TALKATIVE = ScriptedModel(*[step for word in WORDS for step in (0.125, word)], ToolCall("c1", "wave"), "Bye.")


@pytest.mark.parametrize("noticed_after", [0.0, 0.25, 30.0], ids=["at_once", "soon", "when_all_is_said"])
@pytest.mark.parametrize("binary", [(), ("binary_audio",)], ids=["base64", "binary"])
@pytest.mark.parametrize("patch", [WRITTEN, SPOKEN], ids=["written", "spoken"])
async def test_nothing_is_twice_and_nothing_is_missing(
    patch: SettingsChange, binary: tuple[str, ...], noticed_after: float
) -> None:
    """Wherever the network breaks, and whenever the server notices, the frames of both connections are the whole.

    The other connection takes the other form of audio.
    """
    reads, whole = 0, False
    while not whole:
        voice = NumberedVoice(0.5)
        async with open_place(Agent(llm=TALKATIVE, tts=voice)) as place:
            first, memory = await begin(place, patch, features=binary, reads=reads), Memory()
            first.ask("r1")
            memory.asked("r1")
            await until_quiet(first)
            whole = ended(first)()
            memory.take(answers_of(first))
            await trio.sleep(noticed_after)
            first.stop_reading()
            first.connection.lost()
            await trio.sleep(0.5)
            second = await come_back(place, first.registered, memory.seen, features=() if binary else ("binary_audio",))
            if not whole:
                await second.until(ended(second))
                memory.take(answers_of(second))
            ack = second.registered
            assert ack.resumed is not None
            assert ack.resumed.lost == (), reads
            assert set(ack.resumed.live) | set(ack.resumed.outcomes) == (set() if whole else {"r1"})
            assert memory.text() == TEXT + "Bye.", reads
            assert memory.answers["r1"].calls == ["c1"]
            assert memory.voice() == (numbered(round(voice.written_s * 16_000)) if patch is SPOKEN else b""), reads
            [request] = place.book.finished_requests
            assert request.ending == "complete"
            assert [call.call_id for call in request.answer.called] == ["c1"]
        reads += 1
    assert reads > 8


async def test_transcripts_come_back_too() -> None:
    """What was understood meanwhile is told, in front of the answer."""
    agent = Agent(llm=ScriptedModel("Half ", "past ", "nine."), stt=ScriptedEars.hears("what time is it?", after=1.0))
    async with open_place(agent) as place:
        first, memory = await begin(place, WRITTEN, features=("transcripts",)), Memory()
        first.begin("r1")
        first.speak(0.5)
        first.end("r1")
        memory.asked("r1")
        first.stop_reading()
        first.connection.lost()
        await trio.sleep(5)
        second = await come_back(place, first.registered, memory.seen, features=("transcripts",))
        await second.until(ended(second))
        memory.take(answers_of(second))
        assert memory.answers["r1"].heard == ["what time is it?"]
        assert memory.text() == "Half past nine."
        assert isinstance(answers_of(second)[0], m.TranscriptMessage)


async def test_an_unfinished_upload_is_lost_with_its_connection() -> None:
    """Its microphone is gone: the request is interrupted, also where answers are kept and others listen."""
    agent = Agent(llm=ScriptedModel("x"), stt=ScriptedEars.hears("what time is it?"))
    async with open_place(agent) as place:
        first = await begin(place, WRITTEN)
        second = await come_back(place, first.registered)
        first.begin("r1")
        first.speak(0.5)
        first.connection.lost()
        await second.until(ended(second))
        [last] = second.frames_of("r1")
        assert (last.interrupted, last.interrupt_reason) == (True, "DISCONNECT")


async def test_an_answer_that_failed_meanwhile() -> None:
    """The outcome says so, and the ERROR that bears the id comes once more: to who lacks it."""
    async with open_place(Agent(llm=ScriptedModel("Well, ", 1.0, ValueError("broken")))) as place:
        first, memory = await begin(place, WRITTEN), Memory()
        first.ask("r1")
        await first.until(lambda: first.text_of("r1") == "Well, ")
        memory.take(answers_of(first))
        first.connection.lost()
        await trio.sleep(2)
        second = await come_back(place, first.registered, memory.seen)
        assert second.registered.resumed == m.Resumed(live=(), lost=(), outcomes={"r1": "failed"})
        [error] = second.errors
        assert (error.error_code, error.request_id) == ("UPSTREAM_ERROR", "r1")


async def test_an_answer_that_was_interrupted_meanwhile() -> None:
    """By another listener: the outcome says so, and the interrupted last frame comes."""
    async with open_place(Agent(llm=ScriptedModel("Well, ", FOREVER))) as place:
        first, memory = await begin(place, WRITTEN), Memory()
        other = await come_back(place, first.registered)
        first.ask("r1")
        await first.until(lambda: first.text_of("r1") == "Well, ")
        memory.take(answers_of(first))
        first.connection.lost()
        other.interrupt("r1")
        await other.until(ended(other))
        second = await come_back(place, other.registered, memory.seen)
        assert second.registered.resumed == m.Resumed(live=(), lost=(), outcomes={"r1": "interrupted"})
        memory.take(answers_of(second))
        assert [frame.interrupted for frame in second.frames_of("r1")] == [True]


@pytest.mark.parametrize("patch", [WRITTEN, SPOKEN], ids=["written", "spoken"])
async def test_who_says_nothing_of_what_it_has_gets_what_comes(patch: SettingsChange) -> None:
    """Numbered from 0; what was taken by the connection that is gone is not sent again."""
    voice = NumberedVoice(0.5)
    async with open_place(Agent(llm=TALKATIVE, tts=voice)) as place:
        first = await begin(place, patch)
        first.ask("r1")
        await first.until(lambda: len(first.frames_of("r1")) >= 5)
        first.connection.lost()
        had, memory = Memory(), Memory()
        had.take(answers_of(first))
        second = await come_back(place, first.registered)
        await second.until(ended(second))
        memory.take(answers_of(second))
        assert had.text() + memory.text() == TEXT + "Bye."
        assert had.voice() + memory.voice() == (numbered(round(voice.written_s * 16_000)) if patch is SPOKEN else b"")


@pytest.mark.parametrize("step", [1, 2, 5])
@pytest.mark.parametrize("patch", [WRITTEN, SPOKEN], ids=["written", "spoken"])
async def test_several_times_in_a_row(patch: SettingsChange, step: int) -> None:
    """Each connection brings only a few frames more."""
    voice = NumberedVoice(0.5)
    async with open_place(Agent(llm=TALKATIVE, tts=voice)) as place:
        talk, memory = await begin(place, patch), Memory()
        talk.reads = step
        talk.ask("r1")
        memory.asked("r1")
        connections = 1
        while True:
            await until_quiet(talk)
            memory.take(answers_of(talk))
            if memory.answers["r1"].end is not None:
                break
            talk.stop_reading()
            talk.connection.lost()
            talk, connections = await come_back(place, talk.registered, memory.seen, reads=1 + step), connections + 1
        assert memory.text() == TEXT + "Bye."
        assert memory.voice() == (numbered(round(voice.written_s * 16_000)) if patch is SPOKEN else b"")
        assert connections >= 2


async def test_what_is_kept_no_more_is_said_to_be_lost() -> None:
    """The numbers go on without a gap; and what was lost once does not come again at the next time."""
    model = ScriptedModel(*[f"w{number} " for number in range(40)], 1.0, "The end.")
    limits = Limits(keep_ms=1000 * 20 * 70 / 32_000)
    async with open_place(Agent(llm=model, limits=limits)) as place:
        first, memory = await begin(place, WRITTEN, reads=0), Memory()
        memory.asked("r1")
        first.ask("r1")
        await trio.sleep(0.5)
        second = await come_back(place, first.registered, memory.seen, reads=2)
        first.connection.lost()
        await trio.sleep(0.25)
        assert second.registered.resumed == m.Resumed(live=("r1",), lost=("r1",), outcomes={})
        memory.take(answers_of(second))
        had = memory.text()
        assert had.endswith("w39 ")
        assert 10 < len(had.split()) < 40
        third = await come_back(place, second.registered, memory.seen)
        second.connection.lost()
        await third.until(ended(third))
        assert third.registered.resumed == m.Resumed(live=("r1",), lost=(), outcomes={})
        memory.take(answers_of(third))
        assert memory.text() == had + "The end."


async def test_a_request_that_never_came_is_lost() -> None:
    """Neither live nor ended: the client has to ask again."""
    async with open_place(Agent(llm=ScriptedModel("x"))) as place:
        first = await begin(place, WRITTEN)
        first.connection.lost()
        seen = {"r1": m.SeenFrames(), "r2": m.SeenFrames(text_stream_seq=4)}
        second = await come_back(place, first.registered, seen)
        assert second.registered.resumed == m.Resumed(live=(), lost=("r1", "r2"), outcomes={})


async def test_the_old_connection_may_be_open_still() -> None:
    """It is dead and the server does not know: the new one joins, and is waited for in its place a second later."""
    voice = NumberedVoice(4.0)
    async with open_place(Agent(llm=ScriptedModel("One long sentence."), tts=voice)) as place:
        first, memory = await begin(place, SPOKEN), Memory()
        first.ask("r1")
        await first.until(lambda: len(first.frames_of("r1")) >= 20)
        first.stop_reading()
        memory.take(answers_of(first))
        await trio.sleep(3)
        assert first.connection.closing is None  # alone, it is waited for
        second = await come_back(place, first.registered, memory.seen)
        came = trio.current_time()
        await second.until(ended(second))
        memory.take(answers_of(second))
        assert first.connection.closing == (1008, "the client does not read what it is sent")
        assert memory.voice() == numbered(4 * 16_000)
        assert memory.text() == "One long sentence."
        assert trio.current_time() - came < 4.5


async def test_one_token_is_good_for_one() -> None:
    """Of two that come with it at once exactly one gets the session, and each REGISTER_ACK brings a new one."""
    async with open_place(Agent(llm=ScriptedModel("x"))) as place:
        first = await begin(place, WRITTEN)
        first.connection.lost()
        second = await come_back(place, first.registered)
        third = await come_back(place, first.registered)
        assert second.registered.session_id == first.registered.session_id
        assert second.registered.resume_token not in (None, first.registered.resume_token)
        assert [error.error_code for error in third.errors] == ["SESSION_INVALID"]
        assert third.connection.closing == (4401, "there is no such session to resume")


async def test_a_session_is_as_old_as_it_is() -> None:
    """SESSION_INFO of a later connection tells when the session began, and its settings as they are."""
    async with open_place(Agent(llm=ScriptedModel("x"))) as place:
        first = await begin(place, SPOKEN)
        first.say(m.SessionQuery())
        first.connection.lost()
        second = await come_back(place, first.registered)
        second.say(m.SessionQuery())
        await trio.sleep(1)
        [before] = [frame.session_data for _, frame in first.frames if isinstance(frame, m.SessionInfo)]
        [after] = [frame.session_data for _, frame in second.frames if isinstance(frame, m.SessionInfo)]
        assert after == before
        assert after["require_tts"]
