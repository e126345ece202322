"""How long the event loop is away from its sockets, in numbers: pure arithmetic on instants that are handed in.

The loop works in passes: it looks at its sockets, runs every task that can go on for one step, and looks again.
Whatever is ready in between waits for the end of the pass, so its length is the lag that a caller feels.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Callable
from math import inf

from attrs import define, field, frozen

__all__ = ["BUCKETS_S", "LATE_S", "TICK_S", "Arrivals", "Clocks", "LoopLag", "Ticks"]

LATE_S = 0.005
"""What is read later than this is told as late; ours: the aim for one step of the loop."""

WAITED_S = 0.001
"""A look at the sockets that took longer has waited for them; ours: one that finds something takes some microseconds.
"""

TICK_S = 0.02
"""Between two ticks of the thread beside the loop, and what a tick may be late; ours."""

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
class Ticks:
    """The ticks of a thread beside the loop: one that is late says that the interpreter was held, or stopped.

    A loop that waits for its sockets cannot tell by itself whether it slept, or was kept from going on.
    """

    _last: float = field(init=False, default=inf)  # it rests
    _gap: tuple[float, float] = field(init=False, default=(0.0, 0.0))  # replaced as one: the loop's thread reads it

    def tick(self, now: float) -> None:
        """Note a tick."""
        if now - self._last > 2 * TICK_S:
            began, ended = self._gap
            self._gap = (began if ended == self._last else self._last), now
        self._last = now

    def rest(self) -> None:
        """Note that none comes until the next."""
        self._last = inf

    def held_since(self, now: float) -> float | None:
        """Return since when at the earliest the loop was held, to go on just now; None: nothing says that it was."""
        began, ended = self._gap
        if now - ended <= TICK_S:
            return began
        last = self._last
        return last if now - last > 2 * TICK_S else None


@define(eq=False)
class _Reads:
    """Since when at the earliest what is read in a pass was there.

    Args:
        began_before: When the last pass that has ended began.
        ticks: Tell whether a look at the sockets was held.
    """

    began_before: float
    ticks: Ticks
    ended_at: float = field(init=False, default=0.0)
    unread_since: float = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.unread_since = self.began_before

    def began(self, timeout: float, now: float) -> float:
        """Note the end of a look at the sockets; return for how long it was held, 0 where nothing says so."""
        looked_at, waited = self.ended_at, now - self.ended_at
        # What was there when the look began has come since the look before, at the earliest; a look that had to wait
        # found nothing there, and what ends it has just come, unless it was held.
        self.unread_since = self.began_before
        if timeout <= 0 or waited <= WAITED_S or not looked_at:
            return 0.0
        since = self.ticks.held_since(now)
        if since is not None and since <= looked_at:
            return waited  # it may have found something at once, and was kept from saying so
        if since is not None:
            self.unread_since = since
            return max(0.0, now - since - TICK_S)
        late = waited - timeout
        self.unread_since = looked_at if late > TICK_S else now
        return late if late > TICK_S else 0.0

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
        ticks: Of a thread beside the loop; without them it is less that is known of a look that was held.
    """

    clocks: Clocks | None = None
    counts: list[int] = field(init=False, factory=lambda: [0] * (len(BUCKETS_S) + 1))
    total_s: float = field(init=False, default=0.0)
    longest_s: float = field(init=False, default=0.0)
    number: int = field(init=False, default=0)
    began: float = field(init=False, default=0.0)
    ticks: Ticks = field(init=False, factory=Ticks)
    _load: _Load = field(init=False)
    _reads: _Reads = field(init=False)

    def __attrs_post_init__(self) -> None:
        now = 0.0 if self.clocks is None else self.clocks.now()
        self._load, self._reads = _Load(now), _Reads(now, self.ticks)

    @property
    def busy(self) -> float:
        """The share of the last second that went by in passes of more than `BUSY_PASS_S`, 0 to 1.

        It is no share of the processor: whoever floods a server in small steps takes much of that, and nobody waits.
        The busiest quarter of the second is left out: one hiccup is no load.
        """
        return 0.0 if self.clocks is None else self._load.share(self.clocks.now())

    @property
    def late_s(self) -> float:
        """How long at most what is read in this step has waited for the loop, in seconds, as far as that is known.

        It is 0 where it is `LATE_S` or less. More can't be known than a bound: a frame has come since the loop last
        looked at its sockets and found none. And who waits for them can't tell whether it slept or was held, by code in
        a thread that keeps the interpreter to itself, or since the process stood still: only a late tick, or a
        look that lasts beyond its time, says so. In virtual time nothing is late: whoever waits there waits on that
        clock.
        """
        return self.late_since(self.unread_since)

    @property
    def unread_since(self) -> float:
        """The instant from which `late_s` counts."""
        return self._reads.unread_since

    @property
    def now(self) -> float:
        """This instant, on the clock of the loop's that is the real one; 0 where nothing measures."""
        return 0.0 if self.clocks is None else self.clocks.now()

    def arrivals(self) -> Arrivals:
        """Return what tells how late the frames of one connection are."""
        return Arrivals(self)

    def late_since(self, since: float) -> float:
        """Return how long ago an instant is; 0 where that is `LATE_S` or less, in virtual time too."""
        if self.clocks is None or not self.clocks.real:
            return 0.0
        late = self.clocks.now() - since
        return late if late > LATE_S else 0.0

    def pass_began(self, timeout: float, now: float) -> float:
        """Note the begin of a pass, behind a look at the sockets that could wait so many seconds.

        Returns:
            For how many seconds that look was held, as far as is known.
        """
        held_s = self._reads.began(timeout, now)
        self.number += 1
        self.began = now
        return held_s

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


@define(eq=False)
class Arrivals:
    """How late the frames of one connection are when their turn comes.

    What one read brings is looked at in several passes, and meanwhile nobody looks at the socket: what comes waits in
    the kernel.

    Args:
        lag: Of the loop.
    """

    lag: LoopLag
    _asked_at: float = field(init=False)
    _empty_at: float = field(init=False)  # what is in the kernel has come since, at the earliest
    _since: float = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._asked_at = self._empty_at = self.lag.now
        self._since = self.lag.unread_since

    @property
    def late_s(self) -> float:
        """As the `late_s` of the loop, for what was read last, however long ago."""
        return self.lag.late_since(self._since)

    def asks(self) -> None:
        """Note that the connection asks for more from now on."""
        self._asked_at = self.lag.now

    def came(self, *, all_of_it: bool) -> None:
        """Note that something came.

        Args:
            all_of_it: Whether nothing more can have been there.
        """
        seen_empty = self.lag.unread_since
        # A look before the connection asked was not at this socket.
        self._since = seen_empty if seen_empty >= self._asked_at else self._empty_at
        self._empty_at = self.lag.now if all_of_it else self._since
