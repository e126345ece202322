"""What many tests use together: a browser, a server and Playwright take seconds to start."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from typing import Any, TypeVar

__all__ = ["Shared"]

T = TypeVar("T")


class Shared:
    """Context managers that are entered when a test first wants them, and left all together."""

    def __init__(self) -> None:
        self._entered: dict[Callable[[], AbstractContextManager[Any]], Any] = {}
        self._stack = ExitStack()

    def of(self, make: Callable[[], AbstractContextManager[T]]) -> T:
        """Return what entering `make()` gave, now or before."""
        if make not in self._entered:
            self._entered[make] = self._stack.enter_context(make())
        found: T = self._entered[make]
        return found

    def close(self) -> None:
        """Leave them, the last one first; who wants one again gets a new one."""
        self._entered.clear()
        self._stack.close()
