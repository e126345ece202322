"""Cut a stream of text deltas into pieces that a synthesizer can speak."""

from __future__ import annotations

import re
from enum import IntEnum

from attrs import define, field, validators

from voxint.core.tokens import UNSPACED, count_letters

__all__ = ["Segmenter"]

_SPEAKABLE = re.compile(r"[^\W_]")
_UNSPOKEN = re.compile(r"[\W_]")
_GAP = re.compile(r"[\W_]+")
"""What stands between two letters or digits. Everything is decided at a gap, once what follows it is known."""

_UNSPACED = re.compile(f"[{UNSPACED}]")
_CLOSING = r"\"'”’»)\]}」』）】》〉］｝"
_WIDE_SENTENCE = re.compile(rf"[。！？｡][。！？｡.!?…{_CLOSING}]*\s*")
_SENTENCE = re.compile(r"[.!?…؟।]")
_SENTENCE_REST = re.compile(r"\S++\s+(?:[.!?…]+\s+)*")
"""A mark with all that sticks to it, the white space after it, and the rest of a spaced-out `. . .`"""
_NEWLINE = re.compile(r"\n\s*")
_WIDE_CLAUSE = re.compile(rf"[，、；：][{_CLOSING}]*\s*|—+\s*")
_CLAUSE = re.compile(r"[,;:،؛]|(?<=\s)[-–]++(?=\s)")
_SPACE = re.compile(r"\s+")

_DOTTED = re.compile(r"[^\W\d_]{1,2}(?:\.[^\W\d_]{1,2})+")
"""`e.g`, `U.S`, `a.m`, `Ph.D`, as they stand before their last period."""

_TITLE = re.compile("capt|col|dr|fr|gen|gov|hon|lt|messrs|mr|mrs|ms|mt|prof|rep|rev|sen|sgt|st|vs", re.IGNORECASE)
"""Abbreviations that go before a name."""

_SHORT_WORD = re.compile(
    "al|approx|apr|aug|ave|blvd|bros|ca|cf|co|corp|dec|dept|ed|est|etc|ext|feb|figs?|inc|jan|jr|jul|jun|ltd|max|min"
    "|nos?|nov|oct|pp?|pt|rd|sec|sept|sr|tel|vol",
    re.IGNORECASE,
)
"""Abbreviations that may end a sentence too: they do where a capital follows."""

_LOOK_BACK = 8
"""Characters looked at before a period: more than the longest abbreviation has."""


class _Strength(IntEnum):
    NONE = 0
    SPACE = 1
    CLAUSE = 2
    SENTENCE = 3


_Boundary = tuple[_Strength, int]
"""How much of a boundary a gap is, and where the next piece would begin."""


def _is_unspaced(text: str, at: int) -> bool:
    return _UNSPACED.match(text, at) is not None


def _is_abbreviation(text: str, begin: int, period: int, following: str) -> bool:
    """Return whether the period belongs to the word before it, as in `Dr.`, `J.`, or `1.` in a list."""
    words = _SPACE.split(text[max(begin, period - _LOOK_BACK) : period])
    word = words[-1].lstrip("([{\"'“‘*_")
    if word.isdigit():
        start = period - len(word)
        before = text[max(begin, start - _LOOK_BACK) : start].rstrip(" \t*_")
        return len(word) <= 2 and (not before or before.endswith("\n"))
    if len(word) == 1 and word.isupper():
        return word != "I"
    if _DOTTED.fullmatch(word) or _TITLE.fullmatch(word):
        return True
    return _SHORT_WORD.fullmatch(word) is not None and not following.isupper()


def _sentence_end(text: str, begin: int, start: int, end: int) -> _Boundary | None:
    """Return the end of a sentence in the gap from `start` to `end`; an ellipsis in a sentence counts as a clause."""
    if wide := _WIDE_SENTENCE.search(text, start, end):
        return _Strength.SENTENCE, wide.end()
    if mark := _SENTENCE.search(text, start, end):
        rest = _SENTENCE_REST.match(text, mark.start(), end)
        # Without white space it is `3.14`, `example.com/a?b`, `voxint.toml`; between Chinese characters none is due.
        ends = rest is not None or (_is_unspaced(text, start - 1) and _is_unspaced(text, end))
        one_period = mark.group() == "." and mark.start() == start and not text.startswith(".", start + 1)
        if ends and not (one_period and _is_abbreviation(text, begin, start, text[end])):
            trails_off = text.startswith(("..", "…"), mark.start()) and text[end].islower()
            return (_Strength.CLAUSE if trails_off else _Strength.SENTENCE), (rest.end() if rest else end)
    if newline := _NEWLINE.search(text, start, end):
        return _Strength.SENTENCE, newline.end()
    return None


def _boundary(text: str, begin: int, start: int, end: int) -> _Boundary:
    """Judge the gap from `start` to `end` in the piece that begins at `begin`; what follows the gap is known."""
    if sentence := _sentence_end(text, begin, start, end):
        return sentence
    between_digits = text[start - 1].isdigit() and text[end].isdigit()
    space = _SPACE.search(text, start, end)
    if (wide := _WIDE_CLAUSE.search(text, start, end)) and (space or not between_digits):
        return _Strength.CLAUSE, wide.end()
    if mark := _CLAUSE.search(text, start, end):
        after = _SPACE.search(text, mark.end(), end)
        if after or (_is_unspaced(text, start - 1) and _is_unspaced(text, end)):
            return _Strength.CLAUSE, (after.end() if after else end)
    return (_Strength.SPACE, space.end()) if space else (_Strength.NONE, end)


@define(eq=False)
class Segmenter:
    """Cut text into pieces at the ends of sentences and clauses, however it was cut into deltas.

    The pieces joined are the deltas joined. A gap between two words is decided when the word after it begins, so no
    piece is handed out before it is known to be followed by more, and every piece but that of a reply without any
    letter or digit has something to say. Whoever knows that the text pauses (a function call) should `flush`.

    A minimum counts letters, and a Chinese or Japanese character as three, because a piece is as long as it takes to
    say. The maximum counts characters up to the last that is spoken: only marks and white space can go beyond it.

    Args:
        first_min_chars: The first piece ends at the first clause or sentence that brings it to this length. By
            default 8: a "Sure, " is too short to speak while the next piece is synthesized.
        min_chars: Later pieces end at the first sentence that brings them to this length. By default 30, some 2 s of
            speech: longer pieces are spoken with better prosody, and there is time.
        max_chars: Pieces end at a space (in Chinese anywhere) before they pass this length, and from half of it on
            at a clause. By default 240, some 16 s: more is only lost when it is interrupted.
    """

    first_min_chars: int = field(default=8, validator=validators.ge(1))
    min_chars: int = field(default=30, validator=validators.ge(1))
    max_chars: int = field(default=240, validator=validators.ge(1))
    _held: list[str] = field(init=False, factory=list)
    """The text not handed out yet. The positions below count from its start."""
    _first: bool = field(init=False, default=True)
    _begin: int = field(init=False, default=0)
    """Where the piece begins."""
    _body: int | None = field(init=False, default=None)
    """Where its first word begins."""
    _scan: int = field(init=False, default=0)
    """A place in the word up to which all is decided."""
    _last_space: int | None = field(init=False, default=None)
    """Where the piece could be cut if it had to be."""

    def feed(self, delta: str) -> list[str]:
        """Take more text and return the pieces that are now known to be whole; mostly none."""
        self._held.append(delta)
        if not _SPEAKABLE.search(delta):
            return []
        text = "".join(self._held)
        pieces = []
        while (cut := self._find_cut(text)) is not None:
            pieces.append(text[self._begin : cut])
            self._begin = self._scan = cut
            self._body = self._last_space = None
            self._first = False
        if shift := self._begin:
            text = text[shift:]
            self._begin = 0
            self._scan -= shift
            self._body = None if self._body is None else self._body - shift
            self._last_space = None if self._last_space is None else self._last_space - shift
        self._held = [text]
        return pieces

    def flush(self) -> list[str]:
        """Return what is left, one piece or none; the segmenter is then as new."""
        text = "".join(self._held)
        self._held = []
        self._first = True
        self._scan = 0
        self._body = self._last_space = None
        return [text] if text else []

    def _find_cut(self, text: str) -> int | None:
        """Return where the piece ends, or None while that is open."""
        if self._body is None:
            lead = _GAP.match(text, self._begin)
            self._body = self._scan = lead.end() if lead else self._begin
        limit = self._body + self.max_chars
        while True:
            unspoken = _UNSPOKEN.search(text, self._scan, limit + 1)
            self._scan = word_end = unspoken.start() if unspoken else min(len(text), limit + 1)
            if word_end > limit:
                return self._cut_at_limit(text, limit)
            gap = _GAP.match(text, word_end)
            if gap is None or gap.end() == len(text):
                return None
            strength, cut = _boundary(text, self._begin, word_end, gap.end())
            if strength >= _Strength.CLAUSE and self._is_long_enough(strength, count_letters(text[self._body : cut])):
                return cut
            if strength:
                self._last_space = cut
            if gap.end() >= limit:
                return self._cut_at_limit(text, limit)
            self._scan = gap.end()

    def _is_long_enough(self, strength: _Strength, letters: int) -> bool:
        if self._first:
            return letters >= self.first_min_chars
        return letters >= (self.min_chars if strength == _Strength.SENTENCE else self.max_chars // 2)

    def _cut_at_limit(self, text: str, limit: int) -> int:
        if _is_unspaced(text, limit - 1) or _is_unspaced(text, limit):
            return limit
        return limit if self._last_space is None else self._last_space
