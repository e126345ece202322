"""Named instants of a request and the durations between them."""

from __future__ import annotations

from typing import Literal

import trio

__all__ = ["Instant", "Timeline"]

Instant = Literal[
    "accepted",
    "upload_ended",
    "transcribed",
    "asked",
    "first_text",
    "first_audio",
    "first_voice",
    "stopping",
    "stopped",
]


class Timeline:
    """When what happened to a request, on trio's clock; the first mark of a name stands."""

    __slots__ = ("_instants",)

    def __init__(self) -> None:
        self._instants: dict[Instant, float] = {}

    def mark(self, name: Instant, ago_s: float = 0.0) -> None:
        """Note that `name` happens now, or happened so many seconds ago; not before the first mark of all."""
        if name not in self._instants:
            now = trio.current_time()
            self._instants[name] = now if not ago_s else max(now - ago_s, min(self._instants.values(), default=now))

    def go_on_from(self, before: Timeline) -> None:
        """Take over what is known of an earlier request, whose place this one takes."""
        self._instants = dict(before._instants)

    def at(self, name: Instant) -> float | None:
        """Return when `name` happened, in seconds of trio's clock, or None."""
        return self._instants.get(name)

    def between_s(self, start: Instant, end: Instant) -> float | None:
        """Return the seconds from `start` to `end`, or None where one of them has not happened."""
        if (began := self._instants.get(start)) is None or (ended := self._instants.get(end)) is None:
            return None
        return ended - began
