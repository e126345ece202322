from __future__ import annotations

from typing import Any

import pytest
import trio
from attrs import evolve
from structlog.testing import capture_logs

from voxint.core.agent import Agent
from voxint.core.conversation import open_conversation
from voxint.core.omissions import LINE_EVERY_S
from voxint.core.stages import Speech, Thinking, ToolCall, Transcript, Usage
from voxint.testing.stages import FOREVER, HEAR, ScriptedEars, ScriptedModel, ScriptedVoice

pytestmark = pytest.mark.virtual_time

SAYS = ("The sea is wide. ", "The sea is deep. ")


class _Nameless(ScriptedVoice):
    """A voice that never says what it speaks."""

    async def synthesize(self, text: Any, out: Any) -> None:
        async for _ in text:
            await out.send(Speech(bytes(3200)))


class _Hasty(ScriptedVoice):
    """A voice that returns after its first piece."""

    async def synthesize(self, text: Any, out: Any) -> None:
        await out.send(Speech(bytes(3200), await text.receive()))


class _Mute(ScriptedVoice):
    """A voice that reads all and says nothing."""

    async def synthesize(self, text: Any, out: Any) -> None:
        async for piece in text:
            await out.send(Speech(b"", piece))


async def warnings(
    agent: Agent, *, asked: int = 1, voice: bool = False, audio: bytes = bytes(3200)
) -> list[tuple[str, str, str]]:
    """Return what was told of the agent's stages: the stage, its class, and the consequence."""
    with capture_logs() as lines:
        for _ in range(asked):
            async with open_conversation(agent) as conversation:
                reply = conversation.listen() if voice else conversation.ask("Well?")
                if voice:
                    reply.send(audio)  # type: ignore[attr-defined]  # it is one that listens
                    reply.end()  # type: ignore[attr-defined]  # likewise
                await reply.text()
    told = [line for line in lines if line["event"] == "a stage leaves something out"]
    assert all(line["log_level"] == "warning" and line["req_id"] and line["session_id"] for line in told)
    return [(line["stage"], line["provider"].rpartition(".")[2], line["what"]) for line in told]


@pytest.mark.parametrize("script", [(), ("",), (Usage(3, 0),), ("", 0.5)])
async def test_a_model_that_returns_without_a_word_is_told(script: tuple[Any, ...]) -> None:
    """The answer is empty, and somebody will look for it in the client."""
    [(stage, provider, what)] = await warnings(Agent(llm=ScriptedModel(*script)))
    assert (stage, provider) == ("llm", "ScriptedModel")
    assert what.startswith("it returned without a word: the answer is empty")


async def test_a_model_that_only_thinks_has_said_nothing() -> None:
    """A sign of life is no word; a function call is an answer."""

    class Thinks:
        async def generate(self, turn: Any, out: Any) -> None:
            await out.send(Thinking())

    assert len(await warnings(Agent(llm=Thinks()))) == 1
    assert await warnings(Agent(llm=ScriptedModel(ToolCall("c", "look", {})))) == []


async def test_a_voice_that_returns_early_is_told() -> None:
    """What it has not read is never spoken, while text and history have it."""
    [(stage, provider, what)] = await warnings(Agent(llm=ScriptedModel(*SAYS), tts=_Hasty()))
    assert (stage, provider) == ("tts", "_Hasty")
    assert what == "it returned before it had read all of its text: the rest of the answer is not spoken"


async def test_a_voice_that_has_read_all_there_was_left_nothing_out() -> None:
    """It did not wait for the end of its text, behind which there was nothing."""
    assert await warnings(Agent(llm=ScriptedModel(SAYS[0]), tts=_Hasty())) == []


async def test_a_voice_without_audio_is_told() -> None:
    """It has read its text, and nobody hears anything."""
    [(stage, provider, what)] = await warnings(Agent(llm=ScriptedModel(*SAYS), tts=_Mute()))
    assert (stage, provider) == ("tts", "_Mute")
    assert what == "it wrote no audio for its text: nothing of the answer is heard"


async def test_a_voice_that_never_says_what_it_speaks_is_told() -> None:
    """What was heard of an interrupted answer is a guess then."""
    [(stage, provider, what)] = await warnings(Agent(llm=ScriptedModel(*SAYS), tts=_Nameless()))
    assert (stage, provider) == ("tts", "_Nameless")
    assert "what was heard of an interrupted answer" in what


@pytest.mark.parametrize(("chunk_ms", "told"), [(100, False), (1000, True)])
async def test_a_voice_that_was_interrupted_is_told_of_where_it_is_sure(chunk_ms: int, told: bool) -> None:
    """It may have begun with a breath, and was going to say what it speaks; no breath lasts longer than a second."""

    class Breathes(ScriptedVoice):
        async def synthesize(self, text: Any, out: Any) -> None:
            first = await text.receive()
            for _ in range(2):
                await out.send(Speech(bytes(32 * chunk_ms)))
            await trio.sleep(2)
            await out.send(Speech(bytes(3200), first))

    with capture_logs() as lines:
        agent = Agent(llm=ScriptedModel(*SAYS, FOREVER), tts=Breathes(rate=16_000))
        async with open_conversation(agent) as conversation:
            conversation.ask("Well?")
            await trio.sleep(1.9)
            await conversation.interrupt()
    assert [line["provider"].rpartition(".")[2] for line in lines] == ["Breathes"] * told


async def test_a_recogniser_that_leaves_its_words_unsettled_is_told() -> None:
    """They are not answered, and the request ends without a word."""
    agent = Agent(llm=ScriptedModel("Yes."), stt=ScriptedEars(HEAR, Transcript("what time", is_final=False)))
    [(stage, provider, what)] = await warnings(agent, voice=True)
    assert (stage, provider) == ("stt", "ScriptedEars")
    assert what == "it returned with words that are not final (`is_final`): they are not answered"


@pytest.mark.parametrize("heard", [True, False])
async def test_a_recogniser_without_a_final_transcript_is_told(heard: bool) -> None:
    """Nothing is answered, and nobody knows why; where there was no audio, there was nothing to understand."""
    agent = Agent(llm=ScriptedModel("Yes."), stt=ScriptedEars(HEAR))
    told = await warnings(agent, voice=True, audio=bytes(3200 * heard))
    assert [(stage, provider) for stage, provider, _ in told] == [("stt", "ScriptedEars")] * heard
    assert all(what.startswith("it returned without a final transcript: nothing is answered") for *_, what in told)


async def test_a_recogniser_that_says_that_nothing_was_said_left_nothing_out() -> None:
    """An empty final transcript is its word for that; beside it the words of others are joined as ever."""
    nothing = Transcript("", is_final=True)
    assert await warnings(Agent(llm=ScriptedModel("Yes."), stt=ScriptedEars(HEAR, nothing)), voice=True) == []
    model = ScriptedModel("Yes.")
    await warnings(Agent(llm=model, stt=ScriptedEars(HEAR, nothing, "Hi", nothing, "there")), voice=True)
    assert model.calls[0].given[0].messages[-1].content == "Hi there"


class _Returns(ScriptedVoice):
    """Each stage at once, which returns what it should write."""

    def __init__(self, value: object) -> None:
        super().__init__()
        self.value: Any = value

    async def transcribe(self, audio: Any, out: Any) -> Any:
        return self.value

    async def generate(self, turn: Any, out: Any) -> Any:
        return self.value

    async def synthesize(self, text: Any, out: Any) -> Any:
        return self.value


@pytest.mark.parametrize("stage", ["stt", "llm", "tts"])
async def test_a_value_that_is_returned_is_told_with_what_to_write(stage: str) -> None:
    """Its type, never itself; and nothing is said of the words that are missing, since that is why."""
    wrong: Any = {stage: _Returns("persimmon")}
    told = await warnings(Agent(**{"llm": ScriptedModel(*SAYS)} | wrong), voice=stage == "stt")
    method, writes = {
        "stt": ("transcribe", "Transcript(text, True)"),
        "llm": ("generate", "Delta(text)"),
        "tts": ("synthesize", "Speech(audio, piece)"),
    }[stage]
    what = f"_Returns.{method} returned a str, which is thrown away: write each piece with `await out.send({writes})`"
    assert told == [(stage, "_Returns", what)]


async def test_it_is_told_once_in_a_while_of_each_omission_of_a_class() -> None:
    """Not at every request, however many conversations and agents there are; but on the second day again."""
    silent = Agent(llm=ScriptedModel())
    assert len(await warnings(silent, asked=3)) == 1
    assert await warnings(evolve(silent, prompt="Be brief."), asked=1) == []
    both = Agent(llm=ScriptedModel.turns(ScriptedModel(), ScriptedModel(*SAYS)), tts=_Nameless())
    assert [stage for stage, _, _ in await warnings(both, asked=3)] == ["tts"]
    await trio.sleep(LINE_EVERY_S)
    with capture_logs() as lines:
        async with open_conversation(silent) as conversation:
            await conversation.ask("Well?").text()
    assert [(line["stage"], line["more"]) for line in lines] == [("llm", 4)]


async def test_what_was_interrupted_or_has_failed_left_nothing_out() -> None:
    """It had no time to."""
    with capture_logs() as lines:
        async with open_conversation(Agent(llm=ScriptedModel(FOREVER), tts=ScriptedVoice())) as conversation:
            conversation.ask("Well?")
            await trio.sleep(1)
            await conversation.interrupt()
    assert lines == []


async def test_stages_that_do_as_they_should_leave_no_line() -> None:
    """Text, speech and its text, a settled transcript."""
    agent = Agent(llm=ScriptedModel(*SAYS), tts=ScriptedVoice(), stt=ScriptedEars.hears("what time is it"))
    assert await warnings(agent, voice=True) == []
