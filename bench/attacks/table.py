"""What a run of attacks shows at its end."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console
from rich.table import Table

from bench.attacks.results import Attacked, Calm
from bench.attacks.verdict import nearest_rank

__all__ = ["print_attacks", "row_of"]

COLUMNS = (
    "attack",
    "quiet ack",
    "ack p50",
    "p99",
    "max",
    "late",
    "worst",
    "floor",
    "RSS MiB",
    "CPU",
    "exit s",
    "verdict",
)
SHOWN = 6
"""Of an attacker's numbers, the greatest: the JSON has all."""


def print_attacks(attacks: Iterable[Attacked], console: Console) -> None:
    """Print a table of all, and below it what their clients saw."""
    table = Table(*COLUMNS, title="bystanders under attack, ms", title_justify="left")
    notes: list[str] = []
    for each in attacks:
        table.add_row(*row_of(each), style="" if not each.broken else "bold")
        notes += [f"{each.name}: {note}" for note in notes_of(each)]
    console.print(table)
    for note in notes:
        console.print(note, soft_wrap=True, highlight=False, markup=False)


def row_of(each: Attacked) -> tuple[str, ...]:
    """Return the cells of an attack."""
    if each.seen is None:
        return (each.name, *[""] * (len(COLUMNS) - 2), "not measured")
    seen, under = each.seen, each.seen.under
    exit_s = "killed" if seen.exit_s is None else f"{seen.exit_s:.2f}"
    return (
        each.name,
        _two(seen.quiet),
        f"{under.ack_p50:.1f}",
        f"{under.ack_p99:.1f}",
        f"{under.ack_max:.1f}",
        f"{under.late}/{under.frames}",
        f"{under.late_max:.0f}",
        f"{under.floor_p99:.1f}",
        f"{seen.rss_before / 2**20:.0f} {seen.grew_mib:+.0f} {seen.kept_mib:+.0f}",
        f"{seen.cpu_share:.0%}",
        exit_s,
        "broken" if each.broken else "holds",
    )


def notes_of(each: Attacked) -> list[str]:
    """Return what is to be said of an attack below the table: what it broke, and what its clients saw."""
    notes = [f"broken: {broken}" for broken in each.broken]
    if each.problem:
        notes.append(f"problem: {each.problem}")
    if each.seen is None:
        return notes
    totals = sorted(each.seen.attacker.totals.items(), key=lambda item: -item[1])[:SHOWN]
    parts = [f"{name} {by:.0f} ({by / each.seen.seconds:.0f}/s)" for name, by in totals]
    for name, took in each.seen.attacker.took_ms.items():
        parts.append(f"{name} p50 {nearest_rank(took, 50):.0f} ms, max {max(took):.0f} ms")
    if each.seen.upstream_calls:
        parts.append(f"upstream calls {each.seen.upstream_calls / each.seen.seconds:.0f}/s")
    parts.append(f"kept waiting {each.seen.waited_share:.0%}, stolen {each.seen.stolen_share:.0%}")
    parts.append(f"log {each.seen.log_lines} lines")
    return [*notes, ", ".join(parts)]


def _two(calm: Calm) -> str:
    return f"{calm.ack_p50:.1f}/{calm.ack_p99:.1f}"
