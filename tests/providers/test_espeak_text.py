"""Where in espeak's samples each written word is spoken."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxint.core.audio import AudioFormat
from voxint.providers._espeak_job import Mark, Utterance
from voxint.providers._espeak_text import words
from voxint.providers._written_text import Segment, segments

RATE = 8_000
SECOND = b"\1\1" * RATE
PAUSE = b"\0\0" * (RATE // 4)


def said(segment: Segment, audio: bytes, *marks: tuple[int, int]) -> list[tuple[str | None, float]]:
    """Return the words of a segment with the milliseconds of each."""
    utterance = Utterance(audio, tuple(Mark(char, ms) for char, ms in marks))
    return [
        (speech.text, AudioFormat(RATE).bytes_ms(len(speech.audio)))
        for speech in words(segment, utterance, AudioFormat(RATE))
    ]


@given(st.text(max_size=500), st.integers(min_value=10, max_value=200))
def test_words_are_the_whole_text(text: str, limit: int) -> None:
    """What the words of each segment say, joined, is what is written of it, wherever espeak marks any."""
    for segment in segments(text, limit):
        marks = [(char, 10 * char) for char in range(len(segment.spoken))]
        assert "".join(text or "" for text, _ in said(segment, SECOND * 3, *marks)) == segment.written


def test_words_begin_where_espeak_says() -> None:
    """Each with the space behind it, until the next one begins."""
    segment = Segment("one two six", "one two six")
    assert said(segment, SECOND, (0, 0), (4, 250), (8, 500)) == [("one ", 250), ("two ", 250), ("six", 500)]


def test_a_pause_is_none_of_the_word_before_it() -> None:
    """It goes with the marks for which it stands, so that the word is heard when its sound is over."""
    segment = Segment("one, (two). ", "one, (two).")
    audio = SECOND + PAUSE + SECOND + PAUSE
    assert said(segment, audio, (0, 0), (5, 1250)) == [("one", 1000), (", ", 250), ("(two", 1000), ("). ", 250)]


@pytest.mark.parametrize(
    ("segment", "audio"),
    [
        (Segment("one ", "one"), SECOND + PAUSE),
        (Segment("one.", "one."), SECOND + PAUSE[:200]),
        (Segment("one.", "one."), SECOND),
        (Segment("one.", "one."), PAUSE),
        (Segment("5%.", "5%."), SECOND + PAUSE),
    ],
    ids=["no mark", "too short", "no pause", "no sound", "a sign that is spoken"],
)
def test_what_is_no_pause_stays_with_the_word(segment: Segment, audio: bytes) -> None:
    """Silence without a mark, a mark without silence, and signs that are words themselves."""
    assert said(segment, audio, (0, 0)) == [(segment.written, AudioFormat(RATE).bytes_ms(len(audio)))]


def test_a_number_is_one_word() -> None:
    """Espeak marks each of the words that it says for a number, at places within it; a number is never cut."""
    segment = Segment("at 17:30 now", "at 17:30 now")
    marks = ((0, 0), (3, 250), (4, 400), (6, 500), (9, 750))
    assert said(segment, SECOND, *marks) == [("at ", 250), ("17:30 ", 500), ("now", 250)]


def test_chinese_is_told_by_the_character() -> None:
    """It has no spaces."""
    segment = Segment("他有3只狗", "他有3只狗")
    marks = ((0, 0), (1, 250), (2, 375), (3, 500), (4, 750))
    assert said(segment, SECOND, *marks) == [("他", 250), ("有", 125), ("3", 125), ("只", 250), ("狗", 250)]


def test_what_is_not_spoken_goes_with_a_word() -> None:
    """A picture, and the break in an overlong word, are not in both texts; places are found all the same."""
    written = "😀 one 😀 " + "x" * 50 + " two"
    [segment] = segments(written, 160)
    assert segment.spoken == "one   " + "x" * 40 + " " + "x" * 10 + " two"
    places = said(segment, SECOND, (0, 0), (6, 250), (47, 500), (58, 750))
    assert places == [("😀 one 😀 ", 250), ("x" * 50 + " ", 500), ("two", 250)]


def test_odd_marks_change_nothing() -> None:
    """Places beyond the text or the sound, before the one before, or twice."""
    segment = Segment("one two", "one two")
    marks = ((-1, 0), (0, 0), (4, 0), (4, 500), (4, 600), (0, 700), (7, 800), (99, 900))
    assert said(segment, SECOND, *marks) == [("one ", 500), ("two", 500)]
    assert said(segment, SECOND, (4, 1000)) == [("one two", 1000)]
