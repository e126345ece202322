"""What the handler of an HTTP server sees: the request, its body, and the two ways to answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import parse_qs

import h11
import trio
from attrs import define, field, frozen

if TYPE_CHECKING:
    from voxint.net.httpd import HttpConnection

__all__ = ["Headers", "HttpError", "HttpLimits", "HttpRequest", "RequestHead", "ResponseStream"]

Headers: TypeAlias = Sequence[tuple[str, str]]


@frozen
class HttpLimits:
    """What a client may take, chosen to be generous to a person and stingy to a crawler.

    Args:
        head_bytes: The largest request line and headers together, to the byte; more is answered 431.
        head_lines: The most lines of headers; more is answered 431. Browsers send some twenty.
        head_s: Seconds from the first byte (or the connection's begin) to the headers' end; later is answered 408.
        idle_s: Seconds a connection may stay open between two requests.
        body_bytes: The largest request body; more is answered 413.
        body_s: Seconds the client may pause within a body; longer is answered 408.
        send_s: Seconds a client may take to read a whole (not a streamed) response.
    """

    head_bytes: int = 32 * 1024
    head_lines: int = 100
    head_s: float = 10.0
    idle_s: float = 75.0
    body_bytes: int = 32 * 1024 * 1024
    body_s: float = 30.0
    send_s: float = 60.0


@frozen(str=False)
class HttpError(Exception):
    """A refusal: raised by a body read or by the handler, answered by the connection if nothing was answered yet."""

    status: int
    message: str
    headers: Headers = ()

    def __str__(self) -> str:
        return f"{self.status}: {self.message}"


@frozen
class RequestHead:
    """The request line and headers; header names are in lower case.

    Args:
        method: Such as GET.
        target: The path and the query, also where the client wrote a whole URL; it may hold a key.
        headers: All of them, in their order.
        version: Of HTTP, 1.0 or 1.1.
    """

    method: str
    target: str = field(repr=False)
    headers: tuple[tuple[bytes, bytes], ...] = field(repr=False)
    version: str = "1.1"

    @property
    def path(self) -> str:
        """The target without its query."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> dict[str, str]:
        """The query's fields; of a repeated one, the last."""
        return {name: values[-1] for name, values in parse_qs(self.target.partition("?")[2]).items()}

    def header(self, name: str, default: str = "") -> str:
        """Return the first header of this name (lower case), or `default`."""
        return next(iter(self.values(name)), default)

    def values(self, name: str) -> tuple[str, ...]:
        """Return every header of this name (lower case)."""
        wanted = name.encode("ascii")
        return tuple(value.decode("latin-1") for key, value in self.headers if key == wanted)

    def tokens(self, name: str) -> frozenset[str]:
        """Return the members of a header that is a list of words, in lower case.

        The list may be split over several lines, and have empty members (RFC 9110, 5.3 and 5.6.1).
        """
        members = ",".join(self.values(name)).lower().split(",")
        return frozenset(member.strip(" \t") for member in members) - {""}

    @property
    def is_websocket(self) -> bool:
        """Whether the client asks for the WebSocket protocol, as which no other method and no HTTP/1.0 can go on."""
        wants_upgrade = self.method == "GET" and self.version != "1.0" and "upgrade" in self.tokens("connection")
        return wants_upgrade and "websocket" in self.tokens("upgrade")


@define(eq=False)
class HttpRequest:
    """One request, while its handler runs.

    Args:
        head: The request line and headers.
        disconnected_at: When the client was seen to leave, by `time.monotonic()`, else None. That clock, and not
            trio's, because it is the one that two processes of a machine can compare.
        answered: Whether a response was begun.
    """

    head: RequestHead
    _connection: HttpConnection = field(repr=False)
    disconnected_at: float | None = None
    answered: bool = False

    async def receive(self) -> bytes:
        """Return the next piece of the body, b"" at its end.

        Raises:
            HttpError: The body is malformed (400), too large (413) or too slow (408).
        """
        return await self._connection.receive_body(self)

    async def read(self, limit: int | None = None) -> bytes:
        """Return the whole body, at most `limit` bytes (default: the connection's bound); errors as `receive`."""
        pieces: list[bytes] = []
        size = 0
        while piece := await self.receive():
            size += len(piece)
            if limit is not None and size > limit:
                raise HttpError(413, f"the body is larger than {limit} bytes")
            pieces.append(piece)
        return b"".join(pieces)

    async def respond(self, status: int, body: bytes = b"", *, headers: Headers = ()) -> None:
        """Send a whole response; a client that does not read it in time is dropped."""
        connection = self._connection
        self.answered = True
        with trio.move_on_after(connection.limits.send_s):
            await connection.send(self, connection.whole(status, headers, body))

    async def stream(self, status: int = 200, *, headers: Headers = ()) -> ResponseStream:
        """Send the head of a response and return its body to be written; chunked, or to the close on HTTP/1.0."""
        connection = self._connection
        self.answered = True
        await connection.send(self, connection.head_bytes(status, headers))
        chunked = connection.h11.their_http_version != b"1.0"
        return ResponseStream(self, connection, chunked=chunked, muted=connection.bodiless)

    def reset(self) -> None:
        """Let the connection end in a TCP reset, as if this process had died, once the handler returns."""
        self._connection.reset()


@define(eq=False)
class ResponseStream:
    """The body of a streamed response. Left without `end`, the connection is closed and the client sees a torn body."""

    _request: HttpRequest
    _connection: HttpConnection
    _chunked: bool
    _muted: bool

    async def send(self, data: bytes) -> None:
        """Write a piece; empty ones are skipped.

        Waits as long as the client reads slowly: that is the backpressure, and a client that leaves cancels the
        handler. A send that is cancelled half way ruins the stream: every later one raises `trio.BrokenResourceError`.
        """
        if framed := self._frame(data):
            await self._connection.send(self._request, framed)

    def send_nowait(self, data: bytes) -> bool:
        """Write a piece without a checkpoint, for half the cost; return whether the socket took all of it.

        If not, `flush` must be awaited next. Whoever sends only so, and never waits, stops every other task.
        """
        framed = self._frame(data)
        return not framed or self._connection.send_nowait(framed)

    async def flush(self) -> None:
        """Write what `send_nowait` could not; otherwise as `send`."""
        await self._connection.send(self._request, b"")

    async def end(self) -> None:
        """Write the end of the body; the connection can then serve the next request."""
        await self._connection.send(self._request, self._connection.wire(h11.EndOfMessage()))

    def _frame(self, data: bytes) -> bytes:
        """Return a piece as a chunk. Not by h11, whose events cost more than all else here: a chunk keeps no state."""
        if not data or self._muted:
            return b""
        return b"%x\r\n%b\r\n" % (len(data), data) if self._chunked else data
