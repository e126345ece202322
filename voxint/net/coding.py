"""Content codings: a body that comes compressed although nobody asked for it (RFC 9110, 8.4)."""

from __future__ import annotations

import zlib
from typing import Protocol

__all__ = ["CodingError", "ContentDecoder"]

PIECE_BYTES = 1 << 16
"""Of content at a time, as much as one read of a socket brings; ours: a tenth of a millisecond of zlib's work."""

PACKED_BYTES = 1 << 12
"""Of packed data at a time: 4 KiB can hold 200 gzip files without content, each with an unpacker of its own."""

FREE_BYTES = 1 << 20
"""Of content that no ratio is asked of: a short answer of nothing but repetitions is no bomb yet."""

MOST_RATIO = 200
"""How many times its packed size a body may be, beyond those; ours: the events of a model's stream, which are nearly
alike, come to 50, and what is made to be a bomb to 1,000."""

MOST_BYTES = 1 << 26
"""Of the content of one body that came packed though nobody asked for it; ours: an hour of telephone speech, or
a model's events for some hundred thousand tokens."""

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

    def copy(self) -> _Unpacker: ...


class CodingError(ValueError):
    """The body is not what its head says; the words go on behind "its answer".

    Attributes:
        before: The content that stood before the fault, in what was taken last.
    """

    before = b""


class ContentDecoder:
    """Unpacks a body, as far as Python's own library can: one layer, with a bound on each step and on the whole.

    Args:
        coding: The value of ``content-encoding``, such as ``gzip``.
    """

    def __init__(self, coding: str) -> None:
        self._coding = coding.strip().lower().removeprefix("x-")
        self._unpacker: _Unpacker | None = None
        self._packed = b""
        self._at = 0  # of `_packed`, what was taken
        self._taken = self._given = 0  # bytes in all
        self._held_back = False  # zlib may keep content for itself when all that was packed is taken

    @property
    def pending(self) -> bool:
        """Whether there is more content in what was fed already: feed nothing to have it."""
        return self._held_back or self._at < len(self._packed)

    def feed(self, data: bytes) -> bytes:
        """Return the content that `data` brings, `PIECE_BYTES` at most; may be empty.

        One call is one step: what is over when it returns is `pending`, and let others run before the next.

        Raises:
            CodingError: It is not in this coding, or in one that cannot be read, or it unpacks to far too much.
        """
        if data:
            self._packed, self._at = self._packed[self._at :] + data, 0
        end = min(len(self._packed), self._at + PACKED_BYTES)
        pieces: list[bytes] = []
        room = PIECE_BYTES
        while room and (self._at < end or self._held_back):
            try:
                content = self._unpack(end, room)
            except CodingError as error:
                error.before = b"".join((*pieces, error.before))
                raise
            room -= len(content)
            pieces.append(content)
        return b"".join(pieces)

    def _unpack(self, end: int, room: int) -> bytes:
        """Unpack what was fed up to `end`, or to the end of a gzip file in it; at most `room` bytes of content."""
        packed = self._packed[self._at : end]
        if self._unpacker is None:
            self._unpacker = zlib.decompressobj(self._window(packed[0]))
        before = self._unpacker.copy()
        try:
            content = self._unpacker.decompress(packed, room)
        except zlib.error:
            damaged = CodingError(f"says that it is compressed ({self._coding}) and is not, or is damaged")
            damaged.before = _sound(before, packed, room)
            raise damaged from None
        self._held_back = len(content) == room
        rest = len(self._unpacker.unconsumed_tail) + len(self._unpacker.unused_data)
        self._at = end - rest
        self._bound(len(packed) - rest, len(content))
        if self._unpacker.eof and rest:
            if self._coding != "gzip":
                raise CodingError(f"goes on behind the end of its {self._coding} data")
            self._unpacker = None  # gzip files may be joined
            self._held_back = False
        return content

    def _bound(self, packed: int, content: int) -> None:
        """Account for a step, and refuse a body that is made to unpack without end."""
        self._taken += packed
        self._given += content
        if self._given > min(MOST_BYTES, max(FREE_BYTES, MOST_RATIO * self._taken)):
            raise CodingError(
                f"unpacks to far more than it may: over {self._given >> 10:,} KiB from {self._taken >> 10:,} KiB of "
                f"{self._coding}"
            )

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
            case _ if "," in self._coding:
                raise CodingError("is packed in more than one content coding, and none was asked for")
            case _:
                raise CodingError("is in a content coding that was not asked for and cannot be read here")


def _sound(unpacker: _Unpacker, packed: bytes, room: int) -> bytes:
    """Return the content of the longest part of `packed` that is not damaged; found in a dozen tries."""
    content, good, bad = b"", 0, len(packed)
    while bad - good > 1:
        middle = (good + bad) // 2
        try:
            content = unpacker.copy().decompress(packed[:middle], room)
            good = middle
        except zlib.error:
            bad = middle
    return content
