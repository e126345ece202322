"""A written text, cut into what can be said in one go, and told by its language."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxint.providers._written_text import LONG_WORD, language, segments


def spoken(text: str, limit: int) -> list[str]:
    """Return what is spoken of each segment of `text`."""
    return [segment.spoken for segment in segments(text, limit)]


@given(st.text(max_size=2_000), st.integers(min_value=10, max_value=200))
def test_segments_are_short_and_speakable(text: str, limit: int) -> None:
    """Whatever the text, each segment fits the limit, has no overlong word, no control character, and is UTF-8."""
    for segment in spoken(text, limit):
        assert len(segment) <= limit
        assert segment == segment.strip()
        segment.encode()
        assert not any(char < " " or char == "\x7f" for char in segment)
        assert LONG_WORD.search(segment + " ") is None


@given(st.text(max_size=500), st.integers(min_value=10, max_value=200))
def test_segments_are_the_whole_text(text: str, limit: int) -> None:
    """What is written of them, joined, is the text."""
    assert "".join(segment.written for segment in segments(text, limit)) == text


@given(st.lists(st.from_regex(r"[a-z]{1,12}[.,]?", fullmatch=True), max_size=200))
def test_segments_keep_every_word(given_words: list[str]) -> None:
    """No word of ordinary text is lost, doubled or cut."""
    assert " ".join(spoken(" ".join(given_words), 160)).split() == given_words


def test_segments_end_with_sentences_where_they_can() -> None:
    """A cut prefers the end of a sentence, then of a clause, then of a word; Chinese stops need no space."""
    assert spoken("One is here. Two costs 3.5 and more.", 25) == ["One is here.", "Two costs 3.5 and more."]
    assert spoken("first there, then not there", 20) == ["first there,", "then not there"]
    assert spoken("今天天气很好。我们一起去公园散步吧。", 12) == ["今天天气很好。", "我们一起去公园散步吧。"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Hello there.", "en"),
        ("你好", "zh"),
        ("我们吃 pizza", "zh"),
        ("Say 你好 to them", "en"),
        ("42 …", None),
        ("", None),
    ],
)
def test_a_language_is_that_of_most_words(text: str, told: str | None) -> None:
    """A Chinese character weighs as much as another's word; signs and numbers are in no language."""
    assert language(text) == told
