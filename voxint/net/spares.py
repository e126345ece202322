"""Connections that close at once, and spares of them: dialed ahead of the request that will need one."""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable
from ipaddress import ip_address

import httpcore
import trio
from attrs import define, field

from voxint.net.tcp import TcpStream

__all__ = ["Spares", "Stream", "open_stream"]

SPARE_LIFE_S = 15.0
"""How long a spare stays: the length of a person's next utterance, and less than servers wait for a request head."""

SPARE_DELAY_S = 0.002
"""How long the dial of a spare stands back, unless it is wanted: the interrupt it follows has to be acknowledged first,
and the whole of that is 1 ms of work. Chosen by a trace: the dials used to take a third of it."""

SPARES_PER_ORIGIN = 4
"""Warm connections (spare or idle) to one origin beyond which no spare is dialed: interrupts rarely coincide more."""

SPARES_IN_ALL = 16
"""Spares of all origins; they come on top of `max_connections`."""


class Stream(httpcore.AsyncNetworkStream):
    """A TCP connection with TLS or without; cheap to read, closed at once and without ceremony.

    httpcore's timeouts are ignored: the pool bounds the dial, and the caller's cancel scope everything after it.
    """

    def __init__(self, tcp: trio.SocketStream) -> None:
        self._tcp = TcpStream(tcp)
        self._stream: TcpStream | trio.SSLStream[trio.SocketStream] = self._tcp
        self._head = b""
        self._between_requests = True

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Return what has come, at most `max_bytes`; empty at the end."""
        if self._head:
            await self.write(b"")  # a request without a body
        self._between_requests = True
        try:
            data = await self._stream.receive_some(max_bytes)
        except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
            raise httpcore.ReadError(_reason(error)) from error
        return data if isinstance(data, bytes) else bytes(data)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send all of `buffer`; the head of a request waits for the body that follows it, and both are one segment."""
        if self._between_requests and buffer.endswith(b"\r\n\r\n"):
            self._head, self._between_requests = buffer, False
            return
        data, self._head = self._head + buffer, b""
        try:
            await self._stream.send_all(data)
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
            tls = trio.SSLStream(self._tcp.stream, ssl_context, server_hostname=server_hostname, https_compatible=True)
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
        self._tcp.close()

    async def aclose(self) -> None:
        """Close the socket now; never waits, so no cancellation can cut it short."""
        self.close()

    def get_extra_info(self, info: str) -> object:
        """Answer the one question the pool asks: whether an idle connection `is_readable`, which means dead."""
        return self._tcp.readable if info == "is_readable" else None


async def open_stream(host: str, port: int) -> Stream:
    """Connect to the first address of `host` that answers; unbounded, the caller's scope is the bound."""
    try:
        return Stream(await _dial(host, port))
    except OSError as error:
        raise httpcore.ConnectError(_reason(error)) from error
    except UnicodeError as error:
        raise httpcore.ConnectError("its name is not one a host can have") from error


async def _dial(host: str, port: int) -> trio.SocketStream:
    """Connect; an address is dialed right away, without the tasks by which trio races those of a name."""
    try:
        address = ip_address(host)
    except ValueError:
        return await trio.open_tcp_stream(host, port)
    family = trio.socket.AF_INET if address.version == 4 else trio.socket.AF_INET6
    sock = trio.socket.socket(family, trio.socket.SOCK_STREAM)
    try:
        await sock.connect((host, port))
    except BaseException:  # cancellation too: whoever dials closes what did not come to be used
        sock.close()
        raise
    return trio.SocketStream(sock)


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


class Spares:
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
        except Exception:  # noqa: BLE001 - nobody asked for this one, and raising here would end every request
            pass  # the next request dials for itself and reports what it meets
        finally:
            if stream is not None:
                stream.close()
            self._kept.remove(spare)
            spare.dialed.set()
            spare.ended.set()
