"""How many words of what was said were understood wrongly. Pure.

A unit is a word, or where there are none between spaces, as in Chinese, a character. So one rule gives the word error
rate of English and the character error rate of Chinese.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from attrs import frozen

from voxint.normalize.english_numbers import by_digits, cardinal

__all__ = ["Score", "distance", "score", "units"]

_UNIT = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]|[^\W_\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]+")
_GROUPED = re.compile(r"(?<=\d),(?=\d{3}\b)")
_APOSTROPHE = re.compile(r"(?<=\w)['\u2019](?=\w)")

_SPELT = {
    "mr": ["mister"],
    "mrs": ["missus"],
    "dr": ["doctor"],
    "ok": ["okay"],
}
"""What is written in two ways and said in one."""

_SIGNS = {"&": " and ", "%": " percent ", "+": " plus "}

_LARGEST = 999_999
"""Of a number that is spelt out; ours: what is longer is read digit by digit, as a telephone number is."""


@frozen
class Score:
    """What became of what was said.

    Args:
        wrong: Units that were replaced, left out or added.
        said: Units that were said.
    """

    wrong: int = 0
    said: int = 0

    def __add__(self, other: Score) -> Score:
        return Score(self.wrong + other.wrong, self.said + other.said)

    @property
    def rate(self) -> float:
        """The share of wrong ones; more than 1 where more was added than was said."""
        return self.wrong / self.said if self.said else 0.0


def score(said: str, understood: str) -> Score:
    """Return how much of `said` was understood wrongly, whatever its case, marks and way to write numbers."""
    reference = units(said)
    return Score(distance(reference, units(understood)), len(reference))


def units(text: str) -> list[str]:
    """Return the words of a text, and the characters of what has no spaces, as they are compared."""
    text = unicodedata.normalize("NFKC", text).casefold()
    for sign, word in _SIGNS.items():
        text = text.replace(sign, word)
    text = _GROUPED.sub("", _APOSTROPHE.sub("", text))
    return [unit for found in _UNIT.findall(text) for unit in _spelt(found)]


def distance(reference: Sequence[str], heard: Sequence[str]) -> int:
    """Return the fewest units to replace, leave out or add that make one of the other (Levenshtein's distance)."""
    before = list(range(len(heard) + 1))
    for row, wanted in enumerate(reference, start=1):
        now = [row]
        for column, found in enumerate(heard, start=1):
            now.append(min(before[column] + 1, now[-1] + 1, before[column - 1] + (wanted != found)))
        before = now
    return before[-1]


def _spelt(unit: str) -> list[str]:
    if not (unit.isascii() and unit.isdigit()):
        return _SPELT.get(unit, [unit])
    if int(unit) > _LARGEST or (len(unit) > 1 and unit[0] == "0"):
        return by_digits(unit).split()
    return cardinal(int(unit)).replace("-", " ").split()
