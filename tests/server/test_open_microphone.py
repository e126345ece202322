"""A microphone that is always open, on the wire: who has it, what is heard of it, and what is refused."""

from __future__ import annotations

from typing import TypeVar

import pytest
import trio

from tests.core.ears.coded import CodedEars, quiet, speech
from tests.memory import come_back
from tests.server.spoken import ALWAYS, QUESTION, STORY, an_agent, stream
from tests.talk import SPOKEN, WRITTEN, Talk, open_place, talk_with
from voxint.core.agent import Agent
from voxint.protocol import messages as m
from voxint.server.quotas import Quotas
from voxint.testing.detector import ScriptedDetector
from voxint.testing.stages import ScriptedModel

pytestmark = pytest.mark.virtual_time

T = TypeVar("T", bound=m.ServerMessage)


def of(talk: Talk, kind: type[T]) -> list[T]:
    """Return the frames of a kind that were read."""
    return [frame for _, frame in talk.frames if isinstance(frame, kind)]


def at(talk: Talk, frame: m.ServerMessage) -> int:
    """Return the place of a frame among those that were read."""
    return next(place for place, (_, other) in enumerate(talk.frames) if other is frame)


async def test_who_speaks_is_answered() -> None:
    """SPEECH has the server's own id and the microphone's clock; the words and the answer follow by the same id."""
    async with talk_with(an_agent(), features=ALWAYS) as talk:
        assert talk.connection.session is not None
        await stream(talk, *QUESTION)
        await trio.sleep(2)
    assert talk.registered.features == ("hold", "server_vad", "transcripts")
    started, stopped = of(talk, m.SpeechMessage)
    assert (started.state, started.text, started.outcome) == ("started", None, None)
    assert started.at_ms <= 320 + 20
    assert (stopped.state, stopped.request_id) == ("stopped", started.request_id)
    assert (stopped.text, stopped.outcome, stopped.recovered) == ("what time is it?", "request", None)
    assert stopped.decided_ms is not None
    assert 1000 < stopped.at_ms < stopped.decided_ms < 4280
    assert "what time is it?" in [told.text for told in of(talk, m.TranscriptMessage)]
    assert talk.text_of(started.request_id) == "Noon."
    assert at(talk, stopped) < at(talk, talk.frames_of(started.request_id)[0])
    assert talk.history == [("what time is it?", "Noon.", "complete")]


async def test_noise_is_told_and_answered_by_nobody() -> None:
    """There are no words in it: nothing is asked, and no frame of an answer comes."""
    async with talk_with(an_agent(), features=ALWAYS) as talk:
        await stream(talk, speech(640), quiet(3000))
        await trio.sleep(2)
    assert [(each.state, each.outcome) for each in of(talk, m.SpeechMessage)] == [
        ("started", None),
        ("stopped", "noise"),
    ]
    assert of(talk, m.Response) == []


async def test_who_speaks_over_an_answer_interrupts_it() -> None:
    """It is held first; then the utterance commits by name, and the last frame says that a voice has interrupted."""
    async with talk_with(an_agent(STORY), SPOKEN, features=ALWAYS) as talk:
        talk.ask("r1")
        await stream(talk, quiet(1600), *QUESTION)
        await trio.sleep(2)
    held = next(each for each in of(talk, m.HoldMessage) if each.request_id == "r1")
    voice = [frame.voice_stream_seq for frame in talk.frames_of("r1") if frame.voice is not None]
    last = talk.frames_of("r1")[-1]
    assert (held.state, held.voice_stream_seq) == ("held", voice[-1])
    assert (last.interrupted, last.interrupt_reason) == (True, "USER_VOICE_INPUT")
    started, committed, stopped = of(talk, m.SpeechMessage)
    assert (committed.state, committed.request_id) == ("committed", started.request_id)
    assert committed.interrupted == ("r1",)
    assert started.at_ms < committed.at_ms < stopped.at_ms
    assert at(talk, held) < at(talk, committed) < at(talk, last)


async def test_an_answer_that_was_sent_to_its_end_is_interrupted_too() -> None:
    """It was held while it played and has no frame left: that the utterance commits is its last word."""
    async with talk_with(an_agent("A short one."), SPOKEN, features=ALWAYS) as talk:
        talk.ask("r1")
        await stream(talk, quiet(512), *QUESTION[1:])
        await trio.sleep(2)
    last = talk.frames_of("r1")[-1]
    [held] = [each for each in of(talk, m.HoldMessage) if each.request_id == "r1"]
    [committed] = [each for each in of(talk, m.SpeechMessage) if each.state == "committed"]
    assert (last.voice_stream_seq, last.interrupted) == (-1, False)
    assert (held.state, committed.interrupted) == ("held", ("r1",))
    assert at(talk, last) < at(talk, held) < at(talk, committed)
    assert [status for _, _, status in talk.history] == ["interrupted", "complete"]


@pytest.mark.parametrize("lacks", ["vad", "stt"])
async def test_it_is_granted_where_the_agent_can(lacks: str) -> None:
    """Without a detector, or a recogniser, the feature is left out, and audio without a start frame is refused."""
    stages = {"vad": ScriptedDetector(), "stt": CodedEars()}
    stages.pop(lacks)
    agent = Agent(llm=ScriptedModel("Noon."), **stages)  # type: ignore[arg-type]  # each by its name
    async with talk_with(agent, features=("hold", *ALWAYS)) as talk:
        talk.speak(0.125)
        await trio.sleep(1)
    assert talk.registered.features == ("hold", "transcripts")
    assert [error.error_code for error in talk.errors] == ["STREAM_SEQ_ERROR"]


async def test_what_has_no_audio_of_its_own_is_asked_as_ever() -> None:
    """Text, and voice in one piece; a streamed upload is refused, and what follows it is the open microphone's."""
    async with talk_with(an_agent(), features=ALWAYS) as talk:
        talk.ask("r1")
        await trio.sleep(1)
        content = m.Content(voice_mode="BASE64", voice=speech(320, "hello"))
        talk.say(m.RequestMessage(request_id="r2", data_type="VOICE", content=content))
        await trio.sleep(1)
        talk.begin("r3")
        await stream(talk, *QUESTION)
        talk.end("r3")
        await trio.sleep(2)
    assert (talk.text_of("r1"), talk.text_of("r2")) == ("Noon.", "Noon.")
    [refused] = talk.errors
    assert (refused.error_code, refused.error_detail, refused.request_id) == (
        "MALFORMED_PAYLOAD",
        "$.payload.stream_flag",
        "r3",
    )
    assert of(talk, m.SpeechMessage)[-1].text == "what time is it?"


async def test_the_latest_has_the_microphone() -> None:
    """What another sends is not heard, which it is told once a second; it is heard again when the latest is gone."""
    async with open_place(an_agent()) as place:
        kiosk = place.join()
        kiosk.register(features=ALWAYS)
        await kiosk.until(lambda: bool(kiosk.frames))
        wall = await come_back(place, kiosk.registered, features=ALWAYS)
        await stream(kiosk, speech(1500, "nobody", "hears"), quiet(300))
        assert of(wall, m.SpeechMessage) == []
        assert [error.error_code for error in kiosk.errors] == ["STREAM_SEQ_ERROR"] * 2
        await stream(wall, *QUESTION)
        await trio.sleep(2)
        heard = of(kiosk, m.SpeechMessage)
        assert heard == of(wall, m.SpeechMessage)
        assert heard[-1].text == "what time is it?"
        wall.connection.lost()
        await trio.sleep(1)
        await stream(kiosk, *QUESTION)
        await trio.sleep(2)
        assert [each.state for each in of(kiosk, m.SpeechMessage)] == ["started", "stopped"] * 2


async def test_a_connection_that_is_lost_takes_its_utterance_along() -> None:
    """Also where another listens, which is told; nothing of it is left to hear."""
    detector = ScriptedDetector()
    async with open_place(an_agent(detector=detector)) as place:
        kiosk = place.join()
        kiosk.register(features=ALWAYS)
        await kiosk.until(lambda: bool(kiosk.frames))
        session = kiosk.connection.session
        assert session is not None
        wall = await come_back(place, kiosk.registered)
        assert session.ears is not None
        await stream(kiosk, speech(640, "what"))
        kiosk.connection.lost()
        assert session.ears is None
        await trio.sleep(1)
        [cut] = of(wall, m.Response)
    assert (cut.interrupted, cut.interrupt_reason) == (True, "DISCONNECT")
    assert (detector.opened, detector.closed) == (1, 1)


async def test_a_microphone_is_a_sign_of_life() -> None:
    """Silence too: a session does not time out over it."""
    async with talk_with(an_agent(), features=ALWAYS) as talk:
        await trio.sleep(100)
        talk.connection.receive(quiet(20))
        assert talk.connection.remaining_s() == 600


async def test_an_utterance_counts_as_a_request() -> None:
    """One too many is refused by its id, with the quota's name; the text of it is asked by nobody."""
    async with open_place(an_agent(), quotas=Quotas(session_requests_per_minute=1)) as place:
        talk = place.join()
        talk.register(features=ALWAYS)
        await stream(talk, *QUESTION, *QUESTION)
        await trio.sleep(2)
    first, second = [each.request_id for each in of(talk, m.SpeechMessage) if each.state == "started"]
    assert talk.text_of(first) == "Noon."
    [refused] = talk.errors
    assert (refused.error_code, refused.request_id, refused.error_detail) == (
        "SERVER_BUSY",
        second,
        "quota session_requests_per_minute",
    )
    assert refused.retryable


async def test_nothing_is_asked_of_a_server_that_goes_down() -> None:
    """The utterance ends with SERVER_BUSY, so that who spoke is told."""
    async with talk_with(an_agent(), features=ALWAYS) as talk:
        talk.host.draining = True
        await stream(talk, *QUESTION)
        await trio.sleep(2)
    [refused] = talk.errors
    assert (refused.error_code, refused.error_msg) == (
        "SERVER_BUSY",
        "the server is shutting down: connect again in a moment",
    )
    assert refused.request_id == of(talk, m.SpeechMessage)[0].request_id


async def test_who_speaks_keeps_no_server_that_goes_down() -> None:
    """It waits for the answer that is live, and not for an utterance that will be refused, however long it lasts."""
    async with talk_with(an_agent(STORY), features=ALWAYS) as talk, trio.open_nursery() as nursery:
        talk.ask("r1")
        nursery.start_soon(stream, talk, speech(3000, "um"))
        await trio.sleep(0.5)
        assert of(talk, m.SpeechMessage)
        assert talk.connection.session is not None
        talk.host.draining = True
        talk.interrupt("r1")
        with trio.fail_after(0.5):
            await talk.host.until_idle(but_ears=True)
        assert talk.connection.session.registry.find("r1") not in talk.connection.session.registry.live
        assert talk.connection.session.registry.live
        nursery.cancel_scope.cancel()


async def test_a_detector_that_fails_is_told_and_tried_again() -> None:
    """One ERROR, that names no request; text is answered meanwhile, and after 5 s the microphone is heard."""
    detector = ScriptedDetector()
    async with talk_with(an_agent(detector=detector), features=ALWAYS) as talk:
        detector.broken = True
        await stream(talk, speech(640, "nobody", "hears"))
        detector.broken = False
        talk.ask("r1")
        await stream(talk, speech(640, "nobody", "hears"), quiet(4000))
        assert of(talk, m.SpeechMessage) == []
        await stream(talk, *QUESTION)
        await trio.sleep(2)
    assert [(error.error_code, error.request_id, error.retryable) for error in talk.errors] == [
        ("UPSTREAM_ERROR", None, True)
    ]
    assert talk.text_of("r1") == "Noon."
    assert of(talk, m.SpeechMessage)[-1].text == "what time is it?"
    assert (detector.opened, detector.closed) == (2, 2)


async def test_a_detector_that_fails_in_the_middle_of_an_utterance() -> None:
    """What is understood of it is asked: to a detector that hears nothing the speech is over."""
    detector = ScriptedDetector()
    async with talk_with(an_agent(detector=detector), features=ALWAYS) as talk:
        await stream(talk, speech(640, "what", "time?"))
        detector.broken = True
        await stream(talk, speech(640, "hello?"), quiet(3000))
        detector.broken = False
        await trio.sleep(2)
    assert [error.error_code for error in talk.errors] == ["UPSTREAM_ERROR"]
    stopped = of(talk, m.SpeechMessage)[-1]
    assert (stopped.state, stopped.outcome) == ("stopped", "request")
    assert talk.text_of(stopped.request_id) == "Noon."


async def test_a_detector_that_can_not_be_had_ends_no_connection() -> None:
    """It is told behind REGISTER_ACK and each time that it is tried in vain; text is answered, and then it is heard."""
    detector = ScriptedDetector()
    detector.broken = True
    async with talk_with(an_agent(detector=detector), features=ALWAYS) as talk:
        talk.ask("r1")
        await stream(talk, speech(5500, "nobody", "hears"))
        assert [error.error_code for error in talk.errors] == ["UPSTREAM_ERROR"] * 2
        detector.broken = False
        await stream(talk, quiet(5000), *QUESTION)
        await trio.sleep(2)
    assert talk.frames[0][1] is talk.registered
    assert len(talk.errors) == 2
    assert talk.text_of("r1") == "Noon."
    assert of(talk, m.SpeechMessage)[-1].text == "what time is it?"


async def test_more_sound_than_a_microphone_has_is_refused() -> None:
    """It is told once a second, and costs no more than what was too much."""
    async with talk_with(an_agent(), features=ALWAYS) as talk:
        for _ in range(40):
            talk.connection.receive(bytes(32_000 * 3))
            await trio.sleep(0.05)
        await stream(talk, *QUESTION)
        await trio.sleep(2)
    assert [error.error_code for error in talk.errors] == ["PAYLOAD_TOO_LARGE"] * 2
    assert of(talk, m.SpeechMessage)[-1].text == "what time is it?"


async def test_a_client_holds_and_releases() -> None:
    """Nothing comes in between, and nothing is lacking; each is acknowledged behind its HOLD."""
    async with talk_with(an_agent(STORY, hold_s=10.0), SPOKEN, features=("hold",)) as talk:
        talk.ask("r1")
        await trio.sleep(1)
        talk.say(m.Interrupt(interrupt_request_id="r1", mode="hold"))
        before = len(talk.frames_of("r1"))
        await trio.sleep(3)
        assert len(talk.frames_of("r1")) == before
        talk.say(m.Interrupt(mode="release"))
        await trio.sleep(20)
        talk.say(m.Interrupt(interrupt_request_id="r1", mode="release"))
        talk.say(m.Interrupt(interrupt_request_id="r9", mode="hold"))
        await trio.sleep(1)
    held, released = of(talk, m.HoldMessage)
    assert (held.state, released.state, released.reason) == ("held", "released", "client")
    assert held.voice_stream_seq == released.voice_stream_seq
    assert [(ack.mode, ack.status, ack.message, ack.outcomes) for ack in talk.acks] == [
        ("hold", "SUCCESS", "held", {"r1": "held"}),
        ("release", "SUCCESS", "released", {"r1": "released"}),
        ("release", "FAILED", "nothing to release", {"r1": "already_finished"}),
        ("hold", "FAILED", "nothing to hold", {"r9": "not_found"}),
    ]
    assert at(talk, held) + 1 == at(talk, talk.acks[0])
    assert (talk.text_of("r1"), talk.frames_of("r1")[-1].interrupted) == (STORY, False)
    spoken = b"".join(frame.voice or b"" for frame in talk.frames_of("r1"))
    assert len(spoken) == 2 * 1000 * len(STORY)


async def test_who_has_not_asked_for_holds_is_told_of_none() -> None:
    """It notices a pause in the frames, and none of its own INTERRUPTs can hold."""
    async with open_place(an_agent(STORY)) as place:
        kiosk = place.join()
        kiosk.register(SPOKEN)
        await kiosk.until(lambda: bool(kiosk.frames))
        remote = await come_back(place, kiosk.registered, features=("hold",))
        kiosk.ask("r1")
        await trio.sleep(1)
        remote.say(m.Interrupt(mode="hold"))
        before = len(kiosk.frames_of("r1"))
        await trio.sleep(1)
        assert len(kiosk.frames_of("r1")) == before
        kiosk.say(m.Interrupt(mode="release"))
        await trio.sleep(20)
    assert of(kiosk, m.HoldMessage) == []
    assert [each.reason for each in of(remote, m.HoldMessage)] == [None, "timeout"]
    [refused] = kiosk.errors
    assert (refused.error_code, refused.error_detail) == ("MALFORMED_PAYLOAD", "$.payload.mode")
    assert not kiosk.frames_of("r1")[-1].interrupted


async def test_what_was_heard_can_be_said_with_a_hold() -> None:
    """`played_ms` beside a hold is taken as in PLAYED."""
    async with talk_with(an_agent(STORY), SPOKEN, features=("hold",)) as talk:
        talk.ask("r1")
        await trio.sleep(1)
        talk.say(m.Interrupt(interrupt_request_id="r1", mode="hold", played_ms=240))
        talk.say(m.Interrupt(interrupt_request_id="r1"))
        await trio.sleep(1)
    assert talk.acks[-1].receipts["r1"].audio.source == "client"


async def test_a_client_interrupts_what_it_holds_and_what_has_ended() -> None:
    """The acknowledgement tells it, with the account of what was heard: nothing else of that answer comes any more."""
    async with talk_with(an_agent("A short one."), SPOKEN, features=("hold",)) as talk:
        talk.ask("r1")
        await trio.sleep(0.6)
        talk.say(m.Interrupt(interrupt_request_id="r1", mode="hold"))
        await trio.sleep(0.5)
        assert talk.frames_of("r1")[-1].voice_stream_seq == -1
        talk.say(m.Interrupt(interrupt_request_id="r1", played_ms=480))
        await trio.sleep(3)
    assert [(ack.mode, ack.status, ack.outcomes) for ack in talk.acks] == [
        ("hold", "SUCCESS", {"r1": "held"}),
        (None, "FAILED", {"r1": "already_finished"}),
    ]
    audio = talk.acks[-1].receipts["r1"].audio
    assert (audio.sent_ms, audio.heard_ms, audio.source) == (750.0, 480.0, "client")
    assert [each.state for each in of(talk, m.HoldMessage)] == ["held"]
    assert talk.frames[-1][1] is talk.acks[-1]


async def test_what_is_written_can_be_held_too() -> None:
    """Text waits as speech does."""
    async with talk_with(an_agent("Well, ", 0.5, "yes."), WRITTEN, features=("hold",)) as talk:
        talk.ask("r1")
        await trio.sleep(0.25)
        talk.say(m.Interrupt(mode="hold"))
        await trio.sleep(1)
        assert talk.text_of("r1") == "Well, "
        talk.say(m.Interrupt(mode="release"))
        await trio.sleep(1)
    assert talk.text_of("r1") == "Well, yes."
