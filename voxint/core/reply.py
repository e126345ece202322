"""A reply of the library: its events, and what may be asked of it while it is on its way."""

from __future__ import annotations

from typing import Self

import trio
from attrs import evolve, frozen

from voxint.arguments import Audio, check_not_negative, check_type
from voxint.core.audio import check_audio
from voxint.core.events import Ended, Event, Said, Text
from voxint.core.failure import Failure
from voxint.core.interrupt import InterruptOrder
from voxint.core.listener import Listener
from voxint.core.receipt import Receipt
from voxint.core.registry import Interruption
from voxint.core.request import Request
from voxint.core.session import Session
from voxint.errors import RequestFailed
from voxint.inside_trio import Block, within_block, within_trio

__all__ = ["STOP", "OpenedConversation", "Reply", "VoiceReply", "receipts_of"]

STOP = "USER_STOP"


@frozen
class OpenedConversation:
    """What a conversation and its replies stand on."""

    session: Session
    block: Block
    marks: bool = False

    def listener(self) -> Listener:
        """Return one more who hears it, or a reply of it."""
        return Listener(marks=self.marks)


class Reply:
    """A reply on its way. Iterate over it for its events; what is not read yet holds the model back.

    Attributes:
        request_id: Its id, there from the start.
    """

    def __init__(self, opened: OpenedConversation, request: Request, player: Listener) -> None:
        self.request_id = request.id
        self._session = opened.session
        self._block = opened.block
        self._request = request
        self._player = player
        self._ended = False
        self._failure: RequestFailed | None = None
        self._cause: BaseException | None = None
        self._reading = self._begun = False
        request.when_stopped(self._note_cause)  # which is let go of in that step

    @property
    def receipt(self) -> Receipt | None:
        """The account of its end, once it was interrupted or has failed, and has stopped."""
        return self._request.receipt

    def __aiter__(self) -> Self:
        """Return the reply itself: its events are read once, and a reader may stop and go on.

        Raises:
            trio.ClosedResourceError: The block of `open_conversation` has ended, and with it the reply.
        """
        self._check_block()
        return self

    @within_trio
    async def __anext__(self) -> Event:
        """Return the next event; `Ended` is the last.

        Raises:
            RequestFailed: The reply failed; says the stage, and its `__cause__` is what the stage raised. Raised again
                by who reads on.
            trio.BusyResourceError: Another task is reading the reply.
            trio.ClosedResourceError: The block of `open_conversation` has ended, and nothing was read before. Who was
                reading by then gets `Ended`, interrupted with the reason ``CLOSED``.
        """
        if not self._begun:
            self._check_block()
            self._begun = True
        if self._reading:
            raise trio.BusyResourceError("another task is reading this reply")
        self._reading = True
        try:
            return await self._next()
        finally:
            self._reading = False

    async def _next(self) -> Event:
        if self._failure is not None:
            raise evolve(self._failure) from self._cause  # a copy: each with its own traceback
        if self._ended:
            raise StopAsyncIteration
        said = await self._player.next()
        assert isinstance(said, Said), "nothing else is sent to a reply"
        event = said.event
        if isinstance(event, Ended):
            self._ended = True
            if event.failure is not None:
                failure = self._told(event.failure)
                self._failure = RequestFailed(
                    failure.kind,
                    failure.message,
                    failure.retryable,
                    failure.stage,
                    failure.operator_detail,
                    failure.error_id,
                )
                raise evolve(self._failure) from self._cause
        return event

    def _note_cause(self) -> None:
        if self._request.failure is not None:
            self._cause = self._request.failure.cause

    def _told(self, failure: Failure) -> Failure:
        return failure

    def _check_block(self) -> None:
        if not self._ended:
            self._block.check_open()

    async def text(self) -> str:
        """Read the reply to its end and return the text that was not read yet; its audio is passed over.

        Passed over is not unheard: audio counts as heard as time goes by, as if it were played, and `text` returns
        when the last of it has been sent. An interrupt afterwards, while the rest would still be playing, cuts the
        history to what was heard by then. Who wants text alone asks with ``Settings(require_tts=False)``: all of it
        counts as heard then. A second call returns "": events are read once.

        Raises:
            RequestFailed: As iteration does; what was read is lost then.
            trio.ClosedResourceError: As iteration does.
        """
        return "".join([event.text async for event in self if isinstance(event, Text)])

    @within_block
    def played(self, played_ms: float) -> None:
        """Report how many milliseconds of the audio the listener has heard; without it, a clock estimates.

        Raises:
            TypeError: It is no number.
            ValueError: It is negative.
            trio.ClosedResourceError: The block of `open_conversation` has ended, and with it the reply.
        """
        played_ms = check_not_negative(played_ms, "played_ms")
        self._session.played(self.request_id, played_ms)

    @within_trio
    def interrupt_nowait(self, reason: str = STOP, *, played_ms: float | None = None) -> Interruption:
        """Cancel the reply now; `stopped` of the result waits for the proof.

        Safe to be called from another thread through `TrioToken.run_sync_soon`.

        Raises:
            TypeError: An argument is of another type.
            ValueError: `played_ms` is negative.
        """
        return self._interrupt(reason, played_ms)

    @within_trio
    async def interrupt(self, reason: str = STOP, *, played_ms: float | None = None) -> Receipt | None:
        """Cancel the reply, wait until it has stopped, and return its receipt; None where it had ended unheard of.

        Bounded by `Limits.interrupt_s`. Cancelled, the reply stops all the same.
        """
        receipts = await receipts_of(self._interrupt(reason, played_ms))
        return receipts.get(self.request_id)

    @within_trio
    def hold(self) -> bool:
        """Hold the reply now, because somebody may be about to interrupt it; return whether it is held.

        Its events stop, behind `Held`, until `release`, or an interrupt, or `Limits.hold_s`: it goes on by itself then.
        Whoever plays it pauses where it is. The model and the voice go on until they have to wait. A reply that was
        read to its end and still plays is held too: its history stands still. Safe to be called as `interrupt_nowait`.
        """
        return self._request.hold()

    @within_trio
    def release(self) -> bool:
        """Let a held reply go on from the very next sample, behind `Released`; return whether it was held.

        Safe to be called as `interrupt_nowait`.
        """
        return self._request.release("client")

    def _interrupt(self, reason: str, played_ms: float | None) -> Interruption:
        check_type(reason, str, "reason")
        if played_ms is not None:
            played_ms = check_not_negative(played_ms, "played_ms")
        return self._session.interrupt(self.request_id, InterruptOrder(reason, played_ms))


class VoiceReply(Reply):
    """A reply to a voice that is still speaking."""

    _complete = False

    @within_block
    def send(self, audio: Audio) -> None:
        """Pass on microphone audio: s16le mono at the settings' input rate, any size. Never waits.

        A piece may end in the middle of a sample: the next one goes on there.

        Once the reply has ended, or another one listens, it is thrown away. Where the recogniser falls more than
        `Limits.upload_ahead_s` behind, the reply fails.

        Raises:
            TypeError: It is no audio.
            ValueError: It is the beginning of a WAV file.
            trio.ClosedResourceError: As `played`.
        """
        self._session.microphone.feed(self._player, check_audio(audio, "audio"))

    @within_block
    def end(self) -> None:
        """Note the end of the utterance; without it the upload is given up after `Limits.upload_idle_s`.

        Raises:
            trio.ClosedResourceError: As `played`.
        """
        self._complete = True
        self._session.microphone.close(self._player)

    def _told(self, failure: Failure) -> Failure:
        """Return what to tell of a failure: where an utterance has met a bound for want of its end, that is told."""
        wants_end = failure.limit == "upload_s" or (failure.kind == "timeout" and failure.stage is None)
        if self._complete or not wants_end:
            return failure
        return evolve(failure, message=f"end() was not called, and {failure.message}")


async def receipts_of(interruption: Interruption) -> dict[str, Receipt]:
    """Wait until all that was interrupted has stopped; return the receipts by id."""
    await interruption.stopped()
    return interruption.receipts
