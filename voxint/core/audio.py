"""Audio as the protocol knows it: signed 16-bit little-endian mono, and the arithmetic between its units."""

from __future__ import annotations

from attrs import field, frozen

from voxint.arguments import bounded, typed_fields

__all__ = ["AudioFormat"]

BYTES_PER_SAMPLE = 2


@frozen(field_transformer=typed_fields)
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
