"""The connection pool: httpcore's, made safe to cancel at any instant, and with spare connections.

httpcore 1.0 forgets a connection when a cancellation is pending at the very instant that its dial completes: it stays
in the pool, owned by no request and never closed, and takes a slot for ever. A cancelled TLS handshake leaves its
socket to the garbage collector. The rule that cures both: whoever dials closes what did not come to be used, and the
pool drops a busy connection that no request owns. Everything here that reaches into httpcore's private parts is why
pyproject.toml pins it.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable, Iterable

import h11
import httpcore
import httpx
import trio
from attrs import define, field, frozen
from httpcore._async.http11 import AsyncHTTP11Connection, HTTPConnectionState

__all__ = ["Body", "Pool", "PoolStatistics"]

KEEPALIVE_S = 60.0
"""How long a used connection stays: load balancers drop idle ones from 60 s on, some without saying so."""

SPARE_LIFE_S = 15.0
"""How long a spare stays: the length of a person's next utterance, and less than servers wait for a request head."""

SPARE_DELAY_S = 0.002
"""How long the dial of a spare stands back, unless it is wanted: the interrupt it follows has to be acknowledged first,
and the whole of that is 1 ms of work. Chosen by a trace: the dials used to take a third of it."""

SPARES_PER_ORIGIN = 4
"""Warm connections (spare or idle) to one origin beyond which no spare is dialed: interrupts rarely coincide more."""

SPARES_IN_ALL = 16
"""Spares of all origins; they come on top of `max_connections`."""

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


class Stream(httpcore.AsyncNetworkStream):
    """A TCP connection with TLS or without; cheap to read, closed at once and without ceremony.

    httpcore's timeouts are ignored: the pool bounds the dial, and the caller's cancel scope everything after it.
    """

    def __init__(self, tcp: trio.SocketStream) -> None:
        self._tcp = tcp
        self._stream: trio.SocketStream | trio.SSLStream[trio.SocketStream] = tcp

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Return what has come, at most `max_bytes`; empty at the end."""
        try:
            data = await self._stream.receive_some(max_bytes)
        except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
            raise httpcore.ReadError(_reason(error)) from error
        return data if isinstance(data, bytes) else bytes(data)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send all of `buffer`."""
        try:
            await self._stream.send_all(buffer)
        except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
            raise httpcore.WriteError(_reason(error)) from error

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> Stream:
        """Secure this stream, in place; a spare that already is stays as it is."""
        if self._stream is self._tcp:
            tls = trio.SSLStream(self._tcp, ssl_context, server_hostname=server_hostname, https_compatible=True)
            try:
                await tls.do_handshake()
            except trio.BrokenResourceError as error:
                raise httpcore.ConnectError(_reason(error)) from error
            self._stream = tls
        return self

    def close(self) -> None:
        """Close the socket now.

        No TLS farewell: it would be one more write that a peer which does not read can hold up, and HTTP marks the
        end of its messages itself.
        """
        self._tcp.socket.close()

    async def aclose(self) -> None:
        """Close the socket now; never waits, so no cancellation can cut it short."""
        self.close()

    def get_extra_info(self, info: str) -> object:
        """Answer the one question the pool asks: whether an idle connection `is_readable`, which means dead."""
        return self._tcp.socket.is_readable() if info == "is_readable" else None


async def open_stream(host: str, port: int) -> Stream:
    """Connect to the first address of `host` that answers; unbounded, the caller's scope is the bound."""
    try:
        return Stream(await trio.open_tcp_stream(host, port))
    except OSError as error:
        raise httpcore.ConnectError(_reason(error)) from error


def _reason(error: BaseException) -> str:
    """Return the system's or TLS's own short words, from the innermost cause."""
    while isinstance(error, BaseExceptionGroup) or error.__cause__ is not None:
        error = error.exceptions[0] if isinstance(error, BaseExceptionGroup) else error.__cause__ or error
    match error:
        case ssl.SSLCertVerificationError():
            return f"its certificate is not trusted ({error.verify_message})"
        case ssl.SSLError():
            return f"TLS failed ({(error.reason or 'unknown').replace('_', ' ').lower()})"
        case OSError(errno=int(code)) if code > 0:
            return os.strerror(code)
        case _:
            return str(error) or type(error).__name__


@define(eq=False)
class _Spare:
    """A connection dialed ahead of its request; its keeper task alone adds it to and takes it from the list."""

    origin: httpcore.Origin
    claimed: bool = False
    stream: Stream | None = None
    watch: trio.CancelScope = field(factory=trio.CancelScope)
    wanted: trio.Event = field(factory=trio.Event)
    dialed: trio.Event = field(factory=trio.Event)
    ended: trio.Event = field(factory=trio.Event)


class _Spares:
    """Dials connections in the background and hands each of them out at most once."""

    def __init__(self, nursery: trio.Nursery, tls: Callable[[], ssl.SSLContext], dial_timeout_s: float) -> None:
        self._nursery = nursery
        self._tls = tls
        self._dial_timeout_s = dial_timeout_s
        self._kept: list[_Spare] = []

    def count(self, origin: httpcore.Origin | None = None) -> int:
        """Return how many spares there are, to `origin` or in all."""
        return sum(1 for spare in self._kept if origin is None or spare.origin == origin)

    def ready(self) -> int:
        """Return how many spares are dialed and waiting."""
        return sum(1 for spare in self._kept if spare.dialed.is_set())

    def dial(self, origin: httpcore.Origin, idle: int = 0) -> None:
        """Begin to dial one more, unless with the `idle` connections of the pool enough are warm."""
        if idle + self.count(origin) < SPARES_PER_ORIGIN and self.count() < SPARES_IN_ALL:
            spare = _Spare(origin)
            self._kept.append(spare)
            self._nursery.start_soon(self._keep, spare)

    async def take(self, origin: httpcore.Origin) -> Stream | None:
        """Return a live spare to `origin`, waiting for one that is being dialed; None where there is none.

        Having to wait means that requests follow their cancellations at once; one more is dialed then, so that the
        next of them finds one ready.
        """
        while (spare := self._first(origin)) is not None:
            spare.claimed = True
            spare.wanted.set()
            if late := not spare.dialed.is_set():
                try:
                    await spare.dialed.wait()  # its keeper bounds the dial
                except trio.Cancelled:
                    spare.claimed = False
                    raise
            spare.watch.cancel()
            with trio.CancelScope(shield=True):  # one step of a keeper that waits for nothing any more
                await spare.ended.wait()
            if spare.stream is not None:
                if late:
                    self.dial(origin)
                return spare.stream
        return None

    def _first(self, origin: httpcore.Origin) -> _Spare | None:
        return next((spare for spare in self._kept if spare.origin == origin and not spare.claimed), None)

    async def _keep(self, spare: _Spare) -> None:
        """Dial a spare, then hold it until it is claimed, dies or has grown old."""
        stream = None
        host, port = spare.origin.host.decode("ascii"), spare.origin.port
        try:
            with trio.move_on_after(SPARE_DELAY_S):
                await spare.wanted.wait()
            with trio.fail_after(self._dial_timeout_s):
                stream = await open_stream(host, port)
                if spare.origin.scheme == b"https":
                    await stream.start_tls(self._tls(), host)
            spare.watch.deadline = trio.current_time() + SPARE_LIFE_S
            spare.dialed.set()
            with spare.watch:
                # Swallows the session tickets of TLS 1.3, which make a live socket look readable; it returns only
                # when the peer closes, or speaks unasked.
                await stream.read(1)
            if spare.claimed and spare.watch.cancelled_caught:
                spare.stream, stream = stream, None
        except (httpcore.ConnectError, httpcore.ReadError, trio.TooSlowError):
            pass  # nobody asked for this one; the next request dials for itself and reports what it meets
        finally:
            if stream is not None:
                stream.close()
            self._kept.remove(spare)
            spare.dialed.set()
            spare.ended.set()


class _Line(httpcore.AsyncNetworkBackend):
    """The network as one connection sees it: a spare if there is one, else a dial; remembers what it opened."""

    def __init__(self, origin: httpcore.Origin, spares: _Spares) -> None:
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
        self, origin: httpcore.Origin, spares: _Spares, tls: ssl.SSLContext | None, dial_timeout_s: float
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
        self._spares = _Spares(nursery, self._tls, dial_timeout_s)

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
        """Drop the connections nobody owns, then do as httpcore does, which calls this at every change."""
        owned = {id(request.connection) for request in self._requests}
        orphans = [
            connection
            for connection in self._connections
            if id(connection) not in owned and not connection.is_idle() and not connection.is_closed()
        ]
        for connection in orphans:
            self._connections.remove(connection)
        return orphans + super()._assign_requests_to_connections()


class Body:
    """The body of a response of this pool, as much at a time as one read of the socket brings.

    It does what httpcore's three nested async generators do in the end. Going straight there is cheaper, joins what is
    there at once, and leaves no generator behind when the reader stops half-way, of which trio would warn.
    """

    def __init__(self, response: httpcore.Response) -> None:
        self._response = response
        self._inner = response.stream._stream  # type: ignore[union-attr]  # private, hence the pin
        connection = self._inner._connection
        self._connection: AsyncHTTP11Connection = connection
        self._h11: h11.Connection = connection._h11_state
        self._stream: Stream = connection._network_stream
        self.complete = False

    async def read(self) -> bytes:
        """Return the next bytes; none at the end. `complete` tells the end as soon as it has come."""
        data = bytearray()
        try:
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
        except h11.RemoteProtocolError as error:
            raise httpcore.RemoteProtocolError(str(error)) from error
        return bytes(data)

    async def aclose(self) -> None:
        """Give a finished connection back to the pool, close any other; shielded, and waits for nothing.

        An unfinished one is closed here, in the very step in which the cancellation arrived; httpcore would take a
        lock first, which is a scheduler pass, and a pass is a millisecond on a busy server.
        """
        if not self.complete:
            self._stream.close()
            self._connection._state = HTTPConnectionState.CLOSED
            self._inner._closed = True
        await self._response.aclose()
