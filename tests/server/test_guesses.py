"""Wrong keys: each costs its address more time, and a burst is told once."""

from __future__ import annotations

import trio
from structlog.testing import capture_logs
from trio.testing import MockClock

from voxint.server.guesses import MOST_ADDRESSES, QUIET_S, Guesses


async def test_each_wrong_key_costs_twice_the_time_up_to_a_bound(autojump_clock: MockClock) -> None:
    """Of its address alone; a minute without one, and the next is the first again."""
    guesses = Guesses(2.0)
    assert [guesses.failed("a") for _ in range(6)] == [0.25, 0.5, 1.0, 2.0, 2.0, 2.0]
    assert guesses.failed("b") == 0.25
    await trio.sleep(QUIET_S - 1)
    assert guesses.failed("a") == 2.0
    await trio.sleep(QUIET_S)
    assert guesses.failed("a") == 0.25


async def test_a_burst_is_told_at_its_begin_and_its_end(autojump_clock: MockClock) -> None:
    """With where it came from and how many there were; one alone is told once."""
    guesses = Guesses(2.0)
    until = trio.CancelScope()
    with capture_logs() as logs:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(guesses.run, until)
            for _ in range(1000):
                guesses.failed("a")
                await trio.sleep(0.01)
            guesses.failed("b")
            await trio.sleep(2 * QUIET_S)
            until.cancel()
    told = [{name: value for name, value in line.items() if name != "log_level"} for line in logs]
    assert told == [
        {"event": "a wrong key", "address": "a"},
        {"event": "a wrong key", "address": "b"},
        {"event": "wrong keys have ended", "address": "a", "tries": 1000, "lasted_s": 10.0},
    ]


async def test_addresses_without_end_are_not_remembered_without_end(autojump_clock: MockClock) -> None:
    """Who has been quiet for longest is forgotten, and starts anew."""
    guesses = Guesses(2.0)
    guesses.failed("first")
    guesses.failed("second")
    with capture_logs():
        for number in range(MOST_ADDRESSES - 1):
            guesses.failed(str(number))
        assert guesses.failed("second") == 0.5
        assert guesses.failed("first") == 0.25
