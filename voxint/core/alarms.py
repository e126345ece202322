"""What is to happen to a request at some time, for the one task that sleeps for all of it.

A stage's limit, a pause that ends a sentence, the time of the next frame of speech: each is a number that is moved,
with no task that watches it and no cancel scope round it. The request's guard, which sleeps anyway, sleeps until the
earliest of them and looks again.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import trio

from voxint.core.failure import Stage
from voxint.errors import UpstreamTimeout

__all__ = ["Alarm", "Alarms", "StageDeadline"]


class Alarm:
    """Something to be called at some time. Made by `Alarms.alarm`.

    Attributes:
        due: When, in seconds of trio's clock; infinite: never.
    """

    __slots__ = ("_of", "_ring", "due")

    def __init__(self, of: Alarms, ring: Callable[[], None]) -> None:
        self.due = math.inf
        self._of = of
        self._ring = ring

    def set(self, due: float) -> None:
        """Ring at `due`, in place of any time before; infinite: not at all."""
        self.due = due
        if due < self._of.wakes_at:
            self._of.wake_at(due)

    def ring(self) -> None:
        """Do what is due, once."""
        self.due = math.inf
        self._ring()

    def let_go(self) -> None:
        """Forget what was to be done, which refers to this alarm in its turn."""
        self.due = math.inf
        self._ring = _nothing


class StageDeadline:
    """What a stage owes, and by when.

    Args:
        stage: Which one.
        alarms: The request's.
        missed: Called with the error that a missed deadline means.
    """

    __slots__ = ("_alarm", "_missed", "_seconds", "_what", "stage")

    def __init__(self, stage: Stage, alarms: Alarms, missed: Callable[[Stage, UpstreamTimeout], None]) -> None:
        self.stage = stage
        self._alarm = alarms.alarm(self._ring)
        self._missed = missed
        self._what = ""
        self._seconds = 0.0

    def expect(self, what: str, seconds: float, *, told_s: float | None = None) -> None:
        """Give the stage `seconds` from now to deliver `what`.

        Args:
            what: What is owed, for the error.
            seconds: From now.
            told_s: The limit that the error names, where it began before; None: `seconds`.
        """
        self._what = what
        self._seconds = seconds if told_s is None else told_s
        self._alarm.set(trio.current_time() + seconds)

    def expect_nothing(self) -> None:
        """Stop the clock: the stage owes nothing, it waits for us."""
        self._alarm.due = math.inf

    def _ring(self) -> None:
        self._missed(self.stage, UpstreamTimeout(f"the provider did not deliver {self._what} in {self._seconds:g} s"))


class Alarms:
    """The alarms of one request.

    Attributes:
        wakes_at: When the sleeper looks next; minus infinity while nobody sleeps.
    """

    def __init__(self) -> None:
        self.wakes_at = -math.inf
        self._every: list[Alarm] = []
        self._sleep = trio.CancelScope()

    def alarm(self, ring: Callable[[], None]) -> Alarm:
        """Return an alarm that is not set yet; `ring` must neither wait nor raise."""
        alarm = Alarm(self, ring)
        self._every.append(alarm)
        return alarm

    def wake_at(self, due: float) -> None:
        """Have the sleeper look at `due`, and not before; where nobody sleeps, nothing happens."""
        self.wakes_at = self._sleep.deadline = due

    def ring(self) -> None:
        """Ring those that are due."""
        now = trio.current_time()
        for alarm in self._every:
            if alarm.due <= now:
                alarm.ring()

    def let_go(self) -> None:
        """Ring no more: the request has ended."""
        for alarm in self._every:
            alarm.let_go()

    async def sleep(self, event: trio.Event) -> None:
        """Sleep until `event`, or until the first alarm is due."""
        self.wakes_at = min((alarm.due for alarm in self._every), default=math.inf)
        try:
            with trio.CancelScope(deadline=self.wakes_at) as self._sleep:
                await event.wait()
        finally:
            self.wakes_at = -math.inf


def _nothing() -> None:
    """Do nothing."""
