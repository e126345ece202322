"""The processes of a run: targets and the simulated upstream as long as they are needed, a generator for each load."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

import msgspec
import psutil
import trio
from attrs import define, field, frozen

from bench.environments import ROOT, environment_of
from bench.generator import Job, Window
from bench.targets.plain import Upstream
from voxint.background import open_background
from voxint.children import python_environment
from voxint.measure import Recording

__all__ = [
    "Cores",
    "GeneratorFailed",
    "Target",
    "TargetFailed",
    "announced",
    "cpu_s",
    "generate",
    "go_second",
    "may_go_first",
    "run_target",
]

START_S = 60.0
"""Seconds that a target has to start: the slowest imports for 6 s on an idle machine of two cores, and all start at
once."""

ENDS_S = 30.0
"""Seconds after its load's end at which a generator hangs; answers are awaited for 5 s."""

UPSTREAM_NICE = -10
GENERATOR_PRIORITY = 1
"""The generator and the upstream share a core, and both take the stamps that judge a target. The generator goes first,
as a real-time process: reading a frame takes it a tenth of what the upstream does for the end of a stream, which comes
at the same moment, and an acknowledgement that waits for that would be counted as the target's time. The upstream
stays an ordinary process, in front of all others but that one."""


class TargetFailed(Exception):
    """A target did not start, or ended; the text says what it printed last."""


class GeneratorFailed(Exception):
    """A load could not be run to its end; the text says how it ended."""


@frozen
class Cores:
    """Who runs where: the target alone on its own, all that measures on the others.

    Args:
        target: The target's.
        rest: The generator's, the upstream's and our own.
    """

    target: int | None
    rest: frozenset[int]

    @classmethod
    def of_machine(cls) -> Cores:
        """Return the split; a machine with one core can't be split."""
        first, *others = sorted(os.sched_getaffinity(0))
        return cls(first, frozenset(others)) if others else cls(None, frozenset({first}))

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Keep this process, too, off the target's core while the block runs."""
        before = os.sched_getaffinity(0)
        os.sched_setaffinity(0, self.rest)
        try:
            yield
        finally:
            os.sched_setaffinity(0, before)


class _Ready(msgspec.Struct):
    """What a target says of itself when it listens (bench/targets/__main__.py)."""

    url: str
    versions: dict[str, str]
    dialect: str
    notes: str
    cannot: dict[str, str]


@define(eq=False)
class Target:
    """A target that listens.

    Args:
        name: Which.
        said: Of itself.
        process: Its process.
        rss_at_start: Its memory when it began to listen, in bytes.
        trace: Where it writes which turn it told to stop, and when.
    """

    name: str
    said: _Ready
    process: psutil.Process
    rss_at_start: int
    trace: Path

    def forget(self) -> None:
        """Forget the turns of an earlier load, whose numbers may come again."""
        os.truncate(self.trace, 0)

    def cancelled(self) -> dict[int, float]:
        """Return when it told each turn to stop, by the turn's number."""
        lines = [line.split() for line in self.trace.read_text().splitlines()]
        return {int(turn): float(at) for turn, at in reversed(lines)}  # of two marks the first stands

    def cpu_s(self) -> float:
        """Return the processor seconds it has used so far, its children's too."""
        return cpu_s(self.process)

    @property
    def ended(self) -> bool:
        """Whether its process is over, though its parent has not been told yet."""
        return self.process.status() == psutil.STATUS_ZOMBIE

    def rss(self) -> int:
        """Return its memory now, in bytes, its children's too."""
        return sum(process.memory_info().rss for process in _family(self.process))


def _family(process: psutil.Process) -> list[psutil.Process]:
    """Return a process and its children."""
    return [process, *process.children(recursive=True)]


def cpu_s(process: psutil.Process) -> float:
    """Return the processor seconds that a process and its children have used so far."""
    total = 0.0
    for one in _family(process):
        times = one.cpu_times()
        total += times.user + times.system
    return total


@asynccontextmanager
async def announced(
    module: str,
    *arguments: str,
    passed: Iterable[str] = (),
    core: int | None = None,
    start_s: float = START_S,
    python: str = sys.executable,
) -> AsyncIterator[tuple[str, psutil.Process]]:
    """Run a module of ours as a process for the block, which begins when it has printed its first line; give both.

    Args:
        module: What is run.
        *arguments: What it finds in `sys.argv`.
        passed: Variables of this environment that it is to have beside those of a Python program.
        core: The one that it is kept to; None: any.
        start_s: Seconds in which the line has to come.
        python: The interpreter that runs it.

    Raises:
        TargetFailed: It ended before.
        trio.TooSlowError: It did not come in time.
    """
    command = [python, "-m", module, *arguments]
    environment = python_environment(*passed)
    process = await trio.lowlevel.open_process(command, cwd=ROOT, stdout=subprocess.PIPE, env=environment)
    try:
        if core is not None:
            os.sched_setaffinity(process.pid, {core})
        assert process.stdout is not None
        line = b""
        with trio.fail_after(start_s):
            while not line.endswith(b"\n"):
                piece = await process.stdout.receive_some()
                if not piece:
                    raise TargetFailed(f"{module} did not start")
                line += piece
        yield line.decode().strip(), psutil.Process(process.pid)
    finally:
        process.kill()
        with trio.CancelScope(shield=True):  # it has been killed: only the kernel is waited for
            await process.wait()


@asynccontextmanager
async def run_target(name: str, upstream: Upstream, core: int | None) -> AsyncIterator[Target]:
    """Run a target in its environment while the block runs, on one core if `core` says which; then kill it.

    Raises:
        TargetFailed: It did not listen within a minute.
    """
    folder = tempfile.TemporaryDirectory(prefix="voxint-bench-")
    trace = Path(folder.name, "trace")
    trace.touch()  # noqa: ASYNC240 - an empty file in memory or on disk, before anything is measured
    command = [environment_of(name).python, "-m", "bench.targets", name, *upstream, "--trace", str(trace)]
    process = await trio.lowlevel.open_process(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=python_environment()
    )
    if core is not None:
        os.sched_setaffinity(process.pid, {core, *os.sched_getaffinity(0)})  # all start at once: on every core
    tail: list[str] = []
    try:
        assert process.stdout is not None
        assert process.stderr is not None
        async with open_background() as nursery:
            nursery.start_soon(_lines, process.stderr, lambda line: tail.__setitem__(slice(None), [*tail[-9:], line]))
            out = _Out()
            nursery.start_soon(_lines, process.stdout, out.take, out.ended)
            with trio.move_on_after(START_S):
                await out.known.wait()
            if out.said is None:
                raise TargetFailed(f"{name} did not start; it printed: {' | '.join(tail) or 'nothing'}")
            own = psutil.Process(process.pid)
            if core is not None:
                _pin(own, {core})
            target = Target(name, out.said, own, 0, trace)
            target.rss_at_start = target.rss()
            yield target
            nursery.cancel_scope.cancel(reason="the target is not needed any more")
    finally:
        await _kill(process)
        folder.cleanup()


async def _kill(process: trio.Process) -> None:
    process.kill()
    with trio.CancelScope(shield=True):  # the target has been killed: only the kernel is waited for
        await process.wait()


def _pin(process: psutil.Process, cores: Iterable[int]) -> None:
    """Put a process on its cores, with every thread that it has made."""
    for one in _family(process):
        for thread in one.threads():
            os.sched_setaffinity(thread.id, cores)


@define(eq=False)
class _Out:
    """What comes on a target's standard output."""

    said: _Ready | None = None
    known: trio.Event = field(factory=trio.Event)

    def take(self, line: str) -> None:
        """Take the first line that is its word that it listens; libraries of a target may print before and after."""
        if self.said is None:
            with suppress(msgspec.MsgspecError):
                self.said = msgspec.json.decode(line, type=_Ready)
                self.known.set()

    def ended(self) -> None:
        """Wake who waits for a target that has ended instead."""
        self.known.set()


async def _lines(
    stream: trio.abc.ReceiveStream, take: Callable[[str], None], ended: Callable[[], None] = lambda: None
) -> None:
    rest = b""
    async for data in stream:
        *lines, rest = (rest + data).split(b"\n")
        for line in lines:
            take(line.decode(errors="replace").strip())
    ended()


async def generate(job: Job, cores: Cores, counting: Callable[[Window], None]) -> Recording:
    """Run a load in a process of its own.

    Args:
        job: Which.
        cores: Where.
        counting: Called with the span in which it counts, before that begins.

    Raises:
        GeneratorFailed: It ended without a recording, or hung; standard error says more.
    """
    process = await trio.lowlevel.open_process(
        [sys.executable, "-m", "bench.generator"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=python_environment(),
    )
    output: list[str] = []
    try:
        go_first(process.pid, cores.rest)
        assert process.stdin is not None
        assert process.stdout is not None
        with trio.move_on_after(START_S + job.warmup_s + job.seconds + job.workload.longest_s + ENDS_S) as scope:
            await process.stdin.send_all(msgspec.json.encode(job))
            await process.stdin.aclose()

            def take(line: str) -> None:
                output.append(line)
                if len(output) == 1:
                    counting(msgspec.json.decode(line, type=Window))

            await _lines(process.stdout, take)
            await process.wait()
        if scope.cancelled_caught:
            raise GeneratorFailed("the load generator did not end in time")
        if process.returncode != 0 or len(output) != 2:
            raise GeneratorFailed(f"the load generator failed with exit code {process.returncode}")
        return msgspec.json.decode(output[1], type=Recording)
    finally:
        await _kill(process)


def may_go_first() -> bool:
    """Return whether this process may make others real-time processes."""
    try:
        before = os.sched_getscheduler(0), os.sched_getparam(0)
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(GENERATOR_PRIORITY))
        os.sched_setscheduler(0, *before)
    except PermissionError:
        return False
    return True


def go_first(pid: int, cores: Iterable[int]) -> None:
    """Put the generator on its cores, in front of everything if that is permitted."""
    os.sched_setaffinity(pid, cores)
    with suppress(PermissionError):
        os.sched_setscheduler(pid, os.SCHED_RR, os.sched_param(GENERATOR_PRIORITY))


def go_second(pid: int, cores: Iterable[int]) -> None:
    """Put the upstream on its cores, in front of all but the generator if that is permitted."""
    os.sched_setaffinity(pid, cores)
    with suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, pid, UPSTREAM_NICE)
