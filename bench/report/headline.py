"""What stands on top of the page: the run in three sentences and a few numbers."""

from __future__ import annotations

from attrs import frozen

from bench.report.names import FLOORS, SUBJECT, number, target_name
from bench.report.summary import Case, Row, Summary
from bench.results import Results

__all__ = ["Headline", "Tile", "headline_of"]


@frozen
class Tile:
    """One number, its unit, and what it is."""

    value: str
    unit: str
    label: str


@frozen
class Headline:
    """The first sentence, those below it, and the numbers."""

    title: str
    sentences: tuple[str, ...] = ()
    tiles: tuple[Tile, ...] = ()


def _subject_cases(summary: Summary) -> list[tuple[Case, Row]]:
    """Return the cases in which voxint was interrupted, mid-stream first."""
    cases = [*summary.of("streaming"), *(case for case in summary.cases if case.scenario != "streaming")]
    rows = [(case, case.row(SUBJECT)) for case in cases]
    return [(case, row) for case, row in rows if row is not None and "ack_ms" in row.figures]


def headline_of(summary: Summary, results: Results) -> Headline:
    """Return what stands on top, from whatever part of a run there is; times in it are medians."""
    rows = _subject_cases(summary)
    if not rows:
        return Headline(_without_subject(summary))
    case, row = rows[0]
    ack = row.figures["ack_ms"]
    if row.counts:
        title = f"{SUBJECT} stops everything and confirms it in {number(ack.p50)}\N{NO-BREAK SPACE}ms"
    else:
        title = f"{SUBJECT} confirms an interrupt before it has stopped: its figures do not count"
    sentences = [_compared(case) if row.counts else "", _unproven(case)]
    busy, crowded = [pair for pair in rows if pair[0].scenario == case.scenario][-1]
    if busy is not case:
        crowd = crowded.figures["ack_ms"]
        needs = f"{SUBJECT} needs {number(crowd.p50)} ms (p99 {crowd.tail} ms)"
        sentences.append(f"With {busy.sessions} sessions {needs}. {_compared(busy)}".strip())
    return Headline(title, tuple(filter(None, sentences)), tuple(_tiles(rows, results)))


def _without_subject(summary: Summary) -> str:
    there = list(
        dict.fromkeys(
            row.target for case in summary.cases for row in case.rows if row.figures or any(row.totals.values())
        )
    )
    return f"A run of {_listed([target_name(name) for name in there])}" if there else "A run that measured nothing"


def _listed(words: list[str]) -> str:
    return f"{', '.join(words[:-1])} and {words[-1]}" if len(words) > 1 else "".join(words)


def _compared(case: Case) -> str:
    """Say how long the others take; only of those whose acknowledgement means something."""
    ratios = [(row.to_subject("ack_ms"), row) for row in case.rows if row.counts and row.target != SUBJECT]
    times = sorted((ratio[0], target_name(row.target)) for ratio, row in ratios if ratio is not None)
    if not times:
        return ""
    (ratio, name), *others = times
    said = [f"{name} takes {number(ratio)}", *(f"{name} {number(ratio)}" for ratio, name in others)]
    return f"Beside it, {_listed(said)} times as long."


def _unproven(case: Case) -> str:
    """Name those who acknowledged before they had stopped."""
    names = [target_name(row.target) for row in case.rows if not row.counts and row.target not in (SUBJECT, *FLOORS)]
    if not names:
        return ""
    verb = "acknowledges" if len(names) == 1 else "acknowledge"
    whose = "its" if len(names) == 1 else "their"
    return f"{_listed(names)} {verb} before {whose} work has stopped, which does not count."


def _tiles(rows: list[tuple[Case, Row]], results: Results) -> list[Tile]:
    case, row = rows[0]
    ack = row.figures["ack_ms"]
    sessions = f"{case.sessions} session{'' if case.sessions == 1 else 's'}"
    tiles = [Tile(f"{number(ack.p50)} / {ack.tail}", "ms", f"interrupt to acknowledgement, p50 / p99, {sessions}")]
    floor = row.to_floor("ack_ms")
    if floor is not None:
        tiles.append(Tile(number(floor[0]), "×", "a bare echo on the same machine, p50"))
    closed = row.figures.get("llm_close_ms")
    if closed is not None:
        tiles.append(Tile(f"{number(closed.p50)} / {closed.tail}", "ms", "until the model's upstream saw the end"))
    if any("leak_after_ack" in other.totals for _, other in rows):
        leaks = sum(other.totals.get("leak_after_ack", 0) for _, other in rows)
        interrupts = sum(other.totals.get("interrupts", 0) for _, other in rows)
        tiles.append(Tile(f"{leaks:,.0f}", "frames", f"after the acknowledgement, in {interrupts:,.0f} interrupts"))
    cores = results.capacity.get("sessions_per_core", {}).get(SUBJECT)
    if cores is not None:
        tiles.append(Tile(f"{cores:,.0f}", "sessions", "speaking at once on one core"))
    return tiles
