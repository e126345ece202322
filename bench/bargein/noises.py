"""Sounds of a room and of people that are no speech, made by code: the same seed gives the same sound.

All are floats up to one, at `RATE`. What they are made of is ours: bursts of shaped noise and decaying tones, as long
and as sharp as those sounds are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from bench.bargein.line import RATE

__all__ = ["NOISES", "Sound", "distant", "room"]

Sound: TypeAlias = NDArray[np.float64]
Chance: TypeAlias = np.random.Generator


def _samples(seconds: float) -> int:
    return int(seconds * RATE)


def _band(chance: Chance, count: int, low: float, high: float) -> Sound:
    """Return noise between two frequencies, in Hz, whose loudest sample is one."""
    spectrum = np.fft.rfft(chance.standard_normal(count))
    frequencies = np.fft.rfftfreq(count, 1 / RATE)
    spectrum *= 1 / (1 + (low / np.maximum(frequencies, 1)) ** 4) / (1 + (frequencies / high) ** 4)
    return _full(np.fft.irfft(spectrum, count))


def _full(sound: Sound) -> Sound:
    return sound / max(float(np.max(np.abs(sound))), 1e-9)


def _decay(count: int, seconds: float) -> Sound:
    return np.exp(-np.arange(count) / (seconds * RATE))


def _rise(sound: Sound, seconds: float) -> Sound:
    ramp = np.minimum(1.0, np.arange(1, len(sound) + 1) / max(1, _samples(seconds)))
    return sound * ramp


def _together(length: int, parts: list[tuple[float, Sound]]) -> Sound:
    """Return sounds that begin at so many seconds each, in one of `length` samples."""
    whole = np.zeros(length)
    for at, sound in parts:
        first = _samples(at)
        kept = sound[: max(0, length - first)]
        whole[first : first + len(kept)] += kept
    return _full(whole)


def cough(chance: Chance) -> Sound:
    """Return one to three bursts of air with the voice's resonance, the first the loudest."""
    parts, at = [], 0.0
    for number in range(int(chance.integers(1, 4))):
        count = _samples(chance.uniform(0.18, 0.32))
        burst = _rise(_band(chance, count, 250, 3200), 0.008) * _decay(count, chance.uniform(0.05, 0.09))
        hum = np.sin(2 * np.pi * chance.uniform(120, 260) * np.arange(count) / RATE) * _decay(count, 0.06)
        parts.append((at, (burst + 0.25 * hum) * 0.8**number))
        at += chance.uniform(0.3, 0.45)
    return _together(_samples(at + 0.1), parts)


def clap(chance: Chance) -> Sound:
    """Return one to four claps of hands."""
    parts, at = [], 0.0
    for _ in range(int(chance.integers(1, 5))):
        count = _samples(0.12)
        parts.append((at, _band(chance, count, 600, 5200) * _decay(count, chance.uniform(0.008, 0.02))))
        at += chance.uniform(0.22, 0.4)
    return _together(_samples(at + 0.1), parts)


def knock(chance: Chance) -> Sound:
    """Return knuckles on wood: low, short, two to four times."""
    parts, at = [], 0.0
    for _ in range(int(chance.integers(2, 5))):
        count = _samples(0.15)
        tone = np.sin(2 * np.pi * chance.uniform(130, 280) * np.arange(count) / RATE) * _decay(count, 0.025)
        parts.append((at, tone + 0.4 * _band(chance, count, 200, 1800) * _decay(count, 0.01)))
        at += chance.uniform(0.14, 0.24)
    return _together(_samples(at + 0.1), parts)


def keys(chance: Chance) -> Sound:
    """Return typing: clicks of some milliseconds, unevenly."""
    parts, at = [], 0.0
    while at < 1.6:
        count = _samples(0.03)
        parts.append((at, chance.uniform(0.4, 1) * _band(chance, count, 1500, 6500) * _decay(count, 0.004)))
        at += chance.uniform(0.06, 0.22)
    return _together(_samples(at + 0.05), parts)


def door(chance: Chance) -> Sound:
    """Return a door that falls shut: a low blow and the rattle behind it."""
    count = _samples(0.7)
    blow = np.sin(2 * np.pi * chance.uniform(55, 95) * np.arange(count) / RATE) * _decay(count, 0.08)
    rattle = _band(chance, count, 150, 2500) * _decay(count, chance.uniform(0.03, 0.07))
    return _full(blow + 0.7 * rattle)


def traffic(chance: Chance) -> Sound:
    """Return a car that goes by in two seconds."""
    count = _samples(chance.uniform(1.8, 2.6))
    swell = np.sin(np.pi * np.arange(count) / count) ** 2
    return _full(_band(chance, count, 60, 700) * swell + 0.2 * _band(chance, count, 700, 3000) * swell**2)


NOISES: Mapping[str, Callable[[Chance], Sound]] = {
    "cough": cough,
    "clap": clap,
    "knock": knock,
    "keys": keys,
    "door": door,
    "traffic": traffic,
}
"""By name."""


def room(chance: Chance, count: int) -> Sound:
    """Return so many samples of a quiet room, whose root mean square is one: hum and hiss, the low louder."""
    hiss = _band(chance, count, 80, 2500)
    return hiss / max(float(np.sqrt(np.mean(hiss**2))), 1e-9)


def distant(chance: Chance, sound: Sound) -> Sound:
    """Return a sound as it comes from the other end of a room: through its echoes, its highs dulled."""
    count = _samples(0.35)
    answer = chance.standard_normal(count) * _decay(count, 0.09)
    answer[0] = 6.0
    length = len(sound) + count
    spectrum = np.fft.rfft(sound, length) * np.fft.rfft(answer, length)
    spectrum /= 1 + (np.fft.rfftfreq(length, 1 / RATE) / 3000) ** 2
    return _full(np.fft.irfft(spectrum, length))
