"""Who is answered while the server has more to do than it can: those who were lately. Pure; the time is handed in.

A server of one event loop that takes everybody makes everybody wait. So the set of those who are served freezes when
the loop is busy, and shrinks from its newest end while it is full: who was there first keeps what was promised.
"""

from __future__ import annotations

import math

from attrs import define, field

__all__ = ["FEW", "Admission"]

FEW = 16
"""So many are always served, chosen here: a core carries ten times as many, so what keeps it busy is then something
else, and to refuse callers would not help."""

LOOK_S = 1.0
"""How often it is looked at the load: ours, as long as the load is measured over."""

KEEP = (0.75, 0.6, 0.5)
"""What of those served is kept where the loop is full, for the first time, the second in a row, and from then on: ours.
How far beyond full a loop is can't be seen, so it is found in steps: small for a little too much, and so that twice too
much is found in two."""

GROWTH = 0.03
"""What may be added in a second to those who are served, after the loop was busy: ours. What they cost is seen a second
or two later, so too many by a twentieth are taken at the most."""

SETTLE_S = 2.0
"""From the end of the last answer of those who were refused until the load is judged again: ours, twice `LOOK_S`."""

PATIENCE_S = 8.0
"""How long an answer of somebody refused is waited for before the load is judged again: ours, most have ended."""

CALM = 0.9
"""Below this part of `busy_share` newcomers are taken again after it was passed: ours, so that it does not flutter."""


@define(eq=False)
class Admission:
    """The sessions that are being served.

    Args:
        busy_share: While the loop is busy for this share of the time nobody is added; 1 or more: everybody always is.
        full_share: While it is so for this share the newest are taken out.
        served_s: Who asked within so many seconds is being served.
    """

    busy_share: float
    full_share: float
    served_s: float
    _served: dict[str, float] = field(init=False, factory=dict)  # when each asked last, in the order in which they came
    _speaking: set[str] = field(init=False, factory=set)
    _leaving: set[str] = field(init=False, factory=set)  # taken out, and their last answer goes on
    _room: float = field(init=False, default=math.inf)
    _look_at: float = field(init=False, default=-math.inf)
    _crowded_until: float = field(init=False, default=-math.inf)
    _judge_at: float = field(init=False, default=-math.inf)
    _full_in_a_row: int = field(init=False, default=0)

    def admits(self, session: str, now: float, busy: float) -> bool:
        """Return whether a request of `session` may begin, the loop being busy for this share of the time."""
        if self.busy_share >= 1:
            return True
        self._look(now, busy)
        return session in self._served or self._room >= 1 or len(self._served) < FEW

    def admits_newcomer(self, now: float, busy: float) -> bool:
        """Return whether somebody new may register."""
        if self.busy_share >= 1:
            return True
        self._look(now, busy)
        return busy < self.full_share or len(self._served) < FEW

    def began(self, session: str, now: float) -> None:
        """Note that a request of `session` has begun."""
        if session not in self._served:
            self._room -= 1
        self._served[session] = now
        self._speaking.add(session)
        self._leaving.discard(session)

    def ended(self, session: str, now: float) -> None:
        """Note that no request of `session` is live any more."""
        self._speaking.discard(session)
        if session in self._served:
            self._served[session] = now
        if session in self._leaving:
            self._leaving.discard(session)
            if not self._leaving:
                self._judge_at = now + SETTLE_S

    def forget(self, session: str) -> None:
        """Note that `session` is gone."""
        self._served.pop(session, None)
        self._speaking.discard(session)
        self._leaving.discard(session)

    def _look(self, now: float, busy: float) -> None:
        if now < self._look_at:
            return
        self._look_at = now + LOOK_S
        idle = [who for who, at in self._served.items() if at < now - self.served_s and who not in self._speaking]
        for who in idle:
            del self._served[who]
        if busy >= self.busy_share:
            self._crowded_until = now + self.served_s
        if now >= self._judge_at:
            if busy >= self.full_share:
                self._take_out_newest(now)
            else:
                self._full_in_a_row = 0
        self._room = self._room_at(now, busy)

    def _take_out_newest(self, now: float) -> None:
        keep = KEEP[min(self._full_in_a_row, len(KEEP) - 1)]
        self._full_in_a_row += 1
        newest = list(self._served)[max(FEW, int(len(self._served) * keep)) :]
        for who in newest:
            del self._served[who]
        self._leaving = self._speaking.intersection(newest)
        self._judge_at = now + (PATIENCE_S if self._leaving else SETTLE_S)

    def _room_at(self, now: float, busy: float) -> float:
        """Return how many may be added until the next look: where the loop has something to do, half of what fits.

        Each newcomer is taken to cost what one of those costs who speak. After it was busy it grows slowly.
        """
        crowded = now < self._crowded_until
        if busy >= (CALM if crowded else 1) * self.busy_share:
            return 0
        if not crowded and busy < self.busy_share / 2:
            return math.inf
        fits = len(self._speaking) * (self.busy_share / max(busy, 0.01) - 1) / 2
        return max(1, round(min(fits, GROWTH * len(self._served)) if crowded else fits))
