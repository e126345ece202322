from __future__ import annotations

import sys
from base64 import b64encode
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import httpx
import pytest
import trio
from attrs import define, field

from tests.net.loopback import client_tls, saying, serve, server_tls
from voxint.net.proxy import ProxyDialer
from voxint.net.transport import open_transport

LIMIT_S = 20.0

ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"

pytestmark = pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="the system's own proxies are asked, too")


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Begin without a proxy, whatever the machine has."""
    for name in ("HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@define
class Proxy:
    """A proxy that runs: what was asked of it, and what it answers in place of opening the way."""

    port: int = 0
    refusal: bytes = b""
    asked: list[str] = field(factory=list)

    async def handle(self, client: trio.SocketStream) -> None:
        """Open the way that is asked for, and carry bytes both ways."""
        head = b""
        while b"\r\n\r\n" not in head:
            head += await client.receive_some()
        self.asked.append(head.decode())
        if self.refusal:
            await client.send_all(self.refusal)
            return
        host, port = head.split()[1].decode().rsplit(":", 1)
        await client.send_all(b"HTTP/1.1 200 Connection established\r\n\r\n")
        async with await trio.open_tcp_stream(host, int(port)) as origin, trio.open_nursery() as both:
            both.start_soon(self._carry, origin, client)
            await self._carry(client, origin)
            both.cancel_scope.cancel(reason="the client has left")

    async def _carry(self, source: trio.SocketStream, sink: trio.SocketStream) -> None:
        async for data in source:
            await sink.send_all(data)


@asynccontextmanager
async def open_proxy() -> AsyncGenerator[Proxy, None]:
    """Run a proxy."""
    proxy = Proxy()
    with trio.fail_after(LIMIT_S):
        async with trio.open_nursery() as nursery:
            [listener] = await trio.open_tcp_listeners(0, host="127.0.0.1")
            proxy.port = listener.socket.getsockname()[1]
            nursery.start_soon(trio.serve_listeners, proxy.handle, [listener])
            yield proxy
            nursery.cancel_scope.cancel(reason="the test is over")


async def fetched(url: str) -> bytes:
    """Return what a server says, dialed as the environment has it."""
    async with open_transport(dialer=ProxyDialer(client_tls())) as transport:
        received = await transport.send(httpx.Request("GET", url))
        return await received.body.read()


async def test_the_way_leads_through_the_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """By CONNECT with the user's name and password; TLS is the server's own, whose certificate the client judges."""
    async with open_proxy() as proxy, serve(saying(ANSWER), tls=server_tls()) as server:
        monkeypatch.setenv("HTTPS_PROXY", f"http://ada:pass%20word@127.0.0.1:{proxy.port}")
        assert await fetched(server.url) == b"ok"
    [asked] = proxy.asked
    first, *fields = asked.strip().split("\r\n")
    assert first == f"CONNECT 127.0.0.1:{server.port} HTTP/1.1"
    secret = b64encode(b"ada:pass word").decode()
    assert ("proxy-authorization", f"Basic {secret}") in [tuple(each.split(": ")) for each in fields]


async def test_a_host_that_needs_no_proxy_is_dialed(monkeypatch: pytest.MonkeyPatch) -> None:
    """NO_PROXY names it; or nothing names a proxy."""
    async with serve(saying(ANSWER), tls=server_tls()) as server:
        assert await fetched(server.url) == b"ok"
        monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
        monkeypatch.setenv("NO_PROXY", "localhost,127.0.0.1")
        assert await fetched(server.url) == b"ok"


@pytest.mark.parametrize(
    ("refusal", "words"),
    [
        (b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n", "it answered with status 407"),
        (b"220 mail.example ESMTP\r\n\r\n", "it broke off or does not speak HTTP"),
        (b"HTTP/1.1 200", "it broke off or does not speak HTTP"),
    ],
)
async def test_a_proxy_that_is_no_way_is_told(refusal: bytes, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It refuses, is something else, or breaks off."""
    async with open_proxy() as proxy:
        proxy.refusal = refusal
        monkeypatch.setenv("ALL_PROXY", f"127.0.0.1:{proxy.port}")
        with pytest.raises(httpx.ProxyError, match=words):
            await fetched("https://models.example/file")
    assert proxy.asked[0].startswith("CONNECT models.example:443 ")


@pytest.mark.parametrize("address", ["socks5://127.0.0.1:1080", "https://127.0.0.1:1", "http://127.0.0.1:x", "http://"])
async def test_a_proxy_of_another_kind_is_told(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Instead of being passed by, which would tell a network that the operator avoids what is fetched."""
    monkeypatch.setenv("HTTPS_PROXY", address)
    with pytest.raises(httpx.ProxyError, match="only an address of the form http://host:port"):
        await fetched("https://models.example/file")


async def test_a_proxy_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """By its address, since it is the operator's own."""
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    with pytest.raises(httpx.ProxyError, match=r"127.0.0.1:1 can't be reached: Connection refused"):
        await fetched("https://models.example/file")
