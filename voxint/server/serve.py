"""Listen, admit, drain: the server as one call in a nursery."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, TypeVar

import trio
from attrs import field, frozen

from voxint.core.agent import Agent
from voxint.core.observer import Observer
from voxint.net.http_request import HttpError, RequestHead
from voxint.net.httpd import Handler, serve_connection
from voxint.net.places import Place, Places
from voxint.net.tcp import TcpStream
from voxint.net.tls import shake_hands
from voxint.protocol.messages import Shutdown
from voxint.server.auth import check_exposure, check_origin
from voxint.server.certificate import Certificate, certificate_of
from voxint.server.config import ServerConfig
from voxint.server.endpoint import serve_websocket
from voxint.server.host import Host
from voxint.server.keyring import Keyring
from voxint.server.keys_file import read_keys
from voxint.server.page import security_headers
from voxint.server.pages import Pages
from voxint.server.registration import GOING_AWAY
from voxint.server.reloading import ReloadedFiles, Reloader
from voxint.server.telemetry import Telemetry

__all__ = ["PATH", "Server", "serve"]

PATH = "/ws/agent/stream"

T = TypeVar("T")


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
    _reload: Callable[[], Awaitable[None]] = field(default=trio.lowlevel.checkpoint, repr=False)

    def shut_down(self) -> None:
        """Begin to drain; `serve` returns when it is done. For another thread: through `TrioToken.run_sync_soon`."""
        self._down.set()

    async def reload(self) -> None:
        """Read the keys file and the certificate again, now, though they look unchanged.

        What can't be read is told in the log, and what was before stands. Cancelled, it is read at the next look.
        """
        await self._reload()

    async def wait_down(self) -> None:
        """Wait for `shut_down`, without bound: a server runs until it is told."""
        await self._down.wait()


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
        ConfigError: The address can be reached by everybody and no key is configured; or the keys file or the
            certificate can't be used.
        OSError: The port is taken.
    """
    check_exposure(config)
    keyring = await _made(Keyring, config, reads=bool(config.keys_file))
    certificate = await _made(certificate_of, config, reads=bool(config.tls_cert))
    listeners = await trio.open_tcp_listeners(config.port, host=config.host)
    port = listeners[0].socket.getsockname()[1]
    scheme = "ws" if certificate is None else "wss"
    async with trio.open_nursery() as home:
        telemetry = Telemetry(observer)
        host = Host(agent, config, home, telemetry, keyring)
        reloader = _reloader(host, certificate, telemetry)
        reload = partial(reloader.look, force=True)
        server = Server(port, f"{scheme}://{_authority(config.host, port)}{PATH}", reload=reload)
        counting = trio.CancelScope()
        home.start_soon(telemetry.run, counting)
        keeping = trio.CancelScope()
        home.start_soon(host.store.run, keeping)
        reloading = trio.CancelScope()
        if reloader.files:
            home.start_soon(reloader.run, reloading)
        pages = Pages(host, telemetry, server.url)
        async with trio.open_nursery() as front:
            accepting = trio.CancelScope()
            front.start_soon(_accept, host, pages.answer, certificate, listeners, front, accepting)
            task_status.started(server)
            await server.wait_down()
            await _drain(host)  # still accepting: /readyz says 503, and /metrics shows what is left
            accepting.cancel(reason="the server is going down")
            # By then every WebSocket is closed; an idle HTTP connection, such as a scraper's, is not waited for.
            front.cancel_scope.deadline = trio.current_time() + config.close_s
        reloading.cancel(reason="the last connection is closed")
        keeping.cancel(reason="the last connection is closed")
        counting.cancel(reason="the last connection is closed")


async def _made(make: Callable[[ServerConfig], T], config: ServerConfig, *, reads: bool) -> T:
    """Make something of the configuration; in a thread only where it reads files, since virtual time has no threads."""
    return await trio.to_thread.run_sync(make, config) if reads else make(config)


async def _accept(
    host: Host,
    handler: Handler,
    certificate: Certificate | None,
    listeners: list[trio.SocketListener],
    front: trio.Nursery,
    accepting: trio.CancelScope,
) -> None:
    places = Places(host.config.max_connections)

    async def connected(socket_stream: trio.SocketStream) -> None:
        stream: trio.abc.Stream | None = socket_stream
        with places.taken() as place:
            if place is not None and certificate is not None:
                stream = await _secured(socket_stream, certificate, place, host.config.register_s)
            if place is not None and stream is not None:
                admit = partial(_admit, host, place)
                upgrade = partial(serve_websocket, host, place=place)
                upgrades = {PATH: upgrade, f"/{PATH}": upgrade}  # an existing client doubles the slash
                headers = security_headers(tls=certificate is not None)
                await serve_connection(stream, handler, upgrades=upgrades, admit=admit, place=place, headers=headers)

    with accepting:
        await trio.serve_listeners(connected, listeners, handler_nursery=front)


async def _secured(
    stream: trio.SocketStream, certificate: Certificate, place: Place, seconds: float
) -> trio.abc.Stream | None:
    """Return the connection behind its handshake, during which it gives way to others; None where it has ended."""
    tcp = TcpStream(stream)
    secured = None
    try:
        with place.waiting():
            secured = await shake_hands(tcp, certificate.context, seconds)
    finally:
        if secured is None:
            tcp.close()
    return secured


def _reloader(host: Host, certificate: Certificate | None, telemetry: Telemetry) -> Reloader:
    """Return what looks after the files of a server: its keys, then its certificate."""
    failures = telemetry.metrics.reload_failures
    files: list[ReloadedFiles[Any]] = []
    if (path := host.keyring.keys_file) is not None:
        keys = partial(read_keys, path)
        failed = failures.labels("keys").inc
        files.append(ReloadedFiles("keys", (path,), keys, host.keyring.take, failed))
    if certificate is not None:
        failed = failures.labels("certificate").inc
        paths = (certificate.cert, certificate.key)
        files.append(ReloadedFiles("certificate", paths, certificate.load, certificate.take, failed))
    return Reloader(tuple(files), host.close_unknown)


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
