"""Which phonemes are said for which written words, and how much of them in one breath."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from voxint.normalize import Span
from voxint.providers._kokoro_said import SaidWord, Token, aligned, groups, runs


def test_words_get_the_phonemes_that_begin_in_them() -> None:
    """A span that is said as written is cut before its words; one that is said otherwise is a whole."""
    spans = [Span("It is ", "It is "), Span("$5", "five dollars"), Span(".", ".")]
    tokens = [Token(0, "I "), Token(3, "i "), Token(6, "f "), Token(11, "d"), Token(18, ".")]
    assert aligned(spans, tokens) == [
        SaidWord("It ", "I "),
        SaidWord("is ", "i "),
        SaidWord("$5", "f d"),
        SaidWord(".", "."),
    ]


def test_a_mark_is_no_word() -> None:
    """Marks within a span stay with the word that they stand at."""
    said = aligned([Span("Yes, sir!", "Yes, sir!")], [Token(0, "y"), Token(3, ", "), Token(5, "s"), Token(8, "!")])
    assert said == [SaidWord("Yes, ", "y, "), SaidWord("sir!", "s!")]


def test_chinese_is_cut_at_its_words() -> None:
    """There are no spaces to go by: a word is what the dictionary took for one."""
    assert aligned([Span("你好世界", "你好世界")], [Token(0, "n "), Token(2, "s ")]) == [
        SaidWord("你好", "n "),
        SaidWord("世界", "s "),
    ]


spans_of_text = st.lists(
    st.tuples(st.text(max_size=6), st.none() | st.text(alphabet="abc .", max_size=8)).map(
        lambda pair: Span(pair[0], pair[0] if pair[1] is None else pair[1])
    ),
    min_size=1,
    max_size=8,
)


@given(spans_of_text, st.lists(st.integers(0, 60), max_size=12))
def test_nothing_is_lost(spans: list[Span], places: list[int]) -> None:
    """What is written joins to the text, and no phoneme is lost or moved, wherever the tokens are said to begin."""
    tokens = [Token(at, chr(97 + number)) for number, at in enumerate(sorted(places))]
    said = aligned(spans, tokens)
    assert "".join(word.written for word in said) == "".join(span.written for span in spans)
    assert "".join(word.phonemes for word in said) == "".join(token.phonemes for token in tokens)


@given(st.lists(st.tuples(st.text(max_size=3), st.text(alphabet="ab.,? ", max_size=30))), st.integers(1, 40))
def test_utterances_are_short(words: list[tuple[str, str]], most: int) -> None:
    """No utterance has more phonemes than it may, and together they are all there is to say, in order."""
    said = [SaidWord(*word) for word in words]
    found = groups(said, most, most // 2)
    assert all(sum(len(word.phonemes) for word in group) <= most for group in found)
    assert "".join(word.written for group in found for word in group) == "".join(word.written for word in said)
    assert "".join(word.phonemes for group in found for word in group) == "".join(word.phonemes for word in said)


def test_utterances_end_at_sentences_and_clauses() -> None:
    """A sentence that is long enough ends one; what is too long is cut behind its last clause."""
    said = [SaidWord("a", "aaaa. "), SaidWord("b", "bb, "), SaidWord("c", "cccc "), SaidWord("d", "dddd")]
    assert [len(group) for group in groups(said, most=100, fine=4)] == [1, 3]
    assert [len(group) for group in groups(said, most=15, fine=100)] == [2, 2]


def test_what_no_dictionary_has_is_not_said() -> None:
    """Pictures, control characters and other scripts become spaces; places and Chinese stay."""
    assert [(run.at, run.text, run.chinese) for run in runs("Hi 😀 Привет\x00!")] == [(0, "Hi" + " " * 10 + "!", False)]
    assert [(run.at, run.text, run.chinese) for run in runs("说 pizza，好。")] == [
        (0, "说", True),
        (1, " pizza,", False),
        (8, "好", True),
        (9, ".", False),
    ]


@given(st.text(max_size=60))
def test_runs_are_the_whole(text: str) -> None:
    """Every character has its place in one of the runs, a sign or a space for itself."""
    found = runs(text)
    assert [run.at for run in found] == [sum(len(run.text) for run in found[:number]) for number in range(len(found))]
    assert sum(len(run.text) for run in found) == len(text)
