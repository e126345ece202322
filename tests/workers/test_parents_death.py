"""The death of the parent ends its engines, whatever they are at."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import trio

from tests.processes import ENVIRONMENT, every_child, exists, until
from tests.workers import engine
from tests.workers.engine import HOLD, OBEY, STUBBORN

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

PARENT = """
import sys, trio
from voxint.workers import process
from voxint.workers.pool import open_pool

process.SPARE_S = 0  # the alarm then comes as soon as the answer is late
kind = process.WorkerKind(
    name="scripted", noun="engine", script=sys.argv[1], packages=(), memory_mib=512,
    start_s=4.0, answer_s=1, abort_s=5.0, threads=True,
)

async def main():
    async with open_pool(kind) as pool, pool.worker(1) as worker, trio.open_nursery() as nursery:
        if sys.argv[2] != "0":
            nursery.start_soon(worker.ask, int(sys.argv[2]), b"60")
        await trio.sleep(0.1)
        print(flush=True)
        await trio.sleep_forever()

trio.run(main)
"""


@pytest.mark.parametrize("job", [0, OBEY, STUBBORN, HOLD], ids=["idle", "obedient", "stubborn", "with the lock held"])
async def test_an_engine_ends_with_its_parent(job: int) -> None:
    """The end of its pipe tells it; where it keeps Python's lock and can't be told, the system's alarm ends it."""
    command = [sys.executable, "-c", PARENT, str(Path(engine.__file__)), str(job)]
    with trio.fail_after(60):
        parent = await trio.lowlevel.open_process(command, stdout=subprocess.PIPE, env=ENVIRONMENT)
        assert parent.stdout is not None
        async with parent.stdout:
            assert await parent.stdout.receive_some()
            (pid,) = every_child(str(parent.pid))
            parent.kill()
            await parent.wait()
    await until(lambda: not exists(pid))
