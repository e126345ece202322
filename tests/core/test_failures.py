"""What ends a request that nobody interrupted: silence, errors, and stages that misbehave on their way out."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from attrs import frozen

from tests.talk import SPOKEN, talk_with
from voxint.core.agent import Agent, Limits
from voxint.core.stages import ModelOutput, Speech, ToolCall, Turn
from voxint.errors import UpstreamError, UpstreamTimeout
from voxint.protocol.messages import FunctionCall
from voxint.testing.stages import FOREVER, HEAR, REPEAT, SPEAK, ScriptedEars, ScriptedModel, ScriptedVoice

pytestmark = pytest.mark.virtual_time


@pytest.mark.parametrize(
    ("agent", "stage", "after_s"),
    [
        (Agent(llm=ScriptedModel(FOREVER)), "llm", 30),
        (Agent(llm=ScriptedModel(4.0, "Well, ", FOREVER)), "llm", 19),
        (Agent(llm=ScriptedModel("Well, ", 8.0, REPEAT)), None, 110),
        (Agent(llm=ScriptedModel("Well then. "), tts=ScriptedVoice(FOREVER)), "tts", 15),
        (Agent(llm=ScriptedModel("Well then. "), tts=ScriptedVoice(2.0, SPEAK, FOREVER)), "tts", 12),
    ],
    ids=["first token", "token stall", "whole request", "first audio", "audio stall"],
)
async def test_silence_ends_a_request(agent: Agent, stage: str | None, after_s: float) -> None:
    """A stage that delivers nothing in its time is named in a REQUEST_TIMEOUT, at exactly that time."""
    async with talk_with(agent, SPOKEN) as talk:
        talk.ask("r1")
        await trio.sleep(120)
    [error] = talk.errors
    assert (error.error_code, error.stage, error.request_id) == ("REQUEST_TIMEOUT", stage, "r1")
    assert error.retryable
    assert talk.ended_at("r1") == after_s


@pytest.mark.parametrize(("script", "after_s"), [((HEAR, FOREVER), 20), ((HEAR, 5.0, "partly", FOREVER), 25)])
async def test_a_transcript_is_bounded_from_the_end_of_the_upload(
    script: tuple[str | float, ...], after_s: float
) -> None:
    """Each piece of the transcript renews the time."""
    async with talk_with(Agent(llm=ScriptedModel(), stt=ScriptedEars(*script))) as talk:
        talk.begin("r1")
        await trio.sleep(8)
        talk.speak(2.0)
        await trio.sleep(8)
        talk.end("r1")
        await trio.sleep(60)
    assert (talk.errors[0].error_code, talk.errors[0].stage) == ("REQUEST_TIMEOUT", "stt")
    assert talk.ended_at("r1") == 16 + after_s


async def test_an_upload_that_falls_silent_is_given_up() -> None:
    """15 s without audio: existing clients leave uploads behind."""
    async with talk_with(Agent(llm=ScriptedModel(), stt=ScriptedEars.hears("hello"))) as talk:
        talk.begin("r1")
        await trio.sleep(8)
        talk.speak(2.0)
        await trio.sleep(60)
    assert (talk.errors[0].error_code, talk.errors[0].stage) == ("REQUEST_TIMEOUT", None)
    assert talk.ended_at("r1") == 8 + 15


@pytest.mark.parametrize(
    ("fault", "code", "words"),
    [
        (ValueError("the user said: my PIN is 1234"), "UPSTREAM_ERROR", "the provider raised ValueError"),
        (ExceptionGroup("many", [OSError("1234")]), "UPSTREAM_ERROR", "the provider raised OSError"),
        (UpstreamError("status 429: slow down"), "UPSTREAM_ERROR", "status 429: slow down"),
        (UpstreamTimeout("no connection in 5 s"), "REQUEST_TIMEOUT", "no connection in 5 s"),
    ],
)
async def test_whatever_a_stage_raises_ends_its_request_alone(fault: Exception, code: str, words: str) -> None:
    """The ERROR names the stage and repeats nothing that was not written for the client; the next request is fine."""
    model = ScriptedModel.turns(ScriptedModel("Well, ", 0.5, fault), ScriptedModel("Yes?"))
    async with talk_with(Agent(llm=model)) as talk:
        talk.ask("r1")
        await trio.sleep(1)
        talk.ask("r2")
        await trio.sleep(1)
    [error] = talk.errors
    assert (error.error_code, error.error_msg, error.stage, error.request_id) == (code, words, "llm", "r1")
    assert talk.text_of("r2") == "Yes?"


@pytest.mark.parametrize("fault", [ValueError("no"), ExceptionGroup("many", [OSError("no")])])
async def test_an_error_raised_by_a_clean_up_changes_nothing(fault: Exception) -> None:
    """A stage that answers its cancellation with an error was interrupted all the same."""
    async with talk_with(Agent(llm=ScriptedModel("Well, ", FOREVER, breaks=fault))) as talk:
        talk.ask("r1")
        await trio.sleep(1)
        talk.interrupt("r1")
        await trio.sleep(1)
    assert talk.acks[0].outcomes == {"r1": "stopped"}
    assert talk.errors == []


async def test_an_error_raised_beside_a_cancellation_changes_nothing() -> None:
    """A stage with a nursery of its own can raise both at once."""

    class Torn:
        async def generate(self, turn: Turn, out: trio.abc.SendChannel[ModelOutput]) -> None:
            async def break_on_cancel() -> None:
                try:
                    await trio.sleep_forever()
                finally:
                    raise OSError("torn")

            async with trio.open_nursery() as nursery:
                nursery.start_soon(break_on_cancel)
                await trio.sleep_forever()

    async with talk_with(Agent(llm=Torn())) as talk:
        talk.ask("r1")
        await trio.sleep(1)
        talk.interrupt("r1")
        await trio.sleep(1)
    assert talk.acks[0].outcomes == {"r1": "stopped"}
    assert talk.errors == []


async def test_an_error_raised_by_the_clean_up_of_a_silent_stage_is_still_a_timeout() -> None:
    """What ended the request is the silence, not what the stage says when it is told so."""
    async with talk_with(Agent(llm=ScriptedModel("Well, ", FOREVER, breaks=OSError("gone")))) as talk:
        talk.ask("r1")
        await trio.sleep(20)
    assert (talk.errors[0].error_code, talk.errors[0].stage) == ("REQUEST_TIMEOUT", "llm")


@pytest.mark.parametrize(
    ("agent", "stage", "after_s"),
    [
        (Agent(llm=ScriptedModel("Well, ", FOREVER, lingers=8.0)), "llm", 15),
        (Agent(llm=ScriptedModel("Well then. "), tts=ScriptedVoice(SPEAK, FOREVER, lingers=8.0)), "tts", 10),
    ],
)
async def test_a_silent_stage_that_does_not_let_go_does_not_hold_its_error(
    agent: Agent, stage: str, after_s: float
) -> None:
    """The way out is bounded from the instant in which its time was up, as after an interrupt."""
    async with talk_with(agent, SPOKEN) as talk:
        talk.ask("r1")
        await trio.sleep(60)
    assert (talk.errors[0].error_code, talk.errors[0].stage) == ("REQUEST_TIMEOUT", stage)
    assert talk.ended_at("r1") == after_s + 0.25
    assert talk.book.finished_requests[0].overran
    assert talk.book.reaped_ids == ["r1"]


class Panic(BaseException):
    """What an extension in Rust raises when it panics: no `Exception`."""


@pytest.mark.parametrize(
    "arguments", [{"word": "\ud83d"}, {"\ud83d": 1}, {"deep": [{"word": "\ud83d"}]}, {"word": object()}]
)
async def test_a_call_that_is_not_json_is_the_models_fault(arguments: Any) -> None:
    """It is found out before the writer takes it, who writes for everybody on the connection."""
    async with talk_with(Agent(llm=ScriptedModel(ToolCall("c1", "look_up", arguments), FOREVER))) as talk:
        talk.ask("r1")
        await trio.sleep(1)
    [error] = talk.errors
    assert (error.error_code, error.stage, error.retryable) == ("UPSTREAM_ERROR", "llm", False)
    assert error.error_msg == "the provider called a function with arguments that are not JSON"


async def test_half_a_character_stops_nobody() -> None:
    """Neither in the name of a call nor in the words of an error."""
    model = ScriptedModel(ToolCall("c\ud83d", "look\ud83d", {}), 0.5, UpstreamError("no \ud83d"))
    async with talk_with(Agent(llm=model)) as talk:
        talk.ask("r1")
        await trio.sleep(1)
    assert talk.frames_of("r1")[0].function_call == FunctionCall(name="look�", parameters={}, call_id="c�")
    assert talk.errors[0].error_msg == "no �"


async def test_a_call_is_sent_as_it_was_made() -> None:
    """What the model does to its arguments later changes nothing."""
    arguments: dict[str, object] = {"word": "voxint"}

    class Careless:
        async def generate(self, turn: Turn, out: trio.abc.SendChannel[ModelOutput]) -> None:
            await out.send(ToolCall("c1", "look_up", arguments))
            arguments.clear()

    async with talk_with(Agent(llm=Careless())) as talk:
        talk.ask("r1")
        await trio.sleep(1)
    called = talk.frames_of("r1")[0].function_call
    assert called is not None
    assert called.parameters == {"word": "voxint"}


@frozen(eq=False)
class Raiser:
    """A model that raises."""

    fault: BaseException

    async def generate(self, turn: Turn, out: trio.abc.SendChannel[ModelOutput]) -> None:
        """Raise."""
        raise self.fault


@pytest.mark.parametrize("fault", [Panic("1234"), SystemExit(3), BaseExceptionGroup("many", [Panic("1234")])])
async def test_no_panic_of_a_stage_ends_the_server(fault: BaseException) -> None:
    """An extension's panic and a `sys.exit` are a stage's errors like any other."""
    async with talk_with(Agent(llm=Raiser(fault))) as talk:
        talk.ask("r1")
        await trio.sleep(1)
        talk.ask("r2")
        await trio.sleep(1)
    assert [(error.error_code, error.stage, error.request_id) for error in talk.errors] == [
        ("UPSTREAM_ERROR", "llm", "r1"),
        ("UPSTREAM_ERROR", "llm", "r2"),
    ]


async def test_a_panic_of_a_clean_up_ends_the_request_alone() -> None:
    """Raised beside a cancellation, it arrives in one group with it."""

    class Torn:
        async def generate(self, turn: Turn, out: trio.abc.SendChannel[ModelOutput]) -> None:
            async def panic() -> None:
                try:
                    await trio.sleep_forever()
                finally:
                    raise Panic

            async with trio.open_nursery() as nursery:
                nursery.start_soon(panic)
                await trio.sleep_forever()

    async with talk_with(Agent(llm=Torn())) as talk:
        talk.ask("r1")
        await trio.sleep(1)
        talk.interrupt("r1")
        await trio.sleep(1)
    assert talk.acks[0].outcomes == {"r1": "stopped"}


async def test_ctrl_c_is_the_hosts() -> None:
    """It ends the server, as it should, whichever stage it happens to meet."""
    with pytest.RaisesGroup(KeyboardInterrupt, flatten_subgroups=True):
        async with talk_with(Agent(llm=Raiser(KeyboardInterrupt()))) as talk:
            talk.ask("r1")
            await trio.sleep(1)


async def test_a_failing_recogniser_starts_no_model() -> None:
    """Not even with the words that it had settled before it failed."""
    model = ScriptedModel("Yes?")
    agent = Agent(llm=model, stt=ScriptedEars(HEAR, "what", UpstreamError("gone")))
    async with talk_with(agent) as talk:
        talk.begin("r1")
        talk.speak(0.5)
        talk.end("r1")
        await trio.sleep(1)
    assert (talk.errors[0].error_code, talk.errors[0].stage) == ("UPSTREAM_ERROR", "stt")
    assert model.calls == []
    assert talk.book.finished_requests[0].book.states()["llm"] == "idle"


async def test_a_synthesizer_that_fails_stops_the_model() -> None:
    """One request, one end: the stages of a request end together."""
    model = ScriptedModel("Well then. ", "So ", FOREVER)
    async with talk_with(Agent(llm=model, tts=ScriptedVoice(0.5, UpstreamError("hoarse"))), SPOKEN) as talk:
        talk.ask("r1")
        await trio.sleep(1)
    assert (talk.errors[0].error_msg, talk.errors[0].stage) == ("hoarse", "tts")
    assert model.calls[0].cancelled == talk.ended_at("r1") == 0.5


async def test_half_a_sample_is_the_synthesizers_fault() -> None:
    """It would turn all that follows into noise; an odd frame throws in the client."""
    agent = Agent(llm=ScriptedModel("Well then. "), tts=ScriptedVoice(Speech(b"\0\0\0", "Well then. ")))
    async with talk_with(agent, SPOKEN) as talk:
        talk.ask("r1")
        await trio.sleep(1)
    assert (talk.errors[0].error_code, talk.errors[0].stage) == ("UPSTREAM_ERROR", "tts")
    assert talk.errors[0].error_msg == "the provider wrote half a sample: write whole samples of 16 bits"


async def test_too_many_overruns_are_refused() -> None:
    """A session whose stages do not let go gets SERVER_BUSY until one of them does."""
    agent = Agent(llm=ScriptedModel(FOREVER, lingers=8.0), limits=Limits(overruns=2))
    async with talk_with(agent) as talk:
        for request_id in ("r1", "r2", "r3"):
            talk.ask(request_id)
            await trio.sleep(1)
            talk.interrupt()
            await trio.sleep(1)
        talk.ask("r4")
        await trio.sleep(5)
        talk.ask("r5")
        talk.interrupt()
        await trio.sleep(10)
    assert [(error.error_code, error.request_id) for error in talk.errors] == [
        ("SERVER_BUSY", "r3"),
        ("SERVER_BUSY", "r4"),
    ]
