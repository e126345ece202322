from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.wer import Score, distance, score, units


@pytest.mark.parametrize(
    ("said", "understood"),
    [
        ("Mr. Dashwood, I'm sorry!", "mister dashwood im sorry"),
        ("an ill-disposed young man", "An ill disposed young man."),
        ("Press 1, or 42.", "press one or forty two"),
        ("It costs 1,250", "it costs one thousand two hundred fifty"),
        ("999999 people", "nine hundred ninety nine thousand nine hundred ninety nine people"),
        ("call 0049", "call zero zero four nine"),
        ("call 1234567", "call one two three four five six seven"),
        ("100 %, Q&A", "one hundred percent q and a"),
        ("It\u2019s O.K.", "its o k"),
        ("\uff26ull width", "full width"),
        ("你好，世界。", "你好 世界"),
    ],
)
def test_what_sounds_alike_is_no_error(said: str, understood: str) -> None:
    """Whatever its case, its marks, and its way to write a number or a title."""
    assert score(said, understood) == Score(0, len(units(said)))


@pytest.mark.parametrize(
    ("said", "understood", "wrong", "count"),
    [
        ("all circuits are busy now", "all circus are busy", 2, 5),
        ("yes", "yes yes yes", 2, 1),
        ("yes", "", 1, 1),
        ("", "you", 1, 0),
        ("现在是三点半", "现在是十点半", 1, 6),
        ("打开 WiFi 吧", "打开 wi fi 吧", 2, 4),
    ],
)
def test_each_word_that_is_replaced_left_out_or_added_is_one(
    said: str, understood: str, wrong: int, count: int
) -> None:
    """A character of Chinese counts as a word of English does."""
    assert score(said, understood) == Score(wrong, count)


def test_a_rate_is_of_all_that_was_said() -> None:
    """Long sentences weigh more than short ones; nothing said is nothing wrong."""
    assert (Score(1, 2) + Score(0, 8)).rate == 0.1
    assert Score().rate == 0.0


WORDS = st.lists(st.sampled_from("abc"), max_size=8)


@given(WORDS, WORDS, WORDS)
def test_a_distance_is_one(first: list[str], second: list[str], third: list[str]) -> None:
    """It is 0 of equals alone, the same both ways, and never longer than by a detour."""
    assert (distance(first, second) == 0) == (first == second)
    assert distance(first, second) == distance(second, first)
    assert distance(first, third) <= distance(first, second) + distance(second, third)
    assert abs(len(first) - len(second)) <= distance(first, second) <= max(len(first), len(second))
