"""One call to scale: what of its record a picture shows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from bench.bargein.canned import Canned
from bench.bargein.figures import Mark, Timeline
from bench.bargein.line import RATE
from bench.bargein.rating import Heard, Rating, heard_of, holds_of
from bench.bargein.record import Record
from bench.bargein.samples import Sample, Stretch
from voxint.testing.sim.ledger import LedgerEntry

__all__ = ["AFTER_MS", "BEFORE_MS", "timeline_of", "typical"]

BEFORE_MS, AFTER_MS = 600.0, 4_000.0
"""Of the call around the onset; ours: a pause before it, and the next answer behind it."""

APART_MS = 60.0
"""Without sound from which on a stretch is two; ours: what can be seen at that scale."""

LABELS = {"resumed": "released", "flushed": "committed", "endpoint": "end of turn"}

Span = tuple[float, float]


def typical(ratings: Iterable[Rating], value: Callable[[Rating], float | None]) -> str | None:
    """Return the name of the sample whose value is the median; None where none has one."""
    valued = sorted((ms, each.sample) for each in ratings if not each.failure and (ms := value(each)) is not None)
    return valued[len(valued) // 2][1] if valued else None


def timeline_of(
    sample: Sample, record: Record, canned: Canned, ledger: Iterable[LedgerEntry], title: str
) -> Timeline | None:
    """Return a call's timeline; None where nothing came into its answer."""
    if record.overlap is None or sample.overlap is None:
        return None
    onset = record.overlap[0]
    over = len(record.output) // 2

    def ms(at: float) -> float:
        return round((at - onset) * 1000 / RATE, 1)

    answers = heard_of(record, canned)
    old, new = ([each for each in answers if (each.first > onset) is later] for later in (False, True))
    begins = onset - sample.overlap.stretch.onset
    speech = [(ms(begins + first), ms(begins + last)) for first, last in _audible(sample.overlap.stretch)]
    marks = [
        Mark(ms(each.at), LABELS[each.what]) for each in record.happened if each.what in LABELS and each.at >= onset
    ]
    closed = [
        Mark(ms(at), "model closed" if "chat" in entry.endpoint else "voice closed")
        for entry in ledger
        if entry.t_disconnect_seen is not None
        and onset <= (at := (entry.t_disconnect_seen - record.began) * RATE) <= over
        and entry.t_received >= record.began
    ]
    return Timeline(
        title=title,
        speech=_within(speech),
        sound=_within(_sound(old, ms)),
        again=_within(_sound(new, ms)),
        held=_within([(ms(hold.first), ms(hold.last)) for hold in holds_of(record.happened, over)]),
        marks=sorted(
            (mark for mark in (*marks, *closed) if -BEFORE_MS <= mark.at_ms <= AFTER_MS), key=lambda mark: mark.at_ms
        ),
    )


def _sound(answers: Sequence[Heard], ms: Callable[[float], float]) -> list[Span]:
    return _joined([(ms(run.at), ms(run.end)) for answer in answers for run in answer.runs])


def _audible(stretch: Stretch) -> list[Span]:
    """Return where a sound is audible, in samples."""
    loud = np.abs(np.frombuffer(stretch.pcm, dtype="<i2").astype(np.int32))
    at = np.flatnonzero(loud > 0.03 * loud.max())
    breaks = np.flatnonzero(np.diff(at) > APART_MS * RATE / 1000)
    firsts, lasts = [int(at[0]), *at[breaks + 1].tolist()], [*at[breaks].tolist(), int(at[-1])]
    return list(zip(firsts, lasts, strict=True))


def _joined(spans: Iterable[Span]) -> list[Span]:
    joined: list[Span] = []
    for first, last in spans:
        if joined and first - joined[-1][1] < APART_MS:
            joined[-1] = (joined[-1][0], last)
        else:
            joined.append((first, last))
    return joined


def _within(spans: Iterable[Span]) -> list[Span]:
    return [
        (max(first, -BEFORE_MS), min(last, AFTER_MS)) for first, last in spans if last > -BEFORE_MS and first < AFTER_MS
    ]
