from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import httpx
import pytest
import trio

from tests.net.links import link_pair
from tests.net.loopback import client_tls, server_tls
from voxint.net.link import Link, Origin


@asynccontextmanager
async def open_link(*, secure: bool) -> AsyncGenerator[tuple[Link, trio.abc.Stream], None]:
    """Open a link over a socket pair, with TLS or without, and the server's end of it."""
    link, tcp = link_pair(Origin("https" if secure else "http", "127.0.0.1", 1))
    server: trio.abc.Stream = tcp
    try:
        if secure:
            tls = trio.SSLStream(tcp, server_tls(), server_side=True, https_compatible=True)
            server = tls
            async with trio.open_nursery() as nursery:
                nursery.start_soon(tls.do_handshake)
                await link.secure(client_tls())
        yield link, server
    finally:
        link.close()
        tcp.socket.close()


either = pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])


async def swallow_tickets(link: Link, server: trio.abc.Stream) -> None:
    """Have one exchange, with which the session tickets of TLS 1.3 come."""
    await link.send(b"?")
    assert await server.receive_some(10) == b"?"
    await server.send_all(b"!")
    assert await link.receive() == b"!"


@either
async def test_bytes_go_both_ways(secure: bool) -> None:
    """Also more of them than the kernel takes at once."""
    data = bytes(range(256)) * 20_000
    async with open_link(secure=secure) as (link, server), trio.open_nursery() as nursery:
        nursery.start_soon(link.send, data)
        got = bytearray()
        while len(got) < len(data):
            got += await server.receive_some(65_536)
        assert got == data
        await server.send_all(b"back")
        assert await link.receive() == b"back"


@either
async def test_a_link_at_rest_is_quiet(secure: bool) -> None:
    """Looking at it changes nothing: it carries the next exchange."""
    async with open_link(secure=secure) as (link, server):
        for _ in range(3):
            await swallow_tickets(link, server)
            assert await link.quiet()


@either
async def test_a_link_on_which_something_came_is_not_quiet(secure: bool) -> None:
    """Bytes that nobody asked for, or the end."""
    async with open_link(secure=secure) as (link, server):
        await swallow_tickets(link, server)
        await server.send_all(b"unasked")
        assert link.dead
        assert not await link.quiet()


@either
async def test_a_closed_link_is_not_quiet(secure: bool) -> None:
    """Whichever side closed it."""
    async with open_link(secure=secure) as (link, server):
        await swallow_tickets(link, server)
        await trio.aclose_forcefully(server)
        assert not await link.quiet()
        link.close()
        assert link.dead
        assert not await link.quiet()


@pytest.mark.parametrize("then", ["data", "farewell"])
async def test_what_waits_for_decryption_is_seen(then: str) -> None:
    """A second record that left the socket with the first is still unread; the next request must not get it."""
    async with open_link(secure=True) as (link, server):
        await swallow_tickets(link, server)
        await server.send_all(b"asked")
        if then == "data":
            await server.send_all(b"unasked")
        else:
            assert isinstance(server, trio.SSLStream)
            with trio.CancelScope() as scope, trio.testing.assert_checkpoints():
                scope.cancel()
                await server.aclose()
        assert await link.receive() == b"asked"
        assert not await link.quiet()


@either
async def test_what_was_closed_here_is_an_error(secure: bool) -> None:
    """Reading and writing end in httpx's own errors."""
    async with open_link(secure=secure) as (link, _):
        link.close()
        with pytest.raises(httpx.ReadError):
            await link.receive()
        with pytest.raises(httpx.WriteError):
            await link.send(b"x")


@either
async def test_what_the_server_lost_is_an_error(secure: bool) -> None:
    """A write into a connection that is gone says why."""
    async with open_link(secure=secure) as (link, server):
        await swallow_tickets(link, server)
        await trio.aclose_forcefully(server)
        with pytest.raises(httpx.WriteError, match="Broken pipe"):
            await link.send(b"x")


@either
async def test_the_end_is_empty(secure: bool) -> None:
    """With TLS's farewell or without: what the end means is for HTTP to say."""
    async with open_link(secure=secure) as (link, server):
        await swallow_tickets(link, server)
        await trio.aclose_forcefully(server)
        assert await link.receive() == b""
