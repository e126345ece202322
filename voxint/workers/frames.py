"""What goes through the pipes between us and an engine's process: frames of a kind, the number of a job, and bytes."""

from __future__ import annotations

import struct
from typing import BinaryIO

__all__ = [
    "ABORT",
    "ABORTED",
    "DONE",
    "FAILED",
    "HEADER",
    "MISSING",
    "MOST_BYTES",
    "MOST_KINDS",
    "READY",
    "Frame",
    "packed",
    "read",
]

HEADER = struct.Struct(">BII")
"""Before every frame, both ways: what it is, the number of its job (0: of none), and how many bytes follow."""

MOST_BYTES = 2**26
"""Most bytes of an answer that the parent takes. Ours: some 20 minutes of speech, where an engine makes seconds; one
whose C code has gone wrong may say that 4 GiB follow."""

MOST_KINDS = 200
"""Below it are the kinds of jobs, which are the engine's own."""

ABORT = 200
"""To the child: end the job of this number, if it is still at work on it."""

READY, DONE, FAILED, ABORTED, MISSING = 210, 211, 212, 213, 214
"""From it: it can begin, and facts; the answer to a job; that the job failed, or that it can't begin, and why; that it
has let go of a job; that a package is not there."""

Frame = tuple[int, int, bytes]


def packed(kind: int, number: int, payload: bytes = b"") -> bytes:
    """Return a frame as it is written."""
    return HEADER.pack(kind, number, len(payload)) + payload


def read(stream: BinaryIO) -> Frame | None:
    """Return the next frame of a blocking stream; None at its end, wherever that is."""
    head = stream.read(HEADER.size)
    if len(head) < HEADER.size:
        return None
    kind, number, size = HEADER.unpack(head)
    payload = stream.read(size)
    return None if len(payload) < size else (kind, number, payload)
