"""The body of a request: what leaves with the head, what follows it, and whether it can be sent once more."""

from __future__ import annotations

from collections.abc import AsyncIterator
from inspect import isasyncgen

import httpx

__all__ = ["RequestBody", "open_body"]

PIECE_BYTES = 65_536
"""Of a body that is there whole. A larger one is sent in such pieces, so that a refusal is heard before its end."""


class RequestBody:
    """The body of one request, piece by piece.

    Args:
        content: What of it is there, all of it where `stream` is None.
        stream: Where the rest comes from.

    Attributes:
        first: The first piece, which leaves with the head; empty where there is no body.
        replayable: Whether all that was taken so far can be given again: of a stream, no more than its first piece is
            kept.
    """

    def __init__(self, content: bytes, stream: AsyncIterator[bytes] | None = None) -> None:
        self.first = content[:PIECE_BYTES] if stream is None else content
        self.replayable = True
        self._content = content
        self._stream = stream
        self._at = len(self.first)

    @property
    def in_one_piece(self) -> bool:
        """Whether nothing comes after the first piece."""
        return self._stream is None and len(self.first) == len(self._content)

    async def following(self) -> bytes:
        """Return the next piece after the first; empty at the end."""
        if self._stream is None:
            piece = self._content[self._at : self._at + PIECE_BYTES]
            self._at += len(piece)
            return piece
        self.replayable = False
        return await _filled(self._stream)

    def rewind(self) -> None:
        """Begin again behind the first piece."""
        assert self.replayable
        self._at = len(self.first)

    async def aclose(self) -> None:
        """Close a generator that was not taken to its end; never waits for anything but the generator itself."""
        if isasyncgen(self._stream):
            await self._stream.aclose()


async def open_body(request: httpx.Request) -> RequestBody:
    """Return the body of `request`, a stream's once its first piece is there; nothing bounds that wait but the caller.

    A stream is waited for before there is a connection, so that none is held, and none grows old, for a request that
    has nothing to say yet.
    """
    try:
        return RequestBody(request.content)
    except httpx.RequestNotRead:
        if not isinstance(request.stream, httpx.AsyncByteStream):
            raise TypeError("the body of a request has to be bytes or an async iterable") from None
    stream = aiter(request.stream)
    try:
        return RequestBody(await _filled(stream), stream)
    except BaseException:  # cancellation above all; nothing is swallowed
        await RequestBody(b"", stream).aclose()
        raise


async def _filled(stream: AsyncIterator[bytes]) -> bytes:
    """Return the next piece that is not empty; empty at the end."""
    while (piece := await anext(stream, None)) is not None:
        if piece:
            return piece
    return b""
