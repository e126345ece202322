"""From a call's record to its figures. Pure: the same record gives the same figures.

What was played is judged by its samples: each that stands in the answer as it was made tells its own place there. So a
system is judged by what a caller heard of it, not by what it said of itself.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence

import msgspec
from attrs import frozen

from bench.bargein.canned import Canned, Run
from bench.bargein.line import RATE
from bench.bargein.record import Happened, Record
from bench.bargein.samples import Sample
from voxint.testing.sim.ledger import LedgerEntry

__all__ = ["Heard", "Rating", "Span", "heard_of", "holds_of", "rate"]

SILENT_MS = 100.0
"""Without sound from which on the answer counts as silent; ours: longer than a gap between late frames."""

ALIVE_MS = 1_000.0
"""Of the call's end in which an answer that goes on must sound; ours: longer than any pause between its sentences."""

NEW_MS = 250.0
"""Of the answer's beginning: where sound stands in that, a new answer begins; ours."""

FADE_MS = 12.0
"""Samples that may differ where sound goes on after a pause: it is faded in for 10 ms."""

CHUNK_MS = 80.0
"""Of speech in one piece of the upstream's (bench/bargein/upstream.py)."""


@frozen
class Span:
    """Of a call, in samples since it began.

    Args:
        first: The first sample.
        last: The sample after its last.
        what: What it was: of a hold, how it ended.
    """

    first: int
    last: int
    what: str = ""


@frozen
class Heard:
    """An answer's sound in a call: its runs, in order; `at` counts since the call began."""

    runs: tuple[Run, ...]

    @property
    def first(self) -> int:
        """Its first sample."""
        return self.runs[0].at

    @property
    def last(self) -> int:
        """The sample after its last."""
        return self.runs[-1].end


class Rating(msgspec.Struct, omit_defaults=True):
    """A call in figures; a Struct, because those of a whole run are kept, without what is not there.

    Times are milliseconds; None: there was nothing to measure.

    Args:
        sample: The name of its sample.
        kind: As of the sample, like the next three.
        language: What was spoken.
        voice: Who called.
        level_db: How loud the overlap was.
        failure: Why the call could not be rated; empty: it could.
        stopped: Whether the answer was over for good behind the overlap.
        held: Whether it paused, and went on.
        onset_to_pause_ms: From the overlap's first audible sample to the last that was played of the answer before it
            was silent first: it may go on behind that.
        onset_to_silence_ms: To the last that was played of an answer that was stopped.
        onset_to_hold_ms: To the hold, as the client reads it.
        onset_to_commit_ms: To the answer's end for good, as the client reads it.
        onset_to_close_ms: To the end of the last connection to an upstream that was open at the onset.
        resume_gap_ms: From each release to the next sound.
        lost: Samples of the answer that were left out over its pauses.
        twice: Samples that were said twice.
        held_ms: How long each hold was.
        held_tokens: Tokens that the model wrote while held.
        held_audio_ms: Speech that was made while held.
        endpoint_ms: From the last audible sample of the question to the end of the utterance decided.
        cut_off: Whether the question was ended before that; None: the system doesn't say, and no answer came before.
        voice_to_voice_ms: From the last audible sample of the question to the first sound of its answer.
        next_voice_ms: The same of an interruption and the next answer.
        outcome: What the system said became of the overlap.
        words: What it understood of it.
        speech_ms: The longest speech that a detector hears in the overlap.
        late_ms: How late the caller's microphone was at most.
    """

    sample: str
    kind: str
    language: str
    voice: str
    level_db: float
    failure: str = ""
    stopped: bool = False
    held: bool = False
    onset_to_pause_ms: float | None = None
    onset_to_silence_ms: float | None = None
    onset_to_hold_ms: float | None = None
    onset_to_commit_ms: float | None = None
    onset_to_close_ms: float | None = None
    resume_gap_ms: list[float] = msgspec.field(default_factory=list)
    lost: int = 0
    twice: int = 0
    held_ms: list[float] = msgspec.field(default_factory=list)
    held_tokens: int = 0
    held_audio_ms: float = 0.0
    endpoint_ms: float | None = None
    cut_off: bool | None = None
    voice_to_voice_ms: float | None = None
    next_voice_ms: float | None = None
    outcome: str = ""
    words: str = ""
    speech_ms: float = 0.0
    late_ms: float = 0.0


def rate(
    sample: Sample, record: Record, canned: Canned, ledger: Iterable[LedgerEntry] = (), speech_ms: float = 0.0
) -> Rating:
    """Return a call's figures.

    Args:
        sample: What was said in it.
        record: What is kept of it.
        canned: The answer.
        ledger: What the upstream saw of all calls.
        speech_ms: The longest speech that a detector hears in the overlap.
    """
    rating = Rating(
        sample.name, sample.kind, sample.language, sample.voice, sample.level_db, record.failure, late_ms=record.late_ms
    )
    rating.speech_ms = speech_ms
    answers = heard_of(record, canned)
    if not answers:
        rating.failure = rating.failure or "nothing of the answer was heard"
        return rating
    _rate_question(rating, record, answers)
    broke_off = rating.kind == "echo" and not rating.cut_off and _broke_off(record)
    if broke_off and record.overlap is None:
        rating.stopped = True
        return rating
    if record.overlap is None or rating.failure:
        rating.failure = rating.failure or "the overlap never came"
        return rating
    _rate_overlap(rating, record, answers, list(ledger))
    rating.stopped |= broke_off
    return rating


def _broke_off(record: Record) -> bool:
    """Return whether an answer was ended behind the question, before the time of the overlap: its echo alone was there.

    Who is stopped by that at once would never come to the time in which it is looked for.
    """
    until = len(record.output) // 2 if record.overlap is None else record.overlap[0]
    return any(each.what == "flushed" and record.question[1] <= each.at < until for each in record.happened)


def heard_of(record: Record, canned: Canned) -> list[Heard]:
    """Return the answers whose sound was played, in order: a new one begins where sound of the beginning comes."""
    stream = b"".join(record.output[2 * each.at : 2 * (each.at + each.count)] for each in record.sounded)
    begins, at = [], 0
    for each in record.sounded:
        begins.append(at)
        at += each.count
    answers: list[list[Run]] = []
    for run in canned.runs(stream):
        for part in _placed(run, record, begins):
            last = answers[-1][-1] if answers else None
            if last is None or (part.position < min(NEW_MS * RATE / 1000, last.position + last.count)):
                answers.append([])
            answers[-1].append(part)
    return [Heard(tuple(runs)) for runs in answers]


def _placed(run: Run, record: Record, begins: Sequence[int]) -> list[Run]:
    """Return a run of the sounded samples alone as runs of the call, silence between them."""
    parts = []
    at, position, left = run.at, run.position, run.count
    while left > 0:
        place = bisect_right(begins, at) - 1
        sounded = record.sounded[place]
        inside = at - begins[place]
        count = min(left, sounded.count - inside)
        parts.append(Run(sounded.at + inside, position, count))
        at, position, left = at + count, position + count, left - count
    return parts


def _ms(samples: int) -> float:
    return round(samples * 1000 / RATE, 1)


def _rate_question(rating: Rating, record: Record, answers: Sequence[Heard]) -> None:
    end = record.question[1]
    decided = next((each for each in record.happened if each.what == "endpoint"), None)
    first = answers[0].first
    if decided is not None:
        at = decided.at if decided.at_ms is None else int(decided.at_ms * RATE / 1000)
        rating.cut_off = at < end
        if at >= end:
            rating.endpoint_ms = _ms(at - end)
    elif first < end:
        rating.cut_off = True
    if first >= end:
        rating.voice_to_voice_ms = _ms(first - end)


def _rate_overlap(rating: Rating, record: Record, answers: Sequence[Heard], ledger: Sequence[LedgerEntry]) -> None:
    assert record.overlap is not None
    onset, end = record.overlap
    over = len(record.output) // 2
    before = [answer for answer in answers if answer.first <= onset]
    if not before:
        rating.failure = "the overlap came before the answer"
        return
    old, new = before[-1], [answer for answer in answers if answer.first > onset]
    rating.stopped = bool(new) or old.last < over - ALIVE_MS * RATE / 1000
    rating.onset_to_pause_ms = _pause(old, onset, over)
    if rating.stopped:
        rating.onset_to_silence_ms = _ms(max(0, old.last - onset))
    later = [each for each in record.happened if each.at >= onset]
    rating.onset_to_hold_ms = _first(later, "paused", onset)
    rating.onset_to_commit_ms = _first(later, "flushed", onset)
    rating.outcome = next((each.detail for each in later if each.what == "endpoint"), "")
    rating.words = next((each.detail for each in reversed(later) if each.what in ("final", "transcribed")), "")
    if new:
        rating.next_voice_ms = _ms(new[0].first - end)
    holds = holds_of(record.happened, over)
    rating.held_ms = [_ms(hold.last - hold.first) for hold in holds]
    rating.held = any(hold.what == "resumed" for hold in holds)
    for hold in holds:
        goes_on = [run.at for run in old.runs if run.end > hold.last]
        if hold.what == "resumed" and goes_on:
            rating.resume_gap_ms.append(_ms(max(0, goes_on[0] - hold.last)))
    rating.lost, rating.twice = _gaps(old)
    _rate_upstreams(rating, record, holds, ledger)


def _pause(old: Heard, onset: int, over: int) -> float | None:
    """Return how long after the onset the answer sounded before it was silent first; None: it never was."""
    last = onset
    for run in old.runs:
        if run.end <= onset:
            continue
        if run.at - last > SILENT_MS * RATE / 1000:
            return _ms(last - onset)
        last = run.end
    return _ms(last - onset) if over - last > SILENT_MS * RATE / 1000 else None


def _first(happened: Iterable[Happened], what: str, onset: int) -> float | None:
    return next((_ms(each.at - onset) for each in happened if each.what == what), None)


def holds_of(happened: Iterable[Happened], over: int) -> list[Span]:
    """Return the holds of a call that lasts until `over`: what ended each of them, or that nothing did."""
    holds: list[Span] = []
    began: int | None = None
    for each in happened:
        if each.what == "paused" and began is None:
            began = each.at
        elif each.what in ("resumed", "flushed") and began is not None:
            holds.append(Span(began, each.at, each.what))
            began = None
    return holds if began is None else [*holds, Span(began, over, "for ever")]


def _gaps(answer: Heard) -> tuple[int, int]:
    """Return how many samples of an answer were left out, and how many said twice; a fade is neither."""
    lost = twice = 0
    fade = FADE_MS * RATE / 1000
    for before, after in zip(answer.runs, answer.runs[1:], strict=False):
        missing = after.position - (before.position + before.count)
        if missing < 0:
            twice -= missing
        elif missing > min(fade, after.at - before.end):  # what was sounded between may be the same, faded in
            lost += missing
    return lost, twice


def _rate_upstreams(rating: Rating, record: Record, holds: Sequence[Span], ledger: Iterable[LedgerEntry]) -> None:
    assert record.overlap is not None
    ends = []
    for entry in ledger:
        stamps = [int((stamp - record.began) * RATE) for stamp in entry.generated_at]
        made = sum(hold.first < stamp <= hold.last for hold in holds for stamp in stamps)
        if "chat" in entry.endpoint:
            rating.held_tokens += made
        elif "speech" in entry.endpoint:
            rating.held_audio_ms += made * CHUNK_MS
        if entry.t_disconnect_seen is not None:
            begun, ended = ((at - record.began) * RATE for at in (entry.t_received, entry.t_disconnect_seen))
            if begun <= record.overlap[0] <= ended <= len(record.output) // 2:
                ends.append(_ms(int(ended) - record.overlap[0]))
    rating.onset_to_close_ms = max(ends, default=None)
