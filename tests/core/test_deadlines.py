from __future__ import annotations

import pytest
import trio

from voxint.core.deadlines import Deadlines

pytestmark = pytest.mark.virtual_time


async def test_a_deadline_moves_with_the_last_sign_of_life() -> None:
    """Each pushes the end on; the sleeper looks at the old end, finds nothing, and sleeps until the new one."""
    deadlines, over = Deadlines(), trio.Event()
    deadline = deadlines.of_stage("llm")
    deadline.expect("the first token", 1)

    async def live() -> None:
        await trio.sleep(0.5)
        deadline.expect("the next token", 2)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(live)
        await deadlines.sleep(over, until=100)
        assert (trio.current_time(), deadlines.missed()) == (1, None)
        await deadlines.sleep(over, until=100)
    assert trio.current_time() == 2.5
    assert deadlines.missed() is deadline
    assert str(deadline.timeout()) == "did not deliver the next token within 2 s"


async def test_an_earlier_deadline_wakes_the_sleeper() -> None:
    """What is owed sooner than the sleeper would look brings its look forward."""
    deadlines = Deadlines()

    async def begin() -> None:
        await trio.sleep(1)
        deadlines.of_stage("tts").expect("audio", 2)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(begin)
        await deadlines.sleep(trio.Event(), until=100)
    assert trio.current_time() == 3


async def test_nothing_is_due_while_a_stage_waits_for_us() -> None:
    """Then nothing ends it, and the sleeper sleeps on."""
    deadlines = Deadlines()
    deadline = deadlines.of_stage("tts")
    deadline.expect("more", 1)
    deadline.expect_nothing()
    await deadlines.sleep(trio.Event(), until=7)
    assert trio.current_time() == 7
    assert deadlines.missed() is None


async def test_the_event_ends_the_sleep() -> None:
    """Nothing has to be due for it."""
    over = trio.Event()
    over.set()
    await Deadlines().sleep(over, until=100)
    assert trio.current_time() == 0
