"""A cheap `trio.sleep_until` for many streams at once: one task sleeps for all of them.

`sleep_until` costs more than all the rest of a token, about 50 of 110 µs on the machine this was written on: it makes,
enters and unwinds a cancel scope each time. Here a wait is a place in a heap and a rescheduled task.
"""

from __future__ import annotations

from heapq import heappop, heappush
from itertools import count
from math import ceil, inf

import trio
from attrs import Factory, define

__all__ = ["Ticker"]

TICKS = 1024  # a second; waits end on this grid, so that streams share wake-ups, and a token is late by 1 ms at most


@define(eq=False)
class Ticker:
    """Wakes the tasks that wait in `until`, while `run` runs."""

    _waiting: list[tuple[float, int, list[trio.lowlevel.Task]]] = Factory(list)
    _order: count[int] = Factory(count)
    _sleep: trio.CancelScope = Factory(trio.CancelScope)

    async def run(self) -> None:
        """Wake who is due, until cancelled; the sleep has no bound while nobody waits."""
        waiting = self._waiting
        while True:
            self._sleep = trio.CancelScope(deadline=waiting[0][0] if waiting else inf)
            with self._sleep:
                await trio.sleep_forever()
            now = trio.current_time()
            while waiting and waiting[0][0] <= now:
                for task in heappop(waiting)[2]:
                    trio.lowlevel.reschedule(task)

    async def until(self, due: float) -> None:
        """Sleep until the first tick at or after `due`, on trio's clock; cancelled, it leaves at once."""
        due = ceil(due * TICKS) / TICKS
        place = [trio.lowlevel.current_task()]

        def leave(_: object) -> trio.lowlevel.Abort:
            place.clear()
            return trio.lowlevel.Abort.SUCCEEDED

        heappush(self._waiting, (due, next(self._order), place))
        if due < self._sleep.deadline:
            self._sleep.deadline = due
        await trio.lowlevel.wait_task_rescheduled(leave)
