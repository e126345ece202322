"""`pytestmark = pytest.mark.virtual_time`: the module's tests run on a clock that jumps while nothing can happen."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import pytest
import trio
from trio.testing import MockClock

T = TypeVar("T")


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker."""
    config.addinivalue_line("markers", "virtual_time: run on MockClock(autojump_threshold=0); no sockets, no threads")


def pytest_itemcollected(item: pytest.Item) -> None:
    """Let pytest-trio run the marked tests in virtual time."""
    if item.get_closest_marker("virtual_time") and inspect.iscoroutinefunction(getattr(item, "obj", None)):
        item.add_marker(pytest.mark.trio(run=_run_in_virtual_time))


def _run_in_virtual_time(
    test: Callable[[], Awaitable[T]],
    *,
    clock: trio.abc.Clock | None,
    instruments: Sequence[trio.abc.Instrument],
) -> T:
    return trio.run(test, clock=clock or MockClock(autojump_threshold=0), instruments=instruments)
