"""Synthesized speech on its way to the listener: resampled, cut into frames, paced to playback.

TCP takes seconds of audio that nobody has heard and no interrupt can recall, so audio leaves at most `lead_ms` ahead
of playback. What is synthesized faster waits here, up to `speech_ahead_ms`; beyond that the synthesizer waits.
"""

from __future__ import annotations

import trio

from voxint.core.agent import Limits
from voxint.core.answer import Answer
from voxint.core.resample import resampler
from voxint.core.stages import Speech
from voxint.core.timeline import Timeline
from voxint.errors import UpstreamError
from voxint.protocol.audio import BYTES_PER_SAMPLE, AudioFormat

__all__ = ["Voice"]

DRY_MS = 60.0
"""A frame that is not full leaves when the listener has no more than this left to play: one frame and the network."""


class Voice:
    """The voice stream of one request.

    Args:
        answer: Where the frames go; its ledger learns what was generated.
        timeline: Gets `first_audio` and `first_voice`.
        source: The synthesizer's format.
        target: The session's.
        limits: `lead_ms`, `frame_ms`, `speech_ahead_ms`.
    """

    def __init__(
        self, answer: Answer, timeline: Timeline, source: AudioFormat, target: AudioFormat, limits: Limits
    ) -> None:
        self._answer = answer
        self._timeline = timeline
        self._resampler = resampler(source, target)
        self._format = target
        self._frame_bytes = target.bytes(limits.frame_ms)
        self._ahead_bytes = target.bytes(limits.speech_ahead_ms)
        # A frame leaves when what is ahead of it leaves room for it in the lead.
        self._lead_s = max(0.0, limits.lead_ms - limits.frame_ms) / 1000
        self._buffer = bytearray()
        self._ended = False
        self._more = trio.lowlevel.ParkingLot()
        self._less = trio.lowlevel.ParkingLot()
        self._plays_until = -1.0

    @property
    def full(self) -> bool:
        """Whether the synthesizer is as far ahead as it may be."""
        return len(self._buffer) >= self._ahead_bytes

    async def room(self) -> None:
        """Wait until half of what waits has been sent. Bounded by the request's own deadline.

        Half, because a synthesizer that is let on after every frame reads its socket 25 times a second.
        """
        if self.full:
            await self._less.park()

    def add(self, speech: Speech) -> None:
        """Account for synthesized audio and let it wait for its turn.

        Raises:
            UpstreamError: It ends in the middle of a sample; all that follows would be noise.
        """
        if speech.text is not None:
            self._answer.ledger.begin_span(speech.text)
        if len(speech.audio) % BYTES_PER_SAMPLE:
            raise UpstreamError("it wrote half a sample", retryable=False)
        if speech.audio:
            self._timeline.mark("first_audio")
            self._append(self._resampler.feed(speech.audio))

    def end(self) -> None:
        """Note that no more audio comes."""
        self._append(self._resampler.flush())
        self._answer.ledger.end_spans()
        self._ended = True
        self._more.unpark_all()

    def _append(self, audio: bytes) -> None:
        if audio:
            self._buffer += audio
            self._answer.ledger.generated(len(audio) // BYTES_PER_SAMPLE)
            self._more.unpark()

    async def pace(self) -> None:
        """Send frames as playback goes on, until the end. Waits for audio as long as the synthesizer may take."""
        while await self._frame_ready():
            await self._answer.room()
            leaves_at = self._plays_until - self._lead_s
            if leaves_at > trio.current_time():
                await trio.sleep_until(leaves_at)
            self._send_frame()

    async def _frame_ready(self) -> bool:
        while len(self._buffer) < self._frame_bytes:
            if self._ended:
                return bool(self._buffer)
            if not self._buffer:
                await self._more.park()
                continue
            dry_at = self._plays_until - DRY_MS / 1000
            if dry_at <= trio.current_time():
                return True
            with trio.move_on_at(dry_at):
                await self._more.park()
        return True

    def _send_frame(self) -> None:
        frame = bytes(self._buffer[: self._frame_bytes])
        del self._buffer[: self._frame_bytes]
        samples = len(frame) // BYTES_PER_SAMPLE
        self._answer.voice(frame, samples)
        self._timeline.mark("first_voice")
        now = trio.current_time()
        self._plays_until = max(self._plays_until, now) + samples / self._format.rate
        if len(self._buffer) <= self._ahead_bytes // 2:
            self._less.unpark_all()
