"""One request: a cancel scope, the work inside it, the guard beside it, and one end.

Two tasks make a request. `run` is the work: it lives in `scope`, and leaving the scope proves that every stream the
work had opened is closed. `guard` bounds it: the whole request by its deadline, and the way out of the scope, once an
end was asked for, by the interrupt deadline. Whichever comes first calls `finish`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Literal, Protocol

import trio
from attrs import evolve

from voxint.core.agent import Limits
from voxint.core.answer import Answer
from voxint.core.failure import NOT_OURS, Failure, internal_failure, stage_failure, too_long
from voxint.core.patience import Watch
from voxint.core.playout import PlayoutLedger
from voxint.core.receipt import STAGES, LastFrames, Receipt, StageState, UsageAccount
from voxint.core.timeline import Timeline
from voxint.core.tokens import estimate_tokens

__all__ = ["Ending", "Owner", "Request"]

Ending = Literal["live", "complete", "interrupted", "failed"]

GOING_DOWN = "SHUTDOWN"
"""The reason of a request that was cancelled from outside: its host's nursery is going down."""


class Owner(Protocol):
    """Who keeps the request: a session. Each is called in the same step as what it tells of, and never raises."""

    @property
    def id(self) -> str:
        """The session's id."""

    def settle(self, request: Request) -> None:
        """Write into the dialogue what became of the answer; once at its end, and again when it is cut later."""

    def release(self, request: Request) -> None:
        """Let go: the request has ended."""

    def reaped(self, request: Request) -> None:
        """The last task of an overrun request is gone."""


class Request:
    """A request from its acceptance to its end.

    Args:
        request_id: The client's id; unique among the live requests of its session.
        key: The session's own number for it.
        answer: Its frames on their way to the client.
        limits: `request_s` and `interrupt_s`.
        owner: Told of the end before anybody who waits for `stopped` goes on.

    Attributes:
        scope: An interrupt cancels it; the registry finds it by `request_id` from acceptance on.
        watch: Its patience with each stage.
        ending: `live` until `finish`.
        overrun: Whether its clean-up had not ended by the interrupt deadline.
        reason: Why it was interrupted.
        failure: Why it failed; the exception behind it until all have been told of the end.
        receipt: The account of its interruption.
        stopping: Set when its end was asked for.
        stopped: Set when it has ended: nothing that bears its id will be sent any more.
        exited: Whether its last task is gone; later than `stopped` only after an overrun.
        user_text: What the user said, once it is known.
        provider_tokens: What the provider says it wrote, where it said so.
        spoken_chars: Characters handed to the synthesizer.
    """

    def __init__(self, request_id: str, key: int, answer: Answer, limits: Limits, owner: Owner) -> None:
        self.id = request_id
        self.key = key
        self.answer = answer
        self.scope = trio.CancelScope()
        self.timeline = Timeline()
        self.timeline.mark("accepted")
        self.watch = Watch()
        self.ending: Ending = "live"
        self.overrun = False
        self.reason: str | None = None
        self.failure: Failure | None = None
        self.receipt: Receipt | None = None
        self.stopping = trio.Event()
        self.stopped = trio.Event()
        self.exited = False
        self.user_text = ""
        self.provider_tokens: int | None = None
        self.spoken_chars = 0
        self._stages: dict[str, StageState | Literal["running"]] = dict.fromkeys(STAGES, "idle")
        self._limits = limits
        self._owner = owner
        self._complete = False
        self._on_stop: list[Callable[[], None]] = []

    @property
    def session_id(self) -> str:
        """The id of the session it belongs to."""
        return self._owner.id

    @property
    def ledger(self) -> PlayoutLedger:
        """The account of what was generated, sent and heard."""
        return self.answer.ledger

    @property
    def playing(self) -> bool:
        """Whether it is complete, was not cut, and has not been heard to its end yet."""
        until = self.ledger.playing_until
        return self.ending == "complete" and self.receipt is None and until is not None and until > trio.current_time()

    def interrupt(self, reason: str, played_ms: float | None = None) -> None:
        """Cancel the work now. The first reason stands; `played_ms` is how much the listener has heard."""
        now = trio.current_time()
        if played_ms is not None:
            self.ledger.reported(played_ms, now)
        if not self.stopping.is_set():
            self.reason = reason
            self._stop(reason, now)

    def fail(self, failure: Failure) -> None:
        """End the work because of `failure`; the first end stands."""
        if not self.stopping.is_set():
            self.failure = failure
            self._stop(failure.code, trio.current_time())

    def _stop(self, why: str, now: float) -> None:
        self.scope.cancel(reason=why)
        self.stopping.set()
        self.timeline.mark("stopping")
        self.answer.silence()
        self.ledger.freeze(now)

    async def run(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do the work, and finish whatever becomes of it."""
        try:
            with self.scope:
                await work()
                self._complete = True
        except* NOT_OURS:
            raise
        except* BaseException as group:  # noqa: BLE001 - see below
            # A stage's errors are caught at the stage; what arrives here is a bug of ours, or an error that a stage's
            # clean-up raised beside its cancellation. It ends this request and no other.
            if not self.stopping.is_set():
                self.failure = internal_failure(group)
        finally:
            self.exited = True
            self.finish()
            if self.overrun:
                self._owner.reaped(self)

    def refuse(self, reason: str) -> None:
        """End a request that was interrupted before it came: it starts nothing."""
        self.interrupt(reason)
        self.exited = True
        self.finish()

    async def guard(self) -> None:
        """Bound the work: by the request's deadline and each stage's, and once it has to stop, by the interrupt's.

        Cancelled, it interrupts the work, which is cancelled with it, and bounds its way out all the same.
        """
        try:
            due = trio.current_time() + self._limits.request_s
            while not self.stopping.is_set():
                if (patience := self.watch.ended()) is not None:
                    self.fail(stage_failure(patience.stage, patience.timeout()))
                elif trio.current_time() >= due:
                    self.fail(too_long(self._limits.request_s))
                else:
                    await self.watch.sleep(self.stopping, due)
        except trio.Cancelled:
            self.interrupt(GOING_DOWN)
            raise
        finally:
            with trio.move_on_after(self._limits.interrupt_s, shield=True):
                await self.stopped.wait()
            self.finish()

    def finish(self) -> None:
        """Settle everything at once: the final frame, the receipt, the dialogue. Only the first call does.

        A stage that is still running then has overrun; it is cancelled, cut off from the connection, and reaped when
        it lets go.
        """
        if self.ending != "live":
            return
        try:
            with (
                self.answer.together()
            ):  # the final frame and the acknowledgement: one write, one wake-up of the client
                self._finish()
        finally:
            self._shrink()

    def _finish(self) -> None:
        self.overrun = not self.exited
        self.timeline.mark("stopped")
        if not self._complete and not self.stopping.is_set() and self.failure is None:
            self.interrupt(GOING_DOWN)
        if self.failure is not None:
            self.ending = "failed"
            self.answer.end(error=self.failure.error(self.id))
        elif self.reason is not None:
            self.ending = "interrupted"
            self.answer.end(interrupt_reason=self.reason)
            self.receipt = self._write_receipt(self.reason)
        else:
            self.ending = "complete"
            self.answer.end()
        try:
            self._owner.settle(self)
            self._owner.release(self)
        finally:  # whoever waits for the end is told of it, whatever the books say
            self.stopping.set()
            self.stopped.set()
            for told in self._on_stop:
                told()
            self._on_stop.clear()

    def _shrink(self) -> None:
        """Let go of what is large and done with: the request is remembered for its receipt."""
        self.ledger.join_text()
        if self.failure is not None:
            self.failure = evolve(self.failure, cause=None)  # its traceback holds all that the stage had at hand

    def when_stopped(self, tell: Callable[[], None]) -> None:
        """Call `tell` in the very step in which the request has stopped, or now where it has. It must not raise."""
        if self.stopped.is_set():
            tell()
        else:
            self._on_stop.append(tell)

    def cut(self, reason: str, played_ms: float | None) -> bool:
        """Cut a complete answer that is still being played back to what was heard; return whether there was anything.

        The work had ended, so there is nothing to stop: the receipt says what was heard and that every stage finished.
        """
        now = trio.current_time()
        if self.ending == "complete" and played_ms is not None:
            self.ledger.reported(played_ms, now)  # first: by the clock it may be over, and the client's player lags
        if not self.playing:
            return False
        self.ledger.freeze(now)
        self.reason = reason
        self.receipt = self._write_receipt(reason)
        self._owner.settle(self)
        return True

    def stage_began(self, stage: str) -> None:
        """Note in the book that `stage` runs."""
        self._stages[stage] = "running"

    def stage_ended(self, stage: str, *, by_itself: bool) -> None:
        """Note in the book how `stage` ended."""
        self._stages[stage] = "finished" if by_itself else "closed"

    def stages(self) -> dict[str, StageState]:
        """Return the book; a stage that runs although the request has ended has overrun."""
        return {name: "overrun" if state == "running" else state for name, state in self._stages.items()}

    def _write_receipt(self, reason: str) -> Receipt:
        now = trio.current_time()
        answer = self.answer
        stop_s = self.timeline.between_s("stopping", "stopped") or 0.0
        return Receipt(
            request_id=self.id,
            reason=reason,
            stop_ms=round(stop_s * 1000, 3),
            stages=self.stages(),
            usage=self._usage(),
            audio=self.ledger.audio_account(now),
            text=self.ledger.text_account(now),
            last=LastFrames(
                text_stream_seq=answer.text_frames - 1 if answer.text_frames else None,
                voice_stream_seq=answer.voice_frames - 1 if answer.voice_frames else None,
            ),
        )

    def _usage(self) -> UsageAccount:
        if self.provider_tokens is not None:
            return UsageAccount(llm_tokens=self.provider_tokens, tts_characters=self.spoken_chars, source="provider")
        if self._stages["llm"] == "idle":
            return UsageAccount(llm_tokens=None, tts_characters=self.spoken_chars, source="unknown")
        tokens = estimate_tokens(self.ledger.written)
        return UsageAccount(llm_tokens=tokens, tts_characters=self.spoken_chars, source="estimated")
