"""Windows of speech made into one stream: their edges added, their words put to the samples that speak them. Pure."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterator
from itertools import pairwise

from voxint.core.stages import Speech
from voxint.providers._kokoro_jobs import SpokenWindow

__all__ = ["Joiner"]


class Joiner:
    """Puts sounds behind one another. The end of one that fades into the next waits for that."""

    def __init__(self) -> None:
        self._tail = array("h")

    def joined(self, sound: SpokenWindow) -> Iterator[Speech]:
        """Yield the speech of a sound word by word, but for the end that it shares with the next."""
        samples = _samples(sound.audio)
        before, behind = sound.overlap
        shared = min(2 * before, len(self._tail), len(samples))
        for at in range(shared):
            samples[at] = max(-32768, min(32767, samples[at] + self._tail[at]))
        self._tail = samples[len(samples) - 2 * behind :] if behind else array("h")
        ready = len(samples) - len(self._tail)
        begins = [min(before + at, ready) for at, _ in sound.words]
        yield from _speech(samples[: begins[0] if begins else ready], None)
        for (_, written), (begin, end) in zip(sound.words, pairwise((*begins, ready)), strict=True):
            yield from _speech(samples[begin:end], written)


def _speech(samples: array[int], written: str | None) -> Iterator[Speech]:
    if samples or written:
        yield Speech(_bytes(samples), written)


def _samples(audio: bytes) -> array[int]:
    samples = array("h", audio)
    if sys.byteorder == "big":
        samples.byteswap()
    return samples


def _bytes(samples: array[int]) -> bytes:
    if sys.byteorder == "big":
        samples = samples[:]
        samples.byteswap()
    return samples.tobytes()
