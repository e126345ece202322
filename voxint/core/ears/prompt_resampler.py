"""From a microphone's rate to a detector's, within 3 ms: a short filter, and the same samples each time.

libsoxr (`core.resample`) hands over in blocks: from 48 kHz it is 21 ms late on average, from 8 kHz 64 ms, as measured
here, and who interrupts waits as long. It dithers with a new seed each time, too.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING

from voxint.core.audio import AudioFormat

if TYPE_CHECKING:
    import numpy as np

__all__ = ["PromptResampler"]

STOPPED_DB = 70.0
"""How much of what a rate can't carry is taken away; ours: more than a room's noise lies under a voice."""

TRANSITION = 0.25
"""Of the lower rate's half, in which the filter goes from all to nothing; ours: from 48 kHz to 16 kHz all is there up
to 6.8 kHz and nothing from 8.8 kHz on, and the filter looks 1.2 ms ahead."""


class PromptResampler:
    """A stream of PCM on its way from one rate to another: `core.resample.Resampler`.

    Args:
        source: What is fed.
        target: What comes out. Sample k of it is as late in the sound as its number says.
    """

    def __init__(self, source: AudioFormat, target: AudioFormat) -> None:
        import numpy as np  # imported here: equal rates need it not

        common = math.gcd(source.rate, target.rate)
        self._up, self._down = target.rate // common, source.rate // common
        self._filters = _filters(source.rate, target.rate)
        self._numpy = np
        self._ahead = self._filters.shape[1] // 2
        # What lies before the first sample is silence.
        self._waiting: np.ndarray = np.zeros(self._ahead - 1, np.float32)
        self._first = -(self._ahead - 1)  # the source's sample that is the first one waiting
        self._next = 0  # the target's sample that comes out next

    def feed(self, audio: bytes) -> bytes:
        """Return what can be said of the output so far; whole samples."""
        return self._converted(self._numpy.frombuffer(audio, "<i2"))

    def flush(self) -> bytes:
        """Return the rest; the stream is over."""
        return self._converted(self._numpy.zeros(self._ahead, "<i2"))

    def _converted(self, samples: np.ndarray) -> bytes:
        np = self._numpy
        self._waiting = np.concatenate((self._waiting, samples), dtype=np.float32)
        # Sample k stands at k * down / up of the source, and wants `ahead` samples behind that.
        end = -(-(self._first + len(self._waiting) - self._ahead) * self._up // self._down)
        if end <= self._next:
            return b""
        at = np.arange(self._next, end) * self._down
        begins = at // self._up - (self._ahead - 1) - self._first
        # The waiting samples once more from each on, without a copy; `sliding_window_view` makes the same in 20 µs.
        size = 2 * self._ahead
        each = np.ndarray((len(self._waiting) - size + 1, size), np.float32, self._waiting, 0, (4, 4))
        if self._up == 1:
            # No `@` here: a BLAS would share it out to threads, which spin for longer than this takes.
            found = np.einsum("kt,t->k", each[begins], self._filters[0])
        else:
            found = np.einsum("kt,kt->k", each[begins], self._filters[at % self._up])
        self._next = end
        done = max(0, end * self._down // self._up - (self._ahead - 1) - self._first)
        self._first += done
        self._waiting = self._waiting[done:]
        return bytes(np.rint(found).clip(-32_768, 32_767).astype("<i2").tobytes())


@lru_cache(maxsize=32)  # some 100 kB each at the most; ours: more rates than microphones have
def _filters(source: int, target: int) -> np.ndarray:
    """Return a windowed sinc, a row for each place that a sample of the target has between two of the source."""
    import numpy as np

    up = target // math.gcd(source, target)
    half_hz = min(source, target) / 2
    width = 2 * math.pi * TRANSITION * half_hz / source
    ahead = math.ceil((STOPPED_DB - 8) / (2.285 * width) / 2)  # Kaiser's rule for the length of a filter
    beta = 0.1102 * (STOPPED_DB - 8.7)  # and for the shape of its window
    at = np.arange(-ahead + 1, ahead + 1)[None, :] - np.arange(up)[:, None] / up
    cut = 2 * (1 - TRANSITION / 10) * half_hz / source
    window = np.i0(beta * np.sqrt(np.clip(1 - (at / ahead) ** 2, 0, None))) / np.i0(beta)
    rows = np.sinc(cut * at) * window
    filters: np.ndarray = (rows / rows.sum(axis=1, keepdims=True)).astype(np.float32)
    return filters
