"""Where a stretch of text, and of sound, stands in the answer."""

from __future__ import annotations

import pytest

from bench.bargein.canned import Run
from tests.bench.bargein.scripted import canned

ANSWER = canned(2.0)
PCM = ANSWER.pcm


def test_stretches_join_without_a_seam() -> None:
    """However the text is cut, its pieces' sounds joined are the whole sound."""
    cuts = ["This is the", " first sentence. And ", "here the second", " ends."]
    assert b"".join(map(ANSWER.speak, cuts)) == PCM
    assert ANSWER.speak("this is the FIRST sentence") == PCM[: len(PCM) // 2]


def test_other_text_has_no_sound() -> None:
    """What is no part of the answer is refused; marks alone are silent."""
    with pytest.raises(ValueError, match="no part of the answer"):
        ANSWER.speak("something else")
    assert ANSWER.speak("?") == b""


def test_runs_tell_their_place() -> None:
    """Sound that is cut, left out and said twice is found to the sample, whatever stands between."""
    played = bytes(200) + PCM[2000:4000] + PCM[5000:6000] + bytes(64) + PCM[5800:7000]
    assert ANSWER.runs(played) == [Run(100, 1000, 1000), Run(1100, 2500, 500), Run(1632, 2900, 600)]


def test_long_silence_between_is_passed_over() -> None:
    """Behind a second of other sound the next run is found at its first sample."""
    played = PCM[:2000] + bytes(32_000) + PCM[10_000:12_000]
    assert ANSWER.runs(played) == [Run(0, 0, 1000), Run(17_000, 5000, 1000)]
