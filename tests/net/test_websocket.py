"""The server's end of a WebSocket, against a client of the library it builds on."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest
import trio
from trio.testing import memory_stream_pair, wait_all_tasks_blocked
from trio_websocket import ConnectionClosed, WebSocketConnection, wrap_client_stream
from wsproto import ConnectionType
from wsproto.connection import Connection
from wsproto.events import BytesMessage, TextMessage

from voxint.net.websocket import ServerWebSocket, frame_of, wrap_server_stream


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


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536, 200_000])
@pytest.mark.parametrize("kind", [str, bytes])
def test_a_frame_is_what_the_library_makes_of_a_message(kind: type, size: int) -> None:
    """Byte for byte, at every border of the length field."""
    message = "x" * size if kind is str else b"x" * size
    event = TextMessage(data=message) if isinstance(message, str) else BytesMessage(data=message)
    assert frame_of(message) == Connection(ConnectionType.SERVER).send(event)


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
        assert isinstance(server, ServerWebSocket)
        got: list[str | bytes] = []

        def deliver(message: str | bytes) -> int:
            got.append(message)
            return 0

        server.deliver = deliver
        for message in ("hello", b"\x00\x01", "x" * 70_000, "last"):
            await client.send_message(message)
        await wait_all_tasks_blocked()
        assert got == ["hello", b"\x00\x01", "x" * 70_000, "last"]
        assert type(got[1]) is bytes
        await client.aclose()
        with pytest.raises(ConnectionClosed):
            await server.get_message()
