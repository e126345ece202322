"""Processes that callers share: whose turn it is, how many there are, and what replaces one that dies."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import AsyncExitStack

import pytest
import trio
import trio.testing

from tests.processes import every_child, exists, until
from tests.workers.engine import ASK
from tests.workers.kinds import KIND, WAIT_S, pid_of
from voxint.core.turns import LANE
from voxint.errors import UpstreamError
from voxint.workers.pool import WorkerPool, open_pool

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


async def test_turns_go_round_the_callers() -> None:
    """Eight jobs of one caller wait, of two sessions; another's, who comes last, is next, and sessions alternate."""
    order: list[tuple[str, ...]] = []

    async def ask(pool: WorkerPool, *lane: str) -> None:
        LANE.set(lane)
        async with pool.worker(WAIT_S) as worker:
            await worker.ask(ASK)
            order.append(lane)

    lanes = [("many", "a")] * 4 + [("many", "b")] * 4 + [("one", "c")]
    async with open_pool(KIND) as pool, trio.open_nursery() as nursery, pool.worker(WAIT_S):
        for lane in lanes:
            nursery.start_soon(ask, pool, *lane)
            await trio.testing.wait_all_tasks_blocked()
    assert len(order) == len(lanes)
    assert order.index(("one", "c")) <= 1
    sessions = [session for _, session in order if session != "c"]
    assert sessions[1:7] == ["a", "b"] * 3  # the first did not have to wait for its own


async def hold(stack: AsyncExitStack, pool: WorkerPool, lane: str, wait_s: float = WAIT_S) -> int:
    """Have a worker until the stack ends, as a caller of that name; return its process."""
    LANE.set((lane,))
    worker = await stack.enter_async_context(pool.worker(wait_s))
    return worker.process.pid


async def test_processes_are_added_as_callers_come_and_then_kept() -> None:
    """One at first, up to `most` for one caller, and one more, which is for others alone; then they stay."""
    before = every_child()
    async with open_pool(KIND, least=1, most=2, spare=1) as pool:
        assert len(every_child() - before) == 1
        async with AsyncExitStack() as stack:
            held = {await hold(stack, pool, "many") for _ in range(2)}
            with pytest.raises(UpstreamError, match="every engine is busy; try again later"):
                await hold(stack, pool, "many", 0.05)
            held.add(await hold(stack, pool, "other"))
            assert held == every_child() - before
            with pytest.raises(UpstreamError, match=r"all 3 scripted processes for 0\.05 s: raise max_workers"):
                await hold(stack, pool, "third", 0.05)
        assert every_child() - before == held
    assert every_child() == before


async def test_as_many_as_are_always_kept_are_started_at_once() -> None:
    """Nobody has to ask first."""
    before = every_child()
    async with open_pool(KIND, least=3, most=3):
        await until(lambda: len(every_child() - before) == 3)


async def test_the_wait_is_as_long_as_was_said() -> None:
    """Behind one's own and behind others together."""
    async with open_pool(KIND, most=1) as pool, AsyncExitStack() as stack:
        await hold(stack, pool, "one")
        began = trio.current_time()
        with pytest.raises(UpstreamError):
            await hold(stack, pool, "one", 0.2)
        with pytest.raises(UpstreamError):
            await hold(stack, pool, "other", 0.2)
        assert 0.4 <= trio.current_time() - began < 1.4


async def test_one_that_dies_idle_is_replaced_and_met_by_nobody() -> None:
    """After its death whoever comes has another."""
    async with open_pool(KIND) as pool:
        for _ in range(3):
            pid = await pid_of(pool)
            os.kill(pid, signal.SIGKILL)
            await until(lambda pid=pid: not exists(pid))  # type: ignore[misc]  # mypy infers no lambda with a default
            assert await pid_of(pool) != pid


async def test_who_fails_without_a_job_leaves_the_process() -> None:
    """What a caller raises beside its job is its own affair."""
    async with open_pool(KIND) as pool:
        pid = await pid_of(pool)
        with pytest.raises(ZeroDivisionError):
            async with pool.worker(WAIT_S):
                raise ZeroDivisionError
        assert await pid_of(pool) == pid


async def test_the_end_of_the_pool_ends_its_processes() -> None:
    """Whatever the block raises comes out as it is, and they are reaped by then."""
    before = every_child()

    async def fail() -> None:
        async with open_pool(KIND, least=2, most=2) as pool:
            await pid_of(pool)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert every_child() == before
