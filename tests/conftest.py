"""Virtual time (`pytestmark = pytest.mark.virtual_time`: a clock that jumps while nothing can happen), and skips."""

from __future__ import annotations

import inspect
import os
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import pytest
import trio
from trio.testing import MockClock

from tests.needs import ABSENT

T = TypeVar("T")

NOT_IMPORTED = "could not import"
"""What stands in the reason of a skip by `pytest.importorskip`."""

_skipped: list[str] = []


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


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Note a test that was skipped for want of something that a machine may have."""
    _note(report)


def pytest_collectreport(report: pytest.CollectReport) -> None:
    """Note a whole file that was."""
    _note(report)


def _note(report: pytest.TestReport | pytest.CollectReport) -> None:
    if report.skipped and isinstance(report.longrepr, tuple):
        reason = report.longrepr[2]
        if ABSENT in reason or NOT_IMPORTED in reason:
            _skipped.append(f"{report.nodeid}: {reason}")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a run that is to have everything (MODELS_REQUIRED) where a test was skipped for want of it."""
    if os.environ.get("MODELS_REQUIRED") and _skipped:
        print("MODELS_REQUIRED, and these were skipped:", *_skipped, sep="\n")  # noqa: T201 - for whoever reads the run
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
