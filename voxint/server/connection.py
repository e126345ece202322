"""One client's messages, and what each does: no socket and no await, so the receive loop never waits."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import msgspec
import trio
from attrs import frozen

from voxint.core.interrupt import InterruptOrder
from voxint.core.listener import SMALL, Listener
from voxint.core.offers import changed_settings
from voxint.core.session import Session
from voxint.core.settings import SettingsChange
from voxint.errors import RequestRefused, WireError
from voxint.logs import get_logger
from voxint.net.places import Place
from voxint.protocol import messages as m
from voxint.protocol.codec import REGISTER_FIRST, decode_client, refused_upload
from voxint.protocol.codes import wire_error
from voxint.protocol.renderer import Renderer, pause_ack
from voxint.server import words
from voxint.server.audio_in import AudioIn
from voxint.server.entrance import STRANGE, Entrance
from voxint.server.host import Host
from voxint.server.keyring import Principal
from voxint.server.registration import GOING_AWAY, REFUSED, TRY_AGAIN, RegisterRefused, register
from voxint.server.session_info import session_info, wanted_fields
from voxint.server.store import REVOKED

__all__ = ["FAULT", "UNREAD", "Connection"]

LEFT = 1000

FAULT = 1011

UNREAD = 1008
"""Close code of a client that asks and does not read: a policy was broken."""

MAX_REGISTER_BYTES = 256 * 1024
"""Of a frame before REGISTER has succeeded; chosen here: as much as a session may have in prompts and functions, and
read in milliseconds, where anybody may send it."""

log = get_logger()


@frozen(eq=False)
class _MadeWhenTaken:
    """A message made when the writer takes it: who asks and does not read piles up questions, not answers."""

    make: Callable[[], m.ServerMessage]
    owner: object = None
    size: int = SMALL

    def take(self, now: float) -> m.ServerMessage:
        return self.make()


class Connection:
    """What a client has said so far, and what is on its way to it.

    Args:
        host: The server.
        place: What the connection takes up. None: nothing.
        address: Where the client is; empty: nobody knows.

    Attributes:
        listener: What the writer takes from.
        renderer: Writes the frames.
        session: None until REGISTER succeeds; it may outlive this connection, and have others.
        closing: The close code and reason, once the connection has to end.
        ending: Set once every request that ends with it has stopped then; the listener is closed.
        last_heard: When the last frame came, on trio's clock.
        entrance: What it has to pass before it registers.
        arrivals: How late what it says is.
    """

    def __init__(self, host: Host, place: Place | None = None, address: str = "") -> None:
        self.listener = Listener(lambda: self.close(UNREAD, "the client does not read what it is sent"))
        self.renderer = Renderer()
        self.session: Session | None = None
        self.closing: tuple[int, str] | None = None
        self.ending = trio.Event()
        self.last_heard = trio.current_time()
        self.entrance = Entrance(host, place)
        self.arrivals = host.lag.arrivals()
        self._host = host
        self._place = place
        self._address = address
        self._audio = AudioIn(self.listener, self._refuse)
        self._interrupting = False

    def receive(self, frame: str | bytes) -> bool:
        """Do what a frame asks. A bad frame costs an ERROR, and the connection only where REGISTER has not succeeded.

        Returns:
            Whether the frame interrupted something that is on its way out now.
        """
        self._interrupting = False
        if self.closing is None and self.entrance.turned_away is None:
            self.last_heard = trio.current_time()
            if isinstance(frame, bytes):
                self._audio.take(self.session, frame)
            else:
                self._read(frame)
        return self._interrupting

    def _read(self, frame: str) -> None:
        if self.session is None and not self._let_in(frame):
            return
        self._take(frame)

    def _take(self, frame: str) -> None:
        try:
            inbound = decode_client(frame, self.frame_limit)
        except WireError as error:
            self._refuse_frame(frame, error)
            if self.session is None:
                self.close(STRANGE, words.NO_MESSAGE)
            return
        try:
            self._dispatch(inbound.session_id, inbound.message)
        except WireError as error:
            self._refuse_frame(frame, error)

    def _let_in(self, frame: str) -> bool:
        """Look who a stranger is before anything else is read of what it says; return whether it is to be read now."""
        try:
            return self.entrance.lets_in(frame, self.frame_limit)
        except RegisterRefused as refusal:
            self._refuse_register(refusal)
        except WireError as error:
            self._refuse(error)
            if error.code != "SESSION_INVALID":
                self.close(STRANGE, words.NO_MESSAGE)
        return False

    async def finish_register(self) -> None:
        """Go on with the REGISTER whose password is being looked at. Cancelled, nothing has happened."""
        try:
            frame = await self.entrance.verified()
        except RegisterRefused as refusal:
            self._refuse_register(refusal)
        else:
            if frame is not None and self.closing is None:
                self._take(frame)

    def tell_turned_away(self) -> None:
        """Tell a stranger that its key is wrong, when the time for that has come."""
        if self.entrance.turned_away is not None:
            self._refuse_register(self.entrance.turned_away.refusal)

    def _refuse_register(self, refusal: RegisterRefused) -> None:
        if self.closing is None:
            self._refuse(refusal.error)
            self.close(refusal.code, refusal.reason)

    def _refuse_frame(self, frame: str, error: WireError) -> None:
        if self.session is not None and (request_id := refused_upload(frame)) is not None:
            self._audio.refused(self.session, request_id)
        self._refuse(error)

    def close(self, code: int, reason: str, *, why: str = "DISCONNECT", for_good: bool = False) -> None:
        """End the connection: leave the session, write what waits, and close. The first call stands.

        The listener takes what is posted until every request that ends with this connection has stopped, which the
        guard of each bounds: its last frame and the acknowledgement of an INTERRUPT that came before.

        Args:
            code: The close code.
            reason: Its reason, for the client's log.
            why: The reason of what is interrupted by it.
            for_good: Whether nobody will come back for the session.
        """
        if self.closing is not None:
            return
        self.closing = (code, reason)
        if (session := self.session) is None:
            self._end()
        else:
            self._audio.lost(session, why)
            leaving = session.detach(self.listener, why, for_good=for_good)
            leaving.when_stopped(lambda _: self._left(session, for_good=for_good))

    def _left(self, session: Session, *, for_good: bool) -> None:
        self._host.store.left(session, self.renderer, for_good=for_good)
        self._end()

    def _end(self) -> None:
        self.listener.close()
        self.ending.set()

    def revoked(self) -> None:
        """End the session: its key is good no more, so nobody can come back for it."""
        self.close(REFUSED, "the key or account was revoked: register with another", why=REVOKED, for_good=True)

    def lost(self) -> None:
        """Cancel what the client had asked: the connection is gone, by whoever's doing."""
        self.close(GOING_AWAY, "the connection was lost")

    def let_go(self) -> None:
        """Take apart what refers to itself: the connection is closed, and no collector should be needed."""
        self.listener.let_go()
        self._audio.let_go()
        self.session = None

    @property
    def address(self) -> str:
        """Where the client is, as far as anybody knows."""
        return self._address if self._place is None else self._place.address

    @property
    def principal(self) -> Principal | None:
        """Who has registered, or is about to."""
        return self.entrance.principal

    def remaining_s(self) -> float:
        """Return how long the client may go on saying nothing."""
        return self.last_heard + self._host.config.session_timeout_s - trio.current_time()

    @property
    def frame_limit(self) -> int:
        """The largest message that is taken now, in bytes: less than the configured one until REGISTER succeeds."""
        most = self._host.config.max_frame_bytes
        return most if self.session is not None else min(most, MAX_REGISTER_BYTES)

    def _dispatch(self, session_id: str | None, message: m.ClientMessage) -> None:
        if isinstance(message, m.HealthCheck):
            self._health_check(message)
        elif isinstance(message, m.Register):
            self._register(message)
        elif self.session is None:
            raise WireError("SESSION_INVALID", REGISTER_FIRST)
        elif session_id != self.session.id:
            raise WireError("SESSION_INVALID", words.OTHER_SESSION, "$.session_id")
        else:
            HANDLERS[type(message)](self, self.session, message)

    def _refuse(self, error: WireError) -> None:
        request_id = error.request_id
        if request_id is not None and self.session is not None and self.session.registry.is_live(request_id):
            # An ERROR that bears the id would end the live request in the client.
            request_id = None
        self.listener.post(
            m.Error(
                error_code=error.code,  # type: ignore[arg-type]  # WireError says one of the protocol's codes
                error_msg=error.message,
                error_detail=error.detail,
                retryable=error.code == "SERVER_BUSY" if error.retryable is None else error.retryable,
                request_id=request_id,
            )
        )

    def _register(self, message: m.Register) -> None:
        principal = self.entrance.principal
        if self.session is not None or principal is None:
            raise WireError("MALFORMED_PAYLOAD", words.REGISTERED)
        try:
            if self._place is not None and not self._place.call():
                full = WireError("SERVER_BUSY", "the server has as many callers as it may have; try again later")
                raise RegisterRefused(full, TRY_AGAIN, "the server is full: try again later")
            session = register(self._host, message, principal, self.listener, self.renderer, address=self.address)
        except RegisterRefused as refusal:
            self._refuse_register(refusal)
            return
        self.session = session
        if "server_vad" in self.renderer.features:
            self._audio.listen_always(session, functools.partial(self._host.check_may_ask, session.id))

    def _request(self, session: Session, message: m.RequestMessage) -> None:
        if message.stream_seq == -1:
            self._audio.end(session, message.request_id)
            return
        if self._host.draining:
            raise WireError("SERVER_BUSY", words.SHUTTING_DOWN, "", message.request_id)
        meter, now = self._host.meter, trio.current_time()
        if (refused := meter.refuse_request(session.id, now)) is not None:
            meter.tell(refused.quota, session.id, now)
            raise refused.error(message.request_id)
        before = session.settings
        try:
            session.settings = changed_settings(session.agent, before, message.patch)
            self._begin(session, message)
            meter.asked(session.id, now)
        except RequestRefused as refusal:
            session.settings = before  # a refused request changes nothing
            meter.tell(refusal.limit, session.id, now)
            raise wire_error(refusal, message.request_id) from None
        except WireError:
            session.settings = before
            raise

    def _begin(self, session: Session, message: m.RequestMessage) -> None:
        late_s = self.arrivals.late_s
        if message.data_type == "TEXT":
            self._text(session, message, late_s)
        elif message.stream_flag:
            self._audio.begin(session, message.request_id, late_s)
        else:
            session.listen_to(message.request_id, self.listener, message.content.voice or b"", late_s=late_s)

    def _text(self, session: Session, message: m.RequestMessage, late_s: float) -> None:
        if text := (message.content.text or "").strip():
            session.ask(message.request_id, text, self.listener, late_s=late_s)
        elif message.patch == SettingsChange():
            raise WireError("MALFORMED_PAYLOAD", words.EMPTY_TEXT, "$.payload.content.text", message.request_id)
        else:
            session.answer_nothing(message.request_id, self.listener)

    def _interrupt(self, session: Session, message: m.Interrupt) -> None:
        if message.mode != "commit":
            self._pause(session, message, message.mode)
            return
        # Cancelled here, in the step in which it is read, before anything is sent or awaited.
        interrupt = InterruptOrder(message.reason, message.played_ms, self.listener, self.arrivals.late_s)
        interruption = session.interrupt(message.interrupt_request_id, interrupt)
        interruption.when_stopped(self.listener.post)
        self._interrupting = bool(interruption.stopping)

    def _pause(self, session: Session, message: m.Interrupt, mode: m.Pause) -> None:
        if "hold" not in self.renderer.features:
            raise WireError("MALFORMED_PAYLOAD", words.not_granted(mode), "$.payload.mode")
        asked = message.interrupt_request_id
        if asked is not None and message.played_ms is not None:
            session.played(asked, message.played_ms, self.listener)
        met = session.hold(asked) if mode == "hold" else session.release(asked, "client")
        self.listener.post(pause_ack(met, mode))

    def _played(self, session: Session, message: m.Played) -> None:
        session.played(message.request_id, message.played_ms, self.listener)

    def _function_result(self, session: Session, message: m.FunctionResult) -> None:
        raise WireError("MALFORMED_PAYLOAD", words.NO_RESULTS, "$.msg_type")

    def _session_query(self, session: Session, message: m.SessionQuery) -> None:
        wanted = wanted_fields(message.query_fields)
        self.listener.queue(_MadeWhenTaken(functools.partial(self._session_info, session, wanted)))

    def _session_info(self, session: Session, wanted: frozenset[str]) -> m.SessionInfo:
        return session_info(self._host.store, session, wanted, self.remaining_s())

    def _shutdown(self, session: Session, message: m.Shutdown) -> None:
        self.close(LEFT, "the client has sent SHUTDOWN", why="CLIENT_SHUTDOWN", for_good=True)

    def _heartbeat_reply(self, session: Session, message: m.HeartbeatReply) -> None:
        pass  # to have been heard is all it asks

    def _health_check(self, message: m.HealthCheck) -> None:
        health = self._host.health()
        if message.check_fields:
            hidden = set(health.__struct_fields__) - set(message.check_fields)
            health = msgspec.structs.replace(health, **dict.fromkeys(hidden))
        self.listener.post(m.HealthCheckAck(health_status=health))


HANDLERS: dict[type[m.ClientMessage], Callable[[Connection, Session, Any], None]] = {
    m.RequestMessage: Connection._request,
    m.Interrupt: Connection._interrupt,
    m.Played: Connection._played,
    m.FunctionResult: Connection._function_result,
    m.SessionQuery: Connection._session_query,
    m.Shutdown: Connection._shutdown,
    m.HeartbeatReply: Connection._heartbeat_reply,
}
"""What each message of a client that has registered does."""
