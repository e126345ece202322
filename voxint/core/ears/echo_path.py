"""What of one sound another explains: the delay, the path through a room, and what is left. Arithmetic on samples.

Two explanations of each cell of the spectrum are tried, and the better one counts. The first is exact: the answer
through a short filter, fitted by least squares. It leaves nearly nothing of an echo, as long as nothing bends it. The
second knows levels alone: the answer's power, times what of it usually comes back. It holds where clocks drift apart,
a jitter buffer jumps or a loudspeaker distorts.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

__all__ = ["RATE", "TAIL_MS", "EchoPath", "power_of"]

Floats = NDArray[np.float32]
Spectrum = NDArray[np.complex64]

RATE = 8_000
"""Samples a second that are compared; ours: the lower half of the spectrum tells voices apart, at half the work."""

FRAME, HOP = 256, 128
"""Samples of a frame of the spectrum, and from one to the next; ours: 32 ms, over which a voice stands still."""

LOWEST, HIGHEST = 6, 116
"""Of a frame's bins, those that are looked at; ours: 190 to 3600 Hz, from above the mains' hum to the filter's edge."""

TAPS = 7
"""Frames of the answer that the filter mixes; ours: with more, it explains persons too."""

TAIL_MS = (FRAME + TAPS * HOP) * 1000 / RATE
"""How much of the answer before the first sample of the microphone is looked at."""

WHITER = 0.7
"""The power by which the cross spectrum is whitened for the delay; ours: 1 lets noise count as much as speech."""

LOUDNESS = 0.05
"""Of the loudest stretch of the answer, the least that another is taken to have; ours: else noise would be a delay."""

TRACE = 0.9
"""What of a correlation is left with each later one; ours: a delay outlasts a pause of a third of a second."""

NEAR = 16
"""Samples by which a delay may move without a new path; ours: 2 ms."""

PATH_LASTS = 0.7
"""What of the path's statistics is left with each later judgement; ours: a longer memory does not stand a drift of the
clocks of 0.02 %, a shorter one takes half of a person's sound for an echo."""

BEND = 0.3
"""What of the fitted echo's power may be left over: distortion, and what of the room the filter is too short for."""

RING = 480
"""Samples in which such a rest sinks by 9 dB; ours: 60 ms, a room of half a second."""

LEVEL_LASTS, LEVEL_MARGIN = 0.97, 2.0
"""The same for the usual level, and how much more than that is an echo still; ours: twice the power."""

NOISE_RISES, NOISE_MARGIN = 1.008, 2.0
"""How the noise may rise from one judgement to the next (1 dB a second), and how much of it is noise."""

QUIET = 0.25
"""What of all its power the microphone's end is taken to have at least: in the answer's pauses, little is not much."""

SIZES = (4_096, 6_144, 8_192, 10_240, 12_288, 16_384, 20_480, 24_576, 32_768)
"""Sizes of a transform that are quickly reckoned."""


class EchoPath:
    """What is known of the way from a loudspeaker to a microphone.

    Args:
        most_delay: The longest, in samples of `RATE`.
        judged: How many samples at the microphone's end a rest is looked for in.
        halve: Whether the sounds have twice the rate.
    """

    def __init__(self, *, most_delay: int, judged: int, halve: bool) -> None:
        self._most_delay = most_delay
        self._frames_judged = max(1, judged // HOP)
        self._halve = halve
        self._window = np.hanning(FRAME + 1)[:FRAME].astype(np.float32)
        self._trace: Floats | None = None
        self._fitted_for = 0
        self._statistics: tuple[Spectrum, Spectrum] | None = None
        self._levels: tuple[Floats, Floats] | None = None
        self._levels_now: tuple[Floats, Floats] | None = None
        self._noise: Floats | None = None

    def samples(self, pcm: bytes) -> Floats:
        """Return s16le as numbers from -1 to 1 at `RATE`; the last of them is as late as the last of the PCM."""
        sound = np.frombuffer(pcm, "<i2").astype(np.float32) * np.float32(1 / 32_768)
        if not self._halve:
            return sound
        size = (len(sound) - 10) // 2
        if size <= 0:
            return sound[:0]
        sound = sound[len(sound) - 2 * size - 10 :]

        def later(by: int) -> Floats:
            return sound[by : by + 2 * size : 2]

        # A half-band filter of eleven taps: 40 dB down at 5.5 kHz, and next to nothing to reckon.
        halved = 0.5 * later(5) + 0.3053 * (later(4) + later(6))
        halved += 0.0170 * (later(0) + later(10)) - 0.0723 * (later(2) + later(8))
        return halved.astype(np.float32)

    def delay(self, microphone: Floats, reference: Floats, ahead: int) -> int:
        """Return how many samples later than reckoned the microphone hears the reference, by all correlations lately.

        Args:
            microphone: Its latest samples.
            reference: Those of the answer.
            ahead: How many of them are later than the microphone's last.
        """
        span = len(microphone) + self._most_delay + ahead
        reference = _last(reference, span)
        size = next(size for size in SIZES if size >= span)
        cross = np.fft.rfft(microphone, size) * np.conj(np.fft.rfft(reference, size))
        level = np.abs(cross) ** WHITER
        cross /= level + 1e-3 * level.max() + 1e-20
        cross[: 150 * size // RATE] = 0
        cross[3_600 * size // RATE :] = 0
        lags = np.arange(-ahead, self._most_delay + 1)
        found = np.abs(np.fft.irfft(cross, size)[(lags - self._most_delay) % size]).astype(np.float32)
        # What the reference has at a delay: else a loud syllable that is not heard yet outdoes a soft one that is.
        energy = np.cumsum(np.concatenate([np.zeros(1), np.square(reference, dtype=np.float64)]))
        there = (energy[len(microphone) :] - energy[: -len(microphone)])[::-1]
        found /= np.sqrt(there + LOUDNESS * there.max() + 1e-12)
        found /= np.sqrt(np.mean(found * found)) + np.float32(1e-20)
        if self._trace is not None and len(self._trace) == len(found):
            found += TRACE * self._trace
        self._trace = found
        return int(lags[int(np.argmax(found))])

    def left(self, microphone: Floats, reference: Floats, ahead: int, delay: int) -> float:
        """Return what part of the microphone's power, at its end, neither the reference explains nor the noise."""
        frames = (len(microphone) - FRAME) // HOP + 1
        used = (frames - 1) * HOP + FRAME
        spoken = _up_to(reference, len(reference) - ahead - delay + HOP, used + (TAPS - 1) * HOP)
        heard, said = self._spectrum(microphone[-used:]), self._spectrum(spoken)
        if not np.any(said):
            return 1.0
        power = _power(heard)
        fading = _fading(frames)
        echo, rest = self._fitted(heard, said, delay)
        rest = np.maximum(rest - BEND * (_beside(echo) @ fading), 0)
        power, rest = _paired(power), _paired(rest)
        near = _paired(_beside(_dilated(_power(said)[:, TAPS - 3 :])) @ fading)
        rest = np.minimum(rest, np.maximum(power - LEVEL_MARGIN * self._usual(power, near)[:, None] * near, 0))
        rest = np.maximum(rest - NOISE_MARGIN * self._noise_of(power)[:, None], 0)
        # The lows are the loudest and tell the least: each pair of bins weighs as its frequency.
        weights = np.arange(3, len(rest) + 3, dtype=np.float32)
        judged = min(frames, self._frames_judged)
        at_end = float(weights @ power[:, -judged:].sum(axis=1))
        least = QUIET * judged * float(weights @ power.mean(axis=1))
        return min(1.0, float(weights @ rest[:, -judged:].sum(axis=1)) / (max(at_end, least) + 1e-12))

    def learn(self, *, own: bool) -> None:
        """Take the levels of the last judgement for usual ones, where it was an echo."""
        now, self._levels_now = self._levels_now, None
        if now is None or not own:
            return
        if self._levels is not None:
            now = (LEVEL_LASTS * self._levels[0] + now[0], LEVEL_LASTS * self._levels[1] + now[1])
        self._levels = now

    def _spectrum(self, sound: Floats) -> Spectrum:
        """Return bins by frames."""
        frames = np.lib.stride_tricks.sliding_window_view(sound, FRAME)[::HOP]
        return np.ascontiguousarray(np.fft.rfft(frames * self._window, axis=1)[:, LOWEST:HIGHEST].T).astype(
            np.complex64
        )

    def _fitted(self, heard: Spectrum, said: Spectrum, delay: int) -> tuple[Floats, Floats]:
        """Return the power of the echo by the fitted filter, and that of what it leaves; remember the fit."""
        frames = heard.shape[1]
        shifted = np.stack([said[:, tap : tap + frames] for tap in reversed(range(TAPS))], axis=2)
        turned = np.conj(shifted.transpose(0, 2, 1))
        wanted = heard[:, :, None]
        auto, cross = turned @ shifted, turned @ wanted
        if self._statistics is not None and abs(delay - self._fitted_for) <= NEAR:
            auto, cross = PATH_LASTS * self._statistics[0] + auto, PATH_LASTS * self._statistics[1] + cross
        else:
            self._fitted_for = delay
        self._statistics = auto, cross
        strength = np.einsum("bkk->b", auto).real / TAPS
        steady = 0.02 * strength + 1e-3 * strength.mean() + 1e-9
        echo = shifted @ np.linalg.solve(auto + steady[:, None, None] * np.eye(TAPS, dtype=auto.dtype), cross)
        return _power(echo[:, :, 0]), _power((wanted - echo)[:, :, 0])

    def _usual(self, power: Floats, near: Floats) -> Floats:
        """Return how much of the answer's power usually comes back, by band; of this judgement if none was before."""
        self._levels_now = (power * near).sum(axis=1), (near * near).sum(axis=1)
        back, gone = self._levels or self._levels_now
        around = np.ones(5, np.float32)
        return np.convolve(back, around, "same") / (np.convolve(gone, around, "same") + np.float32(1e-9))

    def _noise_of(self, power: Floats) -> Floats:
        """Return the noise by band: the lowest seventh of the frames, of which the mean is three times as much."""
        at = power.shape[1] // 7
        low = 3 * np.partition(power, at, axis=1)[:, at]
        self._noise = low if self._noise is None else np.minimum(self._noise * np.float32(NOISE_RISES), low)
        return self._noise


def power_of(sound: Floats) -> float:
    """Return the mean power of samples; that of full scale is 1."""
    return float(np.mean(sound * sound))


def _last(sound: Floats, size: int) -> Floats:
    return _up_to(sound, len(sound), size)


def _up_to(sound: Floats, end: int, size: int) -> Floats:
    """Return `size` samples before `end`; zeros where there are none."""
    out = np.zeros(size, np.float32)
    first, last = max(0, end - size), min(end, len(sound))
    if last > first:
        out[first - end + size : last - end + size] = sound[first:last]
    return out


def _power(spectrum: Spectrum) -> Floats:
    return np.asarray(spectrum.real**2 + spectrum.imag**2, np.float32)


def _beside(power: Floats) -> Floats:
    """Return the mean of each bin and its neighbours."""
    mean: Floats = power.copy()
    mean[1:-1] = (power[:-2] + power[1:-1] + power[2:]) / 3
    return mean


def _dilated(power: Floats) -> Floats:
    """Return the greatest of each frame, the two before and the one after; the first two have none before and go."""
    after = np.concatenate([power[:, 3:], power[:, -1:]], axis=1)
    widest: Floats = np.maximum(np.maximum(power[:, 2:], power[:, 1:-1]), np.maximum(power[:, :-2], after))
    return widest


def _paired(power: Floats) -> Floats:
    """Return the mean of each two bins."""
    return np.asarray((power[0::2] + power[1::2]) / 2, np.float32)


@lru_cache(maxsize=16)  # a guard has one length of sound nearly always
def _fading(frames: int) -> Floats:
    """Return what spreads a power over the frames after it; not to be written to."""
    later = np.arange(frames)[None, :] - np.arange(frames)[:, None]
    return np.where(later >= 0, np.exp(-np.maximum(later, 0) * (HOP / RING)), 0).astype(np.float32)
