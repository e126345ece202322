"""The file of the keys: read whole, changed whole, by one writer at a time."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from voxint.errors import ConfigError
from voxint.file_lock import try_lock
from voxint.server.keys import KeyRecord, format_keys, parse_keys

__all__ = ["change_keys", "check_writers", "read_keys"]

LARGEST_BYTES = 8 * 1024 * 1024
"""Of a keys file; chosen here: some 40,000 keys, read and parsed in a tenth of a second, off the loop."""

LOCK_S = 5.0
"""Seconds to wait for another writer, who needs milliseconds; chosen here."""

LOCK_PAUSE_S = 0.05


def read_keys(path: Path) -> tuple[KeyRecord, ...]:
    """Read a keys file. It blocks: a running server does so in a thread.

    Raises:
        ConfigError: It can't be read, is too large, or a line is no key.
    """
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_BYTES + 1)
    except OSError as error:
        raise ConfigError(
            str(path), f"the file of keys can't be read ({error.strerror}): `voxint keys new` makes it"
        ) from None
    if len(content) > LARGEST_BYTES:
        raise ConfigError(str(path), f"a file of keys may have at most {LARGEST_BYTES} bytes: is this one?")
    return parse_keys(content, str(path))


def check_writers(path: Path) -> None:
    """Refuse a keys file that strangers may change: each could let itself in. Nothing of it is a secret to read.

    Raises:
        ConfigError: Everybody on the machine may write it.
    """
    with suppress(OSError):  # `read_keys` says so
        if os.name == "posix" and path.stat().st_mode & 0o002:
            raise ConfigError(str(path), "everybody on this machine can write the file, and let itself in: chmod 600")


@contextmanager
def change_keys(path: Path) -> Iterator[list[KeyRecord]]:
    """Change a keys file: what the block makes of the list is written when it ends without an error.

    Another writer waits, at most 5 s. A reader sees the file before or after, never between: it is written beside,
    flushed to the disk, and renamed, with mode 0600. A file that is not there yet is made.

    Raises:
        ConfigError: It can't be read or written, or somebody else is writing for too long.
    """
    path = path.resolve()  # a link stays one
    try:
        with _locked(path.with_name(f"{path.name}.lock")):
            records = list(read_keys(path)) if path.exists() else []
            yield records
            _replace(path, format_keys(records))
    except OSError as error:
        raise ConfigError(str(path), f"the file of keys can't be written ({error.strerror})") from None


def _replace(path: Path, content: bytes) -> None:
    """Write a file anew, as the property of whose it was: root may change the keys of a server that is not root's."""
    before = path.stat() if path.exists() else None
    beside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "wb") as file:
            if os.name == "posix" and before is not None and before.st_uid != os.geteuid():
                os.fchown(file.fileno(), before.st_uid, before.st_gid)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    if os.name == "posix":  # elsewhere a folder can't be opened
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold the lock of a file that stays where it is; the system lets go of it also where the process dies."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        give_up_at = time.monotonic() + LOCK_S
        while not try_lock(descriptor):
            if time.monotonic() >= give_up_at:
                raise ConfigError(
                    str(path), f"another `voxint keys` has been at work for {LOCK_S:g} s: try again when it has ended"
                )
            time.sleep(LOCK_PAUSE_S)
        yield
    finally:
        os.close(descriptor)
