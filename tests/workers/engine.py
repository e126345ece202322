"""An engine that does what a test tells it: run as a worker's script, and imported for the kinds of jobs."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
import threading
import time
from pathlib import Path

from voxint.workers.child import Job, JobFailed, serve_jobs

__all__ = ["ASK", "DIE", "FAIL", "HOLD", "MAKE", "OBEY", "PRINT", "QUOTE", "STUBBORN", "TELL"]

ASK, MAKE, FAIL, DIE, PRINT, TELL, OBEY, STUBBORN, HOLD, QUOTE = range(1, 11)
"""Jobs: send back what came; send so many bytes; fail with these words; die by this signal, or by `exit`; print; tell
of the process; work for so many seconds, ended by an abort; not ended by one; and with Python's lock held; fail as a
library does that quotes what it got."""


class Scripted:
    """Does its jobs, and says what it was started with."""

    def __init__(self, arguments: list[str]) -> None:
        self.ready = json.dumps(arguments).encode()
        self._stop = threading.Event()  # of the engine, not of a job: as with a library that has one state

    def run(self, job: Job) -> bytes:
        """Do what the kind says."""
        told = job.payload
        if job.kind == MAKE:
            return bytes(int(told))
        if job.kind == FAIL:
            raise JobFailed(told.decode())
        if job.kind == QUOTE:
            raise LookupError(told.decode())
        if job.kind == DIE:
            self._die(told.decode())
        if job.kind == PRINT:
            self._print(told)
        if job.kind == TELL:
            nice, environment = os.getpriority(os.PRIO_PROCESS, 0), dict(os.environ)
            return json.dumps({"pid": os.getpid(), "nice": nice, "environment": environment}).encode()
        if job.kind == OBEY:
            self._work(job, float(told))
        if job.kind == STUBBORN:
            time.sleep(float(told))
        if job.kind == HOLD:
            ctypes.PyDLL(None).sleep(int(told))
        return told

    def _work(self, job: Job, seconds: float) -> None:
        self._stop.clear()
        job.when_aborted(self._stop.set)
        if self._stop.wait(seconds) and not job.aborted:
            raise RuntimeError("the abort of another job came here")
        job.check()

    @staticmethod
    def _die(how: str) -> None:
        if how == "exit":
            os._exit(3)
        if how == "abort":
            os.abort()
        os.kill(os.getpid(), getattr(signal, how))

    @staticmethod
    def _print(words: bytes) -> None:
        print(words.decode(), flush=True)  # noqa: T201 - what is tested
        os.write(1, words)
        ctypes.CDLL(None).puts(words)


def load() -> Scripted:
    """Begin as the first argument says; ``unless`` fails where there is a file of the second argument's name."""
    how, *rest = [*sys.argv[1:], ""]
    if how == "missing":
        raise ModuleNotFoundError("No module named 'voice'")
    if how == "unloadable":
        raise ImportError("libvoice.so: cannot open shared object file")
    if how == "fails" or (how == "unless" and Path(rest[0]).exists()):
        raise ValueError("the model can't\nbe read")
    if how == "hangs":
        time.sleep(60)
    if how == "dies":
        os._exit(3)
    return Scripted(sys.argv[1:])


if __name__ == "__main__":
    serve_jobs(load)
