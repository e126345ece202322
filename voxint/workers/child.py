"""The child's side: jobs one at a time in the main thread, while another thread reads and obeys an abort at once.

The end of standard input, which is also the death of the parent, ends the process, whatever the engine is at. Where an
engine keeps Python's lock and no thread of ours gets to see that, an alarm of the system does.
"""

from __future__ import annotations

import os
import queue
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import BinaryIO, Protocol

from voxint.workers import frames

__all__ = ["Aborted", "Engine", "Job", "JobFailed", "serve_jobs"]

SPARE_S = 5
"""Seconds beyond what the parent waits for an answer, until an engine that gives none is ended by the system: ours, its
parent has given it up by then, or is dead."""

WORDS_CHARS = 500
"""Of what an engine says of its failure; ours: it goes into a line of a log."""


class Aborted(Exception):
    """A job ends because it was aborted."""


class JobFailed(RuntimeError):
    """A job fails, in words for the operator's log: they hold nothing of what a person said."""


class Job:
    """One piece of work. An abort may come at any instant, in the thread that reads.

    Args:
        kind: What to do, in the engine's own numbers from 0 to 199.
        number: By which the parent knows it.
        payload: What to do it with.
    """

    def __init__(self, kind: int, number: int, payload: bytes) -> None:
        self.kind = kind
        self.number = number
        self.payload = payload
        self._lock = threading.RLock()  # a call may ask for another
        self._aborted = False
        self._over = False
        self._calls: list[Callable[[], None]] = []

    @property
    def aborted(self) -> bool:
        """Whether nobody wants its answer any more."""
        return self._aborted

    def when_aborted(self, call: Callable[[], None]) -> None:
        """Have `call` made in the instant of an abort, in another thread; now, where that has been.

        It is never made once the job is over, so it may stop whatever the engine is at. It must not block.
        """
        with self._lock:
            if self._aborted:
                call()
            else:
                self._calls.append(call)

    def abort(self) -> None:
        """Note that nobody wants the answer any more, and tell whoever asked for that; nothing where it is over."""
        with self._lock:
            if not self._over:
                self._aborted = True
                calls, self._calls = self._calls, []
                for call in calls:
                    call()

    def end(self) -> None:
        """Note that the job is over; an abort that comes now must not reach the next one."""
        with self._lock:
            self._over = True

    def check(self) -> None:
        """Raise `Aborted` where the job was aborted."""
        if self._aborted:
            raise Aborted


class Engine(Protocol):
    """What a child runs."""

    ready: bytes
    """Facts for the parent, sent once."""

    def run(self, job: Job) -> bytes:
        """Do the job and return its answer.

        Whatever it raises is the end of that job alone: after an abort it counts as that, else as a failure. Of
        `JobFailed` the words go to the operator's log. Of anything else the kind and the line go there, for a library
        may quote what a person said.
        """


def serve_jobs(load: Callable[[], Engine], *, abortable: bool = True) -> None:
    """Load an engine and do jobs until standard input ends. `sys.argv` holds what the parent gave as arguments.

    Args:
        load: Returns the engine. What it raises of ImportError says that a package is missing; OSError, RuntimeError
            and ValueError say with their words why it can't begin. Anything else is a bug, and the end.
        abortable: Whether a thread reads while a job runs. Without one the process has no thread of ours, and a
            cancelled job ends by itself or by the parent's hand.
    """
    limit_s, nice = int(sys.argv[1]), int(sys.argv[2])
    del sys.argv[1:3]
    _prefer_others(nice)
    _leave_signals()
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # so that nothing a C library prints gets between the frames
    _alarm(limit_s)
    try:
        engine = load()
        jobs = _read_beside(sys.stdin.buffer) if abortable else _read_between(sys.stdin.buffer)
    except ImportError as error:
        # One that is there and can't be loaded has something to say, such as which library of the system it lacks.
        _answer(answers, frames.MISSING, 0, b"" if isinstance(error, ModuleNotFoundError) else _told(error))
    except (OSError, RuntimeError, ValueError) as error:
        _answer(answers, frames.FAILED, 0, _words(error))
    else:
        _answer(answers, frames.READY, 0, engine.ready)
        _alarm(0)
        for job in jobs:
            _alarm(limit_s)
            _answer(answers, *_done(engine, job))
            _alarm(0)


def _done(engine: Engine, job: Job) -> tuple[int, int, bytes]:
    try:
        job.check()
        return frames.DONE, job.number, engine.run(job)
    except Exception as error:  # noqa: BLE001 - an engine is foreign code, and what it raises costs that job alone
        if job.aborted:
            return frames.ABORTED, job.number, b""
        return frames.FAILED, job.number, _words(error) if isinstance(error, JobFailed) else _place(error)
    finally:
        job.end()


def _place(error: Exception) -> bytes:
    """Say what kind of error it is, and in which line it was raised; no word of its own."""
    *_, (frame, line) = traceback.walk_tb(error.__traceback__)
    return f"{type(error).__name__} at {os.path.basename(frame.f_code.co_filename)}:{line}".encode()


def _words(error: Exception) -> bytes:
    return _told(error) or type(error).__name__.encode()


def _told(error: Exception) -> bytes:
    return " ".join(str(error).split())[:WORDS_CHARS].encode(errors="backslashreplace")


def _read_between(stream: BinaryIO) -> Iterator[Job]:
    """Yield jobs as they are read; an abort comes too late, for what it means has been done."""
    while (frame := frames.read(stream)) is not None:
        if frame[0] != frames.ABORT:
            yield Job(*frame)


def _read_beside(stream: BinaryIO) -> Iterator[Job]:
    """Return jobs that another thread reads from now on. The end of the stream ends the process, in mid-job too."""
    jobs: queue.SimpleQueue[Job] = queue.SimpleQueue()
    threading.Thread(target=_read_all, args=(stream, jobs), daemon=True).start()
    return iter(jobs.get, None)


def _read_all(stream: BinaryIO, jobs: queue.SimpleQueue[Job]) -> None:
    latest: Job | None = None
    try:
        while (frame := frames.read(stream)) is not None:
            kind, number, payload = frame
            if kind != frames.ABORT:
                latest = Job(kind, number, payload)
                jobs.put(latest)
            elif latest is not None and latest.number == number:
                latest.abort()
    finally:
        os._exit(0)  # also where an engine's call raised: nobody would read any more


def _prefer_others(nice: int) -> None:
    if sys.platform != "win32":
        with suppress(OSError):  # some sandboxes refuse it: better an engine that is in the way than none
            os.nice(nice)


def _leave_signals() -> None:
    """Pass over what a terminal or a supervisor sends to all of a group.

    It means the parent, which has answers to finish, or keys to read again, and ends this process by its pipe.
    """
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):  # Windows has no SIGHUP
            signal.signal(getattr(signal, name), signal.SIG_IGN)


def _alarm(seconds: int) -> None:
    """Have the system kill this process after some seconds; 0 for not at all."""
    if sys.platform != "win32":  # which has none
        signal.alarm(seconds)


def _answer(answers: BinaryIO, kind: int, number: int, payload: bytes) -> None:
    try:
        answers.write(frames.packed(kind, number, payload))
        answers.flush()
    except OSError:
        os._exit(0)  # the parent is gone; what the system says of that differs
