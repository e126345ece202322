"""What a connection does with the audio that it brings: no socket and no await, so the receive loop never waits."""

from __future__ import annotations

from collections.abc import Callable

from voxint.core.listener import Listener
from voxint.core.session import Session
from voxint.errors import WireError
from voxint.protocol.codec import REGISTER_FIRST
from voxint.server import words

__all__ = ["AudioIn"]


class AudioIn:
    """The audio of one connection: of one upload at a time.

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

    def take(self, session: Session | None, audio: bytes) -> None:
        """Take microphone audio; what belongs to an upload that has ended is swallowed."""
        if session is not None and self._uploading is not None:
            session.microphone.feed(self._listener, audio)
        elif not self._stray_told:
            self._stray_told = True
            stray = WireError("STREAM_SEQ_ERROR", words.STRAY_AUDIO)
            self._refuse(WireError("SESSION_INVALID", REGISTER_FIRST) if session is None else stray)

    def begin(self, session: Session, request_id: str, late_s: float) -> None:
        """Begin an upload, in place of any other.

        Raises:
            RequestRefused: As `Session.listen`.
        """
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
