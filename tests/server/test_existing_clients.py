"""What existing 1.0 clients do, and rely on; the numbers are those of the list at the end of wire.md."""

from __future__ import annotations

import json

import pytest
import trio

from tests.talk import SPOKEN, Talk, open_talk, talk_with
from voxint.core.agent import Agent, Limits
from voxint.protocol import messages as m
from voxint.protocol.codec import encode_server
from voxint.testing.stages import FOREVER, HEAR, ScriptedEars, ScriptedModel, ScriptedVoice

pytestmark = pytest.mark.virtual_time


def raw(talk: Talk, msg_type: str, payload: dict[str, object]) -> None:
    """Send a frame as a JavaScript client writes it."""
    session = talk.connection.session
    frame = {"version": "1.0", "msg_type": msg_type, "payload": payload, "timestamp": 1, "extra": None}
    talk.connection.receive(json.dumps({**frame, "session_id": session.id if session else ""}))


async def test_1_an_acknowledgement_names_what_was_asked_and_what_was_stopped() -> None:
    """Both ids stand in it, in a FAILED one too."""
    async with talk_with(Agent(llm=ScriptedModel(FOREVER))) as talk:
        talk.ask("r1")
        talk.interrupt("r1")
        talk.interrupt("r9")
        await trio.sleep(1)
    by_id = {ack.interrupt_request_id: ack for ack in talk.acks}
    assert by_id["r1"].interrupted_request_ids == ("r1",)
    failed = json.loads(encode_server(by_id["r9"], "s", 0))["payload"]
    assert (failed["interrupt_request_id"], failed["interrupted_request_ids"]) == ("r9", [])


async def test_2_an_interrupt_before_every_request_is_everyday_traffic() -> None:
    """The INTERRUPT of a finished request and the next REQUEST right behind it: FAILED, no ERROR, and an answer."""
    async with talk_with(Agent(llm=ScriptedModel("Yes?"))) as talk:
        for number in range(3):
            talk.checker.sent(m.Interrupt(interrupt_request_id=f"r{number - 1}"), trio.current_time())
            raw(talk, "INTERRUPT", {"interrupt_request_id": f"r{number - 1}", "reason": "USER_VOICE_INPUT"})
            talk.ask(f"r{number}")
            await trio.sleep(1)
    assert talk.errors == []
    assert [ack.outcomes for ack in talk.acks] == [
        {"r-1": "not_found"},
        {"r0": "already_finished"},
        {"r1": "already_finished"},
    ]
    assert [talk.text_of(f"r{number}") for number in range(3)] == ["Yes?"] * 3


async def test_3_an_interrupt_of_another_id_does_not_touch_the_live_reply() -> None:
    """The older client names its own message; the next REQUEST is what stops the reply."""
    async with talk_with(Agent(llm=ScriptedModel("Well, ", 1.0, "yes."))) as talk:
        talk.ask("r1")
        await trio.sleep(0.5)
        talk.interrupt("msg_17")
        await trio.sleep(1)
    assert (talk.acks[0].status, talk.acks[0].interrupted_request_ids) == ("FAILED", ())
    assert talk.text_of("r1") == "Well, yes."


@pytest.mark.parametrize("script", [(), ("Well then. ",)])
async def test_4_the_first_frame_says_which_streams_there_are(script: tuple[str, ...]) -> None:
    """It carries `text_stream_seq` 0, the last ends both streams, and no stream that is absent is a null."""
    async with talk_with(Agent(llm=ScriptedModel(*script), tts=ScriptedVoice()), SPOKEN) as talk:
        talk.ask("r1")
        await trio.sleep(2)
    frames = talk.frames_of("r1")
    assert frames[0].text_stream_seq == 0
    assert (frames[-1].text_stream_seq, frames[-1].voice_stream_seq) == (-1, -1)
    for frame in frames:
        written = encode_server(frame, "s", 0)
        assert isinstance(written, str)
        assert "null" not in written


async def test_5_the_first_audio_is_chunk_0_in_whole_samples() -> None:
    """All frames are text unless binary ones were asked for; the checker looks at every chunk."""
    async with talk_with(Agent(llm=ScriptedModel("Well then. "), tts=ScriptedVoice(rate=24_000)), SPOKEN) as talk:
        talk.ask("r1")
        await trio.sleep(2)
    voice = [frame for frame in talk.frames_of("r1") if frame.voice is not None]
    assert voice[0].voice_stream_seq == 0
    assert voice[0].voice
    assert sum(len(frame.voice or b"") for frame in voice) == 2 * 16_000 * 11 // 16
    assert not voice[0].voice.startswith(b"RIFF")


async def test_6_the_server_speaks_before_the_client_gives_up() -> None:
    """An upload that never stops is ended at 110 s from its start frame; the client gives up at 120 s."""
    async with talk_with(Agent(llm=ScriptedModel(), stt=ScriptedEars.hears("hello"))) as talk:
        talk.begin("r1")
        for _ in range(119):
            talk.speak(1.0)
            await trio.sleep(1)
    assert talk.ended_at("r1") == 110
    assert talk.errors[0].error_code == "REQUEST_TIMEOUT"


async def test_7_update_session_comes_with_every_request_in_either_spelling() -> None:
    """`{}` changes nothing, camelCase is understood, unknown keys are normal."""
    model = ScriptedModel("Yes?")
    async with talk_with(Agent(llm=model)) as talk:
        request = {"data_type": "TEXT", "stream_flag": False, "stream_seq": 0, "require_tts": False}
        spellings: tuple[dict[str, object], ...] = (
            {},
            {"systemPrompt": {"roleDescription": "a guide"}, "sceneContext": {"description": "lobby"}},
            {},
        )
        for number, update in enumerate(spellings):
            content = {"text": "Hello?", "audio_format": "pcm", "mood": 1}
            raw(talk, "REQUEST", {**request, "request_id": f"r{number}", "update_session": update, "content": content})
            await trio.sleep(1)
    prompts = [call.given[0].messages[0] for call in model.calls]
    assert [(prompt.role, prompt.content) for prompt in prompts] == [
        ("user", "Hello?"),
        ("system", "a guide\n\nlobby"),
        ("system", "a guide\n\nlobby"),
    ]


async def test_8_microphone_quanta_are_joined() -> None:
    """43 samples at a time, 125 of them at once: the recogniser gets pieces of 20 ms and more, and loses nothing."""
    ears = ScriptedEars.hears("hello")
    async with talk_with(Agent(llm=ScriptedModel("Yes?"), stt=ears)) as talk:
        talk.begin("r1")
        for _ in range(125):
            talk.connection.receive(b"\1\0" * 43)
        for _ in range(125):
            talk.connection.receive(b"\1\0" * 43)
            await trio.sleep(1 / 512)
        talk.end("r1")
        await trio.sleep(1)
    pieces = ears.calls[0].given
    assert b"".join(pieces) == b"\1\0" * 43 * 250
    assert min(len(piece) for piece in pieces[:-1]) >= 640
    assert len(pieces) < 30
    assert talk.text_of("r1") == "Yes?"


async def test_9_a_sentence_cut_in_two_is_two_uploads() -> None:
    """The second start frame interrupts the first upload; late frames of the first are swallowed."""
    ears = ScriptedEars.hears("hello")
    async with talk_with(Agent(llm=ScriptedModel("Yes?"), stt=ears)) as talk:
        talk.begin("r1")
        talk.speak(0.5)
        await trio.sleep(0.5)
        talk.begin("r2")
        talk.end("r1")
        talk.speak(0.25)
        talk.end("r2")
        await trio.sleep(1)
    assert talk.frames_of("r1")[-1].interrupt_reason == "USER_NEW_INPUT"
    assert talk.text_of("r2") == "Yes?"
    assert [sum(map(len, call.given)) for call in ears.calls] == [16_000, 8_000]
    assert talk.errors == []


async def test_9_an_upload_goes_on_after_its_interruption() -> None:
    """Its audio and its end frame are swallowed, before and after the acknowledgement."""
    async with talk_with(Agent(llm=ScriptedModel("Yes?"), stt=ScriptedEars(HEAR, lingers=0.125))) as talk:
        talk.begin("r1")
        talk.speak(0.5)
        await trio.sleep(0.5)
        talk.interrupt("r1")
        for _ in range(4):
            talk.speak(0.0625)
            await trio.sleep(0.0625)
        talk.end("r1")
        talk.speak(0.0625)
        talk.end("r1")
        await trio.sleep(1)
    assert talk.errors == []
    assert talk.acks[0].outcomes == {"r1": "stopped"}


async def test_9_a_refused_upload_is_refused_once() -> None:
    """Its audio and its end frame follow, and a second ERROR with its id would end it twice."""
    async with talk_with(Agent(llm=ScriptedModel("Yes?"))) as talk:
        talk.begin("r1")
        talk.speak(0.5)
        talk.end("r1")
        await trio.sleep(1)
    assert [(error.error_code, error.request_id) for error in talk.errors] == [("MALFORMED_PAYLOAD", "r1")]


async def test_9_a_refused_upload_does_not_speak_into_another() -> None:
    """Its audio belongs to nobody, also where an upload was open before it: that one ends there, and is understood."""
    ears = ScriptedEars.hears("hello")
    model = ScriptedModel.turns(ScriptedModel(FOREVER, lingers=8.0), ScriptedModel("Yes?"))
    async with talk_with(Agent(llm=model, stt=ears, limits=Limits(overruns=1))) as talk:
        talk.ask("r1")
        await trio.sleep(0.5)
        talk.begin("r2")
        talk.speak(0.5)
        await trio.sleep(0.5)
        talk.begin("r3")
        talk.speak(0.25)
        talk.end("r3")
        talk.end("r2")
        await trio.sleep(20)
    assert [(error.error_code, error.request_id) for error in talk.errors] == [("SERVER_BUSY", "r3")]
    assert sum(map(len, ears.calls[0].given)) == 16_000
    assert talk.text_of("r2") == "Yes?"


async def test_9_a_broken_start_frame_does_not_speak_into_another() -> None:
    """Its audio follows it all the same."""
    ears = ScriptedEars.hears("hello")
    async with talk_with(Agent(llm=ScriptedModel("Yes?"), stt=ears)) as talk:
        talk.begin("r1")
        talk.speak(0.5)
        await trio.sleep(0.5)
        content = m.Content(voice_mode="BASE64")
        talk.say(m.RequestMessage(request_id="r2", data_type="VOICE", stream_flag=True, content=content))
        talk.speak(0.25)
        talk.end("r2")
        await trio.sleep(1)
    assert [(error.error_code, error.request_id) for error in talk.errors] == [("MALFORMED_PAYLOAD", "r2")]
    assert sum(map(len, ears.calls[0].given)) == 16_000
    assert talk.text_of("r1") == "Yes?"


async def test_9_an_upload_is_refused_once_by_a_server_that_goes_down() -> None:
    """SERVER_BUSY says it all: what the microphone still sends is swallowed."""
    async with talk_with(Agent(llm=ScriptedModel("Yes?"), stt=ScriptedEars.hears("hello"))) as talk:
        talk.host.draining = True
        talk.begin("r1")
        talk.speak(0.5)
        talk.end("r1")
        await trio.sleep(1)
    assert [(error.error_code, error.request_id) for error in talk.errors] == [("SERVER_BUSY", "r1")]


async def test_9_audio_without_an_upload_is_told_once() -> None:
    """Not for each of its 375 frames a second; an end frame without a start is told by its id."""
    async with talk_with(Agent(llm=ScriptedModel("Yes?"))) as talk:
        for _ in range(100):
            talk.speak(0.0625)
        talk.end("r9")
        await trio.sleep(1)
    assert [(error.error_code, error.request_id) for error in talk.errors] == [
        ("STREAM_SEQ_ERROR", None),
        ("STREAM_SEQ_ERROR", "r9"),
    ]


async def test_9_a_recogniser_that_falls_behind_ends_the_upload() -> None:
    """More than 30 s of audio that nobody reads is PAYLOAD_TOO_LARGE; the rest is swallowed."""
    async with talk_with(Agent(llm=ScriptedModel(), stt=ScriptedEars(FOREVER))) as talk:
        talk.begin("r1")
        for _ in range(40):
            talk.speak(1.0)
        talk.end("r1")
        await trio.sleep(1)
    assert [(error.error_code, error.request_id) for error in talk.errors] == [("PAYLOAD_TOO_LARGE", "r1")]


async def test_9_a_recogniser_that_is_done_early_is_sent_no_more() -> None:
    """It found the end of the sentence by itself; what still comes is swallowed, and the answer stands."""
    async with talk_with(Agent(llm=ScriptedModel("Yes?"), stt=ScriptedEars("hello"))) as talk:
        talk.begin("r1")
        for _ in range(40):
            talk.speak(1.0)
            await trio.sleep(0.125)
        talk.end("r1")
        await trio.sleep(1)
    assert talk.errors == []
    assert talk.text_of("r1") == "Yes?"


async def test_voice_comes_in_one_piece_too() -> None:
    """BASE64 in one REQUEST: understood and answered."""
    ears = ScriptedEars.hears("hello")
    async with talk_with(Agent(llm=ScriptedModel("Yes?"), stt=ears)) as talk:
        content = m.Content(voice_mode="BASE64", voice=bytes(64_000))
        talk.say(m.RequestMessage(request_id="r1", data_type="VOICE", content=content))
        await trio.sleep(1)
    assert sum(map(len, ears.calls[0].given)) == 64_000
    assert talk.history == [("hello", "Yes?", "complete")]


async def test_silence_is_answered_with_nothing() -> None:
    """An upload in which nothing was understood ends both streams, and no model is asked."""
    model = ScriptedModel("Yes?")
    async with talk_with(Agent(llm=model, stt=ScriptedEars(HEAR)), SPOKEN) as talk:
        talk.begin("r1")
        talk.end("r1")
        await trio.sleep(1)
    assert [(frame.text_stream_seq, frame.voice_stream_seq) for frame in talk.frames_of("r1")] == [(0, None), (-1, -1)]
    assert model.calls == []
    assert talk.history == []


async def test_10_ids_are_unique_per_client_only() -> None:
    """Two clients use the same id; an INTERRUPT of one leaves the other."""
    agent = Agent(llm=ScriptedModel("Well, ", 1.0, "yes."))
    async with talk_with(agent) as one, talk_with(agent) as other:
        one.ask("r1")
        other.ask("r1")
        await trio.sleep(0.5)
        one.interrupt("r1")
        await trio.sleep(1)
    assert one.acks[0].outcomes == {"r1": "stopped"}
    assert (one.text_of("r1"), other.text_of("r1")) == ("Well, ", "Well, yes.")


async def test_12_session_invalid_is_never_for_bad_input() -> None:
    """It logs the user out; bad input of a registered client is malformed."""
    async with open_talk(Agent(llm=ScriptedModel())) as talk:
        talk.register()
        raw(talk, "REQUEST", {"request_id": "r1", "data_type": "TEXT", "content": {"text": 7}})
        raw(talk, "INTERRUPT", {"interrupt_request_id": 7})
        await trio.sleep(1)
    assert [(error.error_code, error.request_id) for error in talk.errors] == [
        ("MALFORMED_PAYLOAD", "r1"),
        ("MALFORMED_PAYLOAD", None),
    ]
