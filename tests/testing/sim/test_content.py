from __future__ import annotations

import re

import pytest

from voxint.testing.sim.content import answer_to, is_chinese, numbered, pieces_of, turn_of
from voxint.testing.sim.script import ABOUT, ABOUT_ZH


def test_answer_repeats_what_was_heard_and_owns_up() -> None:
    """The default answer repeats the words, says that it is no model, and goes on for several sentences."""
    said = answer_to(["the sky is blue."])
    assert said.startswith("I heard: the sky is blue. ")
    assert "not a language model" in said
    assert len(re.findall(r"[.!]( |$)", said)) >= 7


def test_chinese_is_answered_in_chinese() -> None:
    """Mostly Chinese words get a Chinese answer; a Chinese name in an English sentence does not."""
    assert is_chinese(answer_to(["今天天气怎么样"]))
    assert not is_chinese(answer_to(["my name is 王芳 and I live in Hamburg"]))


@pytest.mark.parametrize("script", [ABOUT, ABOUT_ZH])
def test_answers_change_from_turn_to_turn(script: tuple[str, ...]) -> None:
    """Successive turns tell other parts of the script, and after the last it begins again."""
    words = "今天天气怎么样" if script is ABOUT_ZH else "the sky is blue"
    answers = [answer_to([words] * turn) for turn in range(1, len(script) + 2)]
    assert answers[0] != answers[1]
    assert answers[0] == answers[len(script)]
    assert all(any(sentence in answer for answer in answers) for sentence in script)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("What time is it?", r"\d\d:\d\d"),
        ("please tell me a story", "lighthouse"),
        ("count to twenty", "nineteen, twenty"),
        ("hello there", "Hello!"),
        ("who are you", "simulated"),
        ("thank you", "welcome"),
        ("现在几点了", r"\d\d:\d\d"),
        ("讲个故事吧", "灯塔"),
        ("从一数到二十", "十九，二十"),
        ("你好", "你好"),
        ("你是谁", "模拟"),
        ("谢谢你", "不客气"),
        ("", "nothing"),
    ],
)
def test_common_questions_have_their_own_answers(asked: str, told: str) -> None:
    """A small table answers what people try first."""
    assert re.search(told, answer_to([asked]))


@pytest.mark.parametrize("text", ["Say: one, two (three)!", "你好，世界。再见ABC！", "  spaces  \n kept "])
def test_pieces_make_the_text_again(text: str) -> None:
    """Cutting into tokens loses nothing."""
    assert "".join(pieces_of(text, None)) == text


@pytest.mark.parametrize("tokens", [0, 2, 7])
def test_pieces_are_as_many_as_asked_for(tokens: int) -> None:
    """A script shorter than the number asked for begins again, with a space between."""
    pieces = list(pieces_of("one two three", tokens))
    assert len(pieces) == tokens
    assert "".join(pieces).split() == (["one", "two", "three"] * 3)[:tokens]


def test_turn_is_found_in_words_and_tokens() -> None:
    """The turn's number is read from a request's words and from a token; the last one counts."""
    assert [turn_of(text) for text in ("this is turn 17", "t3w0 t4w1. ", "return 5 t4")] == [17, 4, None]


def test_numbered_words_end_their_sentences() -> None:
    """Each token names turn and position."""
    assert list(numbered(2, 4, 2)) == ["t2w0 ", "t2w1. ", "t2w2 ", "t2w3. "]
