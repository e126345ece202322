"""What a microphone brings at once is heard in portions, so that one long piece holds up nobody else."""

from __future__ import annotations

from collections.abc import Callable

import trio

from voxint.core.audio import AudioFormat

__all__ = ["AT_ONCE_MS", "Portions"]

AT_ONCE_MS = 64.0
"""Milliseconds of sound that are heard in one step; ours: two windows of a usual detector, 1 ms of work, and 6 ms
where they are compared with an answer. A microphone's own pieces are mostly shorter, and are heard as they come."""


class Portions:
    """Hands on what is longer than a portion one portion in each pass of the scheduler, in its order.

    Args:
        home: Where the task lives that does so; it ends with what it has to hand on, or with `close`.
        source: The format of the sound.
        hear: Takes a portion; it may raise.
    """

    def __init__(self, home: trio.Nursery, source: AudioFormat, hear: Callable[[bytes], None]) -> None:
        self._home = home
        self._source = source
        self._most = source.bytes(AT_ONCE_MS)
        self._hear = hear
        self._left = bytearray()
        self._at_work = False
        self._error: Exception | None = None

    @property
    def left_ms(self) -> float:
        """Milliseconds of sound that are still to be handed on."""
        return self._source.bytes_ms(len(self._left))

    def take(self, audio: bytes) -> None:
        """Hand on the first portion now, and what is behind it later; never waits. What is left is not bounded here.

        Raises:
            Exception: What `hear` has raised, now or at an earlier piece that was left. This piece was taken.
        """
        if self._at_work:
            self._left += audio
        else:
            if len(audio) > self._most:
                self._left += memoryview(audio)[self._most :]
                self._at_work = True
                self._home.start_soon(self._hand_on, name="sound of a microphone")
            self._hear(audio[: self._most])
        error, self._error = self._error, None
        if error is not None:
            raise error

    def hush(self) -> None:
        """Hand on quiet in the place of what is left: its time has passed, and nobody has spoken in it."""
        self._left[:] = bytes(len(self._left))

    def close(self) -> None:
        """Throw away what is left."""
        self._left.clear()

    async def _hand_on(self) -> None:
        try:
            await trio.lowlevel.checkpoint()
            while self._left:
                portion = bytes(self._left[: self._most])
                del self._left[: self._most]
                try:
                    self._hear(portion)
                except Exception as error:  # noqa: BLE001 - whose microphone it is has to hear of it, and nobody else
                    self._error = self._error or error
                await trio.lowlevel.checkpoint()
        finally:
            self._at_work = False
