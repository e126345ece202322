"""Turns at something scarce for callers who each play what they got: who runs dry soonest comes first.

Whoever is dry already waits in fair turns, as everywhere (`core.turns`), so that a caller with many sessions makes its
own wait and nobody else's. Whoever still has something to play comes behind them, the one with the least first.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Generic, TypeVar

import trio
import trio.lowlevel

from voxint.core.turns import LANE, FairQueue, Lane

__all__ = ["DeadlineQueue", "DeadlineTurns"]

T = TypeVar("T")


class DeadlineQueue(Generic[T]):
    """Those who wait, each in its lane and with the time at which it runs dry."""

    def __init__(self) -> None:
        self._supplied: list[tuple[float, int, Lane, T]] = []  # a heap: they have something left to play
        self._dry: FairQueue[T] = FairQueue()
        self._numbers = itertools.count()

    def __bool__(self) -> bool:
        return bool(self._supplied or self._dry)

    def push(self, lane: Lane, dry_at: float, item: T) -> None:
        """Let `item` wait."""
        heapq.heappush(self._supplied, (dry_at, next(self._numbers), lane, item))

    def pop(self, now: float) -> T:
        """Take the one whose turn it is.

        Raises:
            IndexError: Nobody waits.
        """
        while self._supplied and self._supplied[0][0] <= now:
            _, _, lane, item = heapq.heappop(self._supplied)
            self._dry.push(lane, item)
        return self._dry.pop() if self._dry else heapq.heappop(self._supplied)[3]

    def passed(self, lane: Lane) -> None:
        """Note that one of `lane` had a turn without having had to wait."""
        self._dry.passed(lane)

    def remove(self, lane: Lane, item: T) -> None:
        """Take out one that waits no more."""
        if not self._dry.remove(lane, item):
            self._supplied = [each for each in self._supplied if each[3] != item]
            heapq.heapify(self._supplied)


class DeadlineTurns:
    """The right to use something that a number of tasks can use at once.

    Args:
        count: How many.
    """

    def __init__(self, count: int) -> None:
        self._free = count
        self._queue: DeadlineQueue[trio.lowlevel.Task] = DeadlineQueue()

    @asynccontextmanager
    async def turn(self, dry_at: float) -> AsyncGenerator[None]:
        """Have the right for as long as the block lasts; the wait for it is the caller's to bound.

        Cancelled, the caller has left the queue.

        Args:
            dry_at: When the caller has nothing left to play, by trio's clock; now or earlier where it has nothing.
        """
        await self._take(dry_at)
        try:
            yield
        finally:
            self._give()

    async def _take(self, dry_at: float) -> None:
        if self._free and not self._queue:
            await trio.lowlevel.checkpoint_if_cancelled()
            self._free -= 1
            self._queue.passed(LANE.get())
            await trio.lowlevel.cancel_shielded_checkpoint()
            return
        lane, task = LANE.get(), trio.lowlevel.current_task()
        self._queue.push(lane, dry_at, task)

        def abort(_: object) -> trio.lowlevel.Abort:
            self._queue.remove(lane, task)
            return trio.lowlevel.Abort.SUCCEEDED

        await trio.lowlevel.wait_task_rescheduled(abort)

    def _give(self) -> None:
        if self._queue:
            trio.lowlevel.reschedule(self._queue.pop(trio.current_time()))
        else:
            self._free += 1
