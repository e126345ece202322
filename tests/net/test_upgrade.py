"""Which requests become a WebSocket, and what the others are told."""

from __future__ import annotations

import pytest
import trio

from tests.net.httpd_client import on_loopback
from tests.net.websocket_client import OPEN, RawClient
from voxint.net.frames import TEXT, frame_of
from voxint.net.http_request import HttpRequest, RequestHead
from voxint.net.httpd import Upgrade
from voxint.net.websocket import ServerWebSocket

KEY = b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"


async def plain(request: HttpRequest) -> None:
    """Answer what is no WebSocket."""
    await request.respond(299)


async def echo(head: RequestHead, stream: trio.abc.Stream, ahead: bytes) -> None:
    """Serve a WebSocket that says what it hears."""

    def deliver(message: str | bytes) -> int:
        return 0 if ws.send_now(message) else 1

    ws = ServerWebSocket(stream, head, ahead, max_message_bytes=1000)
    await ws.read(deliver)


def by_path(head: RequestHead) -> Upgrade | None:
    """Choose what serves a WebSocket."""
    return echo if head.path == "/ws" else None


async def answer(said: bytes) -> bytes:
    """Return the head that a request is answered with."""
    async with on_loopback(plain, upgrade=by_path) as dial:
        stream = await dial()
        await stream.send_all(said)
        got = b""
        while b"\r\n\r\n" not in got:
            got += await stream.receive_some()
    return got


def asking(upgrade: bytes, *, method: bytes = b"GET", version: bytes = b"1.1") -> bytes:
    """Return a request with these lines in the place of Upgrade and Connection."""
    lines = b"Upgrade: websocket\r\nConnection: Upgrade\r\n"
    said = OPEN.replace(lines, upgrade)
    return said.replace(b"GET", method, 1).replace(b"HTTP/1.1", b"HTTP/" + version, 1)


@pytest.mark.parametrize(
    "upgrade",
    [
        b"Upgrade: websocket\r\nConnection: Upgrade\r\n",
        b"upgrade: WebSocket\r\nconnection: upgrade\r\n",
        b"Upgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n",
        b"Upgrade: websocket\r\nConnection: keep-alive\r\nConnection: Upgrade\r\n",
        b"Upgrade: websocket\r\nConnection: Upgrade\r\nConnection: keep-alive\r\n",
        b"Upgrade: websocket\r\nConnection: ,keep-alive ,\tUPGRADE,,\r\n",
        b"Upgrade: h2c, websocket\r\nConnection: Upgrade\r\n",
        b"Upgrade: h2c\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n",
        b"Upgrade: websocket\r\nUpgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\n",
        b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Extensions: permessage-deflate; x=;\r\n",
        b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Protocol: a, b\r\n",
        b"Upgrade: websocket\r\nConnection: Upgrade\r\nContent-Length: 0\r\n",
    ],
)
async def test_a_right_upgrade_is_granted_however_it_is_written(upgrade: bytes) -> None:
    """Lists in one line or several, and any case; no extension and no subprotocol is granted."""
    granted = (await answer(asking(upgrade))).lower()
    assert granted.startswith(b"http/1.1 101 ")
    assert b"sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo=\r\n" in granted
    assert b"extensions" not in granted
    assert b"protocol:" not in granted


@pytest.mark.parametrize(
    "said",
    [
        asking(b"Upgrade: websocket\r\nConnection: keep-alive\r\n"),
        asking(b"Upgrade: websocket\r\nConnection: no-upgrade\r\n"),
        asking(b"Upgrade: websockets\r\nConnection: Upgrade\r\n"),
        asking(b"Upgrade: notwebsocket/13\r\nConnection: Upgrade\r\n"),
        asking(b"Connection: Upgrade\r\n"),
        asking(b"Upgrade: websocket\r\n"),
        asking(b"Upgrade: websocket\r\nConnection: Upgrade\r\n", method=b"POST"),
        asking(b"Upgrade: websocket\r\nConnection: Upgrade\r\n", version=b"1.0"),
        OPEN.replace(b"/ws", b"/other"),
    ],
)
async def test_what_asks_for_no_websocket_is_a_plain_request(said: bytes) -> None:
    """Words are compared whole; and another method, HTTP/1.0 and another path never become one."""
    assert (await answer(said)).startswith(b"HTTP/1.1 299 ")


@pytest.mark.parametrize(
    ("said", "status"),
    [
        (OPEN.replace(b"Version: 13", b"Version: 8"), 426),
        (OPEN.replace(b"Version: 13", b"Version: 13, 8"), 426),
        (OPEN.replace(b"Sec-WebSocket-Version: 13\r\n", b""), 400),
        (OPEN.replace(KEY, b""), 400),
        (OPEN.replace(KEY, KEY + KEY), 400),
        (OPEN.replace(b"dGhlIHNhbXBsZSBub25jZQ==", b"c2hvcnQ="), 400),
        (OPEN.replace(b"dGhlIHNhbXBsZSBub25jZQ==", b"!"), 400),
        (OPEN.replace(b"Host: x\r\n", b"Host: x\r\nContent-Length: 3\r\n") + b"abc", 400),
        (OPEN.replace(b"Host: x\r\n", b"Host: x\r\nTransfer-Encoding: chunked\r\n") + b"0\r\n\r\n", 400),
    ],
)
async def test_a_wrong_upgrade_is_told_what_is_wrong(said: bytes, status: int) -> None:
    """The version that is spoken here, where it asks for another or for none."""
    refused = await answer(said)
    assert refused.startswith(b"HTTP/1.1 %d " % status)
    assert (b"sec-websocket-version: 13\r\n" in refused.lower()) == (b"Version: 13\r\n" not in said)


async def test_a_websocket_goes_on_with_what_was_read_behind_its_request() -> None:
    """In the same segment, also behind a plain request on the same connection, and on a URL that is whole."""
    async with on_loopback(plain, upgrade=by_path) as dial:
        client = RawClient(await dial())
        first = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
        await client.send(first, OPEN.replace(b"/ws", b"http://x/ws"), frame_of("hello", masked=True))
        while b"\r\n\r\n" not in client.got:
            client.got += await client.stream.receive_some()
        assert client.got.startswith(b"HTTP/1.1 299 ")
        client.got = client.got.partition(b"\r\n\r\n")[2]
        await client.opened()
        assert await client.frame() == (TEXT, b"hello")
