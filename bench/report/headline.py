"""What stands on top of the page: the run in three sentences and a few numbers."""

from __future__ import annotations

from attrs import frozen

from bench.report.names import FLOORS, SUBJECT, in_sessions, number, target_name
from bench.report.summary import MeasuredCase, Row, Summary, held
from bench.schema import Results

__all__ = ["Headline", "Tile", "headline_of"]

NBSP = "\N{NO-BREAK SPACE}"


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


def _subject_cases(summary: Summary) -> list[tuple[MeasuredCase, Row]]:
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
    doubt = _doubt(row)
    title = f"{SUBJECT} {doubt or f'stops everything and confirms it in {number(ack.p50)}{NBSP}ms'}"
    sentences = [_compared(case, row), *_left_out(case)]
    busy, crowded = [pair for pair in rows if pair[0].scenario == case.scenario][-1]
    if busy is not case:
        crowd = crowded.figures["ack_ms"]
        needs = _doubt(crowded) or f"needs {number(crowd.p50)} ms (p99 {crowd.tail} ms)"
        sentences.append(f"With {in_sessions(busy.sessions)} {SUBJECT} {needs}. {_compared(busy, crowded)}".strip())
        sentences.extend(sentence for sentence in _left_out(busy) if sentence not in sentences)
    return Headline(title, tuple(filter(None, sentences)), tuple(_tiles(rows, summary, results)))


def _doubt(row: Row) -> str:
    """Return why voxint's own figures may not be boasted of, or nothing; the same for few sessions and many."""
    if row.early:
        return "confirms an interrupt before it has stopped: its figures do not count"
    if not row.counts:
        return "goes on after it has confirmed an interrupt: its figures do not count"
    return "was measured with a problem: its figures are not compared" if row.problems else ""


def _without_subject(summary: Summary) -> str:
    there = list(
        dict.fromkeys(
            row.target for case in summary.cases for row in case.rows if row.figures or any(row.totals.values())
        )
    )
    return f"A run of {_listed([target_name(name) for name in there])}" if there else "A run that measured nothing"


def _listed(words: list[str]) -> str:
    return f"{', '.join(words[:-1])} and {words[-1]}" if len(words) > 1 else "".join(words)


def _compared(case: MeasuredCase, subject: Row) -> str:
    """Say how long the others take; only of those whose acknowledgement means something, if voxint's does."""
    if not subject.compared:
        return ""
    ratios = [(row.to_subject("ack_ms"), row) for row in case.rows if row.compared and row.target != SUBJECT]
    times = sorted((ratio[0], target_name(row.target)) for ratio, row in ratios if ratio is not None)
    if not times:
        return ""
    (ratio, name), *others = times
    said = [f"{name} takes {number(ratio)}", *(f"{name} {number(ratio)}" for ratio, name in others)]
    return f"Beside it, {_listed(said)} times as long."


def _left_out(case: MeasuredCase) -> list[str]:
    """Name those who are not in the comparison, a sentence for each reason."""
    others = [row for row in case.rows if row.target != SUBJECT and row.target not in FLOORS]
    early = [row.target for row in others if row.early]
    leaking = [row.target for row in others if not row.early and not row.counts]
    doubted = [row.target for row in others if row.counts and row.problems]
    return [
        _of(
            early,
            "acknowledges before its work has",
            "acknowledge before their work has",
            "stopped, which does not count.",
        ),
        _of(leaking, "sends", "send", "more of a turn after its acknowledgement, which does not count."),
        _of(doubted, "was", "were", "measured with a problem, and left out."),
    ]


def _of(targets: list[str], one: str, several: str, rest: str) -> str:
    if not targets:
        return ""
    names = _listed([target_name(name) for name in targets])
    return f"{names} {one if len(targets) == 1 else several} {rest}"


def _tiles(rows: list[tuple[MeasuredCase, Row]], summary: Summary, results: Results) -> list[Tile]:
    case, row = rows[0]
    ack = row.figures["ack_ms"]
    what = f"interrupt to acknowledgement, p50 / p99, {in_sessions(case.sessions)}"
    tiles = [Tile(f"{number(ack.p50)} / {ack.tail}", "ms", what)]
    floor = row.to_floor("ack_ms")
    if floor is not None:
        tiles.append(Tile(number(floor[0]), "×", "a bare echo on the same machine, p50"))
    closed = row.figures.get("llm_close_ms")
    if closed is not None:
        tiles.append(Tile(f"{number(closed.p50)} / {closed.tail}", "ms", "until the model's upstream saw the end"))
    # the steps of the ramps as well: a leak is one wherever it is met
    everywhere = [met for each in (*summary.cases, *summary.steps) if (met := each.row(SUBJECT)) is not None]
    if any("leak_after_ack" in met.totals for met in everywhere):
        leaks = sum(met.totals.get("leak_after_ack", 0) for met in everywhere)
        interrupts = sum(met.totals.get("interrupts", 0) for met in everywhere)
        tiles.append(Tile(f"{leaks:,.0f}", "frames", f"after the acknowledgement, in {interrupts:,.0f} interrupts"))
    cores = next((it for it in held(results, summary, "sessions_per_core") if it.target == SUBJECT), None)
    if cores is not None and cores.counts:
        tiles.append(Tile(cores.text, "sessions", "speaking at once on one core"))
    return tiles
