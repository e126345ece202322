from __future__ import annotations

import math

import pytest
import trio

from voxint.core.patience import YIELD_EVERY, Patience, Sink

pytestmark = pytest.mark.virtual_time


async def test_patience_ends_with_the_last_sign_of_life() -> None:
    """Each pushes the deadline on; at it the error says what was owed."""
    patience = Patience()
    patience.expect("the first token", 1)
    with patience.scope:
        await trio.sleep(0.5)
        patience.expect("the next token", 2)
        assert patience.spent() is None
        await trio.sleep_forever()
    assert trio.current_time() == 2.5
    assert str(patience.spent()) == "did not deliver the next token within 2 s"


async def test_patience_rests_while_a_stage_waits_for_us() -> None:
    """Then nothing ends it."""
    patience = Patience()
    patience.expect("more", 1)
    patience.rest()
    assert patience.scope.deadline == math.inf


async def test_a_sink_lets_cancellation_in_at_every_send() -> None:
    """Also at those that do not yield."""
    taken: list[int] = []

    async def take(number: int) -> None:
        taken.append(number)
        if number == 2:
            scope.cancel()

    sink = Sink(take)
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
        async with Sink(take) as sink:
            for number in range(10 * YIELD_EVERY):
                await sink.send(number)
        nursery.cancel_scope.cancel()
    assert 9 <= passes <= 12
