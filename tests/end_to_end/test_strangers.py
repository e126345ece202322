"""Peers that do not speak the protocol, or break off anywhere: each costs itself, and never the server."""

from __future__ import annotations

import socket
import struct
from contextlib import suppress
from typing import Literal

import pytest
import trio

from tests.end_to_end.callers import no_descriptor_left, serving
from tests.end_to_end.wire import open_wire
from tests.talk import WRITTEN
from voxint.core.agent import Agent
from voxint.protocol import messages as m
from voxint.server.config import ServerConfig
from voxint.server.serve import PATH
from voxint.testing.stages import ScriptedModel

UPGRADE = b"GET %b HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" % PATH.encode()
KEY = b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
VERSION = b"Sec-WebSocket-Version: 13\r\n"
OPEN = UPGRADE + KEY + VERSION + b"\r\n"


def frame(opcode: int, data: bytes, *, first: int = 0x80, masked: bool = True) -> bytes:
    """Return a WebSocket frame, for data below 126 bytes; a mask of zeros leaves it as it is."""
    return bytes((first | opcode, len(data) | (0x80 if masked else 0))) + (bytes(4) if masked else b"") + data


SAID = {
    "nothing": b"",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00",
    "half a head": UPGRADE,
    "no key": UPGRADE + VERSION + b"\r\n",
    "no version": UPGRADE + KEY + b"\r\n",
    "an old version": UPGRADE + KEY + b"Sec-WebSocket-Version: 8\r\n\r\n",
    "a POST": OPEN.replace(b"GET", b"POST"),
    "a body": OPEN[:-2] + b"Content-Length: 3\r\n\r\nabc",
    "an extension that does not parse": OPEN[:-2] + b"Sec-WebSocket-Extensions: permessage-deflate; x=;\r\n\r\n",
    "no word after the handshake": OPEN,
    "a frame without a mask": OPEN + frame(1, b"{}", masked=False),
    "reserved bits": OPEN + frame(1, b"{}", first=0xF0),
    "an unknown opcode": OPEN + frame(5, b"x"),
    "a continuation of nothing": OPEN + frame(0, b"x"),
    "a fragmented ping": OPEN + frame(9, b"x", first=0),
    "text that is not UTF-8": OPEN + frame(1, b"\xff\xfe"),
    "a close with a bad code": OPEN + frame(8, b"\x00\x01"),
    "half a close code": OPEN + frame(8, b"\x03"),
    "a close and more": OPEN + frame(8, b"\x03\xe8") + frame(1, b"{}"),
    "JSON that is no message": OPEN + frame(1, b"[null]"),
    "empty frames": OPEN + frame(1, b"") + frame(2, b""),
    "half a frame": OPEN + frame(1, b"{}")[:-1],
}


@pytest.mark.parametrize("end", ["close", "reset", "silence"])
async def test_strangers(end: Literal["close", "reset", "silence"]) -> None:
    """Whatever they say, and whether they close, reset or wait: a client beside them is answered before and after."""
    config = ServerConfig(port=0, drain_s=0, register_s=0.5)
    with trio.fail_after(30), no_descriptor_left():
        async with serving(Agent(llm=ScriptedModel("Yes.")), config) as server, open_wire(server.url) as neighbour:
            neighbour.register(WRITTEN)
            await neighbour.until(lambda: neighbour.session_id is not None)
            async with trio.open_nursery() as nursery:
                for said in SAID.values():
                    nursery.start_soon(visit, server.port, said, end)
            neighbour.ask("r1")
            await neighbour.until(lambda: len(neighbour.responses("r1")) == 2)
            neighbour.say(m.HealthCheck())
            await neighbour.until(lambda: bool(neighbour.of(m.HealthCheckAck)))


async def visit(port: int, said: bytes, end: Literal["close", "reset", "silence"]) -> None:
    """Connect, say it, and end so; silence is ended by the server."""
    async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
        if said:
            await stream.send_all(said)
        if end == "silence":
            # The server ends it; half a head it waits for longer. It may reset what it does not want to read.
            with trio.move_on_after(1.5), suppress(trio.BrokenResourceError):
                while await stream.receive_some():
                    pass
            return
        with trio.move_on_after(0.02):
            await stream.receive_some()
        if end == "reset":
            stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
