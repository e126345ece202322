"""The clock that ends a silent stage, and the channel ends that move it.

A stage's limit is not a task that watches it but a deadline that each sign of life pushes on: one comparison in trio's
own deadline heap.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

import trio

from voxint.errors import UpstreamTimeout

__all__ = ["Patience", "Sink"]

T = TypeVar("T")

YIELD_EVERY = 8
"""A provider that reads a socket yields there anyway; a task switch for each token on top would be a tenth of the cost
of a token. Eight pieces of a stage that reads nothing take well under a millisecond."""


class Patience:
    """A cancel scope whose deadline moves.

    Attributes:
        scope: The stage runs inside it.
        waiting_for: What the stage owes when the deadline falls, for the error.
    """

    __slots__ = ("scope", "waiting_for")

    def __init__(self) -> None:
        self.scope = trio.CancelScope()
        self.waiting_for = ""

    def expect(self, what: str, seconds: float) -> None:
        """Give the stage `seconds` from now to deliver `what`."""
        self.waiting_for = f"{what} within {seconds:g} s"
        self.scope.deadline = trio.current_time() + seconds

    def spent(self) -> UpstreamTimeout | None:
        """Return the error that the deadline means, once it has fallen."""
        if not self.scope.cancel_called:
            return None
        return UpstreamTimeout(f"did not deliver {self.waiting_for}")

    def rest(self) -> None:
        """Stop the clock: the stage owes nothing, it waits for us."""
        self.scope.deadline = math.inf


class Sink(trio.abc.SendChannel[T], Generic[T]):
    """The writing end a stage is given: an unbuffered channel whose consumer runs in the stage's own task.

    It saves a task and two switches for every token. Each send lets a cancellation in and every eighth lets the other
    tasks run, so a stage that never awaits anything else is interrupted all the same and starves nobody.
    """

    __slots__ = ("_accept", "_sends")

    def __init__(self, accept: Callable[[T], Awaitable[None]]) -> None:
        self._accept = accept
        self._sends = 0

    async def send(self, value: T) -> None:
        """Hand `value` on; returns when the next one may come."""
        self._sends += 1
        if self._sends % YIELD_EVERY:
            await trio.lowlevel.checkpoint_if_cancelled()
        else:
            await trio.lowlevel.checkpoint()
        await self._accept(value)

    async def aclose(self) -> None:
        """Do nothing: the stage's return is its end."""
        await trio.lowlevel.checkpoint()
