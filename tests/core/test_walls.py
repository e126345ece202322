"""What a stage, a client or a bug of ours can do to one request, and can't do to anybody else's."""

from __future__ import annotations

import gc
import weakref
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from tests.talk import SPOKEN, WRITTEN, open_place, talk_with
from voxint.core import pacing
from voxint.core.agent import Agent, Limits
from voxint.core.conversation import open_conversation
from voxint.core.depth import MOST_LEVELS
from voxint.core.dialogue import Dialogue
from voxint.core.request import Request
from voxint.core.segments import Segmenter
from voxint.core.session import Session
from voxint.core.settings import SettingsChange
from voxint.core.stages import Delta, LanguageModel, ModelOutput, Speech, ToolCall, Transcript, Turn
from voxint.testing.stages import FOREVER, HEAR, ScriptedEars, ScriptedModel, ScriptedVoice

pytestmark = pytest.mark.virtual_time

SENTENCE = "The museum opens at ten o'clock in the morning. "


def nested(levels: int) -> dict[str, Any]:
    """Return arguments of a function that are nested so deep."""
    value: dict[str, Any] = {}
    for _ in range(levels - 1):
        value = {"a": value}
    return value


@pytest.mark.parametrize("levels", [MOST_LEVELS + 1, 900, *range(970, 990, 3), 1000])
async def test_deep_arguments_end_their_request_alone(levels: int) -> None:
    """Writers and readers of JSON give up at depths of their own, between which a call must not fall."""
    models = (ScriptedModel(ToolCall("c1", "look", nested(levels))), ScriptedModel("Yes."))
    async with talk_with(Agent(llm=ScriptedModel.turns(*models))) as talk:
        talk.ask("r1")
        await trio.sleep(1)
        talk.ask("r2")
        await trio.sleep(1)
    assert (talk.errors[0].request_id, talk.errors[0].stage) == ("r1", "llm")
    assert talk.text_of("r2") == "Yes."


async def test_arguments_as_deep_as_may_be_are_passed_on() -> None:
    """And are remembered by the dialogue."""
    async with talk_with(Agent(llm=ScriptedModel(ToolCall("c1", "look", nested(MOST_LEVELS))))) as talk:
        talk.ask("r1")
        await trio.sleep(1)
    assert talk.errors == []
    assert talk.frames_of("r1")[0].function_call is not None


def broken(*_: object, **__: object) -> None:
    """Stand for a bug of ours."""
    raise IndexError("a secret")


@pytest.mark.parametrize(
    ("owner", "name"), [(Dialogue, "settle"), (Request, "_write_receipt"), (Session, "retire"), (Request, "_shrink")]
)
async def test_a_bug_at_the_end_of_one_request_ends_no_other(
    owner: type[object], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The acknowledgement comes, the others go on, and the log has the place."""
    async with open_place(Agent(llm=ScriptedModel("Well, ", 2.0, "yes."))) as place:
        one, other = place.join(), place.join()
        for talk in one, other:
            talk.register()
            talk.ask("r1")
        await trio.sleep(1)
        with monkeypatch.context() as patch:
            patch.setattr(owner, name, broken)
            one.interrupt("r1")
            await trio.sleep(0.5)
        await trio.sleep(2)
        assert other.text_of("r1") == "Well, yes."
        assert [ack.outcomes for ack in one.acks] == [{"r1": "stopped"}]
        assert ("r1", None, "IndexError") in place.book.cleanup_failures


async def test_a_stage_that_swallows_what_it_is_told_has_failed_all_the_same() -> None:
    """Retries have a broad `except` round their writes; a hole in the answer is no success."""

    class Retrying:
        async def generate(self, turn: Turn, out: trio.abc.SendChannel[ModelOutput]) -> None:
            for item in (Delta("One "), object(), Delta("three.")):
                with suppress(Exception):
                    await out.send(item)  # type: ignore[arg-type]  # wrong on purpose

    async with talk_with(Agent(llm=Retrying())) as talk:
        talk.ask("r1")
        await trio.sleep(1)
    assert (talk.errors[0].error_code, talk.errors[0].stage) == ("UPSTREAM_ERROR", "llm")
    assert talk.text_of("r1") in ("", "One ")
    assert talk.book.cleanup_failures == []


async def torn_generator() -> AsyncGenerator[str]:
    """Write in a nursery, as clean code of others may."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.sleep_forever)
        yield "Well, "
        yield "yes."


class Torn:
    """A model that stops reading such a generator half-way."""

    async def generate(self, turn: Turn, out: trio.abc.SendChannel[ModelOutput]) -> None:
        """Say what the generator says first."""
        async with aclosing(torn_generator()) as words:
            async for word in words:
                await out.send(Delta(word))
                break


class Ended:
    """A model that raises what ends a generator."""

    async def generate(self, turn: Turn, out: trio.abc.SendChannel[ModelOutput]) -> None:
        """Raise it."""
        raise GeneratorExit


class Grudge:
    """A model whose shared connection keeps the error of the first caller and raises it at the second."""

    def __init__(self) -> None:
        self.kept: BaseException | None = None

    async def generate(self, turn: Turn, out: trio.abc.SendChannel[ModelOutput]) -> None:
        """Wait for a connection, or raise why there is none."""
        if self.kept is not None:
            raise self.kept
        try:
            await trio.sleep_forever()
        except trio.Cancelled as error:
            self.kept = error
            raise


@pytest.mark.parametrize("patch", [WRITTEN, SPOKEN], ids=["written", "spoken"])
@pytest.mark.parametrize("model", [Torn, Ended, Grudge])
async def test_what_else_a_stage_may_raise_ends_its_request_alone(
    model: type[LanguageModel], patch: SettingsChange
) -> None:
    """The end of a generator, and a cancellation that was kept from somebody else: an error, told as the stage's."""
    async with talk_with(Agent(llm=model(), tts=ScriptedVoice()), patch) as talk:
        talk.ask("r1")
        await trio.sleep(1)
        if model is Grudge:
            talk.ask("r2")
            await trio.sleep(1)
        [error] = talk.errors
        assert (error.error_code, error.stage) == ("UPSTREAM_ERROR", "llm")
        talk.ask("r3")
        await trio.sleep(1)
        assert [error.request_id for error in talk.errors][1:] == ["r3"]


async def test_a_stage_may_write_in_two_tasks() -> None:
    """Everything is spoken, once."""

    class Both:
        async def generate(self, turn: Turn, out: trio.abc.SendChannel[ModelOutput]) -> None:
            async def write() -> None:
                for _ in range(8):
                    await out.send(Delta(SENTENCE))

            async with trio.open_nursery() as nursery:
                nursery.start_soon(write)
                nursery.start_soon(write)

    voice = ScriptedVoice(every=0.125)
    agent = Agent(llm=Both(), tts=voice, limits=Limits(segments_ahead=1, lead_ms=500_000, speech_ahead_ms=500_000))
    async with talk_with(agent, SPOKEN) as talk:
        talk.ask("r1")
        await trio.sleep(100)
    assert talk.errors == []
    assert "".join(voice.calls[0].given) == SENTENCE * 16


def test_a_stage_that_works_hard_lets_the_others_run_after_each_piece() -> None:
    """Its pieces are counted, and so is its time."""
    passes = 0

    class Thorough:
        async def generate(self, turn: Turn, out: trio.abc.SendChannel[ModelOutput]) -> None:
            nonlocal passes
            began = passes
            for _ in range(16):
                clock.jump(0.005)
                await out.send(Delta("word "))
            assert passes - began >= 15

    async def count() -> None:
        nonlocal passes
        while True:
            await trio.lowlevel.checkpoint()
            passes += 1

    clock = trio.testing.MockClock()

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(count)
            async with open_conversation(Agent(llm=Thorough())) as conversation:
                assert await conversation.ask("Hi").text() == "word " * 16
            nursery.cancel_scope.cancel()

    trio.run(main, clock=clock)


@pytest.mark.parametrize("wrong", ["a str", Delta("x" * (1 << 21))])
async def test_what_ends_a_request_is_told_once(wrong: Any) -> None:
    """The error goes through the stage that was told; it is no failure of its clean-up."""

    class Careless:
        async def generate(self, turn: Turn, out: trio.abc.SendChannel[ModelOutput]) -> None:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(out.send, wrong)

    async with talk_with(Agent(llm=Careless())) as talk:
        talk.ask("r1")
        await trio.sleep(1)
    assert [error.stage for error in talk.errors] == ["llm"]
    assert talk.book.cleanup_failures == []


async def test_a_bug_of_ours_is_no_fault_of_a_provider(monkeypatch: pytest.MonkeyPatch) -> None:
    """What breaks while a stage's piece is taken is told as ours."""
    monkeypatch.setattr(Segmenter, "feed", broken)
    async with talk_with(Agent(llm=ScriptedModel(SENTENCE, FOREVER), tts=ScriptedVoice()), SPOKEN) as talk:
        talk.ask("r1")
        await trio.sleep(1)
    assert (talk.errors[0].error_code, talk.errors[0].stage) == ("INTERNAL_ERROR", None)


async def test_a_recogniser_is_not_blamed_for_a_client_that_does_not_read() -> None:
    """Its clock rests while its transcripts wait for room."""
    partials = [Transcript("word " * 10, is_final=False)] * 400
    ears = ScriptedEars(HEAR, *partials, Transcript("hello", is_final=True))
    async with talk_with(Agent(llm=ScriptedModel("Yes."), stt=ears), features=("transcripts",)) as talk:
        await trio.sleep(0.5)
        talk.stop_reading()
        talk.begin("r1")
        talk.speak(0.5)
        talk.end("r1")
        await trio.sleep(60)
        talk.read_on()
        await trio.sleep(1)
    assert talk.errors == []
    assert talk.text_of("r1") == "Yes."


async def test_an_interrupted_request_keeps_no_speech(monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests are remembered for their receipts; what was synthesized for them is let go."""
    pacers: list[weakref.ref[pacing.Pacer]] = []
    make: Callable[..., None] = pacing.Pacer.__init__

    def noted(self: pacing.Pacer, *args: Any) -> None:
        pacers.append(weakref.ref(self))
        make(self, *args)

    monkeypatch.setattr(pacing.Pacer, "__init__", noted)

    class Generous(ScriptedVoice):
        async def synthesize(self, text: trio.abc.ReceiveChannel[str], out: trio.abc.SendChannel[Speech]) -> None:
            async for piece in text:
                await out.send(Speech(bytes(32_000 * 15), piece))

    async with talk_with(Agent(llm=ScriptedModel(SENTENCE), tts=Generous()), SPOKEN) as talk:
        for number in range(4):
            talk.ask(f"r{number}")
            await trio.sleep(0.5)
            talk.interrupt()
            await trio.sleep(0.5)
        gc.collect()
        assert len(pacers) == 4
        assert [pacer for pacer in pacers if pacer() is not None] == []


async def test_an_interrupted_request_leaves_nothing_to_the_collector(autojump_clock: MockClock) -> None:
    """A server lets it look seldom; what refers to itself would pile up until then."""
    model = ScriptedModel(SENTENCE, SENTENCE, FOREVER)
    async with open_conversation(Agent(llm=model, tts=ScriptedVoice())) as conversation:
        for _ in range(2):  # what is made once is made in the first round
            gc.collect()
            gc.disable()
            try:
                for _ in range(10):
                    reply = conversation.ask("Hi")
                    await trio.sleep(0.5)
                    assert await reply.interrupt() is not None
                del reply
                await trio.sleep(0.5)
                left = gc.collect()
            finally:
                gc.enable()
    assert left < 10
