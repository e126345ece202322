"""Where the body of a response ends, and whether its connection may be used again (RFC 9112, 6.3 and 9.3)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

import h11

from voxint.net.chunked import ChunkDecoder

__all__ = ["BodyDecoder", "LengthDecoder", "OpenEndedDecoder", "decoder_of", "keeps_alive"]


class BodyDecoder(Protocol):
    """Turns the bytes behind a response's head into its body, however they are cut.

    Attributes:
        complete: Whether the end of the body has been read.
        rest: What came after the end; a server that sends nothing unasked leaves it empty.
        ends_with_connection: Whether the end of the connection is the end of the body, and not a part lost.
    """

    complete: bool
    rest: bytes

    @property
    def ends_with_connection(self) -> bool:
        """See above."""

    def feed(self, data: bytes) -> bytes:
        """Return the content that `data` brings; may be empty."""


class LengthDecoder:
    """A body of so many bytes."""

    ends_with_connection = False

    def __init__(self, length: int) -> None:
        self.complete = length == 0
        self.rest = b""
        self._left = length

    def feed(self, data: bytes) -> bytes:
        """Return what of `data` belongs to the body."""
        if len(data) < self._left:
            self._left -= len(data)
            return data
        self.complete = True
        content, self.rest, self._left = data[: self._left], data[self._left :], 0
        return content


class OpenEndedDecoder:
    """A body that goes on until the server closes, as HTTP/1.0 has it."""

    ends_with_connection = True

    def __init__(self) -> None:
        self.complete = False
        self.rest = b""

    def feed(self, data: bytes) -> bytes:
        """Return `data`."""
        return data


def decoder_of(method: str, response: h11.Response) -> BodyDecoder:
    """Return what reads the body of `response`; h11 has seen to it that each framing header is sound by itself."""
    if method == "HEAD" or response.status_code in (204, 304):
        return LengthDecoder(0)
    framing = dict(response.headers)
    if b"transfer-encoding" in framing:
        return ChunkDecoder()
    if b"content-length" in framing:
        return LengthDecoder(int(framing[b"content-length"]))
    return OpenEndedDecoder()


def keeps_alive(asked: Iterable[tuple[bytes, bytes]], response: h11.Response) -> bool:
    """Return whether the connection may be used again after `response`'s body.

    A response with both framing headers is read as the standard says, in chunks, but somebody between may have seen
    its end elsewhere: what follows on that connection is not to be trusted.

    Args:
        asked: The headers of the request.
        response: The head of its answer.
    """
    answered = list(response.headers)
    names = {name for name, _ in answered}
    if response.http_version < b"1.1" or names >= {b"transfer-encoding", b"content-length"}:
        return False
    tokens = [value for name, value in [*asked, *answered] if name.lower() == b"connection"]
    return b"close" not in [token.strip() for value in tokens for token in value.lower().split(b",")]
