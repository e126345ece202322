"""What asks a request to stop: why, what was heard by then, and how late it was read."""

from __future__ import annotations

from attrs import frozen

from voxint.core.listener import Listener

__all__ = ["InterruptOrder"]


@frozen
class InterruptOrder:
    """An interrupt, as it is passed on to every request that it meets.

    Args:
        reason: Why.
        played_ms: Audio of the request heard so far, in milliseconds; None: what was reported, or the clock, says.
        player: Who says so; who is not the answer's player is not believed. None: whoever it is.
        late_s: For how long at most it waited to be read, in seconds. It is for who reads it from a socket to know;
            0: it was read in time, or a program has called, which is the instant it came.
    """

    reason: str
    played_ms: float | None = None
    player: Listener | None = None
    late_s: float = 0.0

    @property
    def read_late_ms(self) -> float | None:
        """How late it was read at most, in milliseconds, as receipts tell it; None: in time."""
        return round(self.late_s * 1000, 1) if self.late_s else None

    def played_of(self, player: Listener | None) -> float | None:
        """Return what was heard of an answer that `player` plays; None: nobody who is believed has said."""
        return self.played_ms if self.player in (None, player) else None
