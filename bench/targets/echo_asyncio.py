"""The floor of a run on asyncio: a bare server of the `websockets` library, on uvloop, that sends text back."""

from __future__ import annotations

from collections.abc import Mapping

import uvloop
from websockets.asyncio.server import ServerConnection, serve

from bench.targets.plain import Tell, Upstream

__all__ = ["CANNOT", "DIALECT", "NOTES", "PACKAGES", "run"]

DIALECT = "echo"
PACKAGES = ("websockets", "uvloop")
NOTES = "websockets.asyncio.server on uvloop, without compression and pings; it asks nobody anything."
CANNOT: Mapping[str, str] = {}


async def _serve(tell: Tell) -> None:
    async with serve(_echo, "127.0.0.1", 0, compression=None, ping_interval=None) as server:
        tell.ready(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
        await server.serve_forever()


async def _echo(connection: ServerConnection) -> None:
    async for message in connection:
        if isinstance(message, str):
            await connection.send(message)


def run(upstream: Upstream, tell: Tell) -> None:
    """Serve until killed."""
    uvloop.run(_serve(tell))
