"""Callers let loose all at once."""

from __future__ import annotations

import gc

import pytest
import trio

from tests.measure.peers import Fake, serving
from voxint.measure import PlannedTurn, SessionPlan, VoxintDialect, run_load

ONE: SessionPlan = (PlannedTurn(1, 0.0, interrupt_s=0.05),)


async def test_every_plan_is_a_caller_of_its_own() -> None:
    """On a connection of its own, at the same time."""
    plans: list[SessionPlan] = [(PlannedTurn(number, 0.05, interrupt_s=0.15),) for number in range(1, 6)]
    async with serving(fake := Fake()) as url:
        with trio.fail_after(6):
            seen = await run_load(url, VoxintDialect, plans, warmup_s=0.0, seconds=0.2)
    assert fake.connections == 5
    assert sorted((turn.session, turn.number) for turn in seen.turns) == [(n, n + 1) for n in range(5)]
    assert all(turn.acknowledged for turn in seen.turns)
    assert max(turn.asked for turn in seen.turns) < min(turn.interrupted or 0.0 for turn in seen.turns)


async def test_nobody_there_is_not_the_end_of_the_load() -> None:
    """Its recording says so."""
    seen = await run_load("ws://127.0.0.1:1/", VoxintDialect, [ONE], warmup_s=0.0, seconds=0.1)
    assert "nothing listens at this address" in seen.lost[0]


async def test_the_load_runs_without_a_garbage_collector() -> None:
    """Its pauses would be measured as the server's; afterwards it is as it was."""
    enabled: list[bool] = []
    async with serving(Fake(words=1)) as url:
        await run_load(
            url, VoxintDialect, [ONE], warmup_s=0.0, seconds=0.1, counting=lambda *_: enabled.append(gc.isenabled())
        )
        dialect = VoxintDialect()

        def make() -> VoxintDialect:
            enabled.append(gc.isenabled())
            return dialect

        await run_load(url, make, [ONE], warmup_s=0.0, seconds=0.1)
    assert enabled == [True, False]
    assert gc.isenabled()


async def test_the_span_that_counts_is_told_before_it_begins() -> None:
    """For whoever measures the server in the same span; turns asked before it are not counted."""
    spans: list[tuple[float, float]] = []
    plans = [(PlannedTurn(1, 0.05, interrupt_s=0.15), PlannedTurn(2, 0.3, interrupt_s=0.4))]
    async with serving(Fake()) as url:
        with trio.fail_after(6):
            seen = await run_load(
                url, VoxintDialect, plans, warmup_s=0.2, seconds=0.3, counting=lambda *span: spans.append(span)
            )
    assert spans == [(seen.counted_from, seen.until)]
    assert seen.until - seen.counted_from == pytest.approx(0.3)
    assert [turn.number for turn in seen.counted] == [2]
    assert 0.0 < seen.cpu_s < 0.3
