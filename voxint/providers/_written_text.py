"""A written text before it is spoken: cut into what can be said in one go, and told by its language. Pure functions."""

from __future__ import annotations

import functools
import re
import unicodedata
from typing import Literal

from attrs import frozen

__all__ = ["CHINESE", "HAN", "LONG_WORD", "MARKS", "WORD_CHARS", "Segment", "language", "segments", "speakable"]

WORD_CHARS = 40
"""Longest run without a space. Given a word of 200 letters, all prefixes, espeak 1.52 aborted the whole process."""

CHINESE = "\u3400-\u9fff\uf900-\ufaff"
"""The characters of Chinese, as a range of a regular expression."""

HAN = re.compile(f"[{CHINESE}]")
"""One of them."""

LONG_WORD = re.compile(rf"[^\s{CHINESE}]{{{WORD_CHARS}}}(?=\S)")
"""The part of an overlong word behind which it is broken."""

MARKS = re.compile(r"(?<=\w)[.,;:!?…–—)\]\"'”’»。，、；：！？）】」』]+\s*$")
"""The marks behind a word, for which a voice pauses."""

_SENTENCE = re.compile(r"[.!?;…]+[\"')\]]*\s|[。！？；]+[”’」』）]*")
_CLAUSE = re.compile(r"[,:]\s|[，、：]")
_SPACE = re.compile(r"\s")
_WORD = re.compile(rf"[^\W\d_{CHINESE}]+")


@frozen
class Segment:
    """A part of a piece of text, as it is written, and as it can be spoken; empty where there is nothing to say."""

    written: str
    spoken: str


def segments(piece: str, limit: int) -> list[Segment]:
    """Cut `piece` into segments of which at most `limit` characters are spoken, after sentences where possible.

    What is written of them, joined, is the piece. What can't be spoken (control characters, pictures) becomes a space,
    overlong words are broken, and nothing is spoken of a segment that holds neither letter nor digit nor sign.
    """
    clean = "".join(map(speakable, piece))
    found: list[Segment] = []
    at = 0
    while at < len(clean):
        body = clean[at:].lstrip()
        cut = len(clean) - len(body) + _cut(body, limit - limit // WORD_CHARS)  # room for breaks in long words
        spoken = LONG_WORD.sub(r"\g<0> ", clean[at:cut].strip())
        audible = any(unicodedata.category(char)[0] in "LNS" for char in spoken)
        found.append(Segment(piece[at:cut], spoken if audible else ""))
        at = cut
    return found or [Segment(piece, "")]


def language(text: str) -> Literal["en", "zh"] | None:
    """Return the language of most of `text`, a Chinese character weighing as much as a word; None without either."""
    chinese, other = len(HAN.findall(text)), len(_WORD.findall(text))
    if not chinese and not other:
        return None
    return "zh" if chinese > other else "en"


@functools.lru_cache(maxsize=4096)
def speakable(char: str) -> str:
    """Return `char`, or a space for what a voice would take as a command, end at, or read out by its Unicode name."""
    category = unicodedata.category(char)
    picture = category in ("So", "Sk") and char > "\u2190"
    return " " if category[0] == "C" or picture or char == "\ufe0f" else char


def _cut(text: str, limit: int) -> int:
    """Where the first segment of `text` ends: after a sentence, else a clause, else a word, else just there."""
    if len(text) <= limit:
        return len(text)
    for boundary in (_SENTENCE, _CLAUSE, _SPACE):
        ends = [match.end() for match in boundary.finditer(text, 0, limit)]
        if ends and ends[-1] > limit // 4:
            return ends[-1]
    return limit
