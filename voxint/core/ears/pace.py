"""How much sound a microphone may bring at once, and in all."""

from __future__ import annotations

import trio

from voxint.core.audio import AudioFormat
from voxint.errors import RequestRefused

__all__ = ["MicrophonePace"]

AHEAD_S = 10.0
"""Seconds by which a microphone may be ahead of the clock; ours: what a network holds up and delivers at once."""

LONGEST_PIECE_S = 2.0
"""Seconds of sound in one piece; ours: it is looked at in one step, which takes some 10 ms then."""


class MicrophonePace:
    """Counts what one microphone brings, from now on.

    Args:
        source: The format that it brings.
    """

    def __init__(self, source: AudioFormat) -> None:
        self._source = source
        self._ahead_s = 0.0  # how much more has come than time has passed; what was muted is not made up for
        self._at = trio.current_time()

    def take(self, size: int) -> None:
        """Count so many bytes more.

        Raises:
            RequestRefused: `too_large`: that is more at once, or more in all, than a microphone hears.
        """
        if self._source.bytes_ms(size) > LONGEST_PIECE_S * 1000:
            raise RequestRefused("too_large", f"send a microphone's sound in pieces of at most {LONGEST_PIECE_S:g} s")
        now = trio.current_time()
        ahead_s = max(0.0, self._ahead_s - (now - self._at)) + self._source.bytes_ms(size) / 1000
        if ahead_s > AHEAD_S:
            raise RequestRefused(
                "too_large", "the microphone brings more sound than time has passed: send it as it is heard"
            )
        self._ahead_s, self._at = ahead_s, now
