"""How an engine's process may fail to begin, and who is told what."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest
import structlog.testing
import trio

from tests.processes import exists, nothing_more, until
from tests.workers.engine import DIE
from tests.workers.kinds import KIND, WAIT_S, changed, pid_of
from voxint.errors import ConfigError, UpstreamError, UpstreamTimeout
from voxint.workers import pool as pool_module
from voxint.workers.pool import open_pool
from voxint.workers.process import WorkerKind

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


async def refused(kind: WorkerKind, *arguments: str) -> str:
    """Open a pool that can't begin, and return what it says; nothing of it is left."""
    with nothing_more(), pytest.raises((ConfigError, UpstreamError)) as failed:
        async with open_pool(kind, arguments):
            raise AssertionError("it began")
    assert not isinstance(failed.value, UpstreamTimeout) or kind.start_s < 5
    return f"{type(failed.value).__name__}: {failed.value}"


async def test_a_missing_package_says_how_to_get_it() -> None:
    """The command that installs the extra."""
    said = await refused(KIND, "missing")
    assert said.startswith("ConfigError: scripted: the packages of the extra `speech` are not installed: pip install")


async def test_a_package_that_is_there_and_does_not_load_says_why() -> None:
    """Installing it would not help whoever lacks a library of the system."""
    said = await refused(KIND, "unloadable")
    assert "scripted: a package of the extra `speech` can't be loaded (libvoice.so: cannot open shared" in said


async def test_an_engine_that_cant_begin_says_why() -> None:
    """Its own words, in one line."""
    assert await refused(KIND, "fails") == "ConfigError: scripted: the model can't be read"


async def test_an_engine_that_hangs_at_the_start_is_killed() -> None:
    """After `start_s`."""
    said = await refused(changed(start_s=1.0), "hangs")
    assert said == "UpstreamTimeout: scripted: its process was not ready after 1 s"


async def test_an_engine_that_dies_at_the_start_is_no_mystery() -> None:
    """It says how it ended."""
    said = await refused(KIND, "dies")
    assert said == "UpstreamError: scripted: its process died while it started (exit code 3)"


async def test_a_process_that_is_not_permitted_is_the_operators_affair(monkeypatch: pytest.MonkeyPatch) -> None:
    """No memory, no process left to the user: the limits are to be raised."""

    async def failing(*_: object, **__: object) -> None:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(trio.lowlevel, "open_process", failing)
    said = await refused(KIND)
    assert "ConfigError: scripted: no process can be started" in said
    assert said.endswith("raise the limits")


async def test_a_start_that_is_cancelled_leaves_nothing() -> None:
    """The process is gone."""
    with nothing_more(), trio.move_on_after(0.1) as scope:
        async with open_pool(KIND, ("hangs",)):
            raise AssertionError("it began")
    assert scope.cancelled_caught


async def test_a_second_start_that_fails_tells_why(tmp_path: Path) -> None:
    """The log is told once; whoever waits for a process is told that there is none and, the operator, why."""
    mark = tmp_path / "mark"
    async with open_pool(KIND, ("unless", str(mark))) as pool:
        mark.touch()
        with structlog.testing.capture_logs() as lines:
            async with pool.worker(WAIT_S) as worker:
                with pytest.raises(UpstreamError):
                    await worker.ask(DIE, b"exit")
            with pytest.raises(UpstreamError, match="every engine is busy; try again later") as failed:
                async with pool.worker(2.5):
                    raise AssertionError("there is none")
        assert "and one failed to start: scripted: the model can't be read" in failed.value.operator_detail
        assert [line["detail"] for line in lines] == ["scripted: the model can't be read"]
        assert lines[0]["event"] == "an engine does not start"
        mark.unlink()
        assert await pid_of(pool)


async def test_one_that_dies_before_it_has_a_job_is_replaced_at_leisure(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine on which each dies as soon as it is there is not kept busy by that."""
    monkeypatch.setattr(pool_module, "RETRY_S", 0.5)
    async with open_pool(KIND) as pool:
        async with pool.worker(WAIT_S) as worker:
            pid = worker.process.pid
        began = trio.current_time()
        os.kill(pid, signal.SIGKILL)
        await until(lambda: not exists(pid))
        async with pool.worker(WAIT_S) as another:
            assert another.process.pid != pid
        assert trio.current_time() - began >= 0.5
