"""A job for a recogniser's process, and its answer; needs the standard library alone, for both sides import it.

A hint is what the recogniser itself made of the beginning of the same sound, in its own code: it may spare it work.
What is known of a sound beforehand, such as its language, is told by a hint too.
"""

from __future__ import annotations

import struct

__all__ = ["RECOGNISE", "packed", "unpacked"]

RECOGNISE = 1
"""The kind of job: a hint and 16-bit samples at 16 kHz in; a hint and words in UTF-8 out."""

_SIZE = struct.Struct(">I")


def packed(hint: bytes, rest: bytes) -> bytes:
    """Return a hint with the sound, or with the words, that it is of."""
    return _SIZE.pack(len(hint)) + hint + rest


def unpacked(payload: bytes) -> tuple[bytes, bytes]:
    """Return the hint, and the rest."""
    (size,) = _SIZE.unpack_from(payload)
    return payload[_SIZE.size : _SIZE.size + size], payload[_SIZE.size + size :]
