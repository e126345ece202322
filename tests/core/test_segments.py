from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from voxint.core.segments import Segmenter


def cut(text: str, segmenter: Segmenter | None = None) -> list[str]:
    """Return the pieces of a whole reply, fed at once."""
    segmenter = segmenter or Segmenter()
    return segmenter.feed(text) + segmenter.flush()


def cutting_early() -> Segmenter:
    """Return a segmenter that cuts wherever it may."""
    return Segmenter(first_min_chars=1, min_chars=1, max_chars=200)


def test_the_first_piece_is_early_and_later_ones_are_sentences() -> None:
    """Speech begins with the first clause; from there on whole sentences sound better, short ones joined."""
    reply = (
        "Of course, I can tell you. The vase is blue, old and rare. It is Ming. People came from far to see it. Yes."
    )
    assert cut(reply) == [
        "Of course, ",
        "I can tell you. The vase is blue, old and rare. ",
        "It is Ming. People came from far to see it. ",
        "Yes.",
    ]


def test_chinese_needs_no_spaces_and_counts_threefold() -> None:
    """A short Chinese greeting is long enough to begin with, and each sentence stands for itself."""
    assert cut("好的，我来介绍。这是一件商代的青铜器，非常珍贵。它高八十三厘米。谢谢。") == [
        "好的，",
        "我来介绍。这是一件商代的青铜器，非常珍贵。",
        "它高八十三厘米。谢谢。",
    ]


def test_a_later_piece_is_handed_out_when_the_next_word_begins() -> None:
    """A mark alone decides nothing: it may be a decimal point, or have a closing quote or an emoji behind it."""
    segmenter = cutting_early()
    assert segmenter.feed("Well, it") == ["Well, "]
    assert segmenter.feed(" is 3.") == []
    assert segmenter.feed("14. ") == []
    assert segmenter.feed("Good") == ["it is 3.14. "]
    assert segmenter.feed("。") == []
    assert segmenter.feed("”") == []
    assert segmenter.feed("好") == ["Good。”"]
    assert segmenter.flush() == ["好"]


@pytest.mark.parametrize(
    ("deltas", "pieces"),
    [
        (["Hello", " there", "!"], ["Hello there!"]),
        (["Hello there", "!", " How are"], ["Hello there!"]),
        (["Are you sure", "?"], ["Are you sure?"]),
        (["I can help with that", "."], ["I can help with that."]),
        (["It is a t1w7", ". "], ["It is a t1w7. "]),
        (["It is 3.14", ". "], ["It is 3.14. "]),
        (["Of course, "], ["Of course, "]),
        (["A heading", "\n"], ["A heading\n"]),
        (["“Hello” there", "!"], ["“Hello” there!"]),
        (["**Hello** there", "!"], ["**Hello** there!"]),
        (["你好", "，"], ["你好，"]),
        (["今天是《春节》", "。"], ["今天是《春节》。"]),
        (["真的吗", "？"], ["真的吗？"]),
    ],
)
def test_the_first_piece_is_handed_out_at_its_mark(deltas: list[str], pieces: list[str]) -> None:
    """Nothing that may follow would be heard otherwise, so nobody waits for it."""
    segmenter = Segmenter(first_min_chars=3)
    assert [piece for delta in deltas for piece in segmenter.feed(delta)] == pieces


@pytest.mark.parametrize(
    "text",
    [
        *["Open the index.", "It is 3.", "It is 3,", "We met Dr. ", "Apples etc. ", "The U.S. ", "Well it is..."],
        *["Of course,", "See example.com/what?", "**Hello there!", "“Hello there!", "'Hello there!", "(Hello there!"],
        *["价格是3，", "“你好吗？", "好的……", "Is it -", "word", "word "],
    ],
)
def test_a_first_piece_waits_where_it_matters_what_follows(text: str) -> None:
    """It may be a number, a name, an abbreviation, or be closed by a quote, a bracket or a mark of emphasis."""
    assert Segmenter(first_min_chars=3).feed(text) == []


@pytest.mark.parametrize("mark", [". ", "! ", "!", "。"])
def test_only_the_first_piece_is_in_a_hurry(mark: str) -> None:
    """For later ones there is time: they take all that belongs to them."""
    segmenter = cutting_early()
    segmenter.feed("Well, then ")
    assert segmenter.feed("so" + mark) == []


@pytest.mark.parametrize(
    ("text", "piece"),
    [
        *[("It is in the index.", "It is in the index."), ("It is 3.", "It is 3."), ("No. ", "No. ")],
        *[("He said “no.", "He said “no."), ("Apples etc.", "Apples etc."), ("So it is...", "So it is...")],
        *[("Of course,", "Of course,"), ("好。", "好。"), ("“你好吗？”", "“你好吗？”"), ("Yes\n\n", "Yes\n\n")],
    ],
)
def test_a_pause_ends_a_sentence(text: str, piece: str) -> None:
    """What a next word would have decided the silence decides, and a short sentence has nothing to be joined to."""
    segmenter = Segmenter()
    assert segmenter.feed(text[:2]) == []
    assert segmenter.feed(text[2:]) + (segmenter.pause() if segmenter.ends_at_pause else []) == [piece]
    assert not segmenter.ends_at_pause
    assert segmenter.flush() == []


@pytest.mark.parametrize("text", ["", "...", "word", "some words ", "We met Dr.", "By J.", "Fruit e.g.", "1.", "Yes, "])
def test_a_pause_within_a_sentence_ends_nothing(text: str) -> None:
    """Titles, initials and numbers of a list, and words without a mark, need what comes behind them."""
    segmenter = Segmenter()
    assert segmenter.feed(text) == []
    assert not segmenter.ends_at_pause
    assert segmenter.pause() == []
    assert segmenter.flush() == ([text] if text else [])


def test_after_a_pause_somebody_waits_again() -> None:
    """What comes next is a first piece, and a later piece is handed out by a pause as the first is."""
    segmenter = Segmenter()
    assert segmenter.feed("Let me look, I said. One") == ["Let me look, "]
    assert segmenter.feed(" moment.") == []
    assert segmenter.pause() == ["I said. One moment."]
    assert segmenter.feed(" Here it is, found") == [" Here it is, "]


def test_a_flush_begins_anew() -> None:
    """After a pause that the caller knows of, the next piece is a first piece again."""
    segmenter = Segmenter()
    assert segmenter.feed("Let me look up") == []
    assert segmenter.flush() == ["Let me look up"]
    assert segmenter.flush() == []
    assert segmenter.feed("Here it is, found") == ["Here it is, "]


@pytest.mark.parametrize(
    "text",
    [
        "It costs 3.14 or 1,000 at 12:30 or 3:15.20",
        "Take v1.2.3 of voxint.toml",
        "See https://example.com/a.b?c=d,e;f!g#h or mail a.b@example.com now",
        "Dr. Smith and Prof. Wu met Mrs. (Dr. Li) Mr. Bo",
        "Fruit e.g. apples",
        "He lives in the U.S. and has a Ph.D. in it",
        "At 5 a.m. and 6 p.m. daily",
        "By J. R. R. Tolkien",
        "Apples etc. are in fig. 3 on p. 5 of no. 7",
        "1. Open the door",
        "**2. Close it",
        "价格是３．１４元",
        "现在12：30了共1，000元",
        "用 index.html 吧",
        "word-for-word 10–20 and/or so",
        "What?No",
        "'Tis it",
    ],
)
def test_what_only_looks_like_an_end_is_not_cut(text: str) -> None:
    """Numbers, addresses, file names, abbreviations, initials and the items' numbers of a list stay whole."""
    assert cut(text, cutting_early()) == [text]


@pytest.mark.parametrize(
    "pieces",
    [
        ["Yes! ", "No? ", "Well."],
        ["He left (really.) ", "She stayed."],
        ['He said "go." ', '"Where?" ', "she asked."],
        ["So do I. ", "He too"],
        ["Apples etc. ", "Then pears"],
        ["Find x. ", "It was in 1984. ", "Good"],
        ["What?! ", "Really..."],
        ["Well... ", "That is. . . ", "Fine"],
        ["Wait… ", "what"],
        ["One\n", "two\n\n", "- three\n", "**four**"],
        ["Really etc.\n", "one"],
        ["Great! ", "😊 Bye 😊"],
        ["Great!😊 ", "Bye"],
        ["**Done.** ", "Next"],
        ["他说：", "“走吧！”", "“好的。」", "（真的？！）", "走……", "好"],
        ["你好.", "我是!", "这里"],
        ["真的? ", "OK。", "Good"],
        ["नमस्ते। ", "ठीक"],
    ],
)
def test_marks_end_a_piece_with_what_belongs_to_them(pieces: list[str]) -> None:
    """Closing quotes, brackets and the white space stay with the sentence; what opens the next goes with that."""
    assert cut("".join(pieces), cutting_early()) == pieces


@pytest.mark.parametrize(
    "pieces",
    [
        ["so, ", "yes"],
        ["yes: ", "no"],
        ["said: ", '"no"'],
        ["so — ", "but"],
        ["but - ", "then"],
        ["then—", "done"],
        ["苹果、", "梨"],
        ["香蕉；", "梨"],
        ["他说：", "“走"],
        ["“好，”", "他"],
        ["好——", "是"],
        ["我是,", "这里"],
        ["12： ", "30"],
        ["well... ", "so"],
    ],
)
def test_a_first_piece_may_end_at_a_clause(pieces: list[str]) -> None:
    """Commas, semicolons, colons, dashes and the dots of a thought that trails off let speech begin, none else."""
    assert cut("".join(pieces), cutting_early()) == pieces
    assert cut("Go. " + "".join(pieces), cutting_early()) == ["Go. ", "".join(pieces)]


@pytest.mark.parametrize("text", ["", "😊", "...", " \n", "“！”", "***"])
def test_a_reply_without_a_word_comes_out_at_the_flush(text: str) -> None:
    """Only a reply that says nothing at all makes a piece that says nothing."""
    assert cut(text, cutting_early()) == ([text] if text else [])


def test_long_sentences_are_cut_at_clauses_from_half_the_maximum_on() -> None:
    """A sentence without end would keep the listener waiting for its synthesis."""
    segmenter = Segmenter(first_min_chars=1, min_chars=10, max_chars=40)
    assert cut("Well, a b c, d e f g, h i j k l m, n o p q, r s t u, v w x", segmenter) == [
        "Well, ",
        "a b c, d e f g, h i j k l m, ",
        "n o p q, r s t u, v w x",
    ]


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("one two three four", ["one two ", "three four"]),
        ("one twothreefour", ["one ", "twothreefo", "ur"]),
        ("twothreefourfive", ["twothreefo", "urfive"]),
        ("一二三四五六七八九十百千", ["一二三四五六七八九十", "百千"]),
        ("a 一二三四五六七八九十", ["a 一二三四五六七八", "九十"]),
        ("abcdefgh😊😊😊😊ij", ["abcdefgh😊😊", "😊😊ij"]),
        ("abcdefghij      kl", ["abcdefghij      ", "kl"]),
        ("😊😊😊😊😊😊😊😊😊😊😊abc", ["😊😊😊😊😊😊😊😊😊😊😊abc"]),
    ],
)
def test_no_piece_has_more_than_the_maximum_to_say(text: str, pieces: list[str]) -> None:
    """Without a mark the last space is the place, in Chinese any, and without a space the maximum itself."""
    assert cut(text, Segmenter(first_min_chars=1, max_chars=10)) == pieces


def test_a_length_of_nothing_is_refused() -> None:
    """A piece has at least one character."""
    with pytest.raises(ValueError, match="max_chars"):
        Segmenter(max_chars=0)


replies = st.lists(
    st.sampled_from(
        [*"abI17 .,!?…:;-—\n\"'()。，”“你好😊*_", ". ", ", ", "Dr", "e.g.", "3.14", "etc.", "a.b/c", "word ", "……"]
    ),
    max_size=80,
).map("".join)
segmenters = st.builds(
    Segmenter, first_min_chars=st.integers(1, 12), min_chars=st.integers(1, 20), max_chars=st.integers(1, 30)
)


def cut_at(reply: str, segmenter: Segmenter, edges: list[int]) -> list[str]:
    """Return the pieces of a reply that came in deltas with these edges."""
    deltas = [reply[start:end] for start, end in pairwise([0, *edges, len(reply)])]
    return [piece for delta in deltas for piece in segmenter.feed(delta)] + segmenter.flush()


@given(replies, segmenters, st.lists(st.integers(0, 80)))
def test_later_pieces_do_not_depend_on_the_deltas(reply: str, segmenter: Segmenter, places: list[int]) -> None:
    """However a model cuts its text, to single characters even, the same pieces come out behind the first."""
    assume(reply and not reply[0].isspace())
    segmenter.feed("Once upon a time, ")
    at_once = cut(reply, segmenter)
    for edges in (list(range(1, len(reply))), sorted(min(place, len(reply)) for place in places)):
        segmenter.feed("Once upon a time, ")
        assert cut_at(reply, segmenter, edges) == at_once


@given(replies, segmenters)
def test_a_pause_is_told_before_and_loses_nothing(reply: str, segmenter: Segmenter) -> None:
    """Whenever it comes; `ends_at_pause` says exactly whether it gives something."""
    pieces = []
    for character in reply:
        pieces += segmenter.feed(character)
        told = segmenter.ends_at_pause
        paused = segmenter.pause()
        assert bool(paused) == told
        pieces += paused
    assert "".join(pieces + segmenter.flush()) == reply


def words_of(pieces: list[str]) -> list[str]:
    """Return pieces without the white space and the marks at their seams."""
    return [words for piece in pieces if (words := re.sub(r"^[\W_]+|[\W_]+$", "", piece))]


@given(replies, segmenters)
def test_the_first_piece_is_the_same_word_by_word(reply: str, segmenter: Segmenter) -> None:
    """Where each word brings the white space before it, or behind it, only that of the seam may be cut elsewhere.

    So may a mark that stands alone, such as the second of `. . .`.
    """
    at_once = words_of(cut(reply, segmenter))
    for places in (r"(?<=\S)(?=\s)", r"(?<=\s)(?=\S)"):
        edges = [match.start() for match in re.finditer(places, reply)]
        assert words_of(cut_at(reply, segmenter, edges)) == at_once


@given(st.text() | replies, segmenters)
def test_pieces_are_the_whole_text_and_each_has_something_to_say(reply: str, segmenter: Segmenter) -> None:
    """Nothing is lost or changed, and every piece has a letter or digit, but for marks that end the whole."""
    pieces = cut(reply, segmenter)
    assert "".join(pieces) == reply
    assert all(re.search(r"[^\W_]", piece) for piece in pieces[:-1])


@given(replies, segmenters)
def test_the_words_of_a_piece_keep_within_the_maximum(reply: str, segmenter: Segmenter) -> None:
    """From its first letter to its last a piece is never longer than it may be, whatever comes."""
    for piece in cut(reply, segmenter):
        assert len(re.sub(r"^[\W_]+|[\W_]+$", "", piece)) <= segmenter.max_chars


@pytest.mark.parametrize("flood", ["a", "你", "!", "\n", "a ", "a. ", "12. ", "。", "😊"])
def test_a_flood_costs_a_bounded_amount_of_work_a_character(flood: str) -> None:
    """What is looked at again while the text goes on is never more than one piece; other deltas wait in a list."""
    segmenter = Segmenter()
    longest = 0
    segmenter.feed("x")
    for character in flood * (20_000 // len(flood)):
        segmenter.feed(character)
        longest = max(longest, len(segmenter._held[0]))
    assert longest <= 2 * segmenter.max_chars
