"""Words and phrases as they are compared: how a text is split, counted, and looked through; pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

from voxint.core.tokens import UNSPACED

__all__ = ["consists_of", "contains_one_of", "count_words", "listed", "spoken_words"]

_WORD = re.compile(rf"(?=[^\W_])[{UNSPACED}]|[^\W_{UNSPACED}]+(?:['’][^\W_{UNSPACED}]+)*")
"""A character of a script without spaces, or a word."""

_COUNTED = re.compile(rf"(?=[^\W_])[{UNSPACED}]|[^\s{UNSPACED}]+")
"""As `_WORD`; one with hyphens counts once."""

_DRAWN_OUT = re.compile(r"(.)\1{2,}")
"""Three and more of a letter: "yeahhh", "Hmmmmm"."""


def listed(lines: str) -> frozenset[str]:
    """Return the phrases of a text that has commas between them."""
    return frozenset(phrase for piece in lines.replace("\n", " ").split(",") if (phrase := piece.strip()))


def count_words(text: str) -> int:
    """Return how many words a text has: in Chinese and Japanese each character is one, and marks are none."""
    return sum(any(map(str.isalnum, word)) for word in _COUNTED.findall(text))


def spoken_words(text: str) -> list[str]:
    """Return the words as they are compared: without case, marks and full width; a Chinese character is a word."""
    plain = unicodedata.normalize("NFKC", text).replace("’", "'").casefold()
    return _WORD.findall(plain)


def consists_of(text: str, phrases: frozenset[str]) -> bool:
    """Return whether a text is one or several of some phrases and nothing else; a text without a word is none.

    Case, marks and letters that are drawn out ("Hmmmm", "yeahhh") don't matter. The time is linear in the text.

    Args:
        text: What was said.
        phrases: In any spelling that differs in case and marks alone: "uh-huh" and "uh huh" are the same.
    """
    known = _known(phrases)
    words = spoken_words(text)
    # Where a phrase may begin: behind each of those that were found, and none of the words before it is left over.
    reached = {0}
    for at in range(len(words)):
        if at in reached:
            reached |= {at + size for size in known.begins(words[at]) if known.has(words[at : at + size])}
    return bool(words) and len(words) in reached


def contains_one_of(text: str, phrases: frozenset[str]) -> bool:
    """Return whether one of the phrases stands in a text, word by word; compared as in `consists_of`."""
    words, known = spoken_words(text), _known(phrases)
    return any(known.has(words[at : at + size]) for at, word in enumerate(words) for size in known.begins(word))


class _Known:
    """Phrases as words, found by their first one."""

    def __init__(self, phrases: Iterable[str]) -> None:
        self._phrases = {words for phrase in phrases if (words := tuple(spoken_words(phrase)))}
        self._sizes: dict[str, set[int]] = {}
        for words in self._phrases:
            self._sizes.setdefault(words[0], set()).add(len(words))

    def begins(self, word: str) -> set[int]:
        """Return how many words the phrases have that begin so."""
        return set().union(*(self._sizes.get(each, ()) for each in _spellings(word)))

    def has(self, words: list[str]) -> bool:
        """Return whether the words are a phrase, in one of their spellings."""
        spelt: set[tuple[str, ...]] = {()}
        for word in words:
            spelt = {(*before, each) for before in spelt for each in _spellings(word)}
        return not spelt.isdisjoint(self._phrases)


def _spellings(word: str) -> tuple[str, ...]:
    if _DRAWN_OUT.search(word) is None:
        return (word,)
    return _DRAWN_OUT.sub(r"\1", word), _DRAWN_OUT.sub(r"\1\1", word)


@lru_cache(maxsize=32)  # ours: an application has one set of phrases, or one for each language
def _known(phrases: frozenset[str]) -> _Known:
    return _Known(phrases)
