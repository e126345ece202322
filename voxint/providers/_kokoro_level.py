"""Even loudness, and edges without a click: samples in, samples out. In the child, on numpy."""

from __future__ import annotations

from math import log10
from typing import Any

import numpy as np

from voxint.providers._kokoro_plan import FRAME

__all__ = ["FADE", "Leveller", "faded", "pcm"]

Floats = np.ndarray[Any, np.dtype[np.float32]]

TARGET = -20.0
"""The loudness that speech is brought to, in dB of full scale over what sounds. Ours: between the voices, which have it
from -23 to -17."""

MOST_GAIN = 6.0
"""By how many dB it may be changed. Ours: what is further off is meant so, or is no speech."""

SHARE = 0.3
"""How much a window of a voice counts against what was heard of it before. Ours: so the end of a sentence stays softer
than its begin."""

ACTIVE = 0.01
"""The level from which on a moment counts as speech, of full scale: 40 dB below it."""

PEAK = 0.95
"""What no sample goes beyond, of full scale."""

RAMP = 2400
"""Samples over which the gain changes: 0.1 s, ours."""

FADE = 120
"""Samples that two windows have in common on each side of the cut between them: 5 ms, ours."""


class Leveller:
    """The loudness of a voice as it goes on.

    Args:
        level: What it was up to now in dB; None at the begin.
    """

    def __init__(self, level: float | None) -> None:
        self._before = level
        self.level = level

    def evened(self, audio: Floats) -> Floats:
        """Return a window brought to the one loudness; it begins as loud as the one before ended."""
        active = _active_db(audio)
        if active is not None:
            self.level = active if self._before is None else self._before + SHARE * (active - self._before)
        gain = _gain(self.level)
        begin = gain if self._before is None else _gain(self._before)
        ramp = np.full(len(audio), gain, np.float32)
        ramp[:RAMP] = np.linspace(begin, gain, RAMP, dtype=np.float32)[: len(audio)]
        evened = audio * ramp
        over = np.abs(evened) > PEAK
        if over.any():  # a few samples of a loud voice: bent, so that they do not crackle
            excess = (np.abs(evened[over]) - PEAK) / (1 - PEAK)
            evened[over] = np.sign(evened[over]) * (PEAK + (1 - PEAK) * np.tanh(excess))
        return evened


def _active_db(audio: Floats) -> float | None:
    """The loudness of what sounds; None where nothing does."""
    whole = len(audio) // (FRAME // 2) * (FRAME // 2)
    powers = np.mean(audio[:whole].reshape(-1, FRAME // 2) ** 2, axis=1)
    active = powers[powers > ACTIVE**2]
    return 10 * log10(float(active.mean())) if len(active) else None


def _gain(level: float | None) -> float:
    if level is None:
        return 1.0
    return float(10 ** (max(-MOST_GAIN, min(MOST_GAIN, TARGET - level)) / 20))


def faded(audio: Floats, begin: int, end: int, overlap: tuple[int, int]) -> Floats:
    """Cut a window out of what was computed, fading at its ends.

    Args:
        audio: The window with what is around it.
        begin: Where it begins in that.
        end: Where it ends.
        overlap: Samples that are kept before and behind, which are faded together with the neighbour's; where there
            are none, it fades in from silence, or out to it.
    """
    cut = audio[begin - overlap[0] : end + overlap[1]].copy()
    for edge, kept in ((cut, overlap[0]), (cut[::-1], overlap[1])):
        length = min(2 * kept or FADE, len(edge))
        edge[:length] *= (np.arange(length, dtype=np.float32) + 0.5) / length
    return cut


def pcm(audio: Floats) -> bytes:
    """Return samples of 16 bits."""
    return bytes(np.rint(np.clip(audio, -1, 1) * 32767).astype("<i2").tobytes())
