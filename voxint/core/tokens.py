"""How much a text is, to a model in tokens and to a listener in letters, by named rules of thumb."""

from __future__ import annotations

import re

__all__ = ["UNSPACED", "count_letters", "estimate_tokens"]

UNSPACED = (
    "\u2e80-\u2fff\u3001-\u312f\u31a0-\ua4cf\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff9f\uffe0-\uffee\U00020000-\U0003ffff"
)
"""The inside of a regular expression's `[...]`: scripts written without spaces (Han, kana, full-width punctuation)."""

_UNSPACED = re.compile(f"[{UNSPACED}]+")

_DENSE = re.compile(f"[{UNSPACED}\u1100-\u11ff\u3130-\u318f\uac00-\ud7ff]+")
"""Hangul is spaced into words, yet a model reads about one token a syllable."""

_CHARS_PER_TOKEN = 4

_LETTERS_PER_UNSPACED = 3
"""English has some 15 letters a second, Chinese some 5 characters: both carry about 5 syllables."""


def estimate_tokens(text: str) -> int:
    """Return about how many tokens `text` is: one a Chinese, Japanese or Korean character, else one per four.

    Four characters a token is what model vendors tell people to reckon with for English. One a character is on the
    high side for Chinese with vocabularies of 100,000 and more. It is an estimate, not a count: right enough to keep
    a conversation within a budget and to say what a cancelled answer cost, wrong by a factor of two for, say, code.
    """
    others = len(text) if text.isascii() else len(_DENSE.sub("", text))
    return len(text) - others + -(-others // _CHARS_PER_TOKEN)


def count_letters(text: str) -> int:
    """Return how long `text` takes to say, in letters: a Chinese or Japanese character lasts as long as three."""
    if text.isascii():
        return len(text)
    return len(text) + (_LETTERS_PER_UNSPACED - 1) * (len(text) - len(_UNSPACED.sub("", text)))
