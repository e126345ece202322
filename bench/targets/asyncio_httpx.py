"""A hand-written server, as most begin: FastAPI, uvicorn and httpx; `task.cancel()`, and the word of it at once."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping

import httpx

from bench.targets.fastapi_server import TIMEOUT_S, Messages, Turn, serve
from bench.targets.plain import Tell, Upstream

__all__ = ["CANNOT", "DIALECT", "NOTES", "PACKAGES", "HttpxClient", "run"]

DIALECT = "plain"
PACKAGES = ("fastapi", "starlette", "uvicorn", "websockets", "httptools", "uvloop", "httpx", "httpcore", "h11", "anyio")
NOTES = (
    "FastAPI on uvicorn[standard] (uvloop, httptools, websockets; no compression, no pings) with one shared "
    "httpx.AsyncClient (keep-alive, connections without limit). The next sentence is synthesized while one plays; "
    "audio leaves 120 ms ahead of playback. A stop calls task.cancel() and is acknowledged at once, as such servers do "
    "it: before anything has ended."
)
CANNOT: Mapping[str, str] = {}

IDLE_S = 30.0
"""Seconds that an idle connection is kept. httpx's default is 5; people think longer between two questions."""


class HttpxClient:
    """The upstreams through one httpx client."""

    errors: tuple[type[Exception], ...] = (httpx.HTTPError, ValueError)

    def __init__(self, upstream: Upstream) -> None:
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=None, keepalive_expiry=IDLE_S)
        self._http = httpx.AsyncClient(timeout=TIMEOUT_S, limits=limits, trust_env=False)
        self._chat_url = f"{upstream.llm}/chat/completions"
        self._speech_url = f"{upstream.speech}/audio/speech"
        self._transcription_url = f"{upstream.transcription}/audio/transcriptions?stream=true&sample_rate=16000"

    async def chat(self, messages: Messages) -> AsyncGenerator[str, None]:
        """Yield the model's text as it comes."""
        body = {"model": "sim", "messages": messages, "stream": True}
        async with self._http.stream("POST", self._chat_url, json=body) as response:
            response.raise_for_status()
            async for line in response.aiter_lines():
                # Read on behind [DONE]: only a body that was read to its end leaves a connection to be kept.
                if line.startswith("data: {") and (delta := json.loads(line[6:])["choices"][0]["delta"].get("content")):
                    yield delta

    async def speech(self, text: str) -> AsyncGenerator[bytes, None]:
        """Yield the audio of a sentence as it comes."""
        body = {"model": "sim", "voice": "alloy", "input": text, "response_format": "pcm"}
        async with self._http.stream("POST", self._speech_url, json=body) as response:
            response.raise_for_status()
            async for chunk in response.aiter_bytes():
                yield chunk

    async def transcribe(self, pieces: AsyncIterator[bytes]) -> str:
        """Send audio while it is spoken, and return what was said."""
        text = ""
        kind = {"content-type": "audio/pcm"}
        async with self._http.stream("POST", self._transcription_url, content=pieces, headers=kind) as response:
            response.raise_for_status()
            async for line in response.aiter_lines():
                if line.startswith("data: {") and (event := json.loads(line[6:]))["type"] == "transcript.text.done":
                    text = event["text"]
        return text

    async def close(self) -> None:
        """Close every connection."""
        await self._http.aclose()


async def stop(turn: Turn, tell: Tell) -> None:
    """Cancel; what there is to unwind does so after the acknowledgement."""
    turn.cancel()
    tell.cancelled(turn.number)


def run(upstream: Upstream, tell: Tell) -> None:
    """Serve until killed."""
    serve(lambda: HttpxClient(upstream), stop, tell)
