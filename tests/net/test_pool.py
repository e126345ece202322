from __future__ import annotations

import gc
import ssl
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager

import httpcore
import pytest
import trio
from attrs import evolve

from tests.net.loopback import Conversation, client_tls, serve, server_tls, until
from voxint.net import spares
from voxint.net.pool import Body, Pool, PoolStatistics
from voxint.net.spares import open_stream

NOTHING = PoolStatistics(in_use=0, idle=0, spares=0, dialing=0, waiting=0)


async def talk(conversation: Conversation) -> None:
    """Answer every request with two chunks, the second of which never comes."""
    while await conversation.request():
        await conversation.head()
        await conversation.chunk(b"first")
        await conversation.closed()


async def answer(conversation: Conversation) -> None:
    """Answer every request in full."""
    while await conversation.request():
        await conversation.answer(b"all of it")


@asynccontextmanager
async def open_pool(max_connections: int = 10, verify: ssl.SSLContext | None = None) -> AsyncGenerator[Pool, None]:
    """Open the pool under test as `open_http` does."""
    async with trio.open_nursery() as nursery:
        pool = Pool(nursery, max_connections, 5.0, verify)
        yield pool
        nursery.cancel_scope.cancel()
        await pool.aclose()


@pytest.fixture
def no_collector() -> Iterator[None]:
    """Keep the garbage collector from closing what was forgotten."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


async def get(pool: httpcore.AsyncConnectionPool, url: str, **extensions: object) -> bytes:
    """Ask, and return the first chunk."""
    request = httpcore.Request("GET", url, headers=[("host", "127.0.0.1")], extensions=extensions)
    response = await pool.handle_async_request(request)
    try:
        return await Body(response).read()
    finally:
        await response.aclose()


async def get_cancelled_at(pool: httpcore.AsyncConnectionPool, url: str, event: str, *, raising: bool) -> None:
    """Ask, and be cancelled at the instant of a trace event; `raising` lets the cancellation out in the hook itself."""
    with trio.CancelScope() as scope:

        async def trace(name: str, info: dict[str, object]) -> None:
            if name == event:
                scope.cancel()
                if raising:
                    await trio.lowlevel.checkpoint()

        await get(pool, url, trace=trace)
    assert scope.cancelled_caught


CONNECTED, SECURED = "connection.connect_tcp.complete", "connection.start_tls.complete"

at_every_instant = pytest.mark.parametrize(
    ("event", "secure"), [(CONNECTED, False), (CONNECTED, True), (SECURED, True)], ids=["tcp", "tcp-of-tls", "tls"]
)


@at_every_instant
@pytest.mark.parametrize("raising", [False, True])
@pytest.mark.usefixtures("no_collector")
async def test_cancelled_as_a_dial_completes_leaves_nothing(event: str, secure: bool, raising: bool) -> None:
    """A cancellation at the instant a dial completes leaves no slot taken and no socket open."""
    async with (
        serve(talk, server_tls() if secure else None) as server,
        open_pool(1, client_tls()) as pool,
    ):
        for _ in range(3):
            await get_cancelled_at(pool, server.url, event, raising=raising)
            assert pool.statistics() == NOTHING
            assert server.sockets() == 0
        with trio.fail_after(5):
            assert await get(pool, server.url) == b"first"


@at_every_instant
@pytest.mark.usefixtures("no_collector")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # Python's word on the lost socket
async def test_plain_httpcore_still_leaks(event: str, secure: bool) -> None:
    """Without the cure httpcore keeps the slot or the socket; once this fails, the cure may go."""
    plain = httpcore.AsyncConnectionPool(max_connections=1, ssl_context=client_tls())
    async with serve(talk, server_tls() if secure else None) as server:
        await get_cancelled_at(plain, server.url, event, raising=False)
        assert (len(plain.connections), server.sockets()) != (0, 0)
        await plain.aclose()
        gc.collect()


async def test_a_request_takes_the_spare_once() -> None:
    """A spare, TLS included, serves the next request without a dial, and only that one."""
    async with serve(talk, server_tls()) as server, open_pool(10, client_tls()) as pool:
        pool.dial_spare(httpcore.URL(server.url).origin)
        await until(lambda: pool.statistics().spares == 1)
        await get(pool, server.url)
        assert (server.accepted, pool.statistics()) == (1, NOTHING)
        await get(pool, server.url)
        assert server.accepted == 2


async def test_a_request_joins_the_dial_that_is_under_way() -> None:
    """A request on the heels of a cancellation takes the spare being dialed, and one is dialed for the next."""
    async with serve(talk, server_tls()) as server, open_pool(10, client_tls()) as pool:
        pool.dial_spare(httpcore.URL(server.url).origin)
        await get(pool, server.url)
        await until(lambda: pool.statistics() == evolve(NOTHING, spares=1))
        await get(pool, server.url)
        assert (server.accepted, pool.statistics()) == (2, NOTHING)


async def test_a_request_cancelled_on_a_dial_under_way_leaves_it_to_the_next() -> None:
    """Cancelling a request that waits for a spare's dial lets the spare go on."""
    async with serve(talk, server_tls()) as server, open_pool(10, client_tls()) as pool:
        pool.dial_spare(httpcore.URL(server.url).origin)
        with trio.CancelScope() as scope:
            scope.cancel()
            await get(pool, server.url)
        await until(lambda: pool.statistics() == evolve(NOTHING, spares=1))
        await get(pool, server.url)
        assert (server.accepted, pool.statistics()) == (1, NOTHING)


async def test_a_dead_spare_is_never_handed_out() -> None:
    """A spare whose peer closed leaves at once, and the next request dials."""
    hang_up = trio.Event()

    async def hanging_up_once(conversation: Conversation) -> None:
        if not hang_up.is_set():
            hang_up.set()
            return
        await talk(conversation)

    async with serve(hanging_up_once) as server, open_pool() as pool:
        pool.dial_spare(httpcore.URL(server.url).origin)
        await hang_up.wait()
        await until(lambda: pool.statistics() == NOTHING)
        assert await get(pool, server.url) == b"first"


async def test_a_spare_that_speaks_unasked_is_dropped() -> None:
    """Bytes before any request make a spare useless, whatever they are."""

    async def talking_first(conversation: Conversation) -> None:
        await conversation.stream.send_all(b"HTTP/1.1 408 Request Timeout\r\n\r\n")
        await conversation.closed()

    async with serve(talking_first) as server, open_pool() as pool:
        pool.dial_spare(httpcore.URL(server.url).origin)
        await until(lambda: server.accepted == 1)
        await until(lambda: pool.statistics() == NOTHING)


async def test_a_spare_grows_old(monkeypatch: pytest.MonkeyPatch) -> None:
    """A spare nobody took is closed when its time is up."""
    monkeypatch.setattr(spares, "SPARE_LIFE_S", 0.05)
    async with serve(talk) as server, open_pool() as pool:
        pool.dial_spare(httpcore.URL(server.url).origin)
        await until(lambda: server.accepted == 1)
        await until(lambda: pool.statistics() == NOTHING)
        assert server.sockets() == 0


async def test_spares_are_bounded() -> None:
    """No more than four connections to one origin, and sixteen in all, wait unused."""
    async with serve(talk) as server, open_pool(30) as pool:
        for _ in range(10):
            pool.dial_spare(httpcore.URL(server.url).origin)
        assert pool.statistics().dialing == 4
        for port in range(1, 10):
            for _ in range(4):
                pool.dial_spare(httpcore.URL(f"http://127.0.0.1:{port}").origin)
        assert pool.statistics().dialing == 16


async def test_idle_connections_count_as_warm() -> None:
    """What waits in the pool anyway takes the place of spares."""
    async with serve(answer) as server, open_pool() as pool:
        request = httpcore.Request("GET", server.url, headers=[("host", "127.0.0.1")])
        response = await pool.handle_async_request(request)
        await response.aread()
        await response.aclose()
        assert pool.statistics().idle == 1
        for _ in range(10):
            pool.dial_spare(httpcore.URL(server.url).origin)
        assert pool.statistics().dialing == 3


async def test_a_spare_that_cannot_be_dialed_is_forgotten() -> None:
    """A spare to a closed port vanishes without an error; the request reports it."""
    async with serve(talk) as server:
        url = server.url
    async with open_pool() as pool:
        pool.dial_spare(httpcore.URL(url).origin)
        with pytest.raises(httpcore.ConnectError):
            await get(pool, url)
        assert pool.statistics() == NOTHING


async def test_a_spare_to_a_name_no_host_can_have_ends_nothing() -> None:
    """What the lookup raises for it is no OSError; the spare is forgotten, and the request reports it."""
    async with open_pool() as pool:
        pool.dial_spare(httpcore.URL("http://a..b/").origin)
        with pytest.raises(httpcore.ConnectError, match="not one a host can have"):
            await get(pool, "http://a..b/")
        assert pool.statistics() == NOTHING


async def test_nothing_that_a_spare_meets_ends_the_pool(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody asked for it, so nobody hears of its failure."""

    async def broken(host: str, port: int) -> spares.Stream:
        raise ValueError(host)

    monkeypatch.setattr(spares, "open_stream", broken)
    async with open_pool() as pool:
        pool.dial_spare(httpcore.URL("http://127.0.0.1:1/").origin)
        await until(lambda: pool.statistics() == NOTHING)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
async def test_names_and_addresses_are_dialed(host: str) -> None:
    """A name may have several addresses that are raced, an address is dialed as it is."""
    async with serve(talk) as server:
        stream = await open_stream(host, httpcore.URL(server.url).origin.port)
        await until(lambda: server.accepted == 1)
        stream.close()


async def test_an_address_where_nobody_listens_is_an_error() -> None:
    """It says why, and leaves no socket: the collector would warn of one."""
    async with serve(talk) as server:
        port = httpcore.URL(server.url).origin.port
    with pytest.raises(httpcore.ConnectError, match="refused"):
        await open_stream("127.0.0.1", port)
    gc.collect()
