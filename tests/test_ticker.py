from __future__ import annotations

import trio
import trio.testing

from voxint.ticker import Ticker


async def test_waits_end_when_they_are_due(autojump_clock: trio.testing.MockClock) -> None:
    """Each task wakes at its own instant, in whatever order they came, and also in the past."""
    ticker = Ticker()
    woken: list[tuple[float, float]] = []

    async def wait(due: float) -> None:
        await ticker.until(due)
        woken.append((due, trio.current_time()))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(ticker.run)
        for due in (4.0, 1.0, 2.5, 1.0, 0.0):
            nursery.start_soon(wait, due)
        await trio.sleep(3)
        nursery.start_soon(wait, 2.0)
        await trio.sleep(2)
        nursery.cancel_scope.cancel()
    assert woken == [(0.0, 0.0), (1.0, 1.0), (1.0, 1.0), (2.5, 2.5), (2.0, 3.0), (4.0, 4.0)]


async def test_instants_are_rounded_up_to_the_grid(autojump_clock: trio.testing.MockClock) -> None:
    """A wait never ends too early, and at most a tick too late."""
    ticker = Ticker()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(ticker.run)
        await ticker.until(0.1)
        assert trio.current_time() == 103 / 1024
        nursery.cancel_scope.cancel()


async def test_cancelled_wait_ends_at_once(autojump_clock: trio.testing.MockClock) -> None:
    """A cancelled task leaves without its tick, and the ticker goes on for the others."""
    ticker = Ticker()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(ticker.run)
        with trio.move_on_after(0.5) as scope:
            await ticker.until(1.0)
        assert (scope.cancelled_caught, trio.current_time()) == (True, 0.5)
        await ticker.until(2.0)
        assert trio.current_time() == 2.0
        nursery.cancel_scope.cancel()
