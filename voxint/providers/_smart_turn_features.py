"""What the end-of-turn model hears of a sound: whisper's mel spectrogram of its last eight seconds.

The numbers are whisper's own: windows of 25 ms, one every 10 ms, 80 bands up to 8 kHz on Slaney's mel scale, decibels
over a range of 80 brought to about -1 to 1. Smart Turn wants silence in front where the sound is shorter.
"""

from __future__ import annotations

from functools import cache
from math import log
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

__all__ = ["BANDS", "FRAMES", "RATE", "SAMPLES", "bands", "features"]

RATE = 16_000
"""Samples a second."""

SAMPLES = 8 * RATE
"""Of what the model hears."""

WINDOW, STEP = 400, 160
"""Samples of a window, and from one to the next."""

FRAMES = SAMPLES // STEP
BANDS = 80

_LEAST = 1e-10
"""Power below which nothing is told apart."""

_RANGE = 8.0
"""Powers of ten below the loudest that are kept."""

_LINEAR_HZ, _LINEAR_MELS = 1000.0, 15.0
"""Where Slaney's scale turns from linear to logarithmic."""

_LOG_STEP = 6.4 ** (1 / 27)
"""From one mel to the next above that: 27 of them make a factor of 6.4."""


def features(pcm: bytes) -> np.ndarray:
    """Return the spectrogram as the model wants it: 1 × 80 × 800 numbers.

    Args:
        pcm: 16-bit samples at 16 kHz, of which the last eight seconds count.
    """
    import numpy as np
    from numpy.lib.stride_tricks import sliding_window_view

    said = np.frombuffer(pcm, "<i2")[-SAMPLES:].astype(np.float32) / 32768
    sound = np.zeros(SAMPLES, np.float32)
    sound[SAMPLES - said.size :] = said
    sound = (sound - sound.mean()) / np.sqrt(sound.var() + 1e-7)
    # Each window is centred on its step, so half a one at either end lies beyond the sound, which is mirrored there.
    mirrored = np.pad(sound.astype(np.float64), WINDOW // 2, mode="reflect")
    windows = sliding_window_view(mirrored, WINDOW)[::STEP][:FRAMES]
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / WINDOW)
    power = np.abs(np.fft.rfft(windows * hann, axis=1)) ** 2
    decades = np.log10(np.maximum(power @ bands(), _LEAST)).T
    kept = np.maximum(decades, decades.max() - _RANGE)
    spectrogram: np.ndarray = ((kept + 4) / 4).astype(np.float32)[np.newaxis]
    return spectrogram


@cache
def bands() -> np.ndarray:
    """Return how much each of the 201 frequencies of a window counts in each of the 80 bands.

    A band rises from the middle of the one before it to its own and falls to that of the next; its area is 1 Hz⁻¹.
    """
    import numpy as np

    top = _mels(RATE / 2)
    edges = np.array([_hertz(top * number / (BANDS + 1)) for number in range(BANDS + 2)])
    left, middle, right = edges[:-2], edges[1:-1], edges[2:]
    hertz = np.linspace(0, RATE / 2, WINDOW // 2 + 1)[:, np.newaxis]
    heights = np.minimum((hertz - left) / (middle - left), (right - hertz) / (right - middle))
    weights: np.ndarray = np.maximum(heights, 0) * 2 / (right - left)
    return weights


def _mels(hertz: float) -> float:
    if hertz < _LINEAR_HZ:
        return hertz * _LINEAR_MELS / _LINEAR_HZ
    return _LINEAR_MELS + log(hertz / _LINEAR_HZ) / log(_LOG_STEP)


def _hertz(mels: float) -> float:
    if mels < _LINEAR_MELS:
        return mels * _LINEAR_HZ / _LINEAR_MELS
    return float(_LINEAR_HZ * _LOG_STEP ** (mels - _LINEAR_MELS))
