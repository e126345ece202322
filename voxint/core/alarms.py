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
        due: When, in seconds of trio's clock; infinite: never, or not while it rests.
    """

    __slots__ = ("_left", "_of", "_rests", "_ring", "due")

    def __init__(self, of: Alarms, ring: Callable[[], object], *, rests: bool) -> None:
        self.due = math.inf
        self._left = math.inf  # at the end of its rest
        self._of = of
        self._rests = rests
        self._ring = ring

    def set(self, due: float) -> None:
        """Ring at `due`, in place of any time before; infinite: not at all. One that rests counts from its end."""
        if self._rests and self._of.resting:
            self._left = due - trio.current_time()
            return
        self.due = due
        if due < self._of.wakes_at:
            self._of.wake_at(due)

    def clear(self) -> None:
        """Don't ring, neither now nor at the end of a rest."""
        self.due = self._left = math.inf

    def rest(self, now: float) -> None:
        """Keep what is left until `go_on`, if it is one that rests."""
        if self._rests:
            self._left, self.due = self.due - now, math.inf

    def go_on(self, now: float) -> None:
        """Ring after what was left when the rest began, or was set since."""
        if self._rests:
            self.set(now + self._left)

    def ring(self) -> None:
        """Do what is due, once."""
        self.due = math.inf
        self._ring()

    def let_go(self) -> None:
        """Forget what was to be done, which refers to this alarm in its turn."""
        self.due = math.inf
        self._ring = _nothing


class StageDeadline:
    """What a stage owes, and by when. It rests while the request is held.

    Args:
        stage: Which one.
        alarms: The request's.
        missed: Called with the error that a missed deadline means.
    """

    __slots__ = ("_alarm", "_missed", "_seconds", "_what", "stage")

    def __init__(self, stage: Stage, alarms: Alarms, missed: Callable[[Stage, UpstreamTimeout], None]) -> None:
        self.stage = stage
        self._alarm = alarms.alarm(self._ring, rests=True)
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
        self._alarm.clear()

    def _ring(self) -> None:
        self._missed(self.stage, UpstreamTimeout(f"the provider did not deliver {self._what} in {self._seconds:g} s"))


class Alarms:
    """The alarms of one request.

    Attributes:
        wakes_at: When the sleeper looks next; minus infinity while nobody sleeps.
        resting: Whether those that rest do.
    """

    def __init__(self) -> None:
        self.wakes_at = -math.inf
        self.resting = False
        self._rested_s = 0.0
        self._rests_from = 0.0
        self._every: list[Alarm] = []
        self._sleep = trio.CancelScope()

    def alarm(self, ring: Callable[[], object], *, rests: bool = False) -> Alarm:
        """Return an alarm that is not set yet.

        Args:
            ring: What is to be done; it must neither wait nor raise.
            rests: Whether it stands still between `rest` and `go_on`.
        """
        alarm = Alarm(self, ring, rests=rests)
        self._every.append(alarm)
        return alarm

    @property
    def working_time(self) -> float:
        """The time in seconds as the alarms that rest have it: it stands still while they do."""
        return (self._rests_from if self.resting else trio.current_time()) - self._rested_s

    def rest(self) -> None:
        """Let those that rest stand still."""
        if not self.resting:
            self._rests_from = now = trio.current_time()
            for alarm in self._every:
                alarm.rest(now)
            self.resting = True

    def go_on(self) -> None:
        """Let those that rest go on with what was left of each."""
        if self.resting:
            now = trio.current_time()
            self.resting = False
            self._rested_s += now - self._rests_from
            for alarm in self._every:
                alarm.go_on(now)

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
        self._every.clear()

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
