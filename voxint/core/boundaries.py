"""Where in a text a voice may stop: sentences, clauses, and what only looks like their end."""

from __future__ import annotations

import re
from enum import IntEnum

from voxint.core.tokens import UNSPACED

__all__ = ["Boundary", "Strength", "boundary", "is_unspaced", "paused", "settled"]

_UNSPACED = re.compile(f"[{UNSPACED}]")
_CLOSING = r"\"'”’»)\]}」』）】》〉］｝"
_WIDE_SENTENCE = re.compile(rf"[。！？｡](?:[。！？｡.?…{_CLOSING}]|!(?!\[))*\s*")  # `![` is an image
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

_LAST_WORD = re.compile(
    "again|already|anymore|anything|anyway|away|course|either|everything|everywhere|forever|here|indeed|instead|it|later"
    "|me|myself|nothing|now|otherwise|something|soon|that|them|there|those|though|today|together|tomorrow|tonight|too"
    "|you|yourself"
)
"""Words that often end a sentence and stand before no point otherwise: none is the first part of a file's or a host's
name that anybody speaks of. Chosen here."""

_PLAIN_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_SETTLED_WIDE = re.compile(rf"[{_CLOSING}*_`]*[。！？｡，、；：]")
_PAIRS = ("“”", "‘’", "«»", "()", "[]", "（）", "【】", "《》", "〈〉", "「」", "『』")
_ALIKE = tuple(re.compile(rf"{mark}+") for mark in ('"', r"\*", "_", "`", "~"))
_OPENS = re.compile(r"[\"*_`~“‘«(\[（【《〈「『]|(?<!\w)'")
_SINGLE = re.compile(r"(?<!\w)'")

_LOOK_BACK = 8
"""Characters looked at before a period: more than the longest abbreviation has."""


class Strength(IntEnum):
    """How much a voice may stop at a gap between two words."""

    NONE = 0
    SPACE = 1
    CLAUSE = 2
    SENTENCE = 3


Boundary = tuple[Strength, int]
"""What a gap is, and where the next piece would begin."""


def is_unspaced(text: str, at: int = 0) -> bool:
    """Return whether the character at `at` is of a script without spaces."""
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


def _sentence_end(text: str, begin: int, start: int, end: int) -> Boundary | None:
    """Return the end of a sentence in the gap from `start` to `end`; an ellipsis in a sentence counts as a clause."""
    if wide := _WIDE_SENTENCE.search(text, start, end):
        return Strength.SENTENCE, wide.end()
    if mark := _SENTENCE.search(text, start, end):
        rest = _SENTENCE_REST.match(text, mark.start(), end)
        # Without white space the mark is part of `3.14`, `example.com/a?b`; between Chinese characters none is due.
        ends = rest is not None or (is_unspaced(text, start - 1) and is_unspaced(text, end))
        one_period = mark.group() == "." and mark.start() == start and not text.startswith(".", start + 1)
        if ends and not (one_period and _is_abbreviation(text, begin, start, text[end])):
            trails_off = text.startswith(("..", "…"), mark.start()) and text[end].islower()
            return (Strength.CLAUSE if trails_off else Strength.SENTENCE), (rest.end() if rest else end)
    if newline := _NEWLINE.search(text, start, end):
        return Strength.SENTENCE, newline.end()
    return None


def boundary(text: str, begin: int, start: int, end: int) -> Boundary:
    """Judge the gap from `start` to `end` in the piece that begins at `begin`; what follows the gap is known."""
    if sentence := _sentence_end(text, begin, start, end):
        return sentence
    between_digits = text[start - 1].isdigit() and text[end].isdigit()
    space = _SPACE.search(text, start, end)
    if (wide := _WIDE_CLAUSE.search(text, start, end)) and (space or not between_digits):
        return Strength.CLAUSE, wide.end()
    if mark := _CLAUSE.search(text, start, end):
        after = _SPACE.search(text, mark.end(), end)
        if after or (is_unspaced(text, start - 1) and is_unspaced(text, end)):
            return Strength.CLAUSE, (after.end() if after else end)
    return (Strength.SPACE, space.end()) if space else (Strength.NONE, end)


def _is_open(text: str) -> bool:
    """Return whether a quotation, a bracket or emphasis in `text` still has to be closed."""
    if not _OPENS.search(text):
        return False
    unequal = any(text.count(pair[0]) > text.count(pair[1]) for pair in _PAIRS)
    return unequal or any(len(runs.findall(text)) % 2 for runs in _ALIKE) or _SINGLE.search(text) is not None


def _followers(text: str, begin: int, start: int) -> tuple[str, ...]:
    """Return examples of how the text may go on after the gap from `start`; none where that is too open."""
    gap = text[start:]
    if gap[-1].isspace():
        return () if gap.isspace() and "\n" not in gap else ("a", "A", "0")
    words = _SPACE.split(text[begin:start])
    if _SETTLED_WIDE.fullmatch(gap):
        followers: tuple[str, ...] = ("a", "A", "0", "好")
    elif (gap in ("!", "?") and _PLAIN_WORD.fullmatch(words[-1])) or (gap == "." and _LAST_WORD.fullmatch(words[-1])):
        followers = (" a", " A", " 0")
    else:
        return ()
    return () if _is_open(text[begin:]) else followers


def settled(text: str, begin: int, start: int) -> Boundary | None:
    """Judge the gap from `start` to the end of `text` before it is known what follows; None while that matters.

    What may follow and is passed over: a word that begins right at a `!` or `?` (`What?No` is heard as two sentences
    anyway), and more marks of the kind (`!!`), which the next piece then begins with and nobody speaks.
    """
    strength, cut = Strength.SENTENCE, len(text)
    for follower in (followers := _followers(text, begin, start)):
        judged, place = boundary(text + follower, begin, start, len(text) + len(follower) - 1)
        strength, cut = min(strength, judged), min(cut, place)
    return (strength, cut) if followers and strength >= Strength.CLAUSE else None


def paused(text: str, begin: int, start: int) -> Boundary:
    """Judge the gap from `start` to the end of `text`, where the model pauses: as if a new sentence were to follow."""
    follower = "A" if text[-1].isspace() else " A"
    strength, place = boundary(text + follower, begin, start, len(text) + len(follower) - 1)
    return strength, min(place, len(text))
