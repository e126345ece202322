"""Stages that do not end: what they write for one request has a bound, and what was said stays."""

from __future__ import annotations

import math

import pytest
import trio

from tests.talk import SPOKEN, Talk, talk_with
from voxint.core.agent import Agent, Limits
from voxint.core.audio import AudioFormat
from voxint.core.gate import MOST_CALLS, MOST_TRANSCRIPTS, ModelGate, SpeechGate, TranscriptGate
from voxint.core.stages import Delta, Speech, ToolCall, Transcript, Usage
from voxint.errors import UpstreamError
from voxint.testing.stages import FOREVER, HEAR, REPEAT, ScriptedEars, ScriptedModel, ScriptedVoice

pytestmark = pytest.mark.virtual_time


def assert_failed(talk: Talk, stage: str, words: str) -> None:
    """Find the one error of the talk: the stage's, which would do the same again."""
    [error] = talk.errors
    assert (error.error_code, error.stage, error.retryable) == ("UPSTREAM_ERROR", stage, False)
    assert words in error.error_msg


async def test_a_text_without_end_fails_and_what_was_read_stays() -> None:
    """A flood of text, with no pause in it; the next request is answered."""
    models = ScriptedModel.turns(ScriptedModel("word ", REPEAT), ScriptedModel("Yes."))
    async with talk_with(Agent(llm=models, limits=Limits(answer_chars=1000))) as talk:
        talk.ask("r1")
        await trio.sleep(1)
        talk.ask("r2")
        await trio.sleep(1)
        assert_failed(talk, "llm", "wrote more than 1,000 characters in one answer (limit answer_chars)")
        assert talk.text_of("r1") == "word " * 200
        assert talk.history == [("Hello?", "word " * 200, "failed"), ("Hello?", "Yes.", "complete")]


async def test_calls_without_end_fail() -> None:
    """The client has got as many as an answer may have."""
    async with talk_with(Agent(llm=ScriptedModel(ToolCall("c", "look"), REPEAT))) as talk:
        talk.ask("r1")
        await trio.sleep(1)
        assert_failed(talk, "llm", "called more than 128 functions in one answer")
        assert len([frame for frame in talk.frames_of("r1") if frame.function_call]) == MOST_CALLS


async def test_empty_pieces_are_no_sign_of_life() -> None:
    """A model that sends nothing but those has stalled."""
    async with talk_with(Agent(llm=ScriptedModel.turns(ScriptedModel("", 1.0, REPEAT)))) as talk:
        talk.ask("r1")
        await trio.sleep(60)
        assert talk.errors[0].error_msg == "the provider did not deliver the first token in 30 s"
        assert talk.ended_at("r1") == 30


async def test_speech_without_end_fails() -> None:
    """However fast it is played; what was heard is in the history."""
    voice = ScriptedVoice(Speech(bytes(32_000), "Well then."), Speech(bytes(32_000)), REPEAT)
    async with talk_with(Agent(llm=ScriptedModel("Well then."), tts=voice, limits=Limits(speech_s=10)), SPOKEN) as talk:
        talk.ask("r1")
        await trio.sleep(60)
        assert_failed(talk, "tts", "said more than 10 s in one answer (limit speech_s)")
        assert talk.history == [("Hello?", "Well then.", "failed")]


async def test_speech_without_audio_is_no_sign_of_life() -> None:
    """A synthesizer that writes nothing but that has stalled."""
    voice = ScriptedVoice(Speech(bytes(32_000), "Well then."), 1.0, Speech(b""), 1.0, Speech(b""), FOREVER)
    async with talk_with(Agent(llm=ScriptedModel("Well then."), tts=voice), SPOKEN) as talk:
        talk.ask("r1")
        await trio.sleep(60)
        assert talk.errors[0].error_msg == "the provider did not deliver more audio in 10 s"
        assert talk.ended_at("r1") == 10.46875  # from when there was room for more


@pytest.mark.parametrize(
    ("piece", "words"),
    [
        (Transcript("um", is_final=False), "wrote more than 20,000 pieces of a transcript"),
        (Transcript("", is_final=True), "wrote more than 20,000 pieces of a transcript"),
        (Transcript("um " * 100, is_final=True), "understood more than 32,768 characters"),
        (Transcript("um " * 11_000, is_final=False), "understood more than 32,768 characters"),
    ],
)
async def test_a_transcript_without_end_fails(piece: Transcript, words: str) -> None:
    """In many pieces, in large ones, partial or settled."""
    async with talk_with(Agent(llm=ScriptedModel("Yes."), stt=ScriptedEars(HEAR, piece, REPEAT))) as talk:
        talk.begin("r1")
        talk.speak(0.5)
        talk.end("r1")
        await trio.sleep(1)
        assert_failed(talk, "stt", words)


def test_all_that_an_answer_may_hold_passes() -> None:
    """The bounds are those that are told, to the last character."""
    limits = Limits(answer_chars=10, speech_s=1, transcript_chars=10)
    gate = ModelGate(limits)
    for item in (Delta("12345"), Delta(""), Usage(1, 2), Delta("67890")):
        assert gate.checked(item) == item
    with pytest.raises(UpstreamError, match="answer_chars"):
        gate.checked(Delta("1"))
    speech = SpeechGate(limits, AudioFormat(8000))
    for _ in range(2):
        speech.checked(Speech(bytes(8000)))
    with pytest.raises(UpstreamError, match="speech_s"):
        speech.checked(Speech(bytes(2)))
    transcripts = TranscriptGate(limits)
    for transcript in (Transcript("1234567890", False), Transcript("12345", True), Transcript("67890", True)):
        assert transcripts.checked(transcript) == transcript
    with pytest.raises(UpstreamError, match="transcript_chars"):
        transcripts.checked(Transcript("1", True))
    assert MOST_TRANSCRIPTS > 110 * 100


def test_calls_have_a_bound_together() -> None:
    """A mebibyte in one, or in all."""
    gate = ModelGate(Limits())
    large = ToolCall("c", "write", {"text": "x" * 600_000})
    assert gate.checked(large) == large
    with pytest.raises(UpstreamError, match="with more than 1,048,576 bytes of arguments in all"):
        gate.checked(large)
    prose = ToolCall("c", "write", {"text": "x, " * 20_000})
    assert ModelGate(Limits()).checked(prose) == prose


def test_an_operator_may_want_no_bound() -> None:
    """Of speech, as of other times."""
    gate = SpeechGate(Limits(speech_s=math.inf), AudioFormat(8000))
    assert gate.checked(Speech(b"\0\0")) == Speech(b"\0\0")
