from __future__ import annotations

from typing import Any

import pytest
import trio
from structlog.testing import capture_logs

from voxint.core.agent import Agent
from voxint.core.conversation import open_conversation
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


async def warnings(agent: Agent, *, asked: int = 1, voice: bool = False) -> list[tuple[str, str, str]]:
    """Return what was told of the agent's stages: the stage, its class, and the consequence."""
    with capture_logs() as lines:
        for _ in range(asked):
            async with open_conversation(agent) as conversation:
                reply = conversation.listen() if voice else conversation.ask("Well?")
                if voice:
                    reply.end()  # type: ignore[attr-defined]  # it is one that listens
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
    assert await warnings(Agent(llm=ScriptedModel(SAYS[0]), tts=_Hasty())) == []  # there was no more


async def test_a_voice_without_audio_is_told() -> None:
    """It has read its text, and nobody hears anything."""
    [(stage, provider, what)] = await warnings(Agent(llm=ScriptedModel(*SAYS), tts=_Mute()))
    assert (stage, provider) == ("tts", "_Mute")
    assert what == "it wrote no audio for its text: nothing of the answer is heard"


async def test_a_voice_that_never_says_what_it_speaks_is_told() -> None:
    """Also where it was interrupted, which is when it matters: what was heard is a guess then."""
    [(stage, provider, what)] = await warnings(Agent(llm=ScriptedModel(*SAYS), tts=_Nameless()))
    assert (stage, provider) == ("tts", "_Nameless")
    assert "what was heard of an interrupted answer" in what
    with capture_logs() as lines:
        agent = Agent(llm=ScriptedModel(*SAYS, FOREVER), tts=_Nameless())
        async with open_conversation(agent) as conversation:
            conversation.ask("Well?")
            await trio.sleep(1)
            await conversation.interrupt()
    assert [line["provider"].rpartition(".")[2] for line in lines] == ["_Nameless"]


async def test_a_recogniser_that_leaves_its_words_unsettled_is_told() -> None:
    """They are not answered, and the request ends without a word."""
    agent = Agent(llm=ScriptedModel("Yes."), stt=ScriptedEars(HEAR, Transcript("what time", is_final=False)))
    [(stage, provider, what)] = await warnings(agent, voice=True)
    assert (stage, provider) == ("stt", "ScriptedEars")
    assert what == "it returned with words that are not final (`is_final`): they are not answered"


async def test_it_is_told_once_of_each_stage_of_an_agent() -> None:
    """Not at every request, however many conversations there are; another agent is another one."""
    assert len(await warnings(Agent(llm=ScriptedModel()), asked=3)) == 1
    both = Agent(llm=ScriptedModel.turns(ScriptedModel(), ScriptedModel(*SAYS)), tts=_Nameless())
    assert [stage for stage, _, _ in await warnings(both, asked=3)] == ["llm", "tts"]


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
