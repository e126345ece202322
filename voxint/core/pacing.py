"""Synthesized speech on its way to the player: resampled, cut into frames, paced to playback.

TCP takes seconds of audio that nobody has heard and no interrupt can recall, so audio leaves at most `lead_ms` ahead
of playback. What is synthesized faster waits here, up to `speech_ahead_ms`; beyond that the synthesizer waits.
"""

from __future__ import annotations

from math import ceil, inf

import trio

from voxint.core.agent import Limits
from voxint.core.alignment import Script
from voxint.core.audio import BYTES_PER_SAMPLE, AudioFormat
from voxint.core.hearers import STALL_S
from voxint.core.request import Request
from voxint.core.resample import resampler
from voxint.core.stages import Speech

__all__ = ["Pacer"]

DRY_MS = 60.0
"""A frame that is not full leaves when the listener has no more than this left to play: one frame and the network."""

LONGEST_LEAD_MS = 3_600_000.0  # of an operator who wants none: an hour

TOGETHER = 0.4
"""The share of the lead that may leave at once: 3 frames of 40 ms of a lead of 300. A wake-up and a write cost more
than a frame does, and 160 ms of lead are still left when the next frames leave. Chosen by what `bench` measured."""

MOST_BYTES = 32_768
"""What leaves at once at most, however long the lead: a second of 16 kHz audio, as much as may wait for the writer."""

TICKS = 64
"""Frames leave on a grid of so many a second, so that listeners share wake-ups: the scheduler's pass costs as much as
what is done in it. The lead is up to 16 ms shorter for it; where less than half would be left, frames leave on time."""

HAIR_S = 1e-6  # what sums of frame lengths may differ by


class Pacer:
    """The voice of one request, in frames that leave as playback goes on.

    It has no task: a frame leaves in the step in which it is added, or when an alarm of the request is due.

    Args:
        request: Whose answer, timeline and alarms are used; its ledger learns what was generated.
        script: What the synthesizer was given to say.
        source: The synthesizer's format.
        target: The session's.
        limits: `lead_ms`, `frame_ms`, `speech_ahead_ms`; and `keep_ms`, while nobody listens.
    """

    def __init__(
        self, request: Request, script: Script, source: AudioFormat, target: AudioFormat, limits: Limits
    ) -> None:
        self._answer = request.answer
        self._timeline = request.timeline
        self._script = script
        self._resampler = resampler(source, target)
        self._source, self._format = source, target
        self._taken = self._made = 0  # samples given to the resampler, and got from it
        self._frame_bytes = target.bytes(limits.frame_ms)
        self._frame_s = limits.frame_ms / 1000
        self._ahead_bytes = target.bytes(limits.speech_ahead_ms)
        self._keep_bytes = max(self._ahead_bytes, target.bytes(limits.keep_ms))
        lead_ms = max(limits.frame_ms, min(limits.lead_ms, LONGEST_LEAD_MS))
        self._lead_s = lead_ms / 1000
        # Once the lead is full, frames leave when it has room for so many.
        self._room_s = max(1, int(lead_ms * TOGETHER / limits.frame_ms)) * limits.frame_ms / 1000
        self._can_wait = self._lead_s - self._room_s - 1 / TICKS >= self._lead_s / 2
        self._buffer = bytearray()
        self._ended = False
        self._less = trio.lowlevel.ParkingLot()
        self._plays_until = -1.0
        self._held_up_from = inf  # since when playback stands because of the player
        self._late_s = 0.0  # how long it has stood so in all
        self._stood_s = 0.0  # how long the player has paused in all, for holds
        self._alarm = request.alarms.alarm(self._go_on)
        request.answer.when_room(self._go_on)
        request.when_stopping(self._stop)

    @property
    def full(self) -> bool:
        """Whether the synthesizer is as far ahead as it may be."""
        if self._answer.silent:
            return False  # what still comes is thrown away
        return len(self._buffer) >= (self._keep_bytes if self._answer.player is None else self._ahead_bytes)

    async def room(self) -> None:
        """Wait until half of what waits has been sent. Bounded by the request's own deadline.

        Half, because a synthesizer that is let on after every frame reads its socket 25 times a second.
        """
        if self.full:
            await self._less.park()

    async def sent(self) -> None:
        """Wait until all has been sent, after `end`. Bounded by the request's own deadline."""
        while self._buffer and not self._answer.silent:
            await self._less.park()

    def add(self, speech: Speech) -> None:
        """Account for synthesized audio, whole samples, and send it, or let it wait for its turn."""
        if self._answer.silent:
            return
        if (speech.text is not None or speech.audio) and (begun := self._script.begun(speech.text)):
            self._answer.ledger.begin_span(begun, self._delayed)
        if speech.audio:
            self._timeline.mark("first_audio")
            self._taken += len(speech.audio) // BYTES_PER_SAMPLE
            self._append(self._resampler.feed(speech.audio))
            self._go_on()

    def end(self) -> None:
        """Note that no more audio comes."""
        self._append(self._resampler.flush())
        if rest := self._script.rest():
            self._answer.ledger.begin_span(rest)
        self._answer.ledger.end_spans()
        self._ended = True
        if not self._buffer:
            self._answer.voice()  # the last words have sounded: what is written behind them is reached
        self._go_on()

    def _stop(self) -> None:
        """Let a synthesizer go on that waits for room: the request is over, and what it writes is thrown away."""
        self._alarm.clear()
        self._buffer.clear()
        self._less.unpark_all()

    @property
    def _delayed(self) -> int:
        """How many samples the resampler holds, up to 80 ms of them: a word that begins now begins behind them."""
        return max(0, self._taken * self._format.rate // self._source.rate - self._made)

    def _append(self, audio: bytes) -> None:
        if audio:
            self._buffer += audio
            self._made += len(audio) // BYTES_PER_SAMPLE
            self._answer.ledger.generated(len(audio) // BYTES_PER_SAMPLE)

    def _go_on(self) -> None:
        """Send what may leave now, and look again when the next frame may."""
        if self._answer.silent:
            return
        if self._answer.player is None:
            self._less.unpark_all()  # the bound is that of what is kept
        now, holding = trio.current_time(), self._answer.holding
        # A player that paused has all that it had then; one that did not has played it out.
        self._plays_until += holding.stood_s - self._stood_s
        self._stood_s = holding.stood_s
        self._plays_until = max(self._plays_until, self._answer.plays_until, holding.plays_until)
        self._mind_player(now)
        if holding.keeps_back:
            self._held_up_from = inf  # what waits now is no fault of the player's
            self._alarm.clear()
            return
        while (leaves_at := self._leaves_at(now)) <= now:
            self._send_frames(now)
        self._mind_player(now)
        self._alarm.set(leaves_at)

    def _mind_player(self, now: float) -> None:
        """Where the player has let playback stand for long in all, and others listen, drop it."""
        if not self._answer.full:
            self._late_s += max(0.0, now - self._held_up_from)
            self._held_up_from = inf
            if self._late_s > STALL_S:
                self._late_s = 0.0
                self._answer.drop_player()
        elif self._buffer:
            self._held_up_from = min(self._held_up_from, max(self._plays_until, now))

    def _leaves_at(self, now: float) -> float:
        """Return when the next frame may leave; infinite where something else has to happen first."""
        if not self._buffer or self._answer.player is None or self._answer.full:
            return inf
        full_until = self._plays_until - self._lead_s
        leaves_at = now
        if full_until + self._frame_s > now + HAIR_S:
            leaves_at = full_until + self._room_s
            leaves_at = ceil(leaves_at * TICKS) / TICKS if self._can_wait else leaves_at
        if len(self._buffer) < self._frame_bytes and not self._ended:
            # A frame waits to be full while the listener has something to play.
            leaves_at = max(leaves_at, self._plays_until - DRY_MS / 1000)
        return leaves_at

    def _send_frames(self, now: float) -> None:
        """Send the frame that is due, and those behind it that fit into the lead."""
        self._plays_until = max(self._plays_until, now)
        frames, sent = [], 0
        while True:
            frame = bytes(self._buffer[sent : sent + self._frame_bytes])
            frames.append(frame)
            sent += len(frame)
            self._plays_until += len(frame) // BYTES_PER_SAMPLE / self._format.rate
            if sent >= MOST_BYTES:
                break
            fits = self._plays_until + self._frame_s <= now + self._lead_s + HAIR_S
            if not fits or len(self._buffer) - sent < self._frame_bytes:
                break
        del self._buffer[:sent]
        self._answer.voice(*frames)
        self._timeline.mark("first_voice")
        if len(self._buffer) <= self._ahead_bytes // 2:
            self._less.unpark_all()
