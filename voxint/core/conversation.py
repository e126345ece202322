"""The library's door: a conversation for a trio program that has its own transport, or none.

No socket and no server: ask, read the reply's events, interrupt, look at the history. The same request scope runs
underneath, so an interrupt here keeps the same promises as one on the wire.
"""

from __future__ import annotations

import uuid
from collections import deque
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Self

import trio
from attrs import evolve

from voxint.background import open_background
from voxint.core.agent import Agent
from voxint.core.dialogue import Dialogue
from voxint.core.events import Ended, Event, Text
from voxint.core.observer import Observer
from voxint.core.outbox import Outbox
from voxint.core.receipt import Receipt
from voxint.core.registry import Interruption
from voxint.core.request import Request
from voxint.core.session import Session
from voxint.core.settings import Settings
from voxint.core.upload import Upload
from voxint.errors import ServerError, WireError
from voxint.protocol.messages import Error
from voxint.protocol.to_events import events_of

__all__ = ["Conversation", "Reply", "VoiceReply", "open_conversation"]

STOP = "USER_STOP"


@asynccontextmanager
async def open_conversation(
    agent: Agent, settings: Settings = Settings(), *, observer: Observer | None = None
) -> AsyncGenerator[Conversation, None]:
    """Open a conversation with `agent`; leaving the block interrupts what is live and waits until it has stopped.

    Args:
        agent: Who answers; entered already where its stages are context managers.
        settings: Whether to speak, the audio formats, the prompts and the tools. Default: speak, at 16 kHz.
        observer: Hears of every request.

    A stage that will not stop holds the end of the block, as trio's nurseries do; its request, the interrupt and the
    next reply do not wait for it.
    """
    async with open_background() as home:
        session = Session(agent, home, session_id=f"conv_{uuid.uuid4().hex}", settings=settings, observer=observer)
        try:
            yield Conversation(session)
        finally:
            session.close("CLOSED")


class Conversation:
    """One caller's conversation. Made by `open_conversation`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    @property
    def history(self) -> Dialogue:
        """What was said: the user's words, and of each reply what was heard."""
        return self._session.dialogue

    @property
    def settings(self) -> Settings:
        """The settings; assign an evolved copy to change what the next request gets."""
        return self._session.settings

    @settings.setter
    def settings(self, settings: Settings) -> None:
        self._session.settings = settings

    def ask(self, text: str, *, request_id: str | None = None) -> Reply:
        """Ask, and interrupt what is live: at once, without an await.

        Args:
            text: The user's words.
            request_id: The reply's id; one is made up where None.

        Raises:
            ValueError: A reply of that id is live already.
            RuntimeError: Too many interrupted replies have not let go.
        """
        outbox = Outbox()
        request_id = self._free(request_id)
        with _for_the_caller():
            request = self._session.ask(request_id, text, outbox)
        return Reply(self._session, request, outbox)

    def listen(self, *, request_id: str | None = None) -> VoiceReply:
        """Begin to listen, and interrupt what is live: at once, without an await.

        Raises:
            ValueError: As `ask`.
            RuntimeError: As `ask`, or the agent has no speech recognition.
        """
        outbox = Outbox()
        request_id = self._free(request_id)
        with _for_the_caller():
            request, upload = self._session.listen(request_id, outbox)
        return VoiceReply(self._session, request, outbox, upload)

    def interrupt_nowait(self, reason: str = STOP) -> Interruption:
        """Cancel every live reply now; `stopped` of the result waits for the proof.

        Safe to be called from another thread through `TrioToken.run_sync_soon`.
        """
        return self._session.interrupt(None, reason)

    async def interrupt(self, reason: str = STOP) -> dict[str, Receipt]:
        """Cancel every live reply, wait until all have stopped, and return their receipts by id.

        Bounded by `Limits.interrupt_s`. Cancelled, the replies stop all the same.
        """
        return await _receipts(self.interrupt_nowait(reason))

    def _free(self, request_id: str | None) -> str:
        if request_id is None:
            return f"req_{uuid.uuid4().hex}"
        if self._session.registry.is_live(request_id):
            raise ValueError(f"a reply of the id {request_id!r} is live already")
        return request_id


class Reply:
    """A reply on its way. Iterate over it for its events; what is not read yet holds the model back.

    Attributes:
        request_id: Its id, there from the start.
    """

    def __init__(self, session: Session, request: Request, outbox: Outbox) -> None:
        self.request_id = request.id
        self._session = session
        self._request = request
        self._outbox = outbox
        self._events: deque[Event] = deque()
        self._ended = False
        self._failure: ServerError | None = None
        self._reading = False

    @property
    def receipt(self) -> Receipt | None:
        """The account of its interruption, once it was interrupted and has stopped."""
        return self._request.receipt

    def __aiter__(self) -> Self:
        """Return the reply itself: its events are read once, and a reader may stop and go on."""
        return self

    async def __anext__(self) -> Event:
        """Return the next event; `Ended` is the last.

        Raises:
            ServerError: The reply failed; says the stage. Raised again by who reads on.
            trio.BusyResourceError: Another task is reading the reply.
        """
        if self._reading:
            raise trio.BusyResourceError("another task is reading this reply")
        self._reading = True
        try:
            return await self._next()
        finally:
            self._reading = False

    async def _next(self) -> Event:
        while not self._events:
            if self._failure is not None:
                raise evolve(self._failure)  # a copy: each with its own traceback
            if self._ended:
                raise StopAsyncIteration
            message = await self._outbox.next()
            assert message is not None, "nothing is sent for a reader without a socket"
            if isinstance(message, Error):
                self._failure = ServerError(
                    message.error_code, message.error_msg, message.error_detail, message.retryable, message.stage
                )
            else:
                self._events.extend(events_of(message))
        event = self._events.popleft()
        self._ended = isinstance(event, Ended)
        return event

    async def text(self) -> str:
        """Read the reply to its end and return its text; its audio is passed over."""
        return "".join([event.text async for event in self if isinstance(event, Text)])

    def played(self, played_ms: float) -> None:
        """Report how many milliseconds of the audio the listener has heard; without it, a clock estimates."""
        self._session.played(self.request_id, played_ms)

    def interrupt_nowait(self, reason: str = STOP, *, played_ms: float | None = None) -> Interruption:
        """Cancel the reply now; `stopped` of the result waits for the proof.

        Safe to be called from another thread through `TrioToken.run_sync_soon`.
        """
        return self._session.interrupt(self.request_id, reason, played_ms)

    async def interrupt(self, reason: str = STOP, *, played_ms: float | None = None) -> Receipt | None:
        """Cancel the reply, wait until it has stopped, and return its receipt; None where it had ended unheard of.

        Bounded by `Limits.interrupt_s`. Cancelled, the reply stops all the same.
        """
        receipts = await _receipts(self.interrupt_nowait(reason, played_ms=played_ms))
        return receipts.get(self.request_id)


class VoiceReply(Reply):
    """A reply to a voice that is still speaking."""

    def __init__(self, session: Session, request: Request, outbox: Outbox, upload: Upload) -> None:
        super().__init__(session, request, outbox)
        self._upload = upload

    def send(self, audio: bytes) -> None:
        """Pass on microphone audio: s16le mono at the settings' input rate, any size. Never waits.

        Raises:
            RuntimeError: The recogniser is too far behind; the upload is of no use any more.
        """
        with _for_the_caller():
            self._upload.push(audio)

    def end(self) -> None:
        """Note the end of the utterance; without it the upload is given up after `Limits.upload_idle_s`."""
        self._upload.end()


async def _receipts(interruption: Interruption) -> dict[str, Receipt]:
    await interruption.stopped()
    return interruption.acknowledgement().receipts


@contextmanager
def _for_the_caller() -> Iterator[None]:
    """Tell what a session tells its peer to an application, in the same words: there is no wire here."""
    try:
        yield
    except WireError as error:
        raise RuntimeError(error.message) from None
