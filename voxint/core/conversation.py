"""The library's door: a conversation for a trio program that has its own transport, or none.

No socket and no server: ask, read the reply's events, interrupt, look at the history. The same request scope runs
underneath, so an interrupt here keeps the same promises as one on the wire.
"""

from __future__ import annotations

import uuid
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager, contextmanager, nullcontext
from typing import Self

import trio
from attrs import evolve, frozen

from voxint.arguments import Audio, check_not_negative, check_text, check_type
from voxint.background import open_background
from voxint.core.agent import Agent
from voxint.core.audio import check_audio
from voxint.core.dialogue import Dialogue
from voxint.core.events import Ended, Event, Said, Text
from voxint.core.failure import Failure
from voxint.core.failure_line import FailureLog
from voxint.core.interrupt import InterruptOrder
from voxint.core.listener import Listener
from voxint.core.observer import Observer, check_observer
from voxint.core.receipt import Receipt
from voxint.core.registry import Interruption
from voxint.core.request import Request
from voxint.core.resample import load_resampler
from voxint.core.seats import SEATS
from voxint.core.session import Session
from voxint.core.settings import Settings
from voxint.errors import RequestFailed, RequestRefused
from voxint.inside_trio import Block, require_trio, within_block, within_trio
from voxint.loop_watch import watched_loop

__all__ = ["Conversation", "Reply", "VoiceReply", "open_conversation"]

STOP = "USER_STOP"

BLOCK_ENDED = (
    "the block of open_conversation() has ended, and what was live is interrupted: use a conversation and its replies"
    " within it"
)


@asynccontextmanager
async def open_conversation(
    agent: Agent,
    settings: Settings = Settings(),
    *,
    observer: Observer | None = None,
    watch_loop: bool = True,
) -> AsyncGenerator[Conversation, None]:
    """Open a conversation with `agent`; leaving the block interrupts what is live and waits until it has stopped.

    Args:
        agent: Who answers; entered already where its stages are context managers.
        settings: Whether to speak, the audio formats, the prompts and the tools. Default: speak, at 16 kHz.
        observer: Hears of every request.
        watch_loop: Whether to log what holds the event loop up, with its line. One thread looks for that, for all
            conversations of a loop, 50 times a second.

    Raises:
        TypeError: An argument is of another type; says which.

    Where a stage's sample rate is another than the caller's, the first such conversation loads what brings the two
    together, which takes 0.1 s and more.

    A reply that fails leaves a line in the log, ``request failed``, which names the line of the stage's author.

    A stage that will not stop holds the end of the block, as trio's nurseries do; its request, the interrupt and the
    next reply do not wait for it.
    """
    require_trio("open_conversation")
    check_type(agent, Agent, "agent")
    check_type(settings, Settings, "settings")
    check_observer(observer)
    if _converts(agent, settings):
        await load_resampler()
    with watched_loop() if watch_loop else nullcontext():
        async with open_background() as home:
            session_id, told = f"conv_{uuid.uuid4().hex}", FailureLog(observer)
            session = Session(agent, home, session_id=session_id, settings=settings, observer=told)
            try:
                with Block(BLOCK_ENDED) as block:
                    yield Conversation(_Opened(session, block))
            finally:
                session.close("CLOSED")


def _converts(agent: Agent, settings: Settings) -> bool:
    """Return whether a stage has another sample rate than the caller."""
    formats = ((agent.stt, settings.input), (agent.tts, settings.output))
    return any(stage is not None and stage.audio_format != wanted for stage, wanted in formats)


@frozen
class _Opened:
    """What a conversation and its replies stand on."""

    session: Session
    block: Block


class Conversation:
    """One caller's conversation. Made by `open_conversation`."""

    def __init__(self, opened: _Opened) -> None:
        if not isinstance(opened, _Opened):
            raise TypeError(
                "open_conversation() makes a Conversation: write async with open_conversation(agent) as ..."
            )
        self._opened = opened
        self._session = opened.session
        self._block = opened.block

    @property
    def history(self) -> Dialogue:
        """What was said: the user's words, and of each reply what was heard."""
        return self._session.dialogue

    @property
    def settings(self) -> Settings:
        """The settings; assign an evolved copy to change what the next request gets."""
        return self._session.settings

    @settings.setter
    @within_block
    def settings(self, settings: Settings) -> None:
        check_type(settings, Settings, "settings")
        self._session.settings = settings

    @within_block
    def ask(self, text: str, *, request_id: str | None = None) -> Reply:
        """Ask, and interrupt what is live: at once, without an await.

        Args:
            text: The user's words, not empty.
            request_id: The reply's id; one is made up where None.

        Raises:
            TypeError: An argument is of another type.
            ValueError: The text is empty, or a reply of that id is live already.
            RequestRefused: The voice has no seat left; nothing has begun, and trying again may help.
            RuntimeError: Too many interrupted replies have not let go.
            trio.ClosedResourceError: The block of `open_conversation` has ended.
        """
        text = check_text(text, "text", "the user's words; a voice is heard by listen()")
        check_type(request_id, str | None, "request_id")
        player = Listener()
        with _translated_refusals():
            request = self._session.ask(request_id or _new_id(), text, player)
        return Reply(self._opened, request, player)

    @within_block
    def listen(self, *, request_id: str | None = None) -> VoiceReply:
        """Begin to listen, and interrupt what is live: at once, without an await.

        Raises:
            TypeError: As `ask`.
            ValueError: A reply of that id is live already.
            RequestRefused: As `ask`, or the recogniser has no seat left.
            RuntimeError: As `ask`, or the agent has no speech recognition.
            trio.ClosedResourceError: As `ask`.
        """
        check_type(request_id, str | None, "request_id")
        player = Listener()
        with _translated_refusals():
            request = self._session.listen(request_id or _new_id(), player)
        return VoiceReply(self._opened, request, player)

    @within_trio
    def interrupt_nowait(self, reason: str = STOP) -> Interruption:
        """Cancel every live reply now; `stopped` of the result waits for the proof. After the block none is live.

        Safe to be called from another thread through `TrioToken.run_sync_soon`.
        """
        return self._interrupt(reason)

    @within_trio
    async def interrupt(self, reason: str = STOP) -> dict[str, Receipt]:
        """Cancel every live reply, wait until all have stopped, and return their receipts by id.

        Bounded by `Limits.interrupt_s`. Cancelled, the replies stop all the same.
        """
        return await _receipts(self._interrupt(reason))

    def _interrupt(self, reason: str) -> Interruption:
        check_type(reason, str, "reason")
        return self._session.interrupt(None, InterruptOrder(reason))


class Reply:
    """A reply on its way. Iterate over it for its events; what is not read yet holds the model back.

    Attributes:
        request_id: Its id, there from the start.
    """

    def __init__(self, opened: _Opened, request: Request, player: Listener) -> None:
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
        receipts = await _receipts(self._interrupt(reason, played_ms))
        return receipts.get(self.request_id)

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


@contextmanager
def _translated_refusals() -> Iterator[None]:
    """Tell an application what a session refuses in the kinds of error that Python has, and in a program's words."""
    try:
        yield
    except RequestRefused as refusal:
        if refusal.kind == "no_ears":
            raise RuntimeError("this agent has no speech recognition: give Agent(stt=...), or ask in text") from None
        if refusal.limit == SEATS:
            raise  # no mistake of the program's: it may wait for a seat
        kind = ValueError if refusal.kind == "live" else RuntimeError
        raise kind(refusal.message) from None


async def _receipts(interruption: Interruption) -> dict[str, Receipt]:
    await interruption.stopped()
    return interruption.receipts


def _new_id() -> str:
    return f"req_{uuid.uuid4().hex}"
