"""A cancelled job: its process lets go of it or is dead by then, and nothing gets out of step."""

from __future__ import annotations

import os
import random
import signal
import sys
from collections.abc import Callable

import pytest
import trio
import trio.testing

from tests.processes import every_child, exists, open_files
from tests.workers.engine import ASK, HOLD, MAKE, OBEY, STUBBORN
from tests.workers.kinds import KIND, WAIT_S, changed, pid_of
from voxint.workers import process as process_module
from voxint.workers.pool import WorkerPool, open_pool
from voxint.workers.process import KILL_S, WorkerKind

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

GENEROUS_S = 1.0
"""What a loaded machine may add to milliseconds."""


async def cancelled(
    pool: WorkerPool, kind: int, payload: bytes, after_s: float, when: Callable[[], None] = lambda: None
) -> float:
    """Have a job done and cancel it; return how long the cancellation took, in seconds."""
    with trio.CancelScope() as scope:
        async with pool.worker(WAIT_S) as worker:
            when()
            scope.deadline = trio.current_time() + after_s
            await worker.ask(kind, payload)
    assert scope.cancelled_caught
    return trio.current_time() - scope.deadline


async def test_an_abort_is_obeyed_and_costs_no_process() -> None:
    """Within milliseconds; the same process does the next job."""
    async with open_pool(KIND) as pool:
        pid = await pid_of(pool)
        for _ in range(5):
            assert await cancelled(pool, OBEY, b"60", 0.02) < GENEROUS_S
            assert await pid_of(pool) == pid


@pytest.mark.parametrize(("kind", "payload"), [(STUBBORN, b"60"), (HOLD, b"60")])
async def test_who_does_not_obey_is_killed(kind: int, payload: bytes) -> None:
    """After `abort_s` it is gone and reaped, also where it keeps Python's lock; another does the next job."""
    async with open_pool(changed(abort_s=0.2)) as pool:
        pid = await pid_of(pool)
        assert 0.2 <= await cancelled(pool, kind, payload, 0.05) < 0.2 + GENEROUS_S
        assert not exists(pid)
        assert await pid_of(pool) != pid


async def test_without_time_to_let_go_it_is_killed_at_once() -> None:
    """One that would obey too: an engine that keeps something from job to job is of no use to another."""
    async with open_pool(changed(abort_s=0.0)) as pool:
        pid = await pid_of(pool)
        assert await cancelled(pool, OBEY, b"60", 0.02) < GENEROUS_S
        assert not exists(pid)
        assert await pid_of(pool) != pid


async def test_who_was_cancelled_before_asks_nothing() -> None:
    """The process is left as it is: it has no job, and none is aborted."""
    async with open_pool(KIND) as pool:
        pid = await pid_of(pool)
        async with pool.worker(WAIT_S) as worker:
            with trio.CancelScope() as scope:
                scope.cancel()
                await worker.ask(STUBBORN, b"60")
            assert scope.cancelled_caught
            assert worker.usable
        assert await pid_of(pool) == pid


@pytest.mark.parametrize("size", [10, 5_000_000])
async def test_a_process_that_is_stopped_holds_nobody(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes neither the job, if that is more than a pipe holds, nor the abort: it is killed in bounded time."""
    monkeypatch.setattr(process_module, "SEND_S", 0.3)
    async with open_pool(changed(abort_s=0.2)) as pool:
        pid = await pid_of(pool)
        took_s = await cancelled(pool, ASK, bytes(size), 0.05, lambda: os.kill(pid, signal.SIGSTOP))
        assert took_s < 0.3 + 0.2 + KILL_S
        assert not exists(pid)
        assert await pid_of(pool) != pid


async def test_a_cancelled_job_that_is_large_leaves_whole_frames() -> None:
    """Cancelled while 20 MB go in, or come out: what follows is read from its beginning."""
    async with open_pool(KIND) as pool:
        pid = await pid_of(pool)
        for job in ((ASK, bytes(20_000_000)), (MAKE, b"20000000")):
            for after_s in (0.0001, 0.005, 0.01, 0.02):
                with trio.move_on_after(after_s):
                    async with pool.worker(WAIT_S) as worker:
                        await worker.ask(*job)
                assert await pid_of(pool) == pid


async def test_nothing_gets_out_of_step_at_any_moment() -> None:
    """Two hundred jobs, cancelled about when each is done: an answer belongs to its job, an abort to no other.

    They leave the one process, and no file descriptor more.
    """
    chosen = random.Random(11)
    async with open_pool(KIND) as pool:
        pid = await pid_of(pool)
        held, ended = (every_child(), open_files()), {"cancelled": 0, "answered": 0}
        for number in range(200):
            with trio.move_on_after(chosen.uniform(0, 0.003)) as scope:
                async with pool.worker(WAIT_S) as worker:
                    await worker.ask(OBEY, b"%.6f" % chosen.uniform(0, 0.002))
            ended["cancelled" if scope.cancelled_caught else "answered"] += 1
            async with pool.worker(WAIT_S) as worker:
                assert await worker.ask(OBEY, b"0.00%d" % number) == b"0.00%d" % number
        assert min(ended.values()) > 10, ended
        assert await pid_of(pool) == pid
        assert (every_child(), open_files()) == held


@pytest.mark.parametrize("kind", [changed(abort_s=0.01), changed(abort_s=0.0)], ids=["impatient", "at once"])
async def test_processes_that_are_killed_again_and_again_leave_nothing(kind: WorkerKind) -> None:
    """Ten kills: one process at the end, and no file descriptor more."""
    others = every_child()
    async with open_pool(kind) as pool:
        await pid_of(pool)
        files = open_files()
        for _ in range(10):
            await cancelled(pool, STUBBORN, b"60", 0.01)
        await pid_of(pool)
        assert len(every_child() - others) == 1
        assert open_files() == files
