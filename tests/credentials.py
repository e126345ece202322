"""Accounts and keys for tests: hashes that cost nothing, keys of a file."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import argon2

from voxint.server.keys import KeyRecord, Scope, new_key
from voxint.server.keys_file import change_keys

__all__ = ["add_key", "cheap_hash", "cheap_hashes", "remove_key"]


@cache
def cheap_hash(password: str) -> str:
    """Return the argon2id hash of a password, with the least that argon2 can cost."""
    return argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(password)


def cheap_hashes(passwords: Mapping[str, str]) -> Mapping[str, str]:
    """Return accounts with hashes for passwords."""
    return {name: cheap_hash(password) for name, password in passwords.items()}


def add_key(path: Path, *scopes: Scope, expires: datetime | None = None, name: str = "") -> tuple[str, KeyRecord]:
    """Add a new key to a keys file; return it and what is kept of it."""
    key, record = new_key(scopes or ("talk",), datetime.now(UTC), expires=expires, name=name)
    with change_keys(path) as records:
        records.append(record)
    return key, record


def remove_key(path: Path, record: KeyRecord) -> None:
    """Take a key out of a keys file."""
    with change_keys(path) as records:
        records.remove(record)
