"""The floor of a run on trio: a bare trio-websocket server that sends back the text it gets."""

from __future__ import annotations

from collections.abc import Mapping

import trio
from trio_websocket import ConnectionClosed, WebSocketRequest, serve_websocket

from bench.targets.plain import Tell, Upstream

__all__ = ["CANNOT", "DIALECT", "NOTES", "PACKAGES", "run"]

DIALECT = "echo"
PACKAGES = ("trio", "trio-websocket", "wsproto")
NOTES = "trio-websocket without compression; it asks nobody anything."
CANNOT: Mapping[str, str] = {}


async def _serve(tell: Tell) -> None:
    async with trio.open_nursery() as nursery:
        server = await nursery.start(serve_websocket, _echo, "127.0.0.1", 0, None)
        tell.ready(f"ws://127.0.0.1:{server.port}/")


async def _echo(request: WebSocketRequest) -> None:
    ws = await request.accept()
    try:
        while True:
            message = await ws.get_message()
            if isinstance(message, str):
                await ws.send_message(message)
    except ConnectionClosed:
        pass


def run(upstream: Upstream, tell: Tell) -> None:
    """Serve until killed."""
    trio.run(_serve, tell)
