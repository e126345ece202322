"""Processes of one kind that are kept warm, replaced when they die, and lent in fair turns."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

import trio

from voxint.background import open_background
from voxint.core.turns import LANE, Lane, Shared
from voxint.errors import ConfigError, UpstreamError
from voxint.logs import get_logger
from voxint.workers.process import Worker, WorkerKind, start_worker

__all__ = ["WorkerPool", "open_pool"]

RETRY_S = 1.0
"""Pause before another try where a process failed to start, or died before it had a job, so that a broken machine is
not kept busy by it. Ours."""

log = get_logger()


class _Share:
    """What one caller may have of the processes at a time.

    Args:
        most: So many.
    """

    def __init__(self, most: int) -> None:
        self.turns = Shared(*range(most))
        self.users = 0  # those who have one, and those who wait


class WorkerPool:
    """The processes. A task for each keeps it warm and replaces it when it dies, by whosever hand."""

    def __init__(
        self, nursery: trio.Nursery, kind: WorkerKind, arguments: Sequence[str], most: int, spare: int, ready: bytes
    ) -> None:
        self.ready = ready
        """The facts that the engine of the first process told."""
        self._nursery = nursery
        self._kind = kind
        self._arguments = tuple(arguments)
        self._most = most
        self._spare = spare
        self._kept = 0
        self._users = 0  # those who have a process, and those who wait for one
        self._failure = ""
        # It holds each living process that nobody has; a dead one until its keeper has seen that.
        self._idle: Shared[Worker] = Shared()
        self._shares: dict[Lane, _Share] = {}

    @asynccontextmanager
    async def worker(self, wait_s: float) -> AsyncGenerator[Worker]:
        """Lend a process: taken back at the end of the block where it has no job any more, else killed and reaped.

        An engine that keeps something from one job to the next is killed by a block that does not finish, so that
        nobody meets what it kept: one whose kind has no `abort_s`.

        Args:
            wait_s: Seconds to wait for one.

        Raises:
            UpstreamError: None became free in time.
        """
        caller = LANE.get()[:1]
        share = self._shares.setdefault(caller, _Share(self._most))
        share.users += 1
        turn = None
        deadline = trio.current_time() + wait_s
        try:
            with trio.move_on_at(deadline):
                turn = await share.turns.take()
            if turn is None:
                raise self._busy(wait_s)
            async with self._lent(deadline, wait_s) as worker:
                yield worker
        finally:
            share.users -= 1
            if turn is not None:
                share.turns.put(turn)
            if not share.users:
                del self._shares[caller]

    @asynccontextmanager
    async def _lent(self, deadline: float, wait_s: float) -> AsyncGenerator[Worker]:
        self._users += 1
        try:
            worker = await self._take(deadline)
            if worker is None:
                raise self._busy(wait_s)
            finished = False
            try:
                yield worker
                finished = True
            finally:
                if worker.usable and (finished or self._kind.abort_s):
                    self._idle.put(worker)
                else:
                    await worker.kill()
        finally:
            self._users -= 1

    def add(self, first: Worker | None = None) -> None:
        """Keep one process more, up to the limit; `first` is one that is ready."""
        if self._kept < self._most + self._spare:
            self._kept += 1
            self._nursery.start_soon(self._keep, first)

    async def _take(self, deadline: float) -> Worker | None:
        if self._users > self._kept:
            self.add()
        with trio.move_on_at(deadline):
            while True:
                worker = await self._idle.take()
                if worker.usable:
                    return worker
        return None

    def _busy(self, wait_s: float) -> UpstreamError:
        detail = f"all {self._kept} {self._kind.name} processes for {wait_s:g} s: {self._kind.remedy}{self._failure}"
        return UpstreamError(f"every {self._kind.noun} is busy; try again later", operator_detail=detail)

    async def _keep(self, worker: Worker | None) -> None:
        while True:
            worker = worker or await self._warm()
            self._idle.put(worker)
            try:
                await worker.process.wait()
            finally:
                await worker.kill()
            self._idle.discard(worker)
            if not worker.asked:
                await trio.sleep(RETRY_S)
            worker = None

    async def _warm(self) -> Worker:
        while True:
            try:
                worker = await start_worker(self._kind, self._arguments)
            except (ConfigError, UpstreamError, OSError) as error:
                failure = f" (and one failed to start: {error})"
                if failure != self._failure:
                    log.warning("an engine does not start", provider=self._kind.name, detail=str(error))
                self._failure = failure
            else:
                self._failure = ""
                return worker
            await trio.sleep(RETRY_S)


@asynccontextmanager
async def open_pool(
    kind: WorkerKind,
    arguments: Sequence[str] = (),
    *,
    later: Sequence[str] | None = None,
    least: int = 1,
    most: int = 1,
    spare: int = 0,
) -> AsyncGenerator[WorkerPool]:
    """Keep processes for the block; it begins when the first is ready, for the others differ in nothing.

    Args:
        kind: What kind of process.
        arguments: What its script finds in `sys.argv`.
        later: What those find there that are started behind the first; None: the same.
        least: Processes that are always kept.
        most: Most processes of one caller; those beyond `least` are started when all are busy, and then kept.
        spare: Processes beyond `most`, which one caller alone can't have: who holds all it may leaves some to others.

    Raises:
        ConfigError: A package is missing, the engine can't begin with these arguments, or no process can be started.
        UpstreamError: The first process died, or was not ready in time.
    """
    try:
        first = await start_worker(kind, arguments)
    except OSError as error:
        raise ConfigError(kind.name, f"no process can be started ({error}): raise the limits") from error
    try:
        async with open_background() as nursery:
            pool = WorkerPool(nursery, kind, arguments if later is None else later, most, spare, first.ready)
            pool.add(first)
            for _ in range(least - 1):
                pool.add()
            yield pool
            nursery.cancel_scope.cancel(reason="the processes are not needed any more")
    finally:
        await first.kill()
