"""How long the event loop is away from its sockets, in numbers: pure arithmetic on instants that are handed in.

The loop works in passes: it looks at its sockets, runs every task that can go on for one step, and looks again.
Whatever is ready in between waits for the end of the pass, so its length is the lag that a caller feels.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Callable

from attrs import define, field, frozen

__all__ = ["BUCKETS_S", "LATE_S", "Clocks", "LoopLag"]

LATE_S = 0.005
"""What is read later than this is told as late; ours: the aim for one step of the loop."""

WAITED_S = 0.001
"""A look at the sockets that took longer has waited for them; ours: one that finds something takes some microseconds.
"""

CLOCKS_APART_S = 0.001
"""How far trio's clock may go from the real one and still be that; ours."""

BUSY_PASS_S = 0.01
"""A pass in which everybody waits for too long; ours: an acknowledgement takes five, and 50 ms are what it may take."""

SPAN_S, SPANS = 0.25, 4
"""What `busy` looks back over: a second, in four parts."""

BUCKETS_S = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
"""Round the aim for one step of the loop, 5 ms, and its bound, 20 ms."""


@frozen
class Clocks:
    """The two clocks of a loop.

    Args:
        now: The real one, in seconds.
        trio_now: The loop's.
    """

    now: Callable[[], float]
    trio_now: Callable[[], float]
    _ahead_s: float = field(init=False)

    @_ahead_s.default
    def _measured_ahead_s(self) -> float:
        return self.trio_now() - self.now()

    @property
    def real(self) -> bool:
        """Whether the loop's clock goes as the real one does: in a test in virtual time it stands still, or leaps."""
        return abs(self.trio_now() - self.now() - self._ahead_s) < CLOCKS_APART_S


@define(eq=False)
class _Load:
    """The share of the time that went by in passes that are too long.

    Args:
        span_began: When the part of a second began that is not over yet.
    """

    span_began: float
    span_busy: float = field(init=False, default=0.0)
    shares: deque[float] = field(init=False, factory=lambda: deque(maxlen=SPANS))

    def add(self, lasted: float, now: float) -> None:
        if lasted > BUSY_PASS_S:
            self.span_busy += lasted
        if now - self.span_began >= SPAN_S:
            self._end_span(now)

    def share(self, now: float) -> float:
        self._end_span(now)
        return (sum(self.shares) - max(self.shares)) / (SPANS - 1) if len(self.shares) == SPANS else 0.0

    def _end_span(self, now: float) -> None:
        lasted = now - self.span_began
        if lasted >= SPAN_S:
            share = min(1.0, self.span_busy / lasted)
            self.shares.extend([share] * min(SPANS, int(lasted / SPAN_S)))  # what an idle loop was before is over
            self.span_began, self.span_busy = now, 0.0


@define(eq=False)
class _Reads:
    """Since when at the earliest what is read in a pass was there.

    Args:
        began_before: When the last pass that has ended began.
    """

    began_before: float
    ended_at: float = field(init=False, default=0.0)
    unread_since: float = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.unread_since = self.began_before

    def began(self, timeout: float, now: float) -> None:
        # What was there when the look at the sockets began has come since the look before, at the earliest; a look
        # that had to wait found nothing there.
        waited = timeout > 0 and now - self.ended_at > WAITED_S
        self.unread_since = now if waited else self.began_before

    def ended(self, began: float, now: float) -> None:
        self.began_before, self.ended_at = began, now


@define(eq=False)
class LoopLag:
    """The passes of one event loop, counted.

    Args:
        clocks: The loop's clocks; None: nothing measures it, and all is 0.

    Attributes:
        counts: How many passes there were of each bucket of `BUCKETS_S`, and beyond the last.
        total_s: How long they lasted together.
        longest_s: The longest so far.
        number: Of the pass that runs, or the last one.
        began: When the pass that runs began; 0 between two.
    """

    clocks: Clocks | None = None
    counts: list[int] = field(init=False, factory=lambda: [0] * (len(BUCKETS_S) + 1))
    total_s: float = field(init=False, default=0.0)
    longest_s: float = field(init=False, default=0.0)
    number: int = field(init=False, default=0)
    began: float = field(init=False, default=0.0)
    _load: _Load = field(init=False)
    _reads: _Reads = field(init=False)

    def __attrs_post_init__(self) -> None:
        now = 0.0 if self.clocks is None else self.clocks.now()
        self._load, self._reads = _Load(now), _Reads(now)

    @property
    def busy(self) -> float:
        """The share of the last second that went by in passes of more than `BUSY_PASS_S`, 0 to 1.

        It is no share of the processor: whoever floods a server in small steps takes much of that, and nobody waits.
        The busiest quarter of the second is left out: one hiccup is no load.
        """
        return 0.0 if self.clocks is None else self._load.share(self.clocks.now())

    @property
    def late_s(self) -> float:
        """How long at most what is read in this step has waited for the loop, in seconds.

        It is 0 where it is `LATE_S` or less. More can't be known than a bound: a frame has come since the loop last
        looked at its sockets and found none. In virtual time nothing is late: whoever waits there waits on that clock.
        """
        if self.clocks is None or not self.clocks.real:
            return 0.0
        late = self.clocks.now() - self._reads.unread_since
        return late if late > LATE_S else 0.0

    def pass_began(self, timeout: float, now: float) -> None:
        """Note the begin of a pass, behind a look at the sockets that could wait so many seconds."""
        self._reads.began(timeout, now)
        self.number += 1
        self.began = now

    def pass_ended(self, now: float) -> float:
        """Note its end; return how long it lasted, in seconds, 0 where its begin was not seen."""
        began, self.began = self.began, 0.0
        if not began:
            return 0.0
        lasted = now - began
        self._reads.ended(began, now)
        self._load.add(lasted, now)
        self.counts[bisect_left(BUCKETS_S, lasted)] += 1
        self.total_s += lasted
        if lasted > self.longest_s:
            self.longest_s = lasted
        return lasted
