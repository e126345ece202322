"""Peers that do not speak the protocol, or break off anywhere: each costs itself, and never the server."""

from __future__ import annotations

import socket
import struct
from contextlib import suppress
from typing import Literal

import pytest
import structlog
import trio

from tests.end_to_end.callers import no_descriptor_left, serving
from tests.end_to_end.wire import open_wire
from tests.net.websocket_client import RawClient
from tests.talk import WRITTEN
from voxint.core.agent import Agent
from voxint.net.frames import CLOSE, TEXT, frame_of
from voxint.protocol import messages as m
from voxint.protocol.codec import decode_server, encode_client
from voxint.server.config import ServerConfig
from voxint.server.serve import PATH
from voxint.server.words import NO_MESSAGE
from voxint.testing.stages import FOREVER, ScriptedModel

UPGRADE = b"GET %b HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" % PATH.encode()
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
    "parts without an end": OPEN + frame(1, b"{", first=0) + frame(0, b"x", first=0) * 5000,
    "empty parts": OPEN + frame(2, b"", first=0) + frame(0, b"", first=0) * 5000,
    "a ping and a close": OPEN + frame(9, b"?") + frame(8, b"\x03\xe8"),
    "pings behind the close": OPEN + frame(8, b"\x03\xe8") + frame(9, b"?") * 100,
    "pings behind what ends it": OPEN + frame(5, b"x") + frame(9, b"?") * 100 + frame(8, b"\x03\xe8"),
    "a flood of pings": OPEN + frame(9, b"?") * 5000,
    "a flood of pongs": OPEN + frame(10, b"?") * 5000,
    "a whole URL": OPEN.replace(b"GET ", b"GET http://localhost"),
    "a length and chunks": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
    "header lines": b"GET / HTTP/1.1\r\nHost: x\r\n" + b"a:\r\n" * 12_500 + b"\r\n",
}


@pytest.mark.parametrize("end", ["close", "reset", "silence"])
async def test_strangers(end: Literal["close", "reset", "silence"]) -> None:
    """Whatever they say, and whether they close, reset or wait: a client beside them is answered before and after.

    And none of it is an error of the server's.
    """
    config = ServerConfig(port=0, drain_s=0, register_s=0.5)
    with trio.fail_after(30), no_descriptor_left(), structlog.testing.capture_logs() as logs:
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
    assert [entry for entry in logs if entry["log_level"] not in ("debug", "info")] == []


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


async def test_what_is_held_for_who_never_registers_is_little() -> None:
    """A text in parts without an end is cut at 256 KiB, of however wide characters; others are served meanwhile."""
    wide = "𝄞".encode()
    parts = [frame(1, wide, first=0), *[frame(0, wide + b"x" * 100, first=0) * 500] * 20]  # a megabyte
    config = ServerConfig(port=0, drain_s=0, close_s=0.25)
    codes: list[int] = []

    async def stranger(port: int) -> None:
        async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
            client = RawClient(stream)
            await client.send(OPEN)
            await client.opened()
            for said in parts:
                await client.send(said)
            codes.append(await client.close_code())

    with trio.fail_after(30), no_descriptor_left():
        async with serving(Agent(llm=ScriptedModel("Yes.")), config) as server, trio.open_nursery() as nursery:
            for _ in range(6):  # together less than all strangers may hold
                nursery.start_soon(stranger, server.port)
            async with open_wire(server.url) as neighbour:
                neighbour.register(WRITTEN)
                await neighbour.until(lambda: neighbour.session_id is not None)
    assert codes == [1009] * 6


async def test_a_strangers_flood_ends_with_its_first_frame() -> None:
    """Of thousands in one segment one is answered, and the connection is closed with 1008."""
    with trio.fail_after(10), no_descriptor_left():
        async with (
            serving(Agent(llm=ScriptedModel("Yes."))) as server,
            await trio.open_tcp_stream("127.0.0.1", server.port) as stream,
        ):
            client = RawClient(stream)
            await client.send(OPEN)
            await client.opened()
            await client.send(frame(1, b"x") * 2340)
            answer = await client.frame()
            assert answer is not None
            assert b"MALFORMED_PAYLOAD" in answer[1]
            assert await client.frame() == (CLOSE, b"\x03\xf0" + NO_MESSAGE.encode())
            await client.send(frame(8, b"\x03\xf0"))
            assert await client.frame() is None


async def test_a_client_whose_microphone_runs_on_hears_the_end() -> None:
    """With a small receive buffer, and reading late: the last frame, the acknowledgement and the close code come."""
    model = ScriptedModel("Well, then. ", FOREVER)
    async with serving(Agent(llm=model)) as server:
        sock = trio.socket.socket()
        sock.setsockopt(trio.socket.SOL_SOCKET, trio.socket.SO_RCVBUF, 4096)
        await sock.connect(("127.0.0.1", server.port))
        async with trio.SocketStream(sock) as stream:
            client = RawClient(stream)
            await client.send(OPEN)
            await client.opened()
            session_id = await register(client)
            await client.send(
                said(m.RequestMessage(request_id="r1", data_type="TEXT", content=m.Content(text="?")), session_id)
            )
            await client.frame()
            queries = [
                said(m.SessionQuery(query_fields=()), session_id)
            ] * 60  # some answers to lie in front of the end
            await client.send(*queries)
            await client.send(said(m.Interrupt(interrupt_request_id="r1"), session_id), said(m.Shutdown(), session_id))
            for _ in range(300):
                await client.send(frame_of(b"x" * 86, masked=True) * 20)
            heard = []
            while (got := await client.frame()) is not None and got[0] == TEXT:
                heard.append(decode_server(got[1].decode()))
    assert got == (CLOSE, b"\x03\xe8the client has sent SHUTDOWN")
    assert sum(isinstance(message, m.InterruptAck) for message in heard) == 1
    assert sum(isinstance(message, m.Response) and message.text_stream_seq == -1 for message in heard) == 1


def said(message: m.ClientMessage, session_id: str | None = None) -> bytes:
    """Return a message as a client writes it."""
    return frame_of(encode_client(message, session_id, 0), masked=True)


async def register(client: RawClient) -> str:
    """Register, and return the session's id."""
    await client.send(said(m.Register(auth=m.Auth(type="API_KEY", api_key=""), patch=WRITTEN)))
    answer = await client.frame()
    assert answer is not None
    message = decode_server(answer[1].decode())
    assert isinstance(message, m.RegisterAck)
    return message.session_id
