"""A whole run: every case, in interleaved rounds, each slot kept as it is done."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

import trio
from attrs import frozen

from bench.environments import environment_of
from bench.fleet import Fleet, open_fleet
from bench.live import LiveProgress
from bench.processes import Cores
from bench.scenarios import LOADS, SCENARIOS, Case
from bench.slot import Place, rest, try_slot
from bench.store import Store

__all__ = ["Schedule", "run_cases"]

STARTING_S = 12.0
"""Seconds that it takes to start every target once, on two cores."""

OVERHEAD_S = 1.4
"""Seconds of a slot beside its warm-up and its measured time: the generator's start, the last answers, the ledger."""


@frozen
class Schedule:
    """What is to be measured.

    Args:
        targets: Names.
        cases: What is done to each.
        rounds: How often; within a round every target has its turn, and each round begins with another one, so that
            a drift of the machine falls on all alike.
        fresh: Start the targets anew for each case, as long runs should; else they serve one case after another.
        budget_s: Stop taking up new cases when so much time would be exceeded; None: take all.
    """

    targets: Sequence[str]
    cases: Sequence[Case]
    rounds: int
    fresh: bool
    budget_s: float | None = None

    def affordable(self, case: Case, targets: int, spent_s: float) -> bool:
        """Return whether a case still fits into the budget."""
        if self.budget_s is None:
            return True
        return spent_s + self.rounds * targets * _slot_s(case) <= self.budget_s

    def installed(self) -> int:
        """Return how many of the targets there are."""
        return sum(not environment_of(name).missing for name in self.targets)

    def slots(self) -> int:
        """Return how many slots that makes, as far as can be told before the targets have been started."""
        installed = self.installed()
        spent_s, slots = STARTING_S, 0
        for case in self.cases:
            if self.affordable(case, installed, spent_s):
                slots += self.rounds * installed
                spent_s += self.rounds * installed * _slot_s(case)
        return slots

    def groups(self) -> Iterator[list[Case]]:
        """Yield the cases that share one set of running targets."""
        for _, cases in groupby(
            self.cases, key=lambda case: (SCENARIOS[case.scenario].model, self.fresh and case.name)
        ):
            yield list(cases)


async def run_cases(schedule: Schedule, store: Store, live: LiveProgress) -> None:
    """Measure what the schedule asks for and the store does not have yet."""
    cores = Cores.of_machine()
    with cores.kept():
        await _run_groups(schedule, store, live, cores)


async def _run_groups(schedule: Schedule, store: Store, live: LiveProgress, cores: Cores) -> None:
    began = trio.current_time()
    serial = 0
    for cases in schedule.groups():
        wanted = [case for case in cases if not _complete(case, schedule, store)]
        spent_s = trio.current_time() - began + STARTING_S
        if not wanted or not schedule.affordable(wanted[0], schedule.installed(), spent_s):
            continue
        live.begin("starting the targets")
        async with open_fleet(schedule.targets, SCENARIOS[cases[0].scenario].model, cores) as fleet:
            store.know(fleet.infos)
            for case in wanted:
                if schedule.affordable(case, len(fleet.targets), trio.current_time() - began):
                    serial = await _run_case(case, schedule, fleet, store, live, cores, serial)


async def _run_case(
    case: Case, schedule: Schedule, fleet: Fleet, store: Store, live: LiveProgress, cores: Cores, serial: int
) -> int:
    """Measure a case in all rounds; return the serial number of the next slot."""
    await fleet.sim.configure(**SCENARIOS[case.scenario].sim)
    names = list(fleet.targets)
    for round in range(schedule.rounds):
        # Each round begins with another target: what one leaves behind must not always fall on the same next one.
        for name in (*names[round % len(names) :], *names[: round % len(names)]):
            target = fleet.targets[name]
            if case.scenario in target.said.cannot or store.has(case.name, name, round):
                continue
            live.begin(f"{case.name} {name}")
            slot = await try_slot(case, target, fleet, Place(cores, round, serial))
            serial += 1
            store.add(slot)
            live.done(slot)
            await rest(target)
    return serial


def _slot_s(case: Case) -> float:
    return case.warmup_s + case.seconds + LOADS[case.scenario].workload.longest_s + OVERHEAD_S


def _complete(case: Case, schedule: Schedule, store: Store) -> bool:
    infos = store.results.targets
    return all(
        store.has(case.name, name, round)
        for name in schedule.targets
        for round in range(schedule.rounds)
        if not (environment_of(name).missing or (name in infos and case.scenario in infos[name].cannot))
    )
