"""The answer that all systems give, as sound that was made before.

It tells which samples a stretch of the answer's text is, and where in the answer a stretch of sound stands.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import accumulate

import numpy as np
from attrs import define, field, frozen

__all__ = ["Canned", "Run"]

GRAIN = 3
"""The noise that is added to every sample, up to so much of 32,767: unheard, it tells one silence from another."""

KEY = 48
"""Samples that are looked up as one: with the grain, no two stretches of so many are alike."""

LOST = 1600
STRIDE = 160
"""From so many samples in a row that are not of the answer, only every so manyth is looked up: it is other sound."""


@frozen
class Run:
    """Samples that are played as they stand in the answer.

    Args:
        at: Of the first one, in what was played.
        position: The same in the answer.
        count: How many.
    """

    at: int
    position: int
    count: int

    @property
    def end(self) -> int:
        """The sample after the last, in what was played."""
        return self.at + self.count


@define(eq=False, slots=False)
class Canned:
    """The answer.

    Args:
        sentences: Its text; joined by a space it is what the model writes.
        sounds: The sound of each, s16le mono.
        seed: Of the grain.
    """

    sentences: Sequence[str]
    sounds: Sequence[bytes] = field(repr=False)
    seed: int = 0

    @cached_property
    def pcm(self) -> bytes:
        """All of its sound."""
        samples = np.frombuffer(b"".join(self.sounds), dtype="<i2").astype(np.int32)
        grain = np.random.default_rng(self.seed).integers(-GRAIN, GRAIN + 1, len(samples))
        return bytes(np.clip(samples + grain, -32768, 32767).astype("<i2").data)

    @cached_property
    def _letters(self) -> str:
        return "".join(map(_letters, self.sentences))

    @cached_property
    def _ends(self) -> list[tuple[int, int]]:
        """Where each sentence ends: letters, samples."""
        letters = accumulate(len(_letters(sentence)) for sentence in self.sentences)
        return [(0, 0), *zip(letters, accumulate(len(sound) // 2 for sound in self.sounds), strict=True)]

    def speak(self, text: str) -> bytes:
        """Return the sound of a stretch of the answer's text; of stretches joined, without a seam.

        Raises:
            ValueError: It is none.
        """
        letters = _letters(text)
        first = self._letters.find(letters)
        if first < 0:
            raise ValueError("this is no part of the answer that the upstream has a voice for")
        return self.pcm[2 * self._sample(first) : 2 * self._sample(first + len(letters))]

    def _sample(self, letter: int) -> int:
        """Return where a letter's sound begins: between the ends of sentences evenly."""
        ends = self._ends
        at = next(place for place in range(1, len(ends)) if letter <= ends[place][0])
        (letters, samples), (later_letters, later_samples) = ends[at - 1], ends[at]
        return samples + (later_samples - samples) * (letter - letters) // (later_letters - letters)

    def runs(self, played: bytes) -> list[Run]:
        """Return what of a sound is the answer's, in the order in which it was played."""
        return list(self._runs(played))

    def _runs(self, played: bytes) -> Iterator[Run]:
        heard, mine = np.frombuffer(played, dtype="<i2"), np.frombuffer(self.pcm, dtype="<i2")
        at = expected = missed = 0
        while at + KEY <= len(heard):
            position = self._find(played[2 * at : 2 * (at + KEY)], expected)
            if position is None:
                missed += 1
                at += STRIDE if missed > LOST else 1
                continue
            if missed > LOST:  # it may have begun anywhere in the last stride
                back = min(STRIDE, at, position)
                same = heard[at - back : at][::-1] == mine[position - back : position][::-1]
                before = int(np.argmin(same)) if not same.all() else back
                at, position = at - before, position - before
            most = min(len(heard) - at, len(mine) - position)
            differs = np.flatnonzero(heard[at : at + most] != mine[position : position + most])
            count = int(differs[0]) if len(differs) else most
            yield Run(at, position, count)
            at, expected, missed = at + count, position + count, 0

    def _find(self, key: bytes, expected: int) -> int | None:
        if self.pcm.startswith(key, 2 * expected):
            return expected
        found = self.pcm.find(key)
        while found % 2 and found >= 0:  # between two samples
            found = self.pcm.find(key, found + 1)
        return found // 2 if found >= 0 else None


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text.lower()))
