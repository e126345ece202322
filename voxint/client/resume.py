"""Where a client stands, for the one that comes after it."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import field, frozen

from voxint.arguments import check_fields
from voxint.protocol.messages import Response, Resume, SeenFrames

__all__ = ["Progress", "ResumePoint"]

MOST_SEEN = 64  # wire.md


@frozen(field_transformer=check_fields)
class ResumePoint:
    """A session to go on with, and what of it has come; `Client.resume_point` and `Client.join_point` give it.

    Args:
        session_id: Which.
        resume_token: A secret that is good for one resume.
        seen: By the id of each request that has not ended, the last frames that have come.
        by_voice: Those of them that an open microphone was told of: they go on in `Client.listen_always` and not as
            replies. None: none was open.
        joins: Whether it is for somebody who has not been there: what was said before does not come.
    """

    session_id: str
    resume_token: str = field(repr=False)
    seen: Mapping[str, SeenFrames] = field(factory=dict, hash=False)
    by_voice: tuple[str, ...] | None = None
    joins: bool = False

    @property
    def message(self) -> Resume:
        """The same on the wire."""
        seen = None if self.joins else dict(self.seen)
        return Resume(session_id=self.session_id, resume_token=self.resume_token, seen=seen)


class Progress:
    """The last frames of each request that has not ended.

    Args:
        resume: Where the client before stood.
    """

    def __init__(self, resume: ResumePoint | None) -> None:
        self._last: dict[str, tuple[int | None, int | None]] = {}
        self._asked: set[str] = set()
        if resume is not None:
            for request_id, frames in resume.seen.items():
                self._last[request_id] = (frames.text_stream_seq, frames.voice_stream_seq)
            self._asked = set(resume.seen).difference(resume.by_voice or ())

    @property
    def seen(self) -> dict[str, SeenFrames]:
        """What to say in REGISTER: of the latest, as many as it takes."""
        latest = list(self._last.items())[-MOST_SEEN:]
        return {
            request_id: SeenFrames(text_stream_seq=text, voice_stream_seq=voice) for request_id, (text, voice) in latest
        }

    @property
    def by_voice(self) -> tuple[str, ...]:
        """The requests that this client has not asked."""
        return tuple(each for each in self._last if each not in self._asked)

    def has_asked(self, request_id: str) -> bool:
        """Return whether it is a request of this client's that has not ended."""
        return request_id in self._asked

    def asked(self, request_id: str) -> None:
        """Note a request of which nothing has come."""
        self._last[request_id] = (None, None)
        self._asked.add(request_id)

    def took(self, frame: Response) -> None:
        """Note a frame."""
        text, voice = frame.text_stream_seq, frame.voice_stream_seq
        if frame.interrupted or -1 in (text, voice):
            self.ended(frame.request_id)
            return
        last_text, last_voice = self._last.get(frame.request_id, (None, None))
        self._last[frame.request_id] = (last_text if text is None else text, last_voice if voice is None else voice)

    def ended(self, request_id: str) -> None:
        """Note that nothing more comes of it."""
        self._last.pop(request_id, None)
        self._asked.discard(request_id)
