"""One caller: settings, dialogue, live requests, and who listens. It knows no socket and no wire."""

from __future__ import annotations

import functools
from collections import deque
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import trio

from voxint.core.agent import Agent
from voxint.core.dialogue import Dialogue
from voxint.core.events import Ended, Endpoint, ReleaseReason
from voxint.core.failure import Stage
from voxint.core.intake import Intake
from voxint.core.interrupt import InterruptOrder
from voxint.core.listener import Listener
from voxint.core.microphone import Microphone
from voxint.core.observer import NoObserver, Observer
from voxint.core.registry import REMEMBERED, Interruption, Registry
from voxint.core.request import Request
from voxint.core.seats import Claim
from voxint.core.settings import OnDisconnect, Settings
from voxint.core.stages import Turn
from voxint.core.tools import ToolCall
from voxint.core.upload import Upload
from voxint.core.utterance import open_upload
from voxint.errors import RequestRefused
from voxint.logs import get_logger, places

if TYPE_CHECKING:
    from voxint.core.ears.ears import Ears

__all__ = ["NEW_INPUT", "Session"]

NEW_INPUT = "USER_NEW_INPUT"
"""The reason of a request that was interrupted by the next one."""

DISCONNECT = "DISCONNECT"
"""The reason of a request whose last listener was lost."""

log = get_logger()


class Session:
    """The conversation of one caller.

    Requests run in `home`, a nursery that outlives the caller's connections, so that neither their loss nor a stage
    that will not stop can hold up anything else.

    Args:
        agent: Who answers.
        home: Where the requests' tasks live.
        session_id: For logs; the wire's `session_id`.
        settings: What the caller asked for at first.
        observer: Hears of every request.
        on_disconnect: What becomes of live requests when the last listener is lost.
        caller: Whose it is: sessions of one caller take turns with each other before others wait for them.

    Attributes:
        listeners: Who hears all that is said, in the order in which they came.
        microphone: Where the caller's voice comes in, where it comes by itself.
        intake: How requests come in.
        ears: What listens to it where it is always open; None: nothing does.
        when_released: Told of every answer that was held and goes on, in that step. It must not raise.
    """

    def __init__(
        self,
        agent: Agent,
        home: trio.Nursery,
        *,
        session_id: str,
        settings: Settings = Settings(),
        observer: Observer | None = None,
        on_disconnect: OnDisconnect = "interrupt",
        caller: str = "",
    ) -> None:
        self.id = session_id
        self.agent = agent
        self.settings = settings
        self.on_disconnect = on_disconnect
        self.dialogue = Dialogue(max_tokens=4 * agent.limits.history_tokens)
        self.registry = Registry(agent.limits.remembered_bytes)
        self.listeners: list[Listener] = []
        self._leaving: set[Listener] = set()
        self._kept: deque[Request] = deque(maxlen=REMEMBERED)  # ended, and what they said is kept
        self.microphone = Microphone()
        self.ears: Ears | None = None
        self.home = home
        self.intake = Intake(self, caller)
        self._observer: Observer = NoObserver() if observer is None else observer
        self.when_released: Callable[[Request, ReleaseReason], None] | None = None

    # What a caller does.

    def ask(self, request_id: str, text: str, player: Listener, *, late_s: float = 0.0) -> Request:
        """Accept the user's words and begin to answer them; what is live is interrupted first.

        Args:
            request_id: The client's id for it.
            text: The words.
            player: Who plays the answer.
            late_s: For how long at most this waited to be read, in seconds; so late is the interrupt that it is.

        Raises:
            RequestRefused: The id is live already, too many requests will not stop, the voice has no seat left, or the
                text is too long.
        """
        if len(text) > (most := self.agent.limits.text_chars):
            raise RequestRefused(
                "too_large", f"the text has more than {most} characters: send less at a time", "text_chars"
            )
        request, pipeline = self.intake.make(request_id, player)
        claim = self.intake.claim(pipeline.stages)
        self.understood(request, text)
        return self._start(request, pipeline.answer_text, claim, late_s)

    def listen(self, request_id: str, player: Listener, *, late_s: float = 0.0) -> Request:
        """Begin to understand what comes from `player` by the microphone; `Microphone.close` ends the utterance.

        Raises:
            RequestRefused: As `ask`; or the agent has no speech recognition.
        """
        request, upload = self._hear(request_id, player, None, late_s)
        self.microphone.open(player, request, upload)
        return request

    def listen_to(self, request_id: str, player: Listener, voice: bytes, *, late_s: float = 0.0) -> Request:
        """Begin to understand an utterance that is here as a whole: s16le mono at the settings' input rate.

        Raises:
            RequestRefused: As `listen`; or it is too long.
        """
        if self.settings.input.bytes_ms(len(voice)) > 1000 * (most_s := self.agent.limits.upload_s):
            raise RequestRefused(
                "too_large", f"the utterance lasts longer than {most_s:g} s: send less at a time", "upload_s"
            )
        request, _ = self._hear(request_id, player, voice, late_s)
        return request

    def answer_nothing(self, request_id: str, player: Listener) -> None:
        """Answer a request that only changed settings, as an empty reply; it interrupts nothing.

        Raises:
            RequestRefused: As `ask`.
        """
        request, _ = self.intake.make(request_id, player)
        request.answer.end(Ended(False))

    def interrupt(self, request_id: str | None, interrupt: InterruptOrder) -> Interruption:
        """Cancel one request, or with None all: at once. Its `stopped` waits for the proof."""
        return self.registry.interrupt(request_id, interrupt)

    def hold(self, request_id: str | None) -> Interruption:
        """Hold one answer, or with None all: at once. Its outcomes are `held` where it is held now."""
        return self.registry.hold(request_id)

    def release(self, request_id: str | None, reason: ReleaseReason) -> Interruption:
        """Let one answer that is held go on, or with None all. Its outcomes are `released` where it goes on."""
        return self.registry.release(request_id, reason)

    def played(self, request_id: str, played_ms: float, player: Listener | None = None) -> None:
        """Take the player's word for what it has played; an id nobody remembers is ignored.

        Args:
            request_id: Of which request.
            played_ms: Its audio heard so far, in milliseconds.
            player: Who says so; who is not the request's player is not believed. None: whoever it is.
        """
        request = self.registry.find(request_id)
        if request is not None and player in (None, request.answer.player):
            request.ledger.reported(played_ms, trio.current_time())

    def close(self, reason: str) -> None:
        """Cancel everything; the caller is gone or has to go."""
        self.registry.interrupt(None, InterruptOrder(reason)).when_stopped(lambda _: self.intake.seats.leave())

    def dissolve(self, reason: str) -> None:
        """Cancel everything, and let go of all that is remembered: nobody will come back."""
        self.registry.interrupt(None, InterruptOrder(reason)).when_stopped(lambda _: self._let_go())

    def _let_go(self) -> None:
        """Take apart what refers to itself, so that no collector is needed."""
        self.intake.seats.leave()
        self.intake.let_go()
        self.registry.clear()
        self._kept.clear()
        self.dialogue = Dialogue()

    def _hear(self, request_id: str, player: Listener, whole: bytes | None, late_s: float) -> tuple[Request, Upload]:
        if self.agent.stt is None:
            raise RequestRefused(
                "no_ears", "this agent has no speech recognition: ask in text, or give it an stt provider"
            )
        request, pipeline = self.intake.make(request_id, player)
        claim = self.intake.claim(pipeline.stages, hears=True)
        stt = pipeline.stages.ears
        deadline = request.deadline_of("stt")
        upload = open_upload(
            request, stt.audio_format, deadline, self.settings.input, limits=self.agent.limits, whole=whole
        )
        request.when_stopping(upload.stop)
        self._start(request, functools.partial(pipeline.answer_voice, stt, upload, deadline), claim, late_s)
        return request, upload

    def _start(self, request: Request, work: Callable[[], Awaitable[None]], claim: Claim, late_s: float) -> Request:
        predecessors = self.intake.supersede(InterruptOrder(NEW_INPUT, late_s=late_s))
        if self.ears is not None:
            self.ears.superseded()
        return self.intake.begin(request, work, claim, behind=predecessors)

    # Who listens.

    def attach(self, listener: Listener) -> None:
        """Let `listener` hear what is said from now on."""
        self.listeners.append(listener)

    def detach(self, listener: Listener, reason: str = DISCONNECT, *, for_good: bool = False) -> Interruption:
        """Let go of `listener`, as soon as what is on its way out has stopped; return that.

        An utterance that it had not finished is interrupted. Another listener becomes the player of what is live; if
        there is none, everything is interrupted, or goes on, as `on_disconnect` says.

        Args:
            listener: Who is gone, or has to go.
            reason: Why, for what is interrupted.
            for_good: Whether the caller has said goodbye: without another listener nothing goes on.
        """
        self._leaving.add(listener)
        others = [each for each in self.listeners if each not in self._leaving]
        unfinished = self.microphone.lost(listener)
        if not others and (for_good or self.on_disconnect == "interrupt"):
            leaving = self.registry.interrupt(None, InterruptOrder(reason))
        else:
            if unfinished is not None:
                unfinished.interrupt(InterruptOrder(reason))
            leaving = Interruption(None, tuple(each for each in self.registry.live if not each.works), {})
        leaving.when_stopped(lambda _: self._forget(listener))
        return leaving

    def leave(self, listener: Listener, reason: str) -> Interruption:
        """Let go of a listener beside whom others play who do not hear the session: what it plays is interrupted.

        Its last events still come to it. Nothing else is touched, as `detach` would.
        """
        self.listeners.remove(listener)
        order = InterruptOrder(reason)
        its = tuple(request for request in self.registry.live if request.answer.player is listener)
        for request in its:
            request.interrupt(order)
        for request in self.registry.ended:
            if request.playing and request.answer.player is listener:
                request.cut(order)
        return Interruption(None, its, {})

    def _forget(self, listener: Listener) -> None:
        self._leaving.discard(listener)
        self.listeners.remove(listener)
        heir = next((each for each in self.listeners if each not in self._leaving), None)
        for request in (*self.registry.ended, *self.registry.live):
            request.answer.forget(listener)
            if request.answer.player is listener:
                request.answer.play_to(heir)

    def forget_said(self, before: float) -> None:
        """Let go of what is kept of the answers that had ended before that instant, in seconds of trio's clock."""
        while self._kept and (self._kept[0].timeline.at("stopped") or 0.0) < before:
            self._kept.popleft().answer.journal.clear()

    # What a request tells its owner.

    def understood(self, request: Request, text: str) -> None:
        """Put the user's words into the dialogue, to be answered by `request`."""
        self.dialogue = self.dialogue.ask(request.key, text)

    def turn(self, dialogue: Dialogue) -> Turn:
        """Return what the model is asked with that dialogue."""
        system = self.settings.instructions(self.agent.prompt, self.agent.language_prompt)
        return Turn(dialogue.messages(system, self.agent.limits.history_tokens), self.settings.tools)

    def settle(self, request: Request) -> None:
        """Write into the dialogue what became of the answer."""
        ledger = request.ledger
        reply, ending = ledger.written, request.ending or "interrupted"
        if ending == "failed":
            # What was sent, not what was heard: nobody cut the listener off, who has it on the screen.
            reply = ledger.shown
        elif request.reason is not None:
            reply, ending = ledger.heard_text(trio.current_time()), "interrupted"
        calls = tuple(ToolCall(call.call_id, call.name, call.parameters) for call in request.answer.called)
        self.dialogue = self.dialogue.settle(request.key, reply, ending, calls)

    def accepted(self, request: Request) -> None:
        """Pass on that a request is live."""
        self._tell(request, functools.partial(self._observer.accepted, request))

    def retire(self, request: Request) -> None:
        """Move a request that has ended to the remembered, and tell the observer."""
        self.intake.seats.ended(request)
        self.registry.retire(request)
        if (most := request.answer.journal.most_bytes) > 0:
            self._kept.append(request)
            while len(self._kept) > 1 and sum(kept.answer.journal.size for kept in self._kept) > most:
                self._kept.popleft().answer.journal.clear()  # the bound is the session's
        self._tell(request, functools.partial(self._observer.finished, request))

    def reaped(self, request: Request) -> None:
        """Pass on that an overrun request is gone."""
        self.intake.seats.reaped(request)
        self.registry.reaped(request)
        self._tell(request, functools.partial(self._observer.reaped, request))

    def held_after_end(self, request: Request) -> None:
        """Bound the hold of an answer that has ended and still plays."""

        async def bound() -> None:
            if await request.hold_limit.sleep():
                request.release("timeout")

        self.home.start_soon(bound, name=f"hold of {request.id}")

    def released(self, request: Request, reason: ReleaseReason) -> None:
        """Pass on that an answer goes on which was held."""
        if self.when_released is not None:
            self.when_released(request, reason)
        self._tell(request, functools.partial(self._observer.released, request, reason))

    def utterance_over(self, request: Request, endpoint: Endpoint) -> None:
        """Pass on that what the open microphone heard is over; `request` has listened to it."""
        self._tell(request, functools.partial(self._observer.utterance_over, request, endpoint))

    def cleanup_failed(self, request: Request, stage: Stage | None, error: BaseException) -> None:
        """Log what nobody waits for, whoever else hears of it, and pass it on."""
        log.warning("clean-up failed", req_id=request.id, session_id=self.id, stage=stage, trace=places(error))
        self._tell(request, functools.partial(self._observer.cleanup_failed, request, stage, error))

    def _tell(self, request: Request, hear: Callable[[], None]) -> None:
        try:
            hear()
        except Exception as error:  # noqa: BLE001 - an observer is the host's code; no request depends on it
            log.error("an observer raised", req_id=request.id, session_id=self.id, trace=places(error))
