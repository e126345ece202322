"""What waits for a loudspeaker, and how much of it was heard: filled by the loop, emptied by PortAudio's thread."""

from __future__ import annotations

import threading
from collections import deque

__all__ = ["Playback"]


class Playback:
    """A queue of sound with an account of what became of it.

    Its lock is held for copies of some hundred bytes, so neither side waits for the other. Times are in seconds on a
    clock of the caller's that both threads can read.

    Args:
        rate: Frames a second.
        frame_bytes: Bytes of a frame.
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
            sound = self._pop(frames * self._frame_bytes)
            count = len(sound) // self._frame_bytes
            self._settle(now)
            if count:
                self._blocks.append((now + delay_s, self._given_frames, count))
                self._given_frames += count
                self._waiting_frames -= count
        return sound.ljust(frames * self._frame_bytes, b"\0")

    def discard(self) -> None:
        """Throw away what waits: the next block is silent."""
        with self._lock:
            self._waiting.clear()
            self._waiting_frames = 0

    def heard_ms(self, now: float) -> float:
        """Return how many milliseconds have been heard since `begin`."""
        with self._lock:
            heard = self._settled_frames
            for at, before, count in self._blocks:
                if now >= at:
                    heard = before + min(count, int((now - at) * self._rate))
            return max(0, heard - self._begin) * 1000 / self._rate

    def left_s(self, now: float) -> float:
        """Return in how many seconds all that is here will have been heard."""
        with self._lock:
            handed = max((at + count / self._rate - now for at, _, count in self._blocks), default=0.0)
            return max(0.0, handed) + self._waiting_frames / self._rate

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
