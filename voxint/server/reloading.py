"""What is read again while a server runs: files that have changed, looked at by a thread and never by the loop."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Generic, TypeAlias, TypeVar

import trio
from attrs import define, field

from voxint.errors import ConfigError
from voxint.logs import get_logger

__all__ = ["ReloadedFiles", "Reloader"]

EVERY_S = 2.0
"""Seconds between two looks; chosen here: a revoked key is refused that much later, and a look costs 0.1 ms."""

LOOK_S = 10.0
"""Seconds for one look; chosen here. A file system that hangs keeps a thread, and nothing else."""

Stamp: TypeAlias = tuple[tuple[int, ...], ...]

T = TypeVar("T")
R = TypeVar("R")

log = get_logger()


@define(eq=False)
class ReloadedFiles(Generic[T]):
    """Files that make one value.

    Args:
        what: What they are, for the log and the metric.
        paths: Where they are.
        load: Reads them, in a thread; raises `ConfigError` where they are of no use.
        take: Uses what was read; returns whether anything has changed.
        failed: Called where they are of no use; what was before stands.
    """

    what: str
    paths: tuple[Path, ...]
    load: Callable[[], T]
    take: Callable[[T], bool]
    failed: Callable[[], None] = lambda: None
    _stamp: Stamp | None = field(init=False, default=None)
    _told: tuple[Stamp, str] | None = field(init=False, default=None)
    _turn: trio.CapacityLimiter = field(init=False, factory=lambda: trio.CapacityLimiter(1))

    async def look(self, *, force: bool = False) -> None:
        """Read the files if they have changed since the last look. Cancelled, the next look reads them again.

        Args:
            force: Whether to read them also where they have not.
        """
        stamp = await self._in_thread(self._stamp_now)
        if stamp == self._stamp and not force:
            return
        try:
            value = await self._in_thread(self.load)
        except (ConfigError, OSError) as error:  # whatever it is, what was before stands
            # Read again at the next look, since what was wrong may pass without a change of the file; told once.
            told = (
                error
                if isinstance(error, ConfigError)
                else ConfigError(str(self.paths[0]), "the file can't be read; what was read before stands")
            )
            if self._told != (stamp, str(told)):
                self._told = (stamp, str(told))
                self.failed()
                log.warning("changed files not used", what=self.what, place=told.place, expected=told.expected)
            return
        self._stamp, self._told = stamp, None
        if self.take(value):
            log.info("changed files read", what=self.what)

    def _stamp_now(self) -> Stamp:
        return tuple(map(_stamp_of, self.paths))

    async def _in_thread(self, do: Callable[[], R]) -> R:
        return await trio.to_thread.run_sync(do, abandon_on_cancel=True, limiter=self._turn)


@define(eq=False)
class Reloader:
    """Looks after all such files of a server.

    Args:
        files: Which.
        after: Called after each look at all of them.
    """

    files: tuple[ReloadedFiles[Any], ...]
    after: Callable[[], None]

    async def look(self, *, force: bool = False) -> None:
        """Look at all files once. What takes longer than 10 s is told, and waited for no more."""
        for each in self.files:
            with trio.move_on_after(LOOK_S) as scope:
                await each.look(force=force)
            if scope.cancelled_caught:
                each.failed()
                late = f"it took longer than {LOOK_S:g} s to read the file: is its disk well?"
                log.warning("changed files not used", what=each.what, place=str(each.paths[0]), expected=late)
        self.after()

    async def run(self, until: trio.CancelScope) -> None:
        """Look every 2 s, until `until` is cancelled; where there are no files there is nothing to look at."""
        with until:
            while True:
                await trio.sleep(EVERY_S if self.files else math.inf)
                await self.look()


def _stamp_of(path: Path) -> tuple[int, ...]:
    """Return what changes of a file when its content does; links are followed. Nothing where there is none."""
    try:
        found = os.stat(path)
    except OSError:
        return ()
    return (found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino)
