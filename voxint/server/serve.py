"""Listen, admit, drain: the server as one call in a nursery."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import trio
from attrs import define, field

from voxint.core.agent import Agent
from voxint.core.observer import Observer
from voxint.core.resample import load_resampler
from voxint.net.accept import accept_connections, peer_of
from voxint.net.http_request import HttpError, HttpLimits, RequestHead
from voxint.net.httpd import Handler, serve_connection
from voxint.net.places import Place
from voxint.protocol.messages import Shutdown
from voxint.server.address import client_address, is_trusted, one_address
from voxint.server.auth import check_exposure, check_origin
from voxint.server.config import ServerConfig
from voxint.server.endpoint import serve_websocket
from voxint.server.host import Host
from voxint.server.lag import LoopLag
from voxint.server.pages import Pages
from voxint.server.registration import GOING_AWAY
from voxint.server.telemetry import Telemetry

__all__ = ["PATH", "Server", "serve"]

PATH = "/ws/agent/stream"


@define(eq=False)
class Server:
    """A server that listens.

    Args:
        port: Where.
        url: The WebSocket's address.
    """

    port: int
    url: str
    _down: trio.Event = field(factory=trio.Event)
    _fallen: list[Callable[[], None]] = field(factory=list)

    def shut_down(self) -> None:
        """Begin to drain; `serve` returns when it is done. For another thread: through `TrioToken.run_sync_soon`."""
        self._down.set()

    async def wait_down(self) -> None:
        """Wait for `shut_down`, without bound: a server runs until it is told."""
        await self._down.wait()

    def when_fallen(self, tell: Callable[[], None]) -> None:
        """Call `tell` in the step in which `serve` is cancelled: a task of it has failed, or its host has cancelled it.

        What it still holds may take its time, or hang. `tell` must not raise.
        """
        self._fallen.append(tell)

    def reload_soon(self) -> None:
        """Have the keys and certificates read again; for another thread as `shut_down`."""

    async def stand(self, until: trio.CancelScope) -> None:
        """Wait for `until`, which comes at an orderly end; tell who wants to know where a cancellation comes before."""
        try:
            with until:
                await trio.sleep_forever()
        except trio.Cancelled:
            for tell in self._fallen:
                tell()
            raise


async def serve(
    agent: Agent,
    config: ServerConfig = ServerConfig(),
    *,
    observer: Observer | None = None,
    task_status: trio.TaskStatus[Server] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve an agent until `Server.shut_down`, or until cancelled.

    With `nursery.start` it returns a `Server` once it really listens. Cancelled, it ends every request and connection
    at once, without a word to the clients. Where a stage that was declared overrun still hangs, it can't return.

    Args:
        agent: Who answers; entered already where its stages are context managers.
        config: The operator's settings.
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
    if agent.stt is not None or agent.tts is not None:
        await trio.to_thread.run_sync(load_resampler)  # which a client's rate may need in the middle of a call
    lag = LoopLag()
    with lag.measuring():
        async with trio.open_nursery() as home:
            telemetry = Telemetry(observer, lag)
            host = Host(agent, config, home, telemetry, lag, telemetry.turned_away)
            ends = []
            for beside in (server.stand, telemetry.run, host.store.run, host.guesses.run):
                ends.append(trio.CancelScope())
                home.start_soon(beside, ends[-1])
            await _serve(host, server, Pages(host, telemetry, server.url), listeners, task_status)
            for end in ends:
                end.cancel(reason="the last connection is closed")


async def _serve(
    host: Host,
    server: Server,
    pages: Pages,
    listeners: list[trio.SocketListener],
    task_status: trio.TaskStatus[Server],
) -> None:
    """Let callers in until the server is told to shut down, then drain."""
    async with trio.open_nursery() as front:
        accepting = trio.CancelScope()
        front.start_soon(_accept, host, pages.answer, listeners, front, accepting)
        task_status.started(server)
        await server.wait_down()
        await _drain(host)  # still accepting: /readyz says 503, and /metrics shows what is left
        accepting.cancel(reason="the server is going down")
        # By then every WebSocket is closed; an idle HTTP connection, such as a scraper's, is not waited for.
        front.cancel_scope.deadline = trio.current_time() + host.config.close_s


async def _accept(
    host: Host,
    handler: Handler,
    listeners: list[trio.SocketListener],
    front: trio.Nursery,
    accepting: trio.CancelScope,
) -> None:
    limits = HttpLimits(head_s=host.config.register_s)

    async def connected(stream: trio.SocketStream) -> None:
        peer = peer_of(stream)
        address = peer if is_trusted(peer, host.trusted) else one_address(peer)
        try:
            async with host.places.taken(address) as place:
                if place is not None:
                    admit = partial(_admit, host, place, peer)
                    upgrade = partial(serve_websocket, host, place=place)
                    upgrades = {PATH: upgrade, f"/{PATH}": upgrade}  # an existing client doubles the slash
                    await serve_connection(stream, handler, upgrades=upgrades, admit=admit, limits=limits, place=place)
        finally:
            await trio.aclose_forcefully(stream)

    with accepting:
        async with trio.open_nursery() as nursery:
            refused = partial(host.turned_away, "descriptors")
            for listener in listeners:
                nursery.start_soon(accept_connections, listener, connected, front, host.places.make_room, refused)


def _admit(host: Host, place: Place, peer: str, head: RequestHead) -> None:
    """Refuse a WebSocket from a page that may not connect, or from an address that has too many."""
    check_origin(host.config, head)
    if host.draining:
        raise HttpError(503, "the server is going down")
    if not place.comes_from(client_address(head, peer, host.trusted)):
        host.turned_away("address")
        raise HttpError(503, "too many of this address have not registered yet; try again later")


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
