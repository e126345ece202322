from __future__ import annotations

from voxint.core.audio import AudioFormat
from voxint.core.resample import resampler


def test_equal_rates_are_passed_through() -> None:
    """The very same bytes."""
    same = resampler(AudioFormat(16_000), AudioFormat(16_000))
    assert same.feed(audio := b"\1\0\2\0") is audio
    assert same.flush() == b""


def test_a_conversion_is_as_long_as_its_input() -> None:
    """In whatever pieces it is fed."""
    conversion = resampler(AudioFormat(24_000), AudioFormat(16_000))
    converted = b"".join(conversion.feed(bytes(2 * size)) for size in (1, 479, 4320, 19_200)) + conversion.flush()
    assert len(converted) == 2 * 16_000
