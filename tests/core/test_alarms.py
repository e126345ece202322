from __future__ import annotations

import pytest
import trio

from voxint.core.alarms import Alarms, StageDeadline
from voxint.core.failure import Stage
from voxint.errors import UpstreamTimeout

pytestmark = pytest.mark.virtual_time


async def sleep_and_ring(alarms: Alarms, until: float) -> None:
    """Do as a request's guard does, until that time."""
    with trio.move_on_at(until):
        while True:
            alarms.ring()
            await alarms.sleep(trio.Event())


async def test_an_alarm_rings_once_at_its_time() -> None:
    """Not before, and not again unless it is set again."""
    rang: list[float] = []
    alarms = Alarms()
    alarm = alarms.alarm(lambda: rang.append(trio.current_time()))
    alarm.set(2)
    await sleep_and_ring(alarms, 10)
    alarm.set(11)
    await sleep_and_ring(alarms, 20)
    assert rang == [2, 11]


async def test_an_alarm_that_is_moved_rings_at_the_last_time() -> None:
    """The sleeper looks at the old time, finds nothing, and sleeps until the new one."""
    rang: list[float] = []
    alarms = Alarms()
    alarm = alarms.alarm(lambda: rang.append(trio.current_time()))
    alarm.set(1)

    async def move() -> None:
        await trio.sleep(0.5)
        alarm.set(2.5)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(move)
        await sleep_and_ring(alarms, 10)
    assert rang == [2.5]


async def test_an_earlier_alarm_wakes_the_sleeper() -> None:
    """What is due sooner than the sleeper would look brings its look forward."""
    rang: list[float] = []
    alarms = Alarms()

    async def begin() -> None:
        await trio.sleep(1)
        alarms.alarm(lambda: rang.append(trio.current_time())).set(3)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(begin)
        await sleep_and_ring(alarms, 10)
    assert rang == [3]


async def test_the_event_ends_the_sleep() -> None:
    """Nothing has to be due for it."""
    over = trio.Event()
    over.set()
    await Alarms().sleep(over)
    assert trio.current_time() == 0


async def test_a_stage_is_told_what_it_owed() -> None:
    """Each sign of life moves the deadline on; while the stage waits for us there is none."""
    missed: list[tuple[float, Stage, str]] = []

    def miss(stage: Stage, error: UpstreamTimeout) -> None:
        missed.append((trio.current_time(), stage, error.message))

    alarms = Alarms()
    deadline = StageDeadline("llm", alarms, miss)
    deadline.expect("the first token", 1)

    async def live() -> None:
        await trio.sleep(0.5)
        deadline.expect_nothing()
        await trio.sleep(5)
        deadline.expect("the next token", 2)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(live)
        await sleep_and_ring(alarms, 20)
    assert missed == [(7.5, "llm", "the provider did not deliver the next token in 2 s")]


async def test_an_alarm_that_rests_rings_after_what_was_left() -> None:
    """One that doesn't rings in between; to rest twice, or to go on twice, changes nothing."""
    rang: list[tuple[str, float]] = []
    alarms = Alarms()
    resting = alarms.alarm(lambda: rang.append(("rests", trio.current_time())), rests=True)
    other = alarms.alarm(lambda: rang.append(("other", trio.current_time())))
    resting.set(3)
    other.set(3)
    await sleep_and_ring(alarms, 1)
    alarms.rest()
    await sleep_and_ring(alarms, 2)
    alarms.rest()
    assert alarms.working_time == 1
    await sleep_and_ring(alarms, 11)
    alarms.go_on()
    alarms.go_on()
    assert alarms.working_time == 1
    await sleep_and_ring(alarms, 20)
    assert rang == [("other", 3), ("rests", 13)]
    assert alarms.working_time == 10


async def test_a_stage_that_is_asked_for_something_in_a_rest_has_its_time_behind_it() -> None:
    """And one that owes nothing any more is not reminded of what it owed before."""
    missed: list[tuple[Stage, float]] = []
    alarms = Alarms()

    def miss(stage: Stage, _: UpstreamTimeout) -> None:
        missed.append((stage, trio.current_time()))

    asked, freed = StageDeadline("llm", alarms, miss), StageDeadline("tts", alarms, miss)
    freed.expect("audio", 1.0)
    alarms.rest()
    asked.expect("the next token", 2.0)
    freed.expect_nothing()
    await sleep_and_ring(alarms, 5)
    alarms.go_on()
    await sleep_and_ring(alarms, 20)
    assert missed == [("llm", 7)]
