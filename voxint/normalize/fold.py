"""One spelling for digits and signs that Unicode has in many."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

__all__ = ["NUMERAL", "fold"]

NUMERAL = "\ue000"
"""Stands for a numeral that is one character and no digit of a number: ½, ①, Ⅷ, ₂. Of private use, so in no text."""

_FULL_WIDTH = {chr(code + 0xFEE0): chr(code) for code in range(0x21, 0x7F) if chr(code) not in "!\"'(),:;?[]`{}"}
"""Letters, digits and signs as wide as a Chinese character. Punctuation stays: a voice pauses there as it is."""

_SAME = {
    **_FULL_WIDTH,
    **dict.fromkeys("\u2010\u2011\u2212\ufe63", "-"),
    **dict.fromkeys("\u2018\u2019\u02bc\u2032", "'"),
    **dict.fromkeys("\u201f\u2033", '"'),
    "\u02da": "°",
    "\u00ba": "°",
    "\u03bc": "µ",
    "\u2126": "Ω",
    "\u223c": "~",
    "\u301c": "~",
    "\uffe1": "£",
    "\uffe5": "¥",
    "\uff02": '"',
    "\u2044": "/",
    "\u2215": "/",
}


@lru_cache(maxsize=4096)
def _fold(char: str) -> str:
    if char in "²³" or char.isascii():
        return char
    if same := _SAME.get(char):
        return same
    kind = unicodedata.category(char)
    if kind == "Nd":
        return str(unicodedata.decimal(char))
    return NUMERAL if kind in ("No", "Nl") and char != "〇" else char


def fold(text: str) -> str:
    """Return the text, character by character, with digits of any script as ASCII and one sign for its look-alikes.

    It is as long as `text`, so that a place in one is the same place in the other.
    """
    return text if text.isascii() else "".join(map(_fold, text))
