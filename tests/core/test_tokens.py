from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxint.core.tokens import count_letters, estimate_tokens


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", 0),
        ("a", 1),
        ("abcd", 1),
        ("abcde", 2),
        ("naïve", 2),
        ("你好。", 3),
        ("你好 abc", 3),
        ("カタカナ", 4),
        ("안녕하세요", 5),
        ("𠮷", 1),
    ],
)
def test_estimate_counts_dense_scripts_by_character_and_others_by_four(text: str, tokens: int) -> None:
    """A Chinese, Japanese or Korean character is a token, four of any others are one, rounded up."""
    assert estimate_tokens(text) == tokens


@given(st.text(), st.text())
def test_estimate_of_the_whole_is_at_most_the_sum_of_its_parts(left: str, right: str) -> None:
    """Budgets may add up the parts: joining texts never costs more."""
    assert estimate_tokens(left + right) <= estimate_tokens(left) + estimate_tokens(right)


@pytest.mark.parametrize(("text", "letters"), [("", 0), ("a b.", 4), ("你好", 6), ("é你", 4), ("안녕", 2)])
def test_letters_reckon_an_unspaced_character_as_three(text: str, letters: int) -> None:
    """A Chinese character takes as long to say as three letters; any other character counts once."""
    assert count_letters(text) == letters
