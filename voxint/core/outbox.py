"""The one queue to the one writer.

Only the writer waits for the socket: a task cancelled inside a send would leave half a frame on the wire. Frames of an
answer wait here as drafts and are rendered when the writer takes them, so that sequence numbers never have gaps and
text that piles up behind a slow reader becomes one frame.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Protocol

import trio
from attrs import frozen

from voxint.protocol.messages import ServerMessage

__all__ = ["Outbox", "Outgoing"]


class Outgoing(Protocol):
    """Something that becomes a message when the writer takes it."""

    @property
    def owner(self) -> object:
        """Whose it is; what `Outbox.discard` goes by."""

    def take(self, now: float) -> ServerMessage:
        """Return the message and account for it as sent at `now`."""


@frozen(eq=False)
class _Posted:
    """A message that is complete already."""

    message: ServerMessage
    owner: object = None

    def take(self, now: float) -> ServerMessage:
        return self.message


class Outbox:
    """A first-in first-out queue with one reader.

    Its length is bounded by those who write drafts (`Answer` waits for room); finals and acknowledgements are never
    refused, their number is bounded by the requests.

    Attributes:
        send_now: Sends messages for a reader that waits for one, in the step in which they are queued: without an
            await, so no cancellation can cut them. Returns False where a part is left, for the reader to send on.
    """

    __slots__ = ("_closed", "_held", "_items", "_left", "_reader", "_waits", "send_now")

    def __init__(self) -> None:
        self.send_now: Callable[[Iterable[ServerMessage]], bool] | None = None
        self._items: deque[Outgoing] = deque()
        self._reader = trio.lowlevel.ParkingLot()
        self._waits = False
        self._left = False
        self._held = 0
        self._closed = False

    def __len__(self) -> int:
        return len(self._items)

    def queue(self, *items: Outgoing) -> None:
        """Append drafts, which are sent together where that can be. After `close` they are dropped: nobody reads."""
        if self._closed:
            return
        self._items.extend(items)
        if not self._held:
            self._go_on()

    @contextmanager
    def together(self) -> Iterator[None]:
        """Let what is queued in the block leave at its end, in one write if the reader waits.

        The block must not await: nothing of the connection is sent meanwhile.
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
            now, messages = trio.current_time(), []
            while self._items:
                messages.append(self._items.popleft().take(now))
            self._left = not self.send_now(messages)
            if not self._left:
                return
        self._reader.unpark()

    def post(self, message: ServerMessage) -> None:
        """Append a complete message; never waits and never fails."""
        self.queue(_Posted(message))

    def post_first(self, message: ServerMessage) -> None:
        """Put a message in front of all that waits. Only HEARTBEAT may overtake."""
        if not self._closed:
            self._items.appendleft(_Posted(message))
            self._reader.unpark()

    def discard(self, owner: object) -> None:
        """Throw away what waits of `owner`; the frame in flight is past recall."""
        if any(item.owner is owner for item in self._items):
            self._items = deque(item for item in self._items if item.owner is not owner)

    def close(self) -> None:
        """End the queue: the reader drains what is in it, later items are dropped."""
        self._closed = True
        self._reader.unpark_all()

    async def next(self) -> ServerMessage | None:
        """Wait for the next message and account for it as sent; None: go on with what `send_now` left.

        Waits without bound: an idle connection is normal, its end closes the outbox.

        Raises:
            trio.EndOfChannel: The outbox was closed and is empty.
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
