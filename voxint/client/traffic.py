"""A session's messages, both ways: each that comes goes to the reply, the waiter or the hook that it is for."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Literal, TypeVar
from weakref import WeakValueDictionary

import trio

from voxint.arguments import check_not_negative, check_type
from voxint.client.client_socket import ClientSocket
from voxint.client.microphone import RemoteMicrophone
from voxint.client.reply import RemoteReply
from voxint.client.resume import Progress
from voxint.client.waiting import Waiter, Waiters
from voxint.core.events import Ended, Event
from voxint.errors import ReplyOverflow, ServerError, WireError
from voxint.protocol import messages as m
from voxint.protocol.codec import decode_server, encode_client
from voxint.protocol.codes import failure_of
from voxint.protocol.to_events import events_of

__all__ = ["Notice", "Traffic"]

Notice = m.Shutdown | m.SessionWarn | m.Error
"""What a server says of its own accord: it goes down, the session is about to expire, or a message was refused that
belongs to no reply."""

_OfAnswer = m.Response | m.TranscriptMessage | m.SpeechMessage | m.HoldMessage | m.MarksMessage

_T = TypeVar("_T")


class Traffic:
    """What a client says, and what it is told.

    Args:
        socket: Carries it.
        waiters: Who waits for an answer of the server's.
        on_frame: Called with every frame and the instant it was read; None: nobody is.
        on_notice: Called with what the server says of its own accord; None: nobody is.
        progress: The last frames of each request.

    Attributes:
        replies: Those that somebody still has, by their ids.
        microphone: The one that is always open; None: none is.
        spoken: Whether answers have a voice, as far as this client has said so.
    """

    def __init__(
        self,
        socket: ClientSocket,
        waiters: Waiters,
        on_frame: Callable[[m.ServerMessage, float], None] | None,
        on_notice: Callable[[Notice], None] | None,
        progress: Progress,
    ) -> None:
        self.waiters = waiters
        self.progress = progress
        self.replies: WeakValueDictionary[str, RemoteReply] = WeakValueDictionary()
        self.microphone: RemoteMicrophone | None = None
        self.spoken = False
        self._socket = socket
        self._on_frame = on_frame
        self._on_notice = on_notice or (lambda notice: None)
        self._session_id: str | None = None

    # What it says.

    def post(self, message: m.ClientMessage) -> None:
        """Send a message.

        Raises:
            Disconnected: The connection is lost.
        """
        self._socket.post(encode_client(message, self._session_id, int(time.time() * 1000)))

    def post_interrupt(
        self,
        request_id: str | None,
        reason: str,
        played_ms: float | None = None,
        mode: Literal["commit"] | m.Pause = "commit",
    ) -> Waiter[m.InterruptAck]:
        """Send an INTERRUPT; return who waits for its acknowledgement."""
        check_type(reason, str, "reason")
        if played_ms is not None:
            played_ms = check_not_negative(played_ms, "played_ms")
        self.post(m.Interrupt(interrupt_request_id=request_id, reason=reason, played_ms=played_ms, mode=mode))
        return self.waiters.join((m.InterruptAck, request_id, mode))

    def post_query(self, message: m.ClientMessage, answer: type[_T]) -> Waiter[_T]:
        """Send a message that is answered by one of that type; return who waits for it."""
        self.post(message)
        return self.waiters.join(answer)

    def silence(self, request_id: str | None, reason: str) -> None:
        """Let what is read of a request end here, or with None of all: an INTERRUPT is on its way."""
        for reply in list(self.replies.values()):
            if request_id in (None, reply.request_id):
                reply._silence(reason)
        if self.microphone is not None:
            self.microphone._silence(request_id, reason)

    # What it is told.

    def receive(self, frame: str | bytes) -> None:
        """Do what a frame asks.

        Raises:
            WireError: The server breaks the protocol.
        """
        now = trio.current_time()
        try:
            message = decode_server(frame)
        except WireError as error:
            if error.detail == "$.msg_type":
                return  # a newer server's message, additive as the protocol promises
            raise
        if self._on_frame is not None:
            self._on_frame(message, now)
        match message:
            case m.Response() | m.TranscriptMessage() | m.SpeechMessage() | m.HoldMessage() | m.MarksMessage():
                self._said(message, now)
            case m.InterruptAck():
                asked = (m.InterruptAck, message.interrupt_request_id or None, message.mode or "commit")
                self.waiters.arrived(asked, message, now)
            case m.Error():
                self._error(message)
            case m.Heartbeat():
                if self._session_id is not None:  # else the server would refuse the answer, and with it all that waits
                    self.post(m.HeartbeatReply(client_status="ONLINE"))
            case m.Shutdown() | m.SessionWarn():
                self._on_notice(message)
            case m.RegisterAck():
                # Set here and not by who waits for it: what follows in the same step may already need it.
                self._session_id = message.session_id
                if message.resumed is not None:
                    self._go_on(message.resumed)
                self.waiters.arrived(m.RegisterAck, message, now)
            case _:
                self.waiters.arrived(type(message), message, now)

    def fail_all(self, error: ServerError) -> None:
        """Fail whoever reads or waits: the connection is lost, or the session is."""
        for reply in list(self.replies.values()):
            reply._fail(error)
        if self.microphone is not None:
            self.microphone._fail(error)
        self.waiters.fail(error)

    def _go_on(self, resumed: m.Resumed) -> None:
        """Tell what goes on from before what became of it meanwhile."""
        for request_id in self.progress.seen:
            reply = self.replies.get(request_id)
            if reply is not None:
                reply.incomplete = request_id in resumed.lost
            if request_id in resumed.live or request_id in resumed.outcomes:
                continue
            if reply is not None:
                forgotten = f"request {request_id} has not reached the server, or is forgotten there: ask again"
                reply._fail(self._socket.disconnected(forgotten))
            elif self.microphone is not None:
                self._hear(request_id, (Ended(True, "DISCONNECT"),))
            self.progress.ended(request_id)

    def _said(self, message: _OfAnswer, now: float) -> None:
        request_id, events = message.request_id, events_of(message)
        asked_here = self.progress.has_asked(request_id)
        if isinstance(message, m.Response):
            self.progress.took(message)
        reply = self.replies.get(request_id)
        if reply is not None and not reply.ended:
            try:
                reply._take(events, now)
            except ReplyOverflow:
                self.post_interrupt(request_id, "CLIENT_ERROR")
        elif not asked_here:
            self._hear(request_id, events)

    def _hear(self, request_id: str, events: tuple[Event, ...]) -> None:
        """Tell the open microphone, if there is one; it is let go of where it is not read."""
        if self.microphone is None:
            return
        try:
            self.microphone._take(request_id, events, spoken=self.spoken)
        except ReplyOverflow:
            self.microphone = None
            self.post_interrupt(request_id, "CLIENT_ERROR")

    def _error(self, message: m.Error) -> None:
        request_id = message.request_id
        reply = self.replies.get(request_id) if request_id else None
        asked_here = request_id is not None and self.progress.has_asked(request_id)
        if request_id is not None:
            self.progress.ended(request_id)
        error = ServerError(
            message.error_code,
            message.error_msg,
            message.error_detail,
            message.retryable,
            message.stage,
            message.error_id,
        )
        if reply is not None and not reply.ended:
            reply._fail(error)
        elif message.error_code == "SESSION_INVALID" or self._session_id is None:
            self.fail_all(error)
        elif request_id is not None and not asked_here and self.microphone is not None:
            self._hear(request_id, (Ended(False, failure=failure_of(message)),))
        else:
            self._on_notice(message)
