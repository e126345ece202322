"""What the end-of-turn model hears, against the formulas of a spectrogram in mels."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.needs import missing, needs
from voxint.providers._smart_turn_features import BANDS, FRAMES, RATE, SAMPLES, bands, features

pytestmark = needs(missing(packages=("numpy",)))


def mel(hertz: float) -> float:
    """Return the place of a frequency on Slaney's scale: linear to 1 kHz, then 27 steps to a factor of 6.4."""
    return 3 * hertz / 200 if hertz < 1000 else 15 + 27 * math.log(hertz / 1000) / math.log(6.4)


def weight(hertz: float, band: int) -> float:
    """Return how much a frequency counts in a band, on a triangle between its neighbours' middles of area 1."""

    def middle(number: int) -> float:
        low, high, wanted = 0.0, 8000.0, mel(8000) * number / (BANDS + 1)
        for _ in range(80):
            half = (low + high) / 2
            low, high = (half, high) if mel(half) < wanted else (low, half)
        return low

    left, top, right = middle(band), middle(band + 1), middle(band + 2)
    side = (hertz - left) / (top - left) if hertz < top else (right - hertz) / (right - top)
    return max(0.0, side) * 2 / (right - left)


def tone(hertz: float, samples: int = SAMPLES, level: float = 0.5) -> bytes:
    """Return a cosine, 16 bits at 16 kHz."""
    wave = level * np.cos(2 * np.pi * hertz * np.arange(samples) / RATE)
    return (wave * 32767).round().astype("<i2").tobytes()


def test_the_bands() -> None:
    """Each frequency of a window counts in each band as its triangle says."""
    assert bands().shape == (201, BANDS)
    for number in (0, 1, 24, 25, 26, 100, 199, 200):
        assert bands()[number] == pytest.approx([weight(number * 40, band) for band in range(BANDS)], abs=1e-12)


@pytest.mark.parametrize("level", [0.5, 0.01])
def test_a_tone(level: float) -> None:
    """However loud, it has the power of a tone of variance 1: under Hann's window its own bin and a quarter beside."""
    heard = features(tone(1000, level=level))
    assert heard.shape == (1, BANDS, FRAMES)
    assert heard.dtype == np.float32
    amplitude = math.sqrt(2)
    power = {960: (50 * amplitude) ** 2, 1000: (100 * amplitude) ** 2, 1040: (50 * amplitude) ** 2}
    sums = [sum(each * weight(hertz, band) for hertz, each in power.items()) for band in range(BANDS)]
    top = max(sums)
    for band, each in enumerate(sums):
        decades = math.log10(each) if each > top * 1e-3 else None
        if decades is not None:
            assert heard[0, band, 100:700] == pytest.approx((decades + 4) / 4, abs=1e-3)
    assert heard.max() - heard.min() <= 2.0001  # eight decades, a quarter each


def test_the_last_eight_seconds_are_heard() -> None:
    """What is before them changes nothing; a shorter sound has silence in front."""
    sound = tone(440)
    assert np.array_equal(features(tone(3000, 16_000) + sound), features(sound))
    short = features(tone(440, RATE))
    assert short[0, :, :690].max() == short.min()
    assert short[0, :, 710:].max() == short.max()


def test_silence_is_flat() -> None:
    """Nothing, and samples of zero, are the least there is in each band: no number is none."""
    for nothing in (b"", bytes(2 * RATE), bytes(2 * SAMPLES)):
        assert np.ptp(features(nothing)) == 0
        assert np.isfinite(features(nothing)).all()
