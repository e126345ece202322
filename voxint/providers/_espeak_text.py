"""What espeak is given of a text, and which written words its samples speak: pure functions."""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Iterator
from itertools import accumulate

from attrs import frozen

from voxint.core.audio import AudioFormat
from voxint.core.boundaries import is_unspaced
from voxint.core.stages import Speech
from voxint.providers._espeak_job import Utterance

__all__ = ["CHINESE", "WORD_CHARS", "Segment", "segments", "words"]

WORD_CHARS = 40
"""Longest run without a space. Given a word of 200 letters, all prefixes, espeak 1.52 aborted the whole process."""

PAUSE_MS = 20.0
"""Shortest silence behind a word that is none of it. Ours: espeak's own pauses are of 100 ms and more at any rate."""

CHINESE = "\u3400-\u9fff\uf900-\ufaff"
_SENTENCE = re.compile(r"[.!?;…]+[\"')\]]*\s|[。！？；]+[”’」』）]*")
_CLAUSE = re.compile(r"[,:]\s|[，、：]")
_SPACE = re.compile(r"\s")
_LONG_WORD = re.compile(rf"[^\s{CHINESE}]{{{WORD_CHARS}}}(?=\S)")
_PAUSE = re.compile(r"(?<=\w)[.,;:!?…–—)\]\"'”’»。，、；：！？）】」』]+\s*$")


@frozen
class Segment:
    """A part of a piece of text, as it is written, and as espeak is given it; empty where there is nothing to say."""

    written: str
    spoken: str


def segments(piece: str, limit: int) -> list[Segment]:
    """Cut `piece` into segments of which at most `limit` characters are spoken, after sentences where possible.

    What is written of them, joined, is the piece. What can't be spoken (control characters, pictures) becomes a space,
    overlong words are broken, and nothing is spoken of a segment that holds neither letter nor digit nor sign.
    """
    clean = "".join(map(_speakable, piece))
    found: list[Segment] = []
    at = 0
    while at < len(clean):
        body = clean[at:].lstrip()
        cut = len(clean) - len(body) + _cut(body, limit - limit // WORD_CHARS)  # room for breaks in long words
        spoken = _LONG_WORD.sub(r"\g<0> ", clean[at:cut].strip())
        audible = any(unicodedata.category(char)[0] in "LNS" for char in spoken)
        found.append(Segment(piece[at:cut], spoken if audible else ""))
        at = cut
    return found or [Segment(piece, "")]


def words(segment: Segment, utterance: Utterance, audio_format: AudioFormat) -> Iterator[Speech]:
    """Yield the speech of a segment word by word, each with what is written for it, and a pause with its marks.

    A pause is apart from the word before it, so that the word has been heard when its sound is over. Words that espeak
    runs together, and a word that it says in several, are one.
    """
    written, audio = segment.written, utterance.audio
    solid = [index for index, char in enumerate(written) if not _speakable(char).isspace()]
    before = [0, *accumulate(not char.isspace() for char in segment.spoken)]  # solid characters before each
    cuts = [(0, 0)]
    for mark in utterance.marks:
        at = solid[before[mark.char]] if 0 < mark.char < len(segment.spoken) else 0
        begin = audio_format.bytes(mark.ms)
        if at > cuts[-1][0] and cuts[-1][1] < begin < len(audio) and _begins_word(written, at):
            cuts.append((at, begin))
    for (at, begin), (next_at, end) in zip(cuts, [*cuts[1:], (len(written), len(audio))], strict=True):
        yield from _word(written[at:next_at], audio[begin:end], audio_format)


def _word(written: str, audio: bytes, audio_format: AudioFormat) -> Iterator[Speech]:
    """Yield one word, and the pause behind it if there is one and marks stand for it."""
    sounds = len(audio.rstrip(b"\0"))
    sounds += sounds % 2
    marks = _PAUSE.search(written)
    if marks is None or not sounds or audio_format.bytes_ms(len(audio) - sounds) < PAUSE_MS:
        yield Speech(audio, written)
    else:
        yield Speech(audio[:sounds], written[: marks.start()])
        yield Speech(audio[sounds:], marks.group())


def _begins_word(text: str, at: int) -> bool:
    """Return whether a word may begin at `at`, as espeak says of some places within a number."""
    return _speakable(text[at - 1]).isspace() or is_unspaced(text, at - 1) or is_unspaced(text, at)


def _cut(text: str, limit: int) -> int:
    """Where the first segment of `text` ends: after a sentence, else a clause, else a word, else just there."""
    if len(text) <= limit:
        return len(text)
    for boundary in (_SENTENCE, _CLAUSE, _SPACE):
        ends = [match.end() for match in boundary.finditer(text, 0, limit)]
        if ends and ends[-1] > limit // 4:
            return ends[-1]
    return limit


@functools.lru_cache(maxsize=4096)
def _speakable(char: str) -> str:
    """`char`, or a space for what espeak would take as a command, end at, or read out by its Unicode name."""
    category = unicodedata.category(char)
    picture = category in ("So", "Sk") and char > "\u2190"
    return " " if category[0] == "C" or picture or char == "\ufe0f" else char
