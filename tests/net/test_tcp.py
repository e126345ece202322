"""A TCP connection whose socket is at hand: what is sent and read without a wait, and how it ends."""

from __future__ import annotations

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from tests.net.websocket_client import socket_pair
from voxint.net.tcp import TcpStream


def tcp_pair(**sizes: int) -> tuple[TcpStream, trio.abc.Stream]:
    """Return a connection and its other end."""
    near, far = socket_pair(**sizes)
    assert isinstance(near, TcpStream)
    return near, far


async def test_what_the_kernel_takes_is_sent_at_once() -> None:
    """It says how much that was; a full kernel takes nothing, and a `send_all` of the rest waits for room."""
    near, far = tcp_pair(sent_bytes=4096, received_bytes=4096)
    async with near, far, trio.open_nursery() as nursery:
        data = bytes(range(256)) * 40_000
        sent = near.send_now(data)
        assert 0 < sent < len(data)
        while taken := near.send_now(data[sent:]):
            sent += taken
        nursery.start_soon(near.send_all, memoryview(data)[sent:])
        got = b""
        while len(got) < len(data):
            got += await far.receive_some()
        assert got == data


async def test_it_waits_until_something_comes() -> None:
    """Then it takes so much of it as was asked for, and at the end nothing."""
    near, far = tcp_pair()
    async with near, far, trio.open_nursery() as nursery:
        got: list[bytes] = []

        async def read() -> None:
            while data := await near.receive_some(3):
                got.append(data)

        nursery.start_soon(read)
        await wait_all_tasks_blocked()
        assert got == []
        await far.send_all(b"abcde")
        await far.aclose()
    assert got == [b"abc", b"de"]


async def test_a_connection_that_was_reset_is_broken() -> None:
    """For who reads, and for who sends; `send_now` leaves the telling to `send_all`."""
    near, far = tcp_pair()
    async with near:
        await near.send_all(b"unread")
        await far.aclose()  # with something unread in it: this resets the connection
        with pytest.raises(trio.BrokenResourceError):
            await near.receive_some()
        assert near.send_now(b"x") == 0
        with pytest.raises(trio.BrokenResourceError):
            await near.send_all(b"x")


async def test_a_connection_that_was_closed_here_is_closed() -> None:
    """For who waits in it, and for who comes later."""
    near, far = tcp_pair()
    async with far:

        async def read() -> None:
            with pytest.raises(trio.ClosedResourceError):
                await near.receive_some()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(read)
            await wait_all_tasks_blocked()
            near.close()
        assert near.closed
        assert near.send_now(b"x") == 0
        with pytest.raises(trio.ClosedResourceError):
            await near.receive_some()
        await near.aclose()


async def test_readable_says_whether_something_is_there() -> None:
    """The end is something, too; and the half that is left can still be read."""
    near, far = tcp_pair()
    async with near, far:
        assert not near.readable
        await far.send_all(b"x")
        assert near.readable
        assert await near.receive_some() == b"x"
        await near.send_eof()
        assert await far.receive_some() == b""
        await far.aclose()
        assert near.readable
