"""What a listener finds that has come back to a session."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import frozen

from voxint.core.dialogue import Ending
from voxint.core.journal import Seen

__all__ = ["CaughtUp"]


@frozen
class CaughtUp:
    """What a listener finds that has come back.

    Args:
        live: Ids of the requests that go on.
        lost: Ids of which something that it lacks is kept no more, or of which nothing is known.
        outcomes: How each request ended that ended since it had all it says it has.
        begins: What came before the first that it will hear, of each request that goes on or is said to its end.
    """

    live: tuple[str, ...]
    lost: tuple[str, ...]
    outcomes: Mapping[str, Ending]
    begins: Mapping[str, Seen]
