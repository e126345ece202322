from __future__ import annotations

import re

import pytest

from voxint.testing.sim.content import answer_to, is_chinese, numbered, pieces_of, turn_of
from voxint.testing.sim.script import ABOUT, ABOUT_ZH, TRIES, TRIES_ZH


@pytest.mark.parametrize(
    ("said", "repeated"),
    [
        ("the sky is blue.", "I heard: the sky is blue. "),
        ("The capital of France, what is it?", "I heard: The capital of France, what is it? "),
        ("Hello, what is the capital of France", "I heard: Hello, what is the capital of France. "),
        ("you can  count\non me,", "I heard: you can count on me. "),
        ('She said: "Stop!"', 'I heard: She said: "Stop!" '),
        ("I read a story about a joke; thank her", "I heard: I read a story about a joke; thank her. "),
        ("今天天气怎么样", "我听到的是：今天天气怎么样。"),
        ("你好，法国的首都在哪里？", "我听到的是：你好，法国的首都在哪里？"),
        ("我没有时间", "我听到的是：我没有时间。"),
        (" ... ", "I heard nothing. "),
    ],
)
def test_what_the_script_does_not_know_is_repeated_whole(said: str, repeated: str) -> None:
    """As a sentence, and then in short that it is a stand-in and what to try; a word of the script alone is nothing."""
    answer = answer_to([said])
    assert answer.startswith(repeated)
    rest = answer.removeprefix(repeated)
    assert "stand-in, not a language model" in rest or "替身，不是语言模型" in rest
    assert len(re.findall(r"[.!。！]", rest)) == 2


@pytest.mark.parametrize(
    ("said", "ends"),
    [
        ("the quick brown fox, " * 30, "the quick brown fox, and so on."),
        ("the quick brown fox jumps " * 30, "jumps the quick, and so on."),
        ("x" * 1000, "xxx, and so on."),
        ("今天天气很好，" * 40, "今天天气很好……等等。"),
        ("今天天气很好" * 40, "今天……等等。"),
    ],
)
def test_of_a_long_utterance_the_beginning_is_repeated(said: str, ends: str) -> None:
    """Up to the end of a clause, else of a word; some 20 s of it."""
    repeated = re.split(r"(?<=so on\.) |(?<=等等。)", answer_to([said]))[0]
    assert repeated.endswith(ends)
    assert 0.5 < len(repeated) / (80 if "等等" in repeated else 300) < 1.2


def test_the_hint_changes_from_turn_to_turn() -> None:
    """Nobody hears the same one twice in a row."""
    for words, tries in (("the sky is blue", TRIES), ("今天天气怎么样", TRIES_ZH)):
        answers = [answer_to([words] * turn) for turn in range(1, len(tries) + 2)]
        assert [answer.endswith(hint) for answer, hint in zip(answers, tries, strict=False)] == [True] * len(tries)
        assert answers[0] == answers[-1]


def test_chinese_is_answered_in_chinese() -> None:
    """Mostly Chinese words get a Chinese answer; a Chinese name in an English sentence does not."""
    assert is_chinese(answer_to(["今天天气怎么样"]))
    assert not is_chinese(answer_to(["my name is 王芳 and I live in Hamburg"]))


@pytest.mark.parametrize("script", [ABOUT, ABOUT_ZH])
def test_answers_change_from_turn_to_turn(script: tuple[str, ...]) -> None:
    """Asked about itself, successive turns tell other parts of the script, and after the last it begins again."""
    words = "介绍一下你自己" if script is ABOUT_ZH else "tell me about yourself"
    answers = [answer_to([words] * turn) for turn in range(1, len(script) + 2)]
    assert answers[0] != answers[1]
    assert answers[0] == answers[len(script)]
    assert all(any(sentence in answer for answer in answers) for sentence in script)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("how do you know when to stop", "middle of a word"),
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
        ("你能做什么", "打断"),
        ("Good evening!", "Hello!"),
        ("", "nothing"),
    ],
)
def test_common_questions_have_their_own_answers(asked: str, told: str) -> None:
    """A small table answers what people try first."""
    assert re.search(told, answer_to([asked]))


@pytest.mark.parametrize(
    "asked", ["tell me a story", "讲个故事吧", "count to twenty", "从一数到二十", "what can you do"]
)
def test_there_is_something_long_to_interrupt(asked: str) -> None:
    """At the pace of speech a demo has some ten seconds at least for an interruption."""
    answer = answer_to([asked])
    assert len(answer) * (4 if is_chinese(answer) else 1) > 150


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
