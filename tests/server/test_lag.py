from __future__ import annotations

import time

import trio
from trio.testing import MockClock

from voxint.server.lag import LoopLag


async def _measured(work: float, pause: float, seconds: float) -> float:
    lag, until = LoopLag(), trio.CancelScope()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(lag.run, until)
        begin = time.perf_counter()
        while time.perf_counter() - begin < seconds:
            busy_until = time.perf_counter() + work
            while time.perf_counter() < busy_until:
                pass
            await trio.sleep(pause)
        until.cancel()
    return lag.busy


async def test_a_loop_that_does_nothing_is_not_busy() -> None:
    """It wakes up a hundred times a second, and waits in between."""
    assert await _measured(0.0, 0.01, 1.2) < 0.5


async def test_a_loop_that_never_waits_is_busy() -> None:
    """It works for 20 ms, looks for news, and goes on."""
    assert await _measured(0.02, 0.0, 1.2) > 0.95


def test_nothing_is_measured_once_it_has_ended() -> None:
    """Nor before: it is a server's, and not its process's."""

    async def main() -> LoopLag:
        lag, until = LoopLag(), trio.CancelScope()
        until.cancel()
        await lag.run(until)
        await trio.sleep(10)
        return lag

    assert trio.run(main, clock=MockClock(autojump_threshold=0)).busy == 0
