from __future__ import annotations

import signal
import subprocess
import sys

import psutil
import pytest
import trio

from tests.testing.simulated import Simulated, asking, events
from voxint.net.http import open_http
from voxint.testing.sim import sim_process
from voxint.testing.sim.__main__ import main


async def test_process_serves_while_the_block_runs() -> None:
    """The child is ready when the block begins, takes its flags, counts connections, and is gone after the block."""
    async with sim_process(tokens=2, token_interval_s=0.0, first_token_s=0.0, stall_connect=True) as sim:
        assert sim.address.stalled_url is not None
        async with open_http() as http:
            with trio.fail_after(10):
                response = await Simulated(sim, http).post("/chat/completions", asking("hello"))
            assert len(events(response.content)) == 3
            report = await sim.ledger(settled=True)
            assert [entry.tokens_written for entry in report.requests] == [2]
            assert report.open_connections >= 1
            await sim.clear()
            assert (await sim.ledger()).requests == []
    assert not psutil.pid_exists(sim.pid)


async def test_process_takes_new_settings_while_it_runs() -> None:
    """They hold from the next request on; what is not named gets its default, and a bad one changes nothing."""
    async with sim_process(tokens=7) as sim, open_http() as http:
        await sim.configure(tokens=2, token_interval_s=0.0, first_token_s=0.0)
        with pytest.raises(ValueError, match="has no setting tokns"):
            await sim.configure(tokns=3)
        with trio.fail_after(10):
            await Simulated(sim, http).post("/chat/completions", asking("hello"))
            assert [entry.tokens_written for entry in (await sim.ledger(settled=True)).requests] == [2]
            await sim.configure(status=503)
            assert (await Simulated(sim, http).post("/chat/completions", asking("hello"))).status_code == 503


async def test_process_that_cannot_start_is_an_error_at_once() -> None:
    """A bad flag ends the child, and the block does not begin."""
    with pytest.raises(RuntimeError, match="standard error"):
        async with sim_process(tokens="many"):
            raise AssertionError("it must not begin")


PARENT = """
import trio
from voxint.testing.sim import sim_process
async def main():
    async with sim_process() as sim:
        print(sim.pid, flush=True)
        await trio.sleep_forever()
trio.run(main)
"""


async def test_process_ends_when_its_parent_is_killed() -> None:
    """By SIGKILL, which lets nobody clean up: a stopped test leaves no server behind."""
    process = await trio.lowlevel.open_process([sys.executable, "-c", PARENT], stdout=subprocess.PIPE)
    assert process.stdout is not None
    async with process.stdout:
        with trio.fail_after(60):
            alive = [psutil.Process(int(await process.stdout.receive_some()))]
            process.kill()
            await process.wait()
            await trio.to_thread.run_sync(psutil.wait_procs, alive, 30)
        assert not alive[0].is_running() or alive[0].status() == psutil.STATUS_ZOMBIE


async def test_interrupted_process_ends_in_silence() -> None:
    """Ctrl-C ends it with status 0 and no traceback."""
    command = [sys.executable, "-m", "voxint.testing.sim", "--tokens", "1"]
    process = await trio.lowlevel.open_process(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    async with process.stdout, process.stderr:
        with trio.fail_after(20):
            assert b"base_url" in await process.stdout.receive_some()
            process.send_signal(signal.SIGINT)
            assert (await process.wait(), await process.stderr.receive_some()) == (0, b"")


def test_bad_flags_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    """The command line says which flag has a bad value."""
    with pytest.raises(SystemExit):
        main(["--tokens", "many"])
    assert "tokens" in capsys.readouterr().err
