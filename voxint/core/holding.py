"""The hold of one answer: since when nothing of it leaves, and what it did to who plays it."""

from __future__ import annotations

from collections.abc import Callable
from math import inf

import trio

from voxint.core.alarms import Alarms
from voxint.core.events import Voice
from voxint.core.fade import FADE_MS, FadeIn
from voxint.core.listener import Listener
from voxint.core.pieces import VoicePiece
from voxint.core.playout import PlayoutLedger

__all__ = ["HoldLimit", "Holding"]


class Holding:
    """Whether one answer waits, and where its playing stands meanwhile.

    An answer is held when it was heard of, and whoever plays it pauses; it is withheld from its birth where nobody may
    hear of it yet. Who pauses goes on at the release with the very next sample. Who does not pause plays out what it
    has; where that was over by the release, the first moment of what comes then is faded in.

    Args:
        ledger: The answer's.

    Attributes:
        since: When it began, in seconds of trio's clock; None: nothing is held.
        withheld: Whether nobody has heard of the answer, and nobody will unless it is given out.
        stood_s: How long the playing has stood in all, in seconds.
        plays_until: Until when whoever plays has something to play of what it had or was kept back at the last release,
            on trio's clock.
    """

    __slots__ = ("_fade", "_full_at", "_keeps", "_ledger", "plays_until", "since", "stood_s", "withheld")

    def __init__(self, ledger: PlayoutLedger) -> None:
        self.since: float | None = None
        self.withheld = False
        self.stood_s = 0.0
        self.plays_until = -1.0
        self._ledger = ledger
        self._keeps = False
        self._full_at: float = inf
        self._fade: FadeIn | None = None

    @property
    def held(self) -> bool:
        """Whether it was heard of, and is held."""
        return self.since is not None and not self.withheld

    @property
    def keeps_back(self) -> bool:
        """Whether what is said may not leave: an answer that was sent to its end has nothing to keep back."""
        return self._keeps

    def begin(self, now: float, full_at: float | None) -> None:
        """Hold from now on.

        Args:
            now: In seconds of trio's clock.
            full_at: Characters of the answer's text from which on it is full; None: it has ended.
        """
        self.since = now
        self._keeps = full_at is not None
        self._full_at = inf if full_at is None else full_at

    def full(self, chars: int) -> bool:
        """Return whether an answer with so many characters has written as much as it may meanwhile."""
        return chars >= self._full_at

    def played_by(self, player: Listener | None, now: float, *, waits: bool = False) -> None:
        """Let the playing stand where it is that of one who pauses, or who has not got what it lacks; else go on.

        Args:
            player: Who plays it from now on; None: nobody, and it stands as it did.
            now: In seconds of trio's clock.
            waits: Whether what it lacks is kept back.
        """
        if not self.held or player is None:
            return
        if player.pauses or waits:
            self._ledger.pause(now)
        else:
            self.stood_s += self._ledger.go_on(now)

    def end(self, answer: object, player: Listener | None, now: float) -> float:
        """Go on; return how long the playing has stood, in seconds.

        Args:
            answer: Whose it is.
            player: Who plays it; what waits for it comes first.
            now: In seconds of trio's clock.
        """
        stood_s = self._ledger.go_on(now)
        self.stood_s += stood_s
        self.forget()
        if player is None:
            return stood_s
        until = self._ledger.playing_until
        waits = [item for item in player.waiting(answer) if isinstance(item, VoicePiece)]
        left = max(0, waits[-1].upto - self._ledger.sent_samples) if waits else 0  # of what is new to any player
        self.plays_until = max(now, until or now) + left / self._ledger.audio_format.rate
        if not player.pauses and not stood_s and until is not None and until <= now:
            self._fade = FadeIn(self._ledger.audio_format.samples(FADE_MS))
            for item in waits:
                item.event = Voice(self._fade.feed(item.event.audio))
        return stood_s

    def forget(self) -> None:
        """Hold nothing any more: it is over, or whoever would go on has ended."""
        self.since = None
        self._keeps = False
        self._full_at = inf

    def faded(self, pieces: tuple[bytes, ...]) -> tuple[bytes, ...]:
        """Return pieces of speech as they are to leave, where a gap was before them."""
        if self._fade is None:
            return pieces
        pieces = tuple(map(self._fade.feed, pieces))
        if self._fade.over:
            self._fade = None
        return pieces


class HoldLimit:
    """When a hold ends by itself, decided or not.

    While the request works its guard sleeps for it. An answer that has ended has no guard any more: then it takes a
    task, one for each such hold, which is in `sleep`.

    Args:
        alarms: The request's.
        reached: Called then, while the request works.
    """

    __slots__ = ("_alarm", "_over")

    def __init__(self, alarms: Alarms, reached: Callable[[], object]) -> None:
        self._alarm = alarms.alarm(reached)
        self._over: trio.Event | None = None  # of the hold that lasts

    def begin(self, seconds: float) -> None:
        """End the hold in so many seconds."""
        self._over = trio.Event()
        self._alarm.set(trio.current_time() + seconds)

    def end(self) -> None:
        """Note that the hold is over."""
        self._alarm.clear()
        if self._over is not None:
            self._over.set()
            self._over = None

    async def sleep(self) -> bool:
        """Sleep until the limit, which bounds it, or until the hold is over; return whether the limit was reached."""
        if (over := self._over) is None:
            return False
        with trio.move_on_at(self._alarm.due):
            await over.wait()
        return not over.is_set()
