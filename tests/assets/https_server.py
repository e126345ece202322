"""An https server on loopback that does to a download whatever a test's script says, and an entry that it serves."""

from __future__ import annotations

import hashlib
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial

import trio
from attrs import define, field

from tests.net.loopback import client_tls, server_tls
from voxint.assets.table import AssetEntry

__all__ = ["CONTENT", "HttpsServer", "Script", "Visit", "client_tls", "entry_at", "open_server", "whole"]

LIMIT_S = 20.0
"""Of a test with a server; a transfer takes some milliseconds."""

CONTENT = bytes(range(256)) * 4000
"""A file of a megabyte, which takes several blocks."""


@define
class Visit:
    """One request: its head, and the connection to answer on, which is closed after it."""

    target: str
    headers: dict[str, str]
    stream: trio.SSLStream[trio.SocketStream]

    @property
    def start(self) -> int:
        """Where the range begins that was asked for; 0 without one."""
        return int(self.headers.get("range", "bytes=0-").removeprefix("bytes=").removesuffix("-"))

    async def answer(self, status: str, body: bytes = b"", **headers: str | None) -> None:
        """Answer; `content_length` is that of the body, another that is given, or none for None."""
        fields = {"connection": "close", "content_length": str(len(body)), **headers}
        lines = [f"{name.replace('_', '-')}: {value}" for name, value in fields.items() if value is not None]
        head = "\r\n".join([f"HTTP/1.1 {status}", *lines, "", ""])
        await self.stream.send_all(head.encode() + body)


Script = Callable[[Visit], Awaitable[None]]


async def whole(visit: Visit, content: bytes = CONTENT) -> None:
    """Answer as an honest server does, with the part of the file that is asked for."""
    if visit.start:
        sizes = f"bytes {visit.start}-{len(content) - 1}/{len(content)}"
        await visit.answer("206 Partial Content", content[visit.start :], content_range=sizes)
    else:
        await visit.answer("200 OK", content)


@define
class HttpsServer:
    """A server that runs, and who was there."""

    port: int
    script: Script
    visits: list[Visit] = field(factory=list)

    def url(self, path: str = "/file") -> str:
        """Return an address of it."""
        return f"https://127.0.0.1:{self.port}{path}"

    def entry(self, content: bytes = CONTENT) -> AssetEntry:
        """Return an entry whose one source is this server."""
        return entry_at(self.url(), content=content)

    @property
    def starts(self) -> list[int]:
        """Where each request's range began."""
        return [visit.start for visit in self.visits]


def entry_at(*urls: str, name: str = "test-file", content: bytes = CONTENT) -> AssetEntry:
    """Return an entry of a file that is `content`."""
    return AssetEntry(
        name=name,
        group="kokoro",
        about="a test",
        file=f"{name}.bin",
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        licence="MIT",
        urls=urls,
    )


@asynccontextmanager
async def open_server(script: Script) -> AsyncGenerator[HttpsServer, None]:
    """Serve on a free port: each connection is one run of the script, then it is closed. It fails a test that hangs."""
    server = HttpsServer(0, script)
    with trio.fail_after(LIMIT_S):
        async with trio.open_nursery() as nursery:
            serve = partial(trio.serve_ssl_over_tcp, _visited(server), 0, server_tls(), host="127.0.0.1")
            [listener] = await nursery.start(serve)
            server.port = listener.transport_listener.socket.getsockname()[1]
            yield server
            nursery.cancel_scope.cancel(reason="the test is over")


def _visited(server: HttpsServer) -> Callable[[trio.SSLStream[trio.SocketStream]], Awaitable[None]]:
    async def handle(stream: trio.SSLStream[trio.SocketStream]) -> None:
        try:
            head = b""
            while b"\r\n\r\n" not in head:
                data = await stream.receive_some()
                if not data:
                    return
                head += data
            first, *lines = head.partition(b"\r\n\r\n")[0].decode().split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
            visit = Visit(first.split()[1], headers, stream)
            server.visits.append(visit)
            await server.script(visit)
        except (trio.BrokenResourceError, ssl.SSLError):
            pass  # the client has left
        finally:
            await trio.aclose_forcefully(stream)

    return handle
