"""The tables of the page: every figure with its intervals, totals, who is missing, where and with what it ran."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from bench.report.names import FIGURES, FLOORED, SUBJECT, TOTALS, case_name, figure_name, number, target_name
from bench.report.summary import Figure, MeasuredCase, Row, Summary
from bench.schema import Results

STEP = ("ack_ms", "audio_late_ms")
"""Figures and totals that decide whether a step of a ramp was carried."""

__all__ = ["case_tables", "missing_list", "step_table", "table", "target_table"]


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], *, css: str = "") -> str:
    """Return a table in a box that scrolls by itself; headings and cells are markup already."""
    head = "".join(f"<th>{cell}</th>" for cell in heads)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>\n" for row in rows)
    return (
        f'<div class="scroll"><table class="{css}"><thead><tr>{head}</tr></thead><tbody>\n{body}</tbody></table></div>'
    )


def _name(row: Row) -> str:
    name = escape(target_name(row.target))
    marks = "".join(f' <span class="mark">{escape(mark)}</span>' for mark in row.marks)
    return (f"<strong>{name}</strong>" if row.target == SUBJECT else name) + marks


def _estimate(figure: Figure, q: float, value: float) -> str:
    low, high = figure.interval(q)
    doubt = "" if figure.supports(q) else '<span title="too few values for this percentile">~</span>'
    return f"{doubt}{number(value)} <small>{number(low)}–{number(high)}</small>"


def _ratio(ratio: tuple[float, float] | None) -> str:
    return " / ".join(number(part) for part in ratio) if ratio else "–"


def _figure_row(row: Row, figure: Figure) -> list[str]:
    percentiles = [_estimate(figure, q, value) for q, value in ((50, figure.p50), (95, figure.p95), (99, figure.p99))]
    floor = row.to_floor(figure.name) if figure.name in FLOORED else None
    cells = [_name(row), f"{figure.count:,}", number(figure.mean), *percentiles, number(figure.maximum)]
    return [*cells, _ratio(floor), _ratio(row.to_subject(figure.name))]


def _figure_table(case: MeasuredCase, name: str) -> str:
    unit = ", ms" if name.endswith("_ms") else ""
    about = escape(FIGURES.get(name, ""))
    heads = ["", "n", "mean", "p50", "p95", "p99", "max", "× floor", f"× {SUBJECT}"]
    rows = [_figure_row(row, row.figures[name]) for row in case.rows if name in row.figures]
    kept = [at for at in range(len(heads)) if any(row[at] != "–" for row in rows)]
    shown = table([heads[at] for at in kept], ([row[at] for at in kept] for row in rows), css="figures")
    return f"<h4>{escape(figure_name(name))}{unit} <small>{about}</small></h4>{shown}"


def _total_table(case: MeasuredCase) -> str:
    names = list(dict.fromkeys(name for row in case.rows for name in row.totals))
    names = [*(name for name in TOTALS if name in names), *(name for name in names if name not in TOTALS)]
    if not names:
        return ""
    heads = ["", *(escape(TOTALS.get(name, name.replace("_", " "))) for name in names)]
    rows = [
        [_name(row), *(number(row.totals[name]) if name in row.totals else "–" for name in names)] for row in case.rows
    ]
    return f"<h4>totals</h4>{table(heads, rows, css='figures')}"


def _problems(case: MeasuredCase) -> str:
    said = [f"{escape(target_name(row.target))}: {escape(problem)}" for row in case.rows for problem in row.problems]
    gone = [f"{escape(target_name(target))} is missing: {escape(reason)}" for target, reason in case.missing]
    return "".join(f'<p class="problem">{line}</p>' for line in [*said, *gone])


def case_tables(summary: Summary) -> str:
    """Return every case's tables, folded; they open without a script."""
    parts = []
    for case in summary.cases:
        present = dict.fromkeys(name for row in case.rows for name in row.figures)
        names = [*(name for name in FIGURES if name in present), *(name for name in present if name not in FIGURES)]
        title = f"{escape(case_name(case.scenario, case.sessions))} <small>{escape(case.name)}</small>"
        inner = _problems(case) + "".join(_figure_table(case, name) for name in names) + _total_table(case)
        parts.append(f"<details><summary>{title}</summary>{inner}</details>")
    return "\n".join(parts)


def step_table(summary: Summary) -> str:
    """Return what the ramps went through, a row for each step, folded; nothing if there was no ramp."""
    if not summary.steps:
        return ""
    names = [name for name in STEP if any(name in row.figures for case in summary.steps for row in case.rows)]
    heads = ["", "step", *(f"{escape(figure_name(name))}, ms, p50 / p99" for name in names), TOTALS["cpu_share"], ""]
    rows = [
        [
            _name(row),
            escape(case.name),
            *(f"{number(figure.p50)} / {figure.tail}" if (figure := row.figures.get(name)) else "–" for name in names),
            number(row.totals["cpu_share"]) if "cpu_share" in row.totals else "–",
            escape("; ".join(row.problems)),
        ]
        for case in sorted(summary.steps, key=lambda case: (case.scenario, case.sessions))
        for row in case.rows
    ]
    return f"<details><summary>Steps to the capacities</summary>{table(heads, rows, css='figures')}</details>"


def missing_list(summary: Summary) -> str:
    """Return who was not measured, or not in which cases, and why; nothing if all were."""
    lines = [
        f"<li><strong>{escape(target_name(name))}</strong> is absent: {escape(why)}</li>"
        for name, why in summary.absent
    ]
    where: dict[tuple[str, str], list[str]] = {}
    for case in summary.cases:
        for missing in case.missing:
            where.setdefault(missing, []).append(case.name)
    for (target, reason), cases in where.items():
        name = escape(target_name(target))
        lines.append(f"<li><strong>{name}</strong> in {escape(', '.join(cases))}: {escape(reason)}</li>")
    return f"<ul>{''.join(lines)}</ul>" if lines else ""


def target_table(results: Results) -> str:
    """Return how each target was used, and in which versions."""
    rows = []
    for name, info in results.targets.items():
        versions = ", ".join(f"{escape(package)}&nbsp;{escape(version)}" for package, version in info.versions.items())
        used = escape(info.notes) if not info.absent else f"absent: {escape(info.absent)}"
        rows.append([f"<strong>{escape(target_name(name))}</strong>", used, versions or "–"])
    return table(["", "how it was used", "versions"], rows, css="words")
