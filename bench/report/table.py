"""The report in the terminal: a table for each case, then who is missing and why, then where it ran."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bench.report.names import (
    AVERAGED,
    CAPACITY,
    CAPACITY_KEY,
    TOTALS,
    case_name,
    columns_of,
    figure_name,
    machine_line,
    number,
    target_name,
    totals_of,
)
from bench.report.summary import EARLY_MS, Figure, MeasuredCase, Row, Summary, held, summarize
from bench.schema import Results
from voxint.printable import printable_lines

__all__ = ["print_tables"]

WIDTH = 120

LEGEND: dict[str, str] = {
    "early ack": f"a connection to an upstream ended over {EARLY_MS:.0f} ms after the acknowledgement: "
    "the row does not count",
    "late stamp": f"some upstreams, not most, saw their end over {EARLY_MS:.0f} ms after the acknowledgement, "
    "or looked so late",
    "unproven": "no upstream saw the end of a connection: whether it had stopped when it said so, nobody can tell",
    "leak": "frames of the old turn that came after the acknowledgement: the row does not count",
    "unanswered": "interrupts without an acknowledgement",
    "failed": "turns that failed",
    "% speaking": "only so many interrupts met an answer that had begun: the target was slower than the plan",
    "problem": "said below the table",
    "~": "too few values for this percentile",
}


def _text(words: str, style: str = "") -> Text:
    """Return words of a results file as they are: neither markup nor controls of a terminal."""
    return Text(printable_lines(words), style)


def _cell(figure: Figure | None) -> str:
    if figure is None:
        return "–"
    middle = figure.mean if figure.name in AVERAGED else figure.p50
    return f"{number(middle)}/{figure.tail}"


def _ratio(row: Row) -> str:
    ratio = row.latency and row.to_floor(row.latency.name)
    return "/".join(number(part) for part in ratio) if ratio else "–"


def _row_of(row: Row, figures: tuple[str, ...], totals: tuple[str, ...]) -> list[Text]:
    cells = [target_name(row.target)]
    for name in figures:
        # who only echoes has its echo in the place of the acknowledgement
        cells.append(_cell(row.latency if name == "ack_ms" else row.figures.get(name)))
    cells.append(_ratio(row))
    cells.extend(number(row.totals[name]) if name in row.totals else "–" for name in totals)
    cells.append("\n".join(row.marks))
    style = "" if row.counts else "dim italic"
    return [_text(cell, style) for cell in cells]


def _table(case: MeasuredCase) -> Table:
    measured = [name for row in case.rows for name in row.figures]
    figures = columns_of(case.scenario, measured) or ("ack_ms",)
    totals = tuple(name for name in totals_of(case.scenario) if any(name in row.totals for row in case.rows))
    rounds = max(row.rounds for row in case.rows)
    parts = [case.name, f"{rounds} round{'' if rounds == 1 else 's'}"]
    if interrupts := max(row.totals.get("interrupts", 0) for row in case.rows):
        parts.append(f"up to {interrupts:,.0f} interrupts each")
    title = f"{case_name(case.scenario, case.sessions)}  ·  {', '.join(parts)}"
    table = Table(
        title=_text(title),
        title_justify="left",
        title_style="bold",
        box=SIMPLE_HEAD,
        pad_edge=False,
        padding=(0, 1, 0, 0),
    )
    table.add_column("target", no_wrap=True)
    for name in figures:
        unit = " ms" if name.endswith("_ms") else ""
        shown = "mean/p99" if name in AVERAGED else "p50/p99"
        table.add_column(_text(f"{figure_name(name)}\n{shown}{unit}"), justify="right", no_wrap=True)
    table.add_column("× floor\np50/p99", justify="right", no_wrap=True)
    for name in totals:
        table.add_column(TOTALS[name].replace(" / ", " /\n"), no_wrap=True, justify="right")
    table.add_column("marks", no_wrap=True)
    for row in case.rows:
        table.add_row(*_row_of(row, figures, totals))
    return table


def _print_case(case: MeasuredCase, console: Console) -> None:
    console.print(_table(case))
    marks = {mark for row in case.rows for mark in row.marks}
    shown = [word for word in LEGEND if any(word in mark for mark in marks)]
    if any(not figure.supports(99) for row in case.rows for figure in row.figures.values()):
        shown.append("~")
    for word in shown:
        console.print(_text(f"  {word}: {LEGEND[word]}", "dim"))
    _print_problems(case, console)
    for target, reason in case.missing:
        console.print(_text(f"  {target_name(target)} is missing: {reason}", "dim"))
    console.print()


def _print_problems(case: MeasuredCase, console: Console, where: str = "") -> None:
    for row in case.rows:
        for problem in row.problems:
            console.print(_text(f"  {target_name(row.target)}{where}: {problem}", "yellow"))


def _capacity(results: Results, summary: Summary) -> Table | None:
    figures = [name for name in results.capacity if results.capacity[name]]
    if not figures:
        return None
    table = Table(title="Capacity", title_justify="left", title_style="bold", box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("target", no_wrap=True)
    for name in figures:
        table.add_column(_text(CAPACITY.get(name, name)), justify="right")
    texts = {name: {it.target: it.text for it in held(results, summary, name)} for name in figures}
    for target in results.targets:
        if any(target in found for found in texts.values()):
            table.add_row(*map(_text, (target_name(target), *(texts[name].get(target, "–") for name in figures))))
    table.caption, table.caption_justify = CAPACITY_KEY, "left"
    return table


def print_tables(results: Results, console: Console) -> None:
    """Print a run's tables, for 120 columns.

    Args:
        results: A run, or any part of one.
        console: Where to.
    """
    summary = summarize(results)
    # a narrower terminal wraps the lines, which is better than to lose digits
    wide, console.width = console.width, WIDTH
    try:
        for case in summary.cases:
            _print_case(case, console)
        capacity = _capacity(results, summary)
        if capacity is not None:
            console.print(capacity)
        for step in summary.steps:
            _print_problems(step, console, f", {step.name}")
        if not (summary.cases or summary.steps):
            console.print(_text("Nothing was measured."))
        for target, reason in summary.absent:
            console.print(_text(f"{target_name(target)} is absent: {reason}"))
        console.print(_text(machine_line(results.machine)))
        for name, info in results.targets.items():
            if info.versions:
                versions = ", ".join(f"{package} {version}" for package, version in info.versions.items())
                console.print(_text(f"{target_name(name)}: {versions}", "dim"))
        console.print(_text(f"{results.mode} run of {results.began}, commit {results.commit or 'unknown'}"))
    finally:
        console.width = wide
