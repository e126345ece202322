"""The main thread of a serving process, outside of the event loop: it takes signals, and can always end the process.

The loop runs in a thread of its own. Whatever holds it up, a provider that blocks or an operating system that does,
the main thread waits for signals and for the clock alone, so a drain that lasts too long is ended in time, and so is a
server that has failed and can't let go.
"""

from __future__ import annotations

import faulthandler
import os
import select
import signal
import socket
import sys
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from typing import Literal, NoReturn, TextIO

import trio
from attrs import define, field, frozen

from voxint.authors_line import line_of_thread
from voxint.cli.failures import FAILED, told_failure
from voxint.cli.line_writer import LineWriter, QueuedText
from voxint.cli.logs import flush_logs
from voxint.logs import get_logger, note_lost, places
from voxint.server.serve import Server

__all__ = ["FALL_S", "HUNG", "SAME_S", "Outside", "run_outside"]

HUNG = 70
"""Exit code: something did not stop, and the process ended without it; EX_SOFTWARE of sysexits.h."""

FIRST_PID = 1
"""Of a container's first process, to which the system delivers no signal that has no handler."""

FALL_S = 1.5
"""Seconds that a server which has failed has to let go of what it holds: its supervisor waits for the exit, to start
another."""

LAST_S = 1.0
"""Seconds that the interpreter waits for threads and handlers of a provider's, once the loop has ended. Ours."""

STUCK_S = 10.0
"""Seconds from the end of the loop to that of the process where C code keeps the interpreter to itself. Its code is
lost then; ours: no loaded machine takes so long to end in order, and supervisors wait for longer."""

DRAIN = (signal.SIGINT, signal.SIGTERM)
"""The signals that drain a server."""

SAME_S = 0.5
"""A signal that comes so soon after the one that drains is the same wish told twice; ours: `timeout`, and whoever kills
a process and then its group, sends two at once, and no person is as quick."""

HANG_UP: signal.Signals | None = getattr(signal, "SIGHUP", None)
"""What a terminal that is closed sends to what runs in it, and an operator to a service that shall read its files."""

log = get_logger()

Main = Callable[["Outside"], Awaitable[None]]


@frozen
class _Serving:
    """A server that listens.

    Args:
        server: It.
        token: Its event loop.
        time_to_end_s: How long a drain may last.
    """

    server: Server
    token: trio.lowlevel.TrioToken
    time_to_end_s: float


@frozen
class _Ended:
    """The loop has ended, by itself or by an error."""

    error: BaseException | None


_News = signal.Signals | _Serving | _Ended | Literal["fallen"]


class _Inbox:
    """What is told to the main thread, by other threads and by signals, with a socket that wakes it.

    A signal may be delivered to any thread; its handler runs in the main one, as soon as that does anything at all.
    """

    def __init__(self) -> None:
        self._news: deque[_News] = deque()
        self._bell, self._ringer = socket.socketpair()
        self._bell.setblocking(False)
        self._ringer.setblocking(False)

    def hear_signals(self) -> None:
        """Have every signal wake the main thread; to be called by it."""
        signal.set_wakeup_fd(self._ringer.fileno(), warn_on_full_buffer=False)

    def put(self, news: _News) -> None:
        """Tell something, from any thread or from the handler of a signal."""
        self._news.append(news)
        with suppress(BlockingIOError):  # it has been rung often enough
            self._ringer.send(b"\0")

    def get(self, seconds: float | None) -> _News | None:
        """Wait for something to be told, so long at most; None where nothing was."""
        until = None if seconds is None else time.monotonic() + seconds
        while not self._news:
            left = None if until is None else until - time.monotonic()
            if left is not None and left <= 0:
                return None
            select.select([self._bell], [], [], left)
            with suppress(BlockingIOError):
                self._bell.recv(4096)
        return self._news.popleft()


@define(eq=False)
class Outside:
    """What the loop tells the main thread, and what that does about it.

    Args:
        nowhere: An open file that nobody reads, for what a thread of the interpreter's writes at the very end.
    """

    _nowhere: TextIO
    _inbox: _Inbox = field(init=False, factory=_Inbox)
    _serving: _Serving | None = field(init=False, default=None)
    _loop_thread: int = field(init=False, default=0)
    _end_by: float | None = field(init=False, default=None)
    _in_terminal: bool = field(init=False, default=False)
    _draining: bool = field(init=False, default=False)
    _same_until: float | None = field(init=False, default=None)

    def serving(self, server: Server, time_to_end_s: float) -> None:
        """Note, from the loop, that a server listens: from now on a signal drains it.

        Args:
            server: Which.
            time_to_end_s: How long a drain may last, in seconds; beyond it the process ends all the same.
        """
        server.when_fallen(lambda: self._inbox.put("fallen"))
        self._inbox.put(_Serving(server, trio.lowlevel.current_trio_token(), time_to_end_s))

    def run(self, main: Main) -> int:
        """Run `main` in a loop of its own until it ends; return the exit code."""
        self._inbox.hear_signals()
        for each in _heeded():
            signal.signal(each, lambda number, _: self._inbox.put(signal.Signals(number)))
        self._in_terminal = _has_terminal()
        threading.Thread(target=self._run_loop, args=(main,), name="voxint loop", daemon=True).start()
        while True:
            news = self._next()
            if isinstance(news, _Ended):
                if HANG_UP is not None:
                    signal.signal(HANG_UP, signal.SIG_IGN)  # the interpreter's end would make it deadly again
                return _code_of(news.error)
            if isinstance(news, _Serving):
                self._serving = news
            elif news == "fallen":
                log.error("the server has failed", at_most_s=FALL_S)
                self._end_within(FALL_S)
            else:
                self._obey(news)

    def _run_loop(self, main: Main) -> None:
        self._loop_thread = threading.get_ident()
        error: BaseException | None = None
        try:
            trio.run(main, self)
        except BaseException as raised:  # noqa: BLE001 - the main thread tells of it, and ends the process by it
            error = raised
        finally:
            self._inbox.put(_Ended(error))

    def _next(self) -> _News:
        """Wait for what is next: without bound while the server serves, and then as long as it was promised."""
        while (news := self._inbox.get(self._left_s())) is None:
            if self._same_until is not None and time.monotonic() >= self._same_until:
                self._same_until = None
                _let_kill()
                continue
            line = line_of_thread(self._loop_thread)
            held = {} if line is None else {"by": line.place}  # else a task waits, and the loop goes round
            log.error("something did not stop: exiting without it", exit_code=HUNG, **held)
            flush_logs()
            os._exit(HUNG)
        return news

    def _left_s(self) -> float | None:
        """Return how long there is to wait at most, in seconds; None: without bound."""
        ends = [end for end in (self._end_by, self._same_until) if end is not None]
        return max(0.0, min(ends) - time.monotonic()) if ends else None

    def _end_within(self, seconds: float) -> None:
        end_by = time.monotonic() + seconds
        self._end_by = end_by if self._end_by is None else min(self._end_by, end_by)
        # Where even this thread can't run, as C code keeps the interpreter to itself.
        _end_at_last_within(seconds + 1, self._nowhere)

    def _obey(self, signum: signal.Signals) -> None:
        serving = self._serving
        drains = signum in DRAIN or self._in_terminal
        if serving is None:
            if drains:  # nobody is served yet: it has the effect that it has on any program
                _die_of(signum)
        elif drains and self._draining:
            if self._same_until is None or time.monotonic() >= self._same_until:
                _die_of(signum)
        elif drains:
            self._draining = True
            self._same_until = time.monotonic() + SAME_S
            log.info("draining", signal=signum.name, at_most_s=serving.time_to_end_s)
            self._end_within(serving.time_to_end_s)
            with suppress(trio.RunFinishedError):  # it has ended in this moment
                serving.token.run_sync_soon(serving.server.shut_down)
        else:
            log.info("reloading", signal=signum.name)
            with suppress(trio.RunFinishedError):
                serving.token.run_sync_soon(serving.server.reload_soon)


def run_outside(main: Main) -> NoReturn:
    """Run a serving `main` beside the main thread, and exit with its code.

    Standard output and error of the process are written by threads of their own from then on: a `print` of a provider
    can't hold up the loop either.
    """
    # Opened now: there may be no descriptor left when it is needed.
    nowhere = open(os.devnull, "w")  # noqa: SIM115 - to the end of the process
    writers = []
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # it was closed by whoever started this process, who wants to hear nothing
            setattr(sys, name, nowhere)
            continue
        writer = LineWriter(stream.fileno(), note_lost)
        writers.append(writer)
        setattr(sys, name, QueuedText(writer, stream, note_lost))
    code = Outside(nowhere).run(main)
    flush_logs()
    for writer in writers:
        writer.flush()
    _end_at_last_within(STUCK_S, nowhere)
    with suppress(RuntimeError):  # no thread is to be had: the other bound is left
        threading.Thread(target=_end_after, args=(LAST_S, code), name="voxint end", daemon=True).start()
    sys.exit(code)


def _end_after(seconds: float, code: int) -> None:
    """End the process: a thread that is no daemon would keep the interpreter for as long as it likes."""
    time.sleep(seconds)
    os._exit(code)


def _heeded() -> Iterator[signal.Signals]:
    """Yield the signals that are heeded; a hang-up is not where whoever started this process wants it so (nohup)."""
    yield from DRAIN
    if HANG_UP is not None and signal.getsignal(HANG_UP) is not signal.SIG_IGN:
        yield HANG_UP


def _die_of(signum: signal.Signals) -> NoReturn:
    """End this process as a signal does; the first process of a container is spared by the system, and exits."""
    if os.getpid() != FIRST_PID:
        signal.signal(signum, signal.SIG_DFL)
        os.kill(os.getpid(), signum)
    os._exit(128 + signum)


def _let_kill() -> None:
    """Have a second signal kill at once from now on, whatever this thread does."""
    if os.getpid() != FIRST_PID:
        for each in DRAIN:
            signal.signal(each, signal.SIG_DFL)


def _has_terminal() -> bool:
    """Return whether this process runs in a terminal, whose end is then its own."""
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY))
    except OSError:
        return False
    return True


def _end_at_last_within(seconds: float, nowhere: TextIO) -> None:
    """End the process by a thread that needs no interpreter, and writes nothing: what it wrote to might hang.

    The exit code is 1 then, whatever it should be.
    """
    faulthandler.dump_traceback_later(seconds, exit=True, file=nowhere)


def _code_of(error: BaseException | None) -> int:
    """Return the exit code, and tell a person, or the log, what went wrong."""
    if error is None:
        return 0
    code, rest = told_failure(error)
    if rest is not None:
        log.error("the server failed", trace=places(rest))
        return FAILED
    return code
