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

import trio
from attrs import evolve

from voxint.core.account import StageBook, receipt_of
from voxint.core.agent import Limits
from voxint.core.alarms import Alarms, StageDeadline
from voxint.core.answer import Answer
from voxint.core.dialogue import Ending
from voxint.core.encodable import text_bytes
from voxint.core.events import Ended, ReleaseReason
from voxint.core.failure import NOT_OURS, Failure, Stage, internal_failure, stage_failure, too_long
from voxint.core.holding import HoldLimit
from voxint.core.interrupt import InterruptOrder
from voxint.core.life import LifeEvent, State, next_state
from voxint.core.owner import Owner
from voxint.core.playout import PlayoutLedger
from voxint.core.receipt import Receipt
from voxint.core.timeline import Timeline
from voxint.errors import UpstreamTimeout
from voxint.logs import leaves

__all__ = ["Request"]

WORKING: tuple[State, ...] = ("live", "held")

GOING_DOWN = "SHUTDOWN"
"""The reason of a request that was cancelled from outside: its host's nursery is going down."""


class Request:
    """A request from its acceptance to its end.

    Args:
        request_id: The client's id; unique among the live requests of its session.
        key: The session's own number for it.
        answer: What it says, on its way to who listens.
        limits: `request_s`, `interrupt_s`, `hold_s` and `held_chars`.
        owner: Told of the end before anybody who waits for `stopped` goes on.

    Attributes:
        listens: Whether it only listens: another one answers what it hears.
        scope: An interrupt cancels it; the registry finds it by `request_id` from acceptance on.
        state: Where it is in its life.
        alarms: What is to happen to it at some time; its guard sleeps for them.
        ending: How it has ended; None until `finish`.
        overran: Whether its clean-up had not ended by the interrupt deadline.
        failure: Why it failed; the exception behind it until all have been told of the end.
        receipt: The account of its end, unless it is complete and was heard whole.
        stopped: Set when it has ended: nothing that bears its id will be sent any more.
        book: Which of its stages ran, and how each ended.
        provider_tokens: What the provider says it wrote, where it said so.
        usage_believed: False where what it said cannot be; its tokens are estimated then.
        spoken_chars: Characters handed to the synthesizer.
        hold_limit: When a hold ends by itself.
    """

    def __init__(self, request_id: str, key: int, answer: Answer, limits: Limits, owner: Owner) -> None:
        self.id = request_id
        self.key = key
        self.answer = answer
        self.listens = answer.ends_silently
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
        self.book = StageBook()
        self.provider_tokens: int | None = None
        self.usage_believed = True
        self.spoken_chars = 0
        self.hold_limit = HoldLimit(self.alarms, lambda: self.release("timeout"))
        self._stop_by = math.inf
        self._forgotten = False
        self._words_bytes = 0
        self._interrupt: InterruptOrder | None = None  # the one that ended or cut it
        self._limits = limits
        self._owner = owner
        self._on_stopping: list[Callable[[], None]] = []
        self._on_stopped: list[Callable[[], None]] = []

    @property
    def session_id(self) -> str:
        """The id of its session."""
        return self._owner.id

    @property
    def ledger(self) -> PlayoutLedger:
        """The account of what was generated, sent and heard."""
        return self.answer.ledger

    @property
    def works(self) -> bool:
        """Whether it is live or held: nobody has asked for its end yet, nor has it come."""
        return self.state in WORKING

    @property
    def held(self) -> bool:
        """Whether its answer is held, and whoever hears it knows."""
        return self.answer.holding.held

    @property
    def speculative(self) -> bool:
        """Whether it was withheld from its birth and was never given out."""
        return self.answer.holding.withheld

    @property
    def playing(self) -> bool:
        """Whether the answer is complete, was not cut, and has not been heard to its end yet; or is held meanwhile."""
        until = self.ledger.playing_until
        if self._forgotten:  # what was heard of it can't be told any more
            return False
        if self.ending != "complete" or self.receipt is not None or until is None:
            return False
        return self.held or until > trio.current_time()

    @property
    def reason(self) -> str | None:
        """Why it was interrupted; None: it was not."""
        return None if self._interrupt is None else self._interrupt.reason

    def interrupt(self, interrupt: InterruptOrder) -> None:
        """Cancel the work now. The first interrupt stands; what a later one knows of what was heard counts too."""
        now = trio.current_time()
        if (played_ms := interrupt.played_of(self.answer.player)) is not None:
            self.ledger.reported(played_ms, now)
        if self._step("interrupt") in WORKING:
            self._interrupt = interrupt
            self._stop(interrupt.reason, now, interrupt.late_s)

    def fail(self, failure: Failure) -> None:
        """End the work because of `failure`; the first end stands."""
        if self._step("fail") in WORKING:
            self.failure = failure
            self._stop(failure.kind, trio.current_time())

    def hold(self) -> bool:
        """Let nothing of the answer leave until `release`, for `hold_s` at most; return whether it is held now.

        Its stages go on until they have to wait, and their deadlines rest. One that was sent to its end and still plays
        can be held, nothing else that has ended, nor what was never heard of. To hold again changes nothing.
        """
        if self.held:
            return True
        if self.listens or not (self.state == "live" or self.playing):
            return False
        self._step("hold")
        self.alarms.rest()
        self.answer.hold(self._limits.held_chars)
        if not self.held:
            return False  # its last listener was dropped, and that has ended it
        self.hold_limit.begin(self._limits.hold_s)
        if self.ending is not None:
            self._owner.held_after_end(self)
        return True

    def release(self, reason: ReleaseReason) -> bool:
        """Let the answer go on from the very next sample; return whether it was held."""
        if not self.held:
            return False
        self._go_on()
        self.answer.release(reason)
        self._owner.released(self, reason)
        return True

    def withhold(self) -> None:
        """Let nothing of the answer leave, and nobody hear of it, until `give_out`: call it before its work begins.

        Interrupted or failed meanwhile, it has said nothing, its end neither. Whoever asked so early ends it in time.
        """
        self._step("hold")
        self.answer.withhold(self._limits.held_chars)

    def give_out(self) -> bool:
        """Let what was withheld leave; return whether anything was: it may have ended meanwhile."""
        if not (self.speculative and self.works):
            return False
        self._go_on()
        self.answer.give_out()
        return True

    def _go_on(self) -> None:
        self._step("release")
        self.hold_limit.end()
        self.alarms.go_on()

    def _step(self, event: LifeEvent) -> State:
        """Take `event`; return the state before it."""
        before, self.state = self.state, next_state(self.state, event)
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
            if self.works:
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
            while self.works:
                self._ring_alarms()
                if self.works:
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
            self.ending, ended = "failed", Ended(False, None, evolve(self.failure, cause=None))
        elif self.reason is not None:
            self.ending, ended = "interrupted", Ended(True, self.reason)
        else:
            self.ending, ended = "complete", Ended(False)
        self.answer.end(ended)

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
        if not self.works:
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
        self.answer.holding.forget()
        self.hold_limit.end()
        self._interrupt = interrupt
        self._do(self._write_receipt)
        self._do(functools.partial(self._owner.settle, self))
        return True

    def deadline_of(self, stage: Stage) -> StageDeadline:
        """Return the deadline of a stage that is about to begin; missed, it fails the request."""
        return StageDeadline(stage, self.alarms, self._missed)

    def _missed(self, stage: Stage, error: UpstreamTimeout) -> None:
        self.fail(stage_failure(stage, error))

    def has_failed_by(self, error: BaseException) -> bool:
        """Return whether `error` is, or holds, what the request has failed by."""
        return self.failure is not None and any(leaf is self.failure.cause for leaf in leaves(error))

    def cleanup_failed(self, stage: Stage, error: BaseException) -> None:
        """Tell of what a stage's clean-up raised, which nobody waits for."""
        self._owner.cleanup_failed(self, stage, error)

    def _write_receipt(self) -> None:
        self.receipt = receipt_of(self, self._interrupt)
