"""The connection pool: httpcore's, made safe to cancel at any instant, and with spare connections.

httpcore 1.0 forgets a connection when a cancellation is pending at the very instant that its dial completes: it stays
in the pool, owned by no request and never closed, and takes a slot for ever. A cancelled TLS handshake leaves its
socket to the garbage collector. The rule that cures both: whoever dials closes what did not come to be used, and the
pool drops a busy connection that no request owns. Everything here that reaches into httpcore's private parts is why
pyproject.toml pins it.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from typing import Any

import h11
import httpcore
import httpx
import trio
from attrs import frozen
from httpcore._async.http11 import HTTPConnectionState

from voxint.net.chunked import ChunkDecoder, ChunkError
from voxint.net.spares import Spares, Stream, open_stream

__all__ = ["Body", "Pool", "PoolStatistics"]

KEEPALIVE_S = 60.0
"""How long a used connection stays: load balancers drop idle ones from 60 s on, some without saying so."""

SWEEP_S = 5.0
"""Between two looks at all idle connections: a dead one costs a file descriptor until then, and nothing else."""

READ_BYTES = 65_536  # as httpcore does


@frozen
class PoolStatistics:
    """What the pool holds now.

    Args:
        in_use: Connections a request owns, those being dialed included.
        idle: Used connections that wait for the next request.
        spares: Connections never used yet, ready for the next request.
        dialing: Spares that are being dialed.
        waiting: Requests that wait for a connection to become free.
    """

    in_use: int
    idle: int
    spares: int
    dialing: int
    waiting: int


class _Line(httpcore.AsyncNetworkBackend):
    """The network as one connection sees it: a spare if there is one, else a dial; remembers what it opened."""

    def __init__(self, origin: httpcore.Origin, spares: Spares) -> None:
        self._origin = origin
        self._spares = spares
        self.stream: Stream | None = None

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> Stream:
        """Return a spare or a new connection; trio turns Nagle's algorithm off."""
        self.stream = await self._spares.take(self._origin) or await open_stream(host, port)
        return self.stream


class _Connection(httpcore.AsyncHTTPConnection):
    """A pool connection whose dial is bounded as a whole, and closes what it opened unless it ends well."""

    def __init__(
        self, origin: httpcore.Origin, spares: Spares, tls: ssl.SSLContext | None, dial_timeout_s: float
    ) -> None:
        self._line = _Line(origin, spares)
        self._dial_timeout_s = dial_timeout_s
        super().__init__(origin, ssl_context=tls, keepalive_expiry=KEEPALIVE_S, network_backend=self._line)

    async def _connect(self, request: httpcore.Request) -> httpcore.AsyncNetworkStream:
        try:
            with trio.fail_after(self._dial_timeout_s):
                return await super()._connect(request)
        except BaseException as error:  # cancellation above all; nothing is swallowed
            if self._line.stream is not None:
                self._line.stream.close()
            if isinstance(error, trio.TooSlowError):
                raise httpcore.ConnectTimeout from error
            raise


class Pool(httpcore.AsyncConnectionPool):
    """httpcore's pool without its leaks, with spares; HTTP/1.1 only, no proxy.

    HTTP/1.1 because cancelling a stream of HTTP/2 does not reach the server through httpcore: the model would go on.

    Args:
        nursery: Where spares are dialed and kept; cancel it, then `aclose()` the pool.
        max_connections: Connections at once, spares not counted.
        dial_timeout_s: Bounds name lookup, connect and TLS handshake together, in seconds.
        verify: The TLS context; None makes httpx's default one when first needed (it takes 30 ms).
    """

    def __init__(
        self, nursery: trio.Nursery, max_connections: int, dial_timeout_s: float, verify: ssl.SSLContext | None
    ) -> None:
        super().__init__(max_connections=max_connections, keepalive_expiry=KEEPALIVE_S)
        self._verify = verify
        self._dial_timeout_s = dial_timeout_s
        self._spares = Spares(nursery, self._tls, dial_timeout_s)
        self._sweep_at = 0.0

    def statistics(self) -> PoolStatistics:
        """Return what the pool holds now."""
        idle = sum(1 for connection in self._connections if connection.is_idle())
        return PoolStatistics(
            in_use=len(self._connections) - idle,
            idle=idle,
            spares=self._spares.ready(),
            dialing=self._spares.count() - self._spares.ready(),
            waiting=sum(1 for request in self._requests if request.is_queued()),
        )

    def dial_spare(self, origin: httpcore.Origin) -> None:
        """Dial a connection to `origin` in the background, unless enough of them are warm."""
        idle = sum(1 for known in self._connections if known.can_handle_request(origin) and known.is_idle())
        self._spares.dial(origin, idle)

    def create_connection(self, origin: httpcore.Origin) -> _Connection:
        """Return a connection to be, which takes a spare when it dials."""
        tls = self._tls() if origin.scheme == b"https" else None
        return _Connection(origin, self._spares, tls, self._dial_timeout_s)

    def _tls(self) -> ssl.SSLContext:
        if self._verify is None:
            self._verify = httpx.create_ssl_context()
            self._verify.set_alpn_protocols(["http/1.1"])
        return self._verify

    def _assign_requests_to_connections(self) -> list[httpcore.AsyncConnectionInterface]:
        """Drop the connections nobody owns, and give each request that waits a connection; return what to close.

        In place of httpcore's own, which asks the kernel at every change whether each idle connection has died and
        counts them all for each: a quadratic cost that hundreds of sessions would feel at every request. Here only
        the connection about to be used again is asked, and the idle ones all together once in a while.
        """
        closing: list[httpcore.AsyncConnectionInterface] = []
        owned = {id(request.connection) for request in self._requests}
        sweep = trio.current_time() >= self._sweep_at
        if sweep:
            self._sweep_at = trio.current_time() + SWEEP_S
        kept = []
        for connection in self._connections:
            if id(connection) in owned:
                kept.append(connection)
            elif not connection.is_closed():
                gone = not connection.is_idle() or (sweep and connection.has_expired())
                (closing if gone else kept).append(connection)
        self._connections = kept
        for request in self._requests:
            if request.is_queued():
                found = self._find(request.request.url.origin, owned, closing)
                if found is not None:
                    owned.add(id(found))
                    request.assign_to_connection(found)
        return closing

    def _find(
        self, origin: httpcore.Origin, owned: set[int], closing: list[httpcore.AsyncConnectionInterface]
    ) -> httpcore.AsyncConnectionInterface | None:
        """Return an idle connection to `origin`, else a new one where there is room or an idle one can make it."""
        free = [connection for connection in self._connections if id(connection) not in owned]
        for connection in reversed(free):  # the one used last is the likeliest to live
            if connection.can_handle_request(origin):
                if not connection.has_expired():
                    return connection
                self._drop(connection, closing)
        if len(self._connections) >= self._max_connections:
            others = [connection for connection in free if connection not in closing]
            if not others:
                return None
            self._drop(others[0], closing)
        created = self.create_connection(origin)
        self._connections.append(created)
        return created

    def _drop(
        self, connection: httpcore.AsyncConnectionInterface, closing: list[httpcore.AsyncConnectionInterface]
    ) -> None:
        self._connections.remove(connection)
        closing.append(connection)


class Body:
    """The body of a response of this pool, as much at a time as one read of the socket brings.

    It does what httpcore's three nested async generators do in the end. Going straight there is cheaper, joins what is
    there at once, and leaves no generator behind when the reader stops half-way, of which trio would warn. A chunked
    body, which every model's stream is, goes past h11 too; h11 hears of its end, and so knows when the connection is
    free again.
    """

    def __init__(self, response: httpcore.Response) -> None:
        self._response = response
        self._inner = response.stream._stream  # type: ignore[union-attr]  # private, hence the pin
        connection: Any = self._inner._connection
        self._connection = connection
        self._h11: h11.Connection = connection._h11_state
        self._stream: Stream = connection._network_stream
        self._decoder: ChunkDecoder | None = None
        self._ahead = b""
        self.complete = False
        coding = next((value for name, value in response.headers if name.lower() == b"transfer-encoding"), b"")
        if coding.lower() == b"chunked" and self._h11.their_state is h11.SEND_BODY:
            self._decoder = ChunkDecoder()
            # What came with the head; taken out, since h11 will not see the rest.
            self._ahead = bytes(self._h11._receive_buffer.maybe_extract_at_most(READ_BYTES) or b"")

    async def read(self) -> bytes:
        """Return the next bytes; none at the end. `complete` tells the end as soon as it has come."""
        try:
            if self._decoder is not None:
                return await self._read_chunks(self._decoder)
            return await self._read_events()
        except (ChunkError, h11.RemoteProtocolError) as error:
            raise httpcore.RemoteProtocolError(str(error)) from error

    async def _read_chunks(self, decoder: ChunkDecoder) -> bytes:
        while not self.complete:
            data, self._ahead = self._ahead or await self._stream.read(READ_BYTES), b""
            if not data:
                raise ChunkError("the server closed the connection in the middle of its answer")
            content = decoder.feed(data)
            if decoder.complete:
                self.complete = True
                self._h11.receive_data(b"0\r\n\r\n" + decoder.rest)
                self._h11.next_event()
            if content:
                return content
        return b""

    async def _read_events(self) -> bytes:
        data = bytearray()
        while not self.complete:
            event = self._h11.next_event()
            if type(event) is h11.Data:
                data += event.data
            elif event is not h11.NEED_DATA:
                self.complete = True
            elif data:
                break
            else:
                self._h11.receive_data(await self._stream.read(READ_BYTES))
        return bytes(data)

    async def aclose(self) -> None:
        """Give a finished connection back to the pool, close any other; shielded, and waits for nothing.

        An unfinished one is closed here, in the very step in which the cancellation arrived; httpcore would take a
        lock first, which is a scheduler pass, and a pass is a millisecond on a busy server.
        """
        if self.complete:
            await self._response.aclose()
            return
        self._stream.close()
        self._connection._state = HTTPConnectionState.CLOSED
        held: Any = self._response.stream
        if not held._closed:
            held._closed = self._inner._closed = True
            held._pool._requests.remove(held._pool_request)
            if closing := held._pool._assign_requests_to_connections():
                await held._pool._close_connections(closing)
