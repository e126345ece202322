"""What measures the event loop, and tells in the log what holds it, with the line that does.

trio tells of each pass of the loop by an instrument. What held a pass is past when it ends. So a thread looks now and
then whether one lasts already, and if so where.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import trio
from attrs import Factory, define, field, frozen

from voxint.authors_line import CodeLine, line_of_thread
from voxint.lag import TICK_S, Clocks, LoopLag
from voxint.logs import get_logger

__all__ = ["LINE_EVERY_S", "STUCK_S", "LoopWatch", "watched_loop"]

TOLD_S = 0.05
"""A longer pass is logged: more than a frame of speech, which every caller may hear."""

WARNED_S = 0.1
"""From here on as a warning; ours: who answers somebody else in time never holds the loop for so long."""

LOOKED_AT_S = 0.025
"""How long a pass has to last already for its place to be noted; with `TICK_S` each of `TOLD_S` is seen at least once.
"""

AWAKE_TICKS = 50
"""So many ticks of an idle loop the thread stays awake for: what holds the interpreter may begin while the loop waits.
Ours: a second, in which most of a request's waiting is over."""

STUCK_S = 2.0
"""A pass that lasts so long is told by the thread, since the loop cannot; and again each time it has lasted twice as
long."""

LINE_EVERY_S = 1.0
"""Of the lines about long passes; ours: what is held all the time must not fill the log."""

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
class _Lines:
    """The lines about passes that are over: at most one in `LINE_EVERY_S`, which counts those that it stands for."""

    told_at: float = field(init=False, default=-LINE_EVERY_S)
    told_warning: bool = field(init=False, default=False)
    untold: int = field(init=False, default=0)

    def tell(self, lasted: float, line: CodeLine | None, now: float) -> None:
        warns = lasted >= WARNED_S
        if now - self.told_at < LINE_EVERY_S and self.told_warning >= warns:
            self.untold += 1
            return
        tell = log.warning if warns else log.info
        tell("the loop was held", for_s=round(lasted, 2), by=_place(line), more=self.untold)
        self.told_at, self.told_warning, self.untold = now, warns, 0


@define(eq=False)
class LoopWatch(trio.abc.Instrument):
    """Watches the loop of the task that makes it, from the first block of `watched_loop` in it to the last.

    Where the loop's clock is not the real one, as in a test in virtual time, passes are measured, and nothing is
    logged.

    Attributes:
        lag: The numbers.
    """

    lag: LoopLag = field(init=False)
    _users: int = field(init=False, default=0)
    _held: _Held = field(init=False, default=_Held(-1, None))
    _lines: _Lines = field(init=False, factory=_Lines)
    _thread_id: int = field(init=False, default=Factory(threading.get_ident))  # the loop's
    _ended: threading.Event = field(init=False, factory=threading.Event)
    _idle: bool = field(init=False, default=False)  # the thread waits for the bell
    _bell: threading.Event = field(init=False, factory=threading.Event)
    _run: trio.lowlevel.TrioToken = field(init=False, factory=trio.lowlevel.current_trio_token)

    def __attrs_post_init__(self) -> None:
        clock = trio.lowlevel.current_clock()
        self.lag = LoopLag(Clocks(time.perf_counter, clock.current_time))

    @contextmanager
    def used(self) -> Iterator[None]:
        """Watch from the first of these blocks to the last."""
        if not self._users:
            trio.lowlevel.add_instrument(self)
            _WATCH.set(self)
            # A daemon: a process whose loop hangs for good ends all the same.
            threading.Thread(target=self._look, name="voxint loop watch", daemon=True).start()
        self._users += 1
        try:
            yield
        finally:
            self._users -= 1
            if not self._users:
                self._ended.set()
                self._bell.set()
                # A block that was never left ends when it is collected, which may be behind the end of its loop.
                if trio.lowlevel.in_trio_run() and trio.lowlevel.current_trio_token() is self._run:
                    _WATCH.set(None)
                    trio.lowlevel.remove_instrument(self)

    @property
    def held_by(self) -> CodeLine | None:
        """The line that has held the pass that runs, or the last one; None where it was too short to be looked at."""
        held = self._held
        return held.line if held.number == self.lag.number else None

    def after_io_wait(self, timeout: float) -> None:
        """Note the begin of a pass; called by trio."""
        now = time.perf_counter()
        held_s = self.lag.pass_began(timeout, now)
        if self._idle:
            self._idle = False
            self._bell.set()
        if held_s > TOLD_S and self._in_real_time:
            self._lines.tell(held_s, None, now)  # nobody could look: not even this thread

    def before_io_wait(self, timeout: float) -> None:
        """Note its end; called by trio."""
        now = time.perf_counter()
        lasted = self.lag.pass_ended(now)
        if lasted > TOLD_S and self._in_real_time:
            self._lines.tell(lasted, self.held_by, now)

    @property
    def _in_real_time(self) -> bool:
        clocks = self.lag.clocks
        return clocks is not None and clocks.real

    def _look(self) -> None:
        """Look, from a thread of its own, where a pass is that lasts; until nobody wants to know any more."""
        seen, seen_in, told_s, looked_at, idle = Counter[CodeLine](), -1, 0.0, -1, 0
        lag = self.lag
        while not self._ended.wait(TICK_S):
            lag.ticks.tick(time.perf_counter())
            number, began = lag.number, lag.began
            if not began and number == looked_at:
                idle += 1
                if idle >= AWAKE_TICKS:
                    self._sleep_while_idle()
                continue
            looked_at, idle = number, 0
            lasted = time.perf_counter() - began if began else 0.0
            if lasted < LOOKED_AT_S:
                continue
            line = line_of_thread(self._thread_id)
            if lag.number != number:
                continue  # it has ended meanwhile, and the line is another's
            if seen_in != number:
                seen, seen_in, told_s = Counter(), number, STUCK_S / 2
            if line is not None:
                seen[line] += 1
                self._held = _Held(number, seen.most_common(1)[0][0])
            if lasted >= 2 * told_s and self._in_real_time:
                told_s = lasted
                log.error("the loop is held", for_s=round(lasted, 1), by=_place(self.held_by))

    def _sleep_while_idle(self) -> None:
        """Wait, without bound, for the next pass or for the end: an idle process is not woken to be looked at."""
        self.lag.ticks.rest()
        self._bell.clear()
        self._idle = True
        if not self.lag.began and not self._ended.is_set():  # else nobody may ring any more
            self._bell.wait()
        self._idle = False


_WATCH: trio.lowlevel.RunVar[LoopWatch | None] = trio.lowlevel.RunVar("voxint loop watch", None)


@contextmanager
def watched_loop() -> Iterator[LoopWatch]:
    """Measure the loop of this task, and tell in the log what holds it, while the block runs.

    One watch, with one thread, serves all of a loop's blocks, in whatever order they end.
    """
    watch = _WATCH.get() or LoopWatch()
    with watch.used():
        yield watch


def _place(line: CodeLine | None) -> str:
    """Return where a pass was held, for the log; code that keeps the interpreter to itself can't be looked into."""
    return "unknown" if line is None else line.place
