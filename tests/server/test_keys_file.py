from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.credentials import add_key, remove_key
from voxint.errors import ConfigError
from voxint.server import keys_file
from voxint.server.keys_file import change_keys, check_writers, read_keys

WRITER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from voxint.server.keys import new_key
from voxint.server.keys_file import change_keys
for _ in range(10):
    with change_keys(Path(sys.argv[1])) as records:
        records.append(new_key(("talk",), datetime.now(UTC))[1])
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A keys file that is not there yet."""
    return tmp_path / "keys.jsonl"


def test_a_file_is_made_for_its_owner_alone(path: Path) -> None:
    """Mode 0600, whatever the umask, and nothing but the lock beside it."""
    before = os.umask(0)
    try:
        add_key(path)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert sorted(each.name for each in path.parent.iterdir()) == ["keys.jsonl", "keys.jsonl.lock"]


def test_what_was_there_stays(path: Path) -> None:
    """A second key beside the first, and the first alone when the second is revoked."""
    _, one = add_key(path)
    _, two = add_key(path)
    assert read_keys(path) == (one, two)
    remove_key(path, two)
    assert read_keys(path) == (one,)


def test_two_writers_lose_nothing(path: Path) -> None:
    """Each waits for the other: all keys of both are there."""
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(path)]) for _ in range(2)]
    assert [writer.wait(60) for writer in writers] == [0, 0]
    assert len(read_keys(path)) == 20


def test_a_writer_waits_for_another_but_not_for_ever(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says who is in its way, and nothing has changed."""
    monkeypatch.setattr(keys_file, "LOCK_S", 0.1)
    with change_keys(path), pytest.raises(ConfigError, match="another `voxint keys` has been at work"):
        add_key(path)


def test_what_fails_changes_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk leaves the file as it was and no half of a new one."""
    _, one = add_key(path)

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ConfigError, match="can't be written \\(No space left on device\\)"):
        add_key(path)
    assert read_keys(path) == (one,)
    assert sorted(each.name for each in path.parent.iterdir()) == ["keys.jsonl", "keys.jsonl.lock"]


def test_a_block_that_raises_writes_nothing(path: Path) -> None:
    """What it did to the list is forgotten."""
    add_key(path)
    before = path.read_bytes()

    def fail() -> None:
        with change_keys(path) as records:
            records.clear()
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert path.read_bytes() == before


def test_a_link_stays_one(path: Path) -> None:
    """What it leads to is written."""
    real = path.with_name("real.jsonl")
    add_key(real)
    path.symlink_to(real)
    add_key(path)
    assert path.is_symlink()
    assert len(read_keys(real)) == 2


def test_a_file_that_is_not_there_or_too_large_is_told(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With what makes it."""
    with pytest.raises(ConfigError, match=r"No such file or directory\): `voxint keys new` makes it"):
        read_keys(path)
    monkeypatch.setattr(keys_file, "LARGEST_BYTES", 10)
    path.write_bytes(b"x" * 11)
    with pytest.raises(ConfigError, match="at most 10 bytes"):
        read_keys(path)


def test_a_file_that_everybody_can_write_is_refused(path: Path) -> None:
    """Each could let itself in; that everybody can read it does no harm."""
    add_key(path)
    path.chmod(0o644)
    check_writers(path)
    path.chmod(0o646)
    with pytest.raises(ConfigError, match="chmod 600"):
        check_writers(path)
