"""The library's door: a conversation without a socket, in virtual time."""

from __future__ import annotations

import threading
import time

import pytest
import trio
from trio.testing import MockClock

from voxint.core.agent import Agent, Limits
from voxint.core.conversation import open_conversation
from voxint.core.events import Ended, Event, Text, Voice
from voxint.core.reply import Reply
from voxint.core.settings import Settings
from voxint.core.stages import ModelOutput, Turn
from voxint.errors import RequestFailed, UpstreamError
from voxint.testing.stages import FOREVER, HEAR, ScriptedEars, ScriptedModel, ScriptedVoice

SILENT = Settings(require_tts=False)


async def events(reply: Reply) -> list[Event]:
    """Return all events of a reply."""
    return [event async for event in reply]


async def test_a_reply_is_read_event_by_event(autojump_clock: MockClock) -> None:
    """Text comes as it is written, then the end; the history holds both sides."""
    agent = Agent(llm=ScriptedModel.says("Hello. ", "How are you?", every=0.125))
    async with open_conversation(agent, SILENT) as conversation:
        assert await events(conversation.ask("Hi")) == [Text("Hello. "), Text("How are you?"), Ended(False)]
        assert [(e.user, e.reply, e.ending) for e in conversation.history] == [
            ("Hi", "Hello. How are you?", "complete")
        ]


async def test_a_reply_is_spoken(autojump_clock: MockClock) -> None:
    """With speech asked for, which is the default, the audio comes too, all of it."""
    agent = Agent(llm=ScriptedModel.says("Hello there."), tts=ScriptedVoice())
    async with open_conversation(agent) as conversation:
        heard = [event.audio for event in await events(conversation.ask("Hi")) if isinstance(event, Voice)]
    assert len(b"".join(heard)) == len("Hello there.") * 2000


async def test_interrupt_returns_the_receipt(autojump_clock: MockClock) -> None:
    """The receipt is there when the interrupt returns, and the reply's events end with the reason."""
    agent = Agent(llm=ScriptedModel("Well, ", FOREVER))
    async with open_conversation(agent, SILENT) as conversation:
        reply = conversation.ask("Hi")
        assert await anext(reply) == Text("Well, ")
        receipt = await reply.interrupt("USER_STOP")
        assert receipt is not None
        assert (receipt.reason, receipt.stages["llm"], receipt.text.heard) == ("USER_STOP", "closed", "Well, ")
        assert reply.receipt == receipt
        assert await events(reply) == [Ended(True, "USER_STOP")]


async def test_interrupting_all_returns_every_receipt(autojump_clock: MockClock) -> None:
    """`Conversation.interrupt` stops what is live; with nothing live it returns nothing."""
    async with open_conversation(Agent(llm=ScriptedModel(FOREVER)), SILENT) as conversation:
        assert await conversation.interrupt() == {}
        reply = conversation.ask("Hi")
        assert list(await conversation.interrupt()) == [reply.request_id]


async def test_asking_again_interrupts(autojump_clock: MockClock) -> None:
    """A new question takes the floor: the old reply ends with USER_NEW_INPUT, and the model sees what was heard."""
    model = ScriptedModel.turns(ScriptedModel("Well, ", FOREVER), ScriptedModel.says("Yes."))
    async with open_conversation(Agent(llm=model), SILENT) as conversation:
        first = conversation.ask("One?")
        assert await anext(first) == Text("Well, ")
        assert await conversation.ask("Two?").text() == "Yes."
        assert await events(first) == [Ended(True, "USER_NEW_INPUT")]
    said = [message.content for message in model.calls[1].given[0].messages]
    assert said == ["One?", "Well,  [interrupted by the user]", "Two?"]


async def test_a_voice_is_heard_while_it_speaks(autojump_clock: MockClock) -> None:
    """`listen` takes microphone audio without waiting; the reply answers its words."""
    agent = Agent(stt=ScriptedEars(HEAR, "what time is it"), llm=ScriptedModel.says("Noon."))
    async with open_conversation(agent, SILENT) as conversation:
        reply = conversation.listen()
        for _ in range(10):
            reply.send(bytes(3200))
        reply.end()
        assert await reply.text() == "Noon."
        assert [exchange.user for exchange in conversation.history] == ["what time is it"]


async def test_a_failed_reply_raises(autojump_clock: MockClock) -> None:
    """An upstream's failure is raised where the events are read, with the stage; the conversation goes on."""
    model = ScriptedModel.turns(ScriptedModel("Well, ", UpstreamError("it broke off")), ScriptedModel.says("Yes."))
    async with open_conversation(Agent(llm=model), SILENT) as conversation:
        reply = conversation.ask("One?")
        with pytest.raises(RequestFailed, match="it broke off") as raised:
            await reply.text()
        assert str(raised.value) == "upstream in llm: it broke off"
        assert raised.value.stage == "llm"
        assert raised.value.error_id
        with pytest.raises(RequestFailed, match="it broke off"):
            await anext(reply)
        assert await conversation.ask("Two?").text() == "Yes."


async def test_leaving_the_block_interrupts(autojump_clock: MockClock) -> None:
    """The end of the conversation stops what is live, at once."""
    model = ScriptedModel(FOREVER)
    async with open_conversation(Agent(llm=model), SILENT) as conversation:
        conversation.ask("Hi")
        await trio.sleep(1)
        assert model.running == 1
    assert model.running == 0


async def test_a_provider_without_a_thought_for_interruption_is_interrupted(autojump_clock: MockClock) -> None:
    """Nothing needs a cancel argument: whatever a stage awaits ends with the scope."""
    cleaned_up = []

    class Naive:
        async def generate(self, turn: Turn, out: trio.abc.SendChannel[ModelOutput]) -> None:
            try:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(trio.sleep_forever)
            finally:
                cleaned_up.append(trio.current_time())

    async with open_conversation(Agent(llm=Naive()), SILENT) as conversation:
        reply = conversation.ask("Hi")
        await trio.sleep(0.5)
        began = trio.current_time()
        assert await reply.interrupt() is not None
        assert cleaned_up == [began]


async def test_an_id_of_the_applications_own(autojump_clock: MockClock) -> None:
    """The application may name a reply; a name that is live already is refused, and the live one goes on."""
    async with open_conversation(Agent(llm=ScriptedModel.says("Yes.", every=0.5)), SILENT) as conversation:
        reply = conversation.ask("Hi", request_id="mine")
        with pytest.raises(ValueError, match="live already"):
            conversation.ask("Again", request_id="mine")
        assert await reply.text() == "Yes."


async def test_what_a_caller_may_not_do_is_no_error_of_the_wire(autojump_clock: MockClock) -> None:
    """There is no peer here: a call that can't be granted raises what a Python function raises."""
    limits = Limits(overruns=1, upload_ahead_s=1.0)
    async with open_conversation(Agent(llm=ScriptedModel(FOREVER, lingers=1.0), limits=limits)) as conversation:
        with pytest.raises(RuntimeError, match=r"no speech recognition: give Agent\(stt=\.\.\.\)"):
            conversation.listen()
        conversation.ask("Hi")
        await trio.sleep(0.125)
        await conversation.interrupt()
        with pytest.raises(RuntimeError, match="have not stopped yet"):
            conversation.ask("Hi")
    async with open_conversation(Agent(llm=ScriptedModel(), stt=ScriptedEars(FOREVER), limits=limits)) as conversation:
        reply = conversation.listen()
        reply.send(bytes(40_000))
        with pytest.raises(RequestFailed, match="too_large: speech recognition is 1 s behind the voice"):
            await reply.text()


async def test_a_voice_that_goes_on_after_an_interrupt_is_swallowed(autojump_clock: MockClock) -> None:
    """However long: nothing of it waits anywhere, and nothing is raised."""
    agent = Agent(llm=ScriptedModel(), stt=ScriptedEars(HEAR, FOREVER), limits=Limits(upload_ahead_s=1.0))
    async with open_conversation(agent) as conversation:
        reply = conversation.listen()
        reply.send(bytes(6_400))
        assert await reply.interrupt() is not None
        for _ in range(100):
            reply.send(bytes(64_000))
        reply.end()
        assert await events(reply) == [Ended(True, "USER_STOP")]


async def test_a_reply_has_one_reader_at_a_time(autojump_clock: MockClock) -> None:
    """A second task is told so, instead of waiting for events that the first one took; the first reads on."""
    async with open_conversation(Agent(llm=ScriptedModel(0.5, "Yes.")), SILENT) as conversation:
        reply = conversation.ask("Hi")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(reply.text)
            await trio.sleep(0.25)
            with pytest.raises(trio.BusyResourceError):
                await anext(reply)
        assert await events(reply) == []


async def test_interrupting_from_another_thread() -> None:
    """The documented way from another thread: `TrioToken.run_sync_soon` with the method that does not wait."""
    async with open_conversation(Agent(llm=ScriptedModel("Well, ", FOREVER)), SILENT) as conversation:
        reply = conversation.ask("Hi")
        token = trio.lowlevel.current_trio_token()
        thread = threading.Thread(target=lambda: token.run_sync_soon(reply.interrupt_nowait, "USER_STOP"))
        thread.start()
        with trio.fail_after(5):
            ended = (await events(reply))[-1]
        thread.join()
    assert ended == Ended(True, "USER_STOP")


async def test_an_interrupt_of_a_program_comes_when_it_calls() -> None:
    """In real time: what the program did before in the same step is no time of the interrupt's, and nothing is late."""
    async with open_conversation(Agent(llm=ScriptedModel("Well, ", FOREVER)), SILENT) as conversation:
        first = conversation.ask("Hi")
        await anext(first)
        time.sleep(0.3)  # noqa: ASYNC251 - a program that computes
        second = conversation.ask("And?")  # which interrupts too
        await anext(second)
        time.sleep(0.3)  # noqa: ASYNC251 - likewise
        interruption = second.interrupt_nowait()
        await interruption.stopped()
    assert interruption.read_late_ms is None
    for receipt in (first.receipt, second.receipt):
        assert receipt is not None
        assert receipt.read_late_ms is None
        assert receipt.stop_ms < 250
