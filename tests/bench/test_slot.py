"""One slot, without its processes."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import psutil
import pytest
import trio

from bench import slot
from bench.closings import Closings
from bench.fleet import Fleet
from bench.processes import Cores, GeneratorFailed, Target
from bench.scenarios import Case
from bench.slot import Place, rest, try_slot
from voxint.measure import MeasuredTurn, Recording
from voxint.measure.distribution import Distribution
from voxint.testing.sim.ledger import LedgerEntry, LedgerReport

CASE = Case("streaming", 2, warmup_s=0.0, seconds=1.0)
PLACE = Place(Cores(None, frozenset({0})), 0, 0)
PORT = 40_001


class FakeSim:
    """An upstream that saw one request of turn 1 end, 60 ms after it had."""

    pid = os.getpid()

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def clear(self) -> None:
        """Note that it was asked to forget."""
        self.asked.append("clear")

    async def ledger(self, *, settled: bool = False) -> LedgerReport:
        """Return what it saw."""
        self.asked.append(f"ledger settled={settled}")
        entry = LedgerEntry(
            1, "/v1/chat/completions", 1.0, client_port=PORT, turn=1, t_disconnect_seen=2.06, outcome="disconnected"
        )
        return LedgerReport(0, 0, [entry])


def target(tmp_path: Path) -> Target:
    """Return a target whose process is this one."""
    trace = tmp_path / "trace"
    trace.write_text("1 2.0\n")
    said = SimpleNamespace(url="ws://127.0.0.1:1/", dialect="plain")
    return Target("voxint", cast("Any", said), psutil.Process(), 0, trace)


async def test_a_load_that_fails_is_a_slot_that_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hours of a run are not lost for one generator that hung."""

    async def generate(*args: object) -> Recording:
        raise GeneratorFailed("the load generator did not end in time")

    monkeypatch.setattr(slot, "generate", generate)
    fleet = Fleet(cast("Any", FakeSim()), Closings())
    found = await try_slot(CASE, target(tmp_path), fleet, PLACE)
    assert found.problems == ("the load generator did not end in time",)
    assert (found.case, found.target, found.round, dict(found.figures)) == ("streaming-2", "voxint", 0, {})


@pytest.mark.parametrize("watched", [True, False])
async def test_ends_are_the_kernels_where_it_has_the_watch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, watched: bool
) -> None:
    """A late upstream makes no early acknowledgement; without the kernel its word stands, and is counted as such."""
    sim, closings = FakeSim(), Closings()

    async def generate(*args: object) -> Recording:
        if watched:
            closings.note(PORT, 2.002)
        return Recording(
            0.0, 5.0, finished=6.0, turns=[MeasuredTurn(1, 0, asked=1.0, interrupted=2.0, acknowledged=2.003)]
        )

    closings.note(PORT, 1.9)  # of an earlier load
    monkeypatch.setattr(slot, "generate", generate)
    found = await try_slot(CASE, target(tmp_path), Fleet(cast("Any", sim), closings), PLACE)
    assert sim.asked == ["clear", "ledger settled=True"]
    late = Distribution.decode(found.figures["closed_after_ack_ms"]).maximum
    assert late == pytest.approx(0.0 if watched else 57.0, abs=0.1)
    assert found.totals["unstamped"] == (0.0 if watched else 1.0)


async def test_a_target_at_rest_is_waited_for(autojump_clock: trio.testing.MockClock) -> None:
    """No longer than it works, and 5 s at most."""

    def using(*seconds: float) -> Target:
        used = iter(seconds)
        return cast("Target", SimpleNamespace(cpu_s=lambda: next(used, seconds[-1])))

    began = trio.current_time()
    await rest(using(1.0, 1.2, 1.4, 1.4))
    assert trio.current_time() - began == pytest.approx(0.6)
    busy = (at * 0.2 for at in range(10_000))
    await rest(cast("Target", SimpleNamespace(cpu_s=lambda: next(busy))))
    assert trio.current_time() - began == pytest.approx(5.6)
