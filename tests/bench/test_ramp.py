"""How a ramp finds what a core carries."""

from __future__ import annotations

import pytest
from attrs import evolve

from bench import ramp
from bench.ramp import CAPACITIES, Carried, Most, carries, most_carried
from bench.scenarios import LOADS
from bench.schema import Slot
from voxint.measure.distribution import Distribution


def slot(ack_ms: float = 5.0, late_ms: float = 0.0, **totals: float) -> Slot:
    """Return a step of a ramp."""
    figures = {"ack_ms": Distribution.of([ack_ms]).encode(), "audio_late_ms": Distribution.of([late_ms]).encode()}
    every = {"lost": 0.0, "unanswered": 0.0, "failed": 0.0, "saturated": 0.0, **totals}
    return Slot("capacity-10", "capacity", 10, "voxint", 0, 8.0, figures, every)


@pytest.mark.parametrize("limit", [1, 7, 10, 90, 137])
async def test_it_finds_the_limit_within_a_few_percent(limit: int) -> None:
    """Callers are added by halves, then the gap is halved; what is told has been carried."""
    asked: list[int] = []

    async def step(sessions: int) -> Carried:
        asked.append(sessions)
        return "yes" if sessions <= limit else "no"

    found = await most_carried(step)
    assert found is not None
    assert not found.at_least
    assert found.sessions <= limit
    assert found.sessions in (0, *asked)
    assert limit - found.sessions <= max(1, 0.06 * limit)
    assert len(asked) <= 14


async def test_a_target_that_carries_everything_ends_the_ramp() -> None:
    """There are ports and descriptors to run out of: a ramp is bounded, and says the bound."""

    async def step(sessions: int) -> Carried:
        return "yes"

    assert await most_carried(step) == Most(ramp.MOST, at_least=True)


async def test_a_step_that_tells_nothing_is_made_once_more() -> None:
    """A machine that was elsewhere for a moment ends no ramp; one that tells nothing at all gives no figure."""
    asked: list[int] = []

    async def step(sessions: int) -> Carried:
        asked.append(sessions)
        if len(asked) == 2:
            return "unknown"
        return "yes" if sessions <= 20 else "no"

    found = await most_carried(step)
    assert found is not None
    assert 19 <= found.sessions <= 20
    assert not found.at_least

    async def blind(sessions: int) -> Carried:
        return "unknown"

    assert await most_carried(blind) is None


@pytest.mark.parametrize("clear", [True, False])
async def test_where_the_measuring_was_full_first_more_may_be_carried(clear: bool) -> None:
    """What is told has been carried; that it is the most is only said if the step above it failed by itself."""

    async def step(sessions: int) -> Carried:
        if sessions <= 50:
            return "yes"
        return "no" if clear and sessions < 60 else "unknown"

    found = await most_carried(step)
    assert found is not None
    assert 47 <= found.sessions <= 50
    assert found.at_least is not clear


def test_late_audio_or_acknowledgements_mean_a_full_core() -> None:
    """At 20 ms of lateness and 50 ms to the acknowledgement it is still carried, beyond it is not."""
    assert carries(slot(ack_ms=49.0, late_ms=19.0)) == "yes"
    assert carries(slot(ack_ms=51.0)) == "no"
    assert carries(slot(late_ms=21.0)) == "no"


def test_nobody_is_blamed_where_the_measuring_was_full() -> None:
    """What was carried all the same was carried; what was not may have been; a load that failed tells nothing."""
    assert carries(slot(saturated=1.0)) == "yes"
    assert carries(slot(ack_ms=51.0, saturated=1.0)) == "unknown"
    assert carries(evolve(slot(), figures={}, totals={})) == "unknown"


@pytest.mark.parametrize("broken", ["lost", "unanswered", "failed"])
def test_callers_who_are_not_served_mean_a_full_core(broken: str) -> None:
    """A target that loses callers or leaves interrupts unanswered does not carry them."""
    assert carries(slot(**{broken: 1.0})) == "no"


def test_every_capacity_has_its_load() -> None:
    """Each figure names a load that exists."""
    assert {capacity.scenario for capacity in CAPACITIES.values()} <= set(LOADS)
