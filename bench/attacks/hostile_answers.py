"""What a hostile upstream answers, by the name of the attack; each goes on until the server closes, or its bound."""

from __future__ import annotations

import base64
import gzip
import json
import struct
import zlib
from collections.abc import Awaitable, Callable, Mapping
from functools import cache
from itertools import cycle

import trio

from bench.attacks.hostile_http import EVENTS, HostileCall, answer_head, chunk
from bench.attacks.keys import UPSTREAM_KEY

__all__ = ["ATTACKS", "SECRETS"]

GIB = 1 << 30
ZEROS = bytes(1 << 20)
FLOOD_BYTES = 256 * 1024 * 1024
"""At most, of an answer without end: bounded, so that a server without a bound does not take the machine with it."""

GZIP_HEAD = bytes.fromhex("1f8b08000000000002ff")
PIECE = 65_536
USAGE = 9_000_000_000_000_000_000

PASSWORD = "corr3ct-horse-battery"
SECRETS: Mapping[str, str] = {
    "the key": UPSTREAM_KEY,
    "the key in capitals": UPSTREAM_KEY.upper(),
    "the key in base64": base64.b64encode(UPSTREAM_KEY.encode()).decode(),
    "the key split": f"{UPSTREAM_KEY[:32]} {UPSTREAM_KEY[32:]}",
    "the key by its half": UPSTREAM_KEY[:32],
    "the key percent-encoded": "".join(f"%{ord(char):02x}" for char in UPSTREAM_KEY),
    "a URL's password": PASSWORD,
}
"""What a failure's words hold, by what it is called; none of it may be found in a log."""


def _event(choice: Mapping[str, object], **more: object) -> bytes:
    return b"data: " + json.dumps({"choices": [{"index": 0, **choice}], **more}).encode() + b"\n\n"


COMMENTS = b": nothing\n\n" * 95_325
WORDS = _event({"delta": {"content": "word " * 200}}) * 970


@cache
def zip_bomb(layers: int, size: int, filling: bytes = ZEROS) -> bytes:
    """Return so many bytes, compressed so many times.

    The same compressed MiB again and again, between a head and a tail of gzip: made at once, whatever the size.
    """
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    piece = packer.compress(filling) + packer.flush(zlib.Z_FULL_FLUSH)
    many = size // len(filling)
    check = 0
    for _ in range(many):
        check = zlib.crc32(filling, check)
    tail = packer.flush() + struct.pack("<II", check, many * len(filling) & 0xFFFFFFFF)
    packed = GZIP_HEAD + piece * many + tail
    for _ in range(layers - 1):
        packed = gzip.compress(packed)
    return packed


async def _gzip_bomb(call: HostileCall) -> None:
    body = await trio.to_thread.run_sync(zip_bomb, 1, GIB)
    await _whole(call, body, "Content-Type: text/event-stream", "Content-Encoding: gzip")


async def _gzip_comments(call: HostileCall) -> None:
    """A bomb that is server-sent events, so that all of it is read: comments, which say nothing."""
    body = await trio.to_thread.run_sync(zip_bomb, 1, GIB, COMMENTS)
    await _whole(call, body, "Content-Type: text/event-stream", "Content-Encoding: gzip")


async def _gzip_words(call: HostileCall) -> None:
    """The same of words, a KiB in each event."""
    body = await trio.to_thread.run_sync(zip_bomb, 1, GIB, WORDS)
    await _whole(call, body, "Content-Type: text/event-stream", "Content-Encoding: gzip")


async def _gzip_gzip(call: HostileCall) -> None:
    body = await trio.to_thread.run_sync(zip_bomb, 2, GIB)
    await _whole(call, body, "Content-Type: text/event-stream", "Content-Encoding: gzip, gzip")


async def _gzip_refusal(call: HostileCall) -> None:
    """The bomb as the words of a failure, which are read whole to be logged."""
    body = await trio.to_thread.run_sync(zip_bomb, 1, GIB)
    await _whole(call, body, "Content-Type: application/json", "Content-Encoding: gzip", status="503 Busy")


async def _whole(call: HostileCall, body: bytes, *fields: str, status: str = "200 OK") -> None:
    head = answer_head(*fields, f"Content-Length: {len(body)}", "Connection: close", status=status)
    await call.stream.send_all(head + body)


async def _flood(call: HostileCall, data: bytes) -> None:
    """Write the same again and again, as fast as it is read, up to 256 MB."""
    await call.stream.send_all(EVENTS)
    piece = chunk(data)
    for _ in range(FLOOD_BYTES // len(data)):
        await call.stream.send_all(piece)


async def _endless_text(call: HostileCall) -> None:
    await _flood(call, _event({"delta": {"content": "word " * 200}}) * 16)


async def _endless_line(call: HostileCall) -> None:
    """One event whose text has no end, nor the event itself."""
    await call.stream.send_all(EVENTS + chunk(b'data: {"choices":[{"index":0,"delta":{"content":"'))
    piece = chunk(b"a" * PIECE)
    for _ in range(FLOOD_BYTES // PIECE):
        await call.stream.send_all(piece)


async def _endless_arguments(call: HostileCall) -> None:
    tool = {"index": 0, "id": "c1", "type": "function", "function": {"name": "look", "arguments": '{"a":"'}}
    await call.stream.send_all(EVENTS + chunk(_event({"delta": {"tool_calls": [tool]}})))
    more = {"index": 0, "function": {"arguments": "a" * 16_384}}
    piece = chunk(_event({"delta": {"tool_calls": [more]}}))
    for _ in range(FLOOD_BYTES // len(piece)):
        await call.stream.send_all(piece)


async def _endless_calls(call: HostileCall) -> None:
    await call.stream.send_all(EVENTS)
    for n in range(100_000):
        tool = {"index": n, "id": f"c{n}", "type": "function", "function": {"name": "look", "arguments": "{}"}}
        await call.stream.send_all(chunk(_event({"delta": {"tool_calls": [tool]}})))


async def _endless_headers(call: HostileCall) -> None:
    await call.stream.send_all(b"HTTP/1.1 200 OK\r\n")
    piece = b"".join(b"X-Line-%d: %s\r\n" % (n, b"a" * 1000) for n in range(64))
    for _ in range(FLOOD_BYTES // len(piece)):
        await call.stream.send_all(piece)


async def _comments(call: HostileCall) -> None:
    await _flood(call, b": nothing\n\n" * 6000)


async def _usage(call: HostileCall) -> None:
    usage = {"prompt_tokens": USAGE, "completion_tokens": USAGE, "total_tokens": -1}
    await call.stream.send_all(
        EVENTS
        + chunk(_event({"delta": {"content": "Well. "}}))
        + chunk(_event({"delta": {}, "finish_reason": "stop"}, usage=usage))
        + chunk(b"data: [DONE]\n\n")
        + chunk(b"")
    )


async def _cut_after_done(call: HostileCall) -> None:
    """Everything that an answer has, but the end of the body that carries it."""
    await call.stream.send_all(
        EVENTS
        + chunk(_event({"delta": {"content": "Well. "}}))
        + chunk(_event({"delta": {}, "finish_reason": "stop"}))
        + chunk(b"data: [DONE]\n\n")
    )


async def _cut_after_finish(call: HostileCall) -> None:
    await call.stream.send_all(
        EVENTS + chunk(_event({"delta": {"content": "Well. "}})) + chunk(_event({"delta": {}, "finish_reason": "stop"}))
    )


_dresses = cycle(SECRETS.values())


async def _secrets(call: HostileCall) -> None:
    """A refusal that repeats the key, each time in another dress: what is quoted of one is short."""
    secret = next(_dresses)
    words = f"bad key, see https://op:{secret}@internal.example/" if secret == PASSWORD else f"bad key {secret}"
    await _whole(
        call, json.dumps({"error": {"message": words}}).encode(), "Content-Type: application/json", status="401 No"
    )


async def _prompt_error(call: HostileCall) -> None:
    """A refusal that nearly repeats the question: a letter is changed now and then, so that no run of it is long."""
    asked = str(json.loads(call.body)["messages"][-1]["content"])
    words = "".join("#" if n % 15 == 14 else char for n, char in enumerate(asked))
    body = json.dumps({"error": {"message": words}}).encode()
    await _whole(call, body, "Content-Type: application/json", status="400 Bad Request")


ATTACKS: Mapping[str, Callable[[HostileCall], Awaitable[None]]] = {
    "gzip_bomb": _gzip_bomb,
    "gzip_comments": _gzip_comments,
    "gzip_words": _gzip_words,
    "gzip_gzip": _gzip_gzip,
    "gzip_refusal": _gzip_refusal,
    "endless_text": _endless_text,
    "endless_line": _endless_line,
    "endless_arguments": _endless_arguments,
    "endless_calls": _endless_calls,
    "endless_headers": _endless_headers,
    "comment_flood": _comments,
    "usage": _usage,
    "cut_after_done": _cut_after_done,
    "cut_after_finish": _cut_after_finish,
    "secret_errors": _secrets,
    "prompt_error": _prompt_error,
}
"""By name, as the attacker asks for them."""
