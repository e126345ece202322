"""Which audio of an answer speaks which of its text: the spans that a ledger holds, and the marks between them."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from attrs import define, field

from voxint.core.alignment import Aligned
from voxint.core.tokens import count_letters

__all__ = ["Marker", "SpokenSpan"]


@define(eq=False)
class SpokenSpan:
    """Text, and the sample of the reply at which the audio that speaks it begins.

    Pieces are joined and counted when somebody asks, and not at each that comes: thousands may come without audio.
    """

    start: int
    _pieces: list[Aligned]
    _letters: int | None = field(init=False, default=None)

    def add(self, text: Aligned) -> None:
        """Take more text that the same audio begins to speak."""
        self._pieces.append(text)
        self._letters = None

    @property
    def text(self) -> Aligned:
        """All of it."""
        if len(self._pieces) > 1:
            self._pieces = [Aligned.joined(self._pieces)]
        return self._pieces[0]

    @property
    def letters(self) -> int:
        """How long it takes to say: what is written and not spoken takes no time."""
        if self._letters is None:
            self._letters = _letters_of(self.text.spoken)
        return self._letters


def _letters_of(spoken: str) -> int:
    """Return how long a span takes to say; a single word is over when the next one begins, and not a space before."""
    word = spoken.rstrip()
    return count_letters(spoken if any(map(str.isspace, word)) else word)


@define(eq=False)
class Marker:
    """Where in the audio how much of the text is reached, counted only where somebody asks.

    Each span is counted once. All but the last are what they are for good; the last may take more text.

    Args:
        apart: Samples between two marks; the text of those that are closer is told at the first of them.
    """

    apart: int
    _reached: list[int] = field(init=False, factory=list)  # up to the end of each span but the last

    def marks(
        self, spans: Sequence[SpokenSpan], begin: int, end: float, *, joins: bool = False
    ) -> list[tuple[int, int]]:
        """Return the sample at which each span begins, and the characters of text up to its end.

        Args:
            spans: Those of one answer, in order; the same ones and more at each call.
            begin: The first sample to look at.
            end: The first one that is not looked at any more.
            joins: Whether to tell at `begin`, too, what was reached by then.
        """
        index = bisect_left(spans, begin, key=lambda span: span.start)
        marks = [(begin, self._reach(spans, index - 1))] if joins else []
        while index < len(spans) and spans[index].start < end:
            start, reached = spans[index].start, self._reach(spans, index)
            if marks and start - marks[-1][0] < self.apart:
                marks[-1] = (marks[-1][0], reached)
            else:
                marks.append((start, reached))
            index += 1
        return marks

    def _reach(self, spans: Sequence[SpokenSpan], index: int) -> int:
        """Return the characters up to the end of a span; -1 is what is before the first."""
        while len(self._reached) < min(index + 1, len(spans) - 1):
            at = len(self._reached)
            self._reached.append((self._reached[-1] if at else 0) + len(spans[at].text.written))
        if index < len(self._reached):
            return self._reached[index] if index >= 0 else 0
        return (self._reached[-1] if self._reached else 0) + len(spans[index].text.written)
