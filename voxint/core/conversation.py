"""The library's door: a conversation for a trio program that has its own transport, or none.

No socket and no server: ask, read the reply's events, interrupt, look at the history. The same request scope runs
underneath, so an interrupt here keeps the same promises as one on the wire.
"""

from __future__ import annotations

import uuid
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager, contextmanager, nullcontext

from voxint.arguments import check_text, check_type
from voxint.background import open_background
from voxint.core.agent import Agent
from voxint.core.dialogue import Dialogue
from voxint.core.ears.ears import Ears
from voxint.core.failure_line import FailureLog
from voxint.core.interrupt import InterruptOrder
from voxint.core.observer import Observer, check_observer
from voxint.core.offers import check_offered
from voxint.core.open_microphone import OpenMicrophone
from voxint.core.receipt import Receipt
from voxint.core.registry import Interruption
from voxint.core.reply import STOP, OpenedConversation, Reply, VoiceReply, receipts_of
from voxint.core.resample import load_resampler
from voxint.core.seats import SEATS
from voxint.core.session import Session
from voxint.core.settings import Settings
from voxint.errors import RequestRefused
from voxint.inside_trio import Block, require_trio, within_block, within_trio
from voxint.loop_watch import watched_loop

__all__ = ["Conversation", "Reply", "VoiceReply", "open_conversation"]

MICROPHONE_CLOSED = (
    "the block of listen_always() has ended, and what was heard and answered in it is interrupted: use a microphone"
    " within it"
)
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
    marks: bool = False,
) -> AsyncGenerator[Conversation, None]:
    """Open a conversation with `agent`; leaving the block interrupts what is live and waits until it has stopped.

    Args:
        agent: Who answers; entered already where its stages are context managers.
        settings: Whether to speak, the audio formats, the prompts, the tools, the voice and the language. Default:
            speak, at 16 kHz.
        observer: Hears of every request.
        watch_loop: Whether to log what holds the event loop up, with its line. One thread looks for that, for all
            conversations of a loop, 50 times a second.
        marks: Whether replies say how far in their text the voice is (`Marks`), so that a caption can keep up with it.

    Raises:
        TypeError: An argument is of another type; says which.
        ValueError: The agent offers no such voice or language as the settings want; says what there is.

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
    check_type(marks, bool, "marks")
    with _translated_refusals():
        check_offered(agent, settings)
    if _converts(agent, settings):
        await load_resampler()
    with watched_loop() if watch_loop else nullcontext():
        async with open_background() as home:
            session_id, told = f"conv_{uuid.uuid4().hex}", FailureLog(observer)
            session = Session(agent, home, session_id=session_id, settings=settings, observer=told)
            try:
                with Block(BLOCK_ENDED) as block:
                    yield Conversation(OpenedConversation(session, block, marks))
            finally:
                session.close("CLOSED")


def _converts(agent: Agent, settings: Settings) -> bool:
    """Return whether a stage has another sample rate than the caller."""
    stt, tts, vad, turns = agent.stt, agent.tts, agent.vad, agent.turns
    heard = settings.input if vad is None else vad.audio_format
    formats = ((stt, settings.input), (stt, heard), (tts, settings.output), (vad, settings.input), (turns, heard))
    return any(stage is not None and stage.audio_format != wanted for stage, wanted in formats)


class Conversation:
    """One caller's conversation. Made by `open_conversation`."""

    def __init__(self, opened: OpenedConversation) -> None:
        if not isinstance(opened, OpenedConversation):
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
        """The settings; assign an evolved copy to change what the next request gets.

        Raises:
            ValueError: On assigning: the agent offers no such voice or language; says what there is.
        """
        return self._session.settings

    @settings.setter
    @within_block
    def settings(self, settings: Settings) -> None:
        check_type(settings, Settings, "settings")
        with _translated_refusals():
            check_offered(self._session.agent, settings)
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
        player = self._opened.listener()
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
        player = self._opened.listener()
        with _translated_refusals():
            request = self._session.listen(request_id or _new_id(), player)
        return VoiceReply(self._opened, request, player)

    @within_block
    @contextmanager
    def listen_always(self) -> Iterator[OpenMicrophone]:
        """Open a microphone for the block: stream it, and read what comes of it.

        Voices begin and end turns by themselves, hold what is spoken and interrupt it, as ``Agent.ears`` says. `ask`
        and `listen` go on to work beside it: what they ask is told to their reply. At the end of the block an utterance
        that is not over is interrupted, and so is what is answered to this microphone. There is one at a time.

        Raises:
            RuntimeError: The agent has no voice detector or no speech recognition, or a microphone is open already.
            UpstreamError: The voice detector opens no stream.
            trio.ClosedResourceError: As `ask`.
        """
        session, listener = self._session, self._opened.listener()
        if session.ears is not None:
            raise RuntimeError("this conversation has an open microphone already: leave its block first")
        try:
            ears = Ears(session, listener)
        except RequestRefused as refusal:
            raise RuntimeError(f"{refusal.message}: give Agent(vad=..., stt=...)") from None
        session.attach(listener)
        try:
            with Block(MICROPHONE_CLOSED) as block:
                yield OpenMicrophone(session, block, listener, ears)
        finally:
            ears.close("CLOSED")
            session.leave(listener, "CLOSED").when_stopped(lambda _: listener.close())

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
        return await receipts_of(self._interrupt(reason))

    def _interrupt(self, reason: str) -> Interruption:
        check_type(reason, str, "reason")
        return self._session.interrupt(None, InterruptOrder(reason))


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
        kind = ValueError if refusal.kind in ("live", "not_offered") else RuntimeError
        raise kind(refusal.message) from None


def _new_id() -> str:
    return f"req_{uuid.uuid4().hex}"
