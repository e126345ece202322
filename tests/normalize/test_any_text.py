"""What holds for any text, in either language: the pieces are the text, nothing raises, time is linear."""

from __future__ import annotations

import time
from typing import Literal, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voxint.normalize import normalize

Spoken = Literal["en", "zh"]
LANGUAGES: tuple[Spoken, ...] = get_args(Spoken)

PIECES = st.sampled_from(
    [
        *(
            "0",
            "1",
            "2",
            "12",
            "2026",
            "1" * 30,
            ",111",
            ".5",
            "$",
            "€",
            "¥",
            "%",
            "°",
            "°C",
            "km",
            "m",
            "k",
            "M",
            "bn",
        ),
        *(".", ",", "/", "-", "–", ":", "：", " ", "  ", "\n", "'", '"', "(", ")", "@", "#", "~", "+", "=", "×", "^"),
        *(
            "a.m.",
            "PM",
            "x",
            "e",
            "Nov",
            "Dr.",
            "St.",
            "Henry ",
            "VIII",
            "Mon",
            "v",
            "s",
            "th",
            "http://",
            "www.",
            "com",
        ),
        *("½", "²", "₂", "①", "Ⅷ", "٣", "１", "𝟗", "༳", "π", "é", "e\u0301", "🎉", "👍🏽", "\ud800", "\x00", "\ue000"),
        *("你", "个", "年", "月", "第", "点", "元", "室", "电话", "，", "。", "〇"),
    ]
)
TEXTS = st.one_of(st.text(), st.lists(PIECES, max_size=14).map("".join))


@settings(max_examples=400, deadline=None)
@given(text=TEXTS, language=st.sampled_from(LANGUAGES), british=st.booleans())
def test_the_pieces_are_the_text_and_no_digit_is_said(text: str, language: Spoken, british: bool) -> None:
    """Whatever the text is: digits of any script, halves of characters, signs without sense."""
    spans = normalize(text, language, british=british)
    assert "".join(span.written for span in spans) == text
    assert all(span.written for span in spans)
    assert not [char for span in spans for char in span.spoken if char.isdigit()]


@given(text=st.text(alphabet=st.characters(categories=["Nd", "Nl", "No"], exclude_characters="〇")))
def test_numerals_of_every_script_become_words(text: str) -> None:
    """Nothing of category number is left, in either language."""
    for language in LANGUAGES:
        assert not [char for span in normalize(text, language) for char in span.spoken if char.isdigit()]


@given(words=st.lists(st.sampled_from(["hello", "there", "world", "well-known", "don't"]), min_size=1))
def test_plain_words_are_spans_of_their_own(words: list[str]) -> None:
    """With the white space behind them, and unchanged."""
    spans = normalize(" ".join(words), "en")
    assert [span.spoken.strip() for span in spans] == words


def cost(text: str, language: Spoken) -> float:
    """Return the seconds of CPU that a text takes: the best of two."""
    times = []
    for _ in range(2):
        began = time.process_time()
        normalize(text, language)
        times.append(time.process_time() - began)
    return min(times)


HOSTILE = [
    *(
        "1",
        ",",
        "1/",
        "1-",
        "1.",
        "1:",
        "1,",
        "1 ",
        "1e",
        "1x",
        "$1",
        "-1",
        "'1",
        "1'",
        '1"',
        "1h",
        "1%",
        "1,111",
        "1 1/",
    ),
    *("a1", "a.", "a-", "a@", "a_", "a/", "/a", "@a", "A&", "www.", "https://", "localhost:", "mailto:a@"),
    *("Nov ", "St. ", "Henry ", "Chapter MMM", "Mon-", "½", "²", "🎉", "e\u0301", "你1", "年1", "第2", "+1 ", "(1) "),
]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("unit", HOSTILE)
def test_time_is_linear(unit: str, language: Spoken) -> None:
    """Sixteen times the text takes some sixteen times as long: a rule that looks back and forth takes 256."""
    short, long = unit * (400 // len(unit)), unit * (6_400 // len(unit))
    assert cost(long, language) < 64 * max(cost(short, language), 0.000_2)


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_of_its_length_costs_much_more_than_plain_words(language: Spoken) -> None:
    """100,000 characters of digits, commas and fractions are within a few hundred times those of plain words."""
    plain = cost("hello there world " * 5_555, language)
    for unit in ("1", ",", "1/1"):
        assert cost((unit * 100_000)[:100_000], language) < 300 * plain
