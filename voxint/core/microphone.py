"""The session's microphone: audio comes in whether or not a request listens to it."""

from __future__ import annotations

from attrs import frozen

from voxint.core.request import Request
from voxint.core.upload import Upload

__all__ = ["Microphone"]


@frozen(eq=False)
class _Hearing:
    """A request that listens.

    Args:
        source: Whose audio it listens to.
        request: The request.
        upload: Where the audio goes.
    """

    source: object
    request: Request
    upload: Upload


class Microphone:
    """Takes a session's audio and gives it to the request that listens; what nobody listens to is let go."""

    def __init__(self) -> None:
        self._hearing: _Hearing | None = None

    def open(self, source: object, request: Request, upload: Upload) -> None:
        """Give what comes from `source` to `upload` from now on, in place of any other."""
        self._hearing = _Hearing(source, request, upload)

    def feed(self, source: object, audio: bytes) -> None:
        """Take audio from `source`, any size; never waits."""
        hearing = self._hearing
        if hearing is not None and hearing.source is source and hearing.request.works:
            hearing.upload.push(audio)

    def close(self, source: object) -> None:
        """End the utterance of `source`: the request that listens has heard it all."""
        hearing = self._hearing
        if hearing is not None and hearing.source is source:
            self._hearing = None
            if hearing.request.works:
                hearing.upload.end()

    def lost(self, source: object) -> Request | None:
        """Note that nothing more comes from `source`; return the request that was still listening to it."""
        hearing = self._hearing
        if hearing is None or hearing.source is not source:
            return None
        self._hearing = None
        return None if hearing.upload.ended else hearing.request
