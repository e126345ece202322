"""An answer whose end was said stands, however its connection ends behind it."""

from __future__ import annotations

import socket
import struct
import zlib
from collections.abc import Awaitable, Callable

import pytest
import trio

from tests.net.loopback import Conversation
from tests.providers.chat import DONE, call, chat_with, event, generate, joined, text
from voxint.core.stages import ToolCall
from voxint.errors import UpstreamError
from voxint.providers import openai_chat

Ending = Callable[[Conversation], Awaitable[None]]


def says(data: bytes, *, closes: bool = True) -> Ending:
    """Return an ending of these bytes."""

    async def end(conversation: Conversation) -> None:
        await conversation.stream.send_all(data)
        if closes:
            await conversation.stream.aclose()
        else:
            await conversation.closed()

    return end


async def reset(conversation: Conversation) -> None:
    """Reset the connection."""
    stream = conversation.stream
    assert isinstance(stream, trio.SocketStream)
    stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    await stream.aclose()


async def go_on_without_an_answer(conversation: Conversation) -> None:
    """Keep the connection alive, and say nothing."""
    while True:
        await conversation.chunk(b": alive\n\n")
        await trio.sleep(0.01)


ENDINGS: dict[str, Ending] = {
    "closed": says(b""),
    "reset": reset,
    "half a chunk": says(b"40\r\ndata: {"),
    "half a size": says(b"4"),
    "no chunk": says(b"garbage\r\n\r\n"),
    "no chunk, and open": says(b"garbage\r\n\r\n", closes=False),
    "a chunk without its end": says(b"2\r\n\n\nx\r\n"),
    "a size without end": says(b"0" * 100_000, closes=False),
    "silence": says(b"", closes=False),
    "half an event": says(b"8\r\ndata: {\n\r\n0\r\n\r\n"),
    "no event": says(b"a\r\ndata: {[\n\n\r\n0\r\n\r\n", closes=False),
    "an event of bytes": says(b"a\r\ndata: \xff\x00\n\n\r\n", closes=False),
    "an error": says(b'19\r\ndata: {"error": "gone"}\n\n\r\n', closes=False),
    "signs of life": go_on_without_an_answer,
}


@pytest.mark.parametrize("last", [text("ok") + DONE, text("ok", "stop")], ids=["done", "finish"])
@pytest.mark.parametrize("name", ENDINGS)
@pytest.mark.parametrize("apart", [True, False], ids=["apart", "together"])
async def test_an_answer_that_is_whole_stands(
    monkeypatch: pytest.MonkeyPatch, name: str, last: bytes, apart: bool
) -> None:
    """Whether its end comes in one read with what is wrong behind it, or before."""
    monkeypatch.setattr(openai_chat, "FINISHED_S", 0.1)
    monkeypatch.setattr(openai_chat, "CLOSE_S", 0.05)

    async def script(conversation: Conversation) -> None:
        await conversation.request()
        await conversation.head()
        await conversation.chunk(last)
        if apart:
            await trio.sleep(0.02)
        await ENDINGS[name](conversation)

    async with chat_with(script) as (chat, http, _):
        with trio.fail_after(5):
            assert joined(await generate(chat)) == "ok"
        assert http.statistics().in_use == 0


@pytest.mark.parametrize("name", set(ENDINGS) - {"silence", "signs of life", "a size without end"})
async def test_an_answer_that_is_not_whole_fails(name: str) -> None:
    """The same endings, before the end was said."""

    async def script(conversation: Conversation) -> None:
        await conversation.request()
        await conversation.head()
        await conversation.chunk(text("ok"))
        await ENDINGS[name](conversation)

    async with chat_with(script) as (chat, _, _):
        with trio.fail_after(5), pytest.raises(UpstreamError):
            await generate(chat)


async def test_calls_are_handed_on_after_a_finish_and_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    """A model that calls a function and never says `[DONE]` has called it."""
    monkeypatch.setattr(openai_chat, "FINISHED_S", 0.1)

    async def script(conversation: Conversation) -> None:
        await conversation.request()
        await conversation.head()
        await conversation.chunk(call(0, "{}", "now", "a") + text(None, "tool_calls"))
        await conversation.closed()

    async with chat_with(script) as (chat, _, _):
        with trio.fail_after(5):
            assert (await generate(chat))[-1] == ToolCall("a", "now", {})


async def test_what_comes_after_a_finish_renews_the_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """Servers that give a reason with every piece are heard to their end; signs of life renew nothing."""
    monkeypatch.setattr(openai_chat, "FINISHED_S", 0.3)

    async def script(conversation: Conversation) -> None:
        await conversation.request()
        await conversation.head()
        for _ in range(4):
            await conversation.chunk(text("a", "stop"))
            await trio.sleep(0.15)
        await go_on_without_an_answer(conversation)

    async with chat_with(script) as (chat, _, _):
        with trio.fail_after(5):
            assert joined(await generate(chat)) == "aaaa"


@pytest.mark.parametrize("last", [text("ok") + DONE, text("ok", "stop")], ids=["done", "finish"])
@pytest.mark.parametrize("damage", [b"", b"\xff" * 40, b"\x01\x02", b"wrong check sum"])
@pytest.mark.parametrize("length", [b"content-length: 4000\r\n", b""], ids=["a length that lies", "no length"])
async def test_a_packed_answer_that_is_whole_stands(
    monkeypatch: pytest.MonkeyPatch, last: bytes, damage: bytes, length: bytes
) -> None:
    """Damaged or cut behind its end, also in one read with it."""
    monkeypatch.setattr(openai_chat, "FINISHED_S", 0.1)
    packer = zlib.compressobj(wbits=31)
    packed = packer.compress(last) + packer.flush(zlib.Z_SYNC_FLUSH if damage != b"wrong check sum" else zlib.Z_FINISH)
    packed = packed[:-8] + damage if damage == b"wrong check sum" else packed + damage

    async def script(conversation: Conversation) -> None:
        await conversation.request()
        head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-encoding: gzip\r\n%b\r\n" % length
        await conversation.stream.send_all(head + packed)
        await conversation.stream.aclose()

    async with chat_with(script) as (chat, _, _):
        with trio.fail_after(5):
            assert joined(await generate(chat)) == "ok"


async def test_text_before_nonsense_is_not_lost_with_it() -> None:
    """All of the answer may come in one read with what is no part of it."""

    async def script(conversation: Conversation) -> None:
        await conversation.request()
        await conversation.answer(text("all ") + text("of it", "stop") + b"data: {nonsense\n\n" + event(error="gone"))

    async with chat_with(script) as (chat, _, _):
        assert joined(await generate(chat)) == "all of it"
