"""What says "go on" and no more, in the spellings of recognisers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxint.core.ears.backchannel import BACKCHANNELS, NO_ANSWERS, asks, is_backchannel
from voxint.core.ears.words import consists_of, count_words, listed, spoken_words

BOTH = BACKCHANNELS["en"] | BACKCHANNELS["zh"]

FOLLOWS = """
Mhm.|Mm-hmm|mm hmm|Mm-hm.|MM-HM!|M-hm|Uh huh.|Uh-huh|uh-huh, uh-huh|Hmm|Hmm.|Hmmmmm|Mmm.|Mmmm|Mm.|Huh.|Ah.|Aha!|Oh.
|Ooh|Yeah.|yeah|Yeahhh|Yeah, yeah, yeah.|Yeah. Right.|yep|Yup.|Yes.|Yes, yes.|Okay.|OK|O.K.|ok ok|Okay okay okay
|Right.|Alright|All right.|Sure.|Of course.|Exactly.|I see.|I see, I see.|I understand.|Got it.|Really?|Oh, really?
|Wow!|That's right.|that’s true|Makes sense.|No problem.|Go on.|Great.|Interesting.|Oh wow, interesting.|Um.|Uh...
|ＯＫ|“Right.”|嗯|嗯。|嗯嗯|嗯，嗯。|嗯嗯嗯嗯|哦。|噢|啊？|对|对。|对对对|对的，对的|是|是的。|是啊|是吗？|好|好的。
|好好|好吧|行|可以|没错|没问题|明白了|知道了|我知道了|了解|原来如此|这样啊|真的吗？|真的|哇！|當然|沒錯|對對對
|明白明白|好的，嗯 okay|嗯 yeah 对|OK，好的
"""

SAYS_MORE = """
yeah but|Yeah, but no.|no|No.|No, no.|nope|stop|Stop!|wait|Wait a second.|hold on|right there|right now|Oh no.|I|see
|I see a problem|okay stop|Okay, what about Monday?|really why|sure thing tell me|yes I would like that
|that is wrong|hello|thank you|Thanks.|bye|what|What?|why|how|hmm no|mm stop|uh I|um I want|m|h
|Right, so the thing is|OK Google|good night|got|it|of|course|不|不是|不对|不要|停|停！|好的，停|好了|够了|行了
|等一下|等等|对不起|是不是|对面|好吃|可以吗你|嗯不是|嗯，我想|谢谢|再见|知道他|什么|为什么|好的 stop|yeah 停|…|.|,
|--|?!
"""


def cases(lines: str) -> list[str]:
    """Return the texts of a list."""
    return [text for each in lines.replace("\n", "").split("|") if (text := each)]


@pytest.mark.parametrize("text", cases(FOLLOWS))
def test_who_follows(text: str) -> None:
    """Alone, repeated, drawn out, joined, in either language or in both, with any marks."""
    assert is_backchannel(text, BOTH)


@pytest.mark.parametrize("text", ["", *cases(SAYS_MORE)])
def test_who_says_more(text: str) -> None:
    """Any other word beside makes it more; what has no word is nothing."""
    assert not is_backchannel(text, BOTH)


@pytest.mark.parametrize("text", ["Yes.", "yeah", "Mm-hmm.", "okay", "Sure.", "right", "嗯", "对", "好的", "可以"])
def test_an_answer_to_a_question(text: str) -> None:
    """Where the answer has just asked something, it is no backchannel but what was asked for."""
    assert not is_backchannel(text, BOTH, "That is all I know. Shall I go on?")
    assert not is_backchannel(text, BOTH, "要我继续吗")
    assert is_backchannel(text, BOTH, "Shall I go on? First of all")


@pytest.mark.parametrize("text", ["Hmm.", "um", "Oh.", "Wow!", "Really?", "哦", "真的吗"])
def test_no_answer_to_a_question(text: str) -> None:
    """A sound of thinking and one of wonder answer nothing, so they don't interrupt a question either."""
    assert text.lower().strip(".!?") in NO_ANSWERS | BOTH
    assert is_backchannel(text, BOTH, "Shall I go on?")


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("Shall I go on?", True),
        ('He asked: "Shall I?" ', True),
        ("要我继续吗", True),
        ("要我继续吗？", True),
        ("那你呢。", True),
        ("It is late.", False),
        ("Why? Because.", False),
        ("好吧", False),
        ("", False),
    ],
)
def test_what_asks(said: str, expected: bool) -> None:
    """Its last sentence ends in the mark of a question, or in a word that makes one in Chinese."""
    assert asks(said) is expected


def test_phrases_of_an_application() -> None:
    """They are taken in any case and with any marks; a language that is left out counts for nothing."""
    own = frozenset({"Uh-Huh", "très bien", "ΝΑΙ"})
    assert is_backchannel("uh huh. TRÈS BIEN! ναι", own)
    assert not is_backchannel("yeah", own)
    assert not is_backchannel("嗯", BACKCHANNELS["en"])
    assert not is_backchannel("yeah", frozenset())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", 0),
        ("...", 0),
        ("Stop.", 1),
        ("Please wait a moment", 4),
        ("mm-hmm, it's - 10:30", 3),
        ("停一下", 3),
        ("好的，stop 吧。", 4),
        ("我们 go to 北京", 6),
        ("한국어 단어", 2),
    ],
)
def test_words_counted(text: str, words: int) -> None:
    """What stands between spaces and has a letter or a figure; in Chinese each character."""
    assert count_words(text) == words


@given(st.text())
def test_any_text(text: str) -> None:
    """No text is too odd; what is a backchannel has words, and no more of them than characters."""
    assert is_backchannel(text, BOTH) <= bool(spoken_words(text))
    assert 0 <= count_words(text) <= len(text)
    assert asks(text) in (True, False)


@given(st.lists(st.sampled_from(sorted(BOTH)), min_size=1, max_size=6), st.sampled_from([" ", ", ", "! ", "... "]))
def test_any_of_them_in_a_row(phrases: list[str], between: str) -> None:
    """Whatever is put behind whatever, it stays one; with "stop" somewhere it is none."""
    assert is_backchannel(between.join(phrases), BOTH)
    assert is_backchannel(between.join(phrases).upper(), BOTH)
    for at in range(len(phrases) + 1):
        assert not is_backchannel(between.join([*phrases[:at], "stop", *phrases[at:]]), BOTH)


def test_the_lists_are_whole() -> None:
    """What answers nothing is among the backchannels, and nothing is listed that needs no listing."""
    assert NO_ANSWERS <= BOTH
    assert listed(" a b,c ,\n d ,") == {"a b", "c", "d"}
    assert all(spoken_words(phrase) for phrase in BOTH)


def test_a_long_text_takes_no_longer_for_each_word() -> None:
    """Ten thousand words that could be cut in many ways are one pass over them."""
    assert consists_of("mm hm " * 10_000, BOTH)
    assert not consists_of("mm hm " * 10_000 + "stop", BOTH)
