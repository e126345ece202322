"""A WebSocket that says what it hears, on the server's own driver: what a conformance suite wants to talk to."""

from __future__ import annotations

from contextlib import suppress

import trio

from voxint.net.http_request import HttpRequest, RequestHead
from voxint.net.httpd import serve_connection
from voxint.net.websocket import ServerWebSocket

__all__ = ["serve_echo"]

MAX_MESSAGE_BYTES = 64 << 20
"""Suites send as much as 16 MiB."""


async def serve_echo(port: int) -> None:
    """Serve on loopback until cancelled."""

    async def connected(stream: trio.SocketStream) -> None:
        await serve_connection(stream, _refuse, upgrade=lambda head: _echo)

    await trio.serve_tcp(connected, port, host="127.0.0.1")


async def _refuse(request: HttpRequest) -> None:
    await request.respond(404)


async def _echo(head: RequestHead, stream: trio.abc.Stream, ahead: bytes) -> None:
    ws = ServerWebSocket(stream, head, ahead, max_message_bytes=MAX_MESSAGE_BYTES)
    async with trio.open_nursery() as nursery:

        def deliver(message: str | bytes) -> int:
            if not ws.send_now(message):
                nursery.start_soon(flush)
            return 0

        async def flush() -> None:
            with suppress(trio.BrokenResourceError):  # the reading task returns then
                await ws.flush()

        await ws.read(deliver)
        nursery.cancel_scope.cancel(reason="the connection has ended")
