"""Words that the answer itself has just said."""

from __future__ import annotations

import pytest

from voxint.core.ears.echo_words import is_echo

SAID = "It’s noon, and the sun stands high above the town. 现在是中午十二点。"


@pytest.mark.parametrize("text", ["the sun stands", "it's noon and", "The sun, stands HIGH.", "是中午", "Town. 现在是"])
def test_what_stands_in_the_answer_is_its_echo(text: str) -> None:
    """Word by word, however a recogniser writes case, marks and apostrophes."""
    assert is_echo(text, SAID)


@pytest.mark.parametrize("text", ["", "noon", "the sun", "the sun sets", "sun the stands", "中午", "stands high of"])
def test_what_is_short_or_another_is_none(text: str) -> None:
    """People repeat a word or two to ask about them."""
    assert not is_echo(text, SAID)


def test_what_was_said_long_ago_is_none() -> None:
    """Who repeats that means it."""
    assert not is_echo("the sun stands", SAID + " And so on." * 20)
