"""Listen, admit, drain: the server as one call in a nursery."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from functools import partial
from typing import Any, TypeVar

import trio
from attrs import define, field

from voxint.arguments import check_type
from voxint.core.agent import Agent
from voxint.core.observer import Observer, check_observer
from voxint.core.resample import load_resampler
from voxint.inside_trio import Block, require_trio, within_trio
from voxint.lag import LoopLag
from voxint.loop_watch import watched_loop
from voxint.protocol.messages import Shutdown
from voxint.server.auth import check_exposure
from voxint.server.certificate import Certificate, certificate_of
from voxint.server.config import ServerConfig
from voxint.server.front import PATH, let_in
from voxint.server.host import Host
from voxint.server.keyring import Keyring
from voxint.server.keys_file import read_keys
from voxint.server.meter import Meter
from voxint.server.pages import Pages
from voxint.server.quotas import Quotas
from voxint.server.registration import GOING_AWAY
from voxint.server.reloading import ReloadedFiles, Reloader
from voxint.server.telemetry import Telemetry
from voxint.server.words import SHUTTING_DOWN

__all__ = ["PATH", "Server", "serve"]

T = TypeVar("T")


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
    _reload: Callable[[], Awaitable[None]] = field(default=trio.lowlevel.checkpoint, repr=False)
    _reload_asked: trio.Event = field(factory=trio.Event)
    _block: Block = field(factory=Block, repr=False)

    @within_trio
    def shut_down(self) -> None:
        """Begin to drain; `serve` returns when it is done. For another thread: through `TrioToken.run_sync_soon`."""
        self._down.set()

    @within_trio
    async def wait_down(self) -> None:
        """Wait for `shut_down`, without bound: a server runs until it is told."""
        await self._down.wait()

    @within_trio
    def when_fallen(self, tell: Callable[[], None]) -> None:
        """Call `tell` in the step in which `serve` is cancelled: a task of it has failed, or its host has cancelled it.

        What it still holds may take its time, or hang. `tell` must not raise.
        """
        self._fallen.append(tell)

    @within_trio
    async def reload(self) -> None:
        """Read the keys file and the certificate again, now, though they look unchanged.

        What can't be read is told in the log, and what was before stands. Cancelled, it is read at the next look.
        """
        await self._reload()

    @within_trio
    def reload_soon(self) -> None:
        """Have `reload` done by the server; for another thread as `shut_down`."""
        self._reload_asked.set()

    async def reload_when_asked(self, until: trio.CancelScope) -> None:
        """Do what `reload_soon` asks for, until `until` is cancelled; it waits without bound while nobody asks."""
        with until:
            while True:
                await self._reload_asked.wait()
                self._reload_asked = trio.Event()
                await self.reload()

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
    quotas: Quotas = Quotas(),
    observer: Observer | None = None,
    watch_loop: bool = True,
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
        watch_loop: Whether to measure the passes of the event loop, and to log what holds it up with its line; a thread
            looks for that, 50 times a second. Without it nothing is known of load: `Quotas.busy_share` refuses nobody,
            and no acknowledgement tells that its interrupt was read late.
        task_status: Given by `nursery.start`.

    Raises:
        ConfigError: The address can be reached by everybody and no key is configured; or the keys file or the
            certificate can't be used.
        OSError: The port is taken.
        TypeError: An argument is of another type.
    """
    require_trio("serve")
    check_type(agent, Agent, "agent")
    check_type(config, ServerConfig, "config")
    check_type(quotas, Quotas, "quotas")
    check_observer(observer)
    check_exposure(config)
    keyring = await _made(Keyring, config, reads=bool(config.keys_file))
    certificate = await _made(certificate_of, config, reads=bool(config.tls_cert))
    if agent.stt is not None or agent.tts is not None:
        await load_resampler()  # which a client's rate may need in the middle of a call
    listeners = await trio.open_tcp_listeners(config.port, host=config.host)
    port = listeners[0].socket.getsockname()[1]
    scheme = "ws" if certificate is None else "wss"
    with watched_loop() if watch_loop else nullcontext() as watch:
        lag = LoopLag() if watch is None else watch.lag
        async with trio.open_nursery() as home:
            telemetry = Telemetry(observer, lag)
            meter = Meter(
                quotas,
                config.max_connections,
                several=lambda: keyring.several,
                busy=lambda: lag.busy,
                refused=telemetry.refused,
            )
            telemetry.meter = meter
            host = Host(agent, config, home, telemetry, keyring, lag, telemetry.turned_away, meter)
            reloader = _reloader(host, certificate, telemetry)
            reload = partial(reloader.look, force=True)
            server = Server(port, f"{scheme}://{_authority(config.host, port)}{PATH}", reload=reload)
            of_server = (server.stand, server.reload_when_asked, reloader.run)
            tasks = (*of_server, telemetry.run, host.store.run, host.guesses.run)
            ends = [trio.CancelScope() for _ in tasks]
            for beside, end in zip(tasks, ends, strict=True):
                home.start_soon(beside, end)
            pages = Pages(host, telemetry, server.url)
            async with trio.open_nursery() as front:
                accepting = trio.CancelScope()
                front.start_soon(let_in, host, pages, certificate, listeners, front, accepting)
                task_status.started(server)
                await server.wait_down()
                await _drain(host)  # still accepting: /readyz says 503, and /metrics shows what is left
                accepting.cancel(reason="the server is going down")
                # By then every WebSocket is closed; an idle HTTP connection, such as a scraper's, is not waited for.
                front.cancel_scope.deadline = trio.current_time() + config.close_s
            for end in ends:
                end.cancel(reason="the last connection is closed")


async def _made(make: Callable[[ServerConfig], T], config: ServerConfig, *, reads: bool) -> T:
    """Make something of the configuration; in a thread only where it reads files, since virtual time has no threads."""
    return await trio.to_thread.run_sync(make, config) if reads else make(config)


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


async def _drain(host: Host) -> None:
    """Say goodbye, let live requests end for a while, cancel the rest, flush their final frames, close."""
    host.draining = True
    for connection in host.connections:
        connection.listener.post(Shutdown(reason=SHUTTING_DOWN))
    with trio.move_on_after(host.config.drain_s):
        await host.until_idle(but_ears=True)
    for session in host.store.sessions:
        session.close("SHUTDOWN")
    await host.until_idle()  # bounded: every request's guard has been told to stop it
    for connection in host.connections:
        connection.close(GOING_AWAY, SHUTTING_DOWN)
    # The connections close within close_s each.


def _authority(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
