"""The library's open microphone, in virtual time: a voice alone begins turns, holds answers and interrupts them."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import pytest
import structlog.testing
import trio
from attrs import define, field

from tests.core.ears.coded import WINDOW, WINDOW_MS, CodedEars, quiet, speech
from voxint.core.agent import Agent, Limits
from voxint.core.audio import AudioFormat
from voxint.core.conversation import Conversation, open_conversation
from voxint.core.events import Committed, Ended, Endpoint, Event, Held, Onset, Released, Said, Text, Understood, Voice
from voxint.core.open_microphone import OpenMicrophone
from voxint.core.settings import Settings
from voxint.errors import RequestRefused, UpstreamError
from voxint.testing.detector import ScriptedDetector
from voxint.testing.stages import FOREVER, HEAR, ScriptedEars, ScriptedModel, ScriptedVoice

pytestmark = pytest.mark.virtual_time

T = TypeVar("T", bound=Event)
STORY = "Once upon a time there was a keeper of a lighthouse, who lived alone with his dog for many years."
ASKS = (quiet(320), speech(640, "what", "time", "is", "it?"), quiet(1280))
SPEAKS_OVER = (speech(640, "Stop", "it,", "please."), quiet(1280))


def an_agent(*script: str | float, **stages: Any) -> Agent:
    """Return an agent that can listen always."""
    given: dict[str, Any] = {"stt": CodedEars(), "tts": ScriptedVoice(), "vad": ScriptedDetector()}
    return Agent(llm=ScriptedModel(*script or ("Noon.",)), **given | stages)


@define(eq=False)
class Booth:
    """A conversation whose microphone is open, and all that came of it, with its id."""

    conversation: Conversation
    microphone: OpenMicrophone
    said: list[Said] = field(factory=list)

    async def say(self, *sounds: bytes) -> None:
        """Speak in real time."""
        for sound in sounds:
            for begin in range(0, len(sound), 2 * WINDOW):
                await trio.sleep(WINDOW_MS / 1000)
                self.microphone.send(sound[begin : begin + 2 * WINDOW])

    async def read(self) -> None:
        """Read to the end of the microphone."""
        async for said in self.microphone:
            self.said.append(said)

    def of(self, kind: type[T], request_id: str | None = None) -> list[T]:
        """Return the events of a kind, of one request or of all."""
        return [
            each.event for each in self.said if isinstance(each.event, kind) and request_id in (None, each.request_id)
        ]

    async def asked(self) -> str:
        """Ask a question by voice, and return the id of the answer once it sounds."""
        before = len(self.of(Voice))
        await self.say(*ASKS[:2])
        with trio.fail_after(5):
            while len(self.of(Voice)) == before:
                await self.say(quiet(32))
        return self.said[-1].request_id


@asynccontextmanager
async def a_booth(agent: Agent, settings: Settings = Settings()) -> AsyncGenerator[Booth]:
    """Open a microphone that is read; a test that leaves early sees what still came."""
    async with open_conversation(agent, settings) as conversation, trio.open_nursery() as readers:
        with conversation.listen_always() as microphone:
            booth = Booth(conversation, microphone)
            readers.start_soon(booth.read)
            yield booth


async def test_a_turn_by_voice_alone() -> None:
    """All of it bears one id and comes in order; the history has it."""
    async with a_booth(an_agent()) as booth:
        answer = await booth.asked()
        await booth.say(quiet(2000))
        assert [(each.user, each.reply, each.ending) for each in booth.conversation.history] == [
            ("what time is it?", "Noon.", "complete")
        ]
    assert {each.request_id for each in booth.said} == {answer}
    kinds = [type(each.event) for each in booth.said]
    assert kinds[0] is Onset
    assert kinds.index(Understood) < kinds.index(Endpoint) < kinds.index(Text) < kinds.index(Voice)
    assert kinds[-1] is Ended
    assert len(b"".join(each.audio for each in booth.of(Voice))) == 2000 * len("Noon.")


async def test_a_voice_at_another_rate() -> None:
    """What a microphone brings and a player wants need not be what the stages work with."""
    settings = Settings(input=AudioFormat(8_000), output=AudioFormat(24_000))
    async with a_booth(an_agent(stt=ScriptedEars.hears("what time is it?")), settings) as booth:
        for _ in range(60):
            await trio.sleep(0.02)
            booth.microphone.send(b"\x00\x10" * 160)
        for _ in range(100):
            await trio.sleep(0.02)
            booth.microphone.send(bytes(320))
    [endpoint] = booth.of(Endpoint)
    assert 1100 < endpoint.at_ms < 1300


async def test_a_voice_over_an_answer_interrupts_it() -> None:
    """It is held, the utterance commits by its name, it ends, and the next turn is answered."""
    async with a_booth(an_agent(STORY)) as booth:
        first = await booth.asked()
        await booth.say(quiet(640), *SPEAKS_OVER)
        await booth.say(quiet(640))
        assert [each.interrupted for each in booth.of(Committed)] == [(first,)]
        assert booth.of(Held, first) == [Held()]
        assert booth.of(Ended, first) == [Ended(True, "USER_VOICE_INPUT")]
        assert booth.of(Voice, booth.said[-1].request_id)
        assert booth.conversation.history.exchanges[0].ending == "interrupted"


async def test_a_voice_over_what_was_asked_in_writing() -> None:
    """The reply is told of its hold and its end, the microphone who interrupts it, and nothing else of it."""
    async with a_booth(an_agent(STORY)) as booth:
        reply = booth.conversation.ask("A story!", request_id="written")
        heard: list[Event] = []

        async def read() -> None:
            heard.extend([event async for event in reply])

        async with trio.open_nursery() as nursery:
            nursery.start_soon(read)
            await booth.say(quiet(640), *SPEAKS_OVER)
        assert Held() in heard
        assert heard[-1] == Ended(True, "USER_VOICE_INPUT")
        assert [each.interrupted for each in booth.of(Committed)] == [("written",)]
        assert all(each.request_id != "written" for each in booth.said)


async def test_a_cough_lets_the_answer_go_on() -> None:
    """Told by both words, and with not a sample lost."""
    async with a_booth(an_agent("A short answer.")) as booth:
        answer = await booth.asked()
        await booth.say(speech(64), quiet(3000))
    assert booth.of(Held, answer) == [Held()]
    assert [each.reason for each in booth.of(Released, answer)] == ["silence"]
    assert len(b"".join(each.audio for each in booth.of(Voice))) == 2000 * len("A short answer.")


async def test_interrupting_returns_what_was_heard() -> None:
    """The player's word is taken; a second time, and of an id that nobody knows, there is nothing to stop."""
    async with a_booth(an_agent(STORY)) as booth:
        answer = await booth.asked()
        await booth.say(quiet(960))
        booth.microphone.played(answer, 240)
        receipt = await booth.microphone.interrupt(answer)
        assert receipt is not None
        assert (receipt.reason, receipt.audio.heard_ms, receipt.audio.source) == ("USER_STOP", 240.0, "client")
        assert await booth.microphone.interrupt(answer, played_ms=240) == receipt
        assert await booth.microphone.interrupt("nobody") is None
    assert booth.of(Ended) == [Ended(True, "USER_STOP")]


async def test_an_utterance_can_be_interrupted() -> None:
    """Nothing is asked then, and the next one is heard."""
    async with a_booth(an_agent()) as booth:
        await booth.say(quiet(320), speech(640, "what"))
        utterance = booth.said[-1].request_id
        interruption = booth.microphone.interrupt_nowait(utterance, "WRONG_BUTTON")
        await interruption.stopped()
        assert interruption.outcomes == {utterance: "stopped"}
        await booth.say(quiet(1280))
        assert len(booth.conversation.history) == 0
        assert await booth.asked() != utterance
    assert booth.of(Ended, utterance) == [Ended(True, "WRONG_BUTTON")]


async def test_leaving_in_the_middle_of_an_utterance() -> None:
    """It is interrupted, which its reader is told as the last word; the stream of the detector is given back."""
    detector = ScriptedDetector()
    async with a_booth(an_agent(vad=detector)) as booth:
        await booth.say(quiet(320), speech(640, "what"))
    assert booth.said[-1].event == Ended(True, "CLOSED")
    assert (detector.opened, detector.closed) == (1, 1)


async def test_leaving_in_the_middle_of_an_answer() -> None:
    """What is answered to the microphone is interrupted; what a reply is told goes on, and another can be opened."""
    model = ScriptedModel(STORY, FOREVER)
    agent = Agent(llm=model, stt=CodedEars(), tts=ScriptedVoice(), vad=ScriptedDetector())
    async with open_conversation(agent) as conversation:
        async with trio.open_nursery() as readers:
            with conversation.listen_always() as microphone:
                booth = Booth(conversation, microphone)
                readers.start_soon(booth.read)
                answer = await booth.asked()
        assert booth.of(Ended, answer) == [Ended(True, "CLOSED")]
        assert model.calls[0].cancelled is not None
        with conversation.listen_always():
            reply = conversation.ask("A story!")
            assert isinstance(await anext(reply), Text)
        receipt = await reply.interrupt()
        assert receipt is not None
        assert receipt.reason == "USER_STOP"


async def test_a_microphone_is_used_within_its_block() -> None:
    """After it nothing is heard, which is said; reading ends."""
    async with open_conversation(an_agent()) as conversation:
        with conversation.listen_always() as microphone:
            pass
        with pytest.raises(trio.ClosedResourceError, match="within it"):
            microphone.send(quiet(32))
        assert [said async for said in microphone] == []
        assert await microphone.interrupt("nobody") is None
    with pytest.raises(trio.ClosedResourceError, match="open_conversation"):
        conversation.listen_always()


async def test_one_microphone_at_a_time() -> None:
    """A second is refused while the first is open."""
    async with open_conversation(an_agent()) as conversation:
        with (
            conversation.listen_always(),
            pytest.raises(RuntimeError, match="open microphone already"),
            conversation.listen_always(),
        ):
            pass
        with conversation.listen_always():
            pass


@pytest.mark.parametrize(("lacks", "words"), [("vad", "no voice detector"), ("stt", "no speech recognition")])
async def test_an_agent_that_can_not_listen_always(lacks: str, words: str) -> None:
    """What to give it is said."""
    async with open_conversation(an_agent(**{lacks: None})) as conversation:
        with (
            pytest.raises(RuntimeError, match=words + r".*give Agent\(vad=..., stt=...\)"),
            conversation.listen_always(),
        ):
            pass


async def test_a_detector_that_fails_is_told_to_who_sends() -> None:
    """Where it opens no stream nothing is open; later it is told once, and heard again after a rest."""
    detector = ScriptedDetector()
    detector.broken = True
    async with open_conversation(an_agent(vad=detector)) as conversation:
        with pytest.raises(UpstreamError), conversation.listen_always():
            pass
        detector.broken = False
        with conversation.listen_always():
            pass
    async with a_booth(an_agent(vad=detector)) as booth:
        detector.broken = True
        booth.microphone.send(quiet(32))
        with pytest.raises(UpstreamError):
            booth.microphone.send(quiet(32))
        detector.broken = False
        await booth.say(quiet(5100))
        await booth.asked()


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        (lambda microphone: microphone.send("what time is it?"), TypeError),
        (lambda microphone: microphone.send(b"RIFF\0\0\0\0WAVEfmt "), ValueError),
        (lambda microphone: microphone.send(bytes(2 * 16_000 * 3)), RequestRefused),
        (lambda microphone: microphone.played(7, 10), TypeError),
        (lambda microphone: microphone.played("r1", -1), ValueError),
        (lambda microphone: microphone.interrupt_nowait(None), TypeError),
        (lambda microphone: microphone.interrupt_nowait("r1", 7), TypeError),
        (lambda microphone: microphone.interrupt_nowait("r1", played_ms=-1), ValueError),
    ],
)
async def test_what_is_wrong_is_said_where_it_is_given(wrong: Any, error: type[Exception]) -> None:
    """And changes nothing: the next turn is heard."""
    async with a_booth(an_agent()) as booth:
        with pytest.raises(error):
            wrong(booth.microphone)
        await booth.asked()


async def test_one_task_reads_at_a_time() -> None:
    """Another is told so."""
    async with a_booth(an_agent()) as booth:
        await trio.testing.wait_all_tasks_blocked()
        with pytest.raises(trio.BusyResourceError, match="reading this microphone"):
            await anext(booth.microphone)


async def test_a_recogniser_that_is_busy_is_told() -> None:
    """The utterance ends as it begins, as failed; the next is heard where there is a seat."""
    busy = ScriptedEars(HEAR, FOREVER, seats=1)
    agent = an_agent(stt=busy, limits=Limits(seat_kept_s=0))
    async with open_conversation(agent) as other, a_booth(agent) as booth:
        waits = other.listen()
        await trio.testing.wait_all_tasks_blocked()
        await booth.say(quiet(320), speech(640, "what"), quiet(1280))
        [said] = booth.said
        assert isinstance(said.event, Ended)
        assert said.event.failure is not None
        assert (said.event.failure.kind, said.event.failure.limit) == ("busy", "seats")
        await waits.interrupt()
        await booth.say(speech(640, "what"))
        assert isinstance(booth.said[1].event, Onset)


async def test_who_reads_nothing_holds_the_model_back() -> None:
    """However much is said, little waits; what is read late is all there of the last turn."""
    async with open_conversation(an_agent(STORY * 50)) as conversation:
        with conversation.listen_always() as microphone:
            booth = Booth(conversation, microphone)
            for _ in range(20):
                await booth.say(*ASKS)
            assert len(microphone._listener) < 200
            await booth.say(quiet(5000))
            waits = len(microphone._listener)
            await booth.say(quiet(5000))
            assert len(microphone._listener) == waits
            last = [await anext(microphone) for _ in range(waits)][-1].request_id
            with trio.fail_after(60):
                while not isinstance((said := await anext(microphone)).event, Voice):
                    pass
            assert said.request_id == last


async def test_a_detector_that_fails_as_it_is_let_go() -> None:
    """It costs nobody anything: what is live is interrupted as ever, and the log has a line."""

    class Clings(ScriptedDetector):
        def open(self) -> Any:
            """Begin a stream that can't be closed."""
            stream = super().open()
            stream.close = self.refuse  # type: ignore[method-assign]  # a stream that fails as it ends
            return stream

        def refuse(self) -> None:
            """Fail."""
            raise UpstreamError("it clings", retryable=False, operator_detail="the model is gone")

    with structlog.testing.capture_logs() as logs:
        async with a_booth(an_agent(vad=Clings())) as booth:
            await booth.say(quiet(320), speech(640, "what"))
    assert booth.said[-1].event == Ended(True, "CLOSED")
    [line] = [each for each in logs if each["event"] == "the voice detector failed"]
    assert line["detail"] == "the model is gone"
