from __future__ import annotations

from contextlib import suppress

import pytest
import trio

from voxint.core.sink import YIELD_EVERY, Sink

pytestmark = pytest.mark.virtual_time


def never(error: Exception) -> None:
    """Hear of no failure."""
    raise AssertionError(error)


async def test_a_sink_lets_cancellation_in_at_every_send() -> None:
    """Also at those that do not yield."""
    taken: list[int] = []

    async def take(number: int) -> None:
        taken.append(number)
        if number == 2:
            scope.cancel()

    sink = Sink(take, never, lambda: False)
    with trio.CancelScope() as scope:
        for number in range(10):
            await sink.send(number)
    assert taken == [0, 1, 2]


async def test_a_sink_lets_others_run() -> None:
    """Every eighth send yields, so that a stage that awaits nothing else starves nobody."""
    passes = 0

    async def count() -> None:
        nonlocal passes
        while True:
            await trio.lowlevel.checkpoint()
            passes += 1

    async def take(number: int) -> None:
        pass

    async with trio.open_nursery() as nursery:
        nursery.start_soon(count)
        async with Sink(take, never, lambda: False) as sink:
            for number in range(10 * YIELD_EVERY):
                await sink.send(number)
        nursery.cancel_scope.cancel()
    assert 9 <= passes <= 12


async def test_what_comes_when_it_is_over_is_thrown_away() -> None:
    """A stage that writes in a shielded clean-up waits for nobody."""
    taken: list[int] = []

    async def take(number: int) -> None:
        taken.append(number)
        await trio.sleep_forever()

    sink = Sink(take, never, lambda: True)
    with trio.CancelScope() as scope:
        scope.cancel()
        with trio.CancelScope(shield=True):
            for number in range(100):
                await sink.send(number)
    assert taken == []


async def test_what_is_refused_is_told_whatever_the_stage_makes_of_it() -> None:
    """A stage may take the error for something else and go on."""
    told: list[Exception] = []

    async def refuse(number: int) -> None:
        raise ValueError(number)

    sink = Sink(refuse, told.append, lambda: bool(told))
    for number in range(3):
        with suppress(ValueError):
            await sink.send(number)
    assert [str(error) for error in told] == ["0"]
