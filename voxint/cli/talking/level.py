"""Whether what the microphone hears is more than the loudspeaker."""

from __future__ import annotations

from attrs import evolve, frozen

from voxint.core.level import QUIETEST_DB

__all__ = ["Echo"]

LEARN_WINDOWS = 20
"""Windows of the loudspeaker's sound that are only learned from; ours: 0.6 s, a few syllables."""

MARGIN_DB = 6.0
"""How much louder than the echo a voice must be; ours: twice the amplitude, as of somebody who means to be heard."""

RECENT_WINDOWS = 4
"""Windows of which the loudest counts; ours: a voice sinks between two syllables for a tenth of a second."""

FADE_DB = 0.2
"""By how much a window lets the echo's level sink; ours: 6 dB a second. A pause between two sentences stays within the
margin, and a person who was taken for the echo, in the first half second of all, is heard a few seconds later."""


@frozen
class Echo:
    """How loud the microphone hears the loudspeaker, learned while it sounds.

    Args:
        level_db: Its loudest lately.
        learned: Windows that were learned from.
        recent: The levels of the last windows.
    """

    level_db: float = QUIETEST_DB
    learned: int = 0
    recent: tuple[float, ...] = ()

    @property
    def outdone(self) -> bool:
        """Whether what is heard lately can't be the loudspeaker's alone, as far as that can be told."""
        return self.learned >= LEARN_WINDOWS and max(self.recent, default=QUIETEST_DB) > self.level_db + MARGIN_DB

    def heard(self, level_db: float) -> Echo:
        """Return what is known with one window more, in which the loudspeaker sounded."""
        moved = evolve(self, recent=(*self.recent, level_db)[-RECENT_WINDOWS:])
        if moved.outdone:
            return moved  # somebody speaks: that is no echo
        sunk = max(QUIETEST_DB, self.level_db - FADE_DB)
        return evolve(moved, level_db=max(sunk, level_db), learned=min(self.learned + 1, LEARN_WINDOWS))
