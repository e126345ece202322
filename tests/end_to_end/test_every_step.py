"""Interrupt a request before every single step that any of its tasks takes, and see every promise kept.

In virtual time a request takes the same steps in each run, so a sweep over their number meets every state there is:
before a stage has begun, between two tokens, inside a clean-up, in the step in which the answer ends by itself.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
import trio
from attrs import define
from trio.testing import MockClock

from tests.talk import SPOKEN, Talk, open_talk
from voxint.core.agent import Agent
from voxint.protocol.messages import Response
from voxint.testing.stages import HEAR, ScriptedEars, ScriptedModel, ScriptedVoice

UNREACHED = 10_000
"""A request of this test takes some hundred steps."""

ANSWERED_S = 20.0
"""Virtual seconds in which every answer has come to its end."""


@define(eq=False)
class AtStep(trio.abc.Instrument):
    """Calls `act` before the step of that number, counted from `begin`; then only counts on."""

    number: int
    act: Callable[[], None]
    counting: bool = False
    steps: int = 0

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        """Count the step, and act before it if it is the one."""
        if self.counting:
            if self.steps == self.number:
                self.act()
            self.steps += 1


def make_agent() -> Agent:
    """Return an agent that understands half a second of voice and answers in two sentences."""
    return Agent(
        stt=ScriptedEars(HEAR, 0.125, "tell me about the sea"),
        llm=ScriptedModel.says("The sea ", "is wide and very deep. ", "It is ", "also cold and salty.", every=0.125),
        tts=ScriptedVoice(every=0.03125),
    )


async def voice_request(talk: Talk) -> None:
    """Ask by voice, and hear the answer to its end."""
    talk.begin("r1")
    for _ in range(4):
        await trio.sleep(0.125)
        talk.speak(0.125)
    talk.end("r1")


async def text_request(talk: Talk) -> None:
    """Ask in text."""
    talk.ask("r1")


Ask = Callable[[Talk], Awaitable[None]]


async def ask_and_interrupt(ask: Ask, number: int, *, behind: bool) -> AtStep:
    """Interrupt before step `number` of a request; return how many steps there were.

    Args:
        ask: `voice_request` or `text_request`.
        number: The step.
        behind: Whether the next request comes right behind the interrupt.
    """
    async with open_talk(make_agent()) as talk:
        talk.register(SPOKEN, features=("transcripts", "marks"))

        def interrupt() -> None:
            talk.interrupt("r1")
            if behind:
                talk.ask("r2")

        at_step = AtStep(number, interrupt)
        trio.lowlevel.add_instrument(at_step)
        at_step.counting = True
        await ask(talk)
        await trio.sleep(ANSWERED_S)
        at_step.counting = False
        trio.lowlevel.remove_instrument(at_step)
        await trio.sleep(ANSWERED_S)
        if number < at_step.steps:
            check(talk, behind=behind)
    return at_step


def check(talk: Talk, *, behind: bool) -> None:
    """Look at what the client read; `open_talk` has checked the order of frames and that no task is left."""
    (ack,) = talk.acks
    finals = [frame for frame in talk.frames_of("r1") if frame.text_stream_seq == -1]
    outcome = ack.outcomes["r1"]
    if outcome == "not_found":  # the interrupt came before its request, which then starts nothing
        assert [frame.text_stream_seq for frame in talk.frames_of("r1")] == [-1]
    assert outcome in ("stopped", "already_finished", "not_found")
    assert len(finals) == 1
    assert finals[0].interrupted == (outcome != "already_finished")
    if outcome == "stopped":
        assert "overrun" not in ack.receipts["r1"].stages.values()
    if behind:
        assert talk.text_of("r2") == "The sea is wide and very deep. It is also cold and salty."
    talk.checker.settled()


@pytest.mark.parametrize("behind", [False, True], ids=["alone", "next right behind"])
@pytest.mark.parametrize("ask", [text_request, voice_request], ids=["text", "voice"])
def test_every_step(ask: Ask, behind: bool) -> None:
    """Whatever instant the interrupt meets: one final, one acknowledgement, silence, no task left, the next unhurt."""

    def run(number: int) -> int:
        clock = MockClock(autojump_threshold=0)
        return trio.run(lambda: ask_and_interrupt(ask, number, behind=behind), clock=clock).steps

    steps = run(UNREACHED)
    assert steps > 60
    for number in range(steps):
        try:
            run(number)
        except BaseException as error:
            error.add_note(f"the interrupt came before step {number} of {steps}")
            raise


def test_an_uninterrupted_request_ends_by_itself() -> None:
    """The request of the sweep, left alone, is answered whole: the sweep interrupts something real."""

    async def main() -> None:
        async with open_talk(make_agent()) as talk:
            talk.register(SPOKEN)
            await voice_request(talk)
            await trio.sleep(20)
            assert talk.text_of("r1") == "The sea is wide and very deep. It is also cold and salty."
            assert isinstance(talk.frames[-1][1], Response)
            assert not talk.frames_of("r1")[-1].interrupted

    trio.run(main, clock=MockClock(autojump_threshold=0))
