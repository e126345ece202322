"""How much sound a microphone may bring at once, and in all."""

from __future__ import annotations

import trio

from voxint.core.audio import AudioFormat
from voxint.errors import RequestRefused

__all__ = ["MicrophonePace"]

AHEAD_S = 10.0
"""Seconds by which a microphone may be ahead of the clock; ours: what a network holds up and delivers at once."""

LONGEST_PIECE_S = 2.0
"""Seconds of sound in one piece; ours: an open microphone sends what it hears, and no recording."""


class MicrophonePace:
    """Counts what one microphone brings, from now on. Time in which it brings nothing saves up nothing.

    Args:
        source: The format that it brings.
    """

    def __init__(self, source: AudioFormat) -> None:
        self._bytes_a_second = source.bytes(1000)
        self._until = trio.current_time()  # when all that it has brought would have been heard at its own pace

    def take(self, size: int) -> None:
        """Count so many bytes more.

        Raises:
            RequestRefused: `too_large`: that is more at once, or more in all, than a microphone hears.
        """
        if size > LONGEST_PIECE_S * self._bytes_a_second:
            raise RequestRefused("too_large", f"send a microphone's sound in pieces of at most {LONGEST_PIECE_S:g} s")
        now = trio.current_time()
        until = max(now, self._until) + size / self._bytes_a_second  # half a sample too: many are some
        if until - now > AHEAD_S:
            raise RequestRefused(
                "too_large", "the microphone brings more sound than time has passed: send it as it is heard"
            )
        self._until = until
