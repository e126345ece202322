"""What this process has started and holds, as the kernel tells it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import trio

import voxint

__all__ = ["ENVIRONMENT", "every_child", "exists", "nothing_more", "open_files", "until"]

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(next(iter(voxint.__path__))).parent)}
"""What another Python needs to import what this one imports."""


def every_child(of: str = "self") -> set[int]:
    """The processes that this one (or another) has started and not reaped."""
    lists = [task.read_text() for task in Path(f"/proc/{of}/task").glob("*/children")]
    return {int(pid) for line in lists for pid in line.split()}


def exists(pid: int) -> bool:
    """Whether `pid` is a process, be it a zombie."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def open_files() -> int:
    """How many file descriptors this process holds."""
    return len(os.listdir("/proc/self/fd"))


async def until(condition: Callable[[], bool]) -> None:
    """Wait for what another process does and no event tells; fails after 10 s."""
    with trio.fail_after(10):
        while not condition():  # noqa: ASYNC110  # the event is in another process
            await trio.sleep(0.005)


@contextmanager
def nothing_more() -> Iterator[None]:
    """The block leaves neither a process nor a file descriptor that was not there before."""
    before = (every_child(), open_files())
    yield
    assert (every_child(), open_files()) == before
