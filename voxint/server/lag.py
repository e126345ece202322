"""How long the event loop is away from its sockets: always measured, and told with the place where it was held up.

The loop works in passes: it looks at its sockets, runs every task that can go on for one step, and looks again.
Whatever is ready in between waits for the end of the pass, so its length is the lag that a caller feels. trio tells of
each pass by an instrument, which costs half a microsecond of it.

What held a pass up is past when it ends. So a thread looks now and then whether one lasts already, and if so where.
"""

from __future__ import annotations

import sys
import threading
import time
from bisect import bisect_left
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

import trio
from attrs import Factory, define, field, frozen

from voxint.logs import get_logger

__all__ = ["BUCKETS_S", "LONG_S", "LoopLag", "innermost"]

LONG_S = 0.05
"""A longer pass is logged: more than a frame of speech, which every caller may hear."""

LOOK_S = 0.02
"""Between two looks of the thread; with `LOOKED_AT_S` every pass of `LONG_S` is seen at least once. It costs a
thousandth of a core."""

LOOKED_AT_S = 0.025
"""How long a pass has to last already for its place to be noted."""

STUCK_S = 2.0
"""A pass that lasts so long is told by the thread, since the loop cannot; and again each time it has lasted twice as
long."""

LINE_EVERY_S = 1.0
"""Of the lines about long passes; ours: what is held up all the time must not fill the log."""

BUSY_PASS_S = 0.01
"""A pass in which everybody waits for too long; ours: an acknowledgement takes five, and 50 ms are what it may take."""

SPAN_S, SPANS = 0.25, 4
"""What `busy` looks back over: a second, in four parts."""

FRAMES = 4
"""Of the stack, the innermost, in a line of the log."""

BUCKETS_S = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
"""Round the aim for one step of the loop, 5 ms, and its bound, 20 ms."""

log = get_logger()


@frozen
class _Held:
    """Where a pass was seen to be held up.

    Args:
        number: Of the pass.
        at: The innermost frames of the loop's thread, as file, line and function.
    """

    number: int
    at: tuple[str, ...]


@define(eq=False)
class LoopLag(trio.abc.Instrument):
    """Measures the passes of the event loop in which `measuring` is used.

    Attributes:
        counts: How many passes there were of each bucket of `BUCKETS_S`, and beyond the last.
        total_s: How long they lasted together.
        longest_s: The longest so far.
    """

    counts: list[int] = field(init=False, factory=lambda: [0] * (len(BUCKETS_S) + 1))
    total_s: float = field(init=False, default=0.0)
    longest_s: float = field(init=False, default=0.0)
    _thread_id: int = field(init=False, default=0)
    _number: int = field(init=False, default=0)
    _began: float = field(init=False, default=0.0)  # of the pass that runs; 0 between two
    _held: _Held = field(init=False, default=_Held(-1, ()))
    _shares: deque[float] = field(init=False, factory=lambda: deque(maxlen=SPANS))
    _span_began: float = field(init=False, default=Factory(time.perf_counter))
    _span_busy: float = field(init=False, default=0.0)
    _told_at: float = field(init=False, default=-LINE_EVERY_S)
    _untold: int = field(init=False, default=0)
    _ended: threading.Event = field(init=False, factory=threading.Event)

    @contextmanager
    def measuring(self) -> Iterator[None]:
        """Measure the loop of this task while the block runs."""
        self._thread_id = threading.get_ident()
        trio.lowlevel.add_instrument(self)
        # A daemon: a process whose loop hangs for good ends all the same.
        threading.Thread(target=self._look, name="voxint loop lag", daemon=True).start()
        try:
            yield
        finally:
            self._ended.set()
            trio.lowlevel.remove_instrument(self)

    @property
    def busy(self) -> float:
        """The share of the last second that went by in passes of more than `BUSY_PASS_S`, 0 to 1.

        It is no share of the processor: whoever floods a server in small steps takes much of that, and nobody waits.
        The busiest quarter of the second is left out: one hiccup is no load.
        """
        self._end_span(time.perf_counter())
        return (sum(self._shares) - max(self._shares)) / (SPANS - 1) if len(self._shares) == SPANS else 0.0

    def after_io_wait(self, timeout: float) -> None:
        """Note the begin of a pass; called by trio."""
        self._number += 1
        self._began = time.perf_counter()

    def before_io_wait(self, timeout: float) -> None:
        """Note its end; called by trio."""
        began, self._began = self._began, 0.0
        if not began:
            return
        now = time.perf_counter()
        lasted = now - began
        self.counts[bisect_left(BUCKETS_S, lasted)] += 1
        self.total_s += lasted
        if lasted > BUSY_PASS_S:
            self._span_busy += lasted
        self._end_span(now)
        if lasted > LONG_S:
            self._tell(lasted, now)
        self.longest_s = max(self.longest_s, lasted)

    def _end_span(self, now: float) -> None:
        lasted = now - self._span_began
        if lasted >= SPAN_S:
            share = min(1.0, self._span_busy / lasted)
            self._shares.extend([share] * min(SPANS, int(lasted / SPAN_S)))  # what an idle loop was before is over
            self._span_began, self._span_busy = now, 0.0

    def _tell(self, lasted: float, now: float) -> None:
        if now - self._told_at < LINE_EVERY_S:
            self._untold += 1
            return
        place = self._held.at if self._held.number == self._number else ()
        log.warning("the event loop was held up", lag_ms=round(lasted * 1000, 1), place=place, more=self._untold)
        self._told_at, self._untold = now, 0

    def _look(self) -> None:
        """Look, from a thread of its own, where a pass is that lasts; until the end of `measuring`."""
        told_s = STUCK_S / 2
        while not self._ended.wait(LOOK_S):
            number, began = self._number, self._began
            lasted = time.perf_counter() - began if began else 0.0
            if lasted < LOOKED_AT_S:
                told_s = STUCK_S / 2
                continue
            held = _Held(number, innermost(self._thread_id))
            if self._number != number:
                continue  # it has ended meanwhile, and the place is another's
            self._held = held
            if lasted >= 2 * told_s:
                told_s = lasted
                log.error("the event loop is held up", lag_ms=round(lasted * 1000), place=held.at)


def innermost(thread_id: int) -> tuple[str, ...]:
    """Return where a thread is: file, line and function of its innermost frames, and no value of any variable."""
    frame = sys._current_frames().get(thread_id)  # documented, and the only way to see another thread's
    places: list[str] = []
    while frame is not None and len(places) < FRAMES:
        code = frame.f_code
        places.append(f"{code.co_filename}:{frame.f_lineno} {code.co_name}")
        frame = frame.f_back
    return tuple(places)
