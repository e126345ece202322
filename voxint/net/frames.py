"""WebSocket frames (RFC 6455, 5.2): made, measured, and taken out of what a client sends."""

from __future__ import annotations

__all__ = [
    "BINARY",
    "CLOSE",
    "CONTINUED",
    "FINAL",
    "MOST_SKIPPED",
    "PING",
    "PONG",
    "TEXT",
    "MessageSplitter",
    "frame_of",
    "make_frame",
    "payload_span",
]

CONTINUED, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
"""The opcodes."""

FINAL = 0x80
"""In the first byte."""

MASKED = 0x80
"""In the second byte."""

FINAL_TEXT = FINAL | TEXT
FINAL_BINARY = FINAL | BINARY

MIDDLING = 126
LARGE = 127
"""Lengths that say that the length follows, in 2 bytes or in 8."""

MASK_BYTES = 4

LONGEST_CONTROL = 125
"""Of what a control frame holds, in bytes (RFC 6455, 5.5)."""

MOST_SKIPPED = 10_000
"""Frames whose heads `MessageSplitter.skip` looks at, unless told otherwise: a microphone sends 375 a second. Chosen
here: it is 5 ms of work, and a client that sends so many behind the end of its connection does not answer it."""


def make_frame(opcode: int, payload: bytes, *, masked: bool = False) -> bytes:
    """Return one final frame.

    Args:
        opcode: Such as `TEXT`.
        payload: What it holds.
        masked: As clients must, which guards proxies against crafted bytes. The mask is of zeros: for payloads of ours.
    """
    size, mask = len(payload), MASKED if masked else 0
    if size < MIDDLING:
        head = bytes((FINAL | opcode, mask | size))
    elif size < 65_536:
        head = bytes((FINAL | opcode, mask | MIDDLING)) + size.to_bytes(2, "big")
    else:
        head = bytes((FINAL | opcode, mask | LARGE)) + size.to_bytes(8, "big")
    return head + bytes(MASK_BYTES) + payload if masked else head + payload


def frame_of(message: str | bytes, *, masked: bool = False) -> bytes:
    """Return a message as one frame: str as text, bytes as binary."""
    if isinstance(message, str):
        return make_frame(TEXT, message.encode(), masked=masked)
    return make_frame(BINARY, message, masked=masked)


def payload_span(data: bytes | bytearray, at: int) -> tuple[int, int] | None:
    """Return where the payload of the frame at `at` begins and ends; None where the frame's head is not whole.

    The end may be behind the data. The mask, if there is one, stands right before the payload.
    """
    have = len(data) - at
    if have < 2:
        return None
    size, begin = data[at + 1] & 0x7F, at + 2
    if size >= MIDDLING:
        width = 2 if size == MIDDLING else 8
        if have < 2 + width:
            return None
        size, begin = int.from_bytes(data[begin : begin + width], "big"), begin + width
    if data[at + 1] & MASKED:
        begin += MASK_BYTES
    return begin, begin + size


class MessageSplitter:
    """Takes the plain messages out of what a client sends; all else is left, in order and to the byte.

    Plain is a message in one masked frame, with no more than `largest` bytes, whose text is UTF-8. Control frames,
    parts of messages, large messages and what breaks the protocol are not: they are for a general reader.

    Args:
        largest: Of a plain message, in bytes; 65,535 at most. No more than that, a frame's head and what came in one
            piece is held.
        most_skipped: Frames whose heads `skip` looks at.
    """

    def __init__(self, largest: int, most_skipped: int = MOST_SKIPPED) -> None:
        self.largest = largest
        self._most_skipped = most_skipped
        self._data = b""
        self._at = 0  # where the next frame begins
        self._passing = 0  # bytes of a frame that is left, still to come
        self._in_parts = False  # a message is under way of which more frames will come
        self._skipped = 0

    @property
    def largest(self) -> int:
        """The most bytes of a plain message; it can be changed between two frames."""
        return self._largest

    @largest.setter
    def largest(self, size: int) -> None:
        self._largest = min(size, 65_535)

    def feed(self, data: bytes | bytearray) -> None:
        """Take what the network brought; from the first frame on, all of it."""
        self._data = self._data[self._at :] + data
        self._at = 0

    def message(self) -> str | bytes | None:
        """Return the plain message that comes next, or None: something else does, or it is not whole."""
        if self._passing or (span := payload_span(self._data, self._at)) is None:
            return None
        begin, end = span
        if end > len(self._data) or not self._plain(span):
            return None
        payload = _unmask(self._data[begin - MASK_BYTES : begin], self._data[begin:end])
        if self._data[self._at] == FINAL_BINARY:
            self._at = end
            return payload
        try:
            text = payload.decode()
        except UnicodeDecodeError:
            return None
        self._at = end
        return text

    def rest(self) -> bytes:
        """Return what is here of the next frame; of a plain message or a control frame nothing until it is whole.

        Whoever does not ask `message` for a plain one gets it from here. Empty: the network has to bring more.
        """
        if self._passing:
            return self._pass(self._passing)
        if (span := payload_span(self._data, self._at)) is None:
            return b""
        if span[1] > len(self._data) and (self._plain(span) or self._control(span)):
            return b""
        first = self._data[self._at]
        if first & 0xF in (CONTINUED, TEXT, BINARY):
            self._in_parts = not first & FINAL
        return self._pass(span[1] - self._at)

    def skip(self) -> bool:
        """Throw away all that is here; return whether a Close frame was among it.

        Of the frames the heads alone are looked at, and behind `most_skipped` of them not even those.
        """
        data, at, closed = self._data, self._at + self._passing, False
        while not closed and self._skipped < self._most_skipped and (span := payload_span(data, at)) is not None:
            closed = data[at] & 0xF == CLOSE
            at = span[1]
            self._skipped += 1
        if closed or self._skipped >= self._most_skipped:
            at = len(data)
        self._data, self._at, self._passing = data[at:], 0, max(0, at - len(data))
        return closed

    def _plain(self, span: tuple[int, int]) -> bool:
        """Tell from its head whether the next frame is a plain message, but for its text's encoding."""
        begin, end = span
        size = end - begin
        first, second = self._data[self._at], self._data[self._at + 1]
        shortest = second & 0x7F < MIDDLING or (second & 0x7F == MIDDLING and size >= MIDDLING)
        return (
            first in (FINAL_TEXT, FINAL_BINARY)
            and second & MASKED != 0
            and shortest
            and size <= self._largest
            and not self._in_parts
        )

    def _control(self, span: tuple[int, int]) -> bool:
        """Tell from its head whether the next frame is a control frame of a size that is permitted."""
        return self._data[self._at] & 0x8 != 0 and span[1] - span[0] <= LONGEST_CONTROL

    def _pass(self, size: int) -> bytes:
        passed = self._data[self._at : self._at + size]
        self._at += len(passed)
        self._passing = size - len(passed)
        return passed


def _unmask(mask: bytes, payload: bytes) -> bytes:
    """Return what a client has masked (RFC 6455, 5.3), as one XOR of long numbers."""
    size = len(payload)
    key = (mask * (size // MASK_BYTES + 1))[:size]
    return (int.from_bytes(payload, "little") ^ int.from_bytes(key, "little")).to_bytes(size, "little")
