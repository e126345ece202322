"""What waits for a loudspeaker, and how much of it was heard: filled by the loop, emptied by PortAudio's thread."""

from __future__ import annotations

import threading
from array import array
from collections import deque

from voxint.core.audio import BYTES_PER_SAMPLE
from voxint.core.fade import FADE_MS

__all__ = ["Playback"]

FADE_S = FADE_MS / 1000
"""Seconds of a fade, as the server fades an answer in for who does not pause."""


class Playback:
    """A queue of sound with an account of what became of it.

    Its lock is held for copies of some hundred bytes, so neither side waits for the other. Times are in seconds on a
    clock of the caller's that both threads can read. Paused, it goes on for the length of a fade and keeps the rest;
    every frame is handed over once, faded or not, so what is heard of an answer is all of it.

    Args:
        rate: Frames a second.
        frame_bytes: Bytes of a frame: s16le.
    """

    def __init__(self, rate: int, frame_bytes: int) -> None:
        self._rate = rate
        self._frame_bytes = frame_bytes
        self._lock = threading.Lock()
        self._waiting: deque[bytes] = deque()
        self._waiting_frames = 0
        self._given_frames = 0
        self._settled_frames = 0
        self._begin = 0
        self._blocks: deque[tuple[float, int, int]] = deque()  # heard from when on, frames before it, frames in it
        self._paused = False
        self._fade_frames = round(rate * FADE_S)
        self._loudness = self._fade_frames  # of the last frame, in steps of a fade

    def begin(self) -> None:
        """Count what is heard from here on: another answer begins."""
        with self._lock:
            self._begin = self._given_frames + self._waiting_frames

    def put(self, sound: bytes) -> None:
        """Add whole frames."""
        if sound:
            with self._lock:
                self._waiting.append(sound)
                self._waiting_frames += len(sound) // self._frame_bytes

    def take(self, frames: int, now: float, delay_s: float) -> bytes:
        """Return what is to be played next, filled up with silence.

        Args:
            frames: How many the device wants.
            now: The time.
            delay_s: Seconds until their first one is heard.
        """
        with self._lock:
            sound = self._pop_faded(frames)
            count = len(sound) // self._frame_bytes
            self._settle(now)
            if count:
                self._blocks.append((now + delay_s, self._given_frames, count))
                self._given_frames += count
                self._waiting_frames -= count
        return sound.ljust(frames * self._frame_bytes, b"\0")

    def pause(self) -> None:
        """Fall silent within a fade, and keep what waits."""
        with self._lock:
            self._paused = True

    def resume(self) -> None:
        """Go on with the next frame of what was kept, with a fade in."""
        with self._lock:
            self._paused = False

    def discard(self) -> None:
        """Throw away what waits: the next block is silent. A pause is over, for there is nothing to keep."""
        with self._lock:
            self._waiting.clear()
            self._waiting_frames = 0
            self._paused = False
            self._loudness = self._fade_frames

    def heard_ms(self, now: float) -> float:
        """Return how many milliseconds have been heard since `begin`."""
        with self._lock:
            heard = self._settled_frames
            for at, before, count in self._blocks:
                if now >= at:
                    heard = before + min(count, int((now - at) * self._rate))
            return max(0, heard - self._begin) * 1000 / self._rate

    def left_s(self, now: float) -> float:
        """Return in how many seconds all that is here will have been heard, were there no pause."""
        with self._lock:
            return self._handed_s(now) + self._waiting_frames / self._rate

    def handed_s(self, now: float) -> float:
        """Return in how many seconds all that the device holds will have been heard."""
        with self._lock:
            return self._handed_s(now)

    def _handed_s(self, now: float) -> float:
        return max((0.0, *(at + count / self._rate - now for at, _, count in self._blocks)))

    def _pop_faded(self, frames: int) -> bytes:
        """Take frames from the queue: all that are wanted, or while paused what a fade out still takes."""
        begins_at = self._loudness
        if not self._paused:
            sound = self._pop(frames * self._frame_bytes)
            self._loudness = min(self._fade_frames, begins_at + len(sound) // self._frame_bytes)
            return self._scaled(sound, range(begins_at + 1, self._loudness + 1))
        wanted = min(frames, begins_at)
        sound = self._pop(wanted * self._frame_bytes)
        count = len(sound) // self._frame_bytes
        # Where less is there the device plays silence behind it, so that fade is over too.
        self._loudness = begins_at - count if count == wanted else 0
        return self._scaled(sound, range(begins_at - 1, begins_at - 1 - count, -1))

    def _scaled(self, sound: bytes, loudness: range) -> bytes:
        """Return the sound, its first frames made as loud as it is said, of `_fade_frames`."""
        size = len(loudness) * self._frame_bytes
        samples = array("h", sound[:size])
        channels = self._frame_bytes // BYTES_PER_SAMPLE
        for at, sample in enumerate(samples):
            samples[at] = sample * loudness[at // channels] // self._fade_frames
        return samples.tobytes() + sound[size:]

    def _pop(self, size: int) -> bytes:
        taken = bytearray()
        while self._waiting and len(taken) < size:
            sound = self._waiting.popleft()
            room = size - len(taken)
            taken += sound[:room]
            if len(sound) > room:
                self._waiting.appendleft(sound[room:])
        return bytes(taken)

    def _settle(self, now: float) -> None:
        while self._blocks:
            at, before, count = self._blocks[0]
            if at + count / self._rate > now:
                return
            self._blocks.popleft()
            self._settled_frames = before + count
