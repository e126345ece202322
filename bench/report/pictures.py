"""Which pictures a run gets, each in a card with its heading."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from bench.report.names import CAPACITY, case_name, in_sessions
from bench.report.plots.bars import Bar, bars
from bench.report.plots.ecdf import ecdf
from bench.report.plots.lines import lines
from bench.report.plots.waterfall import waterfall
from bench.report.summary import MeasuredCase, Summary, held
from bench.schema import Results, Slot, Waterfall

__all__ = ["capacity_cards", "cost_cards", "ecdf_cards", "waste_cards", "waterfall_cards", "waterfall_picture"]

WIDE, NARROW = 1020, 420
"""The waterfall is drawn twice, for a desk and for a phone; the page shows one of them."""

COST = "cpu_s_per_speech_min"


def _card(title: str, *pictures: str, css: str = "") -> str:
    shown = "".join(pictures)
    return f'<figure class="card {css}"><h3>{escape(title)}</h3>{shown}</figure>' if shown else ""


def _waterfalls(results: Results, case: str) -> dict[str, Waterfall]:
    """Return each target's interrupt of middling length, of the rounds that were traced."""
    traced: dict[str, list[Waterfall]] = {}
    for slot in results.slots:
        if slot.case == case and slot.waterfall is not None:
            traced.setdefault(slot.target, []).append(slot.waterfall)
    middle = {
        target: sorted(traced[target], key=lambda one: one.acknowledged or 0)[len(traced[target]) // 2]
        for target in results.targets
        if target in traced
    }
    return middle


def _traced(results: Results) -> Slot | None:
    """Return a slot of the first case that was traced, mid-stream before others."""
    traced = sorted(
        (slot for slot in results.slots if slot.waterfall is not None),
        key=lambda slot: (slot.scenario != "streaming", slot.sessions),
    )
    return traced[0] if traced else None


def waterfall_picture(results: Results, *, width: int = WIDE, name: str = "waterfall") -> str:
    """Return one interrupt of the first case that was traced, to scale; nothing where none was.

    Args:
        results: A run.
        width: In pixels.
        name: Of the picture, as `picture` wants it.
    """
    first = _traced(results)
    if first is None:
        return ""
    lanes = _waterfalls(results, first.case)
    return waterfall(name, f"{first.case}: one interrupt of each of {', '.join(lanes)}, to scale", lanes, width=width)


def waterfall_cards(results: Results) -> list[str]:
    """Return one interrupt of the first case that was traced, for a desk and for a phone."""
    first = _traced(results)
    if first is None:
        return []
    title = case_name(first.scenario, first.sessions)
    wide = waterfall_picture(results, width=WIDE, name="waterfall-wide")
    narrow = waterfall_picture(results, width=NARROW, name="waterfall-narrow")
    return [_card(title, wide, css="wide"), _card(title, narrow, css="narrow")]


def ecdf_cards(summary: Summary) -> list[str]:
    """Return the distributions of every case in which anything was acknowledged, mid-stream first."""
    chosen = sorted(summary.cases, key=lambda case: case.scenario != "streaming")
    interrupted = [case for case in chosen if any("ack_ms" in row.figures for row in case.rows)]
    return [_card(case_name(case.scenario, case.sessions), ecdf(case)) for case in interrupted or chosen[:1]]


def _waste(case: MeasuredCase) -> str:
    measured = [(row, row.figures["wasted_tokens"]) for row in case.rows if "wasted_tokens" in row.figures]
    values = [Bar(row.target, figure.mean, figure.p99, row.counts) for row, figure in measured]
    about = f"{case.name}: tokens after the interrupt, mean and p99, {', '.join(bar.target for bar in values)}"
    return bars(f"waste-{case.name}", about, "mean / p99", values)


def waste_cards(summary: Summary) -> list[str]:
    """Return the tokens wasted in mid-stream, for each number of sessions."""
    cases = summary.of("streaming") or [case for case in summary.cases if case.scenario != "next"]
    return [_card(case_name(case.scenario, case.sessions), _waste(case)) for case in cases]


def cost_cards(summary: Summary, results: Results) -> list[str]:
    """Return CPU against sessions, and per minute of speech."""
    steady = summary.of("steady")
    series: dict[str, list[tuple[int, float]]] = {}
    for target in results.targets:
        rows = [(case.sessions, row) for case in steady if (row := case.row(target)) is not None]
        series[target] = [(sessions, row.totals["cpu_share"]) for sessions, row in rows if "cpu_share" in row.totals]
    return [_load_card(series), _cost_card(steady)]


def _load_card(series: Mapping[str, Sequence[tuple[int, float]]]) -> str:
    """Return CPU against sessions; one number of sessions makes no line, but bars."""
    drawn = {target: points for target, points in series.items() if points}
    across = {sessions for points in drawn.values() for sessions, _ in points}
    about = f"CPU against sessions: {', '.join(drawn)}"
    if len(across) > 1:
        return _card("CPU against sessions speaking", lines("cpu", about, "cores", drawn))
    values = [Bar(target, points[0][1]) for target, points in drawn.items()]
    title = f"CPU with {in_sessions(next(iter(across), 0))} speaking"
    return _card(title, bars("cpu", about, "cores", values))


def _cost_card(steady: Sequence[MeasuredCase]) -> str:
    """Return CPU per minute of speech with many sessions: with one it is mostly what a server costs that is idle."""
    spoken = [(case, [row for row in case.rows if COST in row.totals]) for case in steady]
    half = len({row.target for _, rows in spoken for row in rows}) / 2
    busiest = next(((case, rows) for case, rows in reversed(spoken) if len(rows) > half), None)
    if busiest is None:
        return ""
    case, rows = busiest
    values = [Bar(row.target, row.totals[COST]) for row in rows]
    about = f"{case.name}: CPU seconds per minute of speech: {', '.join(row.target for row in rows)}"
    title = f"CPU per minute of speech, {case.name}: {in_sessions(case.sessions)}"
    return _card(title, bars("cost", about, "CPU s", values))


def capacity_cards(summary: Summary, results: Results) -> list[str]:
    """Return how much fits, a picture for each kind of session."""
    cards = []
    for figure in results.capacity:
        found = held(results, summary, figure)
        values = [Bar(it.target, it.sessions, counts=it.counts, text=it.text.removesuffix(" *")) for it in found]
        title = CAPACITY.get(figure, figure.replace("_", " "))
        cards.append(_card(title, bars(f"capacity-{figure.replace('_', '-')}", title, "sessions", values)))
    return cards
