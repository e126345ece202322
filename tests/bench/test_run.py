"""In which order a run measures what."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path
from types import SimpleNamespace

import pytest
import trio
from rich.console import Console
from trio.testing import MockClock

from bench import run
from bench.live import LiveProgress
from bench.run import Schedule, run_cases
from bench.scenarios import Case
from bench.schema import Machine, Results, Slot, TargetInfo
from bench.slot import Place
from bench.store import Store

FRESH = Results("full", "2026-01-01T00:00:00+00:00", "abc", Machine("Linux", "a cpu", 2, 1024, 0.1), {}, ())
ONE = Case("streaming", 1)
TEN = Case("upload", 10)


class Bench:
    """Stands in for processes: notes what is started and measured."""

    def __init__(self, cannot: dict[str, dict[str, str]], absent: Sequence[str] = ()) -> None:
        self.measured: list[tuple[str, str, int]] = []
        self.fleets = 0
        self._cannot = cannot
        self._absent = absent

    @asynccontextmanager
    async def open_fleet(self, names: Sequence[str], model: str, cores: object) -> AsyncIterator[object]:
        """Give the targets that are there."""
        self.fleets += 1
        targets = {
            name: SimpleNamespace(name=name, said=SimpleNamespace(cannot=self._cannot.get(name, {})), cpu_s=lambda: 0.0)
            for name in names
            if name not in self._absent
        }
        infos = {
            name: TargetInfo(absent="not installed" if name in self._absent else "", cannot=self._cannot.get(name, {}))
            for name in names
        }
        yield SimpleNamespace(sim=SimpleNamespace(configure=self.configure), targets=targets, infos=infos)

    async def configure(self, **settings: object) -> None:
        """Take what the upstream is to be like."""

    async def run_slot(self, case: Case, target: SimpleNamespace, fleet: object, place: Place) -> Slot:
        """Note a slot."""
        self.measured.append((case.name, target.name, place.round))
        await trio.sleep(case.warmup_s + case.seconds)
        return Slot(case.name, case.scenario, case.sessions, target.name, place.round, case.seconds)


async def measure(
    bench: Bench, schedule: Schedule, folder: Path, monkeypatch: pytest.MonkeyPatch, *, resume: bool = False
) -> Results:
    """Run a schedule over the stand-in."""
    monkeypatch.setattr(run, "open_fleet", bench.open_fleet)
    monkeypatch.setattr(run, "try_slot", bench.run_slot)
    with (
        closing(Store(folder, FRESH, resume=resume)) as store,
        LiveProgress(Console(file=io.StringIO()), schedule.slots()) as live,
    ):
        await run_cases(schedule, store, live)
    return store.results


async def test_targets_take_turns_within_a_round(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: MockClock
) -> None:
    """A drift of the machine falls on all alike, and what one leaves behind not always on the same: A B, B A."""
    bench = Bench({})
    await measure(bench, Schedule(["echo", "voxint"], [ONE], rounds=2, fresh=True), tmp_path, monkeypatch)
    assert bench.measured == [
        ("streaming-1", "echo", 0),
        ("streaming-1", "voxint", 0),
        ("streaming-1", "voxint", 1),
        ("streaming-1", "echo", 1),
    ]


async def test_what_a_target_cannot_do_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: MockClock
) -> None:
    """It has no slot, and the result says why."""
    bench = Bench({"voxint": {"upload": "it hears whole utterances only"}})
    results = await measure(
        bench, Schedule(["echo", "voxint"], [ONE, TEN], rounds=1, fresh=True), tmp_path, monkeypatch
    )
    assert ("upload-10", "voxint", 0) not in bench.measured
    assert results.targets["voxint"].cannot == {"upload": "it hears whole utterances only"}


async def test_an_absent_target_is_named_and_the_others_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: MockClock
) -> None:
    """Nobody guesses its figures."""
    bench = Bench({}, absent=["voxint"])
    results = await measure(bench, Schedule(["echo", "voxint"], [ONE], rounds=1, fresh=True), tmp_path, monkeypatch)
    assert {slot.target for slot in results.slots} == {"echo"}
    assert results.targets["voxint"].absent == "not installed"


async def test_a_resumed_run_measures_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: MockClock
) -> None:
    """Cases that are done are not started again."""
    await measure(Bench({}), Schedule(["echo"], [ONE], rounds=2, fresh=True), tmp_path, monkeypatch)
    bench = Bench({})
    schedule = Schedule(["echo"], [ONE, TEN], rounds=2, fresh=True)
    results = await measure(bench, schedule, tmp_path, monkeypatch, resume=True)
    assert bench.measured == [("upload-10", "echo", 0), ("upload-10", "echo", 1)]
    assert bench.fleets == 1
    assert len(results.slots) == 4


async def test_targets_are_fresh_for_each_case_or_shared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: MockClock
) -> None:
    """A long run starts them anew, a quick one can't afford to; a model that can't be reached needs others anyway."""
    cases = [ONE, TEN, Case("stalled_connect", 1)]
    for fresh, fleets in ((True, 3), (False, 2)):
        bench = Bench({})
        await measure(bench, Schedule(["echo"], cases, rounds=1, fresh=fresh), tmp_path / str(fresh), monkeypatch)
        assert bench.fleets == fleets


async def test_a_quick_run_stays_within_its_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: MockClock
) -> None:
    """It takes up the first cases, and leaves out those for which there is no time."""
    bench = Bench({})
    schedule = Schedule(["echo", "voxint"], [ONE, TEN], rounds=1, fresh=False, budget_s=45.0)
    await measure(bench, schedule, tmp_path, monkeypatch)
    assert {case for case, _, _ in bench.measured} == {"streaming-1"}
    assert schedule.slots() == len(bench.measured)
