"""Fair turns at what callers share: one waits for its own kind, not for everybody who asked before.

Whose turn it is goes round the callers, and within one caller round its sessions. So a caller who asks for fifty things
makes its own requests wait and nobody else's.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Generic, TypeVar

import trio
import trio.lowlevel
from attrs import define, field

__all__ = ["LANE", "FairQueue", "Lane", "Shared"]

Lane = tuple[str, ...]
"""Who waits, from the outside in: a caller, and its session."""

LANE: ContextVar[Lane] = ContextVar("voxint lane", default=())
"""The lane of the task that runs. A request's first task sets it, and every task below has it, threads included."""

T = TypeVar("T")


class FairQueue(Generic[T]):
    """Those who wait, each in its lane. Whoever is taken, others' lanes come before its own again.

    A lane of several parts is a queue of queues: first round the first parts, then round the second parts of one.
    """

    def __init__(self) -> None:
        self._own: deque[T] = deque()  # those whose lane ends here
        self._below: OrderedDict[str, FairQueue[T]] = OrderedDict()
        self._own_next = True
        self._last: str | None = None  # which of those below had the last turn

    def __bool__(self) -> bool:
        return bool(self._own or self._below)

    def push(self, lane: Lane, item: T) -> None:
        """Let `item` wait behind those of its lane."""
        if not lane:
            self._own.append(item)
            return
        if lane[0] not in self._below:
            self._below[lane[0]] = FairQueue()
        self._below[lane[0]].push(lane[1:], item)

    def passed(self, lane: Lane) -> None:
        """Note that one of `lane` had a turn without having had to wait: others of that caller come behind others."""
        self._last = lane[0] if lane else None

    def pop(self) -> T:
        """Take the one whose turn it is.

        Raises:
            IndexError: Nobody waits.
        """
        if self._own and (self._own_next or not self._below):
            self._own_next = False
            return self._own.popleft()
        self._own_next = True
        if not self._below:
            raise IndexError("nobody waits")
        if self._last is not None and self._last in self._below:
            self._below.move_to_end(self._last)
        name, queue = self._below.popitem(last=False)
        self._last = name
        item = queue.pop()
        if queue:
            self._below[name] = queue  # behind all others
        return item

    def remove(self, lane: Lane, item: T) -> bool:
        """Take out one that waits no more; return whether it was there."""
        if not lane:
            if item not in self._own:
                return False
            self._own.remove(item)
            return True
        queue = self._below.get(lane[0])
        if queue is None or not queue.remove(lane[1:], item):
            return False
        if not queue:
            del self._below[lane[0]]
        return True


@define(eq=False)
class _Waiting(Generic[T]):
    """A task that waits, and what it gets."""

    task: trio.lowlevel.Task
    got: list[T] = field(factory=list)


class Shared(Generic[T]):
    """Things that tasks take in fair turns, by the lane that each task is in."""

    def __init__(self, *things: T) -> None:
        self._free: deque[T] = deque(things)
        self._queue: FairQueue[_Waiting[T]] = FairQueue()
        self._patient: FairQueue[_Waiting[T]] = FairQueue()

    def put(self, thing: T) -> None:
        """Give `thing` to the one whose turn it is, or keep it until somebody comes."""
        if queue := self._queue or self._patient:
            waiting = queue.pop()
            waiting.got.append(thing)
            trio.lowlevel.reschedule(waiting.task)
        else:
            self._free.append(thing)

    async def take(self, *, patient: bool = False) -> T:
        """Wait for a thing, without bound: whoever calls it bounds it. Cancelled, it has taken nothing.

        The thing has to be `put` back by whoever has it.

        Args:
            patient: Whether all who are not go first, whoever's they are.
        """
        queue = self._patient if patient else self._queue
        if self._free:  # then nobody waits: `put` keeps nothing back from who does
            await trio.lowlevel.checkpoint_if_cancelled()
            thing = self._free.popleft()
            queue.passed(LANE.get())
            await trio.lowlevel.cancel_shielded_checkpoint()
            return thing
        lane, waiting = LANE.get(), _Waiting[T](trio.lowlevel.current_task())
        queue.push(lane, waiting)

        def abort(_: object) -> trio.lowlevel.Abort:
            queue.remove(lane, waiting)
            return trio.lowlevel.Abort.SUCCEEDED

        await trio.lowlevel.wait_task_rescheduled(abort)
        return waiting.got[0]

    def discard(self, thing: T) -> None:
        """Give up a thing that is no good any more, if nobody has it."""
        if thing in self._free:
            self._free.remove(thing)

    @asynccontextmanager
    async def turn(self, *, patient: bool = False) -> AsyncIterator[T]:
        """Have a thing for as long as the block lasts; see `take`."""
        thing = await self.take(patient=patient)
        try:
            yield thing
        finally:
            self.put(thing)
