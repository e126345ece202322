"""How complete what was said is, case by case, and how long a silence ends it."""

from __future__ import annotations

import math
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxint.core.ears.endpointing import Endpointing, silence_ms, thought_of
from voxint.core.ears.thought import Thought

HALF = """
I would like to.|I would like to|What is the|What is the?|My number is five five|My number is five five.
|My number is 55.|My number is one.|at half past.|Keep it short and please.|我有三万|the year twenty
|In the year twenty.|It was in nineteen|at ten|Let's meet at ten.|The code is 4 2|I went to the store and
|I went to the store and.|I went to the store, and then|but|Because|When I was young.|If you want.|Um.|um
|I want a, uh|I think|I was tired so|So|Yes,|I come from|The weather is|The weather is.|Give me a|Tell me about|I'm
|Can you|Well|I need some milk, eggs, and|I need some milk,|wait -|I was thinking...|I was thinking…|然后|然后。
|我想去北京，然后|因为|嗯…|那个|我想要那个|我的电话是一三八|二零|二零二五|下午三|我觉得|我的名字是|我叫|请帮我
|I would like a|We went there because of the|I need to call my|Please send it to|Please send it to my
|I saw him at the|Do you know if|I would like to know whether|It's|Book a table for|How many|For example
|For example.|It depends on|I want|I'd like|I mean|Hmm.|I was going to say, um.|It costs two hundred and
|My zip code is nine four one|My number is double|three point|The flight leaves at seven|Sunday, Monday -
|one two three|While I was|Although it was raining.|Stop. No. Wait, I mean the|Yes. And|Ich möchte,|我要
|虽然下雨了，但是|如果|比如说|还有|他很|我跟|验证码是三二|现在是晚上八|因為|我覺得
"""

OPEN = """
Stop|停|等一下。|Excuse me.|
What is the weather in Paris|My number is 555-1234|Twenty|The code is 4271.|Because I like it.|Where are you from
|Turn the light on.|Yes, it is.|Can you?|嗯|嗯。|今天天气怎么样|二零二五年|下午三点|我也是。|唯一|Tomorrow.
|The number.|It is terribly.|因为下雨了。|请。|Because I am.|几点|我喜欢的。|He was not|I do.|She can.
|It costs twenty|My zip code is 94103.|After lunch.|Before we go|Although it was raining, we went out.|What?
|Je voudrais|我想喝水|我要去上海|下午一点|一点|他在|这个东西的|给我|第一|验证码是三二一零|两|三点半|万一
|你叫什么名字
"""

WHOLE = """
What is the weather in Paris?|My phone number is five five five one two three four five six seven.
|Let's meet at ten thirty.|Let's meet at 10:30.|at ten o'clock.|I want two.|When is the next train?
|If you want, we can go.|I think so.|Yes.|No|Thank you very much|Okay.|Where are you from?|Take vitamin A.
|Hello|今天天气怎么样？|你好吗|我想喝水。|好的|好的。|不要|谢谢|我觉得不错。|他不是。|星期三。|密码是一二三四五六
|I don't know.|I don't know|Book a table for two.|What are you looking for?|Who is it?|How are you?|What is it like?
|How much is it?|I want it.|Good morning|Good morning.|Mm-hmm.|One moment, please.|It costs twenty dollars.
|The pin is one two three four five six|The flight leaves at seven fifteen.|We are five.|Room number five.
|No. Thank you.|The dog barked!|He said "no".|Merci beaucoup.|我要去上海。|我的手机号码是一三八五五五五二零二零
|周六。|走吧|为什么呢|不是|没有|我们就不去了。|请简单一点。|你是从哪里来的?|the third of May.
|因为下雨了，所以我不来。|The red one.|We had a good time recently.|I need a new phone, a cheap one.
|On Monday, the first one.|Yes, please do that.|謝謝
"""

RULES = Endpointing()

ORDER = (Thought.WHOLE, Thought.OPEN, Thought.HALF, Thought.NONE)


def cases(lines: str) -> list[str]:
    """Return the texts of a list."""
    return lines.replace("\n", "").split("|")


@pytest.mark.parametrize("text", cases(HALF))
def test_half_a_thought(text: str) -> None:
    """More has to follow, whatever mark the recogniser has put behind it."""
    assert thought_of(text) is Thought.HALF


@pytest.mark.parametrize("text", cases(OPEN))
def test_an_open_thought(text: str) -> None:
    """It may be all, or not."""
    assert thought_of(text) is Thought.OPEN


@pytest.mark.parametrize("text", cases(WHOLE))
def test_a_whole_thought(text: str) -> None:
    """It can stand alone: a sentence with its mark, or a short phrase that is finished without one."""
    assert thought_of(text) is Thought.WHOLE


@pytest.mark.parametrize("text", ["", " ", "...", "…", "。", " - ", "\n"])
def test_nothing_said(text: str) -> None:
    """Marks alone are nothing."""
    assert thought_of(text) is Thought.NONE


def test_there_are_cases_enough() -> None:
    """In both languages, and of each kind."""
    every = [text for lines in (HALF, OPEN, WHOLE) for text in cases(lines)]
    assert len(every) == len(set(every)) >= 170
    assert sum(not text.isascii() for text in every) >= 50


def test_the_times() -> None:
    """The less complete, the longer; without words, longest."""
    texts = {
        Thought.WHOLE: "Play some music.",
        Thought.OPEN: "play some music",
        Thought.HALF: "play some",
        Thought.NONE: "",
    }
    texts[Thought.HALF] = "play the"
    assert [silence_ms(texts[each], RULES) for each in ORDER] == [
        RULES.complete_ms,
        RULES.open_ms,
        RULES.incomplete_ms,
        RULES.most_ms,
    ]


@pytest.mark.parametrize(
    ("text", "sure", "unsure"),
    [
        ("Play some music.", RULES.least_ms, RULES.open_ms),
        ("play some music", RULES.complete_ms, RULES.incomplete_ms),
        ("play the", RULES.open_ms, RULES.most_ms),
        ("", RULES.incomplete_ms, RULES.most_ms),
    ],
)
def test_what_the_model_moves(text: str, sure: float, unsure: float) -> None:
    """By one kind at most, either way: half a sentence never ends as soon as a whole one. At 0.5 by nothing."""
    assert silence_ms(text, RULES, 1.0) == sure
    assert silence_ms(text, RULES, 0.0) == unsure
    assert silence_ms(text, RULES, 0.5) == silence_ms(text, RULES, math.nan) == silence_ms(text, RULES)
    assert silence_ms(text, RULES, 7.0) == sure
    assert silence_ms(text, RULES, -math.inf) == unsure


@given(st.text(), st.none() | st.floats(), st.floats(0, 1), st.floats(0, 1))
def test_any_text_and_any_probability(text: str, any_number: float | None, one: float, other: float) -> None:
    """The time is within its bounds, and no longer where the model is surer."""
    assert RULES.least_ms <= silence_ms(text, RULES, any_number) <= RULES.most_ms
    less, more = sorted((one, other))
    assert silence_ms(text, RULES, more) <= silence_ms(text, RULES, less)


@given(
    st.lists(st.floats(0, 10_000), min_size=5, max_size=5).map(sorted),
    st.sampled_from(cases(HALF) + cases(OPEN) + cases(WHOLE)),
    st.floats(0, 1),
)
def test_any_rules(times: list[float], text: str, complete: float) -> None:
    """Whatever is set, the bounds hold."""
    names = ("least_ms", "complete_ms", "open_ms", "incomplete_ms", "most_ms")
    rules = Endpointing(**dict(zip(names, times, strict=True)))
    told = silence_ms(text, rules, complete)
    assert rules.least_ms <= told <= rules.most_ms


@pytest.mark.parametrize("text", ["0?\x1f", "Is it late? *", "现在几点？*"])
def test_what_is_no_word_behind_a_sentence(text: str) -> None:
    """It is passed over: the sentence before it is the last."""
    assert thought_of(text) is not Thought.NONE


@pytest.mark.parametrize("text", cases(HALF) + cases(OPEN) + cases(WHOLE))
def test_only_the_end_counts(text: str) -> None:
    """A sentence before it changes nothing."""
    before = "你好。" if not text.isascii() else "It is late."
    assert thought_of(f"{before} {text}") is thought_of(text)


def test_a_long_text_takes_no_longer() -> None:
    """A hundred thousand words take no more than a few times what a hundred take."""

    def took_s(text: str) -> float:
        begin = time.perf_counter()
        for _ in range(20):
            thought_of(text)
        return time.perf_counter() - begin

    least = min(took_s("word, " * 100 + "and") for _ in range(5))
    assert min(took_s("word, " * 100_000 + "and") for _ in range(5)) < 10 * least


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"complete_ms": 200.0}, r"complete_ms must be at least Endpointing\.least_ms \(350\), not 200"),
        ({"open_ms": 100.0}, r"open_ms must be at least Endpointing\.complete_ms"),
        ({"incomplete_ms": 600.0}, r"incomplete_ms must be at least Endpointing\.open_ms"),
        ({"most_ms": 0.0}, r"most_ms must be at least Endpointing\.incomplete_ms"),
        ({"least_ms": -1.0}, "least_ms must be at least 0"),
        ({"most_ms": 20_000.0}, "most_ms must be at most 10000"),
        ({"utterance_s": 0.0}, "utterance_s must be more than 0"),
    ],
)
def test_rules_are_judged(options: dict[str, float], words: str) -> None:
    """The times are in order, and the sentence names the two that are not."""
    with pytest.raises(ValueError, match=words):
        Endpointing(**options)
