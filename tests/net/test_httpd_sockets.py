from __future__ import annotations

import socket
import struct
from time import monotonic

import pytest
import trio
import trio.testing
from attrs import define, field

from tests.net.httpd_client import GET, POST_CHUNKED, Client, echo, on_loopback
from voxint.net.http_request import HttpLimits, HttpRequest


@define
class Streaming:
    """A handler that begins a stream, sleeps, and keeps what it learns of the client's leaving."""

    request: HttpRequest | None = None
    noticed_at: float = 0.0
    cancelled: trio.Event = field(factory=trio.Event)

    async def __call__(self, request: HttpRequest) -> None:
        """Stream one piece, then sleep until cancelled."""
        self.request = request
        response = await request.stream()
        await response.send(b"first")
        try:
            await trio.sleep_forever()
        finally:
            self.noticed_at = monotonic()
            self.cancelled.set()


async def begin(stream: trio.SocketStream) -> None:
    """Ask, and wait until the handler has sent its piece and sleeps."""
    await stream.send_all(GET)
    while b"first" not in await stream.receive_some():
        pass


async def test_refusal_reaches_a_client_that_still_uploads() -> None:
    """A client in the middle of a large upload can still read why it was refused."""

    async def upload(client: Client) -> None:
        while True:
            await client.send(b"1000\r\n%b\r\n" % bytes(0x1000))

    async with on_loopback(echo, HttpLimits(body_bytes=100_000)) as dial:
        client = Client(await dial())
        await client.send(POST_CHUNKED)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(upload, client)
            assert (await client.answer())[0] == 413
            nursery.cancel_scope.cancel()


async def test_handler_is_cancelled_at_once_when_the_client_leaves() -> None:
    """A sleeping handler is cancelled below a millisecond after the FIN, and is told the instant.

    The best of 20 is judged: a detection that polls or waits for a failing write could not be that fast even once.
    """
    delays = []
    for _ in range(20):
        handler = Streaming()
        async with on_loopback(handler) as dial:
            stream = await dial()
            await begin(stream)
            left_at = monotonic()
            await stream.aclose()
            await handler.cancelled.wait()
        assert handler.request is not None
        assert handler.request.disconnected_at is not None
        assert left_at <= handler.request.disconnected_at <= handler.noticed_at
        delays.append(handler.request.disconnected_at - left_at)
    assert min(delays) < 0.001


async def test_handler_is_cancelled_when_the_client_resets() -> None:
    """A reset counts as leaving, like a close."""
    handler = Streaming()
    async with on_loopback(handler) as dial:
        stream = await dial()
        await begin(stream)
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        await stream.aclose()
        await handler.cancelled.wait()


async def test_handler_is_cancelled_while_it_is_blocked_in_a_send() -> None:
    """A send to a client that reads nothing ends when that client leaves."""
    cancelled = trio.Event()

    async def handler(request: HttpRequest) -> None:
        response = await request.stream()
        try:
            while True:
                await response.send(bytes(1_000_000))
        finally:
            cancelled.set()

    async with on_loopback(handler) as dial:
        stream = await dial()
        await stream.send_all(GET)
        await trio.testing.wait_all_tasks_blocked(0.05)
        assert not cancelled.is_set()
        await stream.aclose()
        await cancelled.wait()


async def test_handler_is_cancelled_while_it_reads_the_body() -> None:
    """A client that leaves within its upload ends the handler, with the instant noted."""
    requests: list[HttpRequest] = []
    done = trio.Event()

    async def handler(request: HttpRequest) -> None:
        requests.append(request)
        try:
            await request.read()
        finally:
            done.set()

    async with on_loopback(handler) as dial:
        stream = await dial()
        await stream.send_all(POST_CHUNKED + b"1\r\nx\r\n")
        await trio.testing.wait_all_tasks_blocked(0.01)
        await stream.aclose()
        await done.wait()
    assert requests[0].disconnected_at is not None


async def test_cancelled_send_ruins_the_stream() -> None:
    """After a send that its own deadline cut, nothing more is written: the client never sees half a chunk and more."""
    refused = trio.Event()

    async def handler(request: HttpRequest) -> None:
        response = await request.stream()
        with trio.move_on_after(0.02) as scope:
            while True:
                await response.send(bytes(1_000_000))
        assert scope.cancelled_caught
        with pytest.raises(trio.BrokenResourceError):
            await response.send(b"more")
        with pytest.raises(trio.BrokenResourceError):
            await response.end()
        refused.set()

    async with on_loopback(handler) as dial:
        stream = await dial()
        await stream.send_all(GET)
        await refused.wait()


async def test_reset_is_seen_by_the_client() -> None:
    """After `reset` the connection ends with RST instead of an end."""

    async def handler(request: HttpRequest) -> None:
        await request.stream()
        request.reset()

    async with on_loopback(handler) as dial:
        stream = await dial()
        await stream.send_all(GET)
        with pytest.raises(trio.BrokenResourceError):
            await Client(stream).answer()


async def test_pieces_sent_without_waiting_arrive_whole_and_in_order() -> None:
    """When the socket is full, `send_nowait` says so, `flush` waits for the client, and no byte is lost or doubled."""
    full = trio.Event()

    async def handler(request: HttpRequest) -> None:
        response = await request.stream()
        for n in range(100):
            if not response.send_nowait(bytes([n]) * 100_000):
                full.set()
                await response.flush()
        assert response.send_nowait(b"")
        await response.end()

    async with on_loopback(handler) as dial:
        client = Client(await dial())
        await client.send(GET)
        await full.wait()
        assert await client.answer() == (200, b"".join(bytes([n]) * 100_000 for n in range(100)))


async def test_send_without_waiting_notices_that_the_client_has_left() -> None:
    """A handler that only ever uses `send_nowait` and `flush` is cancelled like any other."""
    cancelled = trio.Event()

    async def handler(request: HttpRequest) -> None:
        response = await request.stream()
        try:
            while True:
                if not response.send_nowait(bytes(100_000)):
                    await response.flush()
        finally:
            cancelled.set()

    async with on_loopback(handler) as dial:
        stream = await dial()
        await stream.send_all(GET)
        assert await stream.receive_some()
        await stream.aclose()
        await cancelled.wait()
