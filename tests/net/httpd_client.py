"""A client that speaks bytes to `serve_connection`, in memory and on loopback."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial

import h11
import trio
import trio.testing
from attrs import define, field

from voxint.net.http_request import HttpLimits, HttpRequest
from voxint.net.httpd import ChooseUpgrade, Handler, serve_connection

__all__ = ["GET", "POST_CHUNKED", "Client", "echo", "in_memory", "on_loopback"]

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
POST_CHUNKED = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"


@define
class Client:
    """The other end: writes bytes, reads responses."""

    stream: trio.abc.Stream
    http: h11.Connection = field(factory=lambda: h11.Connection(h11.CLIENT))

    async def send(self, data: bytes) -> None:
        """Write bytes as they are."""
        await self.stream.send_all(data)

    async def event(self) -> h11.Event:
        """Return the next thing the server said."""
        while (event := self.http.next_event()) is h11.NEED_DATA:
            self.http.receive_data(bytes(await self.stream.receive_some()))
        assert not isinstance(event, type)
        return event

    async def answer(self, method: str = "GET") -> tuple[int, bytes]:
        """Return the status and body of the next response, to a request that was written with `send`."""
        if self.http.our_state is h11.DONE:
            self.http.start_next_cycle()
        self.http.send(h11.Request(method=method, target="/", headers=[("host", "x")]))
        self.http.send(h11.EndOfMessage())
        status, body = 0, b""
        while not isinstance(event := await self.event(), h11.EndOfMessage):
            if isinstance(event, h11.Response):
                status = event.status_code
            elif isinstance(event, h11.Data):
                body += event.data
        return status, body

    async def closed(self) -> bool:
        """Wait for the server's close; return whether it came without another byte."""
        return await self.stream.receive_some() == b""


@asynccontextmanager
async def in_memory(handler: Handler, limits: HttpLimits | None = None) -> AsyncIterator[Client]:
    """Serve one connection without a socket, so that its waits can be timed on the virtual clock."""
    ours, theirs = trio.testing.memory_stream_pair()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(partial(serve_connection, theirs, handler, limits=limits))
        yield Client(ours)
        nursery.cancel_scope.cancel()


@asynccontextmanager
async def on_loopback(
    handler: Handler, limits: HttpLimits | None = None, upgrade: ChooseUpgrade = lambda head: None
) -> AsyncIterator[Callable[[], Awaitable[trio.SocketStream]]]:
    """Serve connections on loopback; yield what dials one."""
    serve = partial(serve_connection, handler=handler, limits=limits, upgrade=upgrade)
    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            listeners = await nursery.start(partial(trio.serve_tcp, serve, 0, host="127.0.0.1"))
            port = listeners[0].socket.getsockname()[1]
            dialled: list[trio.SocketStream] = []

            async def dial() -> trio.SocketStream:
                dialled.append(await trio.open_tcp_stream("127.0.0.1", port))
                return dialled[-1]

            try:
                yield dial
            finally:
                nursery.cancel_scope.cancel()
                for stream in dialled:
                    stream.socket.close()


async def echo(request: HttpRequest) -> None:
    """Answer with the request's own body."""
    await request.respond(200, await request.read())
