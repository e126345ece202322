"""A model behind a scripted server."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import trio

from tests.net.loopback import Conversation, Loopback, Script, serve
from voxint.core.dialogue import ChatMessage
from voxint.core.stages import Delta, LanguageModel, ModelOutput, Turn
from voxint.net.http import HttpClient, open_http
from voxint.providers.openai_chat import OpenAIChat

__all__ = ["DONE", "TURN", "Piece", "answer_to", "call", "chat_with", "event", "generate", "joined", "playing", "text"]

TURN = Turn((ChatMessage("system", "Be brief."), ChatMessage("user", "Hi.")))
DONE = b"data: [DONE]\n\n"

Piece = ModelOutput


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
