"""Requests by id: admit, find, interrupt, remember.

The registry holds a request from its acceptance to its end under the id that the client gave it, and the entry is
removed by identity: a request that ends late cannot erase the one that came after it.
"""

from __future__ import annotations

import functools
import math
from collections import OrderedDict
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Literal

import trio
from attrs import frozen

from voxint.core.events import ReleaseReason
from voxint.core.interrupt import InterruptOrder
from voxint.core.receipt import Receipt
from voxint.core.request import Request

__all__ = ["InterruptOutcome", "Interruption", "Registry"]

InterruptOutcome = Literal["stopped", "already_finished", "not_found", "overrun", "held", "released"]
"""What an interrupt met: a request that it stopped, one that had ended, none, or one whose stage would not stop. And
what a hold or a release met: `held`, it is held now; `released`, it goes on."""

REMEMBERED = 64
"""Ended requests whose receipt is kept, and ids that were interrupted before they came; the protocol's number."""

EARLY_S = 5.0
"""How long an interrupt waits for a request that has not come yet; the protocol's number."""


@frozen
class Interruption:
    """What an interrupt, a hold or a release met.

    Args:
        asked: The id that was asked for; None: all.
        stopping: The requests that were live and are on their way out.
        others: The outcome of every other id that was met.
        ended: The ended requests among them, for their receipts.
        read_late_ms: How late it was read at most, in milliseconds; None: in time, as a program's own always is.
    """

    asked: str | None
    stopping: tuple[Request, ...]
    others: dict[str, InterruptOutcome]
    ended: tuple[Request, ...] = ()
    read_late_ms: float | None = None

    async def stopped(self) -> None:
        """Wait until every request has stopped; the guard of each bounds it."""
        for request in self.stopping:
            await request.stopped.wait()

    def when_stopped(self, tell: Callable[[Interruption], None]) -> None:
        """Call `tell` in the very step in which the last request has stopped, or now where there is none to wait for.

        A task that waits for `stopped` would wake one scheduler pass later: a millisecond on a busy server.
        """
        waiting = {request for request in self.stopping if request.ending is None}

        def one_stopped(request: Request) -> None:
            waiting.discard(request)
            if not waiting:
                tell(self)

        for request in tuple(waiting):
            request.when_stopped(functools.partial(one_stopped, request))
        if not waiting:
            tell(self)

    @property
    def outcomes(self) -> dict[str, InterruptOutcome]:
        """What became of each id; true once all have stopped."""
        stopped: dict[str, InterruptOutcome] = {
            request.id: "overrun" if request.overran else "stopped" for request in self.stopping
        }
        return self.others | stopped

    @property
    def receipts(self) -> dict[str, Receipt]:
        """The account of each request that has one; complete once all have stopped."""
        met = (*self.ended, *self.stopping)
        return {request.id: request.receipt for request in met if request.receipt is not None}


class Registry:
    """The requests of one session.

    Args:
        remembered_bytes: Of words of ended requests; beyond it the oldest are remembered by their outcome alone.
    """

    def __init__(self, remembered_bytes: float = math.inf) -> None:
        self._remembered_bytes = remembered_bytes
        self._live: dict[str, Request] = {}
        self._ended: OrderedDict[str, Request] = OrderedDict()
        self._early: OrderedDict[str, tuple[float, str]] = OrderedDict()
        self._overrunning: set[Request] = set()

    @property
    def live(self) -> tuple[Request, ...]:
        """The requests that have not ended, oldest first."""
        return tuple(self._live.values())

    @property
    def answering(self) -> tuple[Request, ...]:
        """Those of them that answer, and do not only listen."""
        return tuple(request for request in self._live.values() if not request.listens)

    def speaking(self) -> tuple[Request, ...]:
        """Return what somebody who speaks would interrupt: the answers that are made or held, and those that play."""
        playing = (each for each in self._newest() if each.playing)
        return (*playing, *(each for each in self.answering if each.works))

    @property
    def ended(self) -> tuple[Request, ...]:
        """The ended requests that are remembered, oldest first."""
        return tuple(self._ended.values())

    @property
    def overrunning(self) -> int:
        """How many ended requests still have a task that does not let go."""
        return len(self._overrunning)

    def clear(self) -> None:
        """Forget what has ended, and what was interrupted before it came."""
        self._ended.clear()
        self._early.clear()

    def find(self, request_id: str) -> Request | None:
        """Return the live request, or else the ended one that is remembered, or None."""
        return self._live.get(request_id) or self._ended.get(request_id)

    def is_live(self, request_id: str) -> bool:
        """Return whether a request of that id is live."""
        return request_id in self._live

    def admit(self, request: Request) -> str | None:
        """Hold the request; return the reason of an interrupt that came before it, or None."""
        self._live[request.id] = request
        self._ended.pop(request.id, None)
        expires, reason = self._early.pop(request.id, (-1.0, ""))
        return reason if expires > trio.current_time() else None

    def retire(self, request: Request) -> None:
        """Move a request that has ended from the live to the remembered."""
        if self._live.get(request.id) is request:
            del self._live[request.id]
            self._ended[request.id] = request
            while len(self._ended) > REMEMBERED:
                self._ended.popitem(last=False)
            self._forget_words(request)
        if request.overran:
            self._overrunning.add(request)

    def _forget_words(self, latest: Request) -> None:
        """Let go of the oldest words where there are too many; those of `latest` and of what still plays are kept."""
        left = self._remembered_bytes
        for request in reversed(self._ended.values()):
            left -= request.words_bytes
            if left < 0 and request is not latest and not request.playing:
                request.forget_words()

    def reaped(self, request: Request) -> None:
        """Count an overrun request no more: its last task is gone."""
        self._overrunning.discard(request)

    def interrupt(self, request_id: str | None, interrupt: InterruptOrder) -> Interruption:
        """Cancel the request of that id, or with None all live ones: at once, without an await.

        An ended answer that is still being played is cut to what was heard. An unknown id is remembered for a moment,
        because the interrupt may have overtaken its request on another connection.
        """
        read_late_ms = interrupt.read_late_ms
        if request_id is None:
            live = self.live
            for each in live:
                each.interrupt(interrupt)
            cut = self.cut_playing(interrupt)
            return Interruption(None, live, {each.id: "already_finished" for each in cut}, cut, read_late_ms)
        if (request := self._live.get(request_id)) is not None:
            request.interrupt(interrupt)
            return Interruption(request_id, (request,), {}, (), read_late_ms)
        if (request := self._ended.get(request_id)) is not None:
            request.cut(interrupt)
            return Interruption(request_id, (), {request_id: "already_finished"}, (request,), read_late_ms)
        self._early[request_id] = (trio.current_time() + EARLY_S, interrupt.reason)
        while len(self._early) > REMEMBERED:
            self._early.popitem(last=False)
        return Interruption(request_id, (), {request_id: "not_found"}, (), read_late_ms)

    def hold(self, request_id: str | None) -> Interruption:
        """Hold the answer of that id, or with None all that can be held: what is live, and what still plays.

        An unknown id is not remembered: what has not come can't be spoken over.
        """
        return self._each(request_id, "held", Request.hold)

    def release(self, request_id: str | None, reason: ReleaseReason) -> Interruption:
        """Release the answer of that id, or with None all that are held; one that goes on already is no error."""
        return self._each(request_id, "released", lambda request: request.release(reason))

    def _each(
        self, request_id: str | None, outcome: Literal["held", "released"], act: Callable[[Request], bool]
    ) -> Interruption:
        if request_id is None:
            met = [request for request in (*self.live, *self._newest()) if act(request)]
            return Interruption(None, (), dict.fromkeys((request.id for request in met), outcome))
        request = self.find(request_id)
        if request is None or request.speculative or request.listens:
            return Interruption(request_id, (), {request_id: "not_found"})
        if act(request) or (outcome == "released" and request.works):
            return Interruption(request_id, (), {request_id: outcome})
        return Interruption(request_id, (), {request_id: "already_finished"})

    def cut_playing(self, interrupt: InterruptOrder) -> tuple[Request, ...]:
        """Cut the ended answers that are still being played; return them."""
        playing = [request for request in self._newest() if request.playing]
        return tuple(request for request in playing if request.cut(interrupt))

    def _newest(self) -> Iterable[Request]:
        # Only the last few can still be playing: playback outlasts an end by the lead, or by what was sent again. What
        # only listened never plays, and many such may have ended since.
        return islice((each for each in reversed(self._ended.values()) if not each.listens), 4)
