"""One caller: settings, dialogue, live requests. It knows no socket and no wire frame but those of its answers."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Awaitable, Callable

import trio

from voxint.core.agent import Agent
from voxint.core.answer import Answer
from voxint.core.dialogue import Dialogue
from voxint.core.failure import Failure
from voxint.core.observer import Observer, Silence
from voxint.core.outbox import Outbox
from voxint.core.patience import Patience
from voxint.core.pipeline import Pipeline
from voxint.core.playout import PlayoutLedger
from voxint.core.registry import Interruption, Registry
from voxint.core.request import Request
from voxint.core.settings import Settings
from voxint.core.stages import SpeechToText, Turn
from voxint.core.upload import Upload
from voxint.errors import WireError
from voxint.logs import get_logger, places

__all__ = ["NEW_INPUT", "Session"]

NEW_INPUT = "USER_NEW_INPUT"
"""The reason of a request that was interrupted by the next one."""


log = get_logger()


class Session:
    """The conversation of one caller.

    Requests run in `home`, a nursery that outlives the caller's connection, so that neither its loss nor a stage that
    will not stop can hold up anything else.

    Args:
        agent: Who answers.
        home: Where the requests' tasks live.
        session_id: For logs; the wire's `session_id`.
        settings: What the caller asked for at first.
        observer: Hears of every request.
    """

    def __init__(
        self,
        agent: Agent,
        home: trio.Nursery,
        *,
        session_id: str,
        settings: Settings = Settings(),
        observer: Observer | None = None,
    ) -> None:
        self.id = session_id
        self.agent = agent
        self.settings = settings
        self.dialogue = Dialogue(max_tokens=4 * agent.limits.history_tokens)
        self.registry = Registry()
        self._home = home
        self._observer = observer or Silence()
        self._keys = itertools.count()

    def ask(self, request_id: str, text: str, outbox: Outbox) -> Request:
        """Accept the user's words and begin to answer them; what is live is interrupted first.

        Raises:
            WireError: The id is live already, or too many requests will not stop.
        """
        request, pipeline = self._new(request_id, outbox)
        self._understood(request, text)
        return self._start(request, pipeline.answer_text)

    def listen(self, request_id: str, outbox: Outbox, *, whole: bytes | None = None) -> tuple[Request, Upload]:
        """Accept a voice upload, or with `whole` a voice that is here already, and begin to understand it.

        Raises:
            WireError: As `ask`; or the agent has no speech recognition.
        """
        stt = self.agent.stt
        if stt is None:
            raise WireError("MALFORMED_PAYLOAD", "this server has no speech recognition: send text", "", request_id)
        request, pipeline = self._new(request_id, outbox)
        patience = request.watch.patience("stt")
        upload = self._upload(request, stt, patience, whole)
        work = functools.partial(pipeline.answer_voice, stt, upload, patience)
        return self._start(request, work), upload

    def answer_nothing(self, request_id: str, outbox: Outbox) -> None:
        """Answer a request that only changed settings, as an empty reply; it interrupts nothing.

        Raises:
            WireError: As `ask`.
        """
        request, _ = self._new(request_id, outbox)
        request.answer.end()

    def interrupt(self, request_id: str | None, reason: str, played_ms: float | None = None) -> Interruption:
        """Cancel one request, or with None all: at once. Its `stopped` waits for the proof."""
        return self.registry.interrupt(request_id, reason, played_ms)

    def played(self, request_id: str, played_ms: float) -> None:
        """Take the client's word for what it has played; an id nobody remembers is ignored."""
        if (request := self.registry.find(request_id)) is not None:
            request.ledger.reported(played_ms, trio.current_time())

    def close(self, reason: str) -> tuple[Request, ...]:
        """Cancel everything; the caller is gone or has to go. Returns what is on its way out."""
        return self.interrupt(None, reason).stopping

    def settle(self, request: Request) -> None:
        """Write into the dialogue what became of the answer."""
        ledger = request.ledger
        if request.ending == "failed":
            # What was sent, not what was heard: nobody cut the listener off, who has it on the screen.
            self.dialogue = self.dialogue.settle(request.key, ledger.shown, "failed")
        elif request.reason is not None:
            heard = ledger.heard_text(trio.current_time())
            self.dialogue = self.dialogue.settle(request.key, heard, "interrupted")
        else:
            self.dialogue = self.dialogue.settle(request.key, ledger.written, "complete")

    def release(self, request: Request) -> None:
        """Let go of a request that has ended."""
        self.registry.release(request)
        self._tell(self._observer.finished, request)

    def reaped(self, request: Request) -> None:
        """Pass on that an overrun request is gone."""
        self.registry.reaped(request)
        self._tell(self._observer.reaped, request)

    def _tell(self, hear: Callable[[Request], None], request: Request) -> None:
        try:
            hear(request)
        except Exception as error:  # noqa: BLE001 - an observer is the host's code; no request depends on it
            log.error("an observer raised", req_id=request.id, session_id=self.id, trace=places(error))

    def _new(self, request_id: str, outbox: Outbox) -> tuple[Request, Pipeline]:
        limits, settings = self.agent.limits, self.settings
        if self.registry.is_live(request_id):
            # Without the id in `request_id`: a client would end the live one.
            raise WireError("MALFORMED_PAYLOAD", "a request of that id is live already", request_id)
        if self.registry.overrunning >= limits.overruns:
            message = f"{limits.overruns} interrupted requests of this session have not let go yet"
            raise WireError("SERVER_BUSY", message, "", request_id)
        ledger = PlayoutLedger(settings.output, spoken=settings.require_tts and self.agent.tts is not None)
        answer = Answer(request_id, outbox, ledger, spoken=settings.require_tts)
        request = Request(request_id, next(self._keys), answer, limits, self)
        pipeline = Pipeline(
            agent=self.agent,
            request=request,
            output=settings.output,
            understood=functools.partial(self._understood, request),
            turn=self._turn,
            transcripts="transcripts" in settings.features,
        )
        return request, pipeline

    def _understood(self, request: Request, text: str) -> None:
        request.user_text = text
        self.dialogue = self.dialogue.ask(request.key, text)

    def _turn(self) -> Turn:
        system = self.settings.instructions(self.agent.prompt)
        return Turn(self.dialogue.messages(system, self.agent.limits.history_tokens), self.settings.tools)

    def _upload(self, request: Request, stt: SpeechToText, patience: Patience, whole: bytes | None) -> Upload:
        limits, source = self.agent.limits, self.settings.input

        def abandoned() -> None:
            message = f"the upload brought no audio for {limits.upload_idle_s:g} s and no end frame"
            request.fail(Failure("REQUEST_TIMEOUT", message, retryable=True))

        def ended() -> None:
            request.timeline.mark("upload_ended")
            patience.expect("a transcript", limits.transcript_s)

        upload = Upload(
            source,
            stt.audio_format,
            ahead_bytes=source.bytes(limits.upload_ahead_s * 1000) if whole is None else len(whole),
            idle_s=limits.upload_idle_s,
            abandoned=abandoned,
            ended=ended,
        )
        if whole is not None:
            upload.push(whole)
            upload.end()
        return upload

    def _start(self, request: Request, work: Callable[[], Awaitable[None]]) -> Request:
        predecessors = self.registry.live
        for predecessor in predecessors:
            predecessor.interrupt(NEW_INPUT)
        self.registry.cut_playing(NEW_INPUT)
        interrupted_before = self.registry.admit(request)
        self._tell(self._observer.accepted, request)
        if interrupted_before is not None:
            request.refuse(interrupted_before)
            return request

        async def after_predecessors() -> None:
            for predecessor in predecessors:
                await predecessor.stopped.wait()  # bounded by its guard
            await trio.lowlevel.checkpoint_if_cancelled()  # interrupted by now, it starts nothing
            await work()

        self._home.start_soon(request.run, after_predecessors, name=f"request {request.id}")
        self._home.start_soon(request.guard, name=f"guard of {request.id}")
        return request
