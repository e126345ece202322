from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import httpx
import pytest
import trio
import trio.testing
from attrs import evolve

from tests.net.links import HERE, PairDialer
from tests.net.loopback import Conversation, client_tls, serve, server_tls, until
from voxint.net import spares
from voxint.net.dial import Dialer
from voxint.net.link import Link, Origin
from voxint.net.pool import Pool, PoolStatistics

NOTHING = PoolStatistics(in_use=0, idle=0, spares=0, dialing=0, waiting=0)


@asynccontextmanager
async def open_pool(dialer: Dialer | None = None) -> AsyncGenerator[Pool, None]:
    """Open a pool of ten places, as `open_transport` does."""
    async with trio.open_nursery() as nursery:
        pool = Pool(nursery, dialer or Dialer(client_tls()), 10, 5.0)
        yield pool
        nursery.cancel_scope.cancel()
        pool.close()
        if isinstance(dialer, PairDialer):
            dialer.close()


async def silent(conversation: Conversation) -> None:
    """Say nothing, as a server before the request."""
    await conversation.closed()


def origin_of(url: str) -> Origin:
    """Return where `url` leads."""
    return Origin.of(httpx.URL(url))


async def test_a_request_takes_the_spare_once() -> None:
    """A spare, TLS included, serves the next request without a dial, and only that one."""
    async with serve(silent, server_tls()) as server, open_pool() as pool:
        pool.dial_spare(origin_of(server.url))
        await until(lambda: pool.statistics().spares == 1)
        lease = await pool.lease(origin_of(server.url))
        assert (server.accepted, lease.reused) == (1, True)
        assert pool.statistics() == evolve(NOTHING, in_use=1)
        lease = await pool.lease(origin_of(server.url))
        assert (server.accepted, lease.reused) == (2, False)


async def test_a_request_joins_the_dial_that_is_under_way(autojump_clock: trio.testing.MockClock) -> None:
    """A request on the heels of a cancellation takes the spare being dialed; the dial begun beside it is the next's."""
    async with open_pool(dialer := PairDialer(delays_s=[0.25, 0.25])) as pool:
        pool.dial_spare(HERE)
        await trio.sleep(0.125)
        began = trio.current_time()
        await pool.lease(HERE)
        assert trio.current_time() - began < 0.25
        await trio.sleep(1)
        assert pool.statistics() == evolve(NOTHING, in_use=1, spares=1)
        await pool.lease(HERE)
        assert (len(dialer.dialed), pool.statistics()) == (2, evolve(NOTHING, in_use=2))


@pytest.mark.parametrize("hanging", [1, 3, 4])
async def test_a_hanging_spare_costs_nothing(hanging: int, autojump_clock: trio.testing.MockClock) -> None:
    """Spares whose dials hang, as many as there may be, take nothing from the request's own dial."""
    async with open_pool(PairDialer(delays_s=[60.0] * hanging + [0.25])) as pool:
        for _ in range(hanging):
            pool.dial_spare(HERE)
        await trio.sleep(0.5)
        began = trio.current_time()
        await pool.lease(HERE)
        assert trio.current_time() - began == 0.25


async def test_where_every_dial_hangs_the_budget_is_kept(autojump_clock: trio.testing.MockClock) -> None:
    """The request's dial ends when it would have without spares, and says so."""
    async with open_pool(PairDialer(delays_s=[60.0] * 10)) as pool:
        pool.dial_spare(HERE)
        await trio.sleep(1)
        began = trio.current_time()
        with pytest.raises(httpx.ConnectTimeout):
            await pool.lease(HERE)
        assert trio.current_time() - began == 5.0
        assert pool.statistics().in_use == 0


async def test_two_requests_on_dials_under_way_get_one_each(autojump_clock: trio.testing.MockClock) -> None:
    """Each begins a dial of its own, so nobody is left without."""
    async with (
        open_pool(dialer := PairDialer(delays_s=[0.25, 0.5, 60.0, 60.0])) as pool,
        trio.open_nursery() as nursery,
    ):
        pool.dial_spare(HERE)
        nursery.start_soon(pool.lease, HERE)
        nursery.start_soon(pool.lease, HERE)
        await trio.sleep(0.75)
        assert (len(dialer.servers), pool.statistics().in_use) == (2, 2)


async def test_a_request_cancelled_on_a_dial_under_way_leaves_it_to_the_next() -> None:
    """Cancelling a request that waits for a spare's dial lets the spare go on."""
    async with serve(silent, server_tls()) as server, open_pool() as pool:
        pool.dial_spare(origin_of(server.url))
        with trio.CancelScope() as scope:
            scope.cancel()
            await pool.lease(origin_of(server.url))
        assert scope.cancelled_caught
        await until(lambda: pool.statistics() == evolve(NOTHING, spares=2))
        await pool.lease(origin_of(server.url))
        assert pool.statistics() == evolve(NOTHING, in_use=1, spares=1)


async def test_a_dead_spare_is_never_handed_out() -> None:
    """A spare whose peer closed leaves at once, and the next request dials."""
    async with open_pool(dialer := PairDialer()) as pool:
        pool.dial_spare(HERE)
        await until(lambda: pool.statistics().spares == 1)
        await dialer.servers[0].aclose()
        lease = await pool.lease(HERE)
        assert (len(dialer.dialed), lease.reused) == (2, False)
        assert pool.statistics() == evolve(NOTHING, in_use=1)


async def test_a_spare_that_speaks_unasked_is_dropped() -> None:
    """Bytes before any request make a spare useless, whatever they are."""
    async with open_pool(dialer := PairDialer()) as pool:
        pool.dial_spare(HERE)
        await until(lambda: pool.statistics().spares == 1)
        await dialer.servers[0].send_all(b"HTTP/1.1 408 Request Timeout\r\n\r\n")
        await until(lambda: pool.statistics() == NOTHING)


async def test_a_spare_grows_old(autojump_clock: trio.testing.MockClock) -> None:
    """A spare nobody took is closed when its time is up."""
    async with open_pool(dialer := PairDialer()) as pool:
        pool.dial_spare(HERE)
        await trio.sleep(spares.SPARE_LIFE_S - 1)
        assert pool.statistics() == evolve(NOTHING, spares=1)
        await trio.sleep(2)
        assert pool.statistics() == NOTHING
        assert await dialer.servers[0].receive_some() == b""


async def test_spares_are_bounded() -> None:
    """No more than four connections to one origin, and sixteen in all, wait unused."""
    async with open_pool(PairDialer()) as pool:
        for _ in range(10):
            pool.dial_spare(HERE)
        assert pool.statistics().dialing == 4
        for port in range(1, 10):
            for _ in range(4):
                pool.dial_spare(Origin("http", "here", port))
        assert pool.statistics().dialing == 16


async def test_idle_connections_count_as_warm() -> None:
    """What waits in the pool anyway takes the place of spares."""
    async with open_pool(PairDialer()) as pool:
        (await pool.lease(HERE)).give_back()
        for _ in range(10):
            pool.dial_spare(HERE)
        assert pool.statistics().dialing == 3


@pytest.mark.parametrize(("url", "words"), [("http://127.0.0.1:{}", "refused"), ("http://a..b/", "not one a host")])
async def test_a_spare_that_cannot_be_dialed_is_forgotten(url: str, words: str) -> None:
    """A spare to a closed port, or to a name no host can have, vanishes without an error; the request reports it."""
    async with serve(silent) as server:
        origin = origin_of(url.format(server.port))
    async with open_pool() as pool:
        pool.dial_spare(origin)
        with pytest.raises(httpx.ConnectError, match=words):
            await pool.lease(origin)
        assert pool.statistics() == NOTHING


async def test_nothing_that_a_spare_meets_ends_the_pool() -> None:
    """Nobody asked for it, so nobody hears of its failure."""

    class Broken(Dialer):
        async def open(self, origin: Origin) -> Link:
            raise ValueError(origin)

    async with open_pool(Broken()) as pool:
        pool.dial_spare(HERE)
        await until(lambda: pool.statistics() == NOTHING)


async def test_a_closed_pool_dials_none() -> None:
    """A request that ends after the client dials nothing for the next."""
    async with open_pool(dialer := PairDialer()) as pool:
        pass
    pool.dial_spare(HERE)
    assert dialer.dialed == []
