"""HTTP/1.1 on trio behind httpx's transport seam: safe to cancel at any instant, with spare connections.

httpx's own transport stands on a pool that loses a place for ever when a cancellation meets the very instant at which a
dial completes, and cancelling in any instant is our trade.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager

import h11
import httpx
import trio
from attrs import frozen

from voxint.background import open_background
from voxint.inside_trio import require_trio
from voxint.net.chunked import ChunkError
from voxint.net.dial import Dialer
from voxint.net.exchange import HttpExchange
from voxint.net.link import Origin
from voxint.net.pool import Lease, Pool, PoolStatistics
from voxint.net.request_body import RequestBody, open_body

__all__ = ["Body", "HttpTransport", "Received", "open_transport"]

STEP_BYTES = 4096
"""Of a body in one step of the loop, whatever a read of the socket brought: chunks of one byte, or a reader's events of
ten, are some milliseconds of work in so much. Chosen here by measuring; a model writes less at a time."""


class Body(httpx.AsyncByteStream):
    """The body of a response, a piece of what one read of the socket brings at a time; an iterator and no generator.

    trio warns of generators that are cut short, and a reader may stop anywhere here.

    Attributes:
        complete: Whether the end has come; the connection belongs to the next request from then on.
    """

    def __init__(self, transport: HttpTransport, lease: Lease, exchange: HttpExchange) -> None:
        assert lease.link is not None
        self._transport = transport
        self._lease = lease
        self._link = lease.link
        self._decoder = exchange.decoder
        self._ahead = exchange.ahead
        self._reusable = exchange.reusable
        self._closed = False
        self._broken: httpx.RemoteProtocolError | None = None
        self.complete = False
        if self._decoder.complete:
            self._end(rest=self._ahead)

    def __aiter__(self) -> Body:
        return self

    async def __anext__(self) -> bytes:
        if data := await self.read():
            return data
        raise StopAsyncIteration

    async def read(self) -> bytes:
        """Return the next bytes; none at the end. Cancelled, nothing is lost: the next read goes on.

        Raises:
            httpx.RemoteProtocolError: The server broke the body off, or its framing is broken.
            httpx.ReadError: The connection was lost.
            httpx.ReadTimeout: Nothing came within the request's own bound.
        """
        while not self.complete:
            if self._broken is not None:
                raise self._broken
            if self._ahead:
                await trio.lowlevel.checkpoint()
            else:
                self._ahead = await self._link.receive()
            data, self._ahead = self._ahead[:STEP_BYTES], self._ahead[STEP_BYTES:]
            if data:
                try:
                    content = self._decoder.feed(data)
                except ChunkError as error:
                    self._broken = httpx.RemoteProtocolError(str(error))
                    content = error.before  # what is behind it may be no loss to whoever reads
                if self._decoder.complete:
                    self._end(rest=self._decoder.rest + self._ahead)
                if content:
                    return content
            elif self._decoder.ends_with_connection:
                self.complete = self._closed = True
                self._lease.close()
            else:
                raise httpx.RemoteProtocolError("the server closed the connection in the middle of its answer")
        return b""

    def close(self) -> None:
        """Close the connection of a body that has not ended, in this very step, and have a spare dialed for it."""
        if not self._closed:
            self._closed = True
            self._lease.close()
            self._transport.dial_spare(self._link.origin)

    async def aclose(self) -> None:
        """See `close`; never waits, so no cancellation can cut it short."""
        self.close()

    def _end(self, rest: bytes) -> None:
        """Let the connection go; what came behind the body was asked for by nobody and ends it."""
        self.complete = self._closed = True
        if self._reusable and not rest:
            self._lease.give_back()
        else:
            self._lease.close()


@frozen
class Received:
    """A response whose head is here.

    Args:
        head: Its status and headers.
        body: Its body, to be read and in any case closed.
    """

    head: h11.Response
    body: Body


@frozen
class _Timeouts:
    """What httpx's clients ask for in the extension `timeout`, in seconds; None is the transport's own bound.

    Args:
        pool: Of the wait for a place.
        connect: Of the dial.
        read: Of one read.
        write: Of one write.
    """

    pool: float | None = None
    connect: float | None = None
    read: float | None = None
    write: float | None = None

    @classmethod
    def of(cls, request: httpx.Request) -> _Timeouts:
        """Return what `request` asks for."""
        asked: Mapping[str, float | None] = request.extensions.get("timeout") or {}
        return cls(asked.get("pool"), asked.get("connect"), asked.get("read"), asked.get("write"))


class HttpTransport(httpx.AsyncBaseTransport):
    """A transport for `httpx.AsyncClient`, and what `HttpClient` stands on; made by `open_transport`.

    No proxy, no HTTP/2: closing the connection is a cancellation that every server of HTTP/1.1 sees.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send `request` and return its response once the head of it is here; errors as `send`."""
        received = await self.send(request)
        head = received.head
        extensions = {"http_version": b"HTTP/" + head.http_version, "reason_phrase": bytes(head.reason)}
        headers = head.headers.raw_items()
        return httpx.Response(head.status_code, headers=headers, stream=received.body, extensions=extensions)

    async def send(self, request: httpx.Request) -> Received:
        """Send `request` and return its response's head and body. Cancelled, its connection is closed at once.

        A connection that was there before the request may have been closed by the server in the very moment of reuse.
        Where it ends before one byte of an answer, a new one is dialed and the request is sent once more: once, and
        never where more of a streamed body than its first piece has been taken. Whether the server had begun to work
        nobody can know; to ask a model twice does no harm.

        Raises:
            httpx.UnsupportedProtocol: The URL is no http or https URL.
            httpx.PoolTimeout: No connection became free in time.
            httpx.ConnectTimeout: The server did not accept one in time.
            httpx.ConnectError: It cannot be reached.
            httpx.LocalProtocolError: The request is not legal HTTP.
            httpx.RemoteProtocolError: The response is not, or the server broke off.
            httpx.NetworkError: The connection was lost.
        """
        origin = Origin.of(request.url)
        timeouts = _Timeouts.of(request)
        try:
            body = await open_body(request)
            try:
                return await self._send(request, origin, body, timeouts)
            finally:
                await body.aclose()
        except BaseException as error:
            if not isinstance(error, Exception):  # a cancellation, or a group of them
                self.dial_spare(origin)
            raise

    async def _send(self, request: httpx.Request, origin: Origin, body: RequestBody, timeouts: _Timeouts) -> Received:
        lease = await self._pool.lease(origin, wait_s=timeouts.pool, dial_s=timeouts.connect)
        try:
            while True:
                assert lease.link is not None
                lease.link.read_s, lease.link.write_s = timeouts.read, timeouts.write
                exchange = HttpExchange(lease.link, request)
                try:
                    await exchange.run(body)
                    return Received(exchange.response, Body(self, lease, exchange))
                except (httpx.NetworkError, httpx.RemoteProtocolError):
                    if exchange.heard or not lease.reused or not body.replayable:
                        raise
                body.rewind()
                await self._pool.redial(lease, timeouts.connect)
        except BaseException:  # cancellation above all; nothing is swallowed
            lease.close()
            raise

    def dial_spare(self, origin: Origin) -> None:
        """Dial a connection to `origin` in the background, unless enough of them are warm."""
        self._pool.dial_spare(origin)

    def statistics(self) -> PoolStatistics:
        """Return what the pool holds now."""
        return self._pool.statistics()

    async def aclose(self) -> None:
        """Close every connection; never waits. `open_transport` does so at the end of its block."""
        self._pool.close()


@asynccontextmanager
async def open_transport(
    *,
    max_connections: int = 1000,
    connect_timeout_s: float = 5.0,
    verify: ssl.SSLContext | None = None,
    dialer: Dialer | None = None,
) -> AsyncGenerator[HttpTransport, None]:
    """Open a transport; leaving the block closes every connection.

    ::

        async with open_transport() as transport, httpx.AsyncClient(transport=transport) as client:
            response = await client.get("https://example.org/")

    Args:
        max_connections: Connections at once; a request beyond them waits for `connect_timeout_s`.
        connect_timeout_s: Bounds the wait for a free connection, and then name lookup, connect and TLS together.
        verify: The TLS context; None makes the default one on the first https request.
        dialer: What opens connections, in place of one that uses `verify`.
    """
    require_trio("open_transport")
    async with open_background() as spares:
        pool = Pool(spares, dialer or Dialer(verify), max_connections, connect_timeout_s)
        try:
            yield HttpTransport(pool)
        finally:
            spares.cancel_scope.cancel(reason="the HTTP client closes")
            pool.close()
