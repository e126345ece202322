from __future__ import annotations

import pytest
import trio
from structlog.testing import capture_logs
from trio.testing import MockClock

from tests.talk import Book, Talk, talk_with
from voxint.core.agent import Agent
from voxint.core.answer import Answer
from voxint.core.audio import AudioFormat
from voxint.core.conversation import open_conversation
from voxint.core.events import Text
from voxint.core.failure import Stage
from voxint.core.observer import NoObserver
from voxint.core.playout import PlayoutLedger
from voxint.core.request import Request
from voxint.core.stages import ToolCall, Usage
from voxint.errors import RequestFailed, UpstreamError
from voxint.protocol import messages as m
from voxint.server.config import ServerConfig
from voxint.server.host import Host
from voxint.testing.stages import FOREVER, ScriptedModel

pytestmark = pytest.mark.virtual_time


async def test_a_bug_of_ours_ends_one_request() -> None:
    """INTERNAL_ERROR, without a word of what it was; the next request is answered."""
    async with talk_with(Agent(llm=ScriptedModel("Yes?"))) as talk:
        session = talk.connection.session
        assert session is not None

        async def broken() -> None:
            raise KeyError("a secret")

        answer = Answer("r1", PlayoutLedger(AudioFormat(), spoken=False), spoken=False, player=talk.connection.listener)
        talk.checker.sent(m.RequestMessage(request_id="r1", data_type="TEXT"), 0)
        failing = Request("r1", 99, answer, session.agent.limits, session)
        session.registry.admit(failing)
        talk.host.home.start_soon(failing.run, broken)
        await trio.sleep(1)
        talk.ask("r2")
        await trio.sleep(1)
    [error] = talk.errors
    assert (error.error_code, error.request_id) == ("INTERNAL_ERROR", "r1")
    assert "secret" not in error.error_msg + error.error_detail
    assert talk.text_of("r2") == "Yes?"


def in_home(agent: Agent, home: trio.Nursery) -> Talk:
    """Return a client of a server that lives in `home`."""
    book = Book()
    return Talk(Host(agent, ServerConfig(), home, book), book, home)


async def test_a_host_that_goes_down_ends_its_requests() -> None:
    """Cancelled from outside, a request was interrupted with SHUTDOWN, and its dialogue is settled."""
    model = ScriptedModel("Well, ", FOREVER)
    async with trio.open_nursery() as home:
        talk = in_home(Agent(llm=model), home)
        talk.register()
        talk.ask("r1")
        await trio.sleep(1)
        home.cancel_scope.cancel()
    [request] = talk.book.finished_requests
    assert (request.ending, request.reason) == ("interrupted", "SHUTDOWN")
    assert talk.history == [("Hello?", "", "interrupted")]


async def test_a_host_that_goes_down_waits_for_no_clean_up() -> None:
    """Cancelled from outside, a request has stopped by the interrupt deadline, whatever its stages do."""
    stopped_at = []
    async with trio.open_nursery() as home:
        talk = in_home(Agent(llm=ScriptedModel("Well, ", FOREVER, lingers=8.0)), home)
        talk.register()
        talk.ask("r1")
        assert talk.connection.session is not None
        [request] = talk.connection.session.registry.live
        request.when_stopped(lambda: stopped_at.append(trio.current_time()))
        await trio.sleep(1)
        home.cancel_scope.cancel()
    assert stopped_at == [1.25]
    assert (request.ending, request.reason, request.overran) == ("interrupted", "SHUTDOWN", True)
    assert talk.book.reaped_ids == ["r1"]


async def test_an_observer_that_raises_costs_a_log_line(autojump_clock: MockClock) -> None:
    """Requests go on, end and are acknowledged without it; the log says where it broke and not what it said."""

    class Broken(NoObserver):
        def accepted(self, request: Request) -> None:
            raise ValueError("a secret")

        finished = reaped = accepted

        def cleanup_failed(self, request: Request, stage: Stage | None, error: BaseException) -> None:
            raise ValueError("a secret")

    agent = Agent(llm=ScriptedModel("Well, ", FOREVER, lingers=1.0))
    with capture_logs() as lines:
        async with open_conversation(agent, observer=Broken()) as conversation:
            reply = conversation.ask("Hi")
            assert await anext(reply) == Text("Well, ")
            assert await reply.interrupt() is not None
    assert [line["event"] for line in lines] == ["an observer raised"] * 3
    assert "ValueError" in str(lines)
    assert "secret" not in str(lines)


async def test_a_request_that_is_remembered_holds_little(autojump_clock: MockClock) -> None:
    """Its text is in one piece; of its failure the exception is there for the observer alone, with all it refers to."""
    fault = UpstreamError("it broke off")

    class Book(NoObserver):
        def finished(self, request: Request) -> None:
            assert request.failure is not None
            ended.append((request, request.failure.cause))

    ended: list[tuple[Request, BaseException | None]] = []
    agent = Agent(llm=ScriptedModel(*["word "] * 1000, fault))
    async with open_conversation(agent, observer=Book()) as conversation:
        with pytest.raises(RequestFailed, match="it broke off"):
            await conversation.ask("Hi").text()
    [(request, cause)] = ended
    assert cause is fault
    assert request.failure is not None
    assert (request.failure.kind, request.failure.stage, request.failure.cause) == ("upstream", "llm", None)
    assert request.ledger.written == "word " * 1000
    assert len(request.ledger._written) == 1


async def test_a_complete_request_has_no_receipt() -> None:
    """Its end is its account; its timeline says when what was."""
    async with talk_with(Agent(llm=ScriptedModel(0.5, "Yes?", 0.5))) as talk:
        talk.ask("r1")
        await trio.sleep(2)
    [request] = talk.book.finished_requests
    assert (request.ending, request.receipt, request.failure) == ("complete", None, None)
    assert request.timeline.at("first_text") == 0.5
    assert request.timeline.between_s("accepted", "stopped") == 1.0
    assert request.timeline.between_s("accepted", "first_audio") is None
    assert talk.book.accepted_ids == ["r1"]


async def test_the_first_reason_stands() -> None:
    """A request that is stopping already keeps the reason it was given."""
    async with talk_with(Agent(llm=ScriptedModel(FOREVER, lingers=0.125))) as talk:
        talk.ask("r1")
        await trio.sleep(1)
        talk.interrupt("r1")
        talk.ask("r2")
        await trio.sleep(1)
        talk.interrupt()
        await trio.sleep(1)
    assert talk.frames_of("r1")[-1].interrupt_reason == "USER_STOP"


@pytest.mark.parametrize(
    ("script", "tokens", "source"),
    [
        ((FOREVER,), 0, "estimated"),
        (("Well, ", Usage(9, 5), FOREVER), 5, "provider"),
        (("12345", FOREVER), 2, "estimated"),
    ],
)
async def test_usage_says_where_it_is_from(script: tuple[str | float | Usage, ...], tokens: int, source: str) -> None:
    """A cancelled stream delivers no figures: what was received is counted."""
    async with talk_with(Agent(llm=ScriptedModel(*script))) as talk:
        talk.ask("r1")
        await trio.sleep(1)
        talk.interrupt()
        await trio.sleep(1)
    usage = talk.acks[0].receipts["r1"].usage
    assert (usage.llm_tokens, usage.source) == (tokens, source)


async def test_usage_of_a_model_that_was_not_asked_is_unknown() -> None:
    """Nothing is claimed about nothing."""
    async with talk_with(Agent(llm=ScriptedModel("Yes?"))) as talk:
        talk.ask("r1")
        talk.interrupt()
        await trio.sleep(1)
    assert talk.acks[0].receipts["r1"].usage.source == "unknown"


async def test_a_function_call_reaches_the_client() -> None:
    """It may be all there is of an answer."""
    model = ScriptedModel(ToolCall("c1", "look_up", {"word": "voxint"}))
    async with talk_with(Agent(llm=model)) as talk:
        talk.ask("r1")
        await trio.sleep(1)
    called = talk.frames_of("r1")[0]
    assert called.text_stream_seq == 0
    assert called.function_call == m.FunctionCall(name="look_up", parameters={"word": "voxint"}, call_id="c1")


async def test_played_of_nobody_is_ignored() -> None:
    """A hint about a request that is forgotten hints at nothing."""
    async with talk_with(Agent(llm=ScriptedModel("Yes?"))) as talk:
        talk.say(m.Played(request_id="r9", played_ms=100))
        await trio.sleep(1)
    assert talk.errors == []
