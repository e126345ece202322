"""The server's end of a WebSocket, against a client of the library it builds on."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest
import trio
from trio.testing import memory_stream_pair, wait_all_tasks_blocked
from trio_websocket import ConnectionClosed, WebSocketConnection, wrap_client_stream
from wsproto.events import BytesMessage, Event, Ping, TextMessage

from voxint.net.frames import TEXT, frame_of, make_frame
from voxint.net.websocket import ServerWebSocket, wrap_server_stream


@asynccontextmanager
async def pair(max_message_size: int = 1 << 20) -> AsyncGenerator[tuple[WebSocketConnection, WebSocketConnection]]:
    """Give a server's and a client's end over memory."""
    near, far = memory_stream_pair()
    ends: dict[str, WebSocketConnection] = {}

    async def accept() -> None:
        ends["server"] = await (await wrap_server_stream(nursery, near, max_message_size)).accept()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(accept)
        client = await wrap_client_stream(nursery, far, "host", "/")  # type: ignore[arg-type]  # memory will do
        await wait_all_tasks_blocked()
        yield ends["server"], client
        nursery.cancel_scope.cancel()


def delivered(server: WebSocketConnection) -> list[str | bytes]:
    """Return what will hold every message that is delivered in the step that reads it."""
    assert isinstance(server, ServerWebSocket)
    got: list[str | bytes] = []

    def deliver(message: str | bytes) -> int:
        got.append(message)
        return 0

    server.deliver = deliver
    return got


async def test_messages_arrive_both_ways() -> None:
    """Text, binary and beyond ASCII."""
    async with pair() as (server, client):
        assert isinstance(server, ServerWebSocket)
        for message in ("hello", "你好", b"\x00\x01", "x" * 70_000):
            await server.send_message(message)
            assert await client.get_message() == message
            await client.send_message(message)
            assert await server.get_message() == message


async def test_a_closed_connection_refuses_messages() -> None:
    """After either side's close a message raises, as the library has it."""
    async with pair() as (server, client):
        await client.aclose()
        with pytest.raises(ConnectionClosed):
            await server.send_message("late")


async def test_a_lost_connection_is_told() -> None:
    """Where the stream breaks under a message, the connection counts as closed."""
    async with pair() as (server, client):
        await trio.aclose_forcefully(client._stream)
        await wait_all_tasks_blocked()
        with pytest.raises(ConnectionClosed):
            await server.send_message("into the void")


async def test_a_ping_is_answered() -> None:
    """And so are several, the last of them at least."""
    async with pair() as (_, client):
        with trio.fail_after(1):
            await client.ping(b"one")
            await client.ping(b"two")


async def test_too_large_a_message_closes_the_connection() -> None:
    """With code 1009, and the server's reader is told."""
    async with pair(max_message_size=1000) as (_, client):
        await client.send_message("x" * 1001)
        with pytest.raises(ConnectionClosed):
            await client.get_message()
        assert client.closed is not None
        assert client.closed.code == 1009


async def test_others_go_first_where_the_receiver_lets_them() -> None:
    """Of two messages in one segment the second waits for as many scheduler passes as the first has asked for."""
    async with pair() as (server, client), trio.open_nursery() as nursery:
        assert isinstance(server, ServerWebSocket)
        got: list[str | bytes] = []

        async def way_out() -> None:
            await trio.lowlevel.checkpoint()
            got.append("stopped")

        def deliver(message: str | bytes) -> int:
            got.append(message)
            nursery.start_soon(way_out)
            return 3

        server.deliver = deliver
        await client._stream.send_all(
            client._wsproto.send(TextMessage("stop")) + client._wsproto.send(TextMessage("go"))
        )
        await wait_all_tasks_blocked()
        assert got == ["stop", "stopped", "go", "stopped"]


async def test_a_message_is_delivered_in_the_step_in_which_it_was_read() -> None:
    """Whole and in order, also one that came in pieces; nothing goes through the queue then."""
    async with pair() as (server, client):
        got = delivered(server)
        for message in ("hello", b"\x00\x01", "x" * 70_000, "last"):
            await client.send_message(message)
        await wait_all_tasks_blocked()
        assert got == ["hello", b"\x00\x01", "x" * 70_000, "last"]
        assert type(got[1]) is bytes
        await client.aclose()
        with pytest.raises(ConnectionClosed):
            await server.get_message()


async def test_order_is_kept_between_what_is_delivered_early_and_what_the_library_reads() -> None:
    """Plain messages, one in parts and a ping, all in one segment: messages in their order, and the ping answered."""
    async with pair() as (server, client):
        got = delivered(server)
        frames: list[Event] = [
            TextMessage(data="one"),
            BytesMessage(data=b"two "),
            TextMessage(data="in ", message_finished=False),
            Ping(payload=b"?"),
            TextMessage(data="parts"),
            BytesMessage(data=b"last"),
        ]
        await client._stream.send_all(b"".join(map(client._wsproto.send, frames)))
        await wait_all_tasks_blocked()
        assert got == ["one", b"two ", "in parts", b"last"]


async def test_frames_begin_behind_the_upgrade_request_however_it_is_cut() -> None:
    """The head is told from the frames at its end, also where that comes in pieces."""
    request = (
        b"GET / HTTP/1.1\r\nHost: host\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    for cut in range(len(request) - 5, len(request)):
        near, far = memory_stream_pair()
        async with trio.open_nursery() as nursery:
            await far.send_all(request[:cut])
            nursery.start_soon(far.send_all, request[cut:])
            with trio.fail_after(1):
                server = await (await wrap_server_stream(nursery, near, 1 << 20)).accept()
                await far.send_all(frame_of("hello", masked=True) + frame_of(b"\x01\x02", masked=True))
                assert [await server.get_message(), await server.get_message()] == ["hello", b"\x01\x02"]
            nursery.cancel_scope.cancel()


async def test_nothing_is_delivered_behind_what_breaks_the_protocol() -> None:
    """The library closes for it, and the message in the same segment is dropped."""
    async with pair() as (server, client):
        got = delivered(server)
        unmasked = frame_of("broken")
        await client._stream.send_all(frame_of("first", masked=True) + unmasked + frame_of("dropped", masked=True))
        with pytest.raises(ConnectionClosed):
            await client.get_message()
        assert got == ["first"]


async def test_text_that_is_no_text_ends_the_connection() -> None:
    """It is not delivered, and the library closes for it."""
    async with pair() as (server, client):
        got = delivered(server)
        await client._stream.send_all(make_frame(TEXT, b"\xff\xfe", masked=True))
        with pytest.raises(ConnectionClosed):
            await client.get_message()
        assert got == []
