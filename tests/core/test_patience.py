from __future__ import annotations

import pytest
import trio

from voxint.core.patience import YIELD_EVERY, Sink, Watch

pytestmark = pytest.mark.virtual_time


async def test_patience_ends_with_the_last_sign_of_life() -> None:
    """Each pushes the end on; the sleeper looks at the old end, finds nothing, and sleeps until the new one."""
    watch, over = Watch(), trio.Event()
    patience = watch.patience("llm")
    patience.expect("the first token", 1)

    async def live() -> None:
        await trio.sleep(0.5)
        patience.expect("the next token", 2)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(live)
        await watch.sleep(over, until=100)
        assert (trio.current_time(), watch.ended()) == (1, None)
        await watch.sleep(over, until=100)
    assert trio.current_time() == 2.5
    assert watch.ended() is patience
    assert str(patience.timeout()) == "did not deliver the next token within 2 s"


async def test_a_shorter_patience_wakes_the_sleeper() -> None:
    """What is owed sooner than the sleeper would look brings its look forward."""
    watch = Watch()

    async def begin() -> None:
        await trio.sleep(1)
        watch.patience("tts").expect("audio", 2)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(begin)
        await watch.sleep(trio.Event(), until=100)
    assert trio.current_time() == 3


async def test_patience_rests_while_a_stage_waits_for_us() -> None:
    """Then nothing ends it, and the sleeper sleeps on."""
    watch = Watch()
    patience = watch.patience("tts")
    patience.expect("more", 1)
    patience.rest()
    await watch.sleep(trio.Event(), until=7)
    assert trio.current_time() == 7
    assert watch.ended() is None


async def test_the_event_ends_the_sleep() -> None:
    """Nothing has to be due for it."""
    over = trio.Event()
    over.set()
    await Watch().sleep(over, until=100)
    assert trio.current_time() == 0


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
