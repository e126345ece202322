"""As much of HTTP as a hostile upstream needs: it reads what is right, and writes what it likes."""

from __future__ import annotations

import trio
from attrs import frozen

__all__ = ["EVENTS", "HostileCall", "answer_head", "chunk", "read_request"]

READ_BYTES = 65_536
REQUEST_BYTES = 32 * 1024 * 1024
"""Of a request that is read: above anything that a server under test sends. Ours."""


@frozen
class HostileCall:
    """A request, and the connection on which it is answered.

    Args:
        stream: The connection.
        head: The request's head.
        body: Its body.
    """

    stream: trio.SocketStream
    head: bytes
    body: bytes


def answer_head(*fields: str, status: str = "200 OK") -> bytes:
    """Return the head of an answer."""
    return "\r\n".join([f"HTTP/1.1 {status}", *fields, "", ""]).encode()


EVENTS = answer_head("Content-Type: text/event-stream", "Transfer-Encoding: chunked")


def chunk(data: bytes) -> bytes:
    """Return a chunk of a body; the empty one ends it."""
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


async def read_request(stream: trio.SocketStream, ahead: bytes) -> tuple[bytes, bytes, bytes] | None:
    """Return head and body of the next request, and what came behind it; None where there is no more."""
    data = bytearray(ahead)
    while (end := data.find(b"\r\n\r\n")) < 0:
        if not await _more(stream, data):
            return None
    head, length = bytes(data[:end]), 0
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            length = int(value)
    behind = end + 4
    while len(data) < behind + length:
        if not await _more(stream, data):
            return None
    return head, bytes(data[behind : behind + length]), bytes(data[behind + length :])


async def _more(stream: trio.SocketStream, data: bytearray) -> bool:
    more = await stream.receive_some(READ_BYTES)
    data += more
    return bool(more) and len(data) < REQUEST_BYTES
