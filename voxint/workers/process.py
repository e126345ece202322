"""The parent's side of one engine's process: start it, have a job done, have it let go of one, kill it."""

from __future__ import annotations

import itertools
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from math import ceil

import trio
from attrs import evolve, frozen

from voxint.children import bare_environment, confined_command
from voxint.errors import ConfigError, UpstreamError, UpstreamTimeout
from voxint.extras import to_add
from voxint.workers import frames
from voxint.workers.child import SPARE_S

__all__ = ["Worker", "WorkerKind", "start_worker"]

SEND_S = 1.0
"""Seconds in which a process takes a piece of a job. Ours: one that is idle reads at once, if it gets a core and its
memory is not paged out; one that is stopped is not worth more, for the wait can't be cancelled."""

KILL_S = 1.0
"""Seconds for a killed process to be gone: only the kernel is waited for, and it may hold one that pages."""

PIPE_BYTES = 2**20
"""What a pipe is to hold, where the system grants it: a job or an answer in one piece. Linux' own limit for users."""

ENVIRONMENT = {"OPENBLAS_NUM_THREADS": "1", "ORT_DISABLE_TELEMETRY": "1"}
"""What an engine finds beside what an interpreter needs: numpy's products of matrices are small here, and its threads,
which spin while they wait for one another, make them forty times slower where others are at work on the cores. And
onnxruntime, from 1.32 on, would note its use in a database in the home of this user."""

THREAD_MIB = 80
"""Address space of a thread: on Linux a stack of 8 and 64 of its own to allocate from, most of it never touched. Where
it has no room, an engine hangs while it starts, or can't."""

READ_BYTES = 2**18
"""What is read of a pipe at once; ours: five seconds of speech."""


@frozen(kw_only=True)
class WorkerKind:
    """What kind of process an engine runs in.

    Args:
        name: The provider's, as it stands in configurations, errors and logs.
        noun: What its engine is to a caller, such as ``recogniser`` or ``voice``.
        script: The child's file, which calls `child.serve_jobs`.
        packages: The top-level packages that it imports beside the standard library.
        extra: The extra of ours that brings them.
        memory_mib: Address space it may take, in MiB.
        start_s: Seconds in which it has to be ready.
        answer_s: Whole seconds in which a job has to be done.
        abort_s: Seconds in which it has to let go of a cancelled job, before it is killed; 0: it is killed at once.
        threads: Whether it starts threads: its engine's, or the one that reads while it works.
        nice: How much the system is to prefer other processes to it, 0 to 19.
        remedy: What its operator can do where all are busy.
    """

    name: str
    noun: str
    script: str
    packages: tuple[str, ...]
    extra: str = "speech"
    memory_mib: int
    start_s: float
    answer_s: int
    abort_s: float = 0.0
    threads: bool = False
    nice: int = 0
    remedy: str = "raise max_workers"

    def with_threads(self, count: int) -> WorkerKind:
        """Return the kind with room for so many threads, where its bound is for one."""
        return evolve(self, memory_mib=self.memory_mib + THREAD_MIB * (count - 1))


class Worker:
    """One process. It does one job at a time, for one task.

    Args:
        kind: Of what kind it is.
        process: The process, with pipes for its standard input and output.
    """

    def __init__(self, kind: WorkerKind, process: trio.Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self.process = process
        self._kind = kind
        self._to = process.stdin
        self._from = process.stdout
        self._received = bytearray()
        self._numbers = itertools.count(1)
        self._idle = True
        self.asked = False
        """Whether it has ever had a job."""
        self.ready = b""
        """The facts that its engine told when it had been loaded."""

    @property
    def usable(self) -> bool:
        """Whether it lives, and has no job."""
        return self._idle and self.process.poll() is None

    async def ask(self, kind: int, payload: bytes = b"") -> bytes:
        """Have a job done and return its answer.

        Cancelled, the job is over when this raises `trio.Cancelled`: the process has let go of it, or is dead.

        Args:
            kind: What to do, in the engine's numbers.
            payload: What to do it with.

        Raises:
            UpstreamError: The job failed, or the process died of it.
            UpstreamTimeout: There was no answer in time; the process has been killed.
        """
        assert self._idle, "a worker does one job at a time"
        assert kind < frames.MOST_KINDS, "the engine's own kinds of jobs are below"
        await trio.lowlevel.checkpoint_if_cancelled()
        number = next(self._numbers)
        begin = trio.current_time()
        self._idle, self.asked = False, True
        try:
            with trio.fail_after(self._kind.answer_s):
                await self._send(frames.packed(kind, number, payload))
                answered, words = await self._answer(number)
            self._idle = True
        except trio.TooSlowError:
            await self.kill()
            await trio.lowlevel.checkpoint_if_cancelled()  # it was while the process did not take the job
            raise UpstreamTimeout(
                f"the {self._kind.noun} gave no answer for {trio.current_time() - begin:.0f} s",
                operator_detail=f"{self._kind.name}: its process hangs, and was killed",
            ) from None
        except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
            raise await self._died() from error
        finally:
            if not self._idle:
                await self._let_go(number)
        if answered != frames.DONE:
            raise UpstreamError(
                f"the {self._kind.noun} failed; try again",
                operator_detail=f"{self._kind.name}: {words.decode(errors='replace')}",
            )
        return words

    async def receive(self) -> frames.Frame:
        """Return the next frame from the process. Cancelled, nothing of it is lost.

        Raises:
            trio.BrokenResourceError: The process has closed its end, or says that more follows than any engine has.
        """
        await self._hold(frames.HEADER.size)
        kind, number, size = frames.HEADER.unpack_from(self._received)
        if size > frames.MOST_BYTES:
            raise trio.BrokenResourceError("the process writes no frames any more")
        await self._hold(frames.HEADER.size + size)
        payload = bytes(self._received[frames.HEADER.size : frames.HEADER.size + size])
        del self._received[: frames.HEADER.size + size]
        return kind, number, payload

    async def ending(self) -> str:
        """Reap a process that has closed its pipe, and return how it ended; it is killed where it does not end."""
        with trio.move_on_after(KILL_S, shield=True):
            await self.process.wait()
        await self.kill()
        code = self.process.returncode
        return f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"

    async def kill(self) -> None:
        """Kill the process, reap it and close its pipes, cancelled or not; safe to call twice.

        Shielded: a killed process ends within milliseconds unless the kernel holds it, hence the bound.
        """
        self.process.kill()
        with trio.move_on_after(KILL_S, shield=True):
            await self.process.wait()
        with trio.CancelScope(shield=True):  # closing forcefully never blocks
            await trio.aclose_forcefully(self._to)
            await trio.aclose_forcefully(self._from)

    async def _send(self, frame: bytes) -> None:
        """Write a whole frame, for half of one would make the rest of the pipe unreadable; hence shielded.

        Raises:
            trio.TooSlowError: The process took nothing more for `SEND_S`, or a piece of `PIPE_BYTES` no faster.
        """
        pieces = memoryview(frame)
        for at in range(0, len(frame), PIPE_BYTES):
            with trio.fail_after(SEND_S, shield=True):
                await self._to.send_all(pieces[at : at + PIPE_BYTES])

    async def _answer(self, number: int) -> tuple[int, bytes]:
        while True:
            kind, answered, payload = await self.receive()
            if answered == number:
                return kind, payload

    async def _let_go(self, number: int) -> None:
        """Have the process let go of its job, or kill it. Shielded, and bounded by `abort_s` and `KILL_S`."""
        if self._kind.abort_s and self.process.poll() is None:
            with suppress(trio.TooSlowError, trio.BrokenResourceError, trio.ClosedResourceError):
                with trio.fail_after(self._kind.abort_s, shield=True):
                    await self._to.send_all(frames.packed(frames.ABORT, number))
                    await self._answer(number)
                    self._idle = True
        if not self._idle:
            await self.kill()

    async def _hold(self, size: int) -> None:
        while len(self._received) < size:
            more = await self._from.receive_some(READ_BYTES)
            if not more:
                raise trio.BrokenResourceError("the process has closed its pipe")
            self._received += more

    async def _died(self) -> UpstreamError:
        detail = f"{self._kind.name}: its process died of it ({await self.ending()}); another is started"
        return UpstreamError(f"the {self._kind.noun} failed; try again", operator_detail=detail)


async def start_worker(kind: WorkerKind, arguments: Sequence[str]) -> Worker:
    """Start a process and wait until its engine is loaded. Cancelled, it has been killed.

    Args:
        kind: What kind of process.
        arguments: What its script finds in `sys.argv`.

    Raises:
        ConfigError: A package is not installed, or the engine can't begin with these arguments.
        UpstreamError: The process died, or was not ready in time.
        OSError: It can't be started.
    """
    limit_s = str(max(kind.answer_s, ceil(kind.start_s)) + SPARE_S)
    command = confined_command(
        kind.script,
        *(limit_s, str(kind.nice), *arguments),
        memory_mib=kind.memory_mib,
        packages=("voxint", *kind.packages),
        threads=kind.threads,
    )
    process = await trio.lowlevel.open_process(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**bare_environment(), **ENVIRONMENT},
    )
    worker = Worker(kind, process)
    _widen(process)
    state = frames.FAILED
    try:
        with trio.fail_after(kind.start_s):
            state, _, words = await worker.receive()
    except trio.TooSlowError:
        raise UpstreamTimeout(f"{kind.name}: its process was not ready after {kind.start_s:.0f} s") from None
    except trio.BrokenResourceError as error:
        raise UpstreamError(f"{kind.name}: its process died while it started ({await worker.ending()})") from error
    finally:
        if state != frames.READY:
            await worker.kill()
    if state == frames.MISSING and words:
        raise ConfigError(
            kind.name,
            f"a package of the extra `{kind.extra}` can't be loaded ({words.decode(errors='replace')}): "
            f"install it again, {to_add(kind.extra)}",
        )
    if state == frames.MISSING:
        raise ConfigError(
            kind.name,
            f"the packages of the extra `{kind.extra}` are not installed: {to_add(kind.extra)}",
        )
    if state == frames.FAILED:
        raise ConfigError(kind.name, words.decode(errors="replace"))
    worker.ready = words
    return worker


def _widen(process: trio.Process) -> None:
    """Have the pipes hold a whole job, and a whole answer, where the system grants that."""
    if sys.platform == "linux":
        import fcntl

        for pipe in (process.stdin, process.stdout):
            with suppress(OSError):  # a user may have so much in all of his pipes together
                fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, PIPE_BYTES)  # type: ignore[union-attr] # both are pipes
