"""A voice upload on its way to the recogniser."""

from __future__ import annotations

import math
from collections.abc import Callable

import trio

from voxint.core.audio import AudioFormat
from voxint.core.resample import resampler

__all__ = ["Upload"]

QUANTUM_MS = 20.0
"""Browsers send a quantum of 2.7 ms; recognisers want 10 to 30 ms, and each hand-over costs a task switch."""

LARGEST_MS = 200.0
"""A recogniser that fell behind, or an upload in one piece, gets no more than this at once."""


class Upload(trio.abc.ReceiveChannel[bytes]):
    """Pushed by the receive loop, which never waits, and read by the recogniser.

    Args:
        source: The client's audio format.
        target: The recogniser's.
        ahead_bytes: Most bytes that may wait; more is never waited for, it ends the upload.
        most_bytes: Most bytes in all; more ends the upload too.
        idle_s: Without a byte for so long the upload was abandoned.
        abandoned: Called then; it has to cancel the reader.
        overflowed: Called where more waits than may; it has to cancel the reader.
        too_long: Called where more has come than may; it has to cancel the reader.
        ended: Called at the end frame.

    Attributes:
        received_bytes: How much has come.
    """

    def __init__(
        self,
        source: AudioFormat,
        target: AudioFormat,
        *,
        ahead_bytes: int,
        most_bytes: float = math.inf,
        idle_s: float,
        abandoned: Callable[[], None],
        overflowed: Callable[[], None],
        too_long: Callable[[], None] = lambda: None,
        ended: Callable[[], None],
    ) -> None:
        self.ended = False
        self.received_bytes = 0
        self._most_bytes = most_bytes
        self._too_long = too_long
        self._begun: Callable[[], None] | None = None
        self._on_end = ended
        self._buffer = bytearray()
        self._quantum = source.bytes(QUANTUM_MS)
        self._largest = source.bytes(LARGEST_MS)
        self._ahead_bytes = ahead_bytes
        self._idle_s = idle_s
        self._abandoned = abandoned
        self._overflowed = overflowed
        self._resampler = None if source == target else resampler(source, target)
        self._drained = False
        self._reader = trio.lowlevel.ParkingLot()

    def when_begun(self, tell: Callable[[], None]) -> None:
        """Call `tell` with the first byte. It must not raise."""
        self._begun = tell

    def push(self, audio: bytes) -> None:
        """Append what the client sent, any size; thrown away once the upload has ended or nobody reads it."""
        if self.ended or not audio:
            return
        if not self.received_bytes:
            begun, self._begun = self._begun, None
            if begun is not None:
                begun()
        self.received_bytes += len(audio)
        if self.received_bytes > self._most_bytes:
            self.stop()
            self._too_long()
            return
        if len(self._buffer) + len(audio) > self._ahead_bytes:
            self.stop()
            self._overflowed()
            return
        self._buffer += audio
        if len(self._buffer) >= self._quantum:
            self._reader.unpark()

    def end(self) -> None:
        """Note the end frame: the recogniser gets what is left, then the end. Nothing where it has ended already."""
        if self.ended:
            return
        self.ended = True
        self._on_end()
        self._reader.unpark_all()

    def stop(self) -> None:
        """Drop what is here and what still comes: the recogniser reads no more."""
        self.ended = True
        self._buffer.clear()
        self._reader.unpark_all()

    async def receive(self) -> bytes:
        """Wait for the next piece: at least a quantum, except the last; never empty.

        Raises:
            trio.EndOfChannel: The upload has ended and was read whole.
        """
        await trio.lowlevel.checkpoint()
        while (piece := await self._piece()) is not None:
            converted = piece if self._resampler is None else self._resampler.feed(piece)
            if converted:  # a conversion holds its first milliseconds back
                return converted
        return self._last()

    async def _piece(self) -> bytes | None:
        """Return the next bytes as the client sent them, or None at the end."""
        while len(self._buffer) < self._quantum and not self.ended:
            with trio.move_on_after(self._idle_s) as idle:
                await self._reader.park()
            if idle.cancelled_caught:
                self.stop()
                self._abandoned()
        size = min(len(self._buffer) & ~1, self._largest)
        if not size:
            return None
        piece = bytes(self._buffer[:size])
        del self._buffer[:size]
        return piece

    def _last(self) -> bytes:
        if self._resampler is not None and not self._drained:
            self._drained = True
            if rest := self._resampler.flush():
                return rest
        raise trio.EndOfChannel

    async def aclose(self) -> None:
        """Do nothing: the request's end is the upload's."""
        await trio.lowlevel.checkpoint()
