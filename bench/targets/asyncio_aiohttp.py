"""The fastest hand-written server on asyncio: aiohttp as its client, and an acknowledgement that waits for the end."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping

import aiohttp

from bench.targets.fastapi_server import TIMEOUT_S, Messages, Turn, serve
from bench.targets.plain import Tell, Upstream

__all__ = ["CANNOT", "DIALECT", "NOTES", "PACKAGES", "AiohttpClient", "run"]

DIALECT = "plain"
PACKAGES = ("fastapi", "starlette", "uvicorn", "websockets", "httptools", "uvloop", "aiohttp")
NOTES = (
    "FastAPI on uvicorn[standard] (uvloop, httptools, websockets; no compression, no pings) with one shared "
    "aiohttp.ClientSession (keep-alive, connections without limit). The next sentence is synthesized while one plays; "
    "audio leaves 120 ms ahead of playback. A stop calls task.cancel(), awaits the task and only then acknowledges."
)
CANNOT: Mapping[str, str] = {}

IDLE_S = 30.0
"""Seconds that an idle connection is kept, as the httpx target keeps them; aiohttp's default is 15."""


class AiohttpClient:
    """The upstreams through one aiohttp session; made inside the event loop."""

    errors: tuple[type[Exception], ...] = (aiohttp.ClientError, TimeoutError, ValueError)

    def __init__(self, upstream: Upstream) -> None:
        self._http = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=IDLE_S),
            timeout=aiohttp.ClientTimeout(total=None, connect=TIMEOUT_S, sock_read=TIMEOUT_S),
            raise_for_status=True,
        )
        self._chat_url = f"{upstream.llm}/chat/completions"
        self._speech_url = f"{upstream.speech}/audio/speech"
        self._transcription_url = f"{upstream.transcription}/audio/transcriptions?stream=true&sample_rate=16000"

    async def chat(self, messages: Messages) -> AsyncGenerator[str, None]:
        """Yield the model's text as it comes."""
        body = {"model": "sim", "messages": messages, "stream": True}
        async with self._http.post(self._chat_url, json=body) as response:
            async for line in response.content:
                # Read on behind [DONE]: only a body that was read to its end leaves a connection to be kept.
                if line.startswith(b"data: {") and (
                    delta := json.loads(line[6:])["choices"][0]["delta"].get("content")
                ):
                    yield delta

    async def speech(self, text: str) -> AsyncGenerator[bytes, None]:
        """Yield the audio of a sentence as it comes."""
        body = {"model": "sim", "voice": "alloy", "input": text, "response_format": "pcm"}
        async with self._http.post(self._speech_url, json=body) as response:
            async for chunk in response.content.iter_any():
                yield chunk

    async def transcribe(self, pieces: AsyncIterator[bytes]) -> str:
        """Send audio while it is spoken, and return what was said."""
        text = ""
        kind = {"content-type": "audio/pcm"}
        async with self._http.post(self._transcription_url, data=pieces, headers=kind) as response:
            async for line in response.content:
                if line.startswith(b"data: {") and (event := json.loads(line[6:]))["type"] == "transcript.text.done":
                    text = event["text"]
        return text

    async def close(self) -> None:
        """Close every connection."""
        await self._http.close()


async def stop(turn: Turn, tell: Tell) -> None:
    """Cancel, and come back when the turn has ended."""
    turn.cancel()
    tell.cancelled(turn.number)
    await asyncio.wait([turn.task])


def run(upstream: Upstream, tell: Tell) -> None:
    """Serve until killed."""
    serve(lambda: AiohttpClient(upstream), stop, tell)
