from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.markdown import FENCE, markdown
from voxint.core.alignment import Aligned
from voxint.core.speech_text import SpeechText


def spoken(*pieces: str) -> str:
    """Return what is spoken of a reply that is cut into these pieces."""
    speech = SpeechText()
    return "".join(speech.feed(piece).spoken for piece in pieces)


@pytest.mark.parametrize(
    "text",
    [
        *["Plain words, as they are: well... done!", "C# is #1.", "It costs $5 or 5$.", "Is 5 * x right?", "3 < 4 > 2"],
        *[
            "AT&T and R&D",
            "well-known facts – and — dashes",
            "a.b_c@example.com is hers.",
            "List<String> [laughs] <laugh>",
        ],
        *["你好，世界。", "（注意）他说：“走吧！”", "Ünïcödé нормально", "1. Open the door", "Half ½ of ①"],
        *["The value x|y or a||b", "It is 50% ^ or so", "Use this @ home", "~ or ~a"],
    ],
)
def test_plain_text_is_spoken_as_it_is_written(text: str) -> None:
    """What only looks like markup is no markup."""
    assert SpeechText().feed(text) == Aligned.verbatim(text)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        # Marks that only lay words out are silent.
        ("This is **very** *good*, __really__ _so_.", "This is very good, really so."),
        ("***Both*** and **a *b* c**", "Both and a b c"),
        ("这是**重点**内容。", "这是重点内容。"),
        ("The ~~old~~ new one", "The old new one"),
        ("un*frigging*believable", "un frigging believable"),
        ("## A title\nText", "A title. Text"),
        ("# 标题\n正文", "标题。正文"),
        ("## A title ##\nText", "A title. Text"),
        ("Title\n=====\nText", "Title. Text"),
        ("One.\n\n---\n\n* * *\nTwo.", "One. Two."),
        ("- one\n* two\n+ three\n• four", "one. two. three. four"),
        ("- a\n  - b\n    1. c", "a. b. 1. c"),
        ("> He said\n> so.\n>> Twice.", "He said. so. Twice."),
        ("- [ ] open\n- [x] closed\n1. [X] too", "open. done: closed. 1. done: too"),
        ("- [x] 买菜", "已完成：买菜"),
        ("Roses are red\nViolets are blue", "Roses are red. Violets are blue"),
        ("Is it?\nYes, it is.", "Is it? Yes, it is."),
        # Code.
        ("Call `snake_case(a*b)` and `__init__` now", "Call snake case(a*b) and init now"),
        ("Use ``a ` b`` here", "Use a ` b here"),
        ("A lone ` and so **on**", "A lone and so on"),
        (f"Look:\n{FENCE}python\nx = 1\n{FENCE}\nDone.", "Look: Code omitted. Done."),
        (f"Look:\n~~~\nx = 1\n{FENCE}\ny\n~~~\nDone.", "Look: Code omitted. Done."),
        (f"看：\n{FENCE}python\nx = 1\n{FENCE}\n好。", "看：代码略。好。"),
        (f"コードです：\n{FENCE}\nx\n{FENCE}\nはい。", "コードです：はい。"),
        (f"Never ends: ok.\n{FENCE}\nx = 1\n", "Never ends: ok. Code omitted. "),
        # Links and addresses.
        ('See [the docs](https://a.example/x_(y)?z "Title") now', "See the docs now"),
        ("See [the docs][1] and [**this**](x).\n\n[1]: https://a.example", "See the docs and this. "),
        ("![a cat](cat.png) and ![](b.png)", "image: a cat and "),
        ("看![小猫](cat.png)", "看图片：小猫"),
        ("[![badge](b.png)](https://a.example) Hi", "image: badge Hi"),
        ("At https://www.a.example/x?y=1#z, or www.b.example.", "At a.example, or b.example."),
        ("(https://a.example/x_(y)) or **https://b.example/**.", "(a.example) or b.example."),
        ("见https://a.example/x。好", "见a.example。好"),
        ("Write <me@a.example> or [me](mailto:me@a.example)", "Write me@a.example or me"),
        ("See <https://a.example/b> now", "See a.example now"),
        ("As shown[^1] here [2][3, 4].\n[^1]: A note", "As shown here . A note"),
        ("据报道【4:0†来源】。", "据报道。"),
        # Tables.
        ("| A | B |\n|---|:-:|\n| 1 | 2 |\n\nEnd", "A, B. 1, 2. End"),
        ("|甲|乙|\n|--|--|\n|一|二|", "甲，乙。一，二"),
        ("a | b | c", "a, b, c"),
        # HTML.
        ("<p>Hi <b>there</b><br/>you<!-- not\nsaid --> too</p>", "Hi there, you too"),
        ("Q&amp;A &lt;5&nbsp;m&#33; &bogus; &#xD800;", "Q&A <5 m! &bogus; \ufffd"),
        # Signs and formulas.
        ("2*3*4 and 5 * 3", "2 times 3 times 4 and 5 times 3"),
        ("约等于2*3", "约等于2乘3"),
        ("It takes ~5 min, about ~6, or 7~8", "It takes about 5 min, about 6, or 7 to 8"),
        ("需要~5分钟，约~6，5～7天", "需要约5分钟，约6，5到7天"),
        ("File -> Save → Close => end", "File, Save, Close, end"),
        ("文件→保存", "文件，保存"),
        ("x^2 and y^{10} and $E = mc^2$.", "x squared and y to the power of 10 and E = mc squared."),
        ("面积是$r^2$", "面积是r的平方"),
        (r"\(\frac{a}{b}\) \times \sqrt{2}, x_{i}", "a over b times square root of 2, x i"),
        (r"即\frac{1}{2}", "即2分之1"),
        ("So:\n\n$$\nx = y\n$$\n\nFine.", "So: Formula omitted. Fine."),
        ("So:\n\\[ x = y \\] Fine.", "So: Formula omitted. Fine."),
        (r"\*not\* snake\_case \$5 \#1", "not snake case $5 #1"),
        (r"C:\Users\ann", "C: Users ann "),
        # Pictures.
        ("Great! 😊👍🏽 Bye 👨‍👩‍👧 🇩🇪 ✅ 1️⃣", "Great! Bye 1"),
        ("one😊two", "one two"),
    ],
)
def test_markup_is_not_read_aloud(written: str, said: str) -> None:
    """A listener hears the words; what can't be listened to is named, and a pause is where a line ends."""
    aligned = SpeechText().feed(written)
    assert aligned.spoken == said
    assert aligned.written == written


@pytest.mark.parametrize("written", ["", "***", "😊", "---\n", "\n\n", "...", "[^1]", "![](x.png)", "| | |\n"])
def test_nothing_to_say_is_nothing_for_the_synthesizer(written: str) -> None:
    """Without a letter or digit there is no speech."""
    aligned = SpeechText().feed(written)
    assert (aligned.spoken, aligned.written) == ("", written)


@pytest.mark.parametrize(
    ("pieces", "said"),
    [
        (["**Hello there!", "** How *are", "* you?"], ["Hello there!", " How are", " you?"]),
        (["Hello there!", "!! 😊 ", "So"], ["Hello there!", "", "So"]),
        (["“Hello there!", "” So it is"], ["“Hello there!", " So it is"]),
        (["One.", "\n\n- two"], ["One.", " two"]),
        (["One. ", "  - two"], ["One. ", "- two"]),
        (["One.\n  ", "- two"], ["One.\n  ", "two"]),
        ([f"A\n{FENCE}py\n", "x = 1\n", f"{FENCE}\nB"], ["A. Code omitted. ", "", "B"]),
        (["See [Dr. Who. ", "And more](https://a.example/x) now"], ["See Dr. Who. ", "And more now"]),
        (["[看这里。]", "(https://a.example)好"], ["看这里。", "好"]),
        (["[a](https://a.example/你，", "好) b"], ["a", " b"]),
        (["| A | B ", "| C |\n", "| 1 |"], ["A, B ", "C ", "1 "]),
        (["$$\nx = 1. ", "y = 2\n$$\nSo"], ["Formula omitted. ", "So"]),
        (["$$ unclosed\n\n", "So"], ["Formula omitted. ", "So"]),
        (["<!-- a. ", "b --> So"], ["", "So"]),
        (["https://a.example/" + "x" * 300, "yyy so"], ["a.example", " so"]),
        (["Look at https://a.example", "So"], ["Look at a.example", "So"]),
        (["你好。", f"\n\n{FENCE}\nx\n{FENCE}\n"], ["你好。", "代码略。\n"]),
    ],
)
def test_markup_may_begin_in_one_piece_and_end_in_another(pieces: list[str], said: list[str]) -> None:
    """What is open stays open, and what came late of the piece before is not said."""
    speech = SpeechText()
    assert [speech.feed(piece).spoken for piece in pieces] == said


@given(markdown | st.text(max_size=40), st.lists(st.integers(0, 120), max_size=8))
def test_no_text_is_lost_however_it_is_cut(text: str, places: list[int]) -> None:
    """What is written stays whole, and no piece begins with white space but where the one before had none."""
    speech = SpeechText()
    edges = [0, *sorted(min(place, len(text)) for place in places), len(text)]
    before = "\n"
    for start, end in pairwise(edges):
        piece = text[start:end]
        aligned = speech.feed(piece)
        assert aligned.written == piece
        assert not aligned.spoken[:1].isspace() or (aligned.spoken[0] == " " and not before.isspace())
        before = piece[-1:] or before


@pytest.mark.parametrize(
    "flood", ["*", "[", "](", "[a", "a_", "`a", "| ", " ", "\n", "<a ", "\\a", "[a](b", "$", "> ", "-", "😊"]
)
def test_a_flood_is_read_in_linear_time(flood: str) -> None:
    """200,000 characters take well under a second of work; in square time they would take minutes."""
    text = flood * (200_000 // len(flood))
    begin = time.process_time()
    assert SpeechText().feed(text).written == text
    assert time.process_time() - begin < 4
