"""The network that goes wrong by script: each fault does to a connection what it says, where it says."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from functools import partial

import pytest
import trio

from tests.end_to_end.callers import no_descriptor_left
from voxint.testing.chaos import (
    Chaos,
    Delay,
    Faults,
    Flip,
    HalfClose,
    Insert,
    NetworkFault,
    Reset,
    Slow,
    Stall,
    Truncate,
    open_chaos,
)

SAID = b"0123456789"


@asynccontextmanager
async def open_line(
    plan: Faults | Callable[[int], Faults],
) -> AsyncGenerator[tuple[Chaos, trio.SocketStream, trio.SocketStream], None]:
    """Open a connection through the proxy; yield it, the client's end and the server's."""
    accepted: list[trio.SocketStream] = []
    news = trio.Event()

    async def accept(stream: trio.SocketStream) -> None:
        accepted.append(stream)
        news.set()
        await trio.sleep_forever()  # the stream is the test's

    with trio.fail_after(10), no_descriptor_left():
        async with trio.open_nursery() as nursery:
            (listener,) = await nursery.start(partial(trio.serve_tcp, accept, 0, host="127.0.0.1"))
            async with (
                open_chaos("127.0.0.1", listener.socket.getsockname()[1], plan) as chaos,
                await trio.open_tcp_stream("127.0.0.1", chaos.port) as client,
            ):
                await news.wait()
                async with accepted[0]:
                    yield chaos, client, accepted[0]
            nursery.cancel_scope.cancel()


async def heard(stream: trio.SocketStream) -> tuple[bytes, str]:
    """Read to the end; return all of it, and how it ended."""
    got = b""
    try:
        while data := await stream.receive_some():
            got += data
    except trio.BrokenResourceError:
        return got, "reset"
    return got, "end"


BREAKING: list[tuple[NetworkFault, tuple[bytes, str]]] = [
    (Reset(at=0), (b"", "reset")),
    (Truncate(at=0), (b"", "end")),
    (Truncate(at=4), (b"0123", "end")),
    (HalfClose(at=0), (b"", "end")),
    (HalfClose(at=10), (SAID, "end")),
    (HalfClose(at=3), (b"012", "end")),
    (Flip(at=2), (b"01\xcd3456789", "end")),
    (Flip(at=2, mask=b"\1\1"), (b"01324" + SAID[5:], "end")),
    (Insert(at=0, data=b"x"), (b"x" + SAID, "end")),
    (Insert(at=10, data=b"yz"), (SAID + b"yz", "end")),
    (Insert(at=11, data=b"never"), (SAID, "end")),
    (Stall(at=5, seconds=0.05), (SAID, "end")),
    (Delay(seconds=0.05), (SAID, "end")),
    (Slow(at=2, bytes_per_s=400), (SAID, "end")),
]


@pytest.mark.parametrize("down", [False, True])
@pytest.mark.parametrize(("fault", "expected"), BREAKING, ids=str)
async def test_a_fault_breaks_its_own_byte(fault: NetworkFault, expected: tuple[bytes, str], down: bool) -> None:
    """Of the direction it is named for, whichever that is; all else goes through."""
    faults = Faults(down=(fault,)) if down else Faults(up=(fault,))
    async with open_line(faults) as (_, client, server):
        sender, receiver = (server, client) if down else (client, server)
        await sender.send_all(SAID)
        await sender.send_eof()
        assert await heard(receiver) == expected


@pytest.mark.parametrize("at", [1, 9, 10])
async def test_a_reset_reaches_both_sides(at: int) -> None:
    """The receiver has got at most what was in front of it."""
    async with open_line(Faults(up=(Reset(at=at),))) as (chaos, client, server):
        await client.send_all(SAID)
        got, how = await heard(server)
        assert how == "reset"
        assert SAID[:at].startswith(got)
        assert await heard(client) == (b"", "reset")
        assert (chaos.passages[0].up, chaos.passages[0].down) == (at, 0)


async def test_without_a_fault_all_goes_through() -> None:
    """Much data in both directions at once, and each end by itself."""
    much = bytes(range(256)) * 4000
    async with open_line(Faults()) as (chaos, client, server):

        async def say(stream: trio.SocketStream) -> None:
            await stream.send_all(much)
            await stream.send_eof()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(say, client)
            nursery.start_soon(say, server)
            assert await heard(server) == (much, "end")
            assert await heard(client) == (much, "end")
        assert (chaos.passages[0].up, chaos.passages[0].down) == (len(much), len(much))
        await chaos.passages[0].ended.wait()


async def test_a_reset_of_one_side_reaches_the_other() -> None:
    """As it would without a proxy."""
    async with open_line(Faults()) as (chaos, client, server):
        await client.send_all(b"x")
        assert await server.receive_some() == b"x"
        await server.send_all(b"unread")
        await client.wait_send_all_might_not_block()
        with trio.fail_after(2):
            while chaos.passages[0].down < 6:  # noqa: ASYNC110 - a count, which tells nobody
                await trio.sleep(0.001)
        client.socket.close()  # with something unread in it: a reset
        assert (await heard(server))[1] == "reset"


async def test_a_half_closed_direction_leaves_the_other() -> None:
    """What its sender still says is thrown away, and holds it up in nothing."""
    async with open_line(Faults(up=(HalfClose(at=3),))) as (_, client, server):
        await client.send_all(SAID * 100_000)
        await client.send_eof()
        assert await heard(server) == (b"012", "end")
        await server.send_all(b"still here")
        await server.send_eof()
        assert await heard(client) == (b"still here", "end")


async def test_several_faults_come_in_their_order() -> None:
    """By their bytes, however they were named."""
    faults = Faults(up=(Truncate(at=6), Insert(at=2, data=b"-"), Flip(at=4, mask=b"\1"), Insert(at=2, data=b"+")))
    async with open_line(faults) as (_, client, server):
        await client.send_all(SAID)
        assert await heard(server) == (b"01-+2355", "end")


async def test_a_stall_is_not_told_to_anybody() -> None:
    """The connection stays open, the sender is held back when enough lies about, and the other direction goes on."""
    async with open_line(Faults(up=(Stall(at=1),))) as (_, client, server):
        await client.send_all(b"ab")
        assert await server.receive_some() == b"a"
        with trio.move_on_after(0.05):
            await server.receive_some()
            raise AssertionError("something came through")
        with trio.move_on_after(0.2) as patience:
            await client.send_all(bytes(64 << 20))
        assert patience.cancelled_caught
        await server.send_all(b"down")
        assert await client.receive_some() == b"down"


async def test_a_plan_may_say_which_connection() -> None:
    """By its number; and all can be reset at any time."""
    async with open_line(lambda number: Faults(up=(Truncate(),)) if number else Faults()) as (chaos, client, server):
        async with await trio.open_tcp_stream("127.0.0.1", chaos.port) as second:
            assert await heard(second) == (b"", "end")
        await client.send_all(b"x")
        assert await server.receive_some() == b"x"
        chaos.reset()
        assert await heard(client) == (b"", "reset")
        assert await heard(server) == (b"", "reset")


async def test_where_nobody_listens() -> None:
    """The client gets a reset."""
    with trio.socket.socket() as taken:
        await taken.bind(("127.0.0.1", 0))
        async with (
            open_chaos("127.0.0.1", taken.getsockname()[1]) as chaos,
            await trio.open_tcp_stream("127.0.0.1", chaos.port) as client,
        ):
            with trio.fail_after(5):
                assert await heard(client) == (b"", "reset")
