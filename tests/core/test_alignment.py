from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.markdown import markdown
from voxint.core.alignment import Aligned, Part, Script
from voxint.core.audio import AudioFormat
from voxint.core.playout import PlayoutLedger
from voxint.core.segments import Segmenter
from voxint.core.speech_text import SpeechText

RATE = 16_000
LINK = Aligned(
    (Part("[See ", "See "), Part("this", "this"), Part("](https://a.example/x)", ""), Part(" now. ", " now. "))
)
"""`[See this](https://a.example/x) now. `"""
CODE = Aligned((Part("So: ", "So: "), Part("```\nx = 1\n```\n", "Code omitted. "), Part("Done.", "Done.")))


def script_of(*pieces: Aligned | str) -> Script:
    """Return the script of a synthesizer that was given these pieces."""
    script = Script()
    for piece in pieces:
        script.give(Aligned.verbatim(piece) if isinstance(piece, str) else piece)
    return script


def written(text: Aligned | None) -> str | None:
    """Return what is written, or None."""
    return None if text is None else text.written


def test_a_link_lasts_as_long_as_its_words() -> None:
    """Its address takes no time, and belongs to the word before it."""
    assert LINK.written == "[See this](https://a.example/x) now. "
    assert LINK.spoken == "See this now. "
    assert [LINK.said(letters) for letters in (2, 3, 7, 8, 12, 13, 14)] == [
        "",
        "[See",
        "[See",
        "[See this](https://a.example/x)",
        "[See this](https://a.example/x)",
        "[See this](https://a.example/x) now.",
        "[See this](https://a.example/x) now.",
    ]


def test_what_stands_for_something_else_is_heard_whole_or_not() -> None:
    """Half of `Code omitted` is no code."""
    heard = [CODE.said(letters) for letters in (2, 3, 8, 16, 17, 22, 23)]
    assert heard == ["", "So:", "So:", "So:", "So: ```\nx = 1\n```", "So: ```\nx = 1\n```", CODE.written]


def test_a_part_may_be_cut_where_it_is_spoken_as_it_is_written() -> None:
    """Anything else is written where its last word is spoken; silent text stays with the word that it sticks to."""
    first, second = LINK.split(8)
    assert (first.written, second.written) == ("[See this](https://a.example/x)", " now. ")
    first, second = CODE.split(8)
    assert (first.written, first.spoken) == ("So: ", "So: Code")
    assert (second.written, second.spoken) == ("```\nx = 1\n```\nDone.", " omitted. Done.")


def test_reports_of_what_was_given_find_their_written_text() -> None:
    """In parts or several pieces at once; white space goes with what is before it, silent text with what is spoken."""
    script = script_of("One. ", LINK, Aligned((Part("---\n", ""),)), "Two ", "three.")
    reports = ["One. ", "See this", " now. ", "Two three.", None]
    assert [written(script.begun(report)) for report in reports] == [
        "One. ",
        "[See this](https://a.example/x) ",
        "now. ",
        "---\nTwo three.",
        None,
    ]
    assert script.rest() is None


def test_silent_text_at_the_end_is_the_rest() -> None:
    """Nobody speaks it, so it is told when the synthesizer has ended."""
    script = script_of("One. ", Aligned((Part("😊", ""),)))
    assert written(script.begun("One. ")) == "One. "
    assert script.begun("") is None
    assert written(script.rest()) == "😊"


@pytest.mark.parametrize(
    ("reports", "parts"),
    [
        (["It", "is", "3", "dogs."], ["It ", "is ", "3 ", "dogs. "]),
        (["It is\n3  dogs.", "Yes."], ["It is 3 dogs. ", "Yes."]),
        (["It", "is", "three", "dogs.", "Yes."], ["It ", "is ", "3 ", "dogs. ", "Yes."]),
        (["it is three dogs.", "Yes."], ["It is 3 dogs. ", "Yes."]),
        (["three", "Yes."], ["It ", "is "]),
        (["Yes. And so on.", "Yes."], ["It is 3 dogs. ", "Yes."]),
        (["It is 3 dogs. Yes. And more that was never given", "Yes."], ["It is 3 dogs. Yes.", None]),
        ([" ", "", "\n"], [None, None, None]),
        ([None, None], ["It is 3 dogs. Yes.", None]),
        (["It", None], ["It ", None]),
    ],
)
def test_a_synthesizer_with_words_of_its_own_does_little_harm(
    reports: list[str | None], parts: list[str | None]
) -> None:
    """Of a synthesizer: other white space is understood, other words are counted, silence is taken for all of it."""
    script = script_of("It is 3 dogs. ", "Yes.")
    assert [written(script.begun(report)) for report in reports] == parts


def test_a_report_that_is_found_further_ahead_is_there() -> None:
    """What a synthesizer left out of its reports goes with what it reports next."""
    script = script_of("One two three. ", "Four five six seven. ", "Eight.")
    assert written(script.begun("Four five six seven.")) == "One two three. Four five six seven. "
    assert written(script.begun("Eight.")) == "Eight."


def pieces_of(text: str) -> list[Aligned]:
    """Return a reply as it is given to a synthesizer."""
    segmenter, speech = Segmenter(first_min_chars=2, min_chars=5, max_chars=60), SpeechText()
    return [speech.feed(piece) for piece in segmenter.feed(text) + segmenter.flush()]


def reports_of(pieces: list[Aligned], words: int) -> list[str]:
    """Return what a synthesizer reports that speaks so many words at a time."""
    reports = []
    for piece in pieces:
        spoken = piece.spoken
        ends = [match.end() for match in re.finditer(r"\S+\s*", spoken)][words - 1 :: words]
        reports += [spoken[start:end] for start, end in pairwise([0, *ends, len(spoken)]) if start < end]
    return reports


@given(markdown, st.integers(1, 9), st.booleans())
def test_reports_joined_are_the_whole_text(text: str, words: int, strips: bool) -> None:
    """In order, nothing lost, nothing twice; with other white space too."""
    pieces = pieces_of(text)
    script = script_of(*pieces)
    begun = [script.begun(" ".join(report.split()) if strips else report) for report in reports_of(pieces, words)]
    parts = [part for part in [*begun, script.rest()] if part is not None]
    assert "".join(part.written for part in parts) == text
    assert "".join(part.spoken for part in parts) == "".join(piece.spoken for piece in pieces)
    if not strips:
        assert [part.spoken.split() for part in parts if part.spoken] == [
            report.split() for report in reports_of(pieces, words) if report.strip()
        ]


@given(markdown, st.lists(st.text(max_size=20) | st.none() | st.sampled_from(["word", "重点", "docs"]), max_size=12))
def test_any_reports_at_all_lose_nothing(text: str, reports: list[str | None]) -> None:
    """A synthesizer that talks nonsense shifts what counts as heard, and never breaks it."""
    script = script_of(*pieces_of(text))
    parts = [part for report in [*reports, None] if (part := script.begun(report)) is not None]
    parts += [rest] if (rest := script.rest()) is not None else []
    assert "".join(part.written for part in parts) == text


def ledger_of(text: str, words: int) -> PlayoutLedger:
    """Return the ledger of a reply that was spoken and sent, each letter a hundredth of a second."""
    pieces = pieces_of(text)
    script, ledger = script_of(*pieces), PlayoutLedger(AudioFormat(RATE), spoken=True)
    spoken = 0
    for report in reports_of(pieces, words):
        if part := script.begun(report):
            ledger.begin_span(part)
        samples = len(report) * RATE // 100
        spoken += samples
        ledger.generated(samples)
        ledger.sent_until(spoken, 0.0)
    if rest := script.rest():
        ledger.begin_span(rest)
    ledger.end_spans()
    return ledger


@given(markdown, st.integers(1, 9), st.lists(st.floats(0.0, 3.0), min_size=2, max_size=6).map(sorted))
def test_what_was_heard_is_a_beginning_of_the_written_text(text: str, words: int, times: list[float]) -> None:
    """It only grows, ends at a word, and is the whole text at the end."""
    ledger = ledger_of(text, words)
    heard = [ledger.heard_text(now) for now in times]
    for earlier, later in pairwise([*heard, text]):
        assert later.startswith(earlier)
    for beginning in heard:
        assert not re.search(r"[A-Za-z0-9]\Z", beginning) or not re.match(r"[A-Za-z0-9]", text[len(beginning) :])
    assert ledger.heard_text(1e6) == (text if any(piece.spoken for piece in pieces_of(text)) else "")


def test_the_time_of_a_span_is_that_of_its_spoken_words() -> None:
    """An address of any length that nobody speaks does not delay the words behind it."""
    ledger = PlayoutLedger(AudioFormat(RATE), spoken=True)
    ledger.begin_span(LINK)
    ledger.generated(14_000)
    ledger.sent_until(14_000, 0.0)
    ledger.end_spans()
    assert ledger.heard_text(3_500 / RATE) == "[See"
    assert ledger.heard_text(8_500 / RATE) == "[See this](https://a.example/x)"
    assert ledger.heard_text(1.0) == LINK.written
