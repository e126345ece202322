"""A nursery for the tasks behind a resource."""

from __future__ import annotations

import pytest
import trio
from trio.testing import MockClock

from voxint.background import open_background


async def test_the_blocks_exception_comes_out_as_it_is(autojump_clock: MockClock) -> None:
    """`except ValueError` round the block works, and the tasks are cancelled."""

    async def block() -> None:
        async with open_background() as nursery:
            nursery.start_soon(trio.sleep_forever)
            raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        await block()


async def test_a_tasks_exception_comes_in_a_group(autojump_clock: MockClock) -> None:
    """A background task that fails cancels the block and is reported as nurseries do."""

    async def fail() -> None:
        raise ValueError("its own")

    with pytest.RaisesGroup(pytest.RaisesExc(ValueError, match="its own")):
        async with open_background() as nursery:
            nursery.start_soon(fail)
            await trio.sleep_forever()


async def test_the_end_of_the_block_waits_for_the_tasks(autojump_clock: MockClock) -> None:
    """Nothing is cut off at a normal end."""
    async with open_background() as nursery:
        nursery.start_soon(trio.sleep, 2)
        began = trio.current_time()
    assert trio.current_time() - began == 2
