"""Voice detectors whose word is written by a test."""

from __future__ import annotations

from collections.abc import Callable

from attrs import define, field

from voxint.core.audio import AudioFormat

__all__ = ["DETECTORS", "WINDOW", "Scripted", "ScriptedStream"]

WINDOW = 512
DETECTORS = AudioFormat(16_000)


@define(eq=False)
class Scripted:
    """A detector that says what a function makes of each window, and counts its streams."""

    says: Callable[[bytes], object] = lambda pcm: [len(set(pcm)) / 256]
    audio_format: AudioFormat = DETECTORS
    window_samples: int = WINDOW
    streams: list[ScriptedStream] = field(factory=list)

    def open(self) -> ScriptedStream:
        """Begin a stream."""
        self.streams.append(ScriptedStream(self))
        return self.streams[-1]


@define(eq=False)
class ScriptedStream:
    """One of its streams."""

    detector: Scripted
    closed: int = 0

    def feed(self, pcm: bytes) -> list[float]:
        """Say what the script says."""
        assert len(pcm) == 2 * WINDOW
        return self.detector.says(pcm)  # type: ignore[return-value]  # a test may say nonsense

    def close(self) -> None:
        """Count that."""
        self.closed += 1
