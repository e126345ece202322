"""Kinds of workers that run the scripted engine, and what is asked of one."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from attrs import evolve

from tests.workers import engine
from tests.workers.engine import TELL
from voxint.workers.pool import WorkerPool, open_pool
from voxint.workers.process import Worker, WorkerKind

__all__ = ["KIND", "WAIT_S", "changed", "lent", "pid_of"]

WAIT_S = 20.0
"""Longer than a start takes on a loaded machine."""

KIND = WorkerKind(
    name="scripted",
    noun="engine",
    script=engine.__file__,
    packages=(),
    memory_mib=512,
    start_s=20.0,
    answer_s=20,
    abort_s=5.0,
    threads=True,
)


def changed(**options: object) -> WorkerKind:
    """Return the kind with other bounds."""
    return evolve(KIND, **options)  # type: ignore[arg-type]  # each test names what there is


@asynccontextmanager
async def lent(kind: WorkerKind = KIND, *arguments: str) -> AsyncGenerator[tuple[WorkerPool, Worker]]:
    """Open a pool of one, and have its worker."""
    async with open_pool(kind, arguments) as pool, pool.worker(WAIT_S) as worker:
        yield pool, worker


async def pid_of(pool: WorkerPool) -> int:
    """Return which process does the next job."""
    async with pool.worker(WAIT_S) as worker:
        told = json.loads(await worker.ask(TELL))
    pid: int = told["pid"]
    return pid
