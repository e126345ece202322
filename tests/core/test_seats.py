"""Seats: whoever finds none is refused at the door, and nothing of the request has begun."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
import trio

from voxint.core.agent import Agent, Limits
from voxint.core.conversation import Conversation, open_conversation
from voxint.core.settings import Settings
from voxint.errors import RequestFailed, RequestRefused
from voxint.testing.stages import FOREVER, HEAR, ScriptedEars, ScriptedModel, ScriptedVoice

pytestmark = pytest.mark.virtual_time

AT_ONCE = Limits(seat_kept_s=0)
"""No seat is kept behind an answer: it is free in the step in which the request ends."""

WRITTEN = Settings(require_tts=False)
FULL = r"^speech synthesis is serving as many callers as it can at once \({}\): try again in a moment$"


def talkative() -> ScriptedModel:
    """Return a model whose answer lasts."""
    return ScriptedModel("Once upon a time. ", 12.0, "The end.")


@asynccontextmanager
async def callers(agent: Agent, count: int, settings: Settings = Settings()) -> AsyncGenerator[list[Conversation]]:
    """Open so many conversations with one agent."""
    async with AsyncExitStack() as opened:
        yield [await opened.enter_async_context(open_conversation(agent, settings)) for _ in range(count)]


async def one_more_seat(refused: Conversation, room: Conversation) -> None:
    """Make sure that there was a seat for `room` and there is none for `refused`."""
    room.ask("Is there room?")
    with pytest.raises(RequestRefused):
        refused.ask("And for me?")


async def test_one_caller_too_many_is_refused_at_once_and_nothing_of_it_runs() -> None:
    """The others go on; who was refused tries again when one has ended, and is answered."""
    model, voice = talkative(), ScriptedVoice(seats=2)
    async with callers(Agent(llm=model, tts=voice, limits=AT_ONCE), 3) as (first, second, third):
        replies = [first.ask("Hi"), second.ask("Hi")]
        await trio.sleep(1)
        with pytest.raises(RequestRefused, match=FULL.format(2)) as raised:
            third.ask("Hi")
        assert (raised.value.kind, raised.value.limit, raised.value.retryable) == ("busy", "seats", True)
        await trio.sleep(1)
        assert (len(model.calls), model.running, voice.running) == (2, 2, 2)
        assert list(third.history) == []
        assert [await reply.text() for reply in replies] == ["Once upon a time. The end."] * 2
        assert await third.ask("Hi").text() == "Once upon a time. The end."


async def test_an_interrupt_frees_the_seat_in_the_step_in_which_the_scope_is_left() -> None:
    """Not when it is asked for, while the voice may still be at work, and no later than anybody hears of the end."""
    agent = Agent(llm=talkative(), tts=ScriptedVoice(seats=1, lingers=0.125), limits=AT_ONCE)
    async with callers(agent, 2) as (first, second):
        reply = first.ask("Hi")
        await trio.sleep(1)
        interruption = reply.interrupt_nowait()
        with pytest.raises(RequestRefused):
            second.ask("Hi")
        await interruption.stopped()
        second.ask("Hi")
        assert trio.current_time() == 1.125


async def test_an_overrun_keeps_its_seat_until_it_lets_go() -> None:
    """For everybody its request has ended; its voice is still at work."""
    agent = Agent(llm=talkative(), tts=ScriptedVoice(seats=1, lingers=2.0), limits=AT_ONCE)
    async with callers(agent, 2) as (first, second):
        reply = first.ask("Hi")
        await trio.sleep(1)
        receipt = await reply.interrupt()
        assert receipt is not None
        assert (receipt.stages["tts"], trio.current_time()) == ("overrun", 1.25)
        for asks in (first, second):  # nobody has a place that another could take over
            with pytest.raises(RequestRefused):
                asks.ask("Hi")
        await trio.sleep(1.875)
        second.ask("Hi")


async def test_who_speaks_already_is_never_refused() -> None:
    """A next request takes the seat of the one that it interrupts, also where that one then overruns."""
    voice = ScriptedVoice(seats=1, lingers=2.0)
    async with callers(Agent(llm=talkative(), tts=voice, limits=Limits(overruns=3, seat_kept_s=0)), 2) as (
        first,
        second,
    ):
        for _ in range(3):
            first.ask("Hi")
            await trio.sleep(0.5)
        assert (len(voice.calls), voice.running) == (3, 3)
        with pytest.raises(RequestRefused):
            second.ask("Hi")
        await first.interrupt()
        await trio.sleep(2.5)
        assert voice.running == 0
        await one_more_seat(first, second)


async def test_what_is_not_spoken_needs_no_seat() -> None:
    """An answer in text goes on while every voice is taken, and takes none from one that speaks."""
    async with callers(Agent(llm=talkative(), tts=ScriptedVoice(seats=1), limits=AT_ONCE), 3) as (first, second, third):
        third.settings = WRITTEN
        written = third.ask("Hi")
        first.ask("Hi")
        await trio.sleep(1)
        with pytest.raises(RequestRefused):
            second.ask("Hi")
        assert await written.text() == "Once upon a time. The end."


async def test_a_voice_request_needs_a_seat_of_both_and_takes_neither_alone() -> None:
    """All that it may need, when it begins: it would be refused in the middle otherwise."""
    ears, voice = ScriptedEars(HEAR, FOREVER, seats=2), ScriptedVoice(seats=1)
    async with callers(Agent(llm=talkative(), stt=ears, tts=voice, limits=AT_ONCE), 4) as (
        first,
        second,
        third,
        fourth,
    ):
        spoken = first.ask("Hi")
        with pytest.raises(RequestRefused, match=r"^speech synthesis "):
            second.listen()
        for silent in (second, third):
            silent.settings = WRITTEN
            silent.listen()
        fourth.settings = WRITTEN
        with pytest.raises(RequestRefused, match=r"^speech recognition is serving .* \(2\): try again in a moment$"):
            fourth.listen()
        await spoken.interrupt()
        with pytest.raises(RequestRefused, match=r"^speech recognition "):
            first.listen()
        await third.interrupt()
        first.listen()
        await trio.sleep(1)
        assert ears.running == 2


async def test_agents_with_one_voice_share_its_seats() -> None:
    """What is full is the voice, and not the agent: a program may make an agent for each call."""
    voice = ScriptedVoice(seats=1)
    async with (
        open_conversation(Agent(llm=talkative(), tts=voice, limits=AT_ONCE)) as first,
        open_conversation(Agent(llm=talkative(), tts=voice, limits=AT_ONCE)) as second,
        open_conversation(Agent(llm=talkative(), tts=ScriptedVoice(seats=1), limits=AT_ONCE)) as third,
    ):
        first.ask("Hi")
        third.ask("Hi")
        with pytest.raises(RequestRefused):
            second.ask("Hi")


async def test_a_failure_gives_the_seat_back() -> None:
    """As every end does: also the end of a conversation with what was live in it."""
    agent = Agent(
        llm=ScriptedModel.turns(ScriptedModel(ValueError("no")), talkative()),
        tts=ScriptedVoice(seats=1),
        limits=AT_ONCE,
    )
    async with open_conversation(agent) as first:
        with pytest.raises(RequestFailed):
            await first.ask("Hi").text()
        first.ask("Hi")
        await trio.sleep(1)
    async with callers(agent, 2) as (second, third):
        await one_more_seat(third, second)


class Measured(ScriptedVoice):
    """A voice that finds out what it carries while it runs."""

    def __init__(self, found: object) -> None:
        self.found = found
        super().__init__()

    def __getattribute__(self, name: str) -> object:
        """Answer what it has found out, or raise it."""
        if name != "seats":
            return super().__getattribute__(name)
        if isinstance(self.found, Exception):
            raise self.found
        return self.found


async def test_seats_are_read_whenever_a_request_begins() -> None:
    """An engine knows what it carries once it has been measured, and may lose a part of it."""
    voice = Measured(None)
    async with callers(Agent(llm=talkative(), tts=voice, limits=AT_ONCE), 4) as (first, second, third, fourth):
        first.ask("Hi")
        voice.found = 2
        second.ask("Hi")
        with pytest.raises(RequestRefused, match=FULL.format(2)):
            third.ask("Hi")
        voice.found = 3
        third.ask("Hi")
        voice.found = 1
        with pytest.raises(RequestRefused, match=FULL.format(1)):
            fourth.ask("Hi")
        first.ask("Again")


WRITE = "write how many callers it serves at once, 1 or more; None for no bound"


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (0, f"Measured has 0 as its `seats`: {WRITE}"),
        (-1, f"Measured has -1 as its `seats`: {WRITE}"),
        (True, f"Measured has a bool as its `seats`: {WRITE}"),
        (2.0, f"Measured has a float as its `seats`: {WRITE}"),
        ("2", f"Measured has a str as its `seats`: {WRITE}"),
        (RuntimeError("persimmon"), "Measured.seats raised RuntimeError when it was read, at "),
    ],
)
async def test_what_is_no_number_of_callers_is_the_providers_fault(found: object, told: str) -> None:
    """When the agent is made; and where it is said later, of the one request that meets it, which nobody else hears."""
    with pytest.raises(TypeError) as raised:
        Agent(llm=talkative(), tts=Measured(found))
    assert str(raised.value).startswith(f"Agent.tts: {told}")
    voice = Measured(2)
    async with callers(Agent(llm=talkative(), tts=voice, limits=AT_ONCE), 2) as (first, second):
        goes_on = first.ask("Hi")
        voice.found = found
        failed = second.ask("Hi")
        with pytest.raises(RequestFailed) as failure:
            await failed.text()
        assert (failure.value.stage, failure.value.retryable) == ("tts", False)
        assert failure.value.message == "the synthesizer can't be called; tell the operator of this service"
        assert failure.value.detail.startswith(told)
        voice.found = 2
        assert await goes_on.text() == "Once upon a time. The end."
        assert await second.ask("Hi").text() == "Once upon a time. The end."


def test_ears_that_say_no_number_are_told_when_the_agent_is_made() -> None:
    """As a voice is."""
    with pytest.raises(TypeError, match=r"^Agent\.stt: ScriptedEars has 0 as its `seats`: write"):
        Agent(llm=talkative(), stt=ScriptedEars(seats=0))


async def test_a_seat_is_kept_through_a_pause_of_the_conversation() -> None:
    """Who was answered lately is answered again, and a newcomer is let in when the pause has lasted for too long."""
    agent = Agent(llm=ScriptedModel.says("Yes."), tts=ScriptedVoice(seats=1), limits=Limits(seat_kept_s=4.0))
    async with callers(agent, 2) as (first, second):
        for _ in range(3):
            await first.ask("Hi").text()
            ended = trio.current_time()
            await trio.sleep(3.5)
            with pytest.raises(RequestRefused, match=FULL.format(1)):
                second.ask("Hi")
        await trio.sleep_until(ended + 4)
        assert await second.ask("Hi").text() == "Yes."
        with pytest.raises(RequestRefused, match=FULL.format(1)):
            first.ask("Hi")


async def test_who_leaves_gives_the_seat_to_the_next_at_once() -> None:
    """Nothing is kept for a conversation that is over."""
    agent = Agent(llm=ScriptedModel.says("Yes."), tts=ScriptedVoice(seats=1))
    async with open_conversation(agent) as stays:
        async with open_conversation(agent) as leaves:
            await leaves.ask("Hi").text()
            with pytest.raises(RequestRefused, match=FULL.format(1)):
                stays.ask("Hi")
        assert await stays.ask("Hi").text() == "Yes."
