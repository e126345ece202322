"""One client's messages, and what each does: no socket and no await, so the receive loop never waits."""

from __future__ import annotations

import functools
import time
import uuid
from collections.abc import Callable
from typing import Any

import msgspec
import trio
from attrs import frozen

from voxint.core.audio import AudioFormat
from voxint.core.failure import Failure
from voxint.core.outbox import Outbox
from voxint.core.request import Request
from voxint.core.session import Session
from voxint.core.settings import Settings
from voxint.core.upload import Upload
from voxint.errors import WireError
from voxint.logs import get_logger
from voxint.protocol import messages as m
from voxint.protocol.codec import decode_client, refused_upload
from voxint.server.auth import admits
from voxint.server.host import Host

__all__ = ["Connection"]

log = get_logger()

REFUSED = 4401
"""Close code of a failed REGISTER: in the private range, and not 1000, which existing clients take for success."""


GOING_AWAY = 1001
LEFT = 1000

MAX_REGISTER_BYTES = 256 * 1024
"""Of a frame before REGISTER has succeeded; chosen here: as much as a session may have in prompts and functions, and
read in milliseconds, where anybody may send it."""

SESSION_FIELDS = frozenset(
    ("platform", "require_tts", "enable_srs", "function_calling", "create_time", "remaining_seconds")
)


@frozen(eq=False)
class _Draft:
    """A message made when the writer takes it: who asks and does not read piles up questions, not answers."""

    make: Callable[[], m.ServerMessage]
    owner: object = None

    def take(self, now: float) -> m.ServerMessage:
        return self.make()


class Connection:
    """What a client has said so far, and the answers on their way to it.

    Args:
        host: The server.

    Attributes:
        outbox: What the writer sends.
        session: None until REGISTER succeeds.
        closing: The close code and reason, once the connection has to end.
        ending: Set once every request has stopped then; the outbox is closed.
        last_heard: When the last frame came, on trio's clock.
    """

    def __init__(self, host: Host) -> None:
        self.outbox = Outbox()
        self.session: Session | None = None
        self.closing: tuple[int, str] | None = None
        self.ending = trio.Event()
        self.last_heard = trio.current_time()
        self._host = host
        self._created = 0.0
        self._upload: tuple[Request, Upload] | None = None
        self._refused: str | None = None
        self._stray_told = False
        self._interrupting = False
        self._handlers: dict[type[m.ClientMessage], Callable[[Session, Any], None]] = {
            m.Request: self._request,
            m.Interrupt: self._interrupt,
            m.Played: self._played,
            m.FunctionResult: self._function_result,
            m.SessionQuery: self._session_query,
            m.Shutdown: self._shutdown,
            m.HeartbeatReply: self._heartbeat_reply,
        }

    def receive(self, frame: str | bytes) -> bool:
        """Do what a frame asks. A bad frame costs an ERROR, never the connection, except a failed REGISTER.

        Returns:
            Whether the frame interrupted something that is on its way out now.
        """
        self._interrupting = False
        if self.closing is None:
            self.last_heard = trio.current_time()
            if isinstance(frame, bytes):
                self._audio(frame)
            else:
                self._read(frame)
        return self._interrupting

    def _read(self, frame: str) -> None:
        try:
            inbound = decode_client(frame, self._frame_limit())
            self._dispatch(inbound.session_id, inbound.message)
        except WireError as error:
            if self.session is not None and (request_id := refused_upload(frame)) is not None:
                self._refuse_upload(request_id)
            self._refuse(error)

    def close(self, code: int, reason: str, why: str = "DISCONNECT") -> None:
        """End the connection: cancel what is live because of `why`, write what waits, and close. The first call stands.

        The outbox takes what is posted until every request has stopped, which the guard of each bounds: its last frame
        and the acknowledgement of an INTERRUPT that came before.
        """
        if self.closing is not None:
            return
        self.closing = (code, reason)
        if self.session is None:
            self._end()
        else:
            self.session.interrupt(None, why).when_stopped(lambda _: self._end())

    def _end(self) -> None:
        self.outbox.close()
        self.ending.set()

    def lost(self) -> None:
        """Cancel what the client had asked: the connection is gone, by whoever's doing."""
        self.close(GOING_AWAY, "the connection was lost")

    def remaining_s(self) -> float:
        """Return how long the client may go on saying nothing."""
        return self.last_heard + self._host.config.session_timeout_s - trio.current_time()

    def _frame_limit(self) -> int:
        most = self._host.config.max_frame_bytes
        return most if self.session is not None else min(most, MAX_REGISTER_BYTES)

    def _dispatch(self, session_id: str | None, message: m.ClientMessage) -> None:
        if isinstance(message, m.HealthCheck):
            self._health_check(message)
        elif isinstance(message, m.Register):
            self._register(message)
        elif self.session is None:
            raise WireError("SESSION_INVALID", "REGISTER first")
        elif session_id != self.session.id:
            raise WireError("SESSION_INVALID", "the session is not this connection's", "$.session_id")
        else:
            self._handlers[type(message)](self.session, message)

    def _refuse(self, error: WireError) -> None:
        request_id = error.request_id
        if request_id is not None and self.session is not None and self.session.registry.is_live(request_id):
            # An ERROR that bears the id would end the live request in the client.
            request_id = None
        self.outbox.post(
            m.Error(
                error_code=error.code,  # type: ignore[arg-type]  # WireError says one of the protocol's codes
                error_msg=error.message,
                error_detail=error.detail,
                retryable=error.code == "SERVER_BUSY",
                request_id=request_id,
            )
        )

    def _register(self, message: m.Register) -> None:
        if self.session is not None:
            raise WireError("MALFORMED_PAYLOAD", "this connection has registered already")
        if message.resume is not None:
            raise WireError("MALFORMED_PAYLOAD", "resume is not granted: REGISTER without it", "$.payload.resume")
        if self._host.draining:
            self._refuse(WireError("SERVER_BUSY", "the server is shutting down"))
            self.close(GOING_AWAY, "shutting down")
        elif not admits(self._host.config, message.auth):
            self._refuse(WireError("AUTH_FAILED", "the key or account is not known here"))
            self.close(REFUSED, "authentication failed")
        else:
            self._open_session(message)

    def _open_session(self, message: m.Register) -> None:
        settings = Settings(
            platform=message.platform,
            require_tts=False,  # the protocol's default; the library's is to speak
            features=frozenset(message.features) & m.SERVER_FEATURES,
            input=AudioFormat(message.audio.input_rate or AudioFormat().rate),
            output=AudioFormat(message.audio.output_rate or AudioFormat().rate),
        )
        self.session = Session(
            self._host.agent,
            self._host.home,
            session_id=f"sess_{uuid.uuid4().hex}",
            settings=settings.patched(message.patch),
            observer=self._host.observer,
        )
        self._created = time.time()
        log.info(
            "registered", session_id=self.session.id, platform=message.platform, features=sorted(settings.features)
        )
        self.outbox.post(
            m.RegisterAck(
                status="SUCCESS",
                message="registered",
                session_id=self.session.id,
                session_timeout_seconds=int(self._host.config.session_timeout_s),
                features=tuple(sorted(settings.features)),
                audio=m.Audio(input_rate=settings.input.rate, output_rate=settings.output.rate),
            )
        )

    def _request(self, session: Session, message: m.Request) -> None:
        if message.stream_seq == -1:
            self._end_upload(session, message.request_id)
            return
        if self._host.draining:
            raise WireError("SERVER_BUSY", "the server is shutting down", "", message.request_id)
        before = session.settings
        session.settings = _patched(before, message)
        try:
            self._begin(session, message)
        except WireError:
            session.settings = before  # a refused request changes nothing
            raise

    def _begin(self, session: Session, message: m.Request) -> None:
        if message.data_type == "TEXT":
            self._text(session, message)
        elif message.stream_flag:
            self._upload = session.listen(message.request_id, self.outbox)
            self._stray_told = False
        else:
            session.listen(message.request_id, self.outbox, whole=message.content.voice)

    def _text(self, session: Session, message: m.Request) -> None:
        if text := (message.content.text or "").strip():
            session.ask(message.request_id, text, self.outbox)
        elif message.patch == m.SessionPatch():
            raise WireError("MALFORMED_PAYLOAD", "the text is empty", "$.payload.content.text", message.request_id)
        else:
            session.answer_nothing(message.request_id, self.outbox)

    def _audio(self, audio: bytes) -> None:
        """Take microphone audio; what belongs to an upload that has ended is swallowed."""
        if self._upload is not None:
            request, upload = self._upload
            if request.stopping.is_set():
                return
            try:
                upload.push(audio)
            except WireError as error:
                request.fail(Failure("PAYLOAD_TOO_LARGE", error.message, retryable=False))
        elif not self._stray_told:
            self._stray_told = True
            code = "SESSION_INVALID" if self.session is None else "STREAM_SEQ_ERROR"
            self._refuse(WireError(code, "audio came without a start frame; what follows is ignored"))

    def _refuse_upload(self, request_id: str) -> None:
        """Swallow what follows a start frame that was refused: it is not of the upload that is open."""
        self._refused = request_id
        self._stray_told = True  # the refusal says it all; the client goes on sending for a while
        if self._upload is not None and self._upload[0].id != request_id:
            self._close_upload()

    def _close_upload(self) -> None:
        if self._upload is not None:
            request, upload = self._upload
            self._upload = None
            if not request.stopping.is_set():
                upload.end()

    def _end_upload(self, session: Session, request_id: str) -> None:
        if self._upload is not None and self._upload[0].id == request_id:
            self._close_upload()
            self._stray_told = True  # late audio of an upload that has ended is no news
        elif request_id != self._refused and session.registry.find(request_id) is None:
            raise WireError("STREAM_SEQ_ERROR", "an end frame came without a start frame", "", request_id)

    def _interrupt(self, session: Session, message: m.Interrupt) -> None:
        if message.mode != "commit":
            raise WireError("MALFORMED_PAYLOAD", f"mode {message.mode} is not granted", "$.payload.mode")
        # Cancelled here, before anything is sent or awaited.
        interruption = session.interrupt(message.interrupt_request_id, message.reason, message.played_ms)
        interruption.when_stopped(lambda stopped: self.outbox.post(stopped.acknowledgement()))
        self._interrupting = bool(interruption.stopping)

    def _played(self, session: Session, message: m.Played) -> None:
        session.played(message.request_id, message.played_ms)

    def _function_result(self, session: Session, message: m.FunctionResult) -> None:
        raise WireError("MALFORMED_PAYLOAD", "FUNCTION_RESULT is not granted", "$.msg_type")

    def _session_query(self, session: Session, message: m.SessionQuery) -> None:
        wanted = SESSION_FIELDS.intersection(message.query_fields or SESSION_FIELDS)
        self.outbox.queue(_Draft(functools.partial(self._session_info, session, wanted)))

    def _session_info(self, session: Session, wanted: frozenset[str]) -> m.SessionInfo:
        settings = session.settings
        data = {
            "platform": settings.platform,
            "require_tts": settings.require_tts,
            "enable_srs": settings.enable_srs,
            "function_calling": [
                {"name": tool.name, "description": tool.description, "parameters": dict(tool.parameters)}
                for tool in settings.tools
            ],
            "create_time": int(self._created * 1000),
            "remaining_seconds": max(0, int(self.remaining_s())),
        }
        chosen = {name: value for name, value in data.items() if name in wanted}
        return m.SessionInfo(status="SUCCESS", message="", session_data=chosen)

    def _shutdown(self, session: Session, message: m.Shutdown) -> None:
        self.close(LEFT, "the client said goodbye", "CLIENT_SHUTDOWN")

    def _heartbeat_reply(self, session: Session, message: m.HeartbeatReply) -> None:
        pass  # to have been heard is all it asks

    def _health_check(self, message: m.HealthCheck) -> None:
        health = self._host.health()
        if message.check_fields:
            hidden = set(health.__struct_fields__) - set(message.check_fields)
            health = msgspec.structs.replace(health, **dict.fromkeys(hidden))
        self.outbox.post(m.HealthCheckAck(health_status=health))


def _patched(settings: Settings, message: m.Request) -> Settings:
    try:
        return settings.patched(message.patch)
    except WireError as error:
        raise WireError(error.code, error.message, error.detail, message.request_id) from None
