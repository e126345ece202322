"""Figures of many calls: rates with their counts, times by percentiles, and the curve of a threshold. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import msgspec
from attrs import frozen

from bench.bargein.rating import Rating
from bench.bargein.samples import FALSE, KINDS
from bench.schema import Machine
from voxint.core.ears.barge_in import BargeIn, Overlap, judge
from voxint.measure.distribution import Distribution

__all__ = [
    "THRESHOLDS_MS",
    "Curve",
    "Figures",
    "Kept",
    "Mark",
    "Rate",
    "SystemInfo",
    "Timeline",
    "Times",
    "curves",
    "figures_of",
    "spread_of",
]

THRESHOLDS_MS = (32, 64, 96, 128, 160, 200, 250, 300, 350, 400, 450, 500, 600, 700, 800, 1000, 1200, 1500)
"""Of the curve; ours: from one window of the detector's to longer than most of what interrupts."""


@frozen
class Rate:
    """So many of so many."""

    count: int
    of: int

    @property
    def share(self) -> float | None:
        """The share; None of nothing."""
        return self.count / self.of if self.of else None


@frozen
class Times:
    """Milliseconds of so many."""

    count: int
    p50: float
    p95: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Times | None:
        """Return the percentiles of these; None where there are none."""
        if not values:
            return None
        measured = Distribution.of(values)
        return cls(len(values), measured.percentile(50), measured.percentile(95), measured.maximum)


@frozen
class Figures:
    """A system's, as docs and measuring call them.

    Args:
        calls: How many were rated, and of how many.
        false_stop: Answers ended for good by what must not.
        missed: Interruptions that did not end the answer.
        stopped: By kind, answers that were ended for good.
        cut_off: Questions that were ended before they were.
        times: By name.
        lost: Samples left out over pauses, of all answers.
        twice: Samples said twice.
        held_tokens: The most that the model wrote over one call's holds.
        held_audio_ms: The most speech that was made over one call's holds.
    """

    calls: Rate
    false_stop: Rate
    missed: Rate
    stopped: dict[str, Rate]
    cut_off: Rate
    times: dict[str, Times]
    lost: int
    twice: int
    held_tokens: int
    held_audio_ms: float


@frozen
class SystemInfo:
    """A system of a run.

    Args:
        notes: How it is used.
        versions: Of its packages.
        missing: Why it was not measured; empty: it was.
    """

    notes: str
    versions: dict[str, str]
    missing: str = ""


@frozen
class Mark:
    """An instant of a timeline."""

    at_ms: float
    label: str


@frozen
class Timeline:
    """One call to scale, in milliseconds after the overlap's first audible sample.

    Args:
        title: What it shows.
        speech: Where the caller, or what else came in, is audible.
        sound: Where the answer sounds.
        again: Where the next answer sounds.
        held: Where the answer is held.
        marks: What was said or closed, and when.
    """

    title: str
    speech: list[tuple[float, float]]
    sound: list[tuple[float, float]]
    again: list[tuple[float, float]]
    held: list[tuple[float, float]]
    marks: list[Mark]


class Kept(msgspec.Struct, omit_defaults=True):
    """A run as it is kept.

    Args:
        began: In ISO 8601.
        commit: Of what.
        machine: On what.
        seed: Of the set.
        samples: Of each language.
        languages: In which.
        systems: By name.
        ratings: By system.
        timelines: By system.
    """

    began: str
    commit: str
    machine: Machine
    seed: int
    samples: int
    languages: list[str]
    systems: dict[str, SystemInfo] = msgspec.field(default_factory=dict)
    ratings: dict[str, list[Rating]] = msgspec.field(default_factory=dict)
    timelines: dict[str, list[Timeline]] = msgspec.field(default_factory=dict)


def figures_of(ratings: Iterable[Rating]) -> Figures:
    """Return the figures of some calls; those that failed are counted, and left out."""
    every = list(ratings)
    rated = [each for each in every if not each.failure]
    meant = [each for each in rated if each.kind == "interruption"]
    false = [each for each in rated if each.kind in FALSE]
    asked = [each for each in rated if each.cut_off is not None]
    values: dict[str, list[float | None]] = {
        "onset_to_pause_ms": [each.onset_to_pause_ms for each in meant],
        "onset_to_silence_ms": [each.onset_to_silence_ms for each in meant],
        "onset_to_hold_ms": [each.onset_to_hold_ms for each in meant],
        "onset_to_commit_ms": [each.onset_to_commit_ms for each in meant if each.stopped],
        "onset_to_close_ms": [each.onset_to_close_ms for each in meant if each.stopped],
        "false_hold_ms": [ms for each in false if not each.stopped for ms in each.held_ms],
        "resume_gap_ms": [ms for each in rated for ms in each.resume_gap_ms],
        "endpoint_ms": [each.endpoint_ms for each in rated],
        "voice_to_voice_ms": [each.voice_to_voice_ms for each in rated if not each.cut_off],
        "next_voice_ms": [each.next_voice_ms for each in meant],
    }
    told = {name: Times.of([ms for ms in found if ms is not None]) for name, found in values.items()}
    return Figures(
        calls=Rate(len(rated), len(every)),
        false_stop=_rate(false, lambda each: each.stopped),
        missed=_rate(meant, lambda each: not each.stopped),
        stopped={
            kind: _rate(some, lambda each: each.stopped)
            for kind in KINDS
            if (some := [each for each in rated if each.kind == kind])
        },
        cut_off=_rate(asked, lambda each: bool(each.cut_off)),
        times={name: times for name, times in told.items() if times is not None},
        lost=sum(each.lost for each in rated),
        twice=sum(each.twice for each in rated),
        held_tokens=max((each.held_tokens for each in rated), default=0),
        held_audio_ms=max((each.held_audio_ms for each in rated), default=0.0),
    )


def spread_of(ratings: Iterable[Rating], by: Callable[[Rating], str]) -> dict[str, Figures]:
    """Return the figures of calls apart, such as by level or by language, in the order of their names."""
    groups: dict[str, list[Rating]] = {}
    for each in ratings:
        groups.setdefault(by(each), []).append(each)
    return {name: figures_of(groups[name]) for name in sorted(groups)}


def _rate(ratings: Sequence[Rating], counts: Callable[[Rating], bool]) -> Rate:
    return Rate(sum(map(counts, ratings)), len(ratings))


@frozen
class Curve:
    """False stops and misses as a threshold moves.

    Args:
        name: Of the rule.
        points: The threshold in milliseconds, false stops, misses; the last two as shares.
    """

    name: str
    points: list[tuple[float, float, float]]


def curves(ratings: Iterable[Rating]) -> list[Curve]:
    """Return the curves of two rules over the same calls: what would have ended the answer, had the threshold been it.

    *Speech alone*: what the detector takes for speech for so long. *Speech and words*: voxint's own decision, by what
    was understood in the call, where that much speech is wanted beside the words. An echo counts there as it did in the
    call: the guard against it works before that decision.

    Args:
        ratings: Calls with a system that tells its words.
    """
    rated = [each for each in ratings if not each.failure and each.kind in (*FALSE, "interruption")]
    rules: dict[str, Callable[[Rating, float], bool]] = {"speech alone": _alone, "speech and words": _with_words}
    return [Curve(name, points) for name, rule in rules.items() if (points := _points(rated, rule))]


def _alone(rating: Rating, threshold_ms: float) -> bool:
    return rating.speech_ms >= threshold_ms


def _with_words(rating: Rating, threshold_ms: float) -> bool:
    if rating.kind == "echo":
        return rating.stopped
    sure_ms = BargeIn().sure_ms - BargeIn().min_speech_ms + threshold_ms
    rules = BargeIn(min_speech_ms=threshold_ms, sure_ms=sure_ms)
    heard = Overlap(speech_ms=rating.speech_ms, text=rating.words)
    return judge(rules, heard) == "commit"


def _points(rated: Sequence[Rating], rule: Callable[[Rating, float], bool]) -> list[tuple[float, float, float]]:
    false = [each for each in rated if each.kind in FALSE]
    meant = [each for each in rated if each.kind == "interruption"]
    if not false or not meant:
        return []
    return [
        (
            threshold,
            sum(rule(each, threshold) for each in false) / len(false),
            sum(not rule(each, threshold) for each in meant) / len(meant),
        )
        for threshold in map(float, THRESHOLDS_MS)
    ]
