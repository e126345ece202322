"""An attack: what it does, against which server, and what must hold while it goes on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Literal

from attrs import field, frozen

from bench.attacks.results import Seen
from bench.attacks.site import Site

__all__ = ["Attack", "Sections", "Stderr", "no_more_faults"]

Stderr = Literal["file", "unread", "full"]
"""Where the server's standard error goes: into a file; a pipe that nobody reads; a disk without room."""

Sections = Mapping[str, Mapping[str, object]]
"""Settings by section, as in the configuration file."""


def no_more_faults(seen: Seen) -> list[str]:
    """Return nothing: the bounds that hold under every attack are all there is to say."""
    return []


@frozen
class Attack:
    """One attack.

    Args:
        item: Of which group it is: ``loop``, ``frames``, ``strangers``, ``callers``, ``upstreams``.
        what: In a few words, for the table.
        client: What the attacker's process does, until it is cancelled when the time is over.
        judge: What is broken beside the bounds that hold under every attack.
        settings: What the server has otherwise than usual.
        stderr: Where its standard error goes.
        hostile: Whether the model's upstream is the hostile one; it answers all but the attacker as usual.
        keyed: Whether a REGISTER needs a key.
    """

    item: str
    what: str
    client: Callable[[Site], Awaitable[None]]
    judge: Callable[[Seen], list[str]] = no_more_faults
    settings: Sections = field(factory=dict)
    stderr: Stderr = "file"
    hostile: bool = False
    keyed: bool = True
