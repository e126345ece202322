"""A recorded exchange, broken at every byte by every fault: which bytes, which faults, and what may come of it."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Sequence
from datetime import date
from typing import Literal

import trio
from attrs import frozen

from voxint.testing.chaos import Faults, Flip, HalfClose, Insert, NetworkFault, Reset, Stall, Truncate

__all__ = ["KINDS", "Break", "Direction", "breaks", "broken_everywhere"]

Direction = Literal["up", "down"]

KINDS: dict[str, Callable[[int], NetworkFault]] = {
    "reset": lambda at: Reset(at=at),
    "half-close": lambda at: HalfClose(at=at),
    "truncation": lambda at: Truncate(at=at),
    "flipped byte": lambda at: Flip(at=at),
    "inserted byte": lambda at: Insert(at=at, data=b"\0"),
    "stall": lambda at: Stall(at=at),
}
"""Garbage is of two sorts: a byte with all bits turned, and one too many, behind which nothing is in its place."""

AT_ONCE = 48
"""Broken exchanges side by side in one process; chosen here: most of them wait for a bound most of the time."""

ALL = "VOXINT_EVERY_BYTE"
"""The environment variable that has every byte broken, which takes half an hour on two busy cores."""


@frozen
class Break:
    """One fault at one byte."""

    kind: str
    direction: Direction
    at: int

    @property
    def faults(self) -> Faults:
        """The script of a connection that breaks so."""
        fault = (KINDS[self.kind](self.at),)
        return Faults(up=fault) if self.direction == "up" else Faults(down=fault)


def breaks(up: int, down: int, sample: int) -> list[Break]:
    """Return all breaks of an exchange of so many bytes, or a sample: every n-th byte, from another one each day.

    Args:
        up: Bytes from the client.
        down: Bytes from the server.
        sample: About how many of all.
    """
    sizes: dict[Direction, int] = {"up": up, "down": down}
    every = [
        Break(kind, direction, at) for direction, size in sizes.items() for at in range(size + 1) for kind in KINDS
    ]
    if os.environ.get(ALL):
        return every
    step = max(1, len(every) // sample)
    step += step % len(KINDS) == 0  # else it would meet one kind only
    return every[date.today().toordinal() % step :: step]


async def broken_everywhere(cases: Sequence[Break], run: Callable[[Break], Awaitable[None]]) -> None:
    """Run every case, many at once; a failure bears its case as a note."""
    todo = list(reversed(cases))

    async def work() -> None:
        while todo:
            case = todo.pop()
            try:
                await run(case)
            except Exception as error:
                error.add_note(f"with {case}")
                raise

    async with trio.open_nursery() as nursery:
        for _ in range(AT_ONCE):
            nursery.start_soon(work)
