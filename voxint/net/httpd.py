"""A small HTTP/1.1 server on trio and h11: one function serves one connection.

The handler gets a `HttpRequest`, reads its body as far as it likes, and answers whole or as a stream. When the client
goes away, the handler is cancelled within a scheduler step of the FIN's arrival, also while it sleeps: nobody may go on
working for a caller who has left. A WebSocket upgrade leaves HTTP altogether: its callback gets the raw stream, and
nothing of this module stays in memory behind it.
"""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from email.utils import formatdate
from http.client import responses
from typing import TypeAlias

import h11
import trio
from attrs import define, field
from h11 import Connection as H11Connection
from h11 import Event as H11Event

from voxint.logs import get_logger, leaves, places
from voxint.net.http_head import find_head, head_of
from voxint.net.http_request import Headers, HttpError, HttpLimits, HttpRequest, RequestHead, ResponseStream
from voxint.net.places import Place
from voxint.net.tcp import TcpStream
from voxint.net.upgrade import check_upgrade

__all__ = [
    "ChooseUpgrade",
    "Handler",
    "HttpError",
    "HttpLimits",
    "HttpRequest",
    "RequestHead",
    "ResponseStream",
    "Upgrade",
    "serve_connection",
]

_Event: TypeAlias = H11Event | type[h11.NEED_DATA] | type[h11.PAUSED]

RECEIVE_BYTES = 65_536  # one read; loopback and LAN peers fill it, and it is what trio itself asks for
LINGER_S = 1.0  # how long an early refusal waits for the client to stop sending, so that it can read the refusal
NOT_MODIFIED = 304
RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER on with no time: close() sends RST and drops what is unsent

log = get_logger()

Handler: TypeAlias = Callable[[HttpRequest], Awaitable[None]]
Upgrade: TypeAlias = Callable[[RequestHead, trio.abc.Stream, bytes], Awaitable[None]]
ChooseUpgrade: TypeAlias = Callable[[RequestHead], Upgrade | None]


async def serve_connection(
    stream: trio.abc.Stream,
    handler: Handler,
    *,
    upgrade: ChooseUpgrade = lambda head: None,
    limits: HttpLimits | None = None,
    place: Place | None = None,
    headers: Headers = (),
) -> None:
    """Serve the requests of one client until either side is done; the stream is closed at the end.

    `trio.serve_tcp` makes streams with TCP_NODELAY set, which a token stream needs.

    Args:
        stream: The client's connection.
        handler: Answers one request. It is cancelled when the client leaves: a half-closed connection counts as left.
            While the body has unread parts only its own reading notices that. What it raises is logged by type and
            place and answered 500, since one request's fault must not end the server.
        upgrade: Chooses by the head that asks for a WebSocket what serves it; None: the handler answers, as it does
            any request. The `HttpError` it raises is the answer. What serves it gets the head, which `check_upgrade`
            has found right, the stream, and what was read of it behind the head.
        limits: Bounds on what the client may take; default `HttpLimits()`.
        place: What the connection takes up of a server, which it loses when it waits for a request and others need it.
        headers: Of every refusal that is this module's own.

    Cancelled, it closes the stream at once and leaves the client with a torn response.
    """
    if isinstance(stream, trio.SocketStream):
        stream = TcpStream(stream)
    try:
        connection = HttpConnection(stream, limits or HttpLimits(), place, headers)
        upgraded = await _serve_http(connection, handler, upgrade)
        if upgraded is not None:
            serve, head, ahead = upgraded
            del connection
            await serve(head, stream, ahead)
    finally:
        await trio.aclose_forcefully(stream)


async def _serve_http(
    connection: HttpConnection, handler: Handler, upgrade: ChooseUpgrade
) -> tuple[Upgrade, RequestHead, bytes] | None:
    """Serve requests until the connection ends (None) or a WebSocket takes it over."""
    try:
        while (head := await connection.receive_head()) is not None:
            if head.is_websocket and (serve := upgrade(head)) is not None:
                check_upgrade(head)
                return serve, head, connection.behind_head
            await connection.serve(handler, HttpRequest(head, connection))
            if not connection.next_cycle():
                break
    except HttpError as refusal:
        await connection.refuse(refusal)
    if connection.lingers:
        await connection.linger()
    return None


@define(eq=False)
class HttpConnection:
    """The h11 state of one connection, and the only code that touches its stream.

    Args:
        behind_head: What came with the head last received.
        broken: Whether a write failed, was cancelled half way, or is under way: nothing more can be written.
        bodiless: Whether the answer is to have no body, the request being HEAD.
        lingers: Whether the client may still be sending when the connection ends.
    """

    stream: trio.abc.Stream
    limits: HttpLimits
    place: Place | None = None
    headers: Headers = ()
    h11: H11Connection = field(init=False)
    behind_head: bytes = b""
    broken: bool = False
    lingers: bool = False
    bodiless: bool = False
    _served: bool = False
    _unsent: bytes = b""
    _ahead: _Event | None = None
    _body_left: int = 0
    _nursery: trio.Nursery | None = None

    def __attrs_post_init__(self) -> None:
        self.h11 = h11.Connection(h11.SERVER, max_incomplete_event_size=self.limits.head_bytes)

    async def receive_head(self) -> RequestHead | None:
        """Return the next request's head, or None when the client is done or does not begin one in time."""
        raw, self.bodiless = self.h11.trailing_data[0], False
        idle = self._served and not raw
        with self._waiting(), trio.move_on_after(self.limits.idle_s if idle else self.limits.head_s) as scope:
            while (end := find_head(raw, self.limits)) is None:
                self._next_event()  # what is no HTTP at all is refused before its end, which might never come
                data = await self._receive()
                if not data:
                    return None
                if not raw:
                    scope.deadline = trio.current_time() + self.limits.head_s
                raw += data
                self.h11.receive_data(data)
            event = self._next_event()
            if not isinstance(event, h11.Request):
                return None
            self.behind_head = raw[end:]
            self._served = True
            self.bodiless = event.method == b"HEAD"
            return head_of(event)
        if raw and scope.cancelled_caught:
            raise HttpError(408, f"the headers took longer than {self.limits.head_s:g} s")
        return None

    def _waiting(self, *, anew: bool = False) -> AbstractContextManager[object]:
        return nullcontext() if self.place is None else self.place.waiting(anew=anew)

    async def serve(self, handler: Handler, request: HttpRequest) -> None:
        """Run the handler, cancelled when the client leaves; answer for it where it fails."""
        self._body_left = self.limits.body_bytes
        if int(request.head.header("content-length", "0")) > self._body_left:
            raise HttpError(413, f"the body is larger than {self._body_left} bytes")
        self._ahead = self._next_event()
        failure: HttpError | None = None
        try:
            async with trio.open_nursery() as nursery:
                self._nursery = nursery
                if isinstance(self._ahead, h11.EndOfMessage):  # no body: watched from the begin
                    self._watch_from_now(request)
                await handler(request)
                nursery.cancel_scope.cancel(reason="the handler has returned")
        except* HttpError as refusals:
            failure = next(error for error in leaves(refusals) if isinstance(error, HttpError))
        except* Exception as errors:  # noqa: BLE001 - the boundary: one request's bug must not end the whole server
            if request.disconnected_at is None:
                failure = _report(request.head.path, places(errors))
        if not request.answered and not self.broken:
            await self.refuse(failure or _report(request.head.path, ["no answer was given"]))

    def next_cycle(self) -> bool:
        """Make ready for the next request; return whether there can be one."""
        if self.h11.our_state is h11.DONE and self.h11.their_state is h11.DONE and not self.broken:
            self.h11.start_next_cycle()
            return True
        self.lingers = self.h11.their_state is h11.SEND_BODY and not self.broken
        return False

    async def receive_body(self, request: HttpRequest) -> bytes:
        """Return the next piece of the request's body, b"" at its end."""
        while True:
            if self._ahead is None and self.h11.their_state is not h11.SEND_BODY:
                return b""
            event, self._ahead = self._ahead or self._next_event(), None
            if isinstance(event, h11.Data):
                self._body_left -= len(event.data)
                if self._body_left < 0:
                    raise HttpError(413, f"the body is larger than {self.limits.body_bytes} bytes")
                return bytes(event.data)
            if isinstance(event, h11.EndOfMessage):
                self._watch_from_now(request)
                return b""
            if self.h11.they_are_waiting_for_100_continue:
                await self.send(request, self.wire(h11.InformationalResponse(status_code=100, headers=[])))
            with trio.move_on_after(self.limits.body_s) as scope:
                data = await self._receive()
            if scope.cancelled_caught:
                raise HttpError(408, f"the body paused for longer than {self.limits.body_s:g} s")
            if not data:
                await self._gone(request)
            self.h11.receive_data(data)

    async def send(self, request: HttpRequest, data: bytes) -> None:
        """Write bytes, or end the handler by its cancellation where the client has left."""
        if self.broken:
            raise trio.BrokenResourceError("this connection failed, or an earlier write on it was cancelled half way")
        self.broken = True
        try:
            with self._waiting(anew=True):  # who does not read gives way to others too
                await self.stream.send_all(self._unsent + data)
                self._unsent = b""
                self.broken = False
        except trio.BrokenResourceError:
            await self._gone(request)
            raise
        if self.broken:
            await self._gone(request)
            raise trio.BrokenResourceError("another connection needs the place of this one")

    def send_nowait(self, data: bytes) -> bool:
        """Write without a checkpoint; return whether all of it went, else the next `send` begins with the rest."""
        if self.broken or self._unsent or not isinstance(self.stream, TcpStream):
            self._unsent += data
            return False
        self._unsent = data[self.stream.send_now(data) :]
        return not self._unsent

    def head_bytes(self, status: int, headers: Headers) -> bytes:
        """Return a response's head.

        It says `Connection: close` where the request's body has not been read to its end, or others need the place.
        """
        last = self.h11.their_state is h11.SEND_BODY or (self.place is not None and self.place.needed)
        every = [("date", formatdate(usegmt=True)), *headers, *((("connection", "close"),) if last else ())]
        return self.wire(h11.Response(status_code=status, headers=every, reason=responses.get(status, "").encode()))

    def whole(self, status: int, headers: Headers, body: bytes) -> bytes:
        """Return a whole response; without its body where the request was HEAD.

        A 304 tells no length: it would be that of the body which it spares (RFC 9110, 8.6).
        """
        length = () if status == NOT_MODIFIED else (("content-length", str(len(body))),)
        head = self.head_bytes(status, (*headers, *length))
        return head + (b"" if self.bodiless else self.wire(h11.Data(data=body))) + self.wire(h11.EndOfMessage())

    def wire(self, event: H11Event) -> bytes:
        """Return the bytes of an event of ours."""
        return self.h11.send(event) or b""

    async def refuse(self, refusal: HttpError) -> None:
        """Answer with an error and no request to go on with; the connection ends after it."""
        if self.h11.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            return
        plain = ("content-type", "text/plain; charset=utf-8")
        headers = (*refusal.headers, plain, *self.headers, ("connection", "close"))
        out = self.whole(refusal.status, headers, f"{refusal.message}\n".encode())
        self.lingers = True
        with suppress(trio.BrokenResourceError), self._waiting(anew=True), trio.move_on_after(self.limits.send_s):
            await self.stream.send_all(out)

    async def linger(self) -> None:
        """Read for a moment what the client still sends: closing at once would send RST and destroy the answer."""
        with suppress(trio.BrokenResourceError), self._waiting(anew=True), trio.move_on_after(LINGER_S):
            if isinstance(self.stream, trio.abc.HalfCloseableStream):
                await self.stream.send_eof()
            while await self._receive():
                pass

    def reset(self) -> None:
        """Make the close of this connection a TCP reset."""
        self.broken = True
        if isinstance(self.stream, TcpStream):
            self.stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)

    def _next_event(self) -> _Event:
        try:
            return self.h11.next_event()
        except h11.RemoteProtocolError as error:
            reason = (
                "the headers are too large"
                if error.error_status_hint == 431
                else "this is no valid HTTP/1.1: is the client one of HTTP?"
            )
            raise HttpError(error.error_status_hint, reason) from error

    async def _receive(self) -> bytes:
        """Return what the client sent, b"" when it has left in whatever way."""
        try:
            data = bytes(await self.stream.receive_some(RECEIVE_BYTES))
        except trio.BrokenResourceError:
            return b""
        if data and self.place is not None:
            await self.place.turn()
        return data

    def _watch_from_now(self, request: HttpRequest) -> None:
        self._ahead = None
        assert self._nursery is not None
        self._nursery.start_soon(self._watch, request)

    async def _watch(self, request: HttpRequest) -> None:
        """Wait for the client to leave. Pipelined requests are kept for their turn; past a head's size, unread."""
        room = self.limits.head_bytes
        while room > 0:
            data = await self._receive()
            if not data:
                await self._gone(request)
            room -= len(data)
            self.h11.receive_data(data)

    async def _gone(self, request: HttpRequest) -> None:
        """Note that the client has left, and cancel the handler: this raises `trio.Cancelled` outside a shield."""
        if request.disconnected_at is None:
            request.disconnected_at = time.monotonic()
        self.broken = True
        assert self._nursery is not None
        self._nursery.cancel_scope.cancel(reason="the client has left")
        await trio.lowlevel.checkpoint_if_cancelled()


def _report(path: str, trace: list[str]) -> HttpError:
    """Log a handler's failure."""
    log.error("http handler failed", path=path, trace=trace)
    return HttpError(500, "the server failed to answer, and its log says where: try again")
