"""One request: a cancel scope, the work inside it, the guard beside it, and one end.

Two tasks make a request. `run` is the work: it lives in `scope`, and leaving the scope proves that every stream the
work had opened is closed. `guard` bounds it: the whole request by its deadline, and the way out of the scope, once an
end was asked for, by the interrupt deadline. Whichever comes first calls `finish`. What may happen to a request when
stands in `life.py`.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Awaitable, Callable
from typing import Literal, Protocol

import trio
from attrs import evolve

from voxint.core.agent import Limits
from voxint.core.alarms import Alarms, StageDeadline
from voxint.core.answer import Answer
from voxint.core.dialogue import Ending
from voxint.core.encodable import text_bytes
from voxint.core.events import Ended
from voxint.core.failure import NOT_OURS, Failure, Stage, internal_failure, stage_failure, too_long
from voxint.core.interrupt import InterruptOrder
from voxint.core.life import LifeEvent, State, next_state
from voxint.core.playout import PlayoutLedger
from voxint.core.receipt import STAGES, Receipt, StageState, UsageAccount
from voxint.core.timeline import Timeline
from voxint.core.tokens import estimate_tokens
from voxint.errors import UpstreamTimeout
from voxint.logs import leaves

__all__ = ["Owner", "Request"]

GOING_DOWN = "SHUTDOWN"
"""The reason of a request that was cancelled from outside: its host's nursery is going down."""


class Owner(Protocol):
    """Who keeps the request: a session. Each is called in the same step as what it tells of, and never raises."""

    @property
    def id(self) -> str:
        """The session's id."""

    def settle(self, request: Request) -> None:
        """Write into the dialogue what became of the answer; once at its end, and again when it is cut later."""

    def retire(self, request: Request) -> None:
        """Move the request from the live to the remembered: it has ended."""

    def reaped(self, request: Request) -> None:
        """The last task of an overrun request is gone."""

    def cleanup_failed(self, request: Request, stage: Stage | None, error: BaseException) -> None:
        """Something went wrong on the way out, where nobody waits for it any more."""


class Request:
    """A request from its acceptance to its end.

    Args:
        request_id: The client's id; unique among the live requests of its session.
        key: The session's own number for it.
        answer: What it says, on its way to who listens.
        limits: `request_s` and `interrupt_s`.
        owner: Told of the end before anybody who waits for `stopped` goes on.

    Attributes:
        scope: An interrupt cancels it; the registry finds it by `request_id` from acceptance on.
        state: Where it is in its life.
        alarms: What is to happen to it at some time; its guard sleeps for them.
        ending: How it has ended; None until `finish`.
        overran: Whether its clean-up had not ended by the interrupt deadline.
        failure: Why it failed; the exception behind it until all have been told of the end.
        receipt: The account of its end, unless it is complete and was heard whole.
        stopped: Set when it has ended: nothing that bears its id will be sent any more.
        provider_tokens: What the provider says it wrote, where it said so.
        usage_believed: False where what it said cannot be; its tokens are estimated then.
        spoken_chars: Characters handed to the synthesizer.
    """

    def __init__(self, request_id: str, key: int, answer: Answer, limits: Limits, owner: Owner) -> None:
        self.id = request_id
        self.key = key
        self.answer = answer
        self.scope = trio.CancelScope()
        self.timeline = Timeline()
        self.timeline.mark("accepted")
        self.alarms = Alarms()
        answer.watch_player(self.alarms)
        self.state: State = "live"
        self.ending: Ending | None = None
        self.overran = False
        self.failure: Failure | None = None
        self.receipt: Receipt | None = None
        self.stopped = trio.Event()
        self.provider_tokens: int | None = None
        self.usage_believed = True
        self.spoken_chars = 0
        self._stop_by = math.inf
        self._forgotten = False
        self._words_bytes = 0
        self._interrupt: InterruptOrder | None = None  # the one that ended or cut it
        self._stages: dict[str, StageState | Literal["running"]] = dict.fromkeys(STAGES, "idle")
        self._limits = limits
        self._owner = owner
        self._on_stopping: list[Callable[[], None]] = []
        self._on_stopped: list[Callable[[], None]] = []

    @property
    def session_id(self) -> str:
        """The id of the session that the request belongs to."""
        return self._owner.id

    @property
    def ledger(self) -> PlayoutLedger:
        """The account of what was generated, sent and heard."""
        return self.answer.ledger

    @property
    def playing(self) -> bool:
        """Whether the answer is complete, was not cut, and has not been heard to its end yet."""
        until = self.ledger.playing_until
        if self._forgotten:  # what was heard of it can't be told any more
            return False
        return self.ending == "complete" and self.receipt is None and until is not None and until > trio.current_time()

    @property
    def reason(self) -> str | None:
        """Why it was interrupted; None: it was not."""
        return None if self._interrupt is None else self._interrupt.reason

    def interrupt(self, interrupt: InterruptOrder) -> None:
        """Cancel the work now. The first interrupt stands; what a later one knows of what was heard counts too."""
        now = trio.current_time()
        if (played_ms := interrupt.played_of(self.answer.player)) is not None:
            self.ledger.reported(played_ms, now)
        if self._step("interrupt") == "live":
            self._interrupt = interrupt
            self._stop(interrupt.reason, now, interrupt.late_s)

    def fail(self, failure: Failure) -> None:
        """End the work because of `failure`; the first end stands."""
        if self._step("fail") == "live":
            self.failure = failure
            self._stop(failure.kind, trio.current_time())

    def _step(self, event: LifeEvent) -> State:
        """Take `event`; return the state before it."""
        before = self.state
        self.state = next_state(before, event)
        return before

    def _stop(self, why: str, now: float, late_s: float = 0.0) -> None:
        self.scope.cancel(reason=why)
        self._stop_by = now + self._limits.interrupt_s
        # The guard sleeps on: waking it would cost the way out a turn, and until then the guard has nothing to do.
        self.alarms.wake_at(self._stop_by)
        self.timeline.mark("stopping", ago_s=late_s)
        self.answer.silence()
        self.ledger.freeze(now)
        for told in self._on_stopping:
            told()
        self._on_stopping.clear()

    async def run(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do the work, and finish whatever becomes of it."""
        complete = False
        try:
            with self.scope:
                await work()
                complete = True
        except* NOT_OURS:
            raise
        except* BaseException as group:  # noqa: BLE001 - see below
            # A stage's errors are caught at the stage; what arrives here is a bug of ours. This request alone ends.
            if self.state == "live":
                self.fail(internal_failure(group))
            else:
                self._owner.cleanup_failed(self, None, group)
        finally:
            if not complete and self.failure is None:
                self.interrupt(InterruptOrder(GOING_DOWN))  # unless an end was asked for before
            overran = self._step("exit") == "overrun"
            self.finish()
            if overran:
                self._owner.reaped(self)

    def end_before_start(self, reason: str) -> None:
        """End a request that was interrupted before it came; nothing of its work begins."""
        self.interrupt(InterruptOrder(reason))
        self._step("exit")
        self.finish()

    async def guard(self) -> None:
        """Bound the work: by the request's deadline and each stage's, and once it has to stop, by the interrupt's.

        Cancelled, it interrupts the work, which is cancelled with it, and bounds its way out all the same.
        """
        limit_s = self._limits.request_s
        self.alarms.alarm(lambda: self.fail(too_long(limit_s))).set(trio.current_time() + limit_s)
        try:
            while self.state == "live":
                self._ring_alarms()
                if self.state == "live":
                    await self.alarms.sleep(self.stopped)
            await self._bound_way_out()
        except trio.Cancelled:
            self.interrupt(InterruptOrder(GOING_DOWN))
            with trio.CancelScope(shield=True):  # bounded by the interrupt deadline
                await self._bound_way_out()
            raise

    def _ring_alarms(self) -> None:
        try:
            self.alarms.ring()
        except Exception as error:  # noqa: BLE001 - a bug of ours in what an alarm does ends this request and no other
            self.fail(internal_failure(error))

    async def _bound_way_out(self) -> None:
        with trio.CancelScope(deadline=self._stop_by):
            await self.stopped.wait()
        if self.ending is None:
            self._step("deadline")
            self.finish()

    def finish(self) -> None:
        """Settle everything at once: the end, the receipt, the dialogue. Only the first call does.

        A stage that is still running then has overrun; it is cancelled, cut off from every listener, and reaped when
        it lets go.
        """
        if self.ending is not None:
            return
        self.overran = self.state == "overrun"
        self.timeline.mark("stopped")
        with self.answer.together():  # the end and the acknowledgement: one write, one wake-up of the client
            self._end()
            self._do(self._write_receipt)
            for told in self._on_stopped:
                self._do(told)
        # Both are on their way; the books follow in the same step, before anybody can ask anything.
        self._do(self.ledger.join_text)  # so that the dialogue and the request share it
        self._do(functools.partial(self._owner.settle, self))
        self._do(self._count_words)
        self._do(functools.partial(self._owner.retire, self))
        self._do(self._shrink)
        self.stopped.set()

    def _do(self, step: Callable[[], None]) -> None:
        """Take a step of the end. What goes wrong there must not end the others' requests: it is told, and no more."""
        try:
            step()
        except Exception as error:  # noqa: BLE001 - `finish` runs in the nursery that serves everybody
            self._owner.cleanup_failed(self, None, error)

    def _end(self) -> None:
        if self.failure is not None:
            self.ending = "failed"
            self.answer.end(Ended(False, None, evolve(self.failure, cause=None)))
        elif self.reason is not None:
            self.ending = "interrupted"
            self.answer.end(Ended(True, self.reason))
        else:
            self.ending = "complete"
            self.answer.end(Ended(False))

    def _shrink(self) -> None:
        """Let go of what is large and done with: the request is remembered for its receipt."""
        self.alarms.let_go()
        self._on_stopping.clear()
        self._on_stopped.clear()
        self.answer.let_go()
        if self.failure is not None:
            self.failure = evolve(self.failure, cause=None)  # its traceback holds all that the stage had at hand

    @property
    def words_bytes(self) -> int:
        """What the words that are kept of it take up, in bytes; about."""
        return 0 if self._forgotten else self._words_bytes

    def _count_words(self) -> None:
        heard = "" if self.receipt is None else self.receipt.text.heard
        called = sum(text_bytes(call.name) + text_bytes(repr(call.parameters)) for call in self.answer.called)
        self._words_bytes = self.ledger.words_bytes + text_bytes(heard) + called

    def forget_words(self) -> None:
        """Let go of what it said, and of the receipt that tells it; how it ended stays. For one that has ended."""
        self._forgotten = True
        self.ledger.forget_words()
        self.answer.called.clear()
        self.receipt = None

    def when_stopped(self, tell: Callable[[], None]) -> None:
        """Call `tell` in the very step in which the request has stopped, or now where it has. `tell` must not raise."""
        if self.ending is not None:
            tell()
        else:
            self._on_stopped.append(tell)

    def when_stopping(self, tell: Callable[[], None]) -> None:
        """Call `tell` in the very step in which the end is asked for, or now where it was. `tell` must not raise."""
        if self.state != "live":
            tell()
        else:
            self._on_stopping.append(tell)

    def cut(self, interrupt: InterruptOrder) -> bool:
        """Cut a complete answer that is still being played back to what was heard; return whether there was anything.

        The work had ended, so there is nothing to stop: the receipt says what was heard and that every stage finished.
        """
        now = trio.current_time()
        played_ms = interrupt.played_of(self.answer.player)
        if self.ending == "complete" and played_ms is not None:
            self.ledger.reported(played_ms, now)  # first: by the clock the answer may be over, and a player lags
        if not self.playing:
            return False
        self.ledger.freeze(now)
        self._interrupt = interrupt
        self._do(self._write_receipt)
        self._do(functools.partial(self._owner.settle, self))
        return True

    def deadline_of(self, stage: Stage) -> StageDeadline:
        """Return the deadline of a stage that is about to begin; missed, it fails the request."""
        return StageDeadline(stage, self.alarms, self._missed)

    def _missed(self, stage: Stage, error: UpstreamTimeout) -> None:
        self.fail(stage_failure(stage, error))

    def stage_began(self, stage: str) -> None:
        """Note in the book that `stage` runs."""
        self._stages[stage] = "running"

    def stage_ended(self, stage: str, *, by_itself: bool) -> None:
        """Note in the book how `stage` ended."""
        self._stages[stage] = "finished" if by_itself else "closed"

    def stages(self) -> dict[str, StageState]:
        """Return the book; a stage that runs although the request has ended has overrun."""
        return {name: "overrun" if state == "running" else state for name, state in self._stages.items()}

    def has_failed_by(self, error: BaseException) -> bool:
        """Return whether `error` is, or holds, what the request has failed by."""
        return self.failure is not None and any(leaf is self.failure.cause for leaf in leaves(error))

    def cleanup_failed(self, stage: Stage, error: BaseException) -> None:
        """Tell of what a stage's clean-up raised, which nobody waits for."""
        self._owner.cleanup_failed(self, stage, error)

    def _write_receipt(self) -> None:
        """Write the account of what was cut off or failed; what is complete needs none."""
        reason = self.reason if self.failure is None else self.failure.kind
        if reason is None:
            return
        now, interrupt = trio.current_time(), self._interrupt
        stop_s = self.timeline.between_s("stopping", "stopped")
        if stop_s is None:  # it is cut: its work had ended before
            stop_s = 0.0 if interrupt is None else interrupt.late_s
        self.receipt = Receipt(
            request_id=self.id,
            reason=reason,
            stop_ms=round(stop_s * 1000, 3),
            stages=self.stages(),
            usage=self._usage(),
            audio=self.ledger.audio_account(now),
            text=self.ledger.text_account(now),
            read_late_ms=None if interrupt is None else interrupt.read_late_ms,
        )

    def _usage(self) -> UsageAccount:
        if self.provider_tokens is not None:
            return UsageAccount(llm_tokens=self.provider_tokens, tts_characters=self.spoken_chars, source="provider")
        if self._stages["llm"] == "idle":
            return UsageAccount(llm_tokens=None, tts_characters=self.spoken_chars, source="unknown")
        tokens = estimate_tokens(self.ledger.written)
        return UsageAccount(llm_tokens=tokens, tts_characters=self.spoken_chars, source="estimated")
