from __future__ import annotations

import json
from typing import Any, cast

import pytest
import trio
import trio.testing

from tests.net.loopback import Conversation, until
from tests.providers.chat import DONE, TURN, Piece, answer_to, call, chat_with, event, generate, joined, text
from voxint.core.stages import Delta, LanguageModel, ToolCall, Turn, Usage
from voxint.core.tools import Tool
from voxint.errors import ConfigError, UpstreamError, UpstreamTimeout
from voxint.net.http import HttpClient
from voxint.providers import openai_chat
from voxint.providers.openai_chat import OpenAIChat


async def test_text_and_usage() -> None:
    """Text comes as deltas, the usage chunk as Usage, and reasoning, roles and null content are passed over."""
    pieces = await answer_to(
        text(""),
        text(None, reasoning_content="hm"),
        text("Hel") + text("lo"),
        text(" 你好"),
        text(None, "stop"),
        event(choices=[], usage={"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13}),
        DONE,
    )
    assert joined(pieces) == "Hello 你好"
    assert pieces[-1] == Usage(9, 4)


async def test_events_of_one_read_are_one_delta() -> None:
    """What is there at once goes on at once, in one piece."""
    assert await answer_to(text("a") + text("b") + text("c", "stop") + DONE) == [Delta("abc")]


async def test_request_is_what_the_api_wants(monkeypatch: pytest.MonkeyPatch) -> None:
    """Messages, tools, key, headers and extra fields arrive as OpenAI defines them."""
    monkeypatch.setenv("SOME_KEY", "hush\n")
    seen: list[tuple[Any, dict[bytes, bytes], Any]] = []

    async def script(conversation: Conversation) -> None:
        request = await conversation.request()
        assert request is not None
        seen.append((request[0].target, dict(request[0].headers), json.loads(request[1])))
        await conversation.answer(text("ok", "stop") + DONE)

    turn = Turn(TURN.messages, (Tool("now"), Tool("at", "Go there.", {"type": "object", "properties": {"x": {}}})))
    async with chat_with(script, api_key_env="SOME_KEY", headers={"X-Org": "us"}, extra_body={"temperature": 0.5}) as (
        chat,
        _,
        _,
    ):
        assert await generate(chat, turn) == [Delta("ok")]
    [(target, headers, body)] = seen
    assert target == b"/v1/chat/completions"
    assert headers[b"authorization"] == b"Bearer hush"
    assert headers[b"x-org"] == b"us"
    assert headers[b"content-type"] == b"application/json"
    assert body == {
        "model": "m",
        "stream": True,
        "stream_options": {"include_usage": True},
        "temperature": 0.5,
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi."}],
        "tools": [
            {
                "type": "function",
                "function": {"name": "now", "description": "", "parameters": {"type": "object", "properties": {}}},
            },
            {
                "type": "function",
                "function": {
                    "name": "at",
                    "description": "Go there.",
                    "parameters": {"type": "object", "properties": {"x": {}}},
                },
            },
        ],
    }


async def test_usage_is_not_asked_for_where_servers_refuse_it() -> None:
    """`include_usage = false` leaves `stream_options` out; without a key there is no authorization."""

    async def script(conversation: Conversation) -> None:
        request = await conversation.request()
        assert request is not None
        assert "stream_options" not in json.loads(request[1])
        assert b"authorization" not in dict(request[0].headers)
        await conversation.answer(text("ok", "stop"))

    async with chat_with(script, include_usage=False) as (chat, _, _):
        assert await generate(chat) == [Delta("ok")]


async def test_function_calls_are_assembled_by_index() -> None:
    """Pieces of several calls, interleaved, become whole calls in the order of their indices."""
    pieces = await answer_to(
        text("One moment."),
        call(0, "", "now", "a"),
        call(1, '{"pla', "at", "b"),
        call(0, "{}"),
        call(1, 'ce": "中"}'),
        text(None, "tool_calls"),
        DONE,
    )
    assert pieces == [Delta("One moment."), ToolCall("a", "now", {}), ToolCall("b", "at", {"place": "中"})]


async def test_function_calls_without_an_index() -> None:
    """Where a server numbers nothing, a new id begins a new call; where it gives no id, one is made."""
    pieces = await answer_to(
        call(None, '{"x":', "at", "a"), call(None, "1}"), call(None, "", "now", "b"), text(None, "tool_calls"), DONE
    )
    assert pieces == [ToolCall("a", "at", {"x": 1}), ToolCall("b", "now", {})]
    assert await answer_to(call(None, "", "now"), DONE) == [ToolCall("call_0", "now", {})]


async def test_the_connection_is_used_again() -> None:
    """After a whole answer the next turn goes over the same connection."""

    async def script(conversation: Conversation) -> None:
        while await conversation.request():
            await conversation.answer(text("ok", "stop") + DONE)

    async with chat_with(script) as (chat, _, server):
        for _ in range(3):
            await generate(chat)
        assert server.accepted == 1


@pytest.mark.parametrize("last", [text("ok", "stop"), text("ok") + DONE])
async def test_a_tail_that_does_not_come_is_not_waited_for(monkeypatch: pytest.MonkeyPatch, last: bytes) -> None:
    """After the finish, a server that neither tells the usage nor ends its stream holds the answer up only briefly."""
    monkeypatch.setattr(openai_chat, "TAIL_S", 0.05)

    async def script(conversation: Conversation) -> None:
        await conversation.request()
        await conversation.head()
        await conversation.chunk(last)
        await conversation.closed()

    async with chat_with(script) as (chat, _, _):
        with trio.fail_after(5):
            assert await generate(chat) == [Delta("ok")]


async def test_cancelling_closes_the_stream_and_warms_the_next() -> None:
    """Cancelling the stage closes the connection, which the server sees, and the next turn pays no dial."""
    closed = trio.Event()

    async def script(conversation: Conversation) -> None:
        await conversation.request()
        await conversation.head()
        await conversation.chunk(text("Once upon"))
        try:
            await conversation.closed()
        finally:
            closed.set()

    async with chat_with(script) as (chat, http, server):
        send, receive = trio.open_memory_channel[Piece](0)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(chat.generate, TURN, send)
            assert await receive.receive() == Delta("Once upon")
            nursery.cancel_scope.cancel()
        with trio.fail_after(5):
            await closed.wait()
        assert http.statistics().in_use == 0
        await until(lambda: http.statistics().spares == 1)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(chat.generate, TURN, send)
            assert await receive.receive() == Delta("Once upon")
            assert server.accepted == 2
            nursery.cancel_scope.cancel()


async def test_a_slow_reader_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bound on the tail does not run while the reader of the channel takes its time."""
    monkeypatch.setattr(openai_chat, "TAIL_S", 0.05)

    async def script(conversation: Conversation) -> None:
        await conversation.request()
        await conversation.head()
        await conversation.chunk(text("a", "stop"))
        await first_is_read.wait()
        await conversation.chunk(text("b") + DONE)
        await conversation.end()

    first_is_read = trio.Event()
    async with chat_with(script) as (chat, _, _):
        send, receive = trio.open_memory_channel[Piece](0)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(chat.generate, TURN, send)
            for expected in (Delta("a"), Delta("b")):
                await trio.sleep(0.1)  # twice the tail
                assert await receive.receive() == expected
                first_is_read.set()


@pytest.mark.parametrize(
    ("options", "place"),
    [
        ({"base_url": "localhost:80"}, "option base_url"),
        ({"base_url": "http://key@host/v1"}, "option base_url"),
        ({"base_url": "http://host:port/v1"}, "option base_url"),
        ({"base_url": "http://host/v1/chat/completions"}, "before /chat/completions"),
        ({"base_url": "http://a..b/v1"}, "option base_url"),
        ({"base_url": 5}, "option base_url"),
        ({"model": ""}, "option model"),
        ({"model": None}, "option model"),
        ({"api_key_env": "NOT_SET_ANYWHERE"}, "environment NOT_SET_ANYWHERE"),
        ({"api_key_env": "BAD_KEY"}, "environment BAD_KEY"),
        ({"api_key_env": True}, "option api_key_env"),
        ({"headers": {"x": 5}}, "option headers"),
        ({"headers": {"x": "a\nb"}}, "option headers"),
        ({"headers": ["x"]}, "option headers"),
        ({"extra_body": {"stream": False}}, "other than stream"),
        ({"extra_body": {"messages": []}}, "other than messages"),
        ({"extra_body": "x"}, "option extra_body"),
        ({"include_usage": 1}, "option include_usage"),
    ],
)
def test_bad_options(monkeypatch: pytest.MonkeyPatch, options: dict[str, Any], place: str) -> None:
    """A bad option is a ConfigError that names it, and shows no key."""
    monkeypatch.setenv("BAD_KEY", "hush hush")
    good: dict[str, Any] = {"base_url": "http://host/v1", "model": "m"}
    with pytest.raises(ConfigError, match=place) as caught:
        OpenAIChat(**good | options, http=cast("HttpClient", None))
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "body", "verdict"),
    [
        (200, b'{"object": "list", "data": [{"id": "l"}, {"id": "m", "owned_by": "us"}]}', "is reachable and has m"),
        (200, b'{"data": [{"id": "l"}]}', "m is not among the 1 models it lists"),
        (200, b"<html>", "it lists no models"),
        (404, b"", "it lists no models"),
    ],
)
async def test_check(status: int, body: bytes, verdict: str) -> None:
    """The check says whether the provider is there and has the model, and shrugs where it keeps no list."""

    async def script(conversation: Conversation) -> None:
        request = await conversation.request()
        assert request is not None
        assert request[0].target == b"/v1/models"
        await conversation.answer(body, status, "application/json")

    async with chat_with(script) as (chat, _, _):
        assert verdict in await chat.check()


async def test_check_of_a_bad_key() -> None:
    """The check raises what the first turn would meet."""

    async def script(conversation: Conversation) -> None:
        await conversation.request()
        await conversation.answer(b"", 401)

    async with chat_with(script) as (chat, _, _):
        with pytest.raises(UpstreamError, match="it wants a key; name the environment variable"):
            await chat.check()


async def test_check_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A provider that says nothing is reported when the check's time is up."""
    monkeypatch.setattr(openai_chat, "CHECK_S", 0.05)
    async with chat_with(Conversation.closed) as (chat, _, _):
        with pytest.raises(UpstreamTimeout, match=r"did not answer within 0\.05 s"):
            await chat.check()


def test_it_is_a_language_model() -> None:
    """The class satisfies the stage's protocol."""
    assert isinstance(OpenAIChat("http://host/v1/", "m", http=cast("HttpClient", None)), LanguageModel)
