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
"""Items that are sent in one step of who has something to say; more is left to the reader. Ours: a second of speech,
some 2 ms of work, and all that an answer at its usual pace ever has at once."""


MOST_UNREAD_BYTES = 512 * 1024
"""What may wait for a listener, in bytes of audio and characters of text, beside that; ours: sixteen seconds of 16 kHz
speech, so that a thousand listeners that don't read cost a machine half a gigabyte at most."""

SMALL = 256
"""What something small counts for, in bytes; roughly its JSON."""


class Outgoing(Protocol):
    """Something that waits for the reader."""

    @property
    def size(self) -> int:
        """What it holds, in bytes of audio and characters of text."""

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
    size: int = SMALL

    def take(self, now: float) -> object:
        return self.item


class Listener:
    """A first-in first-out queue with one reader.

    Its length is bounded by those who fill it: an answer waits for room with its player, and drops a listener that is
    not its player and reads too little. Ends and acknowledgements are never refused; their number is bounded by the
    requests.

    Args:
        drop: Called, at most a few times, where the session will not wait for this listener any more. It must not
            raise; None where nobody can be dropped, as in the library.
        pauses: Whether it pauses where it is while an answer is held; False: it plays out what it has.
        marks: Whether it is told how an answer's text and sound align.

    Attributes:
        send_now: Sends what is queued for a reader that waits, in the step in which it was queued: without an await,
            so no cancellation can cut it. Returns False where a part is left, for the reader to send on. It must not
            raise.
        growing: The text in the queue that may still grow; the answer whose it is sees to it.
    """

    __slots__ = (
        "_allowed",
        "_aside",
        "_bytes",
        "_closed",
        "_corked",
        "_drop",
        "_items",
        "_left",
        "_reader",
        "_sending",
        "_waits",
        "growing",
        "marks",
        "pauses",
        "send_now",
    )

    def __init__(self, drop: Callable[[], None] | None = None, *, pauses: bool = True, marks: bool = False) -> None:
        self.pauses = pauses
        self.marks = marks
        self.send_now: Callable[[Iterable[object]], bool] | None = None
        self.growing: object = None
        self._drop = drop
        self._items: deque[Outgoing] = deque()
        self._aside: dict[object, list[Outgoing]] = {}  # what may not leave yet, by its owner
        self._reader = trio.lowlevel.ParkingLot()
        self._waits = False
        self._left = False
        self._corked = 0
        self._closed = False
        self._sending = False
        self._bytes = 0
        self._allowed = (MOST_UNREAD, MOST_UNREAD_BYTES)

    def __len__(self) -> int:
        return len(self._items)

    @property
    def too_slow(self) -> bool:
        """Whether more waits than may."""
        items, size = self._allowed
        return self._count() >= items or self._bytes >= size

    def _count(self) -> int:
        return len(self._items) + sum(map(len, self._aside.values()))

    def allow(self) -> None:
        """Let what waits now wait beside the bounds: it was queued at once, for one that has just come."""
        self._allowed = (self._count() + MOST_UNREAD, self._bytes + MOST_UNREAD_BYTES)

    def grew(self, size: int) -> None:
        """Note that something that waits has become larger."""
        self._bytes += size

    def drop(self) -> None:
        """End this listener: it reads too little, and nobody waits for it."""
        if self._drop is not None:
            self._drop()

    def waiting(self, owner: object) -> Iterator[Outgoing]:
        """Yield what waits of `owner`, what was set aside too."""
        yield from [item for item in self._items if item.owner is owner]
        yield from self._aside.get(owner, ())

    def queue(self, *items: Outgoing) -> None:
        """Append items of one owner, which are sent together where that can be.

        After `close` they are dropped: nobody reads.
        """
        if self._closed or not items:
            return
        for item in items:
            self._bytes += item.size
        if self._aside and (aside := self._aside.get(items[0].owner)) is not None:
            aside.extend(items)
            return
        self._items.extend(items)
        if not self._corked:
            self._send()

    def set_aside(self, owner: object) -> None:
        """Let nothing of `owner` leave until `put_back`: neither what waits nor what is queued meanwhile."""
        if owner not in self._aside:
            self._aside[owner] = [item for item in self._items if item.owner is owner]
            if self._aside[owner]:
                self._items = deque(item for item in self._items if item.owner is not owner)

    def put_back(self, owner: object) -> None:
        """Append what was set aside of `owner`, in its order, and let what is queued from now on leave."""
        items = self._aside.pop(owner, ())
        if items and not self._closed:
            self._items.extend(items)
            if not self._corked:
                self._send()

    @contextmanager
    def together(self) -> Iterator[None]:
        """Let what is queued in the block leave at its end, in one write if the reader waits; it must not await."""
        self._corked += 1
        try:
            yield
        finally:
            self._corked -= 1
            if self._items and not self._corked:
                self._send()

    def _send(self) -> None:
        """Send what is queued for a reader that waits, or wake it."""
        if self._sending:
            return  # what is queued because something was taken goes along
        if self._waits and self.send_now is not None and not self._left:
            now, taken = trio.current_time(), list[object]()
            self._sending = True
            try:
                while self._items and len(taken) < MOST_AT_ONCE:
                    taken.append(self._take(now))
            finally:
                self._sending = False
            self._left = not self.send_now(taken)
            if not self._left and not self._items:
                return
        self._reader.unpark()

    def post(self, item: object) -> None:
        """Append something complete; never waits and never fails."""
        self.queue(_Posted(item))

    def post_first(self, item: object) -> None:
        """Put something in front of all that waits: a sign of life, or what has to be known before all else."""
        if not self._closed:
            first = _Posted(item)
            self._items.appendleft(first)
            self._bytes += first.size
            self._reader.unpark()

    def discard(self, owner: object) -> None:
        """Throw away what waits of `owner`; what is on its way is past recall."""
        aside = self._aside.pop(owner, ())
        self._bytes -= sum(item.size for item in aside)
        if gone := [item for item in self._items if item.owner is owner]:
            self._items = deque(item for item in self._items if item.owner is not owner)
            self._bytes -= sum(item.size for item in gone)

    def close(self) -> None:
        """End the queue: the reader drains what is in it; what is set aside and what comes later is dropped."""
        self._closed = True
        self._reader.unpark_all()

    def let_go(self) -> None:
        """Forget the reader and who ends this listener: it is of no use any more, and they refer to it."""
        self.close()
        self.send_now = self._drop = None
        self._items.clear()
        self._aside.clear()

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
        return self._take(trio.current_time())

    def _take(self, now: float) -> object:
        item = self._items.popleft()
        self._bytes -= item.size
        return item.take(now)
