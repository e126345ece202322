"""Servers that send without end: others have their turn, and it is refused in time."""

from __future__ import annotations

import gzip

import pytest
import trio

from tests.net.loopback import Conversation
from tests.providers.chat import DONE, TURN, Piece, call, chat_with, generate, playing, text
from tests.providers.stream import CALLED, sse
from voxint.core.stages import Thinking, ToolCall
from voxint.errors import UpstreamError
from voxint.providers._openai_calls import MOST_PARTS

BOMB = gzip.compress(bytes(30_000_000))
JSON_BOMB = gzip.compress(b'{"data": [' + b" " * 30_000_000 + b"]}")


def packed(status: int, body: bytes, coding: bytes = b"gzip") -> bytes:
    """Return a response with a body that was packed."""
    head = b"HTTP/1.1 %d Well\r\ncontent-encoding: %b\r\ncontent-length: %d\r\n\r\n"
    return head % (status, coding, len(body)) + body


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (packed(200, BOMB), "unpacks to far more than it may"),
        (packed(200, gzip.compress(b"\n" * 30_000_000)), "unpacks to far more than it may"),
        (packed(200, gzip.compress(BOMB), b"gzip, gzip"), "more than one content coding"),
        (packed(500, BOMB), "answered 500"),
        (packed(400, gzip.compress(BOMB), b"gzip, gzip"), "answered 400"),
    ],
    ids=["zeros", "blank lines", "twice", "a refusal", "a refusal, twice"],
)
async def test_a_bomb_is_refused_and_the_operator_is_told_whose_it_is(answer: bytes, words: str) -> None:
    """As an answer it is none; as the words of a refusal, its status says enough."""

    async def script(conversation: Conversation) -> None:
        await conversation.request()
        await conversation.stream.send_all(answer)
        await conversation.closed()

    async with chat_with(script) as (chat, _, server):
        with trio.fail_after(5), pytest.raises(UpstreamError) as caught:
            await generate(chat)
        assert f"127.0.0.1:{server.port}" in caught.value.operator_detail
        assert words in caught.value.operator_detail
        assert "gzip" not in caught.value.message


async def test_a_list_of_models_that_is_a_bomb_is_left_alone() -> None:
    """No more of it is unpacked than is read of any list."""

    async def script(conversation: Conversation) -> None:
        await conversation.request()
        await conversation.stream.send_all(packed(200, JSON_BOMB))
        await conversation.closed()

    async with chat_with(script) as (chat, _, _):
        with trio.fail_after(5):
            assert "it lists no models" in (await chat.check()).words


async def test_a_list_of_very_many_models_is_not_read() -> None:
    """To read it would hold the others up."""
    models = b'{"data":[' + b",".join([b'{"id":""}'] * 30_000) + b"]}"
    async with chat_with(playing(models)) as (chat, _, _):
        assert "it lists no models" in (await chat.check()).words


@pytest.mark.parametrize(
    "piece",
    [
        b": alive\n\n" * 500,
        b"\n" * 4000,
        text("") * 50,
        text(None, reasoning_content="hm") * 50,
        call(0, "x" * 100) * 20,
    ],
    ids=["comments", "blank lines", "empty deltas", "reasoning", "arguments"],
)
async def test_a_flood_of_nothing_lets_the_others_run(piece: bytes) -> None:
    """At full speed and without end: there is a turn for all others between any two reads of it."""
    sent, turns = 0, 0

    async def script(conversation: Conversation) -> None:
        nonlocal sent
        await conversation.request()
        await conversation.head()
        while True:
            await conversation.chunk(piece)
            sent += 1

    async def others() -> None:
        nonlocal turns
        while sent < 200:
            turns += 1
            await trio.lowlevel.checkpoint()
        nursery.cancel_scope.cancel(reason="seen enough")

    with trio.fail_after(30):
        async with chat_with(script) as (chat, _, _), trio.open_nursery() as nursery:
            nursery.start_soon(others)
            send, receive = trio.open_memory_channel[Piece](0)
            nursery.start_soon(chat.generate, TURN, send)
            async for piece_of_it in receive:
                assert piece_of_it == Thinking()
    assert turns >= 100


async def test_arguments_that_come_letter_by_letter_are_whole() -> None:
    """However many pieces that makes."""
    arguments = '{"text": "' + "0123456789" * (MOST_PARTS // 10 + 10) + '"}'
    pieces = [call(0, "", "write", "c"), *(call(0, letter) for letter in arguments), sse(CALLED), DONE]
    async with chat_with(playing(b"".join(pieces))) as (chat, _, _):
        with trio.fail_after(5):
            found = await generate(chat)
    assert found[-1] == ToolCall("c", "write", {"text": "0123456789" * (MOST_PARTS // 10 + 10)})
