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
from voxint.server.words import FAILED, silence
from voxint.server.writer import Writer

__all__ = ["serve_websocket", "turn_away"]

SILENT = 4408
"""Close code of a client that was silent for the session timeout, or never registered."""

WAY_OUT = 4
"""Passes of the scheduler that a cancelled request needs to its end. Clients write their next REQUEST right behind an
INTERRUPT: what it costs to begin it would otherwise come in front of the acknowledgement."""

log = get_logger()


async def serve_websocket(
    host: Host,
    head: RequestHead,
    stream: trio.abc.Stream,
    ahead: bytes,
    *,
    place: Place | None = None,
    address: str = "",
) -> None:
    """Serve one client until either side ends. Its requests are cancelled then; nothing here waits for them.

    Args:
        host: The server.
        head: The request for the WebSocket, which is granted.
        stream: The connection behind it; the caller closes it.
        ahead: What was read of the stream already.
        place: What the connection takes up; it gives way to others until the client has registered. None: nothing.
        address: Where the client is; empty: nobody knows.
    """
    connection = Connection(host, place)
    ws = ServerWebSocket(
        stream,
        head,
        ahead,
        max_message_bytes=connection.frame_limit,
        close_s=host.config.close_s,
        holds=(lambda size: None) if place is None else place.holds,
        arrivals=connection.arrivals,
    )
    if place is not None:
        ws.turn = place.turn
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
            came_at = trio.current_time() if place is None else place.since
            register_by = came_at + host.config.register_s
            nursery.start_soon(_keep_alive, connection, host, register_by, nursery.cancel_scope)
            await _read(nursery, connection, ws)
        finally:
            connection.lost()
            connection.let_go()


async def _read(nursery: trio.Nursery, connection: Connection, ws: ServerWebSocket) -> None:
    """Receive until the connection ends: each frame in the step in which it came, and none is waited for."""
    entrance = connection.entrance

    def failed(error: Exception) -> None:
        log.error("connection failed", trace=places(error))
        connection.close(FAULT, FAILED)

    def settle() -> None:
        if connection.listener.too_slow:
            connection.listener.drop()
        if connection.closing is not None:
            ws.ignore()
        else:
            ws.max_message_bytes = connection.frame_limit
            if connection.session is not None:
                ws.turn = None

    def receive(message: str | bytes) -> int:
        stopping = False
        was_verifying, was_turned_away = entrance.verifying, entrance.turned_away
        try:
            stopping = connection.receive(message)
        except Exception as error:  # noqa: BLE001 - the boundary: a bug met by one frame must not end the others
            failed(error)
        if entrance.verifying is not was_verifying:
            nursery.start_soon(finish)
        if entrance.turned_away is not was_turned_away:
            nursery.start_soon(turn_away, connection)
        settle()
        return WAY_OUT if stopping else 0

    async def finish() -> None:
        try:
            await connection.finish_register()
        except Exception as error:  # noqa: BLE001 - the boundary, as above
            failed(error)
        settle()
        if entrance.turned_away is not None:
            await turn_away(connection)

    await ws.read(receive, connection.lost)


async def turn_away(connection: Connection) -> None:
    """Answer a wrong key when it has waited for that."""
    if (turned_away := connection.entrance.turned_away) is not None:
        await trio.sleep_until(turned_away.at)
        connection.tell_turned_away()


async def _write(connection: Connection, ws: ServerWebSocket, all_of_it: trio.CancelScope) -> None:
    """Send what the listener gets, then close."""
    try:
        await Writer(connection, ws).run()
        code, reason = connection.closing or (FAULT, "")
        await ws.aclose(code, reason)
    except trio.BrokenResourceError:
        return  # the reading task hears of it too, and ends the connection when the client has answered its Close
    all_of_it.cancel(reason="the connection has ended")


async def _keep_alive(connection: Connection, host: Host, register_by: float, all_of_it: trio.CancelScope) -> None:
    """Send heartbeats, close a client that stays silent, and bound the close itself."""
    config = host.config
    next_heartbeat = trio.current_time() + config.heartbeat_s
    warned_at = -1.0
    while not connection.ending.is_set():
        now = trio.current_time()
        remaining_s = connection.remaining_s() if connection.session else register_by - now
        if (turned_away := connection.entrance.turned_away) is not None:
            remaining_s = max(remaining_s, turned_away.at - now + config.close_s)
        if remaining_s <= 0:
            if connection.session is None:
                host.turned_away("slow")
            connection.close(
                SILENT, silence(config.register_s, config.session_timeout_s, registered=connection.session is not None)
            )
            break
        if connection.session and remaining_s <= config.warn_s and warned_at != connection.last_heard:
            warned_at = connection.last_heard
            message = "the session ends unless the client sends something, such as HEARTBEAT_REPLY"
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
