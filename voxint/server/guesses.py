"""Who brings wrong keys: each address waits longer for every one, and the operator hears of each burst once."""

from __future__ import annotations

from collections import OrderedDict
from math import inf

import trio
from attrs import define, field

from voxint.logs import get_logger

__all__ = ["FIRST_PAUSE_S", "QUIET_S", "Guesses"]

FIRST_PAUSE_S = 0.25
"""How long the first wrong key of an address is paid for; each further one twice as long. Ours: a person who mistyped
one does not notice, and all that is reckoned for a refusal takes less, so that the time tells nothing."""

QUIET_S = 60.0
"""Without a wrong key for so long, an address's burst is over."""

MOST_ADDRESSES = 4096
"""That are remembered; ours: a megabyte. Who has been quiet for longest is forgotten first."""

log = get_logger()


@define
class _Burst:
    """Wrong keys of one address.

    Args:
        tries: How many.
        began: When the first came, on trio's clock.
        last: When the last came.
    """

    tries: int
    began: float
    last: float


@define(eq=False)
class Guesses:
    """The wrong keys of a server's strangers.

    Args:
        most_pause_s: The longest that one is paid for, in seconds.
    """

    most_pause_s: float
    _bursts: OrderedDict[str, _Burst] = field(init=False, factory=OrderedDict)
    _news: trio.lowlevel.ParkingLot = field(init=False, factory=trio.lowlevel.ParkingLot)

    def failed(self, address: str) -> float:
        """Note a wrong key, and return how long to wait with the answer, in seconds."""
        now = trio.current_time()
        burst = self._bursts.get(address)
        if burst is None or burst.last + QUIET_S <= now:
            self._end(address)
            burst = _Burst(0, now, now)
            log.warning("a wrong key", address=address)
            if len(self._bursts) >= MOST_ADDRESSES:
                self._end(next(iter(self._bursts)))
            if not self._bursts:
                self._news.unpark_all()
        burst.tries += 1
        burst.last = now
        self._bursts[address] = burst
        self._bursts.move_to_end(address)
        return float(min(self.most_pause_s, FIRST_PAUSE_S * 2.0 ** min(burst.tries - 1, 64)))

    async def run(self, until: trio.CancelScope) -> None:
        """Log the end of each burst, until `until` is cancelled; it waits without bound while there is none."""
        with until:
            while True:
                ends = next((burst.last + QUIET_S for burst in self._bursts.values()), inf)
                with trio.move_on_at(ends):
                    await self._news.park()
                now = trio.current_time()
                while self._bursts and next(iter(self._bursts.values())).last + QUIET_S <= now:
                    self._end(next(iter(self._bursts)))

    def _end(self, address: str) -> None:
        burst = self._bursts.pop(address, None)
        if burst is not None and burst.tries > 1:
            lasted_s = round(burst.last - burst.began, 1)
            log.warning("wrong keys have ended", address=address, tries=burst.tries, lasted_s=lasted_s)
