"""Who may be connected: so many at a time, of whom those that wait for a request give way."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import trio

__all__ = ["MORE_PLACES", "Place", "Places"]

MORE_PLACES = 16
"""Connections beyond the bound, for plain requests alone: a server that is full of callers still answers its health
check and its scraper. Chosen here: three of each, and room for a few callers to be told that it is full."""


class Places:
    """The connections of a server, each of which takes up one place from its acceptance to its end.

    Where all places are taken a new connection gets that of the one which has waited longest: for a request, between
    two of them or without having made its first, or as a WebSocket for somebody to say who it is. Where nobody waits it
    is one of `MORE_PLACES`, and cannot become a WebSocket; beyond those it is closed without an answer.

    Args:
        most: Connections at a time, WebSockets included.

    Attributes:
        open: The places that are taken.
        kept: Those of WebSockets.
        waiting: Those that give way, with what ends their wait; who has waited longest comes first.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.open: set[Place] = set()
        self.kept: set[Place] = set()
        self.waiting: dict[Place, trio.CancelScope] = {}

    @contextmanager
    def taken(self) -> Iterator[Place | None]:
        """Take a place for as long as the block lasts; None where there is none: the connection has to be closed."""
        if len(self.open) >= self.most and self.waiting:
            self._give_up(next(iter(self.waiting)))
        if len(self.open) >= self.most + MORE_PLACES:
            yield None
            return
        place = Place(self)
        self.open.add(place)
        try:
            yield place
        finally:
            self.open.discard(place)
            self.kept.discard(place)

    def _give_up(self, place: Place) -> None:
        self.waiting.pop(place).cancel(reason="another connection needs the place")
        self.open.discard(place)
        self.kept.discard(place)


class Place:
    """What one connection takes up.

    Args:
        places: Among which.
    """

    def __init__(self, places: Places) -> None:
        self._places = places

    @property
    def needed(self) -> bool:
        """Whether the connection should end with what it does, as there are more than there are places for."""
        return len(self._places.open) > self._places.most

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Give way inside the block, until `stay`: it is cancelled where another connection needs the place."""
        with trio.CancelScope() as scope:
            self._places.waiting[self] = scope
            try:
                yield
            finally:
                self._places.waiting.pop(self, None)

    def stay(self) -> None:
        """Give way no more."""
        self._places.waiting.pop(self, None)

    def keep(self) -> bool:
        """Become a WebSocket; return whether there is a place for one."""
        if len(self._places.kept) >= self._places.most:
            return False
        self._places.kept.add(self)
        return True
