"""Interrupted at any instant: whatever the request is doing, the seven promises hold. The checker reads every frame."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable

import pytest
import trio

from tests.talk import SPOKEN, Talk, talk_with
from voxint.core.agent import Agent
from voxint.core.stages import ToolCall
from voxint.testing.stages import HEAR, SPEAK, ScriptedEars, ScriptedModel, ScriptedVoice

pytestmark = pytest.mark.virtual_time

WORDS = ("It is half past nine. ", "The museum ", "opens at ten. ", "Do come in.")


def busy_agent() -> Agent:
    """Return an agent whose stages all take their time, and some for their clean-up."""
    script = [step for word in WORDS for step in (0.125, word)]
    return Agent(
        llm=ScriptedModel(*script, ToolCall("c1", "sing"), lingers=0.0625),
        stt=ScriptedEars(0.125, HEAR, 0.125, "what time is it?", 0.125, lingers=0.125),
        tts=ScriptedVoice(0.125, SPEAK, every=0.0625, rate=24_000),
    )


async def converse(talk: Talk, wait: Callable[[], Awaitable[None]]) -> None:
    """Ask by voice, interrupt when `wait` is over, ask again right behind, and let everything end."""
    talk.begin("r1")
    talk.speak(0.5)
    talk.end("r1")
    await wait()
    talk.interrupt("r1")
    talk.ask("r2")
    await trio.sleep(10)
    talk.interrupt()
    await trio.sleep(1)
    talk.checker.settled()
    assert talk.text_of("r2") == "".join(WORDS)
    assert talk.errors == []
    first, second = talk.acks
    assert first.outcomes.keys() == {"r1"}
    assert set(first.outcomes.values()) <= {"stopped", "already_finished"}
    assert second.status == "FAILED"
    said = [reply for user, reply, _ in talk.history if user == "what time is it?"]
    assert all("".join(WORDS).startswith(reply) for reply in said)


@pytest.mark.parametrize("sixteenths", range(0, 80, 3))
async def test_interrupted_at_any_time(sixteenths: int) -> None:
    """During the upload, recognition, the first token, speech, playout, and after it."""
    async with talk_with(busy_agent(), SPOKEN, features=("transcripts", "marks")) as talk:
        await converse(talk, functools.partial(trio.sleep, sixteenths / 16))


@pytest.mark.parametrize("steps", range(30))
async def test_interrupted_at_any_step(steps: int) -> None:
    """A stage that is as fast as can be passes through all its states in a few scheduler steps; none is too early."""
    agent = Agent(llm=ScriptedModel(*WORDS), stt=ScriptedEars.hears("what time is it?"), tts=ScriptedVoice())

    async def take_steps() -> None:
        for _ in range(steps):
            await trio.lowlevel.checkpoint()

    async with talk_with(agent, SPOKEN) as talk:
        await converse(talk, take_steps)
