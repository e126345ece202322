from __future__ import annotations

import socket
import struct
from collections.abc import AsyncIterator

import httpx
import pytest
import trio
from attrs import evolve

from tests.net.links import PairDialer
from tests.net.loopback import Conversation, client_tls, saying, serve, server_tls, until
from voxint.net.dial import Dialer
from voxint.net.link import Link, Origin
from voxint.net.pool import PoolStatistics
from voxint.net.transport import STEP_BYTES, HttpTransport, open_transport

NOTHING = PoolStatistics(in_use=0, idle=0, spares=0, dialing=0, waiting=0)
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


async def echo(conversation: Conversation) -> None:
    """Answer every request with its own body."""
    while request := await conversation.request():
        await conversation.answer(request[1])


async def fetch(transport: HttpTransport, request: httpx.Request) -> bytes:
    """Send a request and return the whole body of its response."""
    received = await transport.send(request)
    try:
        return b"".join([chunk async for chunk in received.body])
    finally:
        received.body.close()


async def test_it_is_a_transport_of_httpx() -> None:
    """`httpx.AsyncClient` stands on it as on its own, and keeps the connection between two requests."""
    async with (
        serve(echo, server_tls()) as server,
        open_transport(verify=client_tls()) as transport,
        httpx.AsyncClient(transport=transport) as client,
    ):
        response = await client.post(server.url, json={"a": 1})
        assert (response.status_code, response.http_version, response.content) == (200, "HTTP/1.1", b'{"a":1}')
        assert response.headers["content-type"] == "text/event-stream"
        response = await client.post(server.url, files={"audio": b"pcm"}, data={"model": "m"})
        assert b"pcm" in response.content
        async with client.stream("POST", server.url, content=b"streamed") as response:
            assert await response.aread() == b"streamed"
        assert (server.accepted, transport.statistics()) == (1, evolve(NOTHING, idle=1))


async def test_a_stream_of_httpx_left_early_is_closed() -> None:
    """The server sees it, and a spare is dialed."""

    async def talk(conversation: Conversation) -> None:
        while await conversation.request():
            await conversation.head()
            await conversation.chunk(b"first")
            await conversation.closed()

    async with serve(talk) as server, open_transport() as transport, httpx.AsyncClient(transport=transport) as client:
        async with client.stream("GET", server.url) as response:
            assert response.status_code == 200
        await until(lambda: transport.statistics() == evolve(NOTHING, spares=1))


async def test_the_timeouts_of_httpx_are_kept() -> None:
    """A server that says nothing, one that takes nothing, and a pool without a place end as httpx says."""

    async def silent(conversation: Conversation) -> None:
        await trio.sleep_forever()

    async with (
        serve(silent) as server,
        open_transport(max_connections=1) as transport,
        httpx.AsyncClient(transport=transport) as client,
        trio.open_nursery() as nursery,
    ):
        with pytest.raises(httpx.ReadTimeout):
            await client.get(server.url, timeout=0.05)
        with pytest.raises(httpx.WriteTimeout):
            await client.post(server.url, content=bytes(50_000_000), timeout=httpx.Timeout(None, write=0.05))
        nursery.start_soon(client.get, server.url)
        await until(lambda: transport.statistics().in_use == 1)
        with pytest.raises(httpx.PoolTimeout):
            await client.get(server.url, timeout=httpx.Timeout(None, pool=0.05))
        nursery.cancel_scope.cancel()
    assert server.sockets() == 0


async def test_what_is_no_http_url_is_refused() -> None:
    """In httpx's words, before anything is dialed."""
    async with open_transport() as transport, httpx.AsyncClient(transport=transport) as client:
        with pytest.raises(httpx.UnsupportedProtocol):
            await client.get("ftp://127.0.0.1/")


async def test_a_body_that_is_not_async_is_refused() -> None:
    """A plain iterable cannot be waited for; it is the caller's mistake."""
    async with open_transport() as transport:
        with pytest.raises(TypeError, match="async iterable"):
            await transport.send(httpx.Request("POST", "http://127.0.0.1:1/", content=iter([b"a"])))
        assert transport.statistics() == NOTHING


async def test_a_cancelled_read_loses_nothing() -> None:
    """Whoever stops waiting for a piece of the body may read on."""
    go_on = trio.Event()

    async def slow(conversation: Conversation) -> None:
        await conversation.request()
        await conversation.head()
        await conversation.chunk(b"one ")
        await go_on.wait()
        await conversation.chunk(b"two")
        await conversation.end()

    async with serve(slow, server_tls()) as server, open_transport(verify=client_tls()) as transport:
        received = await transport.send(httpx.Request("GET", server.url))
        assert await received.body.read() == b"one "
        with trio.move_on_after(0.02) as scope:
            await received.body.read()
        assert scope.cancelled_caught
        go_on.set()
        assert await received.body.read() == b"two"
        assert await received.body.read() == b""
        assert received.body.complete
        received.body.close()
        assert transport.statistics() == evolve(NOTHING, idle=1)


class Reusing:
    """A server whose connections each play a script: what is answered to the requests on it, b"" for nothing.

    After the last answer it closes the connection. It counts what it is asked.
    """

    def __init__(self, *connections: list[bytes]) -> None:
        self.connections = list(connections)
        self.bodies: list[bytes] = []

    async def __call__(self, conversation: Conversation) -> None:
        """Play the next script."""
        for answer in self.connections.pop(0):
            data = b""
            while b"end" not in data and (more := await conversation.stream.receive_some()):
                data += more
            self.bodies.append(data.partition(b"\r\n\r\n")[2])
            if answer:
                await conversation.stream.send_all(answer)


def posting(url: str) -> httpx.Request:
    """Return a request whose body tells the server where it ends."""
    return httpx.Request("POST", url, content=b"the end")


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
async def test_a_connection_closed_in_the_moment_of_reuse_costs_nothing(secure: bool) -> None:
    """The request goes out once more, whole, on a new connection."""
    script = Reusing([OK, b""], [OK])
    async with (
        serve(script, server_tls() if secure else None) as server,
        open_transport(verify=client_tls()) as transport,
    ):
        assert await fetch(transport, posting(server.url)) == b"ok"
        assert await fetch(transport, posting(server.url)) == b"ok"
        assert (server.accepted, script.bodies) == (2, [b"the end"] * 3)
    assert server.sockets() == 0


async def test_a_connection_reset_in_the_moment_of_reuse_costs_nothing() -> None:
    """A server that crashes, or a balancer that forgot the connection, resets it."""
    resets = 0

    async def resetting(conversation: Conversation) -> None:
        nonlocal resets
        while b"end" in await conversation.stream.receive_some():
            if server.accepted == 1 and (resets := resets + 1) == 2:
                assert isinstance(conversation.stream, trio.SocketStream)
                conversation.stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return
            await conversation.stream.send_all(OK)

    async with serve(resetting) as server, open_transport() as transport:
        for _ in range(3):
            assert await fetch(transport, posting(server.url)) == b"ok"
        assert server.accepted == 2


async def test_a_spare_closed_in_the_moment_of_use_costs_nothing() -> None:
    """It was there before the request too."""
    async with serve(Reusing([b""], [OK])) as server, open_transport() as transport:
        transport.dial_spare(Origin.of(httpx.URL(server.url)))
        await until(lambda: transport.statistics().spares == 1)
        assert await fetch(transport, posting(server.url)) == b"ok"
        assert server.accepted == 2


async def test_it_is_sent_again_once() -> None:
    """Where the new connection ends without an answer too, the server is at fault."""
    async with serve(Reusing([OK, b""], [b""])) as server, open_transport() as transport:
        assert await fetch(transport, posting(server.url)) == b"ok"
        with pytest.raises(httpx.RemoteProtocolError, match="instead of answering"):
            await fetch(transport, posting(server.url))
        assert (server.accepted, transport.statistics()) == (2, NOTHING)


async def test_a_new_connection_that_gives_no_answer_is_an_error() -> None:
    """Nothing is sent twice on account of a server that does not answer at all."""
    async with serve(Reusing([b""])) as server, open_transport() as transport:
        with pytest.raises(httpx.RemoteProtocolError, match="instead of answering"):
            await fetch(transport, posting(server.url))
        assert server.accepted == 1


@pytest.mark.parametrize("answer", [b"H", b"HTTP/1.1 100 Continue\r\n\r\n", OK[:-1]])
async def test_it_is_not_sent_again_after_the_first_byte(answer: bytes) -> None:
    """The server had begun to answer."""
    script = Reusing([OK, answer])
    async with serve(script) as server, open_transport() as transport:
        assert await fetch(transport, posting(server.url)) == b"ok"
        with pytest.raises(httpx.RemoteProtocolError):
            await fetch(transport, posting(server.url))
        assert (server.accepted, len(script.bodies)) == (1, 2)


async def test_a_stream_that_was_taken_from_is_not_sent_again() -> None:
    """Its pieces are gone, and half a body is worse than an error."""
    taken = []

    async def upload() -> AsyncIterator[bytes]:
        for piece in (b"one", b"two"):
            taken.append(piece)
            yield piece
        await trio.sleep_forever()

    async def closing(conversation: Conversation) -> None:
        await conversation.stream.receive_some()
        await conversation.stream.send_all(OK)
        data = b""
        while b"two" not in data:
            data += await conversation.stream.receive_some()

    async with serve(closing) as server, open_transport() as transport:
        assert await fetch(transport, posting(server.url)) == b"ok"
        with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)), trio.fail_after(5):
            await fetch(transport, httpx.Request("POST", server.url, content=upload()))
        assert (server.accepted, taken) == (1, [b"one", b"two"])
        assert transport.statistics() == NOTHING


async def test_a_stream_of_which_nothing_could_be_sent_is_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server closes between the last look at the connection and the first byte: all of the stream is still here."""

    async def upload() -> AsyncIterator[bytes]:
        yield b"one"
        yield b"two"

    async def quiet(link: Link) -> bool:
        await dialer.servers[0].aclose()
        return True

    async def answer(nth: int, until_seen: bytes) -> bytes:
        data = b""
        await until(lambda: len(dialer.servers) > nth)
        while until_seen not in data:
            data += await dialer.servers[nth].receive_some()
        await dialer.servers[nth].send_all(OK)
        return data

    monkeypatch.setattr(Link, "quiet", quiet)
    dialer = PairDialer()
    async with open_transport(dialer=dialer) as transport, trio.open_nursery() as nursery:
        nursery.start_soon(answer, 0, b"the end")
        assert await fetch(transport, posting("http://here/")) == b"ok"
        nursery.start_soon(answer, 1, b"3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n")
        assert await fetch(transport, httpx.Request("POST", "http://here/", content=upload())) == b"ok"
        assert transport.statistics() == evolve(NOTHING, idle=1)
    dialer.close()


async def test_cancelled_on_the_second_dial_nothing_is_left() -> None:
    """The place is free again, and both connections are closed."""
    asked = 0

    async def closing(conversation: Conversation) -> None:
        nonlocal asked
        while b"end" in await conversation.stream.receive_some():
            asked += 1
            if asked == 2:
                return
            await conversation.stream.send_all(OK)

    class Hanging(Dialer):
        async def connect(self, origin: Origin) -> trio.SocketStream:
            if asked == 2:
                scope.cancel()
                await trio.sleep_forever()
            return await super().connect(origin)

    async with serve(closing) as server, open_transport(dialer=Hanging(), max_connections=1) as transport:
        assert await fetch(transport, posting(server.url)) == b"ok"
        with trio.CancelScope() as scope:
            await fetch(transport, posting(server.url))
        assert scope.cancelled_caught
        assert transport.statistics().in_use == server.sockets() == 0


def bytes_in_chunks(count: int) -> bytes:
    """Return a response whose body comes in chunks of one byte."""
    return b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + b"1\r\na\r\n" * count + b"0\r\n\r\n"


async def test_a_body_comes_in_bounded_steps() -> None:
    """A read brings tens of thousands of chunks of one byte; others have their turn while they are taken apart."""
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await trio.lowlevel.checkpoint()

    async with serve(saying(bytes_in_chunks(50_000))) as server, open_transport() as transport:
        received = await transport.send(httpx.Request("GET", server.url))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(others)
            pieces = [piece async for piece in received.body]
            nursery.cancel_scope.cancel(reason="the body has ended")
        assert b"".join(pieces) == b"a" * 50_000
        assert max(map(len, pieces)) <= STEP_BYTES // 6 + 1
        assert turns >= len(pieces) - 1  # in one pass of the scheduler either may come first
        assert transport.statistics() == evolve(NOTHING, idle=1)


async def test_what_comes_behind_a_body_ends_its_connection() -> None:
    """Nobody asked for it, and it is no answer to the next request, however much of it there is."""
    answer = bytes_in_chunks(5_000)
    for unasked in (b"H", OK, b"x" * 50_000):
        async with serve(saying(answer + unasked)) as server, open_transport() as transport:
            for _ in range(2):
                assert await fetch(transport, httpx.Request("GET", server.url)) == b"a" * 5_000
                assert transport.statistics() == NOTHING
            assert server.accepted == 2
