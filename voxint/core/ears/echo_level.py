"""How loud a microphone hears answers: whoever is much louder is no echo, and need not be compared with one; pure."""

from __future__ import annotations

from collections import deque

from attrs import define, field

from voxint.core.level import QUIETEST_DB

__all__ = ["LEARNT_MS", "EchoLevel"]

LEARNT_MS = 1300.0
"""Milliseconds of an answer that have to sound before its echo's level is known; ours: the longest delay, and two or
three syllables."""

MARGIN_DB = 10.0
"""How much louder than the loudest echo a voice is that can't be one; ours: three times the amplitude."""

FADE_DB = 0.1
"""By how much a window lets that level sink; ours: 3 dB a second, for an answer that has become quieter."""

LATE = 8
"""Windows that are learned from only behind so many others; ours: a quarter of a second, in which the soft beginning of
a voice shows what it is."""


@define
class EchoLevel:
    """The loudest that a microphone heard lately while an answer sounded and nobody spoke."""

    _loudest_db: float = field(init=False, default=QUIETEST_DB)
    _late: deque[float] = field(init=False, factory=deque)

    def heard(self, level_db: float) -> None:
        """Take one window more in which nobody was found to speak."""
        self._late.append(level_db)
        if len(self._late) > LATE:
            self._loudest_db = max(self._late.popleft(), self._loudest_db - FADE_DB)

    def is_outdone(self, level_db: float) -> bool:
        """Return whether a window is too loud for an echo; what came right before it was the beginning of it."""
        if level_db < self._loudest_db + MARGIN_DB:
            return False
        self._late.clear()
        return True
