"""What a connection does with the audio that it brings: no socket and no await, so the receive loop never waits."""

from __future__ import annotations

from collections.abc import Callable

import trio

from voxint.core.ears.ears import Ears, tell_deaf
from voxint.core.listener import Listener
from voxint.core.session import Session
from voxint.errors import RequestRefused, UpstreamError, WireError
from voxint.protocol.codec import REGISTER_FIRST
from voxint.server import words

__all__ = ["AudioIn"]

MOVED = "MICROPHONE_MOVED"
"""The reason of an utterance whose microphone another connection has taken over."""

OPEN_AGAIN_S = 5.0
"""Seconds until a microphone is opened anew that could not be; ours: as long as a detector rests that has failed."""

TELL_EVERY_S = 1.0
"""How often a client is told that what its open microphone sends is not heard; ours: a microphone sends 50 to 400
pieces a second."""


class AudioIn:
    """The audio of one connection: of one upload at a time, or of a microphone that is always open.

    Args:
        listener: The connection's, by which its session knows whose voice it is.
        refuse: Tells the client what is wrong.
    """

    def __init__(self, listener: Listener, refuse: Callable[[WireError], None]) -> None:
        self._listener = listener
        self._refuse = refuse
        self._uploading: str | None = None
        self._refused: str | None = None
        self._stray_told = False
        self._may_ask: Callable[[], None] | None = None
        self._ears: Ears | None = None
        self._open_again_at = 0.0
        self._tell_again_at = 0.0

    def listen_always(self, session: Session, may_ask: Callable[[], None]) -> None:
        """Hear what comes from now on as the session's open microphone; whose that was loses it.

        Args:
            session: Whose; its agent has a voice detector and a recogniser.
            may_ask: Raises `RequestRefused` where an utterance may not be asked now.
        """
        self._may_ask = may_ask
        if session.ears is not None:
            session.ears.close(MOVED)
        self._open(session, may_ask)

    def lost(self, session: Session, why: str) -> None:
        """Note that nothing more comes; the next connection that listens always and sends has the microphone then."""
        if self._ears is not None and session.ears is self._ears:
            self._ears.close(why)

    def take(self, session: Session | None, audio: bytes) -> None:
        """Take microphone audio; what belongs to an upload that has ended is swallowed."""
        if session is not None and self._uploading is not None:
            session.microphone.feed(self._listener, audio)
        elif session is not None and self._may_ask is not None:
            self._hear(session, audio, self._may_ask)
        elif not self._stray_told:
            self._stray_told = True
            stray = WireError("STREAM_SEQ_ERROR", words.STRAY_AUDIO)
            self._refuse(WireError("SESSION_INVALID", REGISTER_FIRST) if session is None else stray)

    def _hear(self, session: Session, audio: bytes, may_ask: Callable[[], None]) -> None:
        if session.ears is None and trio.current_time() >= self._open_again_at:  # whose it was is gone
            self._open(session, may_ask)
        ears = session.ears
        if ears is None:
            return  # its detector could not be had just now, which was told
        if ears is not self._ears:
            self._tell(WireError("STREAM_SEQ_ERROR", words.MICROPHONE_TAKEN))
            return
        try:
            ears.feed(audio)
        except RequestRefused as refusal:
            self._tell(WireError("PAYLOAD_TOO_LARGE", refusal.message))
        except UpstreamError as error:
            self._is_deaf(session, error)

    def _open(self, session: Session, may_ask: Callable[[], None]) -> None:
        """Hear the session's microphone, where its detector can be had; else it is tried again with later sound."""
        try:
            self._ears = Ears(session, self._listener, may_ask=may_ask)
        except UpstreamError as error:
            self._open_again_at = trio.current_time() + OPEN_AGAIN_S
            self._is_deaf(session, error)

    def _is_deaf(self, session: Session, error: UpstreamError) -> None:
        """Tell that the voice detector has failed: it takes a rest, and what is said meanwhile is not heard."""
        tell_deaf(session.id, error)
        self._refuse(WireError("UPSTREAM_ERROR", words.DEAF, "", None, True))

    def let_go(self) -> None:
        """Forget whom to tell: the connection is closed, and owns this."""
        self._refuse = lambda error: None
        self._may_ask = self._ears = None

    def _tell(self, error: WireError) -> None:
        if (now := trio.current_time()) >= self._tell_again_at:
            self._tell_again_at = now + TELL_EVERY_S
            self._refuse(error)

    def begin(self, session: Session, request_id: str, late_s: float) -> None:
        """Begin an upload, in place of any other.

        Raises:
            RequestRefused: As `Session.listen`.
            WireError: The microphone is always open, so that the upload would get no audio.
        """
        if self._may_ask is not None:
            raise WireError("MALFORMED_PAYLOAD", words.ALWAYS_OPEN, "$.payload.stream_flag", request_id)
        session.listen(request_id, self._listener, late_s=late_s)
        self._uploading = request_id
        self._stray_told = False

    def refused(self, session: Session, request_id: str) -> None:
        """Swallow what follows a start frame that was refused: it is not of the upload that is open."""
        self._refused = request_id
        self._stray_told = True  # the refusal says it all; the client goes on sending for a while
        if self._uploading not in (None, request_id):
            self._close(session)

    def end(self, session: Session, request_id: str) -> None:
        """End an upload.

        Raises:
            WireError: It has not begun.
        """
        if self._uploading == request_id:
            self._close(session)
            self._stray_told = True  # late audio of an upload that has ended is no news
        elif request_id != self._refused and session.registry.find(request_id) is None:
            raise WireError("STREAM_SEQ_ERROR", words.STRAY_END, "", request_id)

    def _close(self, session: Session) -> None:
        self._uploading = None
        session.microphone.close(self._listener)
