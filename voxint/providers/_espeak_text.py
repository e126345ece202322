"""Which written words espeak's samples speak: pure functions."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate

from voxint.core.audio import AudioFormat
from voxint.core.boundaries import is_unspaced
from voxint.core.stages import Speech
from voxint.providers._espeak_job import Utterance
from voxint.providers._written_text import MARKS, Segment, speakable

__all__ = ["words"]

PAUSE_MS = 20.0
"""Shortest silence behind a word that is none of it. Ours: espeak's own pauses are of 100 ms and more at any rate."""


def words(segment: Segment, utterance: Utterance, audio_format: AudioFormat) -> Iterator[Speech]:
    """Yield the speech of a segment word by word, each with what is written for it, and a pause with its marks.

    A pause is apart from the word before it, so that the word has been heard when its sound is over. Words that espeak
    runs together, and a word that it says in several, are one.
    """
    written, audio = segment.written, utterance.audio
    solid = [index for index, char in enumerate(written) if not speakable(char).isspace()]
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
    marks = MARKS.search(written)
    if marks is None or not sounds or audio_format.bytes_ms(len(audio) - sounds) < PAUSE_MS:
        yield Speech(audio, written)
    else:
        yield Speech(audio[:sounds], written[: marks.start()])
        yield Speech(audio[sounds:], marks.group())


def _begins_word(text: str, at: int) -> bool:
    """Return whether a word may begin at `at`, as espeak says of some places within a number."""
    return speakable(text[at - 1]).isspace() or is_unspaced(text, at - 1) or is_unspaced(text, at)
