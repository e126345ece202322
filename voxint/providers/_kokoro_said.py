"""Which phonemes are said for which written words: pure."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, pairwise

from attrs import define, frozen

from voxint.normalize import Span
from voxint.providers._written_text import CHINESE, HAN

__all__ = ["Run", "SaidWord", "Token", "aligned", "groups", "runs"]

WIDE, NARROW = "，、。！？：；（）《》「」『』【】", ",,.!?:;()“”“”“”“”"
"""Chinese marks, and what they are to the model; each has the length of the other."""

_NARROW = str.maketrans(WIDE, NARROW)

_BEGINS = re.compile(rf"(?<=\s)\S|[{CHINESE}]|(?<=[{CHINESE}，。！？；：、])\S")
"""Where a word may begin within written text."""


@frozen
class Token:
    """Phonemes, with the place at which what they stand for begins in the text that is said."""

    at: int
    phonemes: str


@frozen
class Run:
    """A part of what is said, in one script: its place, and its text with what no voice can say as spaces."""

    at: int
    text: str
    chinese: bool


_RUN = re.compile(rf"[{CHINESE}]+(?:[\s{WIDE}]*[{CHINESE}]+)*|[^{CHINESE}]+")
_UNSAID = re.compile(rf"[^\s{WIDE}{CHINESE}!-~£€¥“”‘’–—…À-ÖØ-öø-ɏ]")


def runs(spoken: str) -> list[Run]:
    """Cut what is said into Chinese and other text; signs and scripts that no dictionary here has become spaces."""
    return [
        Run(found.start(), _UNSAID.sub(" ", found.group()).translate(_NARROW), HAN.match(found.group()) is not None)
        for found in _RUN.finditer(spoken)
    ]


@define
class SaidWord:
    """Written words, with the phonemes that are said for them, white space behind included; perhaps none."""

    written: str
    phonemes: str


def aligned(spans: Sequence[Span], tokens: Iterable[Token]) -> list[SaidWord]:
    """Return the written words with their phonemes. What is written of them, joined, is what the spans have.

    A span that is said as it is written may be cut before a word; any other is a whole.

    Args:
        spans: The text, as it is written and as it is said.
        tokens: The phonemes of all that is said, in order.
    """
    starts = [0, *accumulate(len(span.spoken) for span in spans)]
    owned: list[list[Token]] = [[] for _ in spans]
    for token in tokens:
        owned[max(0, min(bisect_right(starts, token.at), len(spans)) - 1)].append(token)
    return [
        word
        for span, start, own in zip(spans, starts[:-1], owned, strict=True)
        for word in _words(span, [Token(max(0, token.at - start), token.phonemes) for token in own])
    ]


def _words(span: Span, tokens: Sequence[Token]) -> list[SaidWord]:
    """Return the words of a span, given its tokens at their places in it."""
    places = [0]
    if span.written == span.spoken:
        places += [token.at for token in tokens if token.at and _BEGINS.match(span.written, token.at)]
    words = [SaidWord(span.written[begin:end], "") for begin, end in pairwise((*places, len(span.written)))]
    for token in tokens:
        words[bisect_right(places, token.at) - 1].phonemes += token.phonemes
    return words


_SENTENCE, _CLAUSE = ".!?…", ",;:—"


def groups(said: Sequence[SaidWord], most: int, fine: int) -> list[list[SaidWord]]:
    """Cut what is said into utterances of up to `most` phonemes: after a sentence, else a clause, else a word.

    Args:
        said: The words in order.
        most: Phonemes of an utterance at most; a word of more, such as a number of a hundred digits, is cut.
        fine: Phonemes from which on an utterance ends at the end of a sentence.
    """
    found: list[list[SaidWord]] = [[]]
    for word in (part for each in said for part in _parts(each, most)):
        if _length(found[-1]) >= fine and _last(found[-1]) in _SENTENCE and word.phonemes.strip():
            found.append([])
        while 0 < _length(found[-1]) > most - len(word.phonemes):
            cut = _cut(found[-1])
            found.append(found[-1][cut:])
            del found[-2][cut:]
        found[-1].append(word)
    return found


def _parts(word: SaidWord, most: int) -> Iterator[SaidWord]:
    """Yield a word, in parts where it is too long; what is written is written with the first."""
    yield SaidWord(word.written, word.phonemes[:most])
    for begin in range(most, len(word.phonemes), most):
        yield SaidWord("", word.phonemes[begin : begin + most])


def _cut(words: Sequence[SaidWord]) -> int:
    """Where an utterance that is too long is cut: after its last clause, if that is not near its begin."""
    half = _length(words) // 2
    ends = [0, *accumulate(len(word.phonemes) for word in words)]
    for marks in (_SENTENCE, _CLAUSE):
        for count in range(len(words), 0, -1):
            if ends[count] < half:
                break
            if _last(words[:count]) in marks:
                return count
    return len(words)


def _length(words: Sequence[SaidWord]) -> int:
    return sum(len(word.phonemes) for word in words)


def _last(words: Sequence[SaidWord]) -> str:
    """The last phoneme of all that is no space or closing mark; a space where there is none."""
    for word in reversed(words):
        if phonemes := word.phonemes.rstrip(' "”)'):
            return phonemes[-1]
    return " "
