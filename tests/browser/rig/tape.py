"""What the browser's fake microphone hears: recordings, laid at exact samples of a WAV file."""

from __future__ import annotations

import sys
import wave
from array import array
from pathlib import Path

from attrs import define, field

__all__ = ["RATE", "Tape", "trimmed"]

RATE = 16_000
"""Samples a second of a tape, which is what the recordings have. The browser brings them to its device's rate."""

QUIET = 400
"""Samples of at most this are silence before and behind a recording; ours: 1 % of full scale, above its hiss."""


def trimmed(pcm: bytes) -> bytes:
    """Return a recording without the silence around it, so that it begins where it is laid."""
    samples = _samples(pcm)
    loud = [at for at, sample in enumerate(samples) if abs(sample) > QUIET]
    return _pcm(samples[loud[0] : loud[-1] + 1]) if loud else b""


@define(eq=False)
class Tape:
    """Silence of some length, and what is laid on it.

    Args:
        seconds: Its length; behind it the microphone hears silence for good.
    """

    seconds: float
    _samples: array[int] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._samples = array("h", bytes(2 * round(self.seconds * RATE)))

    def lay(self, pcm: bytes, at_s: float) -> float:
        """Lay s16le of `RATE` on it, from `at_s` on; return the second in which it ends.

        Raises:
            ValueError: It does not fit, or lies on another.
        """
        sound = _samples(pcm)
        begin = round(at_s * RATE)
        end = begin + len(sound)
        if end > len(self._samples) or any(self._samples[begin:end]):
            raise ValueError(f"there is no room for {len(sound) / RATE:.1f} s at {at_s:.1f} s of {self.seconds:.1f} s")
        self._samples[begin:end] = sound
        return end / RATE

    def write(self, path: Path) -> Path:
        """Write it as WAV; return the path."""
        with wave.open(str(path), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(RATE)
            file.writeframes(_pcm(self._samples))
        return path


def _samples(pcm: bytes) -> array[int]:
    samples = array("h", pcm)
    if sys.byteorder == "big":
        samples.byteswap()
    return samples


def _pcm(samples: array[int]) -> bytes:
    if sys.byteorder == "big":
        samples = samples[:]
        samples.byteswap()
    return samples.tobytes()
