"""Sample rates brought together, by libsoxr."""

from __future__ import annotations

import importlib
from typing import Protocol

from voxint.core.audio import AudioFormat

__all__ = ["Resampler", "load_resampler", "resampler"]


class Resampler(Protocol):
    """A stream of PCM on its way from one rate to another."""

    def feed(self, audio: bytes) -> bytes:
        """Return what can be said of the output so far; whole samples."""

    def flush(self) -> bytes:
        """Return the rest; the stream is over."""


class _Same:
    """Equal rates: nothing to do."""

    def feed(self, audio: bytes) -> bytes:
        return audio

    def flush(self) -> bytes:
        return b""


def load_resampler() -> None:
    """Import what a conversion needs; blocks for 0.1 s, which is for a thread, before anybody waits for it."""
    importlib.import_module("numpy")
    importlib.import_module("soxr")


class _Soxr:
    """A streaming conversion. `HQ` costs about 2 % of real time on one core and is beyond what speech can show."""

    def __init__(self, source: AudioFormat, target: AudioFormat) -> None:
        # soxr is imported when a conversion is needed: it brings numpy along, 0.1 s that equal rates need not pay.
        import numpy as np
        import soxr

        self._dtype = np.dtype("<i2")
        self._frombuffer = np.frombuffer
        self._stream = soxr.ResampleStream(source.rate, target.rate, 1, dtype="int16", quality="HQ")

    def feed(self, audio: bytes) -> bytes:
        samples = self._frombuffer(audio, dtype=self._dtype)
        return bytes(self._stream.resample_chunk(samples).tobytes())

    def flush(self) -> bytes:
        empty = self._frombuffer(b"", dtype=self._dtype)
        return bytes(self._stream.resample_chunk(empty, last=True).tobytes())


def resampler(source: AudioFormat, target: AudioFormat) -> Resampler:
    """Return a fresh conversion from `source` to `target`."""
    return _Same() if source == target else _Soxr(source, target)
