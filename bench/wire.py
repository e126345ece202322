"""A WebSocket client that does as little as it can: the generator must not be what is measured.

With a general client fifty callers' frames kept the generator's core busy, and an acknowledgement lay 30 ms in its
socket before it was read. Frames from a server are unmasked, and here never fragmented; ours are masked with zeros.
"""

from __future__ import annotations

import base64
import os
import struct
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import trio

__all__ = ["Wire", "open_wire"]

READ_BYTES = 65_536
CLOSE = 0x8
MASKED = 0x80
TEXT_FRAME = 0x81


class Wire:
    """An open WebSocket.

    Args:
        stream: The connection behind its handshake.
        ahead: What came with the handshake's answer.
    """

    def __init__(self, stream: trio.SocketStream, ahead: bytes) -> None:
        self._stream = stream
        self._buffer = bytearray(ahead)

    async def send(self, text: str) -> None:
        """Send a text message."""
        payload = text.encode()
        size = len(payload)
        if size < 126:
            head = struct.pack("!BBL", TEXT_FRAME, MASKED | size, 0)
        else:
            head = struct.pack("!BBHL", TEXT_FRAME, MASKED | 126, size, 0)
        await self._stream.send_all(head + payload)

    async def receive(self) -> list[bytes]:
        """Wait for the network and return the messages that it brought; none where a frame is not whole yet.

        Raises:
            EOFError: The server closed.
        """
        data = await self._stream.receive_some(READ_BYTES)
        if not data:
            raise EOFError("the server closed the connection")
        buffer = self._buffer
        buffer += data
        messages: list[bytes] = []
        at = 0
        while (payload := self._payload_at(at)) is not None:
            start, end = payload
            if buffer[at] & 0xF == CLOSE:
                raise EOFError(f"the server closed the WebSocket: {bytes(buffer[start:end])!r}")
            messages.append(bytes(buffer[start:end]))
            at = end
        del buffer[:at]
        return messages

    def _payload_at(self, at: int) -> tuple[int, int] | None:
        """Return where the payload of the frame at `at` begins and ends; None where it is not whole."""
        buffer = self._buffer
        have = len(buffer) - at
        if have < 2:
            return None
        size, start = buffer[at + 1] & 0x7F, at + 2
        if size == 126:
            if have < 4:
                return None
            size, start = int.from_bytes(buffer[at + 2 : at + 4], "big"), at + 4
        elif size == 127:
            if have < 10:
                return None
            size, start = int.from_bytes(buffer[at + 2 : at + 10], "big"), at + 10
        return (start, start + size) if len(buffer) >= start + size else None


@asynccontextmanager
async def open_wire(url: str) -> AsyncGenerator[Wire, None]:
    """Open a WebSocket; at the end the connection is dropped without a word."""
    parts = urlsplit(url)
    assert parts.hostname is not None
    assert parts.port is not None
    async with await trio.open_tcp_stream(parts.hostname, parts.port) as stream:
        key = base64.b64encode(os.urandom(16)).decode()
        await stream.send_all(
            f"GET {parts.path or '/'} HTTP/1.1\r\nHost: {parts.netloc}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        answer = b""
        while b"\r\n\r\n" not in answer:
            data = await stream.receive_some(READ_BYTES)
            if not data:
                raise EOFError("the server closed the connection in the handshake")
            answer += data
        head, _, ahead = answer.partition(b"\r\n\r\n")
        if b" 101 " not in head.partition(b"\r\n")[0]:
            raise ConnectionRefusedError(head.partition(b"\r\n")[0].decode("latin-1"))
        yield Wire(stream, ahead)
