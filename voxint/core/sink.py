"""The writing end that a stage is given, which counts as its sign of life."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

import trio

__all__ = ["Sink"]

T = TypeVar("T")

YIELD_EVERY = 8
"""A provider that reads a socket yields there anyway; a task switch for each token on top would be a tenth of the cost
of a token. Eight pieces of a stage that reads nothing take well under a millisecond."""

YIELD_AFTER_S = 0.001
"""A stage that works hard between its pieces lets the others run after each of them: chosen here, what a scheduler pass
takes on a busy server."""


class Sink(trio.abc.SendChannel[T], Generic[T]):
    """An unbuffered channel whose consumer runs in the stage's own task.

    It saves a task and two switches for every token. Each send lets a cancellation in and every eighth lets the other
    tasks run, so a stage that never awaits anything else is interrupted all the same and starves nobody.

    Args:
        accept: Takes what the stage writes, and may wait.
        failed: Told of what `accept` raises, which is no error of the stage's own code: it ends the request even where
            the stage goes on with an error that it took for something else.
        over: Whether the request wants nothing any more: what a stage writes in its clean-up is thrown away at once,
            so that a shielded one cannot wait for a reader that has gone.
    """

    __slots__ = ("_accept", "_failed", "_over", "_sends", "_yielded")

    def __init__(
        self, accept: Callable[[T], Awaitable[None]], failed: Callable[[Exception], None], over: Callable[[], bool]
    ) -> None:
        self._accept = accept
        self._failed = failed
        self._over = over
        self._sends = 0
        self._yielded = -math.inf

    async def send(self, value: T) -> None:
        """Hand `value` on; returns when the next one may come."""
        self._sends += 1
        now = trio.current_time()
        if self._sends % YIELD_EVERY and now - self._yielded < YIELD_AFTER_S:
            await trio.lowlevel.checkpoint_if_cancelled()
        else:
            await trio.lowlevel.checkpoint()
            self._yielded = now
        if not self._over():
            try:
                await self._accept(value)
            except Exception as error:
                self._failed(error)
                raise

    async def aclose(self) -> None:
        """Do nothing: the stage's return is its end."""
        await trio.lowlevel.checkpoint()
