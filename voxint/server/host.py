"""What all connections of a server share."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import trio

from voxint.core.agent import Agent
from voxint.core.observer import Observer
from voxint.protocol.messages import HealthStatus
from voxint.server.config import ServerConfig
from voxint.server.lag import LoopLag
from voxint.server.meter import Meter
from voxint.server.quotas import Quotas
from voxint.server.store import SessionStore

if TYPE_CHECKING:
    from voxint.server.connection import Connection

__all__ = ["Host"]


class Host:
    """One server's agent, settings and nursery.

    Args:
        agent: Who answers.
        config: The operator's settings.
        home: Where requests live: the nursery of `serve`, which outlives every connection.
        observer: Hears of every request.
        meter: What callers have, and may have; None: as `Quotas` has it.
        lag: How busy the event loop is; its owner installs it. None: as if it never were.

    Attributes:
        draining: Whether the server is going down: nobody registers and nothing new is asked.
        connections: The open WebSockets.
        store: The sessions, those without a connection included.
    """

    def __init__(
        self,
        agent: Agent,
        config: ServerConfig,
        home: trio.Nursery,
        observer: Observer,
        *,
        meter: Meter | None = None,
        lag: LoopLag | None = None,
    ) -> None:
        self.agent = agent
        self.config = config
        self.home = home
        self.observer = observer
        self.draining = False
        self.connections: set[Connection] = set()
        self.lag = LoopLag() if lag is None else lag
        self.meter = Meter(Quotas(), config.max_connections) if meter is None else meter
        self.store = SessionStore(config.resume_s, self.meter.most_sessions, self.meter.closed)
        self._measured = (time.monotonic(), time.process_time())
        self._cpu_usage = 0.0

    @contextmanager
    def admitted(self, connection: Connection) -> Iterator[None]:
        """Count `connection` among the open ones for as long as the block lasts."""
        self.connections.add(connection)
        try:
            yield
        finally:
            self.connections.discard(connection)

    async def until_idle(self) -> None:
        """Wait until no request that somebody listens to is live; each is bounded by its own guard."""
        while live := [request for each in self.store.sessions if each.listeners for request in each.registry.live]:
            await live[0].stopped.wait()

    def health(self) -> HealthStatus:
        """Return how the server is; `cpu_usage` is this process's, in percent of a core, since the last look."""
        wall, cpu = time.monotonic(), time.process_time()
        elapsed = wall - self._measured[0]
        if elapsed > 0.1:  # a share of less than that says nothing
            self._cpu_usage = round(100 * (cpu - self._measured[1]) / elapsed, 1)
            self._measured = (wall, cpu)
        status = "DRAINING" if self.draining else "HEALTHY"
        return HealthStatus(cpu_usage=self._cpu_usage, conn_count=len(self.connections), status=status)
