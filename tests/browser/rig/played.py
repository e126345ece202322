"""What of the sweep was played, and when: found in the samples that went to the loudspeaker, by nobody's account."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from tests.browser.rig.stages import LOUDNESS, RISE_S, sweep

__all__ = ["Stretch", "stretches"]

Sound = NDArray[np.float64]

AUDIBLE = 0.02 * LOUDNESS / 32_767
"""From here on a sample is no silence; ours: 2 % of the sweep's top, so that fades of 10 ms are found to 0.3 ms."""

SILENCE_S = 0.01
"""Quiet for so long parts two stretches; ours: longer than half a wave of the sweep's lowest tone."""

WINDOW_S = 0.04
"""How much is compared with the sweep at once; ours: a dozen waves of its lowest tone."""

TAPER_S = 0.02
"""Left out at both ends of a stretch, where it fades."""


@frozen
class Stretch:
    """Sound without a silence in it, all in seconds.

    Args:
        begin: When it is first audible, from the first sample on.
        end: When it is last.
        from_s: Which part of the answer is heard at `begin`.
        to_s: And which at `end`.
        slip: How far the answer's place strayed from steady time within it: what was left out or played twice.
    """

    begin: float
    end: float
    from_s: float
    to_s: float
    slip: float


def stretches(samples: Sequence[float], rate: int) -> list[Stretch]:
    """Return the stretches of an answer in what was played, in order; each has to be longer than 0.1 s."""
    sound = np.asarray(samples, dtype=np.float64)
    loud = np.flatnonzero(np.abs(sound) > AUDIBLE)
    if not len(loud):
        return []
    breaks = np.flatnonzero(np.diff(loud) > SILENCE_S * rate)
    begins = [int(loud[0]), *(int(loud[at + 1]) for at in breaks)]
    ends = [*(int(loud[at]) + 1 for at in breaks), int(loud[-1]) + 1]
    reference = _reference(rate)
    found: list[Stretch] = []
    expected = 0.0
    for begin, end in zip(begins, ends, strict=True):
        if end - begin < 0.1 * rate:
            raise ValueError(f"{(end - begin) / rate:.3f} s of sound at {begin / rate:.3f} s are too short to tell")
        found.append(_stretch(sound, begin, end, rate, reference, expected))
        expected = found[-1].to_s
    return found


def _stretch(sound: Sound, begin: int, end: int, rate: int, reference: Sound, expected: float) -> Stretch:
    """Return one; it is taken for the part of the answer that is nearest to the expected one."""
    window, taper = round(WINDOW_S * rate), round(TAPER_S * rate)
    places = range(begin + taper, end - taper - window + 1, window)
    shifts: list[float] = []
    near = expected + TAPER_S
    for at in places:
        place = _place(sound[at : at + window], reference, rate)
        place += RISE_S * round((near - place) / RISE_S)
        shifts.append(at / rate - place)
        near = place + WINDOW_S
    shift = float(np.median(shifts))
    slip = float(max(shifts) - min(shifts))
    return Stretch(begin / rate, end / rate, begin / rate - shift, end / rate - shift, slip)


def _place(piece: Sound, reference: Sound, rate: int) -> float:
    """Return where in the sweep's period a piece is, in seconds."""
    size = len(reference)
    likeness = np.fft.irfft(np.fft.rfft(reference) * np.conj(np.fft.rfft(piece, size)), size)
    return int(np.argmax(likeness)) / rate


def _reference(rate: int) -> Sound:
    return np.asarray(sweep(rate, 0, round(RISE_S * rate)), dtype=np.float64)
