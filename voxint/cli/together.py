"""Things that take long to open, opened at once."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TypeVar

import trio

__all__ = ["open_together"]

T = TypeVar("T")


@asynccontextmanager
async def open_together(openings: Mapping[str, AbstractAsyncContextManager[T]]) -> AsyncGenerator[dict[str, T]]:
    """Enter context managers at the same time, each in a task of its own, and leave them when the block has ended.

    Two models that load for two seconds each are there after two seconds and not after four. Where one can't be
    entered the others are cancelled, or left. An exception of the block comes out as it is, when all have been left;
    what an entrance, a way out or a task behind them raises comes in a group.

    Args:
        openings: By name. Those that nothing comes of are given up with the scope: none of them may hang for ever.

    Returns:
        What each gave, by its name, in the order of `openings`.
    """
    leave = trio.Event()
    opened: dict[str, T] = {}
    raised: Exception | None = None

    async def hold(opening: AbstractAsyncContextManager[T], task_status: trio.TaskStatus[T]) -> None:
        async with opening as value:
            task_status.started(value)
            await leave.wait()  # without bound: as long as the block lasts

    async with trio.open_nursery() as held:

        async def enter(name: str, opening: AbstractAsyncContextManager[T]) -> None:
            opened[name] = await held.start(hold, opening)

        async with trio.open_nursery() as entering:
            for name, opening in openings.items():
                entering.start_soon(enter, name, opening)
        try:
            yield {name: opened[name] for name in openings}
        except Exception as error:  # noqa: BLE001 - raised again below, when all have been left in peace
            raised = error
        finally:
            leave.set()
    if raised is not None:
        raise raised
