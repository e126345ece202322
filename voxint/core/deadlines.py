"""What each stage owes and by when.

A stage's limit is no task that watches it and no cancel scope round it, but a number that each token moves. The
request's guard, which sleeps anyway, sleeps until the earliest of them and looks again.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import trio

from voxint.core.failure import Stage
from voxint.errors import UpstreamTimeout

__all__ = ["Deadline", "Deadlines"]


class Deadline:
    """What a stage owes, and by when. Made by `Deadlines.of_stage`.

    Attributes:
        stage: Which one.
        due: In seconds of trio's clock; infinite while the stage owes nothing.
    """

    __slots__ = ("_of", "_seconds", "_what", "due", "stage")

    def __init__(self, stage: Stage, of: Deadlines) -> None:
        self.stage = stage
        self.due = math.inf
        self._of = of
        self._what = ""
        self._seconds = 0.0

    def expect(self, what: str, seconds: float) -> None:
        """Give the stage `seconds` from now to deliver `what`."""
        self._what = what
        self._seconds = seconds
        self.due = trio.current_time() + seconds
        if self.due < self._of.wakes_at:
            self._of.wake_at(self.due)

    def expect_nothing(self) -> None:
        """Stop the clock: the stage owes nothing, it waits for us."""
        self.due = math.inf

    def timeout(self) -> UpstreamTimeout:
        """Return the error that a missed deadline means."""
        return UpstreamTimeout(f"did not deliver {self._what} within {self._seconds:g} s")


class Deadlines:
    """The deadline of each stage of a request, for the one task that sleeps until the first of them.

    The sleeper reminds of one other thing too, so that what has to happen in a silence needs no task of its own.

    Attributes:
        wakes_at: When the sleeper looks next; minus infinity while nobody sleeps.
    """

    def __init__(self) -> None:
        self.wakes_at = -math.inf
        self._every: list[Deadline] = []
        self._remind_at = math.inf
        self._remind: Callable[[], None] | None = None
        self._sleep = trio.CancelScope()

    def of_stage(self, stage: Stage) -> Deadline:
        """Return the deadline of a stage that is about to begin."""
        deadline = Deadline(stage, self)
        self._every.append(deadline)
        return deadline

    def missed(self) -> Deadline | None:
        """Return one that has been missed, or None."""
        now = trio.current_time()
        return next((deadline for deadline in self._every if deadline.due <= now), None)

    def remind_at(self, due: float, remind: Callable[[], None]) -> None:
        """Have `remind` called at `due` (infinite: never), in place of what was asked for before. It must not raise."""
        self._remind_at, self._remind = due, remind
        if due < self.wakes_at:
            self.wake_at(due)

    def remind(self) -> None:
        """Call what is to be called by now."""
        if self._remind is not None and self._remind_at <= trio.current_time():
            self._remind_at = math.inf
            self._remind()

    def wake_at(self, due: float) -> None:
        """Have the sleeper look at `due`, and not before; where nobody sleeps, nothing happens."""
        self.wakes_at = self._sleep.deadline = due

    async def sleep(self, event: trio.Event, until: float) -> None:
        """Sleep until `event`, until the first deadline may be missed, or until `until`, whichever is first."""
        self.wakes_at = min(until, self._remind_at, *(deadline.due for deadline in self._every))
        try:
            with trio.CancelScope(deadline=self.wakes_at) as self._sleep:
                await event.wait()
        finally:
            self.wakes_at = -math.inf
