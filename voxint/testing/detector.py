"""A voice detector that goes by how loud a sound is: a test decides, sample by sample, when somebody speaks."""

from __future__ import annotations

from array import array

from voxint.core.audio import AudioFormat
from voxint.errors import UpstreamError

__all__ = ["ScriptedDetector"]

WINDOW = 512
"""Samples of a window, 32 ms: what Silero looks at."""


class ScriptedDetector:
    """Takes for speech each window with a sample that is loud enough; implements `VoiceDetector` and its streams.

    Args:
        loud: The least sample of speech, of 32,767.

    Attributes:
        broken: Whether it fails, with an `UpstreamError`: it opens no stream, and hears nothing in those that are open.
        opened: How many streams were opened.
        closed: How many were closed.
    """

    audio_format = AudioFormat(16_000)
    window_samples = WINDOW

    def __init__(self, loud: int = 1000) -> None:
        self.broken = False
        self.opened = 0
        self.closed = 0
        self._loud = loud

    def open(self) -> _LoudStream:
        """Begin a stream.

        Raises:
            UpstreamError: It is broken.
        """
        self.check()
        self.opened += 1
        return _LoudStream(self, self._loud)

    def check(self) -> None:
        """Do what a stream does first.

        Raises:
            UpstreamError: It is broken.
        """
        if self.broken:
            raise UpstreamError("the scripted detector is broken", retryable=True)


class _LoudStream:
    """Whole windows of one stream; what completes none is kept."""

    def __init__(self, detector: ScriptedDetector, loud: int) -> None:
        self._detector = detector
        self._loud = loud
        self._rest = array("h")

    def feed(self, pcm: bytes) -> list[float]:
        """Return 1 for each window that is loud, 0 for any other."""
        self._detector.check()
        samples = self._rest + array("h", pcm)
        whole = len(samples) // WINDOW * WINDOW
        self._rest = samples[whole:]
        windows = (samples[at : at + WINDOW] for at in range(0, whole, WINDOW))
        return [1.0 if max(window) >= self._loud else 0.0 for window in windows]

    def close(self) -> None:
        """Count that."""
        self._detector.closed += 1
