"""One that fetches at a time, in a folder: two would write into the same unfinished file."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import trio

from voxint.errors import ConfigError
from voxint.file_lock import try_lock

__all__ = ["open_folder"]

FILE = "pull.lock"

PAUSE_S = 0.2
"""Between two looks whether the lock is free; ours: a person does not notice it."""


@asynccontextmanager
async def open_folder(folder: Path, waiting: Callable[[], None]) -> AsyncGenerator[None, None]:
    """Have a folder to oneself while the block runs; it is made where it is not there.

    The wait for another has no bound: it ends when the other's work does, whose silences are bounded, or when its
    process dies. A person who doesn't want to wait presses Ctrl-C.

    Args:
        folder: The folder.
        waiting: Called once, where another is at work in it.

    Raises:
        ConfigError: The folder can't be made or written.
    """
    descriptor = _open(folder)
    try:
        if not _take(descriptor, folder):
            waiting()
            while not _take(descriptor, folder):  # noqa: ASYNC110  # no event: the lock is another process's
                await trio.sleep(PAUSE_S)
        yield
    finally:
        os.close(descriptor)


def _open(folder: Path) -> int:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return os.open(folder / FILE, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise ConfigError(
            str(folder), f"this folder can't be written ({error.strerror}): name another one by --folder"
        ) from None


def _take(descriptor: int, folder: Path) -> bool:
    try:
        return try_lock(descriptor)
    except OSError as error:  # some network disks have no locks
        raise ConfigError(
            str(folder), f"the disk of this folder has no locks ({error.strerror}): name another one by --folder"
        ) from None
