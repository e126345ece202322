from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest
import trio
import trio.testing

from tests.net.loopback import Conversation, Loopback, Script, serve, until
from voxint.core.stages import Delta, LanguageModel, ToolCall, Turn, Usage
from voxint.errors import ConfigError, UpstreamError, UpstreamTimeout
from voxint.net.http import HttpClient, open_http
from voxint.protocol.dialogue import ChatMessage
from voxint.protocol.tools import Tool
from voxint.providers import openai_chat
from voxint.providers.openai_chat import OpenAIChat

TURN = Turn((ChatMessage("system", "Be brief."), ChatMessage("user", "Hi.")))
DONE = b"data: [DONE]\n\n"

Piece = Delta | ToolCall | Usage


def event(**fields: object) -> bytes:
    """Return one event of JSON."""
    return b"data: " + json.dumps(fields).encode() + b"\n\n"


def text(content: str | None, finish: str | None = None, **more: object) -> bytes:
    """Return a chunk of text."""
    delta = {"role": "assistant", "content": content} | more
    return event(id="x", choices=[{"index": 0, "delta": delta, "finish_reason": finish}])


def call(index: int | None, arguments: str, name: str | None = None, id: str | None = None) -> bytes:
    """Return a chunk of a function call."""
    piece = {"function": {"name": name, "arguments": arguments}, "id": id}
    return text(None, tool_calls=[piece if index is None else piece | {"index": index}])


@asynccontextmanager
async def chat_with(script: Script, **options: Any) -> AsyncGenerator[tuple[OpenAIChat, HttpClient, Loopback], None]:
    """Run a server of this script and a stage that asks it."""
    async with serve(script) as server, open_http() as http:
        yield OpenAIChat(f"{server.url}/v1", "m", http=http, **options), http, server


async def generate(chat: LanguageModel, turn: Turn = TURN) -> list[Piece]:
    """Return all that the stage writes."""
    send, receive = trio.open_memory_channel[Piece](100)
    async with send:
        await chat.generate(turn, send)
    return [piece async for piece in receive]


def playing(*chunks: bytes) -> Script:
    """Return the script of one response of these chunks."""

    async def script(conversation: Conversation) -> None:
        await conversation.request()
        await conversation.head()
        for chunk in chunks:
            await conversation.chunk(chunk)
        await conversation.end()

    return script


async def answer_to(*chunks: bytes) -> list[Piece]:
    """Return what the stage makes of a response of these chunks."""
    async with chat_with(playing(*chunks)) as (chat, _, _):
        return await generate(chat)


def joined(pieces: list[Piece]) -> str:
    """Return the text of all deltas."""
    return "".join(piece.text for piece in pieces if isinstance(piece, Delta))


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


@pytest.mark.parametrize(
    ("chunks", "message"),
    [
        ([call(0, '{"x": ', "at", "a"), text(None, "length"), DONE], "no JSON object, cut off at the token limit"),
        ([call(0, "[1]", "at", "a"), text(None, "tool_calls"), DONE], "no JSON object"),
        ([call(0, "{}", None, "a"), DONE], "without a name"),
        ([b"data: {nonsense\n\n"], "no chunk of a completion"),
        ([event(choices=[{"delta": {"content": ["a"]}}])], r"no chunk of a completion .*choices\[0\]\.delta\.content"),
        ([text("Hel")], "broke the answer off before its end"),
        ([b": nothing\n\n"], "sent no event .content type text/event-stream"),
        ([text("a"), event(error={"message": "GPU\non fire", "code": None})], "failed in mid-answer.*GPU on fire"),
        ([event(error="no such thing")], "failed in mid-answer.*no such thing"),
        ([event(error={"message": "slow down", "code": 429})], "answered 429.*slow down"),
    ],
)
async def test_bad_answers(chunks: list[bytes], message: str) -> None:
    """An answer that is cut off, reports an error or breaks the form is an UpstreamError that says which."""
    async with chat_with(playing(*chunks)) as (chat, _, _):
        with pytest.raises(UpstreamError, match=message):
            await generate(chat)


@pytest.mark.parametrize(
    ("status", "body", "retryable", "message"),
    [
        (401, b'{"error": {"message": "bad key hush given"}}', False, r"environment variable SOME_KEY.*bad key \*\*\*"),
        (403, b"", False, "environment variable SOME_KEY"),
        (404, b'{"error": "model not found"}', False, "the model m; check base_url and model; it says: model not"),
        (400, b'{"detail": "no\\n stream"}', False, "does not accept the request.*it says: no stream$"),
        (408, b"", True, "try again later"),
        (429, b'[{"error": {"message": "quota"}}]', True, "too many requests.*quota"),
        (500, b"<html><body>oops", True, "try again later$"),
        (503, b'{"message": "starting"}', True, "starting"),
        (302, b"", False, "redirects"),
        (400, b"x" * 100_000, False, "x{300}$"),
        (
            400,
            b'{"detail": [{"loc": ["body"], "msg": "Field required", "input": "x"}, {"msg": "No"}]}',
            False,
            "it says: Field required; No$",
        ),
        (400, b'{"detail": {"input": "x"}}', False, "extra_body$"),
        (400, b'{"detail": [{"msg": "No", "input": "' + b"x" * 100_000, False, "extra_body$"),
    ],
)
async def test_refusals(
    monkeypatch: pytest.MonkeyPatch, status: int, body: bytes, retryable: bool, message: str
) -> None:
    """A refusal says what to do and quotes the provider, in one line without the key."""
    monkeypatch.setenv("SOME_KEY", "hush")

    async def script(conversation: Conversation) -> None:
        await conversation.request()
        await conversation.answer(body, status, "application/json")

    async with chat_with(script, api_key_env="SOME_KEY") as (chat, _, server):
        with pytest.raises(UpstreamError, match=message) as caught:
            await generate(chat)
        assert (caught.value.retryable, caught.value.status) == (retryable, status)
        assert f"127.0.0.1:{server.port}" in str(caught.value)
        assert "hush" not in str(caught.value)
        assert "\n" not in str(caught.value)


SAID = 'My daughter\'s name is 王小明, and "her" account number is 123456789.'
SHORT = "珊瑚海边的小屋"


@pytest.mark.parametrize(
    "words",
    [
        f"cannot parse: {SAID}",
        f"Input should be a list, input_value={SAID[:25]}...{SAID[-25:]}",
        f"bad body: {json.dumps({'content': SAID})}",
        f"too short: {SHORT}?",
        f"too long: {'word ' * 180}{SAID * 20}",
    ],
)
@pytest.mark.parametrize(
    ("status", "form"),
    [
        (422, lambda words: json.dumps({"error": {"message": words}}).encode()),
        (422, lambda words: json.dumps({"detail": [{"msg": words, "input": words}]}).encode()),
        (422, lambda words: words.encode()),
        (200, lambda words: event(error={"message": words})),
    ],
)
async def test_a_providers_words_do_not_echo_the_turn(words: str, status: int, form: Callable[[str], bytes]) -> None:
    """Nothing that was said, written or prompted gets from a refusal into an error: an error is logged."""

    async def script(conversation: Conversation) -> None:
        await conversation.request()
        await conversation.answer(form(words), status, "application/json")

    turn = Turn((ChatMessage("system", SHORT + "!"), ChatMessage("user", SAID), ChatMessage("user", SHORT)))
    async with chat_with(script) as (chat, _, _):
        with pytest.raises(UpstreamError, match="it says: ") as caught:
            await generate(chat, turn)
    for echo in ("daughter", "王", "738b", "123456", "珊瑚", "73ca"):
        assert echo not in str(caught.value)


async def test_a_key_in_a_header_is_blotted_out() -> None:
    """Some providers take the key in a header of their own, and some repeat it."""

    async def script(conversation: Conversation) -> None:
        await conversation.request()
        await conversation.answer(b'{"error": "no such key: hush-hush, nor whisper-whisper"}', 401)

    headers = {"Api-Key": "hush-hush", "Authorization": "Bearer whisper-whisper"}
    async with chat_with(script, headers=headers) as (chat, _, _):
        for ask in (lambda: generate(chat), chat.check):
            with pytest.raises(UpstreamError, match=r"no such key: \*\*\*, nor \*\*\*$"):
                await ask()


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
