"""A server on loopback that plays one connection's script, and a look at this process's sockets towards it."""

from __future__ import annotations

import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

import h11
import psutil
import trio
import trustme
from attrs import define, field

__all__ = ["AUTHORITY", "Conversation", "Loopback", "Script", "client_tls", "saying", "serve", "server_tls", "until"]


@define
class Conversation:
    """One connection as the server's script sees it."""

    stream: trio.abc.Stream
    http: h11.Connection = field(factory=lambda: h11.Connection(h11.SERVER))

    async def request(self) -> tuple[h11.Request, bytes] | None:
        """Return the next request and its body; None when the client has closed."""
        head, body = None, b""
        if self.http.our_state is h11.DONE:
            self.http.start_next_cycle()
        while True:
            event = self.http.next_event()
            if event is h11.NEED_DATA:
                self.http.receive_data(bytes(await self.stream.receive_some()))
            elif isinstance(event, h11.Request):
                head = event
            elif isinstance(event, h11.Data):
                body += event.data
            elif isinstance(event, h11.EndOfMessage):
                assert head is not None
                return head, body
            else:
                return None

    async def head(self, status: int = 200, kind: str = "text/event-stream") -> None:
        """Begin a response whose body comes in chunks."""
        headers = [("content-type", kind), ("transfer-encoding", "chunked")]
        await self._send(h11.Response(status_code=status, headers=headers))

    async def chunk(self, data: bytes) -> None:
        """Send one chunk of the body."""
        await self._send(h11.Data(data=data))

    async def end(self) -> None:
        """End the body."""
        await self._send(h11.EndOfMessage())

    async def answer(self, body: bytes, status: int = 200, kind: str = "text/event-stream") -> None:
        """Send a whole response."""
        await self.head(status, kind)
        await self.chunk(body)
        await self.end()

    async def closed(self) -> None:
        """Wait until the client has closed."""
        while await self.stream.receive_some():
            pass

    async def _send(self, event: h11.Event) -> None:
        data = self.http.send(event)
        assert data is not None
        await self.stream.send_all(data)


Script = Callable[[Conversation], Awaitable[None]]


def saying(answer: bytes, *, closing: bool = False) -> Script:
    """Return the script of a server that says the same to every request, byte for byte.

    Args:
        answer: What it says.
        closing: Whether it closes behind it.
    """

    async def script(conversation: Conversation) -> None:
        while await conversation.stream.receive_some():
            await conversation.stream.send_all(answer)
            if closing:
                break

    return script


@define
class Loopback:
    """The running server.

    Args:
        url: Its address.
        port: Its port.
        accepted: Connections accepted so far.
    """

    url: str
    port: int
    accepted: int = 0

    def sockets(self) -> int:
        """Return how many sockets towards the server this process has open."""
        connections = psutil.Process().net_connections(kind="tcp")
        return sum(1 for each in connections if each.raddr and each.raddr.port == self.port)


@asynccontextmanager
async def serve(script: Script, tls: ssl.SSLContext | None = None) -> AsyncGenerator[Loopback, None]:
    """Serve `script` to every connection, until the block is left."""

    async def handle(tcp: trio.SocketStream) -> None:
        server.accepted += 1
        stream = tcp if tls is None else trio.SSLStream(tcp, tls, server_side=True, https_compatible=True)
        try:
            await script(Conversation(stream))
        except (trio.BrokenResourceError, h11.RemoteProtocolError):
            pass  # the client left, which is what these tests are about
        finally:
            await trio.aclose_forcefully(tcp)

    async with trio.open_nursery() as nursery:
        [listener] = await trio.open_tcp_listeners(0, host="127.0.0.1")
        port = listener.socket.getsockname()[1]
        server = Loopback(f"{'http' if tls is None else 'https'}://127.0.0.1:{port}", port)
        nursery.start_soon(trio.serve_listeners, handle, [listener])
        yield server
        nursery.cancel_scope.cancel()


AUTHORITY = trustme.CA()


def server_tls() -> ssl.SSLContext:
    """Return a server's context for 127.0.0.1."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    AUTHORITY.issue_cert("127.0.0.1").configure_cert(context)
    return context


def client_tls() -> ssl.SSLContext:
    """Return a client's context that trusts `server_tls`."""
    context = ssl.create_default_context()
    AUTHORITY.configure_trust(context)
    return context


async def until(condition: Callable[[], bool], within_s: float = 5.0) -> None:
    """Wait for what has no event: poll it, and fail at the deadline."""
    with trio.fail_after(within_s):
        while not condition():  # noqa: ASYNC110 - there is no event to wait for
            await trio.sleep(0.001)
