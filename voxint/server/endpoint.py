"""One WebSocket: the receive loop, the one writer, the heartbeat, the close that can't hang."""

from __future__ import annotations

import trio
from trio_websocket import ConnectionClosed, HandshakeError
from wsproto.utilities import RemoteProtocolError

from voxint.logs import get_logger, places
from voxint.net.websocket import ServerWebSocket, wrap_server_stream
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


async def serve_websocket(host: Host, stream: trio.abc.Stream) -> None:
    """Serve one client until either side ends. Its requests are cancelled then; nothing here waits for them.

    Args:
        host: The server.
        stream: The connection with its upgrade request still to be read; the caller closes it.
    """
    try:
        async with trio.open_nursery() as nursery:
            ws = await _accept(host, nursery, stream)
            if ws is not None:
                await _serve(host, nursery, ws)
            nursery.cancel_scope.cancel(reason="the connection has ended")
    except* (ConnectionClosed, HandshakeError, RemoteProtocolError, trio.BrokenResourceError):
        pass  # the client broke off, or does not speak WebSocket: its own affair
    except* Exception as group:  # noqa: BLE001 - the boundary: one connection must not end the others
        log.error("connection failed", trace=places(group))


async def _serve(host: Host, nursery: trio.Nursery, ws: ServerWebSocket) -> None:
    connection = Connection(host)
    with host.admitted(connection):
        try:
            nursery.start_soon(_write, connection, ws, nursery.cancel_scope)
            nursery.start_soon(_keep_alive, connection, host, nursery.cancel_scope)
            await _read(connection, ws)
        finally:
            connection.lost()


async def _accept(host: Host, nursery: trio.Nursery, stream: trio.abc.Stream) -> ServerWebSocket | None:
    """Return the open WebSocket, or None where it was refused or the client took too long."""
    with trio.move_on_after(host.config.register_s):
        request = await wrap_server_stream(nursery, stream, host.config.max_frame_bytes)
        if host.full:
            await request.reject(503, body=b"the server is full or going down")
            return None
        ws = await request.accept()
        assert isinstance(ws, ServerWebSocket)
        return ws
    return None


async def _read(connection: Connection, ws: ServerWebSocket) -> None:
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
        return WAY_OUT if stopping else 0

    ws.deliver = receive
    try:
        while True:
            receive(await ws.get_message())  # what came before `deliver` was set; then it waits for the end
    except ConnectionClosed:
        pass


async def _write(connection: Connection, ws: ServerWebSocket, all_of_it: trio.CancelScope) -> None:
    """Send what the listener gets, then close."""
    try:
        await Writer(connection, ws).run()
        code, reason = connection.closing or (FAULT, "")
        await ws.aclose(code, reason)
    except ConnectionClosed:
        pass
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
            connection.listener.post_first(Heartbeat(remaining_seconds=int(remaining_s)))
        warn_in_s = remaining_s - config.warn_s if remaining_s > config.warn_s else remaining_s
        with trio.move_on_after(max(0.0, min(next_heartbeat - now, warn_in_s, remaining_s))):
            await connection.ending.wait()
    await trio.sleep(config.close_s)
    all_of_it.cancel(reason="the client did not let the connection close")
