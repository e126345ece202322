"""What has come and was not read yet, within a bound: a slow reader holds up nothing but itself."""

from __future__ import annotations

from collections import deque
from typing import Generic, TypeVar

import trio
from attrs import evolve

from voxint.core.events import Endpoint, Event, Marks, Text, Understood, Voice
from voxint.errors import ReplyOverflow, ServerError

__all__ = ["Unread", "event_bytes"]

EVENT_BYTES = 128  # ours: what an event weighs beside its text or audio
MARK_BYTES = 108  # what each mark weighs: a tuple, a float and an int

_T = TypeVar("_T")


def event_bytes(event: Event) -> int:
    """Return what an event weighs in memory, roughly."""
    match event:
        case Voice():
            return EVENT_BYTES + len(event.audio)
        case Text() | Understood() | Endpoint():
            return EVENT_BYTES + len(event.text)
        case Marks():
            return EVENT_BYTES + MARK_BYTES * len(event.marks)
    return EVENT_BYTES


class Unread(Generic[_T]):
    """A queue with one end: complete, or failed.

    Args:
        limit_bytes: What it may hold.
    """

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._items: deque[tuple[_T, int]] = deque()
        self._bytes = 0
        self._failure: Exception | None = None
        self._ended = False
        self._news = trio.lowlevel.ParkingLot()

    @property
    def last(self) -> _T | None:
        """What came last, if it was not read."""
        return self._items[-1][0] if self._items else None

    @property
    def items(self) -> tuple[_T, ...]:
        """What was not read, the oldest first."""
        return tuple(item for item, _ in self._items)

    def put(self, item: _T, size: int, whose: str) -> None:
        """Append an item.

        Args:
            item: What has come.
            size: What it weighs, in bytes.
            whose: Of what it is, for the error.

        Raises:
            ReplyOverflow: More is unread than the limit. All of it is gone, and whoever reads gets the same error.
        """
        if self._bytes + size > self._limit_bytes:
            error = ReplyOverflow(f"{whose} was not read while {self._limit_bytes} bytes came: read it or interrupt it")
            self.clear()
            self.fail(error)
            raise error
        self._bytes += size
        self._items.append((item, size))
        self._news.unpark()

    def put_last(self, item: _T) -> None:
        """Append what is never refused, and end."""
        self._items.append((item, 0))
        self.end()

    def clear(self) -> None:
        """Throw away what is unread."""
        self._items.clear()
        self._bytes = 0

    def replace(self, items: tuple[tuple[_T, int], ...]) -> None:
        """Have these unread in place of what is."""
        self._items = deque(items)
        self._bytes = sum(size for _, size in items)

    def end(self) -> None:
        """Note that nothing more comes."""
        self._ended = True
        self._news.unpark_all()

    def fail(self, error: Exception) -> None:
        """Note that nothing more comes but this error; the first one stands."""
        if self._failure is None:
            self._failure = error
        self.end()

    async def next(self) -> _T:
        """Wait for the next item; whoever fills this bounds the wait.

        Raises:
            StopAsyncIteration: It has ended.
            Exception: What it has failed with, once all was read.
        """
        await trio.lowlevel.checkpoint()
        while not self._items:
            if self._failure is not None:
                # A copy: several tasks may raise it, each with its own traceback.
                raise evolve(self._failure) if isinstance(self._failure, ServerError) else self._failure
            if self._ended:
                raise StopAsyncIteration
            await self._news.park()
        item, size = self._items.popleft()
        self._bytes -= size
        return item
