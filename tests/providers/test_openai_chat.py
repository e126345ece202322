"""The stage that asks an OpenAI-compatible server: its request, its connection, its options and its check."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
import trio
import trio.testing

from tests.net.loopback import Conversation, until
from tests.providers.chat import DONE, TURN, Piece, answer_to, call, chat_with, event, generate, joined, text
from voxint.core.stages import Delta, LanguageModel, Thinking, Turn, Usage
from voxint.core.tools import Tool, ToolCall
from voxint.errors import ConfigError, UpstreamError, UpstreamTimeout
from voxint.net.http import HttpClient, open_http
from voxint.providers import openai_chat
from voxint.providers.openai_chat import OpenAIChat

UNUSED = HttpClient.__new__(HttpClient)
"""For a model that is asked nothing."""


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


async def test_function_calls_come_whole_behind_the_text() -> None:
    """Pieces of several calls, interleaved, become whole calls in the order of their indices."""
    pieces = await answer_to(
        text("One moment."),
        call(1, '{"pla', "at", "b"),
        call(0, "", "now", "a"),
        call(1, 'ce": "中"}'),
        text(None, "tool_calls"),
        DONE,
    )
    assert [piece for piece in pieces if piece != Thinking()] == [
        Delta("One moment."),
        ToolCall("a", "now", {}),
        ToolCall("b", "at", {"place": "中"}),
    ]


async def test_the_connection_is_used_again() -> None:
    """After a whole answer the next turn goes over the same connection."""

    async def script(conversation: Conversation) -> None:
        while await conversation.request():
            await conversation.answer(text("ok", "stop") + DONE)

    async with chat_with(script) as (chat, _, server):
        for _ in range(3):
            await generate(chat)
        assert server.accepted == 1


COUNTS = event(choices=[], usage={"completion_tokens": 1})


@pytest.mark.parametrize("last", [text("ok") + DONE, text("ok", "stop") + COUNTS])
async def test_after_all_was_said_the_body_is_waited_for_briefly(monkeypatch: pytest.MonkeyPatch, last: bytes) -> None:
    """`[DONE]` is the end, and so is the usage behind a finish; a server that does not end its body costs nothing."""
    monkeypatch.setattr(openai_chat, "CLOSE_S", 0.05)

    async def script(conversation: Conversation) -> None:
        await conversation.request()
        await conversation.head()
        await conversation.chunk(last)
        await conversation.closed()

    async with chat_with(script) as (chat, _, _):
        with trio.fail_after(5):
            assert joined(await generate(chat)) == "ok"


async def test_calls_do_not_wait_for_the_end_of_the_body() -> None:
    """A function call goes on as soon as all was said."""
    called = trio.Event()

    async def script(conversation: Conversation) -> None:
        await conversation.request()
        await conversation.head()
        await conversation.chunk(call(0, "", "now", "a") + DONE)
        await called.wait()
        await conversation.end()

    send, receive = trio.open_memory_channel[Piece](0)
    async with chat_with(script) as (chat, http, _), trio.open_nursery() as nursery:
        nursery.start_soon(chat.generate, TURN, send)
        with trio.fail_after(5):
            while not isinstance(await receive.receive(), ToolCall):
                pass
        called.set()
    assert http.statistics().in_use == 0


@pytest.mark.parametrize("before", [text("a", ""), text("a", "stop"), text(None, "stop", reasoning_content="hm")])
async def test_a_pause_is_no_end(before: bytes) -> None:
    """However long the server pauses, and whatever reason it gave, the answer goes on until its end is said."""

    async def script(conversation: Conversation) -> None:
        await conversation.request()
        await conversation.head()
        await conversation.chunk(before)
        await trio.sleep(0.4)
        await conversation.chunk(text("b"))
        await trio.sleep(0.4)
        await conversation.chunk(text("c", "stop"))
        await conversation.end()

    async with chat_with(script) as (chat, _, _):
        assert joined(await generate(chat)).removeprefix("a") == "bc"


async def test_a_connection_that_breaks_after_the_end_costs_nothing() -> None:
    """Once the answer has finished, a body that is never ended properly is no failure; before, it is."""

    async def script(conversation: Conversation) -> None:
        await conversation.request()
        await conversation.head()
        await conversation.chunk(lasts.pop(0))
        await conversation.stream.aclose()

    lasts = [text("ok") + DONE, text("ok", "stop"), text("ok")]
    async with chat_with(script) as (chat, _, _):
        assert await generate(chat) == [Delta("ok")]
        assert await generate(chat) == [Delta("ok")]
        with pytest.raises(UpstreamError, match="broke off"):
            await generate(chat)


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
        ({"extra_body": {"stream": False}}, "leave out stream"),
        ({"extra_body": {"messages": []}}, "leave out messages"),
        ({"extra_body": "x"}, "option extra_body"),
        ({"include_usage": 1}, "option include_usage"),
    ],
)
def test_bad_options(monkeypatch: pytest.MonkeyPatch, options: dict[str, Any], place: str) -> None:
    """A bad option is a ConfigError that names it, and shows no key."""
    monkeypatch.setenv("BAD_KEY", "hush hush")
    good: dict[str, Any] = {"base_url": "http://host/v1", "model": "m"}
    with pytest.raises(ConfigError, match=place) as caught:
        OpenAIChat(**good | options, http=UNUSED)
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize("wrong", [None, open_http(), httpx.AsyncClient(), open_http, HttpClient])
def test_another_client_is_refused_at_once(wrong: object) -> None:
    """Such as one whose block was not entered, and httpx's own; the sentence says how to come by the right one."""
    with pytest.raises(
        TypeError, match=r"^http must be an HttpClient, not .+: give what `async with open_http\(\) as h"
    ):
        OpenAIChat("http://host/v1", "m", http=wrong)  # type: ignore[arg-type]  # wrong on purpose


@pytest.mark.parametrize(
    "key",
    [
        "sk-verysecret12345",
        "sk-proj-verysecret",
        "gsk_verysecret",
        "hf_VERYSECRET",
        "AIzaVERYSECRET",
        "VERYSECRET7Q2X9",
        "v=erysecret",
    ],
)
def test_a_key_in_the_place_of_its_variable_is_not_shown(key: str) -> None:
    """Whoever writes the key itself where the name of its variable belongs is told so, without it."""
    with pytest.raises(ConfigError, match=r"api_key_env: this takes the \*name\* of an environment variable") as caught:
        OpenAIChat("http://host/v1", "m", http=UNUSED, api_key_env=key)
    assert key not in str(caught.value)
    assert key not in repr(caught.value)


def test_a_variable_with_an_unusual_name_is_read_and_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """A system takes more names than are shown."""
    monkeypatch.setenv("my-provider.key", "hush")
    OpenAIChat("http://host/v1", "m", http=UNUSED, api_key_env="my-provider.key")
    monkeypatch.setenv("my-provider.key", "hush hush")
    with pytest.raises(ConfigError, match=r"^openai_chat option api_key_env: this is no key"):
        OpenAIChat("http://host/v1", "m", http=UNUSED, api_key_env="my-provider.key")


@pytest.mark.parametrize(
    ("status", "body", "verdict", "warns"),
    [
        (200, b'{"object": "list", "data": [{"id": "l"}, {"id": "m", "owned_by": "us"}]}', " and has m", False),
        (200, b'{"data": [{"id": "l"}]}', "reachable, but m is not among the 1 models it lists", True),
        (200, b'{"data": [{"id": "l"}, {"id": "mm"}]}', "among the 2 models it lists: did you mean mm?", True),
        (200, b"<html>", "; it lists no models, so neither m nor the path of base_url is verified", True),
        (404, b"", "; it lists no models at /models (HTTP 404), so neither m nor the path of base_url is", True),
    ],
)
async def test_check(status: int, body: bytes, verdict: str, warns: bool) -> None:
    """The check says whether the provider is there and has the model, and warns where it has not, or keeps no list."""

    async def script(conversation: Conversation) -> None:
        request = await conversation.request()
        assert request is not None
        assert request[0].target == b"/v1/models"
        await conversation.answer(body, status, "application/json")

    async with chat_with(script) as (chat, _, _):
        said = await chat.check()
    assert verdict in said.words
    assert said.warning is warns


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
    assert isinstance(OpenAIChat("http://host/v1/", "m", http=UNUSED), LanguageModel)
