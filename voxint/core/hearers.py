"""Who hears one answer: its player, whose progress counts, and who else listens to the session."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from math import inf

import trio

from voxint.core.alarms import Alarm, Alarms
from voxint.core.listener import Listener

__all__ = ["STALL_S", "Hearers"]

STALL_S = 1.0
"""How long the player may take nothing while others listen, or let playback stand in one answer; ours: they would
notice more, and one that reads at all takes a piece within a tenth of it."""


class Hearers:
    """The listeners of one answer.

    Args:
        player: Whose progress counts; None while nobody listens.
        listeners: Who hears the session; the session's own list, which changes.

    Attributes:
        player: As given, until another one plays.
    """

    __slots__ = ("_listeners", "_stall", "_waits", "player")

    def __init__(self, player: Listener | None, listeners: Sequence[Listener]) -> None:
        self.player = player
        self._listeners = listeners
        self._stall: Alarm | None = None
        self._waits: Callable[[], bool] = bool

    def now(self) -> Sequence[Listener]:
        """Return who hears what is said now; one that is not the player and does not read is dropped.

        To drop the last but one that is leaving silences the answer: look at `silent` behind it.
        """
        player = self.player
        if player is not None and len(self._listeners) < 2:
            return (player,)
        hearers = []
        for listener in tuple(self._listeners):
            if listener is player:
                continue
            if listener.too_slow:
                listener.drop()
            else:
                hearers.append(listener)
        # The player comes last: what it takes makes room for more, which all others must have behind this.
        return hearers if player is None else [*hearers, player]

    def drop_player(self) -> None:
        """End the player where others listen: they wait with it. Alone it may be as slow as it is."""
        if self.player is not None and len(self._listeners) > 1:
            self.player.drop()

    def watch_player(self, alarms: Alarms, waits: Callable[[], bool]) -> None:
        """Drop a player that takes nothing for `STALL_S` while others listen; alone it is waited for.

        Args:
            alarms: The request's.
            waits: Whether something waits for the player, and may leave.
        """
        self._stall, self._waits = alarms.alarm(self._drop_stalled), waits

    def _drop_stalled(self) -> None:
        if self._waits():
            self.drop_player()

    def expect_progress(self) -> None:
        """Give the player its time, where something waits for it; for where others listen."""
        if self._stall is not None and self._stall.due == inf and self._waits():
            self._stall.set(trio.current_time() + STALL_S)

    def progressed(self) -> None:
        """Note that the player has taken something: its time begins anew."""
        if self._stall is not None and self._stall.due < inf:
            self._stall.clear()
            self.expect_progress()

    def expect_nothing(self, *, for_good: bool = False) -> None:
        """Let the player take its time; for good where the request has ended, whose alarm it is."""
        if self._stall is not None:
            self._stall.clear()
        if for_good:
            self._stall, self._waits = None, bool

    @contextmanager
    def together(self) -> Iterator[None]:
        """Let all that is queued in the block leave at its end, in one write for each."""
        with ExitStack() as stack:
            for listener in reversed(self.now()):  # so that the player is the last of which it leaves
                stack.enter_context(listener.together())
            yield

    def post(self, item: object) -> None:
        """Say something complete to all."""
        for listener in self.now():
            listener.post(item)

    def set_aside(self, owner: object) -> None:
        """Let nothing of `owner` leave to anybody, until `put_back`."""
        for listener in self.now():
            listener.set_aside(owner)

    def put_back(self, owner: object) -> None:
        """Let all that was set aside of `owner` leave."""
        for listener in self.now():
            listener.put_back(owner)

    def discard(self, owner: object) -> None:
        """Throw away what waits of `owner`."""
        for listener in self.now():
            listener.discard(owner)
