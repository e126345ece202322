"""How a ramp finds what a core carries."""

from __future__ import annotations

import pytest

from bench import ramp
from bench.ramp import CAPACITIES, carries, most_carried
from bench.scenarios import LOADS
from bench.schema import Slot
from voxint.measure.distribution import Distribution


def slot(ack_ms: float = 5.0, late_ms: float = 0.0, **totals: float) -> Slot:
    """Return a step of a ramp."""
    figures = {"ack_ms": Distribution.of([ack_ms]).encode(), "audio_late_ms": Distribution.of([late_ms]).encode()}
    every = {"lost": 0.0, "unanswered": 0.0, "failed": 0.0, **totals}
    return Slot("capacity-10", "capacity", 10, "voxint", 0, 8.0, figures, every)


@pytest.mark.parametrize("limit", [1, 7, 10, 90, 137])
async def test_it_finds_the_limit_within_a_few_percent(limit: int) -> None:
    """Callers are added by halves, then the gap is halved; what is told has been carried."""
    asked: list[int] = []

    async def step(sessions: int) -> bool:
        asked.append(sessions)
        return sessions <= limit

    found = await most_carried(step)
    assert found <= limit
    assert found in (0, *asked)
    assert limit - found <= max(1, 0.06 * limit)
    assert len(asked) <= 14


async def test_a_target_that_carries_everything_ends_the_ramp() -> None:
    """There are ports and descriptors to run out of: a ramp is bounded, and says the bound."""

    async def step(sessions: int) -> bool:
        return True

    assert await most_carried(step) == ramp.MOST


def test_late_audio_or_acknowledgements_mean_a_full_core() -> None:
    """At 20 ms of lateness and 50 ms to the acknowledgement it is still carried, beyond it is not."""
    assert carries(slot(ack_ms=49.0, late_ms=19.0))
    assert not carries(slot(ack_ms=51.0))
    assert not carries(slot(late_ms=21.0))


@pytest.mark.parametrize("broken", ["lost", "unanswered", "failed"])
def test_callers_who_are_not_served_mean_a_full_core(broken: str) -> None:
    """A target that loses callers or leaves interrupts unanswered does not carry them."""
    assert not carries(slot(**{broken: 1.0}))


def test_every_capacity_has_its_load() -> None:
    """Each figure names a load that exists."""
    assert {capacity.scenario for capacity in CAPACITIES.values()} <= set(LOADS)
