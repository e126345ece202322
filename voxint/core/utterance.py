"""What a request lets its caller upload: how much, how far ahead, and how slowly."""

from __future__ import annotations

from collections.abc import Callable

import trio

from voxint.core.agent import Limits
from voxint.core.alarms import Alarms, StageDeadline
from voxint.core.audio import AudioFormat
from voxint.core.failure import Failure, FailureKind
from voxint.core.request import Request
from voxint.core.upload import Upload

__all__ = ["UploadPace", "open_upload"]


def open_upload(
    request: Request,
    target: AudioFormat,
    deadline: StageDeadline,
    source: AudioFormat,
    *,
    limits: Limits,
    whole: bytes | None,
) -> Upload:
    """Return the upload of `request`, which fails where it brings more, less or slower than it may.

    Args:
        request: Whose it is.
        target: The recogniser's audio format.
        deadline: The recogniser's.
        source: The client's audio format.
        limits: The bounds.
        whole: The utterance, where it is here already.
    """

    def fail(kind: FailureKind, message: str, limit: str = "") -> None:
        request.fail(Failure(kind, message, retryable=kind == "timeout", limit=limit))

    def abandoned() -> None:
        fail(
            "timeout",
            f"the voice upload brought neither audio nor its end for {limits.upload_idle_s:g} s: send one of them",
        )

    def overflowed() -> None:
        message = (
            f"speech recognition is {limits.upload_ahead_s:g} s behind the voice: send it no faster than it is spoken"
        )
        fail("too_large", message, "upload_ahead_s")

    def too_long() -> None:
        fail("too_large", f"the utterance lasts longer than {limits.upload_s:g} s: send less at a time", "upload_s")

    def too_slow() -> None:
        message = (
            f"the voice comes at less than {limits.upload_share:.0%} of a microphone's pace: is the network too slow?"
        )
        fail("timeout", message, "upload_share")

    def ended() -> None:
        request.timeline.mark("upload_ended")
        deadline.expect("a transcript", limits.transcript_s)

    upload = Upload(
        source,
        target,
        ahead_bytes=source.bytes(limits.upload_ahead_s * 1000) if whole is None else len(whole),
        most_bytes=source.bytes(limits.upload_s * 1000),
        idle_s=limits.upload_idle_s,
        abandoned=abandoned,
        overflowed=overflowed,
        too_long=too_long,
        ended=ended,
    )
    if whole is not None:
        upload.push(whole)
        upload.end()
    elif limits.upload_share:
        upload.when_begun(UploadPace(request.alarms, upload, source, limits, too_slow).begin)
    return upload


class UploadPace:
    """Ends an upload that is slower by far than the microphone it comes from: it would hold a recogniser.

    Args:
        alarms: The request's.
        upload: The upload.
        source: The format of its audio.
        limits: `upload_share` and `upload_grace_s`.
        too_slow: Called then; it has to cancel the reader.
    """

    def __init__(
        self, alarms: Alarms, upload: Upload, source: AudioFormat, limits: Limits, too_slow: Callable[[], None]
    ) -> None:
        self._upload = upload
        self._source = source
        self._limits = limits
        self._too_slow = too_slow
        self._began_at = 0.0
        self._alarm = alarms.alarm(self._look)

    def begin(self) -> None:
        """Judge it from now on: before its first audio it holds nothing, and its idle limit bounds it."""
        self._began_at = trio.current_time()
        self._alarm.set(self._enough_until())

    def _enough_until(self) -> float:
        """Return until when what has come is enough."""
        received_s = self._source.bytes_ms(self._upload.received_bytes) / 1000
        return self._began_at + self._limits.upload_grace_s + received_s / self._limits.upload_share

    def _look(self) -> None:
        if self._upload.ended:
            return
        if (until := self._enough_until()) > trio.current_time():
            self._alarm.set(until)
        else:
            self._upload.stop()
            self._too_slow()
