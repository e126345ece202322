"""How large a frame may be, judged before it is decoded: to make objects of JSON is work in which everybody waits."""

from __future__ import annotations

from voxint.errors import WireError

__all__ = ["MOST_VALUES", "SPEECHLESS_BYTES", "check_size", "says_true"]

SPEECHLESS_BYTES = 512 * 1024
"""Of a frame without its speech; the protocol's number: twice what a session may have in prompts and functions."""

MOST_VALUES = 20_000
"""Of a frame, by the commas, colons and brackets in it; chosen here: to make so many objects takes 5 ms. 128 functions
with the largest schemas that were met have a third of it."""

KEY = '"voice"'
"""Of speech. The quotation marks of a key within another string would have backslashes in front."""

SPACE = " \t\r\n"
"""Of JSON."""

MOST_KEYS = 8
"""Looked at in a large frame; chosen here: one is the speech's, and who writes more means something else."""

BETWEEN_CHARS = 64
"""Between a key and its value: a colon and some space."""


def check_size(frame: str | bytes, max_bytes: int) -> None:
    """Refuse what would take long to decode, at the cost of looking through it.

    Args:
        frame: A text frame; as bytes it is UTF-8.
        max_bytes: The most bytes that it may have, its speech in base64 included; without that it may have
            `SPEECHLESS_BYTES`.

    Raises:
        WireError: `PAYLOAD_TOO_LARGE`.
    """
    if _exceeds(frame, max_bytes):
        raise _too_large(f"at most {max_bytes} bytes")
    if _exceeds(frame, SPEECHLESS_BYTES):
        begin, end = _speech(frame.decode("latin-1") if isinstance(frame, bytes) else frame)
        frame = frame[:begin] + frame[end:]  # type: ignore[operator]  # bytes and bytes, or str and str
        if _exceeds(frame, SPEECHLESS_BYTES):
            raise _too_large(f"at most {SPEECHLESS_BYTES} bytes without its speech")
    if len(frame) > MOST_VALUES and _values(frame) > MOST_VALUES:
        raise _too_large(f"at most {MOST_VALUES} values")


def says_true(frame: str, key: str) -> bool:
    """Return whether a large frame seems to have a true under `key`, at the cost of looking for that."""
    quoted, at = f'"{key}"', -1
    for _ in range(MOST_KEYS):
        at = frame.find(quoted, at + 1)
        if at < 0:
            break
        if frame[at + len(quoted) : at + len(quoted) + BETWEEN_CHARS].lstrip(SPACE + ":").startswith("true"):
            return True
    return False


def _too_large(expected: str) -> WireError:
    return WireError("PAYLOAD_TOO_LARGE", f"the message must have {expected}, and has more", "$")


def _exceeds(frame: str | bytes, max_bytes: int) -> bool:
    if isinstance(frame, bytes) or frame.isascii() or len(frame) > max_bytes:
        return len(frame) > max_bytes
    # A character takes at most 4 bytes: a frame far below the limit is not encoded to be measured.
    return 4 * len(frame) > max_bytes and len(frame.encode(errors="replace")) > max_bytes


def _speech(text: str) -> tuple[int, int]:
    """Return where the longest string under the key of speech begins and ends: to decode, it is one value."""
    longest, at = (0, 0), 0
    for _ in range(MOST_KEYS):
        at = text.find(KEY, at)
        if at < 0:
            break
        at += len(KEY)
        begin = text.find('"', at, at + BETWEEN_CHARS) + 1
        if begin and text[at : begin - 1].strip() == ":":
            at = text.find('"', begin)
            longest = max(longest, (begin, at), key=lambda span: span[1] - span[0])
    return longest


def _values(frame: str | bytes) -> int:
    """Return at least how many values are in a frame: each but the first is behind one of these."""
    marks = (b",", b":", b"[", b"{") if isinstance(frame, bytes) else (",", ":", "[", "{")
    return sum(frame.count(mark) for mark in marks)  # type: ignore[arg-type,misc]  # bytes in bytes, str in str
