"""What may interrupt an answer, as a table and by properties."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxint.core.ears.barge_in import APART_MS, BargeIn, Overlap, Verdict, judge

RULES = BargeIn()


@pytest.mark.parametrize(
    ("overlap", "verdict"),
    [
        (Overlap(), "wait"),
        (Overlap(run_ms=32), "wait"),
        (Overlap(run_ms=64, speech_ms=64), "hold"),
        (Overlap(run_ms=64, speech_ms=64, let_go=True), "wait"),
        (Overlap(held=True, run_ms=64, speech_ms=64), "wait"),
        (Overlap(held=True, speech_ms=64, quiet_ms=288), "wait"),
        (Overlap(held=True, speech_ms=64, quiet_ms=300), "silence"),
        (Overlap(held=True, speech_ms=96, quiet_ms=300), "noise"),
        (Overlap(held=True, speech_ms=320, quiet_ms=300, text="Mm-hmm."), "backchannel"),
        (Overlap(held=True, speech_ms=640, text="Mm-hmm."), "wait"),
        (Overlap(held=True, speech_ms=640, text="Stop."), "commit"),
        (Overlap(held=True, speech_ms=320, text="Stop."), "wait"),  # what is understood so soon is seldom right
        (Overlap(held=True, speech_ms=320, quiet_ms=300, text="Stop."), "commit"),
        (Overlap(held=True, speech_ms=320, text="Stop.", over=True), "commit"),
        (Overlap(held=True, speech_ms=640, text="The mum."), "wait"),  # a hum, in which words were found
        (Overlap(held=True, speech_ms=500, quiet_ms=300, text="The mum."), "backchannel"),
        (Overlap(held=True, speech_ms=500, text="The mum.", over=True), "backchannel"),
        (Overlap(held=True, speech_ms=928, text="The mum"), "commit"),
        (Overlap(held=True, speech_ms=640, text="The mum says"), "commit"),
        (Overlap(held=True, speech_ms=500, text="A stop.", over=True), "commit"),
        (
            Overlap(held=True, speech_ms=384, text="That's how it is.", over=True),
            "backchannel",
        ),  # nobody says it so fast
        (Overlap(held=True, speech_ms=500, text="妈妈", over=True), "backchannel"),
        (Overlap(held=True, speech_ms=500, text="停。", over=True), "commit"),
        (Overlap(held=True, speech_ms=640, text="Yeah, but"), "commit"),
        (Overlap(held=True, speech_ms=640, text="等一下"), "commit"),
        (Overlap(held=True, speech_ms=320, quiet_ms=300, text="嗯。"), "backchannel"),
        (Overlap(held=False, speech_ms=320, quiet_ms=640, text="Stop."), "commit"),  # words that came late
        (Overlap(held=True, run_ms=1200, speech_ms=1200), "commit"),
        (Overlap(held=True, speech_ms=150, text="Right.", over=True), "backchannel"),
        (Overlap(held=False, speech_ms=150, over=True), "noise"),
        (Overlap(held=True, speech_ms=150, over=True), "noise"),
    ],
)
def test_what_is_heard_decides(overlap: Overlap, verdict: Verdict) -> None:
    """A suspicion holds; words that are meant commit; quiet releases, with its reason."""
    assert judge(RULES, overlap) == verdict


def test_the_end_of_an_answer_may_be_replied_to() -> None:
    """A "yes" over the last word of a question is an answer to it, and so over the last half second of anything."""
    agreeing = Overlap(held=True, speech_ms=300, quiet_ms=300, text="Yes.")
    assert judge(RULES, agreeing) == "backchannel"
    assert judge(RULES, agreeing, said="Shall I go on?") == "commit"
    assert judge(RULES, agreeing, tail=True) == "commit"


def test_the_answers_own_words_are_no_interruption() -> None:
    """However long they last."""
    assert judge(RULES, Overlap(held=True, run_ms=2000, speech_ms=2000, text="a b c"), echoed=True) == "wait"
    assert judge(RULES, Overlap(held=True, quiet_ms=300, speech_ms=2000, text="a b c"), echoed=True) == "echo"


def test_who_wants_no_hold_interrupts_at_the_onset() -> None:
    """For good, whatever it is."""
    assert judge(BargeIn(hold=False), Overlap(run_ms=64, speech_ms=64)) == "commit"


def test_more_words_may_be_wanted() -> None:
    """Fewer than that are none."""
    assert judge(BargeIn(min_words=3), Overlap(held=True, speech_ms=640, text="Stop it")) == "wait"
    assert judge(BargeIn(min_words=3), Overlap(held=True, speech_ms=640, text="Stop it now")) == "commit"


def test_what_was_let_go_is_held_again_by_another_stretch_alone() -> None:
    """A pause within speech makes no other one; and a hold wants speech in a row again."""
    let_go = Overlap(held=True, run_ms=320, speech_ms=320).released(let_go=True)
    assert (let_go.held, let_go.run_ms, let_go.let_go) == (False, 0, True)
    assert let_go.released().let_go
    for quiet_ms, goes_on in ((APART_MS - 1, True), (APART_MS, False)):
        later = let_go.heard(quiet_ms, is_speech=False)
        assert later.lasts == goes_on
        assert later.heard(64, is_speech=True).let_go == goes_on
    assert not Overlap().lasts


@given(st.lists(st.booleans(), max_size=200))
def test_speech_in_pieces_is_one_stretch(windows: list[bool]) -> None:
    """Speech counts with its short pauses, and anew behind a longer one; a run ends with the first quiet window."""
    overlap, ms = Overlap(), 32.0
    for is_speech in windows:
        before, overlap = overlap, overlap.heard(ms, is_speech=is_speech)
        assert 0 <= overlap.run_ms <= overlap.speech_ms
        if is_speech:
            anew = not before.speech_ms or before.quiet_ms >= APART_MS
            assert overlap.quiet_ms == 0
            assert overlap.speech_ms == (0 if anew else before.speech_ms + before.quiet_ms) + ms
        else:
            assert overlap.run_ms == 0
            assert (overlap.quiet_ms, overlap.speech_ms) == (before.quiet_ms + ms, before.speech_ms)


@given(
    st.builds(
        Overlap,
        held=st.booleans(),
        run_ms=st.floats(0, 3000),
        speech_ms=st.floats(0, 3000),
        quiet_ms=st.floats(0, 3000),
        text=st.sampled_from(["", "Yeah.", "Stop", "嗯", "停"]),
        over=st.booleans(),
    ),
    st.booleans(),
    st.booleans(),
)
def test_an_utterance_that_is_over_is_decided(overlap: Overlap, tail: bool, echoed: bool) -> None:
    """Nothing waits for what will not come; and a hold is only asked for where there is none."""
    verdict = judge(RULES, overlap, tail=tail, echoed=echoed)
    if overlap.over:
        assert verdict not in ("wait", "hold")
    if overlap.held:
        assert verdict != "hold"
