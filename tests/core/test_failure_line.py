from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trio
from structlog.testing import capture_logs

from tests.talk import SPOKEN, Book, open_place
from voxint.core.agent import Agent
from voxint.core.conversation import open_conversation
from voxint.core.failure import internal_failure, stage_failure
from voxint.core.failure_line import failure_fields
from voxint.core.observer import NoObserver
from voxint.core.request import Request
from voxint.core.stages import Delta, Speech, ToolCall, Transcript
from voxint.errors import RequestFailed, UpstreamError, UpstreamTimeout
from voxint.server.quotas import Quotas
from voxint.testing.stages import HEAR, ScriptedEars, ScriptedModel, ScriptedVoice

pytestmark = pytest.mark.virtual_time

CANARY = "persimmon"
HERE = Path(__file__)


def line_with(text: str) -> int:
    """Return the number of the one line of this file that ends in a mark."""
    (number,) = [
        number for number, line in enumerate(HERE.read_text().splitlines(), 1) if line.endswith(f"# here: {text}")
    ]
    return number


class _Writes:
    """A model that writes something."""

    def __init__(self, *pieces: object) -> None:
        self.pieces = pieces

    async def generate(self, turn: Any, out: Any) -> None:
        for piece in self.pieces:
            await out.send(piece)  # here: writes


class _Buggy:
    """A model with a bug of its own."""

    async def generate(self, turn: Any, out: Any) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.work)

    async def work(self) -> None:
        int(f"no number: {CANARY}")  # here: buggy


class _Says(ScriptedVoice):
    """A voice that writes something for each piece."""

    def __init__(self, item: object) -> None:
        super().__init__()
        self.item: Any = item

    async def synthesize(self, text: Any, out: Any) -> None:
        async for _ in text:
            await out.send(self.item)  # here: says


wrong: Any = CANARY


@pytest.mark.parametrize(
    ("agent", "stage", "told", "detail", "by"),
    [
        (Agent(llm=_Writes(CANARY)), "llm", "the model wrote a str where a Delta, Thinking, ToolCall or Usage belongs",
         "write Delta(text=...)", "writes"),
        (Agent(llm=_Writes(Delta)), "llm",
         "the model wrote the class Delta where a Delta, Thinking, ToolCall or Usage belongs",
         "write an instance, Delta(...)", "writes"),
        (Agent(llm=_Writes(Delta(None))), "llm", "the model wrote a Delta whose text is None",  # type: ignore[arg-type]  # wrong on purpose
         "write a str there", "writes"),
        (Agent(llm=_Writes(ToolCall("c", "look", wrong))), "llm",
         "the model wrote a ToolCall whose arguments are a str", "write a mapping there", "writes"),
        (Agent(llm=_Buggy()), "llm", "the provider raised ValueError", None, "buggy"),
        (Agent(llm=ScriptedModel(f"{CANARY}. "), tts=_Says(b"audio")), "tts",
         "the synthesizer wrote bytes where a Speech belongs", "write Speech(audio=..., text=...)", "says"),
        (Agent(llm=ScriptedModel(f"{CANARY}. "), tts=_Says(Speech(wrong))), "tts",
         "the synthesizer wrote a Speech whose audio is a str", "write bytes of 16-bit samples there", "says"),
    ],
)  # fmt: skip
async def test_a_stages_author_is_shown_the_line(
    agent: Agent, stage: str, told: str, detail: str | None, by: str
) -> None:
    """In the program's log and in the server's: what was written, what belongs there, and where the stage did it."""
    with capture_logs() as lines:
        async with open_conversation(agent) as conversation:
            with pytest.raises(RequestFailed) as raised:
                await conversation.ask(CANARY, request_id="r1").text()
        own = [line for line in lines if line["event"] == "request failed"]
        async with open_place(agent, quotas=Quotas()) as place:  # with what writes the server's log
            talk = place.join()
            talk.register(SPOKEN)
            talk.ask("r1", CANARY)
            await trio.sleep(2)
        (error,) = talk.errors
    assert len(own) == 1
    assert len([line for line in lines if line["event"] == "request failed"]) == 2
    for line in (line for line in lines if line["event"] == "request failed"):
        assert (line["log_level"], line["req_id"], line["stage"]) == ("warning", "r1", stage)
        assert (line["error"], line.get("detail")) == (told, detail)
        assert line["by"] == f"tests/core/{HERE.name}:{line_with(by)}"
    assert (error.error_msg, error.stage) == (told, stage)
    assert (raised.value.message, raised.value.detail) == (told, detail or "")
    assert own[0]["error_id"] == raised.value.error_id
    assert CANARY not in f"{lines}{error}{raised.value}"


async def test_a_recognisers_author_is_shown_the_line() -> None:
    """A recogniser may write the wrong thing as well."""

    class Deaf(ScriptedEars):
        async def transcribe(self, audio: Any, out: Any) -> None:
            await out.send(CANARY)  # here: transcribe

    with capture_logs() as lines:
        async with open_conversation(Agent(llm=ScriptedModel(), stt=Deaf())) as conversation:
            with pytest.raises(RequestFailed, match="the recogniser wrote a str where a Transcript belongs") as raised:
                await conversation.listen().text()
    assert raised.value.detail == "write Transcript(text=..., is_final=True)"
    assert lines[0]["by"] == f"tests/core/{HERE.name}:{line_with('transcribe')}"
    assert CANARY not in str(lines)


async def test_what_the_stage_raised_is_the_cause_in_ones_own_program() -> None:
    """Each time it is raised, with the stage's own traceback; nothing of it is in the words of the error."""
    bug = ValueError(f"could not read {CANARY}")
    async with open_conversation(Agent(llm=ScriptedModel("Well, ", bug))) as conversation:
        reply = conversation.ask("Hi")
        for _ in range(2):
            with pytest.raises(RequestFailed) as raised:
                await reply.text()
            assert raised.value.__cause__ is bug
            assert CANARY not in str(raised.value)


async def test_the_line_is_there_without_and_beside_an_observer() -> None:
    """An observer hears what it always heard."""
    book = Book()
    with capture_logs() as lines:
        agent = Agent(llm=ScriptedModel.turns(ScriptedModel(UpstreamError("it is down")), ScriptedModel("Yes.")))
        async with open_conversation(agent, observer=book) as conversation:
            with pytest.raises(RequestFailed):
                await conversation.ask("Hi", request_id="r1").text()
            await conversation.ask("Hi", request_id="r2").text()
    assert book.accepted_ids == ["r1", "r2"]
    assert [request.id for request in book.finished_requests] == ["r1", "r2"]
    assert [(line["event"], line["req_id"]) for line in lines] == [("request failed", "r1")]


class Recorder(NoObserver, list[str]):
    """An observer that is as good as nobody to who asks whether it is true: it has recorded nothing yet."""

    def accepted(self, request: Request) -> None:
        """Record the id."""
        self.append(request.id)

    def finished(self, request: Request) -> None:
        """Record the ending."""
        self.append(request.ending or "")


async def test_an_observer_that_is_an_empty_list_hears_all_the_same() -> None:
    """It has no say in whether it is told: what it has recorded is its own affair."""
    recorder = Recorder()
    async with open_conversation(Agent(llm=ScriptedModel("Yes.")), observer=recorder) as conversation:
        await conversation.ask("Hi", request_id="r1").text()
    assert recorder == ["r1", "complete"]


def raised_in(raising: Callable[[], object]) -> Exception:
    """Return what a function raises."""
    with pytest.raises(Exception) as raised:  # noqa: PT011 - whatever it is
        raising()
    return raised.value


def test_a_line_of_ours_is_named_for_a_bug_of_ours_alone() -> None:
    """An exception that came through no line of a stage's author has none; a limit that has passed was never raised."""
    ours = raised_in(lambda: Delta("x").text.encode("no such encoding"))
    assert "by" in failure_fields(internal_failure(ours))
    assert failure_fields(internal_failure(ours))["cause"]
    late = failure_fields(stage_failure("llm", UpstreamTimeout("nothing came", operator_detail="first_token_s")))
    assert late.pop("error_id")
    assert late == {"stage": "llm", "error": "nothing came", "detail": "first_token_s", "cause": ["UpstreamTimeout"]}


async def test_a_failure_of_nobodys_has_neither_stage_nor_line() -> None:
    """A request that takes too long is nobody's fault that could be told."""
    with capture_logs() as lines:
        agent = Agent(llm=ScriptedModel("Well, "), stt=ScriptedEars(HEAR, Transcript("Hi", is_final=True)))
        async with open_conversation(agent) as conversation:
            with pytest.raises(RequestFailed, match="timeout"):
                await conversation.listen().text()
    assert {"by", "cause", "stage"} & lines[0].keys() == set()


class _Asyncio:
    """A model that takes trio for asyncio, in one way or another."""

    def __init__(self, wait: Callable[[], Any]) -> None:
        self.wait = wait

    async def generate(self, turn: Any, out: Any) -> None:
        await self.wait()  # here: asyncio


async def _in_asyncio() -> None:
    async with asyncio.timeout(1):
        await trio.lowlevel.checkpoint()


@pytest.mark.parametrize(
    "wait", [lambda: asyncio.sleep(1), lambda: asyncio.sleep(0), _in_asyncio], ids=["sleep", "yield", "timeout"]
)
async def test_a_stage_that_awaits_asyncio_is_told_so(wait: Callable[[], Any]) -> None:
    """What Python says of it, and trio, means nothing to who does not know that voxint runs on trio."""
    with capture_logs() as lines:
        async with open_conversation(Agent(llm=_Asyncio(wait))) as conversation:
            with pytest.raises(RequestFailed) as raised:
                await conversation.ask("Hi").text()
    assert raised.value.detail == "this stage awaited asyncio; use trio (docs/howto/asyncio.md)"
    assert raised.value.message.startswith("the provider raised ")
    assert (lines[0]["detail"], lines[0]["stage"]) == (raised.value.detail, "llm")


def _own_words() -> None:
    raise RuntimeError("no running event loop of mine")


@pytest.mark.parametrize("bug", [_own_words, lambda: int(None), lambda: len(3)])  # type: ignore[call-overload,arg-type]  # wrong on purpose
def test_another_error_is_not_blamed_on_asyncio(bug: Callable[[], object]) -> None:
    """Of whatever the same kind."""
    assert stage_failure("llm", raised_in(bug)).operator_detail == ""
