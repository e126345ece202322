"""Rates brought together without a wait: what is late, what is left of a tone, and where it stands."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxint.core.audio import AudioFormat
from voxint.core.ears.prompt_resampler import PromptResampler

TARGET = AudioFormat(16_000)
RATES = (8_000, 11_025, 22_050, 24_000, 32_000, 44_100, 48_000)


def tone(rate: int, hz: float, seconds: float = 0.5, level: float = 10_000.0) -> np.ndarray:
    """Return a tone that begins with the first sample."""
    return np.sin(2 * np.pi * hz * np.arange(int(rate * seconds)) / rate) * level


def converted(samples: np.ndarray, rate: int, piece: int) -> np.ndarray:
    """Return all that becomes of it."""
    stream, pcm = PromptResampler(AudioFormat(rate), TARGET), np.rint(samples).astype("<i2").tobytes()
    out = b"".join(stream.feed(pcm[at : at + 2 * piece]) for at in range(0, len(pcm), 2 * piece))
    return np.frombuffer(out + stream.flush(), "<i2").astype(float)


@pytest.mark.parametrize("rate", RATES)
def test_a_tone_is_the_same_tone(rate: int) -> None:
    """In frequency, level and place: what differs is 60 dB under it."""
    found, wanted = converted(tone(rate, 1_000), rate, 331), tone(16_000, 1_000)
    assert abs(len(found) - len(wanted)) <= 1
    middle = slice(200, len(wanted) - 200)
    assert np.std(found[middle] - wanted[middle]) < 10


@pytest.mark.parametrize(("rate", "hz"), [(48_000, 9_000), (48_000, 15_000), (44_100, 17_000), (22_050, 10_000)])
def test_what_the_rate_cant_carry_is_gone(rate: int, hz: float) -> None:
    """It would be heard as another tone: 65 dB are taken from it."""
    found = converted(tone(rate, hz), rate, 331)[200:-200]
    assert np.std(found) < 10_000 / np.sqrt(2) / 10 ** (65 / 20)


@pytest.mark.parametrize("rate", RATES)
def test_it_is_never_late(rate: int) -> None:
    """After each millisecond that was fed, all but the latest 3 ms is there."""
    stream, fed, came = PromptResampler(AudioFormat(rate), TARGET), 0, 0
    for _ in range(200):
        fed += rate // 1000
        came += len(stream.feed(bytes(2 * (rate // 1000)))) // 2
        assert 0 <= fed / rate * 1000 - came / 16 <= 3


@pytest.mark.parametrize("rate", [8_000, 44_100, 48_000])
@given(sizes=st.lists(st.integers(0, 4_000), min_size=1, max_size=8))
def test_pieces_do_not_matter(rate: int, sizes: list[int]) -> None:
    """They move no sample by more than a rounding."""
    samples = np.random.default_rng(1).integers(-30_000, 30_000, 12_000).astype("<i2")
    stream, out, at = PromptResampler(AudioFormat(rate), TARGET), b"", 0
    for size in sizes:
        out += stream.feed(samples[at : at + size].tobytes())
        at += size
    pieced = np.frombuffer(out + stream.feed(samples[at:].tobytes()) + stream.flush(), "<i2").astype(int)
    whole = converted(samples, rate, len(samples))
    assert len(pieced) == len(whole)
    assert np.abs(pieced - whole).max() <= 1


def test_too_loud_is_cut() -> None:
    """A square wave at full scale overshoots by the filter, and stays within 16 bits."""
    square = np.where(tone(48_000, 500) >= 0, 32_767, -32_768)
    found = converted(square, 48_000, 500)
    assert found.max() == 32_767
    assert found.min() == -32_768
    assert np.abs(found - np.where(tone(16_000, 500) >= 0, 32_767, -32_768))[300:-300].mean() < 3_000
