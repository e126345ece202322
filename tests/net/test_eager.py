"""Sending without a scheduler pass."""

from __future__ import annotations

import pytest
import trio
from trio.testing import memory_stream_pair, open_stream_to_socket_listener, wait_all_tasks_blocked

from voxint.net.eager import EagerLock, EagerStream, read_when_there, socket_under
from voxint.net.prefixed import PrefixedStream


async def tcp_pair() -> tuple[trio.SocketStream, trio.SocketStream]:
    """Return two ends of a connection over loopback."""
    [listener] = await trio.open_tcp_listeners(0, host="127.0.0.1")
    async with listener:
        near = await open_stream_to_socket_listener(listener)
        return near, await listener.accept()


async def test_what_the_kernel_takes_is_sent_without_a_pass() -> None:
    """A small send runs no other task, and arrives."""
    near, far = await tcp_pair()
    ran = []

    async def note() -> None:
        ran.append("other")

    async with near, far, trio.open_nursery() as nursery:
        nursery.start_soon(note)
        await EagerStream(PrefixedStream(near, b"")).send_all(b"frame")
        assert ran == []
        assert await far.receive_some() == b"frame"


async def test_the_rest_waits_for_room() -> None:
    """More than the kernel takes is sent to its end once the peer reads, in order."""
    near, far = await tcp_pair()
    data = bytes(range(256)) * 40_000
    got = bytearray()
    async with near, far, trio.open_nursery() as nursery:
        nursery.start_soon(EagerStream(near).send_all, data)
        await wait_all_tasks_blocked()
        while len(got) < len(data):
            got += await far.receive_some()
    assert got == data


async def test_a_lost_connection_is_told_as_trio_tells_it() -> None:
    """Sending into a connection that was closed here raises what trio's own `send_all` raises."""
    near, far = await tcp_pair()
    await near.aclose()
    with pytest.raises(trio.ClosedResourceError):
        await EagerStream(near).send_all(b"frame")
    await far.aclose()


async def test_a_stream_that_is_no_socket_is_sent_to_as_it_is() -> None:
    """Over memory or TLS nothing is taken early."""
    near, far = memory_stream_pair()
    assert socket_under(near) is None
    await EagerStream(near).send_all(b"frame")
    assert await far.receive_some() == b"frame"


async def test_reading_and_closing_go_through() -> None:
    """The other half of the stream is the inner one's."""
    near, far = memory_stream_pair()
    stream = EagerStream(near)
    await far.send_all(b"hello")
    assert await stream.receive_some(10) == b"hello"
    await stream.wait_send_all_might_not_block()
    await stream.aclose()
    assert await far.receive_some() == b""


async def test_a_free_lock_is_entered_without_a_pass() -> None:
    """Nobody else runs between the request for a free lock and its holder's first step; a held one is waited for."""
    lock, order = EagerLock(), []

    async def second() -> None:
        order.append("wants")
        async with lock:
            order.append("second")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(second)
        async with lock:
            assert order == []
            await wait_all_tasks_blocked()
            order.append("first")
    assert order == ["wants", "first", "second"]


async def test_what_comes_is_read_when_it_is_there() -> None:
    """What was sent before and after the wait began, no more at once than was asked for, and the end."""
    near, far = await tcp_pair()
    async with near, far, trio.open_nursery() as nursery:
        await near.send_all(b"before")
        assert await read_when_there(far, 3) == b"bef"
        assert await read_when_there(far, 100) == b"ore"
        nursery.start_soon(near.send_all, b"after")
        assert await EagerStream(far).receive_some() == b"after"
        await wait_all_tasks_blocked()
        await near.send_eof()
        assert await read_when_there(far, 100) == b""


async def test_what_was_put_back_is_read_first() -> None:
    """A prefix is not skipped for what lies in the socket."""
    near, far = await tcp_pair()
    async with near, far:
        await near.send_all(b"second")
        stream = EagerStream(PrefixedStream(far, b"first"))
        assert [await stream.receive_some(), await stream.receive_some()] == [b"first", b"second"]


async def test_reading_from_what_is_gone_is_told_as_trio_tells_it() -> None:
    """A connection that was reset is broken, one that was closed here is closed, also under the wait."""
    near, far = await tcp_pair()
    async with trio.open_nursery() as nursery:

        async def close_it() -> None:
            await wait_all_tasks_blocked()
            await far.aclose()

        nursery.start_soon(close_it)
        with pytest.raises(trio.ClosedResourceError):
            await read_when_there(far, 100)
    with pytest.raises(trio.ClosedResourceError):
        await read_when_there(far, 100)
    await near.aclose()
    near, far = await tcp_pair()
    await far.send_all(b"unread")
    await trio.lowlevel.wait_readable(near.socket)
    await near.aclose()  # with data that nobody has read: a reset
    with pytest.raises(trio.BrokenResourceError):
        await read_when_there(far, 100)
    await far.aclose()
