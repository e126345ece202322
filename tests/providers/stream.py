"""The parts that the streams of the corpus are made of."""

from __future__ import annotations

from attrs import frozen

from voxint.core.stages import Usage
from voxint.core.tools import ToolCall

__all__ = [
    "CALLED",
    "COUNTS",
    "END",
    "GREETING",
    "HI",
    "ROLE",
    "STOP",
    "Stream",
    "calls",
    "chunk",
    "says",
    "sse",
    "usage",
]


@frozen
class Stream:
    """The body of a response with status 200, and what it means.

    Args:
        body: The bytes.
        text: The answer's text.
        calls: Its function calls.
        usage: What it cost, where that can be read.
        error: In the operator's detail of the error that it means; None: it is an answer.
    """

    body: bytes
    text: str = ""
    calls: tuple[ToolCall, ...] = ()
    usage: Usage | None = None
    error: str | None = None


def sse(*data: bytes) -> bytes:
    """Return events of these data."""
    return b"".join(b"data: %b\n\n" % each for each in data)


def chunk(delta: bytes, reason: bytes = b"null") -> bytes:
    """Return a chunk with this delta."""
    return (
        b'{"id":"c-1","object":"chat.completion.chunk","created":1764460000,"model":"m","choices":'
        b'[{"index":0,"delta":%b,"logprobs":null,"finish_reason":%b}]}' % (delta, reason)
    )


def says(content: bytes, reason: bytes = b"null") -> bytes:
    """Return a chunk with this content, as JSON."""
    return chunk(b'{"content":%b}' % content, reason)


def calls(*pieces: bytes, reason: bytes = b"null") -> bytes:
    """Return a chunk with these pieces of function calls."""
    return chunk(b'{"tool_calls":[%b]}' % b",".join(pieces), reason)


def usage(fields: bytes) -> bytes:
    """Return the last chunk, with this usage."""
    return b'{"id":"c-1","object":"chat.completion.chunk","model":"m","choices":[],"usage":%b}' % fields


ROLE = chunk(b'{"role":"assistant","content":""}')
STOP = chunk(b"{}", b'"stop"')
CALLED = chunk(b"{}", b'"tool_calls"')
COUNTS = usage(b'{"prompt_tokens":9,"completion_tokens":4,"total_tokens":13}')
END = b"[DONE]"
HI = says(b'"Hi"')
GREETING = Usage(9, 4)
