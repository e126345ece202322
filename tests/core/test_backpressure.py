"""What a client that does not read, or a stage that does not stop writing, can make wait: a bounded lot."""

from __future__ import annotations

import pytest
import trio

from tests.talk import SPOKEN, talk_with
from voxint.core.agent import Agent
from voxint.core.pieces import PIECE_SIZE, ROOM
from voxint.core.stages import ToolCall, Transcript
from voxint.protocol.messages import TranscriptMessage
from voxint.testing.stages import FOREVER, HEAR, REPEAT, ScriptedEars, ScriptedModel, ScriptedVoice

pytestmark = pytest.mark.virtual_time

WORD = "word "


async def test_a_flood_of_text_stops_at_a_writer_that_does_not_read() -> None:
    """The model waits at `ROOM`; what waits is one frame; an interrupt still goes through at once."""
    model = ScriptedModel(WORD, REPEAT)
    async with talk_with(Agent(llm=model)) as talk:
        await trio.sleep(0.5)
        talk.stop_reading()
        talk.ask("r1")
        await trio.sleep(5)
        assert model.calls[0].written <= ROOM / len(WORD) + 2
        assert len(talk.connection.listener) == 1
        talk.interrupt()
        talk.read_on()
        await trio.sleep(1)
    assert model.calls[0].cancelled == 5.5
    assert talk.text_of("r1") == ""
    assert talk.acks[0].outcomes == {"r1": "stopped"}


async def test_a_flood_goes_on_when_the_writer_reads_on() -> None:
    """Nothing is lost and nothing is out of order; the checker looks at the sequence numbers."""
    model = ScriptedModel(*(f"{number} " for number in range(20_000)))
    async with talk_with(Agent(llm=model)) as talk:
        await trio.sleep(0.5)
        talk.stop_reading()
        talk.ask("r1")
        await trio.sleep(1)
        talk.read_on()
        await trio.sleep(1)
    assert talk.text_of("r1") == "".join(f"{number} " for number in range(20_000))


async def test_a_flood_of_calls_stops_too() -> None:
    """A function call waits for room like any text."""
    model = ScriptedModel(ToolCall("c1", "sing"), REPEAT)
    async with talk_with(Agent(llm=model)) as talk:
        await trio.sleep(0.5)
        talk.stop_reading()
        talk.ask("r1")
        await trio.sleep(5)
        assert model.calls[0].written <= ROOM / PIECE_SIZE + 2
        assert len(talk.connection.listener) <= ROOM / PIECE_SIZE + 1


async def test_a_flood_of_transcripts_stops_too() -> None:
    """A recogniser that revises itself without end waits for room."""
    ears = ScriptedEars(Transcript("words", is_final=False), REPEAT)
    async with talk_with(Agent(llm=ScriptedModel(), stt=ears), features=("transcripts",)) as talk:
        await trio.sleep(0.5)
        talk.stop_reading()
        talk.begin("r1")
        await trio.sleep(5)
        assert ears.calls[0].written <= ROOM / (PIECE_SIZE + 5) + 2


async def test_audio_stops_at_a_writer_that_does_not_read() -> None:
    """A second of audio waits for the listener, one before it; then the synthesizer waits, then the model."""
    model, voice = ScriptedModel("Another sentence is said. ", REPEAT), ScriptedVoice()
    async with talk_with(Agent(llm=model, tts=voice), SPOKEN) as talk:
        await trio.sleep(0.5)
        talk.stop_reading()
        talk.ask("r1")
        await trio.sleep(8)
        assert voice.calls[0].written * 0.125 < 3
        assert model.calls[0].written < 80  # 32 pieces of two sentences, and what is being spoken


async def test_a_stage_that_only_writes_lets_others_run() -> None:
    """A flood that is read at once leaves room for another client's answer, and for its own interrupt."""
    flood = Agent(llm=ScriptedModel(WORD, REPEAT))
    async with talk_with(flood) as talk, talk_with(Agent(llm=ScriptedModel("Yes?"))) as other:
        talk.ask("r1")
        other.ask("r1")
        for _ in range(50):
            await trio.lowlevel.checkpoint()
        assert other.text_of("r1") == "Yes?"
        talk.interrupt()
        await trio.sleep(1)
    assert talk.acks[0].outcomes == {"r1": "stopped"}


async def test_transcripts_are_shown_to_who_asked_for_them() -> None:
    """Partial ones and final ones, in order, before the answer; a client of 1.0 sees none."""
    script = (Transcript("what", is_final=False), HEAR, "what time", "is it?")
    for features, shown in (("transcripts",), 3), ((), 0):
        agent = Agent(llm=ScriptedModel("Late. ", FOREVER), stt=ScriptedEars(*script))
        async with talk_with(agent, features=features) as talk:
            talk.begin("r1")
            talk.speak(0.5)
            talk.end("r1")
            await trio.sleep(1)
        told = [frame for _, frame in talk.frames if isinstance(frame, TranscriptMessage)]
        assert [(frame.text, frame.is_final) for frame in told] == [
            ("what", False),
            ("what time", True),
            ("is it?", True),
        ][:shown]
        assert talk.history[0][0] == "what time is it?"


async def test_the_last_transcript_is_shown_where_nothing_was_understood() -> None:
    """It came in the step in which the request ended."""
    script = (HEAR, Transcript("hm", is_final=False), Transcript("", is_final=True))
    agent = Agent(llm=ScriptedModel(), stt=ScriptedEars(*script))
    async with talk_with(agent, features=("transcripts",)) as talk:
        talk.begin("r1")
        talk.speak(0.5)
        talk.end("r1")
        await trio.sleep(1)
    told = [frame for _, frame in talk.frames if isinstance(frame, TranscriptMessage)]
    assert [(frame.text, frame.is_final) for frame in told] == [("hm", False), ("", True)]
    assert talk.frames_of("r1")[-1].text_stream_seq == -1
