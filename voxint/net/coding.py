"""Content codings: a body that comes compressed although nobody asked for it (RFC 9110, 8.4)."""

from __future__ import annotations

import zlib
from typing import Protocol

__all__ = ["CodingError", "ContentDecoder"]

PIECE_BYTES = 1 << 20
"""Of content at a time: what 64 KiB unpack to can be a thousand times as large."""

_GZIP, _ZLIB, _RAW = zlib.MAX_WBITS | 16, zlib.MAX_WBITS, -zlib.MAX_WBITS


class _Unpacker(Protocol):
    """What `zlib.decompressobj` returns; zlib has no public name for it."""

    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    @property
    def unconsumed_tail(self) -> bytes: ...

    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


class CodingError(ValueError):
    """The body is not what its head says; the words go on behind "its answer"."""


class ContentDecoder:
    """Unpacks a body, as far as Python's own library can.

    Args:
        coding: The value of ``content-encoding``, such as ``gzip``.
    """

    def __init__(self, coding: str) -> None:
        self._coding = coding.strip().lower().removeprefix("x-")
        self._unpacker: _Unpacker | None = None
        self._packed = b""
        self._held_back = False  # zlib may keep content for itself when all that was packed is taken

    @property
    def pending(self) -> bool:
        """Whether there is more content in what was fed already: feed nothing to have it."""
        return self._held_back or bool(self._packed)

    def feed(self, data: bytes) -> bytes:
        """Return the content that `data` brings, a mebibyte at most; may be empty.

        Raises:
            CodingError: It is not in this coding, or in one that cannot be read.
        """
        if not data and not self.pending:
            return b""
        data = self._packed + data
        if self._unpacker is None:
            self._unpacker = zlib.decompressobj(self._window(data[0]))
        try:
            content = self._unpacker.decompress(data, PIECE_BYTES)
        except zlib.error:
            raise CodingError(f"says that it is compressed ({self._coding}) and is not, or is damaged") from None
        self._packed = self._unpacker.unconsumed_tail
        self._held_back = len(content) == PIECE_BYTES
        if self._unpacker.eof and self._unpacker.unused_data:
            if self._coding != "gzip":
                raise CodingError(f"goes on behind the end of its {self._coding} data")
            self._packed, self._unpacker = self._unpacker.unused_data, None  # gzip files may be joined
        return content

    def finish(self) -> None:
        """Take note of the body's end.

        Raises:
            CodingError: There should have been more.
        """
        if self._unpacker is not None and not self._unpacker.eof:
            raise CodingError(f"ends in the middle of its {self._coding} data")

    def _window(self, first: int) -> int:
        """Return zlib's name for the coding of a body that begins with this byte."""
        match self._coding:
            case "gzip":
                return _GZIP
            case "deflate":  # with zlib's header, as the standard has it, or without, as some servers do
                return _ZLIB if first & 0x0F == 8 and first >> 4 <= 7 else _RAW
            case _:
                raise CodingError("is in a content coding that was not asked for and cannot be read here")
