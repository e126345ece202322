"""Probabilities of speech, cut into speech: tables and properties. A window is 32 ms here."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxint.core.audio import AudioFormat
from voxint.core.voice_activity import (
    Activity,
    SpeechEnded,
    SpeechPaused,
    SpeechResumed,
    SpeechStarted,
    VoiceCuts,
    VoiceEvent,
)

WINDOW = 512
FORMAT = AudioFormat(16_000)
CUTS = VoiceCuts(least_ms=96, before_ms=64, pause_ms=128, after_ms=32)
END_MS = 256.0


def heard(
    probabilities: Iterable[float], cuts: VoiceCuts = CUTS, *, end_ms: float = END_MS, ends: bool = True
) -> list[VoiceEvent]:
    """Return what happens in a stream of these windows."""
    activity, happened = Activity(cuts, FORMAT, WINDOW, end_ms), list[VoiceEvent]()
    for probability in probabilities:
        activity, events = activity.heard(probability)
        happened += events
    return happened + list(activity.ended()[1]) if ends else happened


def windows(script: str) -> list[float]:
    """Return a probability for each character: a digit is a tenth, and a last window of speech is a 9."""
    return [int(tenths) / 10 for tenths in script]


def at(window: int) -> int:
    """Return the first sample of a window."""
    return window * WINDOW


@pytest.mark.parametrize(
    ("script", "events"),
    [
        ("", []),
        ("0000000", []),
        ("0990990", []),  # twice two windows: clicks
        ("00999", [SpeechStarted(at(0)), SpeechEnded(at(0), at(5))]),
        ("000999", [SpeechStarted(at(1)), SpeechEnded(at(1), at(6))]),
        ("00094440", [SpeechStarted(at(1)), SpeechEnded(at(1), at(8))]),  # what is doubtful goes on with what was
        ("00044440", []),  # and begins nothing
        ("0009390", []),
        ("000999000", [SpeechStarted(at(1)), SpeechEnded(at(1), at(7))]),
        ("0009990000", [SpeechStarted(at(1)), SpeechPaused(at(7)), SpeechEnded(at(1), at(7))]),
        ("0009994444", [SpeechStarted(at(1)), SpeechEnded(at(1), at(10))]),
        ("0009990444", [SpeechStarted(at(1)), SpeechPaused(at(7)), SpeechEnded(at(1), at(7))]),
        (
            "00099900009",
            [SpeechStarted(at(1)), SpeechPaused(at(7)), SpeechResumed(at(10)), SpeechEnded(at(1), at(11))],
        ),
        (
            "000999000000000999",
            [
                *(SpeechStarted(at(1)), SpeechPaused(at(7)), SpeechEnded(at(1), at(7))),
                *(SpeechStarted(at(13)), SpeechEnded(at(13), at(18))),
            ],
        ),
    ],
)
def test_cut(script: str, events: list[VoiceEvent]) -> None:
    """Speech begins with three windows, two windows before; it pauses after four quiet ones and ends after eight."""
    assert heard(windows(script)) == events


def test_speech_is_told_when_it_is_known() -> None:
    """It starts with the third window, pauses with the fourth quiet one, ends with the eighth: no earlier, no later."""
    told = [len(heard(windows("99900000000"[:count]), ends=False)) for count in range(12)]
    assert told == [0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3]


def test_speech_never_overlaps_the_one_before() -> None:
    """What belongs to speech before its first window is not taken from speech that has ended."""
    cuts = VoiceCuts(least_ms=32, before_ms=1000, pause_ms=32, after_ms=32)
    assert heard(windows("9909"), cuts, end_ms=32)[-1] == SpeechEnded(at(3), at(4))


def test_a_number_that_is_none_is_quiet() -> None:
    """A detector gone wrong makes no speech."""
    assert heard([float("nan")] * 20) == []


@pytest.mark.parametrize("wrong", [{"on": 0.3}, {"off": 0.6}, {"pause_ms": 0.0}, {"on": 1.5}])
def test_cuts_that_contradict(wrong: dict[str, float]) -> None:
    """`off` is not above `on`, and a pause lasts for some time."""
    with pytest.raises(ValueError, match=r"VoiceCuts\.\w+ must be"):
        VoiceCuts(**wrong)


@given(
    st.lists(st.floats(0, 1), max_size=120),
    st.builds(
        VoiceCuts,
        least_ms=st.integers(0, 200).map(float),
        before_ms=st.integers(0, 400).map(float),
        pause_ms=st.integers(1, 200).map(float),
        after_ms=st.integers(0, 400).map(float),
    ),
    st.integers(1, 600).map(float),
)
def test_what_happens_is_a_story(probabilities: list[float], cuts: VoiceCuts, end_ms: float) -> None:
    """Speech starts and ends in turn, pauses and resumes in turn within; positions lie within the stream, in order."""
    speaking = paused = False
    start = last = 0
    for event in heard(probabilities, cuts, end_ms=end_ms):
        match event:
            case SpeechStarted(at=here):
                assert not speaking
                assert last <= here
                speaking, paused, start, last = True, False, here, here
            case SpeechPaused(at=here):
                assert speaking
                assert not paused
                paused = True
            case SpeechResumed(at=here):
                assert speaking
                assert paused
                paused = False
            case SpeechEnded(start=begin, at=here):
                assert speaking
                assert begin == start
                assert start < here
                speaking, last = False, here
        assert 0 <= here <= len(probabilities) * WINDOW
    assert not speaking


@given(st.lists(st.floats(0, 1), max_size=60))
def test_all_that_is_clearly_speech_is_in_it(probabilities: list[float]) -> None:
    """With no least length, every window from `on` on lies in a stretch of speech."""
    cuts = VoiceCuts(least_ms=0)
    stretches = [(event.start, event.at) for event in heard(probabilities, cuts) if isinstance(event, SpeechEnded)]
    for window, probability in enumerate(probabilities):
        if probability >= cuts.on:
            assert any(start <= at(window) and at(window + 1) <= end for start, end in stretches)


def test_speech_can_be_cut_in_two() -> None:
    """The first part ends where the second starts; a pause that had begun goes on, and the rest ends as ever."""
    activity, happened = Activity(CUTS, FORMAT, WINDOW, END_MS), list[VoiceEvent]()
    for probability in windows("099999"):
        activity, _ = activity.heard(probability)
    for wrong in (at(0), at(7)):
        with pytest.raises(ValueError, match="speech is cut between"):
            activity.split(wrong)
    activity, events = activity.split(at(4))
    assert events == (SpeechEnded(at(0), at(4)), SpeechStarted(at(4)))
    for probability in windows("00000000"):
        activity, events = activity.heard(probability)
        happened += events
    assert happened == [SpeechPaused(at(7)), SpeechEnded(at(4), at(7))]
    with pytest.raises(ValueError, match="speech is cut between"):
        activity.split(at(10))
