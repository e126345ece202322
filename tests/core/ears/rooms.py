"""Voices made by code, and rooms that a loudspeaker's sound comes back from."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from voxint.core.audio import AudioFormat

__all__ = ["FORMAT", "Sound", "echo_of", "level", "pcm", "voice"]

Sound = NDArray[np.float64]

FORMAT = AudioFormat(16_000)
RATE = FORMAT.rate


def voice(seed: int, seconds: float, pitch: float) -> Sound:
    """Return something like speech: syllables of harmonics under moving formants, hisses between, level 0.08."""
    chance = np.random.default_rng(seed)
    pieces: list[Sound] = []
    while sum(map(len, pieces)) < seconds * RATE:
        size = int(chance.uniform(0.1, 0.28) * RATE)
        at = np.arange(size) / RATE
        tone = pitch * chance.uniform(0.85, 1.2) * (1 + chance.uniform(-0.3, 0.3) * at)
        turns = 2 * np.pi * np.cumsum(tone) / RATE
        formants = chance.uniform([300, 900, 2_200], [850, 2_200, 3_200])
        syllable = np.zeros(size)
        for harmonic in range(1, int(3_800 / pitch)):
            colour = sum(np.exp(-(((harmonic * tone - each) / 150) ** 2)) for each in formants)
            syllable += (0.02 + colour) * np.sin(harmonic * turns)
        hiss = np.diff(chance.standard_normal(int(chance.uniform(0.02, 0.08) * RATE) + 1)) * 0.2
        pieces += [
            syllable * np.hanning(size),
            hiss * np.hanning(len(hiss)),
            np.zeros(int(chance.uniform(0, 0.06) * RATE)),
        ]
    sound = np.concatenate(pieces)[: int(seconds * RATE)]
    return sound * 0.08 / level(sound)


def echo_of(
    sound: Sound, *, delay_ms: float, level_db: float, ring_s: float = 0.3, direct_db: float = 8, seed: int = 0
) -> Sound:
    """Return what a microphone hears of a loudspeaker: late, faint, bent a little, with the room's answer to it.

    Args:
        sound: What the loudspeaker is given.
        delay_ms: How much later it is heard; below 0, sooner.
        level_db: How loud, against the sound itself.
        ring_s: In which time the room's answer sinks by 60 dB.
        direct_db: How much louder the direct way is than all the rest.
        seed: Which room.
    """
    chance = np.random.default_rng(seed)
    top = 0.3
    bent = top * np.tanh(sound / top)
    at = np.arange(int(ring_s * RATE))
    path = chance.standard_normal(len(at)) * 10 ** (-3 * at / RATE / ring_s)
    path[:32] = 0
    path *= 10 ** (-direct_db / 20) / np.sqrt(np.sum(path**2))
    path[0], path[40], path[90] = 1, 0.3, -0.2
    size = len(bent) + len(path)
    came = np.fft.irfft(np.fft.rfft(bent, size) * np.fft.rfft(path, size), size)[: len(sound)]
    came *= level(sound) / level(came) * 10 ** (level_db / 20)
    late = int(delay_ms * RATE / 1000)
    moved = np.zeros(len(came))
    if late >= 0:
        moved[late:] = came[: len(came) - late]
    else:
        moved[:late] = came[-late:]
    return moved


def level(sound: Sound) -> float:
    """Return the root of the mean power."""
    return float(np.sqrt(np.mean(sound**2)))


def pcm(sound: Sound) -> bytes:
    """Return s16le; what is too loud is clipped."""
    return np.clip(np.round(sound * 32_768), -32_768, 32_767).astype("<i2").tobytes()
