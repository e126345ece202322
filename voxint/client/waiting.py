"""Those who wait for an answer of the server's, each kind of answer in a line of its own."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

import trio
from attrs import evolve

from voxint.errors import ServerError

__all__ = ["Waiter", "Waiters"]

_T = TypeVar("_T")


class Waiter(Generic[_T]):
    """A place in a line."""

    def __init__(self) -> None:
        self.answer: tuple[_T, float] | None = None
        self.failure: ServerError | None = None
        self.done = trio.Event()


class Waiters:
    """Gives each answer to whoever has waited for its kind the longest: the server answers in order.

    One who was cancelled or lost patience keeps the place, so that a late answer does not go to the next.

    Args:
        patience_s: How long to wait.
    """

    def __init__(self, patience_s: float) -> None:
        self._patience_s = patience_s
        self._lines: dict[object, deque[Waiter[Any]]] = {}

    def join(self, kind: object) -> Waiter[Any]:
        """Stand in line for an answer, in the same step in which it is asked for."""
        waiter: Waiter[Any] = Waiter()
        self._lines.setdefault(kind, deque()).append(waiter)
        return waiter

    async def answer(self, waiter: Waiter[_T], what: str) -> tuple[_T, float]:
        """Wait for the answer and return it with the instant it was read.

        Raises:
            ServerError: None came to `what` in time, or everybody in line was failed.
        """
        with self.in_time(what):
            await waiter.done.wait()
        if waiter.failure is not None:
            raise evolve(waiter.failure)  # a copy: several tasks may raise it, each with its own traceback
        assert waiter.answer is not None
        return waiter.answer

    @contextmanager
    def in_time(self, what: str) -> Generator[None]:
        """Bound a block by the patience; beyond it, it raises ServerError with the code ``REQUEST_TIMEOUT``."""
        with trio.move_on_after(self._patience_s) as scope:
            yield
        if scope.cancelled_caught:
            message = f"the server did not answer {what} within {self._patience_s:g} s: is it busy? Try again"
            raise ServerError("REQUEST_TIMEOUT", message, retryable=True)

    def arrived(self, kind: object, message: object, now: float) -> None:
        """Give an answer to the first in line; one that nobody asked for is dropped."""
        line = self._lines.get(kind)
        if not line:
            return
        waiter = line.popleft()
        if not line:
            del self._lines[kind]
        waiter.answer = (message, now)
        waiter.done.set()

    def fail(self, error: ServerError) -> None:
        """Fail everybody: no answer will come."""
        lines, self._lines = self._lines, {}
        for line in lines.values():
            for waiter in line:
                waiter.failure = error
                waiter.done.set()
