"""Sample rates brought together, by libsoxr."""

from __future__ import annotations

import importlib
import sys
from typing import Protocol

import trio

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


async def load_resampler() -> None:
    """Import what a conversion needs, before anybody waits for it: the first time it takes 0.1 s and more.

    A thread does that. Only in virtual time it is done here: nobody waits on the real clock there, and the other one
    would leap while a thread works. Cancelled, it waits for the thread.
    """
    if "soxr" in sys.modules:
        return
    clock = trio.lowlevel.current_clock()
    second_s = clock.deadline_to_sleep_time(clock.current_time() + 1)  # as the real clock has it
    if 0.5 < second_s < 2:
        await trio.to_thread.run_sync(_import)
    else:
        _import()


def _import() -> None:
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
