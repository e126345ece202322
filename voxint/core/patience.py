"""What a stage owes and by when, and the channel end that counts as its sign of life.

A stage's limit is no task that watches it and no cancel scope round it, but a number that each token moves. The
request's guard, which sleeps anyway, sleeps until the earliest of them and looks again.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

import trio

from voxint.core.failure import Stage
from voxint.errors import UpstreamTimeout

__all__ = ["Patience", "Sink", "Watch"]

T = TypeVar("T")

YIELD_EVERY = 8
"""A provider that reads a socket yields there anyway; a task switch for each token on top would be a tenth of the cost
of a token. Eight pieces of a stage that reads nothing take well under a millisecond."""


class Patience:
    """What a stage owes, and by when. Made by `Watch.patience`.

    Attributes:
        stage: Which one.
        due: When the patience ends, in seconds of trio's clock; infinite while the stage owes nothing.
    """

    __slots__ = ("_seconds", "_watch", "_what", "due", "stage")

    def __init__(self, stage: Stage, watch: Watch) -> None:
        self.stage = stage
        self.due = math.inf
        self._watch = watch
        self._what = ""
        self._seconds = 0.0

    def expect(self, what: str, seconds: float) -> None:
        """Give the stage `seconds` from now to deliver `what`."""
        self._what = what
        self._seconds = seconds
        self.due = trio.current_time() + seconds
        if self.due < self._watch.wakes_at:
            self._watch.wake_at(self.due)

    def rest(self) -> None:
        """Stop the clock: the stage owes nothing, it waits for us."""
        self.due = math.inf

    def timeout(self) -> UpstreamTimeout:
        """Return the error that the end of the patience means."""
        return UpstreamTimeout(f"did not deliver {self._what} within {self._seconds:g} s")


class Watch:
    """The patience with each stage of a request, for the one task that sleeps until the first of them ends.

    Attributes:
        wakes_at: When the sleeper looks next; minus infinity while nobody sleeps.
    """

    def __init__(self) -> None:
        self.wakes_at = -math.inf
        self._patiences: list[Patience] = []
        self._sleep = trio.CancelScope()

    def patience(self, stage: Stage) -> Patience:
        """Return the patience with a stage that is about to begin."""
        patience = Patience(stage, self)
        self._patiences.append(patience)
        return patience

    def ended(self) -> Patience | None:
        """Return one that has ended, or None."""
        now = trio.current_time()
        return next((patience for patience in self._patiences if patience.due <= now), None)

    def wake_at(self, due: float) -> None:
        """Have the sleeper look at `due`, which is sooner than it would."""
        self.wakes_at = self._sleep.deadline = due

    async def sleep(self, event: trio.Event, until: float) -> None:
        """Sleep until `event`, until the first patience may have ended, or until `until`, whichever is first."""
        self.wakes_at = min(until, *(patience.due for patience in self._patiences), math.inf)
        try:
            with trio.CancelScope(deadline=self.wakes_at) as self._sleep:
                await event.wait()
        finally:
            self.wakes_at = -math.inf


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
