"""The targets that run side by side for a while, over one simulated upstream."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

import trio
from attrs import field, frozen

from bench.closings import Closings, watch_closings
from bench.environments import environment_of
from bench.processes import Cores, Target, TargetFailed, go_second, run_target
from bench.schema import TargetInfo
from bench.targets.plain import Upstream
from voxint.background import open_background
from voxint.testing.sim.ledger import LedgerReport
from voxint.testing.sim.process import Sim, sim_process

__all__ = ["Fleet", "open_fleet"]


@frozen
class Fleet:
    """The upstream and the targets that run.

    Args:
        sim: The upstream of all.
        closings: When connections to it ended.
        targets: Those that listen, by name, in the order asked for.
        infos: What is known of every target that was asked for, the absent ones too.
    """

    sim: Sim
    closings: Closings
    targets: Mapping[str, Target] = field(factory=dict)
    infos: Mapping[str, TargetInfo] = field(factory=dict)

    async def forget(self) -> None:
        """Forget what the upstream has seen."""
        await self.sim.clear()
        self.closings.forget()

    async def ledger(self) -> LedgerReport:
        """Return what the upstream saw, once all requests have ended."""
        return self.closings.exact(await self.sim.ledger(settled=True))


@asynccontextmanager
async def open_fleet(names: Sequence[str], model: str, cores: Cores) -> AsyncIterator[Fleet]:
    """Start the upstream and every target that is installed, all at once; kill them at the end.

    A target that does not start is absent, with its last words.

    Args:
        names: Which targets.
        model: ``sim``, or ``stalled`` for a model that accepts no connection.
        cores: Who runs where.
    """
    async with (
        sim_process(stall_connect=True) as sim,
        watch_closings(sim.address.port) as closings,
        open_background() as nursery,
    ):
        go_second(sim.pid, cores.rest)
        stalled = sim.address.stalled_url
        llm = f"{stalled}/v1" if model == "stalled" else sim.base_url
        upstream = Upstream(llm, sim.base_url, sim.base_url)
        started: dict[str, Target | TargetInfo] = {}

        async def keep(name: str, task_status: trio.TaskStatus[None]) -> None:
            try:
                async with run_target(name, upstream, cores.target) as target:
                    started[name] = target
                    task_status.started()
                    await trio.sleep_forever()
            except TargetFailed as error:
                started[name] = TargetInfo(absent=str(error))
                task_status.started()

        async with trio.open_nursery() as starting:
            for name in names:
                if missing := environment_of(name).missing:
                    started[name] = TargetInfo(absent=missing)
                else:
                    starting.start_soon(nursery.start, keep, name)
        listening = {name: value for name in names if isinstance(value := started[name], Target)}
        yield Fleet(sim, closings, listening, {name: _info(started[name]) for name in names})
        nursery.cancel_scope.cancel(reason="the fleet is not needed any more")


def _info(found: Target | TargetInfo) -> TargetInfo:
    if isinstance(found, TargetInfo):
        return found
    said = found.said
    return TargetInfo(versions=said.versions, notes=said.notes, cannot=said.cannot)
