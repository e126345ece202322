"""A server as a process: it listens, and ends when it said it would."""

from __future__ import annotations

import errno
import functools
import secrets
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

import trio
from prometheus_client import disable_created_metrics

from voxint.children import keep_to_itself
from voxint.cli.agent import open_agent
from voxint.cli.listening import listens
from voxint.cli.opening import page_url, say_where
from voxint.cli.outside import Outside
from voxint.core.agent import Agent
from voxint.logs import get_logger
from voxint.server.auth import is_open
from voxint.server.collector import calm_collector
from voxint.server.config import ServerConfig
from voxint.server.config_file import Config
from voxint.server.quotas import Quotas
from voxint.server.serve import Server, serve

__all__ = ["no_place", "run_server", "serve_agent", "server_process"]

GRACE_S = 0.5
"""Seconds on top of the promised time, so that a drain that takes all of that still ends in order. Chosen here."""

LISTEN_HINTS = {
    errno.EACCES: "choose a port from 1024 on, or give the process the right to this one",
    errno.EMFILE: "too many files are open: raise ulimit -n",
}
"""What to do about an address that can't be had, by the system's error."""

log = get_logger()


def _nothing(server: Server) -> None:
    """Do nothing when a server listens."""


async def run_server(config: Config, outside: Outside) -> None:
    """Open the providers of a configuration, and serve with them: see `serve_agent`.

    Raises:
        ConfigError: The configuration does not work.
        OSError: The port can't be had.
    """
    async with server_process(), open_agent(config) as agent:
        await serve_agent(agent, config, outside, functools.partial(say_where, config.server))


@asynccontextmanager
async def server_process() -> AsyncGenerator[None]:
    """Set this process up for a server, and note its end in the log when the block has ended well."""
    # The times at which counters began would be half of /metrics, and a scraper sees for itself when one was reset.
    disable_created_metrics()  # type: ignore[no-untyped-call]  # the package types it not
    keep_to_itself()
    # Right after the machine's boot the first random bytes may have to be waited for; later ones never.
    await trio.to_thread.run_sync(secrets.token_bytes, 1)
    yield
    log.info("stopped")


async def serve_agent(
    agent: Agent, config: Config, outside: Outside, ready: Callable[[Server], None] = _nothing
) -> None:
    """Serve until SIGINT or SIGTERM, then drain; SIGHUP has the keys and certificates read again.

    The process ends within `drain_s` + `interrupt_s` + `close_s` of the first signal, and half a second: where a
    stage or a provider's clean-up hangs, or blocks the event loop, with `HUNG`. A later signal has the effect it has
    on any program: it kills at once. Where the server fails, the process ends within `FALL_S` and half a second.

    Args:
        agent: Who answers; it is open, and whoever opened it is in a `server_process`.
        config: What it was made of, and how to serve it.
        outside: The main thread, which takes the signals.
        ready: Called when the server listens.

    Raises:
        ConfigError: The configuration does not work.
        OSError: The port can't be had.
    """
    async with trio.open_nursery() as nursery:
        # This process is the server's own: its collector may be set to what a server wants.
        calm_collector()
        server = await _listen(nursery, agent, config.server, config.quotas)
        outside.serving(server, _time_to_end_s(config))
        page = page_url(config.server, server.port)
        log.info("started", url=server.url, page=page, **_described(config))
        ready(server)


async def _listen(nursery: trio.Nursery, agent: Agent, config: ServerConfig, quotas: Quotas) -> Server:
    try:
        server: Server = await nursery.start(functools.partial(serve, agent, config, quotas=quotas))
    except OSError as error:
        raise no_place(config, error) from error
    return server


async def check_place(config: ServerConfig) -> None:
    """Take the port for a moment, to see whether it can be had.

    Raises:
        OSError: It can't; it says why, and what to do.
    """
    try:
        listeners = await trio.open_tcp_listeners(config.port, host=config.host)
    except OSError as error:
        raise no_place(config, error) from error
    for listener in listeners:
        await listener.aclose()


def no_place(config: ServerConfig, error: OSError) -> OSError:
    """Return the error that says why there is nowhere to listen, and what to do."""
    place = f"{config.host} port {config.port}"
    if error.errno == errno.EADDRINUSE:
        return OSError(f"{place} is taken: stop what runs there, or choose another by --port (0: any free one)")
    why = LISTEN_HINTS.get(error.errno or 0, "is [server] host an address of this machine?")
    return OSError(f"can't listen on {place} ({error.strerror or error}): {why}")


def _time_to_end_s(config: Config) -> float:
    return config.server.drain_s + config.limits.interrupt_s + config.server.close_s + GRACE_S


def _described(config: Config) -> dict[str, str]:
    """Return what the first line of the log says of a configuration."""
    if is_open(config.server):
        access = "open to anyone on this machine: no api_keys are configured"
    else:
        access = "with an api key or an account"
    parts: dict[str, str] = {part.kind: part.provider for part in config.parts}
    return {"access": access, "listens": listens(config), **parts}
