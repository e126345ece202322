"""The tables: a row for each figure, a column for each system; the same for the terminal and for the page."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from attrs import frozen
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from bench.bargein.figures import Figures, Kept, Rate, Times, figures_of, spread_of
from bench.bargein.rating import Rating
from bench.bargein.samples import FALSE, KINDS
from bench.report.names import machine_line, target_name
from voxint.printable import printable

__all__ = ["Table", "print_bargein", "tables_of"]

BEFORE, AFTER = "voxint_at_onset", "voxint"
"""The same server without hold and release, and with them."""

TIMES: Mapping[str, str] = {
    "onset_to_pause_ms": "onset to the first silence",
    "onset_to_silence_ms": "onset to silence for good",
    "onset_to_hold_ms": "onset to hold",
    "onset_to_commit_ms": "onset to the answer's end",
    "onset_to_close_ms": "onset to the last upstream closed",
    "false_hold_ms": "a hold that was released",
    "resume_gap_ms": "release to sound",
    "endpoint_ms": "end of speech to end of turn",
    "voice_to_voice_ms": "end of speech to answer",
    "next_voice_ms": "end of an interruption to the next answer",
}
"""The times in the order of the tables, milliseconds, p50 / p95."""


@frozen
class Table:
    """A table.

    Args:
        title: What it shows.
        head: Of its columns; the first is of the figures' names.
        rows: As the head.
    """

    title: str
    head: tuple[str, ...]
    rows: list[tuple[str, ...]]


def tables_of(kept: Kept) -> list[Table]:
    """Return the tables of a run that there is something for."""
    figures = {name: figures_of(ratings) for name, ratings in kept.ratings.items() if ratings}
    if not figures:
        return []
    made = [
        Table("All calls", ("", *map(target_name, figures)), [*_rates(figures), *_times(figures), *_counts(figures)]),
        Table("Answers that were ended for good, by what came into them", *_by_kind(figures)),
    ]
    if BEFORE in figures and AFTER in figures:
        both = {"at onset": figures[BEFORE], "hold, then decide": figures[AFTER]}
        made.insert(1, Table("Before and after hold and release", ("", *both), [*_rates(both), *_times(both)]))
    for title, by in SPREADS.items():
        if table := _spread(title, by, kept.ratings):
            made.append(table)
    return made


def _level(rating: Rating) -> str:
    return f"{rating.level_db:.0f} dB"


SPREADS: Mapping[str, tuple[Callable[[Rating], bool], Callable[[Rating], str]]] = {
    "False stops by level": (lambda each: each.kind in FALSE and each.kind != "echo", _level),
    "False stops by the level of the echo": (lambda each: each.kind == "echo", _level),
    "Missed interruptions by level": (lambda each: each.kind == "interruption", _level),
    "By language, false stops": (lambda each: each.kind in FALSE, lambda each: each.language),
    "By language, missed interruptions": (lambda each: each.kind == "interruption", lambda each: each.language),
}


def _spread(
    title: str,
    by: tuple[Callable[[Rating], bool], Callable[[Rating], str]],
    ratings: Mapping[str, Sequence[Rating]],
) -> Table | None:
    wanted, group = by
    spreads = {name: spread_of(filter(wanted, some), group) for name, some in ratings.items() if some}
    groups = list(dict.fromkeys(name for spread in spreads.values() for name in spread))
    missed = "issed" in title

    def cell(figures: Figures | None) -> str:
        return "–" if figures is None else _rate(figures.missed if missed else figures.false_stop)

    if len(groups) < 2:
        return None
    rows = [(name, *(cell(spread.get(name)) for spread in spreads.values())) for name in groups]
    return Table(title, ("", *map(target_name, spreads)), rows)


def _rates(figures: Mapping[str, Figures]) -> list[tuple[str, ...]]:
    every = figures.values()
    return [
        ("calls rated", *(f"{each.calls.count} of {each.calls.of}" for each in every)),
        ("false stops", *(_rate(each.false_stop) for each in every)),
        ("missed interruptions", *(_rate(each.missed) for each in every)),
        ("questions cut off", *(_rate(each.cut_off) for each in every)),
    ]


def _times(figures: Mapping[str, Figures]) -> list[tuple[str, ...]]:
    named = [name for name in TIMES if any(name in each.times for each in figures.values())]
    return [(f"{TIMES[name]}, ms", *(_ms(each.times.get(name)) for each in figures.values())) for name in named]


def _counts(figures: Mapping[str, Figures]) -> list[tuple[str, ...]]:
    every = figures.values()
    return [
        ("samples lost / twice", *(f"{each.lost} / {each.twice}" for each in every)),
        ("most written while held, tokens", *(str(each.held_tokens) for each in every)),
        ("most spoken while held, ms", *(f"{each.held_audio_ms:.0f}" for each in every)),
    ]


def _by_kind(figures: Mapping[str, Figures]) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    kinds = [kind for kind in KINDS if any(kind in each.stopped for each in figures.values())]
    rows = [
        (kind, *(_rate(each.stopped[kind]) if kind in each.stopped else "–" for each in figures.values()))
        for kind in kinds
    ]
    return ("", *map(target_name, figures)), rows


def _rate(rate: Rate) -> str:
    return "–" if rate.share is None else f"{rate.share:.1%} of {rate.of}"


def _ms(times: Times | None) -> str:
    return "–" if times is None else f"{times.p50:.0f} / {times.p95:.0f}"


def print_bargein(kept: Kept, console: Console) -> None:
    """Print the tables, who is missing and why, and where it ran."""
    for table in tables_of(kept):
        shown = RichTable(title=table.title, title_justify="left", caption="times: p50 / p95", caption_justify="left")
        for place, head in enumerate(table.head):
            shown.add_column(Text(printable(head)), justify="right" if place else "left")
        for row in table.rows:
            shown.add_row(*(Text(printable(cell)) for cell in row))
        console.print(shown)
    for name, info in kept.systems.items():
        if info.missing:
            console.print(Text(printable(f"not measured: {target_name(name)}: {info.missing}")))
        for failure, count in _failures(kept.ratings.get(name, ())).items():
            console.print(Text(printable(f"{target_name(name)}: {count} calls failed: {failure}")))
    console.print(Text(printable(machine_line(kept.machine))))


def _failures(ratings: Sequence[Rating]) -> dict[str, int]:
    failures = [each.failure for each in ratings if each.failure]
    return {failure: failures.count(failure) for failure in dict.fromkeys(failures)}
