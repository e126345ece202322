"""What all connections of a server share."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import trio

from voxint.core.agent import Agent
from voxint.core.observer import Observer
from voxint.errors import RequestRefused
from voxint.lag import LoopLag
from voxint.logs import get_logger
from voxint.net.places import Places
from voxint.protocol.messages import HealthStatus
from voxint.server.address import is_trusted, networks
from voxint.server.config import ServerConfig
from voxint.server.guesses import Guesses
from voxint.server.keyring import Keyring
from voxint.server.meter import Meter
from voxint.server.quotas import Quotas
from voxint.server.refused_page import RefusedPages
from voxint.server.store import SessionStore
from voxint.server.turned_away import TurnedAway
from voxint.server.words import SHUTTING_DOWN

if TYPE_CHECKING:
    from voxint.server.connection import Connection

__all__ = ["Host"]

log = get_logger()


class Host:
    """One server's agent, settings and nursery.

    Args:
        agent: Who answers.
        config: The operator's settings.
        home: Where requests live: the nursery of `serve`, which outlives every connection.
        observer: Hears of every request.
        keyring: Who is known; None: whom `config` says, and its keys file is read here.
        lag: What measures the event loop; without, nothing does.
        turned_away: Told of each who is turned away, and why; must not raise.
        meter: What callers have, and may have; None: as `Quotas` has it.

    Attributes:
        draining: Whether the server is going down: nobody registers and nothing new is asked.
        connections: The open WebSockets.
        places: Who may be connected.
        guesses: Who brings wrong keys.
        refused_pages: Told of the web pages that may not connect.
        trusted: Where the proxies are whose word counts.
        store: The sessions, those without a connection included.
    """

    def __init__(
        self,
        agent: Agent,
        config: ServerConfig,
        home: trio.Nursery,
        observer: Observer,
        keyring: Keyring | None = None,
        lag: LoopLag | None = None,
        turned_away: Callable[[TurnedAway], None] = lambda why: None,
        meter: Meter | None = None,
    ) -> None:
        self.agent = agent
        self.config = config
        self.home = home
        self.observer = observer
        self.keyring = keyring or Keyring(config)
        self.lag = lag or LoopLag()
        self.turned_away = turned_away
        self.guesses = Guesses(config.guess_pause_s)
        self.refused_pages = RefusedPages(turned_away)
        self.places = Places(
            config.max_strangers,
            config.max_strangers_per_address,
            config.max_connections,
            exempt=lambda address: is_trusted(address, self.trusted),
            refused=turned_away,
        )
        self.trusted = networks(config.trusted_proxies)
        self.draining = False
        self.connections: set[Connection] = set()
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

    def check_may_ask(self, session_id: str) -> None:
        """Count an utterance that is about to be asked, as a REQUEST is.

        Args:
            session_id: By whom.

        Raises:
            RequestRefused: It may not be.
        """
        if self.draining:
            raise RequestRefused("busy", SHUTTING_DOWN)
        now = trio.current_time()
        if (refused := self.meter.refuse_request(session_id, now)) is not None:
            raise RequestRefused("busy", refused.message, refused.quota)
        self.meter.asked(session_id, now)

    async def until_idle(self, *, but_ears: bool = False) -> None:
        """Wait until no request that somebody listens to is live; each is bounded by its own guard.

        Args:
            but_ears: Whether those are not waited for that only listen to an open microphone: who speaks without a
                pause, or into a noisy room, would keep a server that takes no request any more.
        """
        while live := [
            request
            for each in self.store.sessions
            if each.listeners
            for request in each.registry.live
            if not (but_ears and request.listens)
        ]:
            await live[0].stopped.wait()

    def close_unknown(self) -> None:
        """Close the sessions of those who are known no more: their key was revoked, or has expired."""
        for connection in tuple(self.connections):
            if (
                connection.principal is not None
                and connection.closing is None
                and not self.keyring.holds(connection.principal)
            ):
                session_id = connection.renderer.session_id
                log.info("session of a revoked key closed", session_id=session_id, **connection.principal.shown)
                connection.revoked()
        for session in self.store.close_unless(self.keyring.holds):
            log.info("session of a revoked key closed", session_id=session.id)

    def health(self) -> HealthStatus:
        """Return how the server is; `cpu_usage` is this process's, in percent of a core, since the last look."""
        wall, cpu = time.monotonic(), time.process_time()
        elapsed = wall - self._measured[0]
        if elapsed > 0.1:  # a share of less than that says nothing
            self._cpu_usage = round(100 * (cpu - self._measured[1]) / elapsed, 1)
            self._measured = (wall, cpu)
        status = "DRAINING" if self.draining else "HEALTHY"
        return HealthStatus(cpu_usage=self._cpu_usage, conn_count=len(self.connections), status=status)
