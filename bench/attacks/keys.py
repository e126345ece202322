"""The keys of the servers that are attacked: made up, and the same in every process of a run."""

from __future__ import annotations

from hashlib import sha256

__all__ = ["ALL_KEYS", "ATTACKER_KEYS", "BYSTANDER_KEYS", "RIGHT_KEY", "UPSTREAM_KEY"]


def _key(name: str) -> str:
    return sha256(f"bench attacks {name}".encode()).hexdigest()


BYSTANDER_KEYS = tuple(_key(f"bystander {n}") for n in range(6))
"""One for each of the bystanders: what is limited by key is the attackers', not theirs."""

ATTACKER_KEYS = tuple(_key(f"attacker {n}") for n in range(4))
"""Of callers who are let in, and misbehave."""

RIGHT_KEY = _key("right")
"""Of the caller who wants to get in while strangers are at the door."""

UPSTREAM_KEY = _key("upstream")
"""What the server shows the model's upstream; a hostile one repeats it."""

ALL_KEYS = (*BYSTANDER_KEYS, *ATTACKER_KEYS, RIGHT_KEY, UPSTREAM_KEY)
"""None of which may be found in a log."""
