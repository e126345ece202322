"""Seats: how many callers a stage can serve at once, counted at the door.

A stage that keeps up with so many callers and no more says so by its attribute `seats`. A request that will use it
takes a seat when it begins and gives it back when its last task is gone. Where none is free a request is refused before
anything of it has begun, because speech that comes late for everybody is worse than a word that says so to one.

Whoever has a seat keeps it for the next request: that one takes the seat of the one that it interrupts, and between two
answers a seat is kept for a while, for nobody who is in a conversation should be refused in the middle of it. A request
that has overrun keeps a seat of its own until it lets go, for it keeps the stage at work.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import trio
from attrs import define, field, frozen

from voxint.core.failure import Failure, Stage, stage_failure
from voxint.core.request import Request
from voxint.core.shape import seats_of
from voxint.errors import RequestRefused, UpstreamError

__all__ = ["SEATS", "Claim", "Seats"]

SEATS = "seats"
"""What refuses a request for want of a seat, as `RequestRefused.limit` and the metrics name it."""

_DOES: dict[Stage, str] = {"stt": "speech recognition", "llm": "the language model", "tts": "speech synthesis"}


@define(eq=False)
class _Room:
    """Who is served by a stage now.

    Args:
        stage: The stage; kept, so that no other object gets its id meanwhile.
    """

    stage: object
    callers: Counter[Seats] = field(factory=Counter)  # how many requests of each have not ended
    kept: dict[Seats, float] = field(factory=dict)  # until when a seat is kept for a caller without one
    overruns: int = 0

    @property
    def taken(self) -> int:
        return len(self.callers) + len(self.kept) + self.overruns

    def has(self, caller: Seats) -> bool:
        return caller in self.callers or caller in self.kept

    def forget_kept(self, now: float) -> None:
        for caller in [caller for caller, until in self.kept.items() if until <= now]:
            del self.kept[caller]


# Of the loop and not of an agent: a program may make an agent for each call, all with one voice, which is what is full.
_ROOMS: trio.lowlevel.RunVar[dict[int, _Room]] = trio.lowlevel.RunVar("voxint seats")


def _rooms() -> dict[int, _Room]:
    """Return those of stages that have a seat taken, by the id of the stage: a stage need not be hashable."""
    try:
        return _ROOMS.get()
    except LookupError:
        _ROOMS.set(rooms := dict[int, _Room]())
        return rooms


@frozen
class Claim:
    """The seats that a request will take: there is one for it at each stage.

    Args:
        stages: Where. Those too that name no bound: they may find one while it speaks.
        fault: Why the request has to fail, where a stage says something that can't be.
    """

    stages: tuple[object, ...] = ()
    fault: Failure | None = None


class Seats:
    """The seats that one session has.

    Args:
        kept_s: For how long one is kept behind an answer, in seconds.
    """

    def __init__(self, kept_s: float) -> None:
        self._kept_s = kept_s
        self._taken: dict[Request, tuple[_Room, ...]] = {}

    def claim(self, stages: Mapping[Stage, object]) -> Claim:
        """Find a seat at each stage, and take none yet: `take` has to follow in the same step.

        Args:
            stages: What the request may use.

        Raises:
            RequestRefused: `busy`: a stage has no seat left.
        """
        _let_go_of_kept()
        for name, stage in stages.items():
            try:
                seats = seats_of(name, stage)
            except UpstreamError as error:
                return Claim(fault=stage_failure(name, error))
            room = _rooms().get(id(stage))
            if seats is not None and room is not None and not room.has(self) and room.taken >= seats:
                message = f"{_DOES[name]} is serving as many callers as it can at once ({seats}): try again in a moment"
                raise RequestRefused("busy", message, SEATS)
        return Claim(tuple(stages.values()))

    def take(self, request: Request, claim: Claim) -> None:
        """Take the seats that were found; `ended` has to follow."""
        rooms = _rooms()
        self._taken[request] = tuple(rooms.setdefault(id(stage), _Room(stage)) for stage in claim.stages)
        for room in self._taken[request]:
            room.callers[self] += 1
            room.kept.pop(self, None)

    def ended(self, request: Request) -> None:
        """Give back the seats of a request that has ended; where it has overrun, it keeps them until `reaped`."""
        taken = self._taken.get(request, ())
        for room in taken:
            room.callers[self] -= 1
            if not room.callers[self]:
                del room.callers[self]
                if self._kept_s:
                    room.kept[self] = trio.current_time() + self._kept_s
            room.overruns += request.overran
        if not request.overran:
            self._let_go(request)

    def reaped(self, request: Request) -> None:
        """Give back the seats of a request that had overrun: its last task is gone."""
        for room in self._taken.get(request, ()):
            room.overruns -= 1
        self._let_go(request)

    def leave(self) -> None:
        """Give back what is kept: nobody listens any more."""
        for room in tuple(_rooms().values()):
            room.kept.pop(self, None)
            _clear(room)

    def _let_go(self, request: Request) -> None:
        for room in self._taken.pop(request, ()):
            _clear(room)


def _let_go_of_kept() -> None:
    now = trio.current_time()
    for room in tuple(_rooms().values()):
        room.forget_kept(now)
        _clear(room)


def _clear(room: _Room) -> None:
    """Forget a stage where nobody has a seat."""
    if not room.taken:
        _rooms().pop(id(room.stage), None)
