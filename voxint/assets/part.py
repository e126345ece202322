"""A file that is coming in: it stands beside its place under a name of its own until it is whole and right."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from voxint.assets.table import AssetEntry
from voxint.errors import ConfigError

__all__ = ["PartialFile", "open_part"]

SUFFIX = ".part"

BLOCK_BYTES = 1024 * 1024
"""Hashed at a time; ours."""


class PartialFile:
    """What has come of a file so far; made by `open_part`. Everything here blocks.

    Attributes:
        size: Bytes that are there.
    """

    def __init__(self, file: io.FileIO, path: Path, target: Path, entry: AssetEntry) -> None:
        self._file = file
        self._path = path
        self._target = target
        self._entry = entry
        self.size = os.fstat(file.fileno()).st_size
        if self.size > entry.size:
            self.start_again()

    def start_again(self) -> None:
        """Let go of what has come."""
        with _told(self._path):
            self._file.truncate(0)
        self.size = 0

    def add(self, data: bytes) -> None:
        """Write what comes next.

        Raises:
            ConfigError: The disk is full, or fails.
        """
        rest = memoryview(data)
        with _told(self._path):
            while rest:
                written = self._file.write(rest)
                self.size += written
                rest = rest[written:]

    def need_room(self) -> None:
        """Refuse before the first byte what the disk has no room for.

        Raises:
            ConfigError: As said.
        """
        with _told(self._path):
            free = shutil.disk_usage(self._path.parent).free
        if free < (missing := self._entry.size - self.size):
            raise ConfigError(
                str(self._path.parent),
                f"this disk has no room: {self._entry.name} needs {missing:,} bytes more, and {free:,} are free; make "
                "room, or name another folder by --folder",
            )

    def digest(self) -> str:
        """Return the SHA-256 of what is there, as the disk has it."""
        digest = hashlib.sha256()
        with _told(self._path), self._path.open("rb") as file:
            while block := file.read(BLOCK_BYTES):
                digest.update(block)
        return digest.hexdigest()

    def keep(self) -> Path:
        """Flush the file to the disk and put it in its place, in one step; return the place. Nothing comes after it."""
        with _told(self._path):
            os.fsync(self._file.fileno())
            self._file.close()  # some systems rename no open file
            os.replace(self._path, self._target)
            if os.name == "posix":  # elsewhere a folder can't be opened
                folder = os.open(self._target.parent, os.O_RDONLY)
                try:
                    os.fsync(folder)
                finally:
                    os.close(folder)
        return self._target

    def close(self) -> None:
        """Leave what has come for the next time; where that is nothing, leave nothing."""
        if not self._file.closed:
            self._file.close()
            if not self.size:
                self._path.unlink(missing_ok=True)


@contextmanager
def open_part(folder: Path, entry: AssetEntry) -> Iterator[PartialFile]:
    """Open what has come of a file, or begin it; what is not kept in its place by the end of the block waits there.

    Args:
        folder: Where the file will stand; made where it is not there.
        entry: The file.

    Raises:
        ConfigError: The folder can't be written.
    """
    target = folder / entry.file
    path = target.with_name(target.name + SUFFIX)
    with _told(path):
        target.parent.mkdir(parents=True, exist_ok=True)
        file = io.FileIO(path, "a")
    try:
        part = PartialFile(file, path, target, entry)
    except BaseException:
        file.close()
        raise
    try:
        yield part
    finally:
        part.close()


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Say of a disk's refusal where it was, and what to do."""
    try:
        yield
    except OSError as error:
        raise ConfigError(
            str(path),
            f"it can't be written ({error.strerror}): check the disk and its permissions, or name another folder"
            " by --folder; what has come is kept",
        ) from None
