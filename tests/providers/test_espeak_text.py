"""What espeak is given of a text, and where in its samples each written word is spoken."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxint.core.audio import AudioFormat
from voxint.providers import _espeak_text
from voxint.providers._espeak_job import Mark, Utterance
from voxint.providers._espeak_text import Segment, segments, words

RATE = 8_000
SECOND = b"\1\1" * RATE
PAUSE = b"\0\0" * (RATE // 4)


def spoken(text: str, limit: int) -> list[str]:
    """Return what is spoken of each segment of `text`."""
    return [segment.spoken for segment in segments(text, limit)]


def said(segment: Segment, audio: bytes, *marks: tuple[int, int]) -> list[tuple[str | None, float]]:
    """Return the words of a segment with the milliseconds of each."""
    utterance = Utterance(audio, tuple(Mark(char, ms) for char, ms in marks))
    return [
        (speech.text, AudioFormat(RATE).bytes_ms(len(speech.audio)))
        for speech in words(segment, utterance, AudioFormat(RATE))
    ]


@given(st.text(max_size=2_000), st.integers(min_value=10, max_value=200))
def test_segments_are_short_and_speakable(text: str, limit: int) -> None:
    """Whatever the text, each segment fits the limit, has no overlong word, no control character, and is UTF-8."""
    for segment in spoken(text, limit):
        assert len(segment) <= limit
        assert segment == segment.strip()
        segment.encode()
        assert not any(char < " " or char == "\x7f" for char in segment)
        assert _espeak_text._LONG_WORD.search(segment + " ") is None


@given(st.text(max_size=500), st.integers(min_value=10, max_value=200))
def test_segments_are_the_whole_text(text: str, limit: int) -> None:
    """What is written of them, joined, is the text, and so is what the words of each say, wherever espeak marks any."""
    cut = segments(text, limit)
    assert "".join(segment.written for segment in cut) == text
    for segment in cut:
        marks = [(char, 10 * char) for char in range(len(segment.spoken))]
        audio = SECOND * 3
        assert "".join(text or "" for text, _ in said(segment, audio, *marks)) == segment.written


@given(st.lists(st.from_regex(r"[a-z]{1,12}[.,]?", fullmatch=True), max_size=200))
def test_segments_keep_every_word(given_words: list[str]) -> None:
    """No word of ordinary text is lost, doubled or cut."""
    assert " ".join(spoken(" ".join(given_words), 160)).split() == given_words


def test_segments_end_with_sentences_where_they_can() -> None:
    """A cut prefers the end of a sentence, then of a clause, then of a word; Chinese stops need no space."""
    assert spoken("One is here. Two costs 3.5 and more.", 25) == ["One is here.", "Two costs 3.5 and more."]
    assert spoken("first there, then not there", 20) == ["first there,", "then not there"]
    assert spoken("今天天气很好。我们一起去公园散步吧。", 12) == ["今天天气很好。", "我们一起去公园散步吧。"]


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
