"""A hand-written server that cancels nothing: a flag is looked at between chunks, the way most such servers do it."""

from __future__ import annotations

from collections.abc import Mapping

from bench.targets.asyncio_httpx import PACKAGES, HttpxClient
from bench.targets.fastapi_server import Turn, serve
from bench.targets.plain import Tell, Upstream

__all__ = ["CANNOT", "DIALECT", "NOTES", "PACKAGES", "run"]

DIALECT = "plain"
NOTES = (
    "The server of asyncio_httpx, but a stop sets an asyncio.Event and is acknowledged at once. The turn looks at it "
    "between two chunks of the model, of the synthesis, of the upload, and before each frame that it sends; who waits "
    "for an upstream does not look."
)
CANNOT: Mapping[str, str] = {}


async def stop(turn: Turn, tell: Tell) -> None:
    """Raise the flag."""
    turn.flag.set()
    tell.cancelled(turn.number)
    turn.mic.put_nowait(None)  # nothing more is heard: let the upload look


def run(upstream: Upstream, tell: Tell) -> None:
    """Serve until killed."""
    serve(lambda: HttpxClient(upstream), stop, tell)
