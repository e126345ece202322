"""Jobs of an engine's process: what comes back, and what a job that fails, dies or hangs costs."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
from pathlib import Path

import pytest
import trio
import trio.testing

from tests.processes import every_child, exists, nothing_more
from tests.workers import engine
from tests.workers.engine import ASK, DIE, FAIL, MAKE, PRINT, QUOTE, STUBBORN, TELL
from tests.workers.kinds import KIND, WAIT_S, changed, lent, pid_of
from voxint.errors import UpstreamError, UpstreamTimeout
from voxint.workers import frames
from voxint.workers.pool import open_pool

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


async def test_an_answer_comes_to_its_job() -> None:
    """One job after another, each with its own bytes, an empty one too; nothing is left of the process."""
    with nothing_more():
        async with lent() as (_, worker):
            for payload in (b"one", b"", b"three"):
                assert await worker.ask(ASK, payload) == payload


async def test_facts_come_once_before_any_job() -> None:
    """What the engine says of itself is there when the pool is, and its script has found its arguments."""
    async with lent(KIND, "plain", "ä b") as (pool, worker):
        assert json.loads(pool.ready) == json.loads(worker.ready) == ["plain", "ä b"]


@pytest.mark.parametrize("size", [2**20, 20 * 10**6])
async def test_a_job_and_an_answer_may_be_large(size: int) -> None:
    """They may be much larger than a pipe."""
    payload = os.urandom(1000) * (size // 1000)
    async with lent() as (_, worker):
        assert await worker.ask(ASK, payload) == payload
        assert await worker.ask(MAKE, b"%d" % size) == bytes(size)


async def test_a_failed_job_costs_itself_alone() -> None:
    """Its words are the operator's, in one line; the process does the next job."""
    async with lent() as (pool, worker):
        with pytest.raises(UpstreamError, match="the engine failed; try again") as failed:
            await worker.ask(FAIL, b"no such\nvoice")
        assert failed.value.operator_detail == "scripted: no such voice"
        assert "voice" not in failed.value.message
        assert worker.usable
        assert await worker.ask(ASK, b"next") == b"next"
        assert every_child() >= {json.loads(await worker.ask(TELL))["pid"]}
        assert pool.ready == worker.ready


async def test_a_failure_without_words_has_a_name() -> None:
    """The class of the exception stands for them."""
    async with lent() as (_, worker):
        with pytest.raises(UpstreamError) as failed:
            await worker.ask(FAIL)
        assert failed.value.operator_detail == "scripted: JobFailed"


async def test_the_words_of_a_library_stay_in_the_process() -> None:
    """It may quote what a person said; the log has the kind of the error and its line."""
    async with lent() as (_, worker):
        with pytest.raises(UpstreamError) as failed:
            await worker.ask(QUOTE, b"my secret is persimmon")
        assert re.fullmatch(r"scripted: LookupError at engine\.py:\d+", failed.value.operator_detail)


@pytest.mark.parametrize(
    ("how", "told"),
    [("exit", "exit code 3"), ("abort", f"signal {int(signal.SIGABRT)}"), ("SIGKILL", f"signal {int(signal.SIGKILL)}")],
)
async def test_a_process_that_dies_is_replaced(how: str, told: str) -> None:
    """Its job fails, the log is told how it ended, it is reaped by then, and another does the next job."""
    async with open_pool(KIND) as pool:
        pid = await pid_of(pool)
        async with pool.worker(WAIT_S) as worker:
            with pytest.raises(UpstreamError, match="the engine failed; try again") as failed:
                await worker.ask(DIE, how.encode())
            assert not worker.usable
            assert not exists(pid)
        assert failed.value.operator_detail == f"scripted: its process died of it ({told}); another is started"
        assert await pid_of(pool) != pid


async def test_a_process_that_hangs_is_killed() -> None:
    """After `answer_s` it is gone and reaped, and another does the next job."""
    async with open_pool(changed(answer_s=1)) as pool:
        pid = await pid_of(pool)
        async with pool.worker(WAIT_S) as worker:
            with pytest.raises(UpstreamTimeout, match="the engine gave no answer for 1 s"):
                await worker.ask(STUBBORN, b"60")
            assert not exists(pid)
        assert await pid_of(pool) != pid


async def test_an_answer_without_bound_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that has gone wrong fills its own memory and not the server's: it is killed, and another one works."""
    async with open_pool(KIND) as pool:
        pid = await pid_of(pool)
        monkeypatch.setattr(frames, "MOST_BYTES", 10_000)
        async with pool.worker(WAIT_S) as worker:
            assert len(await worker.ask(MAKE, b"10000")) == 10_000
            with pytest.raises(UpstreamError, match="the engine failed; try again"):
                await worker.ask(MAKE, b"10001")
            assert not exists(pid)
        assert await pid_of(pool) != pid


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
async def test_who_tells_all_processes_to_end_means_the_server(number: signal.Signals) -> None:
    """Ctrl-C goes to all that a terminal runs, a supervisor's SIGTERM too; answers go on while the server drains."""
    async with open_pool(KIND) as pool:
        pid = await pid_of(pool)
        async with pool.worker(WAIT_S) as worker, trio.open_nursery() as nursery:
            nursery.start_soon(worker.ask, STUBBORN, b"0.2")
            await trio.testing.wait_all_tasks_blocked()
            os.kill(pid, number)
        assert await pid_of(pool) == pid


async def test_what_an_engine_prints_gets_between_no_frames() -> None:
    """Python's output, the descriptor's own and a C library's go where nobody reads."""
    async with lent() as (_, worker):
        for payload in (b"hello", b"more\n" * 1000):
            assert await worker.ask(PRINT, payload) == payload
        assert await worker.ask(ASK, b"after") == b"after"


async def test_others_are_preferred_to_a_nice_process() -> None:
    """The system is told so before the engine is loaded; without it, it is as urgent as its parent."""
    ours = os.getpriority(os.PRIO_PROCESS, 0)
    for nice in (0, 7):
        async with lent(changed(nice=nice)) as (_, worker):
            assert json.loads(await worker.ask(TELL))["nice"] == min(ours + nice, 19)


async def test_a_system_that_refuses_to_prefer_others_has_an_engine_all_the_same(tmp_path: Path) -> None:
    """Some sandboxes do: it is as urgent as its parent then."""
    script = tmp_path / "refused.py"
    script.write_text(
        "import os, runpy\n"
        "def refuse(nice):\n"
        "    raise PermissionError(1, 'Operation not permitted')\n"
        "os.nice = refuse\n"
        f"runpy.run_path({engine.__file__!r}, run_name='__main__')\n"
    )
    async with lent(changed(script=str(script), nice=7)) as (_, worker):
        assert json.loads(await worker.ask(TELL))["nice"] == os.getpriority(os.PRIO_PROCESS, 0)


async def test_the_threads_of_numpy_are_in_nobodys_way() -> None:
    """They spin while they wait for one another: on a busy machine an unknown word took a second, and not 20 ms."""
    async with lent() as (_, worker):
        assert json.loads(await worker.ask(TELL))["environment"]["OPENBLAS_NUM_THREADS"] == "1"


def test_each_thread_has_room() -> None:
    """The bound of a kind is for one, and grows by each more."""
    assert KIND.with_threads(1) == KIND
    assert KIND.with_threads(3).memory_mib == KIND.memory_mib + 160


async def test_a_worker_does_one_job_at_a_time() -> None:
    """A second one at once is a mistake of whoever holds it, and harms the first in nothing."""
    async with lent() as (_, worker), trio.open_nursery() as nursery:
        nursery.start_soon(worker.ask, STUBBORN, b"0.2")
        await trio.testing.wait_all_tasks_blocked()
        with pytest.raises(AssertionError, match="one job at a time"):
            await worker.ask(ASK)
