"""How a request comes in: made, given its seats, and begun in the session's nursery."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

import trio
from attrs import evolve

from voxint.core.answer import Answer
from voxint.core.failure import Stage
from voxint.core.interrupt import InterruptOrder
from voxint.core.journal import Journal
from voxint.core.listener import Listener
from voxint.core.offers import ChosenStages, chosen_stages
from voxint.core.pipeline import Pipeline
from voxint.core.playout import PlayoutLedger
from voxint.core.request import Request
from voxint.core.seats import Claim, Seats
from voxint.core.turns import LANE
from voxint.errors import RequestRefused

if TYPE_CHECKING:
    from voxint.core.session import Session

__all__ = ["Intake"]


class Intake:
    """Takes the requests of one session in.

    Args:
        session: The session.
        caller: Whose it is: sessions of one caller take turns with each other before others wait for them.

    Attributes:
        seats: Those that the session has.
    """

    def __init__(self, session: Session, caller: str) -> None:
        self._session = session
        self._lane = (caller, session.id)
        self._keys = itertools.count()
        self.seats = Seats(session.agent.limits.seat_kept_s)

    def let_go(self) -> None:
        """Take in no more: the session is over, and this and it refer to each other. Safe to call twice."""
        vars(self).pop("_session", None)

    def make(
        self, request_id: str, player: Listener | None, *, listens: bool = False, instead_of: Request | None = None
    ) -> tuple[Request, Pipeline]:
        """Make a request, of which nothing has begun: `begin` has to follow in the same step.

        Args:
            request_id: Its id.
            player: Who plays its answer; None: nobody is there, and what is said is kept for who comes.
            listens: Whether it only listens: its answer says who speaks, and nothing at a complete end.
            instead_of: The request whose id and place it takes.

        Raises:
            RequestRefused: As `ask`.
        """
        session = self._session
        limits, settings, registry = session.agent.limits, session.settings, session.registry
        if instead_of is None and registry.is_live(request_id):
            raise RequestRefused("live", "a request of that id is live already: each request needs an id of its own")
        if registry.overrunning >= limits.overruns:
            message = (
                f"{limits.overruns} interrupted requests of this session have not stopped yet: try again when one has"
            )
            raise RequestRefused("busy", message, "overruns")
        spoken = settings.require_tts and not listens
        # What was said is kept for who comes back, and to know its echo in an open microphone.
        kept = player in (None, *session.listeners) or session.ears is not None
        answer = Answer(
            request_id,
            PlayoutLedger(settings.output, spoken=spoken and session.agent.tts is not None),
            spoken=spoken,
            player=player,
            listeners=session.listeners,
            journal=Journal(settings.output.bytes(limits.keep_ms) if kept else 0),
            ends_silently=listens,
        )
        request = Request(request_id, next(self._keys), answer, limits, session)
        pipeline = Pipeline(
            agent=session.agent,
            request=request,
            stages=chosen_stages(session.agent, settings),
            output=settings.output,
            understood=functools.partial(session.understood, request),
            turn=lambda: session.turn(session.dialogue),
        )
        return request, pipeline

    def claim(self, chosen: ChosenStages, *, hears: bool = False) -> Claim:
        """Find a seat at each stage that a request will use. The seats are the agent's, whatever was chosen of it.

        Args:
            chosen: The request's stages.
            hears: Whether it has something to understand.

        Raises:
            RequestRefused: `busy`: a stage has no seat left.
        """
        stages: dict[Stage, object] = {}
        agent = self._session.agent
        if hears:
            stages["stt"] = agent.stt
        if self._session.settings.require_tts and agent.tts is not None:
            stages["tts"] = agent.tts
        claim = self.seats.claim(stages)
        fault = next((chosen.faults[name] for name in stages if name in chosen.faults), None)
        return claim if fault is None else evolve(claim, fault=fault)

    def supersede(self, order: InterruptOrder, *, but_ears: bool = False) -> tuple[Request, ...]:
        """Interrupt what is live and what still plays; return what was live.

        Args:
            order: Why.
            but_ears: Whether what only listens goes on: an utterance that is asked ends none that came after it.
        """
        registry = self._session.registry
        live = registry.answering if but_ears else registry.live
        for each in live:
            each.interrupt(order)
        registry.cut_playing(order)
        return live

    def begin(
        self,
        request: Request,
        work: Callable[[], Awaitable[None]],
        claim: Claim,
        *,
        behind: Sequence[Request] = (),
        admitted: bool = True,
    ) -> Request:
        """Begin the work of a request.

        Args:
            request: The request.
            work: What it does.
            claim: The seats that it takes.
            behind: The requests whose end it waits for.
            admitted: Whether it is found by its id from now on; one that is asked before its time is not.
        """
        session = self._session
        self.seats.take(request, claim)
        interrupted_before = session.registry.admit(request) if admitted else None
        session.accepted(request)
        if interrupted_before is not None:
            request.end_before_start(interrupted_before)
            return request
        if claim.fault is not None:
            request.fail(claim.fault)

        async def after_predecessors() -> None:
            LANE.set(self._lane)  # for this task and those that it starts
            for predecessor in behind:
                await predecessor.stopped.wait()  # bounded by its guard
            await trio.lowlevel.checkpoint_if_cancelled()  # a request that is interrupted by now starts nothing
            await work()

        session.home.start_soon(request.run, after_predecessors, name=f"request {request.id}")
        session.home.start_soon(request.guard, name=f"guard of {request.id}")
        return request
