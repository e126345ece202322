"""How much of something may be had in a minute and in a day: frozen values, the time handed in."""

from __future__ import annotations

import math

from attrs import evolve, frozen

__all__ = ["DAY_S", "MINUTE_S", "Bucket", "DayUse", "Rate"]

MINUTE_S = 60.0

DAY_S = 86_400.0


@frozen
class Rate:
    """So much a minute, and so much at once.

    Args:
        per_minute: What comes back in a minute; 0: there is no bound.
        burst: What may be taken at once after a rest.
    """

    per_minute: float
    burst: float


@frozen
class Bucket:
    """What is left to take at a rate.

    It may be taken below nothing, where what is taken is known afterwards only: the debt is paid off first.

    Args:
        rate: How fast it fills, and up to where.
        left: What was in it `at` that time.
        at: When that was, in seconds of the clock of all other times.
    """

    rate: Rate
    left: float
    at: float = 0.0

    @classmethod
    def full(cls, rate: Rate) -> Bucket:
        """Return a bucket of which nothing was taken yet."""
        return cls(rate, rate.burst)

    def wait_s(self, now: float) -> float:
        """Return in how many seconds one can be taken; 0: now."""
        if not self.rate.per_minute:
            return 0.0
        return max(0.0, 1.0 - self._left(now)) * MINUTE_S / self.rate.per_minute

    def take(self, now: float, amount: float = 1.0) -> Bucket:
        """Return the bucket without `amount`, whether it had that or not."""
        return evolve(self, left=self._left(now) - amount, at=now) if self.rate.per_minute else self

    def is_full(self, now: float) -> bool:
        """Return whether it is as if nothing had been taken ever."""
        return not self.rate.per_minute or self._left(now) >= self.rate.burst

    def _left(self, now: float) -> float:
        return min(self.rate.burst, self.left + (now - self.at) * self.rate.per_minute / MINUTE_S)


@frozen
class DayUse:
    """What was used in a day, which begins with the first use: a budget has no midnight at which all come at once.

    Args:
        used: So much.
        begin: When the day began.
    """

    used: float = 0.0
    begin: float = -math.inf

    def add(self, now: float, amount: float) -> DayUse:
        """Return what is used with `amount` more."""
        return DayUse(amount, now) if now >= self.begin + DAY_S else evolve(self, used=self.used + amount)

    def wait_s(self, now: float, budget: float) -> float:
        """Return in how many seconds there is something of `budget` again; 0: now, as always where it is 0."""
        ends_in = self.begin + DAY_S - now
        return ends_in if budget and self.used >= budget and ends_in > 0 else 0.0
