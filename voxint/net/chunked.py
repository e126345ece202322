"""HTTP's chunked transfer coding, read as a stream (RFC 9112, 7.1).

A model's stream is a chunk for each token, and h11's general reader takes longer for one than everything else between
the socket and the client together. It stays in charge of the heads and of the connection; this reads what lies between.
"""

from __future__ import annotations

import re

__all__ = ["ChunkDecoder", "ChunkError"]

_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n]*)?\r\n")

LONGEST_LINE = 4096
"""Of a chunk's size with its extensions, and of all trailers: far more than anybody sends, a bound for a flood."""


class ChunkError(ValueError):
    """The peer's chunked coding is broken.

    Attributes:
        before: The content that stood before the fault, in the bytes that were fed last.
    """

    before = b""


class ChunkDecoder:
    """Turns the bytes of a chunked body into its content, however they are cut.

    Attributes:
        complete: Whether the last chunk and the trailers, which are dropped, have been read.
        rest: What came after them; a server that sends nothing unasked leaves it empty.
        ends_with_connection: Never: where the connection ends first, a part was lost.
    """

    ends_with_connection = False

    __slots__ = ("_buffer", "_left", "complete", "rest")

    def __init__(self) -> None:
        self.complete = False
        self.rest = b""
        self._buffer = b""
        self._left = 0  # bytes of the chunk still to come, its line end included

    def feed(self, data: bytes) -> bytes:
        """Return the content that `data` brings; may be empty.

        Raises:
            ChunkError: It is no chunked coding, or a line of it is far too long.
        """
        if not self._left and not self._buffer:
            size = _SIZE.match(data)
            if size is not None and 0 < int(size[1], 16) == len(data) - size.end() - 2 and data[-2:] == b"\r\n":
                return data[size.end() : -2]  # one whole chunk and nothing else: a token
        return self._feed(data)

    def _feed(self, data: bytes) -> bytes:
        content: list[bytes] = []
        try:
            self._read(data, content)
        except ChunkError as error:
            error.before = b"".join(content)
            raise
        return b"".join(content)

    def _read(self, data: bytes, content: list[bytes]) -> None:
        """Add the content that `data` brings to `content`."""
        data, self._buffer = self._buffer + data, b""
        at = 0
        while at < len(data) and not self.complete:
            if self._left:
                piece = data[at : at + self._left]
                at += len(piece)
                content.append(self._take(piece))
                continue
            size = _SIZE.match(data, at)
            if size is None:
                self._buffer = self._unfinished(data[at:])
                break
            if count := int(size[1], 16):
                at, self._left = size.end(), count + 2
                continue
            ended = self._end_of_trailers(data, size.end())
            if ended is None:
                self._buffer = self._unfinished(data[at:], whole_lines=True)
                break
            self.complete, self.rest = True, data[ended:]

    def _take(self, piece: bytes) -> bytes:
        """Return the content in `piece`, which may end with a part of the chunk's line end or the whole of it."""
        before, self._left = self._left, self._left - len(piece)
        ends = min(len(piece), max(0, 2 - self._left))
        if ends and piece[-ends:] != b"\r\n"[2 - min(before, 2) : 2 - self._left]:
            raise ChunkError("a chunk does not end where it said")
        return piece[:-ends] if ends else piece

    def _end_of_trailers(self, data: bytes, at: int) -> int | None:
        """Return where the body ends, whose trailers begin at `at`; None where that has not come yet."""
        if data.startswith(b"\r\n", at):
            return at + 2
        end = data.find(b"\r\n\r\n", at)
        return None if end < 0 else end + 4

    def _unfinished(self, data: bytes, *, whole_lines: bool = False) -> bytes:
        if len(data) > LONGEST_LINE or (b"\r\n" in data and not whole_lines):
            raise ChunkError("a chunk's size cannot be read")
        return data
