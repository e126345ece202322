"""One WebSocket: the receive loop, the one writer, the heartbeat, the close that can't hang."""

from __future__ import annotations

from contextlib import nullcontext

import trio

from voxint.logs import get_logger, places
from voxint.net.http_request import RequestHead
from voxint.net.places import Place
from voxint.net.websocket import ServerWebSocket
from voxint.protocol.messages import Heartbeat, SessionWarn
from voxint.server.connection import FAULT, Connection
from voxint.server.host import Host
from voxint.server.writer import Writer

__all__ = ["serve_websocket"]

SILENT = 4408
"""Close code of a client that was silent for the session timeout, or never registered."""

WAY_OUT = 4
"""Passes of the scheduler that a cancelled request needs to its end. Clients write their next REQUEST right behind an
INTERRUPT: what it costs to begin it would otherwise come in front of the acknowledgement."""

log = get_logger()


async def serve_websocket(
    host: Host, head: RequestHead, stream: trio.abc.Stream, ahead: bytes, *, place: Place | None = None
) -> None:
    """Serve one client until either side ends. Its requests are cancelled then; nothing here waits for them.

    Args:
        host: The server.
        head: The request for the WebSocket, which is granted.
        stream: The connection behind it; the caller closes it.
        ahead: What was read of the stream already.
        place: What the connection takes up; it gives way to others until the client has registered. None: nothing.
    """
    connection = Connection(host)
    ws = ServerWebSocket(stream, head, ahead, max_message_bytes=connection.frame_limit, close_s=host.config.close_s)
    try:
        async with trio.open_nursery() as nursery:
            with nullcontext() if place is None else place.waiting():
                await _serve(host, nursery, connection, ws, place)
            nursery.cancel_scope.cancel(reason="the connection has ended")
    except* Exception as group:  # noqa: BLE001 - the boundary: one connection must not end the others
        log.error("connection failed", trace=places(group))


async def _serve(
    host: Host, nursery: trio.Nursery, connection: Connection, ws: ServerWebSocket, place: Place | None
) -> None:
    with host.admitted(connection):
        try:
            nursery.start_soon(_write, connection, ws, nursery.cancel_scope)
            nursery.start_soon(_keep_alive, connection, host, nursery.cancel_scope)
            await _read(connection, ws, place)
        finally:
            connection.lost()
            connection.let_go()


async def _read(connection: Connection, ws: ServerWebSocket, place: Place | None) -> None:
    """Receive until the connection ends: each frame in the step in which it came, and none is waited for."""

    def receive(message: str | bytes) -> int:
        stopping = False
        try:
            stopping = connection.receive(message)
        except Exception as error:  # noqa: BLE001 - the boundary: a bug met by one frame must not end the others
            log.error("connection failed", trace=places(error))
            connection.close(FAULT, "the server failed")
        if connection.listener.too_slow:
            connection.listener.drop()
        if connection.closing is not None:
            ws.ignore()
        else:
            ws.max_message_bytes = connection.frame_limit
            if connection.session is not None and place is not None:
                place.stay()
        return WAY_OUT if stopping else 0

    await ws.read(receive, connection.lost)


async def _write(connection: Connection, ws: ServerWebSocket, all_of_it: trio.CancelScope) -> None:
    """Send what the listener gets, then close."""
    try:
        await Writer(connection, ws).run()
        code, reason = connection.closing or (FAULT, "")
        await ws.aclose(code, reason)
    except trio.BrokenResourceError:
        return  # the reading task hears of it too, and ends the connection when the client has answered its Close
    all_of_it.cancel(reason="the connection has ended")


async def _keep_alive(connection: Connection, host: Host, all_of_it: trio.CancelScope) -> None:
    """Send heartbeats, close a client that stays silent, and bound the close itself."""
    config = host.config
    next_heartbeat = trio.current_time() + config.heartbeat_s
    register_by = trio.current_time() + config.register_s
    warned_at = -1.0
    while not connection.ending.is_set():
        now = trio.current_time()
        remaining_s = connection.remaining_s() if connection.session else register_by - now
        if remaining_s <= 0:
            connection.close(SILENT, "nothing was heard for too long")
            break
        if connection.session and remaining_s <= config.warn_s and warned_at != connection.last_heard:
            warned_at = connection.last_heard
            message = "the session ends unless something is heard"
            connection.listener.post(
                SessionWarn(warn_type="EXPIRE_SOON", remaining_seconds=int(remaining_s), message=message)
            )
        if now >= next_heartbeat:
            next_heartbeat = now + config.heartbeat_s
            # Before REGISTER it has no session to be answered with, and the answer would be refused as a stranger's.
            if connection.session is not None:
                connection.listener.post_first(Heartbeat(remaining_seconds=int(remaining_s)))
        warn_in_s = remaining_s - config.warn_s if remaining_s > config.warn_s else remaining_s
        with trio.move_on_after(max(0.0, min(next_heartbeat - now, warn_in_s, remaining_s))):
            await connection.ending.wait()
    await connection.ending.wait()  # bounded by the guards of what ends with the connection
    await trio.sleep(2 * config.close_s)  # to write what waits; and then for the client to close in its turn
    all_of_it.cancel(reason="the client did not let the connection close")
