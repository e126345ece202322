"""Audio as the protocol knows it: signed 16-bit little-endian mono, and the arithmetic between its units."""

from __future__ import annotations

import typing

from attrs import field, frozen

from voxint.arguments import Audio, bounded, check_fields, check_type

__all__ = ["AudioFormat", "check_audio", "is_wav"]

BYTES_PER_SAMPLE = 2


@frozen(field_transformer=check_fields)
class AudioFormat:
    """A PCM format: s16le, mono, at a sample rate.

    Args:
        rate: Samples a second, 8,000 to 48,000 (what speech engines use).
    """

    rate: int = field(default=16_000, validator=bounded(at_least=8_000, at_most=48_000))

    def samples(self, ms: float) -> int:
        """Return how many whole samples last `ms` milliseconds."""
        return int(ms * self.rate // 1000)

    def bytes(self, ms: float) -> int:
        """Return how many bytes of whole samples last `ms` milliseconds."""
        return self.samples(ms) * BYTES_PER_SAMPLE

    def ms(self, samples: int) -> float:
        """Return how many milliseconds `samples` samples last."""
        return samples * 1000 / self.rate

    def bytes_ms(self, size: int) -> float:
        """Return how many milliseconds `size` bytes last."""
        return self.ms(size // BYTES_PER_SAMPLE)


def is_wav(audio: bytes) -> bool:
    """Return whether a WAV file begins here: for samples its twelve bytes would be noise, and a chance of 1 in 2^64."""
    return audio[:4] == b"RIFF" and audio[8:12] == b"WAVE"


def check_audio(audio: object, name: str) -> bytes:
    """Return a piece of PCM as bytes; refuse what is none, and a WAV file, whose header would be heard as noise.

    A piece of a stream may end in the middle of a sample, since nobody chooses where a pipe or a socket cuts.

    Raises:
        TypeError: It is of another type.
        ValueError: It is the beginning of a WAV file.
    """
    samples = bytes(check_type(typing.cast("Audio", audio), Audio, name, "PCM, 16 bits a sample"))
    if is_wav(samples):
        raise ValueError(f"{name} is a WAV file: give its samples alone, as wave.open(...).readframes(...) reads them")
    return samples
