"""A server as a process: it listens, obeys signals, and ends when it said it would."""

from __future__ import annotations

import errno
import faulthandler
import functools
import os
import signal
import sys
from collections.abc import Callable

import trio
from prometheus_client import disable_created_metrics

from voxint.cli.agent import open_agent
from voxint.core.agent import Agent
from voxint.logs import get_logger
from voxint.server.collector import calm_collector
from voxint.server.config import ServerConfig
from voxint.server.config_file import Config
from voxint.server.quotas import Quotas
from voxint.server.serve import Server, serve

__all__ = ["HUNG", "run_server"]

HUNG = 70
"""Exit code: a stage did not stop, and the process ended without it; EX_SOFTWARE of sysexits.h."""

GRACE_S = 0.5
"""Seconds on top of the promised time, so that a drain that takes all of that still ends in order. Chosen here."""

log = get_logger()


async def run_server(config: Config, ready: Callable[[Server, Agent], None] | None = None) -> None:
    """Serve until SIGINT or SIGTERM, then drain.

    The process ends within `drain_s` + `interrupt_s` + `close_s` of the first signal, and half a second: where a
    stage or a provider's clean-up hangs, by `os._exit` with `HUNG`, after the log has been written. A second signal
    has the effect it has on any program: it kills at once.

    Args:
        config: What to serve.
        ready: Called when the server listens.

    Raises:
        ConfigError: The configuration does not work.
        OSError: The port can't be had.
    """
    # The times at which counters began would be half of /metrics, and a scraper sees for itself when one was reset.
    disable_created_metrics()  # type: ignore[no-untyped-call]  # the package types it not
    async with trio.open_nursery() as outer:
        async with open_agent(config) as agent, trio.open_nursery() as nursery:
            server = await _listen(nursery, agent, config.server, config.quotas)
            log.info("started", url=server.url, **_described(config))
            if ready is not None:
                ready(server, agent)
            # This process is the server's own: its collector may be set to what a server wants.
            calm_collector()
            # The task is not in the server's own nursery: it has to outlive a provider's clean-up that hangs.
            outer.start_soon(_obey_signals, server, _time_to_end_s(config))
        log.info("stopped")
        outer.cancel_scope.cancel(reason="the server is down")


async def _listen(nursery: trio.Nursery, agent: Agent, config: ServerConfig, quotas: Quotas) -> Server:
    try:
        server: Server = await nursery.start(functools.partial(serve, agent, config, quotas=quotas))
    except OSError as error:
        place = f"{config.host} port {config.port}"
        if error.errno == errno.EADDRINUSE:
            raise OSError(f"{place} is taken: stop what runs there, or choose another (0: any free one)") from error
        raise OSError(f"cannot listen on {place}: {error.strerror or error}") from error
    return server


async def _obey_signals(server: Server, time_to_end_s: float) -> None:
    """Drain at the first signal; end the process if that takes too long. Cancelled when the server is down."""
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        first = await anext(aiter(signals))
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.SIG_DFL)
    log.info("draining", signal=signal.Signals(first).name, at_most_s=time_to_end_s)
    server.shut_down()
    # A stage that blocks the event loop blocks this task too; the watchdog needs neither the loop nor the interpreter.
    faulthandler.dump_traceback_later(time_to_end_s + 1, exit=True)
    try:
        await trio.sleep(time_to_end_s)
        log.error("something did not stop: exiting without it", exit_code=HUNG)
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(HUNG)
    finally:
        faulthandler.cancel_dump_traceback_later()


def _time_to_end_s(config: Config) -> float:
    return config.server.drain_s + config.limits.interrupt_s + config.server.close_s + GRACE_S


def _described(config: Config) -> dict[str, str]:
    """Return what the first line of the log says of a configuration."""
    if config.server.api_keys or config.server.accounts:
        access = "with an api key or an account"
    else:
        access = "open to anyone on this machine: no api_keys are configured"
    stages = {stage.kind: stage.provider for stage in (config.llm, config.stt, config.tts) if stage is not None}
    return {"access": access, **stages}
