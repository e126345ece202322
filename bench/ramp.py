"""How many sessions one core can take: callers are added until it can't take more."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Literal

from attrs import frozen

from bench.fleet import Fleet, open_fleet
from bench.live import LiveProgress
from bench.processes import Cores
from bench.scenarios import LOADS, Case
from bench.schema import Slot
from bench.slot import Place, rest, try_slot
from bench.store import Store
from voxint.measure.distribution import Distribution

__all__ = ["CAPACITIES", "Capacity", "Most", "carries", "most_carried", "run_capacities"]

LATE_MS = 20.0
ACK_MS = 50.0
"""Milliseconds of p99 above which the core is full, whichever is passed (docs/reference/benchmark.md)."""

FIRST = 10
GROWTH = 1.5
STEPS = 4
MOST = 500
"""A ramp begins with 10 callers and adds half as many until the core is full, then halves the gap 4 times: the result
is then known to 3 %, which is less than it moves from run to run. No core of today carries 500."""

KIB_PER_GIB = 2**20


Carried = Literal["yes", "no", "unknown"]


@frozen
class Most:
    """The most callers that a ramp found carried.

    Args:
        sessions: So many.
        at_least: Perhaps more: with more, those that measure were full before the target was, or nobody was.
    """

    sessions: float
    at_least: bool = False


@frozen
class Capacity:
    """A capacity that a ramp looks for.

    Args:
        scenario: The load.
        ramp: Whether callers are added; otherwise one load of `sessions` tells.
        sessions: How many callers the one load has.
        seconds: How long each step is measured.
    """

    scenario: str
    ramp: bool = True
    sessions: int = FIRST
    seconds: float = 8.0


CAPACITIES: Mapping[str, Capacity] = {
    "sessions_per_core": Capacity("capacity"),
    "upload_sessions_per_core": Capacity("upload_capacity"),
    "idle_sessions": Capacity("idle", ramp=False, sessions=200, seconds=2.0),
}


async def run_capacities(figures: Sequence[str], targets: Sequence[str], store: Store, live: LiveProgress) -> None:
    """Find each figure of each target, which has the core for itself, and keep it; skip what is kept already."""
    cores = Cores.of_machine()
    with cores.kept():
        for figure in figures:
            await _find(figure, targets, store, live, cores)


async def _find(figure: str, targets: Sequence[str], store: Store, live: LiveProgress, cores: Cores) -> None:
    capacity = CAPACITIES[figure]
    for name in targets:
        if name in store.results.capacity.get(figure, {}):
            continue
        live.begin(f"{figure} {name}")
        async with open_fleet([name], "sim", cores) as fleet:
            store.know(fleet.infos)
            target = fleet.targets.get(name)
            if target is None or target.said.dialect == "echo" or capacity.scenario in target.said.cannot:
                continue
            await fleet.sim.configure(**LOADS[capacity.scenario].sim)
            step = _Step(capacity, name, fleet, cores, store, live)
            most = await (most_carried(step.carries) if capacity.ramp else _idle(step))
            if most is not None:
                store.capacity(figure, name, most.sessions, at_least=most.at_least)


class _Step:
    """Runs one load after another against one target."""

    def __init__(
        self, capacity: Capacity, name: str, fleet: Fleet, cores: Cores, store: Store, live: LiveProgress
    ) -> None:
        self.capacity = capacity
        self._name = name
        self._fleet = fleet
        self._cores = cores
        self._store = store
        self._live = live
        self._serial = 0

    async def run(self, sessions: int) -> Slot:
        """Measure with so many callers; at the end the target is at rest, as at the next step's begin."""
        case = Case(self.capacity.scenario, sessions, seconds=self.capacity.seconds)
        self._live.begin(f"{case.name} {self._name}")
        self._live.more(1)
        self._serial += 1
        place = Place(self._cores, 0, self._serial)
        target = self._fleet.targets[self._name]
        slot = await try_slot(case, target, self._fleet, place)
        self._store.add(slot)
        self._live.done(slot)
        await rest(target)
        return slot

    async def carries(self, sessions: int) -> Carried:
        """Return whether so many are carried."""
        return carries(await self.run(sessions))


async def most_carried(step: Callable[[int], Awaitable[Carried]]) -> Most | None:
    """Return the most callers that `step` finds carried; 0 where the first are too many, `MOST` where none are.

    None: nothing could be found out. A step that tells nothing is made once more.
    """

    async def ask(sessions: int) -> Carried:
        found = await step(sessions)
        return await step(sessions) if found == "unknown" else found

    good, sessions = 0, FIRST
    while (found := await ask(sessions)) == "yes":
        good = sessions
        if good >= MOST:
            return Most(good, at_least=True)
        sessions = min(MOST, int(sessions * GROWTH))
    bad, unknown = sessions, found == "unknown"
    for _ in range(STEPS):
        middle = (good + bad) // 2
        if middle == good:
            break
        if (found := await ask(middle)) == "yes":
            good = middle
        else:
            bad, unknown = middle, found == "unknown"
    return Most(good, unknown) if good or not unknown else None


def carries(slot: Slot) -> Carried:
    """Return whether the target kept up. One that lost callers, answered them nothing or let turns fail did not.

    Where those that measure were themselves too slow, or failed, who did not keep up is unknown.
    """
    return "yes" if _kept_up(slot) else "unknown" if slot.totals.get("saturated", True) else "no"


def _kept_up(slot: Slot) -> bool:
    if any(slot.totals.get(name, True) for name in ("lost", "unanswered", "failed")):
        return False
    limits = {"ack_ms": ACK_MS}
    if not LOADS[slot.scenario].workload.spoken:
        limits["audio_late_ms"] = LATE_MS
    return all(
        name in slot.figures and Distribution.decode(slot.figures[name]).percentile(99) <= most
        for name, most in limits.items()
    )


async def _idle(step: _Step) -> Most | None:
    """Return how many connected and registered callers fit into a GiB of the target's memory; 0 if it loses any."""
    slot = await step.run(step.capacity.sessions)
    if not slot.totals:
        return None
    each_kib = slot.totals["rss_per_session_kib"]
    return Most(KIB_PER_GIB / each_kib if each_kib and not slot.totals["lost"] else 0.0)
