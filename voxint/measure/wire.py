"""A WebSocket client that does as little as it can: the generator must not be what is measured.

With a general client fifty callers' frames kept the generator's core busy, and an acknowledgement lay 30 ms in its
socket before it was read.
"""

from __future__ import annotations

import base64
import os
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import cache
from time import monotonic

import trio

from voxint.client.client_socket import Address
from voxint.client.refused import no_websocket, refused, tls_failed, unreachable, why_closed
from voxint.errors import Disconnected
from voxint.net.frames import BINARY, CLOSE, CONTINUED, FINAL, PING, PONG, TEXT, frame_of, make_frame, payload_span
from voxint.net.tcp import TcpStream
from voxint.protocol.codec import MAX_FRAME_BYTES

__all__ = ["Message", "Wire", "open_wire"]

NO_CODE = 1005
"""What stands for the code of a Close without one (RFC 6455, 7.4.1)."""

READ_BYTES = 65_536
HANDSHAKE_BYTES = 65_536
"""The longest answer to the handshake: a longer one is no WebSocket server's. Chosen here."""

Message = tuple[bool, bytes]
"""A message: whether it is text, and what it holds."""


class Wire:
    """An open WebSocket.

    Args:
        stream: The connection behind its handshake.
        ahead: What came with the handshake's answer.
    """

    def __init__(self, stream: trio.abc.Stream, ahead: bytes) -> None:
        self._stream = stream
        self._buffer = bytearray(ahead)
        self._unread = bool(ahead)
        self._ended: Disconnected | None = None
        self._parts: list[bytes] = []
        self._parts_text = False
        self._sending = trio.Lock()
        self._tcp = stream if isinstance(stream, TcpStream) else None
        self._unsent = b""

    async def send(self, *messages: str | bytes) -> float:
        """Send messages, in one write: str as text, bytes as binary.

        Returns:
            The instant, on CLOCK_MONOTONIC, in which they were handed to the kernel.

        Raises:
            Disconnected: The server is gone.
        """
        return await self._write(b"".join(frame_of(message, masked=True) for message in messages))

    def send_now(self, frame: bytes) -> bool:
        """Hand the kernel a frame that was made before; return False where that can't be, and nothing was sent.

        A part that the kernel does not take goes out in front of what is sent next.
        """
        if self._tcp is None or self._unsent or self._sending.locked():
            return False
        taken = self._tcp.send_now(frame)
        self._unsent = frame[taken:] if taken else b""
        return taken > 0

    async def receive(self) -> list[Message]:
        """Wait for the network and return the messages that it brought; none where one is not whole yet.

        Raises:
            Disconnected: The server is gone; what it sent before has been returned.
        """
        if self._unread:
            self._unread = False
        else:
            await self._fill()
        messages: list[Message] = []
        at = 0
        while self._ended is None and (payload := self._payload_at(at)) is not None:
            start, end = payload
            await self._take(self._buffer[at], bytes(self._buffer[start:end]), messages)
            at = end
        del self._buffer[:at]
        if self._ended is not None and not messages:
            raise self._ended
        return messages

    async def _fill(self) -> None:
        if self._ended is not None:
            raise self._ended
        try:
            data = await self._stream.receive_some(READ_BYTES)
        except trio.BrokenResourceError:
            data = b""
        if not data:
            raise _gone("the server closed the connection without a word: is it still up?")
        self._buffer += data

    async def _take(self, first: int, payload: bytes, messages: list[Message]) -> None:
        """Add the message that a frame completes; answer a ping; note a close."""
        code = first & 0xF
        if code in (TEXT, BINARY) and first & FINAL:
            messages.append((code == TEXT, payload))
        elif code in (TEXT, BINARY, CONTINUED):
            if code != CONTINUED:
                self._parts_text = code == TEXT
            self._parts.append(payload)
            if first & FINAL:
                messages.append((self._parts_text, b"".join(self._parts)))
                self._parts.clear()
        elif code == PING:
            await self._write(make_frame(PONG, payload, masked=True))
        elif code == CLOSE:
            code = int.from_bytes(payload[:2], "big") if payload else NO_CODE
            self._ended = _gone(why_closed(code, payload[2:].decode(errors="replace")))

    async def _write(self, data: bytes) -> float:
        try:
            self._sending.acquire_nowait()
        except trio.WouldBlock:
            await self._sending.acquire()
        try:
            written = monotonic()
            data, self._unsent = self._unsent + data, b""
            await self._stream.send_all(data)
        except trio.BrokenResourceError:
            raise _gone("the server closed the connection without a word: is it still up?") from None
        finally:
            self._sending.release()
        return written

    def _payload_at(self, at: int) -> tuple[int, int] | None:
        """Return where the payload of the frame at `at` begins and ends; None where it is not whole."""
        span = payload_span(self._buffer, at)
        if span is None:
            return None
        begin, end = span
        if end - begin > MAX_FRAME_BYTES:
            raise _gone(f"the server began a frame of {end - begin} bytes: is this a voxint server?")
        return span if end <= len(self._buffer) else None


def _gone(why: str) -> Disconnected:
    return Disconnected("DISCONNECTED", why)


@asynccontextmanager
async def open_wire(url: str, *, timeout_s: float = 10.0) -> AsyncGenerator[Wire, None]:
    """Open a WebSocket; at the end the connection is dropped without a word.

    Args:
        url: ``ws://HOST:PORT/PATH``, or ``wss://`` for TLS with the system's certificates.
        timeout_s: For dialling and both handshakes.

    Raises:
        ConfigError: The url is not a WebSocket's.
        Disconnected: Nobody listens there, or it is no WebSocket, or it took too long.
    """
    address = Address.of(url)
    stream: trio.abc.Stream | None = None
    try:
        with trio.move_on_after(timeout_s) as scope:
            try:
                stream = await _dial(address)
                ahead = await _shake_hands(stream, address)
            except (OSError, trio.BrokenResourceError) as error:
                why = unreachable(error) if stream is None or not address.secure else tls_failed(error)
                raise _gone(f"{address.shown}: {why}") from error
        if scope.cancelled_caught or stream is None:
            raise _gone(
                f"{address.shown}: no WebSocket was opened within {timeout_s:g} s: is this a voxint server's port?"
            )
        yield Wire(stream, ahead)
    finally:
        if stream is not None:
            await trio.aclose_forcefully(stream)


async def _dial(address: Address) -> trio.abc.Stream:
    stream = await trio.open_tcp_stream(address.host, address.port)
    if not address.secure:
        return TcpStream(stream)
    return trio.SSLStream(stream, _trusted(), server_hostname=address.host)


@cache
def _trusted() -> ssl.SSLContext:
    """Return the system's certificates, read once: that takes longer than a handshake."""
    return ssl.create_default_context()


async def _shake_hands(stream: trio.abc.Stream, address: Address) -> bytes:
    """Ask for a WebSocket; return what came behind the answer."""
    key = base64.b64encode(os.urandom(16)).decode()
    host = f"[{address.host}]" if ":" in address.host else address.host
    await stream.send_all(
        f"GET {address.resource} HTTP/1.1\r\nHost: {host}:{address.port}\r\nUpgrade: websocket\r\n"
        f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    answer = b""
    while b"\r\n\r\n" not in answer:
        data = await stream.receive_some(READ_BYTES)
        if not data or len(answer) > HANDSHAKE_BYTES:
            raise _gone(f"{address.shown}: {no_websocket(secure=address.secure, answered=bool(answer))}")
        answer += data
    head, _, ahead = answer.partition(b"\r\n\r\n")
    status = head.partition(b"\r\n")[0].decode("latin-1")
    protocol, _, rest = status.partition(" ")
    code = rest[:3]
    if not (protocol.startswith("HTTP/") and code.isdecimal()):
        raise _gone(f"{address.shown}: {no_websocket(secure=address.secure, answered=True)}")
    if code != "101":
        raise _gone(f"{address.shown}: {refused(int(code))}")
    return ahead
