"""Listen, admit, drain: the server as one call in a nursery."""

from __future__ import annotations

from functools import partial

import trio
from attrs import field, frozen

from voxint.core.agent import Agent
from voxint.core.observer import Observer
from voxint.net.http_request import HttpError, RequestHead
from voxint.net.httpd import Handler, serve_connection
from voxint.net.places import Place, Places
from voxint.protocol.messages import Shutdown
from voxint.server.auth import check_exposure, check_origin
from voxint.server.config import ServerConfig
from voxint.server.endpoint import serve_websocket
from voxint.server.host import Host
from voxint.server.lag import LoopLag
from voxint.server.meter import Meter
from voxint.server.pages import Pages
from voxint.server.quotas import Quotas
from voxint.server.registration import GOING_AWAY
from voxint.server.telemetry import Telemetry

__all__ = ["PATH", "Server", "serve"]

PATH = "/ws/agent/stream"


@frozen(eq=False)
class Server:
    """A server that listens.

    Args:
        port: Where.
        url: The WebSocket's address.
    """

    port: int
    url: str
    _down: trio.Event = field(factory=trio.Event)

    def shut_down(self) -> None:
        """Begin to drain; `serve` returns when it is done. For another thread: through `TrioToken.run_sync_soon`."""
        self._down.set()

    async def wait_down(self) -> None:
        """Wait for `shut_down`, without bound: a server runs until it is told."""
        await self._down.wait()


async def serve(
    agent: Agent,
    config: ServerConfig = ServerConfig(),
    *,
    quotas: Quotas = Quotas(),
    observer: Observer | None = None,
    task_status: trio.TaskStatus[Server] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve an agent until `Server.shut_down`, or until cancelled.

    With `nursery.start` it returns a `Server` once it really listens. Cancelled, it ends every request and connection
    at once, without a word to the clients. Where a stage that was declared overrun still hangs, it can't return.

    Args:
        agent: Who answers; entered already where its stages are context managers.
        config: The operator's settings.
        quotas: What callers may have.
        observer: Hears of every request.
        task_status: Given by `nursery.start`.

    Raises:
        ConfigError: The address can be reached by everybody and no key is configured.
        OSError: The port is taken.
    """
    check_exposure(config)
    listeners = await trio.open_tcp_listeners(config.port, host=config.host)
    port = listeners[0].socket.getsockname()[1]
    server = Server(port, f"ws://{_authority(config.host, port)}{PATH}")
    async with trio.open_nursery() as home:
        telemetry = Telemetry(observer)
        lag = LoopLag()
        meter = Meter(quotas, config.max_connections, busy=lambda: lag.busy, refused=telemetry.refused)
        telemetry.meter = meter
        host = Host(agent, config, home, telemetry, meter=meter, lag=lag)
        counting = trio.CancelScope()
        home.start_soon(telemetry.run, counting)
        measuring = trio.CancelScope()
        home.start_soon(lag.run, measuring)
        keeping = trio.CancelScope()
        home.start_soon(host.store.run, keeping)
        pages = Pages(host, telemetry, server.url)
        async with trio.open_nursery() as front:
            accepting = trio.CancelScope()
            front.start_soon(_accept, host, pages.answer, listeners, front, accepting)
            task_status.started(server)
            await server.wait_down()
            await _drain(host)  # still accepting: /readyz says 503, and /metrics shows what is left
            accepting.cancel(reason="the server is going down")
            # By then every WebSocket is closed; an idle HTTP connection, such as a scraper's, is not waited for.
            front.cancel_scope.deadline = trio.current_time() + config.close_s
        keeping.cancel(reason="the last connection is closed")
        counting.cancel(reason="the last connection is closed")
        measuring.cancel(reason="the last connection is closed")


async def _accept(
    host: Host,
    handler: Handler,
    listeners: list[trio.SocketListener],
    front: trio.Nursery,
    accepting: trio.CancelScope,
) -> None:
    places = Places(host.config.max_connections)

    async def connected(stream: trio.SocketStream) -> None:
        with places.taken() as place:
            if place is not None:
                admit = partial(_admit, host, place)
                upgrade = partial(serve_websocket, host, place=place, address=_address_of(stream))
                upgrades = {PATH: upgrade, f"/{PATH}": upgrade}  # an existing client doubles the slash
                await serve_connection(stream, handler, upgrades=upgrades, admit=admit, place=place)

    with accepting:
        await trio.serve_listeners(connected, listeners, handler_nursery=front)


def _address_of(stream: trio.SocketStream) -> str:
    """Return where a client is; empty where it is gone already."""
    try:
        return str(stream.socket.getpeername()[0])
    except OSError:
        return ""


def _admit(host: Host, place: Place, head: RequestHead) -> None:
    """Refuse a WebSocket from a page that may not connect, or for which there is no place."""
    check_origin(host.config, head)
    if host.draining:
        raise HttpError(503, "the server is going down")
    if not place.keep():
        raise HttpError(503, "the server is full")


async def _drain(host: Host) -> None:
    """Say goodbye, let live requests end for a while, cancel the rest, flush their final frames, close."""
    host.draining = True
    for connection in host.connections:
        connection.listener.post(Shutdown(reason="the server is shutting down"))
    with trio.move_on_after(host.config.drain_s):
        await host.until_idle()
    for session in host.store.sessions:
        session.close("SHUTDOWN")
    await host.until_idle()  # bounded: every request's guard has been told to stop it
    for connection in host.connections:
        connection.close(GOING_AWAY, "the server is shutting down")
    # The connections close within close_s each.


def _authority(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
