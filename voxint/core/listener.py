"""One who hears a session: a queue of its own, with one reader.

Only the reader waits for the socket: a task cancelled inside a send would leave half a frame on the wire. What an
answer says waits here and is looked at when the reader takes it, so that text that piles up behind a slow reader
becomes one piece, and an interrupt can take back what has not left.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Protocol

import trio
from attrs import frozen

__all__ = ["MOST_UNREAD", "Listener", "Outgoing"]

MOST_UNREAD = 1000
"""Items that may wait for a listener, beside those that it was given at once when it came. One that reads has a dozen;
chosen here so that a thousand that don't, at some 250 bytes an item, cost a machine no more than 250 MB."""

MOST_AT_ONCE = 32
"""Items that are sent in the step that queued them; the rest is the reader's, which lets other tasks run in between.
More than an answer ever says at once; half a minute of speech for one who comes back takes 6 ms to write."""


class Outgoing(Protocol):
    """Something that waits for the reader."""

    @property
    def owner(self) -> object:
        """Whose it is; what `Listener.discard` goes by."""

    def take(self, now: float) -> object:
        """Return what the reader gets, and account for it as sent at `now`."""


@frozen(eq=False)
class _Posted:
    """Something that is complete already."""

    item: object
    owner: object = None

    def take(self, now: float) -> object:
        return self.item


class Listener:
    """A first-in first-out queue with one reader.

    Its length is bounded by those who fill it: an answer waits for room with its player, and a session drops a
    listener that is not its player and reads too little. Ends and acknowledgements are never refused; their number is
    bounded by the requests.

    Args:
        drop: Called, at most a few times, where the session will not wait for this listener any more. It must not
            raise; None where nobody can be dropped, as in the library.

    Attributes:
        send_now: Sends what is queued for a reader that waits, in the step in which it was queued: without an await,
            so no cancellation can cut it. Returns False where a part is left, for the reader to send on. It must not
            raise.
        growing: The text in the queue that may still grow; the answer whose it is sees to it.
    """

    __slots__ = ("_allowed", "_closed", "_drop", "_held", "_items", "_left", "_reader", "_waits", "growing", "send_now")

    def __init__(self, drop: Callable[[], None] | None = None) -> None:
        self.send_now: Callable[[Iterable[object]], bool] | None = None
        self.growing: object = None
        self._drop = drop
        self._items: deque[Outgoing] = deque()
        self._reader = trio.lowlevel.ParkingLot()
        self._waits = False
        self._left = False
        self._held = 0
        self._closed = False
        self._allowed = MOST_UNREAD

    def __len__(self) -> int:
        return len(self._items)

    @property
    def too_slow(self) -> bool:
        """Whether more waits than may."""
        return len(self._items) >= self._allowed

    def allow(self) -> None:
        """Let what waits now wait beside `MOST_UNREAD`: it was queued at once, for one that has just come."""
        self._allowed = len(self._items) + MOST_UNREAD

    def drop(self) -> None:
        """End this listener: it reads too little, and nobody waits for it."""
        if self._drop is not None:
            self._drop()

    def waiting(self, owner: object) -> Iterator[Outgoing]:
        """Yield what waits of `owner`."""
        return (item for item in self._items if item.owner is owner)

    def queue(self, *items: Outgoing) -> None:
        """Append items, which are sent together where that can be. After `close` they are dropped: nobody reads."""
        if self._closed:
            return
        self._items.extend(items)
        if not self._held:
            self._go_on()

    @contextmanager
    def together(self) -> Iterator[None]:
        """Let what is queued in the block leave at its end, in one write if the reader waits.

        The block must not await: nothing for this listener is sent meanwhile.
        """
        self._held += 1
        try:
            yield
        finally:
            self._held -= 1
            if self._items and not self._held:
                self._go_on()

    def _go_on(self) -> None:
        """Send what is queued for a reader that waits, or wake it."""
        if self._waits and self.send_now is not None and not self._left:
            now, taken = trio.current_time(), list[object]()
            while self._items and len(taken) < MOST_AT_ONCE:
                taken.append(self._items.popleft().take(now))
            self._left = not self.send_now(taken)
            if not self._left and not self._items:
                return
        self._reader.unpark()

    def post(self, item: object) -> None:
        """Append something complete; never waits and never fails."""
        self.queue(_Posted(item))

    def post_first(self, item: object) -> None:
        """Put something in front of all that waits. Only a sign of life may overtake."""
        if not self._closed:
            self._items.appendleft(_Posted(item))
            self._reader.unpark()

    def discard(self, owner: object) -> None:
        """Throw away what waits of `owner`; what is on its way is past recall."""
        if any(item.owner is owner for item in self._items):
            self._items = deque(item for item in self._items if item.owner is not owner)

    def close(self) -> None:
        """End the queue: the reader drains what is in it, later items are dropped."""
        self._closed = True
        self._reader.unpark_all()

    async def next(self) -> object:
        """Wait for the next item and account for it as sent; None: go on with what `send_now` left.

        Waits without bound: an idle connection is normal, its end closes the queue.

        Raises:
            trio.EndOfChannel: The queue was closed and is empty.
        """
        while not self._items and not self._left:
            if self._closed:
                raise trio.EndOfChannel
            self._waits = True
            try:
                await self._reader.park()
            finally:
                self._waits = False
        if self._left:
            self._left = False
            return None
        return self._items.popleft().take(trio.current_time())
