"""How long the event loop is away from its sockets: measured, and told with the line that held it.

The loop works in passes: it looks at its sockets, runs every task that can go on for one step, and looks again.
Whatever is ready in between waits for the end of the pass, so its length is the lag that a caller feels. trio tells of
each pass by an instrument.

What held a pass is past when it ends. So a thread looks now and then whether one lasts already, and if so where.
"""

from __future__ import annotations

import sys
import threading
import time
from bisect import bisect_left
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager

import trio
from attrs import Factory, define, field, frozen

from voxint.authors_line import CodeLine, line_of_stack
from voxint.logs import get_logger

__all__ = ["BUCKETS_S", "LATE_S", "LoopLag", "late_s", "line_of_thread", "measured_loop"]

TOLD_S = 0.05
"""A longer pass is logged: more than a frame of speech, which every caller may hear."""

WARNED_S = 0.1
"""From here on as a warning; ours: who answers somebody else in time never holds the loop for so long."""

LOOK_S = 0.02
"""Between two looks of the thread; with `LOOKED_AT_S` every pass of `TOLD_S` is seen at least once."""

LOOKED_AT_S = 0.025
"""How long a pass has to last already for its place to be noted."""

STUCK_S = 2.0
"""A pass that lasts so long is told by the thread, since the loop cannot; and again each time it has lasted twice as
long."""

LINE_EVERY_S = 1.0
"""Of the lines about long passes; ours: what is held all the time must not fill the log."""

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

log = get_logger()


@frozen
class _Held:
    """Where a pass was seen to be held.

    Args:
        number: Of the pass.
        line: Of all that were seen in it, the one that was seen most often.
    """

    number: int
    line: CodeLine | None


@define(eq=False)
class LoopLag(trio.abc.Instrument):
    """Measures the passes of the event loop of a `measured_loop`.

    Where the loop's clock is not the real one, as in a test in virtual time, passes are measured, and nothing is
    logged or late: whoever waits there waits on the other clock.

    Attributes:
        counts: How many passes there were of each bucket of `BUCKETS_S`, and beyond the last.
        total_s: How long they lasted together.
        longest_s: The longest so far.
    """

    counts: list[int] = field(init=False, factory=lambda: [0] * (len(BUCKETS_S) + 1))
    total_s: float = field(init=False, default=0.0)
    longest_s: float = field(init=False, default=0.0)
    _users: int = field(init=False, default=0)
    _thread_id: int = field(init=False, default=0)
    _clock: trio.abc.Clock | None = field(init=False, default=None)
    _ahead_s: float = field(init=False, default=0.0)  # by how much trio's clock is ahead of the real one
    _number: int = field(init=False, default=0)
    _began: float = field(init=False, default=0.0)  # of the pass that runs; 0 between two
    _began_before: float = field(init=False, default=0.0)  # of the last pass that has ended
    _ended_at: float = field(init=False, default=0.0)  # likewise
    _unread_since: float = field(init=False, default=0.0)  # nothing that this pass reads came before
    _held: _Held = field(init=False, default=_Held(-1, None))
    _shares: deque[float] = field(init=False, factory=lambda: deque(maxlen=SPANS))
    _span_began: float = field(init=False, default=Factory(time.perf_counter))
    _span_busy: float = field(init=False, default=0.0)
    _told_at: float = field(init=False, default=-LINE_EVERY_S)
    _told_warning: bool = field(init=False, default=False)
    _untold: int = field(init=False, default=0)
    _ended: threading.Event = field(init=False, factory=threading.Event)
    _idle: bool = field(init=False, default=False)  # the thread waits for the bell
    _bell: threading.Event = field(init=False, factory=threading.Event)

    @contextmanager
    def _used(self) -> Iterator[LoopLag]:
        """Measure the loop of this task from the first of these blocks to the last."""
        if not self._users:
            self._begin()
        self._users += 1
        try:
            yield self
        finally:
            self._users -= 1
            if not self._users:
                self._end()

    def _begin(self) -> None:
        self._thread_id = threading.get_ident()
        self._clock = trio.lowlevel.current_clock()
        self._unread_since = self._began_before = time.perf_counter()
        self._ahead_s = self._clock.current_time() - self._began_before
        trio.lowlevel.add_instrument(self)
        _LAG.set(self)
        # A daemon: a process whose loop hangs for good ends all the same.
        threading.Thread(target=self._look, name="voxint loop lag", daemon=True).start()

    def _end(self) -> None:
        self._ended.set()
        self._bell.set()
        _LAG.set(None)
        trio.lowlevel.remove_instrument(self)

    @property
    def busy(self) -> float:
        """The share of the last second that went by in passes of more than `BUSY_PASS_S`, 0 to 1.

        It is no share of the processor: whoever floods a server in small steps takes much of that, and nobody waits.
        The busiest quarter of the second is left out: one hiccup is no load.
        """
        self._end_span(time.perf_counter())
        return (sum(self._shares) - max(self._shares)) / (SPANS - 1) if len(self._shares) == SPANS else 0.0

    @property
    def held_by(self) -> CodeLine | None:
        """The line that has held the pass that runs, or the last one; None where it was too short to be looked at."""
        held = self._held
        return held.line if held.number == self._number else None

    @property
    def late_s(self) -> float:
        """How long at most something that is read in this step has waited for the loop, in seconds."""
        now = time.perf_counter()
        return now - self._unread_since if self._in_real_time(now) else 0.0

    def after_io_wait(self, timeout: float) -> None:
        """Note the begin of a pass; called by trio."""
        now = time.perf_counter()
        # What was there when the look at the sockets began has come since the look before, at the earliest; a look
        # that had to wait found nothing there.
        waited = timeout > 0 and now - self._ended_at > WAITED_S
        self._unread_since = now if waited else self._began_before
        self._number += 1
        self._began = now
        if self._idle:
            self._idle = False
            self._bell.set()

    def before_io_wait(self, timeout: float) -> None:
        """Note its end; called by trio."""
        began, self._began = self._began, 0.0
        if not began:
            return
        now = time.perf_counter()
        self._began_before, self._ended_at = began, now
        lasted = now - began
        self.counts[bisect_left(BUCKETS_S, lasted)] += 1
        self.total_s += lasted
        if lasted > BUSY_PASS_S:
            self._span_busy += lasted
        if now - self._span_began >= SPAN_S:
            self._end_span(now)
        if lasted > self.longest_s:
            self.longest_s = lasted
        if lasted > TOLD_S:
            self._tell(lasted, now)

    def _end_span(self, now: float) -> None:
        lasted = now - self._span_began
        if lasted >= SPAN_S:
            share = min(1.0, self._span_busy / lasted)
            self._shares.extend([share] * min(SPANS, int(lasted / SPAN_S)))  # what an idle loop was before is over
            self._span_began, self._span_busy = now, 0.0

    def _in_real_time(self, now: float) -> bool:
        clock = self._clock
        return clock is not None and abs(clock.current_time() - now - self._ahead_s) < CLOCKS_APART_S

    def _tell(self, lasted: float, now: float) -> None:
        if not self._in_real_time(now):
            return
        warns = lasted >= WARNED_S
        if now - self._told_at < LINE_EVERY_S and self._told_warning >= warns:
            self._untold += 1
            return
        tell = log.warning if warns else log.info
        tell("the loop was held", for_s=round(lasted, 2), by=_place(self.held_by), more=self._untold)
        self._told_at, self._told_warning, self._untold = now, warns, 0

    def _look(self) -> None:
        """Look, from a thread of its own, where a pass is that lasts; until nobody measures any more."""
        seen, seen_in, told_s, looked_at = Counter[CodeLine](), -1, 0.0, -1
        while not self._ended.wait(LOOK_S):
            number, began = self._number, self._began
            if not began and number == looked_at:
                self._sleep_while_idle()
                continue
            looked_at = number
            now = time.perf_counter()
            lasted = now - began if began else 0.0
            if lasted < LOOKED_AT_S:
                continue
            line = line_of_thread(self._thread_id)
            if self._number != number:
                continue  # it has ended meanwhile, and the line is another's
            if seen_in != number:
                seen, seen_in, told_s = Counter(), number, STUCK_S / 2
            if line is not None:
                seen[line] += 1
                self._held = _Held(number, seen.most_common(1)[0][0])
            if lasted >= 2 * told_s and self._in_real_time(now):
                told_s = lasted
                log.error("the loop is held", for_s=round(lasted, 1), by=_place(self.held_by))

    def _sleep_while_idle(self) -> None:
        """Wait, without bound, for the next pass or for `_end`: an idle process is not woken to be looked at."""
        self._bell.clear()
        self._idle = True
        if not self._began and not self._ended.is_set():  # else nobody may ring any more
            self._bell.wait()
        self._idle = False


_LAG: trio.lowlevel.RunVar[LoopLag | None] = trio.lowlevel.RunVar("voxint loop lag", None)


@contextmanager
def measured_loop() -> Iterator[LoopLag]:
    """Measure the loop of this task, and tell in the log what holds it, while the block runs.

    One watcher, with one thread, serves all of a loop's blocks, in whatever order they end.
    """
    with (_LAG.get() or LoopLag())._used() as lag:
        yield lag


def late_s() -> float:
    """Return how long at most what is read in this step has waited for the loop, in seconds.

    It is 0 where it is `LATE_S` or less, and where nothing measures the loop. More can't be known than a bound: a
    frame has come since the loop last looked at its sockets and found none.
    """
    lag = _LAG.get()
    late = 0.0 if lag is None else lag.late_s
    return late if late > LATE_S else 0.0


def line_of_thread(thread_id: int) -> CodeLine | None:
    """Return the line of its author's in which a thread is; None where it is in the event loop itself, or has ended."""
    return line_of_stack(sys._current_frames().get(thread_id))  # documented, and the only way to see another thread's


def _place(line: CodeLine | None) -> str:
    """Return where a pass was held, for the log; code that keeps the interpreter to itself can't be looked into."""
    return "unknown" if line is None else line.place
