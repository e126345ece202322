from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest
import trio
from trio.testing import MockClock

from voxint.cli.together import open_together


@asynccontextmanager
async def loading(seconds: float, log: list[str], name: str = "it") -> AsyncGenerator[str]:
    """Load for so long, and note when it is left and how."""
    await trio.sleep(seconds)
    try:
        yield name
    except trio.Cancelled:
        log.append(f"{name} cancelled")
        raise
    else:
        await trio.sleep(1)
        log.append(f"{name} left")


async def test_they_are_entered_at_once(autojump_clock: MockClock) -> None:
    """The slowest says how long it takes, and each is had by its name; they are left at once too."""
    log: list[str] = []
    begin = trio.current_time()
    async with open_together({"a": loading(2, log, "A"), "b": loading(1.5, log, "B")}) as opened:
        assert trio.current_time() - begin == 2
        assert list(opened.items()) == [("a", "A"), ("b", "B")]
        assert log == []
    assert trio.current_time() - begin == 3
    assert sorted(log) == ["A left", "B left"]


async def test_an_exception_of_the_block_comes_out_as_it_is(autojump_clock: MockClock) -> None:
    """When all have been left in peace."""
    log: list[str] = []
    with pytest.raises(ValueError, match=r"^the block$"):
        async with open_together({"a": loading(1, log)}):
            raise ValueError("the block")
    assert log == ["it left"]


async def test_a_cancelled_block_is_cancelled(autojump_clock: MockClock) -> None:
    """And so is what was opened for it."""
    log: list[str] = []
    with trio.move_on_after(5) as scope:
        async with open_together({"a": loading(1, log)}):
            await trio.sleep_forever()
    assert scope.cancelled_caught
    assert log == ["it cancelled"]


async def test_what_loads_is_given_up_where_another_fails(autojump_clock: MockClock) -> None:
    """At once, and what has been entered is left."""
    log: list[str] = []

    @asynccontextmanager
    async def failing() -> AsyncGenerator[str]:
        await trio.sleep(2)
        raise OSError("no file")
        yield ""

    begin = trio.current_time()
    with pytest.RaisesGroup(pytest.RaisesExc(OSError, match="no file"), flatten_subgroups=True):
        async with open_together({"a": loading(1, log, "A"), "b": loading(60, log, "B"), "c": failing()}):
            raise AssertionError("unreachable")
    assert trio.current_time() - begin == 2
    assert log == ["A cancelled"]


async def test_what_fails_behind_the_block_ends_it(autojump_clock: MockClock) -> None:
    """As a process that was loaded and has died."""

    @asynccontextmanager
    async def dying() -> AsyncGenerator[None]:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(die)
            yield

    async def die() -> None:
        await trio.sleep(3)
        raise OSError("it has died")

    with pytest.RaisesGroup(pytest.RaisesExc(OSError, match="it has died"), flatten_subgroups=True):
        async with open_together({"a": dying()}):
            await trio.sleep_forever()
    assert trio.current_time() == 3
