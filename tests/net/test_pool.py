from __future__ import annotations

import gc
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager

import httpx
import pytest
import trio
import trio.testing
from attrs import evolve

from tests.net.links import HERE, PairDialer
from tests.net.loopback import Conversation, client_tls, serve, server_tls
from voxint.net import spares
from voxint.net.dial import Dialer
from voxint.net.link import Link, Origin
from voxint.net.pool import KEEPALIVE_S, Lease, Open, Pool, PoolStatistics, Reuse, choose
from voxint.net.transport import HttpTransport, open_transport

NOTHING = PoolStatistics(in_use=0, idle=0, spares=0, dialing=0, waiting=0)
THERE = Origin("https", "there", 443)


@pytest.fixture
def no_collector() -> Iterator[None]:
    """Keep the garbage collector from closing what was forgotten."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@asynccontextmanager
async def open_pool(dialer: PairDialer, limit: int = 10) -> AsyncGenerator[Pool, None]:
    """Open a pool over socket pairs, as `open_transport` does."""
    async with trio.open_nursery() as nursery:
        pool = Pool(nursery, dialer, limit, 5.0)
        yield pool
        nursery.cancel_scope.cancel()
        pool.close()
        dialer.close()


@pytest.mark.parametrize(
    ("idle", "in_use", "found"),
    [
        ([], 1, Open(evict=False)),
        ([THERE], 1, Open(evict=False)),
        ([HERE], 1, Reuse(0)),
        ([HERE, THERE, HERE, THERE], 1, Reuse(2)),
        ([THERE, THERE], 2, Open(evict=False)),
        ([THERE, THERE], 3, Open(evict=True)),
        ([THERE], 4, Open(evict=True)),
        ([], 4, Open(evict=False)),
        ([THERE, HERE], 3, Reuse(1)),
    ],
)
def test_what_a_request_gets(idle: list[Origin], in_use: int, found: Reuse | Open) -> None:
    """The idle connection used last, if one leads there; else a new one, for which the oldest idle one makes room."""
    assert choose(HERE, idle, in_use, 4) == found


async def test_a_connection_given_back_is_used_again() -> None:
    """By the next request to the same place, and by no other."""
    async with open_pool(dialer := PairDialer()) as pool:
        first = await pool.lease(HERE)
        link = first.link
        first.give_back()
        assert pool.statistics() == evolve(NOTHING, idle=1)
        other = await pool.lease(THERE)
        again = await pool.lease(HERE)
        assert (again.link, again.reused, other.reused) == (link, True, False)
        assert dialer.dialed == [HERE, THERE]
        assert pool.statistics() == evolve(NOTHING, in_use=2)


async def test_a_lease_ends_once() -> None:
    """What is given back is out of the former holder's reach: closing the lease afterwards does nothing."""
    async with open_pool(PairDialer()) as pool:
        lease = await pool.lease(HERE)
        link = lease.link
        lease.give_back()
        lease.close()
        again = await pool.lease(HERE)
        lease.close()
        assert again.link is link is not None
        assert not link.dead
        assert pool.statistics() == evolve(NOTHING, in_use=1)


@pytest.mark.parametrize("end", ["closed", "spoken"])
async def test_a_dead_idle_connection_is_not_used(end: str) -> None:
    """One that the server closed, or on which it spoke unasked, is closed here and another is dialed."""
    async with open_pool(dialer := PairDialer()) as pool:
        lease = await pool.lease(HERE)
        before = lease.link
        lease.give_back()
        if end == "closed":
            await dialer.servers[0].aclose()
        else:
            await dialer.servers[0].send_all(b"HTTP/1.1 408 Request Timeout\r\n\r\n")
        lease = await pool.lease(HERE)
        assert lease.link is not before
        assert (len(dialer.dialed), pool.statistics()) == (2, evolve(NOTHING, in_use=1))


async def test_an_idle_connection_grows_old(autojump_clock: trio.testing.MockClock) -> None:
    """It is used until its time is up, and not a moment longer."""
    async with open_pool(dialer := PairDialer()) as pool:
        (await pool.lease(HERE)).give_back()
        await trio.sleep(KEEPALIVE_S - 0.125)
        (await pool.lease(HERE)).give_back()
        assert len(dialer.dialed) == 1
        await trio.sleep(KEEPALIVE_S - 0.125)
        (await pool.lease(THERE)).give_back()  # sweeps, so that the next request does not
        await trio.sleep(0.125)
        (await pool.lease(HERE)).give_back()
        assert dialer.dialed == [HERE, THERE, HERE]


async def test_the_sweep_closes_what_nobody_asks_for(autojump_clock: trio.testing.MockClock) -> None:
    """Any request closes the idle connections to other places that have died or grown old."""
    async with open_pool(dialer := PairDialer()) as pool:
        (await pool.lease(THERE)).give_back()
        await trio.sleep(KEEPALIVE_S)
        (await pool.lease(HERE)).give_back()
        assert pool.statistics() == evolve(NOTHING, idle=1)
        assert await dialer.servers[0].receive_some() == b""


async def test_the_oldest_idle_connection_makes_room() -> None:
    """The bound counts idle connections too; a request elsewhere closes one and does not wait."""
    async with open_pool(dialer := PairDialer(), limit=2) as pool:
        first, second = await pool.lease(HERE), await pool.lease(HERE)
        first.give_back()
        second.give_back()
        await pool.lease(THERE)
        assert pool.statistics() == evolve(NOTHING, in_use=1, idle=1)
        assert await dialer.servers[0].receive_some() == b""


async def test_those_who_wait_come_in_turn() -> None:
    """A place that becomes free goes to the request that has waited longest, whatever becomes of the connection."""
    order: list[int] = []

    async def ask(number: int) -> None:
        lease = await pool.lease(THERE if number % 2 else HERE)
        order.append(number)
        await trio.lowlevel.checkpoint()
        lease.give_back() if number < 2 else lease.close()

    async with open_pool(PairDialer(), limit=1) as pool:
        lease = await pool.lease(HERE)
        async with trio.open_nursery() as nursery:
            for number in range(4):
                nursery.start_soon(ask, number)
                await trio.testing.wait_all_tasks_blocked()
            assert pool.statistics() == evolve(NOTHING, in_use=1, waiting=4)
            lease.give_back()
        assert order == [0, 1, 2, 3]
        assert pool.statistics() == NOTHING


async def test_the_wait_for_a_place_is_bounded(autojump_clock: trio.testing.MockClock) -> None:
    """It ends after the pool's own bound, or the request's, and leaves nobody in the queue."""
    async with open_pool(PairDialer(), limit=1) as pool:
        await pool.lease(HERE)
        for wait_s, bound_s in ((None, 5.0), (0.25, 0.25)):
            began = trio.current_time()
            with pytest.raises(httpx.PoolTimeout):
                await pool.lease(HERE, wait_s=wait_s)
            assert trio.current_time() - began == bound_s
        assert pool.statistics() == evolve(NOTHING, in_use=1)


@pytest.mark.parametrize("order", ["cancelled", "cancelled-granted", "granted-cancelled"])
async def test_cancelled_in_the_queue_loses_no_place(order: str) -> None:
    """A request cancelled while it waits leaves the queue; one cancelled as its turn comes passes the place on."""
    async with open_pool(PairDialer(), limit=1) as pool:
        lease = await pool.lease(HERE)
        async with trio.open_nursery() as nursery:

            async def ask(scope: trio.CancelScope) -> None:
                with scope:
                    (await pool.lease(HERE)).close()

            first, second = trio.CancelScope(), trio.CancelScope()
            nursery.start_soon(ask, first)
            await trio.testing.wait_all_tasks_blocked()
            nursery.start_soon(ask, second)
            await trio.testing.wait_all_tasks_blocked()
            for what in order.split("-"):
                if what == "cancelled":
                    first.cancel()
                else:
                    lease.close()
            await trio.testing.wait_all_tasks_blocked()
            lease.close()
        assert not second.cancelled_caught
        assert pool.statistics() == NOTHING
        (await pool.lease(HERE)).close()


async def test_the_dial_is_bounded(autojump_clock: trio.testing.MockClock) -> None:
    """By the pool's bound or the request's, and a late one leaves no place taken."""
    async with open_pool(PairDialer(delays_s=[60.0, 60.0])) as pool:
        for dial_s, bound_s in ((None, 5.0), (0.5, 0.5)):
            began = trio.current_time()
            with pytest.raises(httpx.ConnectTimeout):
                await pool.lease(HERE, dial_s=dial_s)
            assert trio.current_time() - began == bound_s
        assert pool.statistics() == NOTHING


async def test_a_closed_pool_opens_nothing() -> None:
    """Who waited for a place when it closed is told so, and so is who comes later."""
    async with open_pool(PairDialer(), limit=1) as pool:
        await pool.lease(HERE)
        told: list[str] = []

        async def wait() -> None:
            with pytest.raises(httpx.ConnectError, match="is closed") as refused:
                await pool.lease(HERE)
            told.append(str(refused.value))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(wait)
            await trio.testing.wait_all_tasks_blocked()
            pool.close()
        await wait()
        assert len(told) == 2
        assert pool.statistics() == NOTHING


async def test_a_closed_pool_keeps_nothing() -> None:
    """Connections in use are closed with it, and what is given back afterwards too."""
    async with open_pool(dialer := PairDialer()) as pool:
        lease, late = await pool.lease(HERE), Lease(pool)
        late.link = await dialer.open(HERE)
        pool.close()
        late.give_back()
        lease.give_back()
        assert pool.statistics() == NOTHING
        for server in dialer.servers:
            assert await server.receive_some() == b""


class WatchedDialer(Dialer):
    """Cancels a scope at the instant that a step of the dial completes.

    Args:
        step: ``connect`` or ``secure``.
        raising: Whether the cancellation comes out of the step itself, or only waits for the next checkpoint.
    """

    def __init__(self, step: str, *, raising: bool) -> None:
        super().__init__(client_tls())
        self.step = step
        self.raising = raising
        self.scope: trio.CancelScope | None = None

    async def connect(self, origin: Origin) -> trio.SocketStream:
        """Connect, and be cancelled."""
        stream = await super().connect(origin)
        if self.step == "connect" and self.scope is not None:
            self.scope.cancel()
        return stream

    async def secure(self, link: Link) -> None:
        """Shake hands, and be cancelled."""
        await super().secure(link)
        if self.step == "secure" and self.scope is not None:
            self.scope.cancel()
            if self.raising:
                await trio.lowlevel.checkpoint()


async def talk(conversation: Conversation) -> None:
    """Answer every request with one chunk of a body that never ends."""
    while await conversation.request():
        await conversation.head()
        await conversation.chunk(b"first")
        await conversation.closed()


async def get(transport: HttpTransport, url: str) -> bytes:
    """Ask, and return the first chunk."""
    received = await transport.send(httpx.Request("GET", url))
    try:
        return await received.body.read()
    finally:
        received.body.close()


@pytest.mark.parametrize(
    ("step", "secure", "raising"),
    [("connect", False, False), ("connect", True, False), ("secure", True, False), ("secure", True, True)],
    ids=["tcp", "tcp-of-tls", "tls", "tls-raising"],
)
@pytest.mark.usefixtures("no_collector")
async def test_cancelled_as_a_dial_completes_leaves_nothing(
    step: str, secure: bool, raising: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cancellation at the instant a dial completes leaves no place taken and no socket open."""
    monkeypatch.setattr(spares, "SPARES_IN_ALL", 0)  # a spare would take the place of the next dial
    dialer = WatchedDialer(step, raising=raising)
    async with (
        serve(talk, server_tls() if secure else None) as server,
        open_transport(max_connections=1, dialer=dialer) as transport,
    ):
        for _ in range(3):
            with trio.CancelScope() as scope:
                dialer.scope = scope
                await get(transport, server.url)
            dialer.scope = None
            assert scope.cancelled_caught
            assert transport.statistics() == NOTHING
            assert server.sockets() == 0
        with trio.fail_after(5):
            assert await get(transport, server.url) == b"first"
