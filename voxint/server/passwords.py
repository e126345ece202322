"""Passwords of accounts: kept as argon2id, verified one at a time beside the loop, with a bound on who waits."""

from __future__ import annotations

import base64
import re
import secrets
from collections.abc import Iterable, Mapping

import trio
from attrs import define, field

__all__ = ["HASH", "Passwords", "TooManyPasswords", "hash_password", "matches_hash", "password_hash_fault"]

TIME_COST = 2
MEMORY_KIB = 19_456
PARALLELISM = 1
"""Of a new hash: OWASP's least memory for argon2id, 19 MiB and two passes. A verification costs 20 ms then, so that a
flood of guesses costs the server one thread and 19 MiB."""

LARGEST_MEMORY_KIB = 256 * 1024
LARGEST_TIME_COST = 16
LARGEST_PARALLELISM = 8
"""Of a hash that is brought along; chosen here: a hash says itself what it costs, and each guess costs it."""

LONGEST_PASSWORD = 1024
"""In bytes; chosen here: longer ones are refused unread."""

WAITING = 16
"""Passwords that may wait for their turn; chosen here: the last waits for a third of a second."""

HASH = re.compile(r"\$argon2id\$v=19\$m=(\d{1,9}),t=(\d{1,4}),p=(\d{1,3})\$[A-Za-z0-9+/]{11,86}\$[A-Za-z0-9+/]{22,171}")


class TooManyPasswords(Exception):
    """So many passwords are being verified that this one was not looked at."""


def password_hash_fault(text: str) -> str:
    """Return what is wrong with the hash of a password, as the end of a sentence; empty where nothing is."""
    found = HASH.fullmatch(text)
    if found is None:
        return "must hold argon2id hashes, no passwords; `voxint keys password` makes one"
    memory, passes, lanes = map(int, found.groups())
    if not (8 * lanes <= memory <= LARGEST_MEMORY_KIB and 1 <= passes <= LARGEST_TIME_COST):
        return f"must cost at most m={LARGEST_MEMORY_KIB},t={LARGEST_TIME_COST}; each guess costs the server as much"
    if not 1 <= lanes <= LARGEST_PARALLELISM:
        return f"must have p of 1 to {LARGEST_PARALLELISM}"
    return ""


def hash_password(password: str) -> str:
    """Return the argon2id hash of a password. It takes some 20 ms.

    Raises:
        ValueError: The password is empty or has more than 1024 bytes.
    """
    import argon2  # where an account is configured, and nowhere else: it brings cffi along

    secret = password.encode("utf-8", "surrogatepass")
    if not 0 < len(secret) <= LONGEST_PASSWORD:
        raise ValueError(f"it must have 1 to {LONGEST_PASSWORD} bytes")
    hasher = argon2.PasswordHasher(time_cost=TIME_COST, memory_cost=MEMORY_KIB, parallelism=PARALLELISM)
    return hasher.hash(secret)


def matches_hash(hashed: str, password: bytes) -> bool:
    """Return whether a hash is of that password. It takes what the hash says that it costs, without the GIL."""
    from argon2.exceptions import Argon2Error
    from argon2.low_level import Type, verify_secret

    try:
        return verify_secret(hashed.encode("ascii"), password, Type.ID)
    except Argon2Error:
        return False


@define(eq=False)
class Passwords:
    """Verifies the passwords of accounts, one at a time, in a thread.

    One that is not known is verified too, against a hash that nothing fits, which costs what the costliest account
    does: the time tells nobody which accounts there are.

    Args:
        accounts: Hashes by account name.
    """

    accounts: Mapping[str, str] = field(repr=False)
    _nobody: str = field(init=False, repr=False)
    _turn: trio.CapacityLimiter = field(init=False, factory=lambda: trio.CapacityLimiter(1))
    _waiting: int = field(init=False, default=0)

    def __attrs_post_init__(self) -> None:
        self._nobody = _fits_nothing(self.accounts.values())

    async def match(self, account: str, password: str) -> bool:
        """Return whether that is the password of that account.

        Cancelled while it is verified, the thread goes on to its end, and the next one's turn comes after it.

        Raises:
            TooManyPasswords: As many as may wait do so.
        """
        given = password.encode("utf-8", "surrogatepass")
        if len(given) > LONGEST_PASSWORD:
            return False
        if self._waiting >= WAITING:
            raise TooManyPasswords
        hashed = self.accounts.get(account)
        self._waiting += 1
        try:
            fits = await self._verified(hashed or self._nobody, given)
        finally:
            self._waiting -= 1
        return fits and hashed is not None

    async def _verified(self, hashed: str, given: bytes) -> bool:
        return await trio.to_thread.run_sync(matches_hash, hashed, given, abandon_on_cancel=True, limiter=self._turn)


def _fits_nothing(hashes: Iterable[str]) -> str:
    """Return a hash that costs as much as the costliest of `hashes`, and of which nobody knows a password."""
    costs = [tuple(map(int, found.groups())) for each in hashes if (found := HASH.fullmatch(each))]
    costliest = (MEMORY_KIB, TIME_COST, PARALLELISM)
    memory, passes, lanes = max(costs, key=lambda cost: cost[0] * cost[1], default=costliest)
    salt, hashed = (base64.b64encode(secrets.token_bytes(size)).decode().rstrip("=") for size in (16, 32))
    return f"$argon2id$v=19$m={memory},t={passes},p={lanes}${salt}${hashed}"
