"""What of an utterance is sounded when, from what the model's first half says of it: pure decisions.

A frame is 25 ms. The model foretells the energy of each half of one so well that silence need not be computed: it is
written as zeros. What sounds is made in windows of some two seconds, cut where it is quietest, each with some frames
around it that are thrown away again: the model's second half looks that far, and hears nothing of what lies beyond.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise

from attrs import frozen

from voxint.providers._written_text import MARKS

__all__ = ["FRAME", "RATE", "Window", "timeline", "windows"]

RATE = 24_000

FRAME = 600
"""Samples in a frame."""

AUDIBLE = -3.0
"""The energy from which on a half frame sounds. Measured over six voices: below it the sound is under -57 dBFS."""

MARGIN = 1
"""Frames around what sounds that are computed too. Ours: a breath, and the filter's own delay."""

GAP = 6
"""The shortest silence that is not computed, in frames. Ours: a shorter one costs less than the frames around a cut."""

AROUND, BEFORE_SOUND, BEHIND_SOUND = 8, 12, 4
"""Frames computed around a window and thrown away: where it is cut in speech, where it begins after silence, and where
it ends in silence. Measured against the whole, made in one go: with 4 in front a first consonant is 3 dB too soft, and
a p was lost; with these what is made in windows was transcribed back as well as the whole was."""

LEADS = 2
"""Frames by which the sound of a token comes before its time in the model's count. Measured at word onsets."""

SLACK = 2
"""Frames by which the count of the tokens and the energy may differ about where a pause begins. Ours."""

MOST, FIRST = 72, 44
"""The longest window in frames, and the first of an utterance: 1.8 s and 1.1 s. Ours: an abort has to wait for the
step of the inference that runs, which grows with the window; the first is what somebody waits for, and mostly a whole
clause. Of shorter ones words were lost."""

LEAST = 14
"""The shortest window where a longer one is cut. Ours: under a third of a second, what is around it costs more."""


@frozen
class Window:
    """A stretch of frames that is made in one go, and what stands around it.

    Args:
        begin: Its first frame.
        end: The frame behind its last.
        around: Frames that are computed before it and behind it.
        joined: Whether what is before it and behind it is speech, which it has to run into.
    """

    begin: int
    end: int
    around: tuple[int, int]
    joined: tuple[bool, bool]


def windows(energy: Sequence[float], first: int = FIRST, most: int = MOST) -> list[Window]:
    """Return the windows of an utterance in order; what lies between two, or around all, is silence.

    Args:
        energy: Of each half frame.
        first: Frames of the first window at most.
        most: Frames of each other.
    """
    frames = len(energy) // 2
    loudest = [max(energy[2 * at], energy[2 * at + 1]) for at in range(frames)]
    found: list[Window] = []
    for begin, end in _stretches(loudest):
        cuts = [begin]
        while end - cuts[-1] > (room := most if found or len(cuts) > 1 else first):
            cuts.append(_quietest(loudest, cuts[-1], min(cuts[-1] + room, end - LEAST)))
        for start, stop in pairwise((*cuts, end)):
            joined = (start > begin, stop < end)
            before, behind = AROUND if joined[0] else BEFORE_SOUND, AROUND if joined[1] else BEHIND_SOUND
            found.append(Window(start, stop, (min(before, start), min(behind, frames - stop)), joined))
    return found


def _stretches(loudest: Sequence[float]) -> list[tuple[int, int]]:
    """Return where it sounds, margins included; pauses that are too short count as sound."""
    found: list[tuple[int, int]] = []
    for at, energy in enumerate(loudest):
        if energy < AUDIBLE:
            continue
        begin, end = max(0, at - MARGIN), min(len(loudest), at + 1 + MARGIN)
        if found and begin - found[-1][1] < GAP:
            found[-1] = (found[-1][0], end)
        else:
            found.append((begin, end))
    return found


def _quietest(loudest: Sequence[float], begin: int, latest: int) -> int:
    """Return where a window from `begin` is best cut, in the second half of its room."""
    earliest = max(begin + LEAST, begin + (latest - begin) // 2)
    return min(range(earliest, max(latest, earliest) + 1), key=lambda at: (loudest[at - 1] + loudest[at], -at))


def timeline(
    words: Sequence[tuple[str, int | None]], durations: Sequence[int], planned: Sequence[Window]
) -> list[tuple[int, str]]:
    """Return what is written, in order, each with the frame at which it begins to sound; marks with their pause.

    A pause is apart from the word before it, so that the word has been heard when its sound is over.

    Args:
        words: What is written, with the token that begins its sound; None where it has none of its own.
        durations: Frames of each token.
        planned: The windows; at least one.

    Returns:
        At least one; the first begins where the first window does.
    """
    before = [0, *accumulate(durations)]
    found: list[tuple[int, str]] = []
    silent = ""  # in front of all that sounds
    for written, token in words:
        if token is not None:
            found.append((_sounding(before[token] - LEADS, planned), silent + written))
            silent = ""
        elif found:
            found[-1] = (found[-1][0], found[-1][1] + written)
        else:
            silent += written
    if silent or not found:
        found.append((planned[0].begin, silent))
    found[0] = (planned[0].begin, found[0][1])
    apart: list[tuple[int, str]] = []
    for (frame, text), (following, _) in pairwise((*found, (planned[-1].end, ""))):
        pauses = [window.end for window in planned if not window.joined[1] and frame < window.end <= following]
        marks = MARKS.search(text)
        if pauses and marks:
            apart += [(frame, text[: marks.start()]), (pauses[-1], marks.group())]
        else:
            apart.append((frame, text))
    return apart


def _sounding(frame: int, planned: Sequence[Window]) -> int:
    """Return where what should begin at `frame` is first heard: behind the pause that it falls into."""
    for window in planned[:-1]:
        if frame < window.end - (0 if window.joined[1] else SLACK):
            return max(frame, window.begin)
    return max(planned[-1].begin, min(frame, planned[-1].end - SLACK))
