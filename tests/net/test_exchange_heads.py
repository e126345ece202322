"""Heads of responses that are made to take long to read."""

from __future__ import annotations

import h11
import httpx
import pytest

from tests.net.loopback import saying, serve
from voxint.net.transport import open_transport

HEAD = b"HTTP/1.1 200 OK\r\n"
HINT = b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n"


@pytest.mark.parametrize(
    "flood",
    [
        HEAD + b"a:\r\n" * 10_000 + b"\r\n",
        HEAD + b"a:\n" * 3_000 + b"\n",
        HEAD + b"a: b\r\n" + b" x\r\n" * 3_000 + b"\r\n",
        HEAD + b"connection: " + b"," * 60_000 + b"\r\n\r\n",
        HINT + HEAD + b"a:\r\n" * 10_000 + b"\r\n",
    ],
    ids=["lines", "line feeds", "folded lines", "a long line", "behind a hint"],
)
async def test_a_head_that_is_too_large_is_not_read(monkeypatch: pytest.MonkeyPatch, flood: bytes) -> None:
    """h11 takes a tenth of a second for ten thousand lines, so they are counted before it gets to them."""
    read: list[type] = []
    next_event = h11.Connection.next_event

    def noting(http: h11.Connection) -> object:
        event = next_event(http)
        read.append(type(event))
        return event

    async with serve(saying(flood, closing=True)) as server, open_transport() as transport:
        monkeypatch.setattr(h11.Connection, "next_event", noting)
        with pytest.raises(httpx.RemoteProtocolError, match="the head of its answer"):
            await transport.send(httpx.Request("GET", server.url))
    assert h11.Response not in read
    assert len(read) <= 3
