"""The connections of the HTTP client: which one a request gets, and what becomes of it. A cancellation loses none.

The rule that makes it safe to cancel at any instant: a request holds a `Lease` from before its dial until its end, all
that gives one back happens in one step, and whoever dials closes what did not come to be used.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import httpx
import trio
from attrs import define, field, frozen

from voxint.net.dial import Dialer
from voxint.net.link import Link, Origin
from voxint.net.spares import Spares

__all__ = ["Lease", "Open", "Pool", "PoolStatistics", "Reuse", "choose"]

KEEPALIVE_S = 60.0
"""How long a used connection stays: load balancers drop idle ones from 60 s on, some without saying so."""

SWEEP_S = 5.0
"""Between two looks at all idle connections: a dead one costs a file descriptor until then, and nothing else. Asking
the kernel about each of them at every request would be a quadratic cost that hundreds of sessions feel."""


@frozen
class PoolStatistics:
    """What the pool holds now.

    Args:
        in_use: Connections a request owns, those being dialed included.
        idle: Used connections that wait for the next request.
        spares: Connections never used yet, ready for the next request.
        dialing: Spares that are being dialed.
        waiting: Requests that wait for a connection to become free.
    """

    in_use: int
    idle: int
    spares: int
    dialing: int
    waiting: int


@frozen
class Reuse:
    """Take the idle connection at this index."""

    at: int


@frozen
class Open:
    """Take a spare or dial, after closing the oldest idle connection where `evict` says that there is no room."""

    evict: bool


def choose(origin: Origin, idle: Sequence[Origin], in_use: int, limit: int) -> Reuse | Open:
    """Decide what a request to `origin`, which has its place already, gets.

    Args:
        origin: Where it goes.
        idle: Where the idle connections lead, the one used last at the end: it is the likeliest to live.
        in_use: Places that requests hold, this one's included.
        limit: Connections at once, idle ones included.
    """
    for at in reversed(range(len(idle))):
        if idle[at] == origin:
            return Reuse(at)
    return Open(evict=in_use + len(idle) > limit)


@define(eq=False)
class Lease:
    """A request's place in the pool, and the connection on it.

    Attributes:
        link: The connection; None until there is one, and after the end.
        reused: Whether it was there before the request, so that the server may have closed it meanwhile.
    """

    _pool: Pool
    link: Link | None = field(init=False, default=None)
    reused: bool = field(init=False, default=False)

    def give_back(self) -> None:
        """End the lease of a connection that the next request may use; never waits."""
        link, self.link = self.link, None
        self._pool.take_back(self, link)

    def close(self) -> None:
        """End the lease and close the connection, in this very step; after the end it does nothing."""
        if self.link is not None:
            self.link.close()
        self.link = None
        self._pool.take_back(self, None)


@frozen
class _Idle:
    link: Link
    until: float


class Pool:
    """Gives each request a connection of its own: an idle one, a spare, or a new one.

    HTTP/1.1 only: there, closing the connection is a cancellation that every server sees.

    Args:
        nursery: Where spares are dialed and kept; cancel it, then `close()` the pool.
        dialer: What opens connections.
        max_connections: Connections at once, spares not counted.
        timeout_s: Bounds the wait for a place, and then name lookup, connect and TLS handshake together, in seconds.
    """

    def __init__(self, nursery: trio.Nursery, dialer: Dialer, max_connections: int, timeout_s: float) -> None:
        self._dialer = dialer
        self._limit = max_connections
        self._timeout_s = timeout_s
        self._spares = Spares(nursery, dialer, timeout_s)
        self._leases: set[Lease] = set()
        self._waiting: deque[tuple[Lease, trio.Event]] = deque()
        self._idle: list[_Idle] = []  # the one used last at the end
        self._sweep_at = 0.0
        self._closed = False

    def statistics(self) -> PoolStatistics:
        """Return what the pool holds now."""
        ready = self._spares.ready()
        return PoolStatistics(
            in_use=len(self._leases),
            idle=len(self._idle),
            spares=ready,
            dialing=self._spares.count() - ready,
            waiting=len(self._waiting),
        )

    def dial_spare(self, origin: Origin) -> None:
        """Dial a connection to `origin` in the background, unless enough of them are warm."""
        if not self._closed:
            self._spares.dial(origin, sum(1 for each in self._idle if each.link.origin == origin))

    async def lease(self, origin: Origin, *, wait_s: float | None = None, dial_s: float | None = None) -> Lease:
        """Return a place with a connection to `origin` on it, in the order of the asking. Cancelled, nothing is held.

        Args:
            origin: Where it has to lead.
            wait_s: Bounds the wait for a place; None leaves it to the pool's own bound.
            dial_s: Bounds the dial; None as before.

        Raises:
            httpx.PoolTimeout: No place became free in time.
            httpx.ConnectTimeout: The server did not accept a connection in time.
            httpx.ConnectError: It cannot be reached.
        """
        lease = Lease(self)
        await self._place(lease, self._timeout_s if wait_s is None else wait_s)
        try:
            self._sweep()
            while isinstance(found := self._choose(origin), Reuse):
                kept = self._idle.pop(found.at)
                lease.link, lease.reused = kept.link, True
                if kept.until > trio.current_time() and await kept.link.quiet():
                    return lease
                kept.link.close()
            if found.evict:
                self._idle.pop(0).link.close()
            await self._open(lease, origin, dial_s, spare=True)
        except BaseException:  # cancellation above all; nothing is swallowed
            lease.close()
            raise
        return lease

    async def redial(self, lease: Lease, dial_s: float | None = None) -> None:
        """Replace the connection of a lease, which turned out to be dead, by a new one; errors as `lease`."""
        assert lease.link is not None
        lease.link.close()
        await self._open(lease, lease.link.origin, dial_s, spare=False)

    def take_back(self, lease: Lease, link: Link | None) -> None:
        """Take a lease out of the books, keep its connection if there is one, and give its place to who waits first."""
        if link is not None and not self._closed:
            self._idle.append(_Idle(link, trio.current_time() + KEEPALIVE_S))
        elif link is not None:
            link.close()
        self._leases.discard(lease)
        if self._waiting and len(self._leases) < self._limit:
            first, turn = self._waiting.popleft()
            self._leases.add(first)
            turn.set()

    def close(self) -> None:
        """Close every connection, those in use too; whoever reads from one gets `httpx.ReadError`."""
        self._closed = True
        for lease in list(self._leases):
            lease.close()
        for idle in self._idle:
            idle.link.close()
        self._idle.clear()

    async def _place(self, lease: Lease, wait_s: float) -> None:
        """Wait until the pool has a place for `lease`."""
        if not self._waiting and len(self._leases) < self._limit:
            self._leases.add(lease)
            return
        waiting = (lease, trio.Event())
        self._waiting.append(waiting)
        try:
            with trio.fail_after(wait_s):
                await waiting[1].wait()
        except BaseException as error:  # cancellation above all; nothing is swallowed
            if waiting[1].is_set():
                lease.close()
            else:
                self._waiting.remove(waiting)
            if isinstance(error, trio.TooSlowError):
                raise httpx.PoolTimeout(f"no connection became free within {wait_s:g} s") from error
            raise

    def _choose(self, origin: Origin) -> Reuse | Open:
        return choose(origin, [each.link.origin for each in self._idle], len(self._leases), self._limit)

    async def _open(self, lease: Lease, origin: Origin, dial_s: float | None, *, spare: bool) -> None:
        if self._closed:
            raise httpx.ConnectError("the client that was to connect is closed")
        bound_s = self._timeout_s if dial_s is None else dial_s
        try:
            with trio.fail_after(bound_s):
                lease.link = await self._spares.take(origin) if spare else None
                lease.reused = lease.link is not None
                if lease.link is None:
                    lease.link = await self._dialer.open(origin)
        except trio.TooSlowError as error:
            raise httpx.ConnectTimeout(f"no connection was accepted within {bound_s:g} s") from error

    def _sweep(self) -> None:
        """Close the idle connections that have grown old or died, once in a while."""
        now = trio.current_time()
        if now < self._sweep_at:
            return
        self._sweep_at = now + SWEEP_S
        kept = []
        for each in self._idle:
            if each.until <= now or each.link.dead:
                each.link.close()
            else:
                kept.append(each)
        self._idle = kept
