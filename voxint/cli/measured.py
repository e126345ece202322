"""What `voxint bench` has measured: a table for a terminal, a verdict in words, JSON for machines."""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
from attrs import frozen
from rich.box import SIMPLE_HEAD
from rich.table import Table

from voxint._version import __version__
from voxint.measure import Load, Pace, figures_of, saturation, totals_of
from voxint.measure.distribution import Distribution
from voxint.printable import printable

__all__ = ["WIDTH", "Measured", "as_json", "table_of", "verdict_of"]

FORMAT = 1
"""The number of the JSON's format; raised by a change that older readers would misread."""

WIDTH = 110
"""Characters that a table takes with its words."""

PERCENTILES = (50, 95, 99)

SHOWN: Mapping[str, str] = {
    "round_trip_ms": "HEALTH_CHECK answered, by the idle server",
    "ack_ms": "INTERRUPT acknowledged",
    "stale_audio_ms": "audio that came after the INTERRUPT",
    "next_text_ms": "first words of a question right behind it",
    "next_audio_ms": "first audio of a question right behind it",
    "first_text_ms": "first words of other questions",
    "first_audio_ms": "first audio of other questions",
    "audio_late_ms": "audio later than it was to be played",
}
"""The figures in the order of the table (docs/reference/benchmark.md says exactly what they are)."""

ENOUGH = 0.9
"""The share of the interrupts that has to meet an answer under way; with fewer the figures mean little."""


@frozen
class Measured:
    """A load and its statistics.

    Args:
        load: It.
        figures: What was measured, by name; empty distributions too.
        totals: Single numbers, by name.
        speaks: Whether answers are spoken.
    """

    load: Load
    figures: Mapping[str, Distribution]
    totals: Mapping[str, float]
    speaks: bool

    @classmethod
    def of(cls, load: Load, *, speaks: bool) -> Measured:
        """Return the statistics of a load."""
        values = {"round_trip_ms": load.round_trip_ms, **figures_of(load.recording)}
        figures = {name: Distribution.of(values[name]) for name in SHOWN}
        return cls(load, figures, totals_of(load.recording), speaks)

    @property
    def broken(self) -> list[str]:
        """The promises that were broken, in words; none if all were kept."""
        leaked, unanswered = self.totals["leak_after_ack"], self.totals["unanswered"]
        broken = []
        if leaked:
            broken.append(f"{_count(leaked, 'frame')} came after the acknowledgement")
        if unanswered:
            broken.append(
                f"{unanswered:.0f} of {_count(self.totals['interrupts'], 'interrupt')} got no acknowledgement"
            )
        return broken

    @property
    def unmeasured(self) -> str:
        """Why nothing is known of the load, or not all, in words; empty where all callers were served."""
        lost = len(self.load.recording.lost)
        if lost:
            return f"{lost} of {_count(self.load.sessions, 'caller')} lost"
        return "" if self.totals["interrupts"] else "no caller could interrupt an answer"

    @property
    def kept(self) -> bool:
        """Whether every promise was kept, and all was measured."""
        return not (self.broken or self.unmeasured)

    @property
    def problems(self) -> list[str]:
        """What else went wrong, or makes the figures worth less, in words."""
        recording, totals = self.load.recording, self.totals
        problems = []
        if failed := Counter(turn.failed for turn in recording.counted if turn.failed):
            said, _ = failed.most_common(1)[0]
            problems.append(f"{failed.total()} of {_count(totals['turns'], 'turn')} failed: {printable(said)}")
        if lost := Counter(recording.lost):
            said, _ = lost.most_common(1)[0]
            problems.append(f"{lost.total()} of {_count(self.load.sessions, 'caller')} lost: {printable(said)}")
        if saturated := saturation(dict(totals)):
            problems.append(saturated)
        interrupted = [turn for turn in recording.counted if turn.interrupted is not None]
        firsts = [(turn.first_audio if self.speaks else turn.first_text, turn.interrupted) for turn in interrupted]
        begun = sum(first is not None and first <= (at or 0.0) for first, at in firsts)
        if begun < ENOUGH * len(interrupted):
            early = _count(len(interrupted) - begun, "interrupt")
            problems.append(f"{early} met an answer that had not begun: under this load it answers slower")
        if totals["already_over"] > (1 - ENOUGH) * len(interrupted):
            late = _count(totals["already_over"], "interrupt")
            problems.append(f"{late} met an answer that had ended: give it a --question with a longer answer")
        return problems


def table_of(measured: Measured, *, width: int = WIDTH) -> Table:
    """Return a load's figures as a table, with the acknowledgement's ratio to the round trip.

    Args:
        measured: The load.
        width: Of the terminal, in characters; where it is less than `WIDTH`, the words beside the figures are left out.
    """
    title = f"{_count(measured.load.sessions, 'session')}, {_count(measured.totals['interrupts'], 'interrupt')}"
    table = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD, pad_edge=False)
    for name in ("figure", "n", "p50", "95 %", "p95", "p99", "max"):
        table.add_column(name, justify="left" if name == "figure" else "right", no_wrap=True)
    if width >= WIDTH:
        table.add_column("what", no_wrap=True)
    columns = len(table.columns)
    for name, what in SHOWN.items():
        figure = measured.figures[name]
        if not figure.count:
            continue
        table.add_row(*[name, *_cells(figure), what][:columns])
        if name == "ack_ms" and measured.figures["round_trip_ms"].count:
            ratios = _ratios(figure, measured.figures["round_trip_ms"])
            table.add_row(*["  × round trip", *ratios, "their ratio"][:columns])
    if not all(figure.supports(99) for figure in measured.figures.values() if figure.count):
        table.caption, table.caption_justify = "~ fewer values than the percentile needs: take more --seconds", "left"
    return table


def verdict_of(loads: Iterable[Measured]) -> str:
    """Return one line that says whether every promise was kept, or what is not known, and how many turns failed."""
    every = list(loads)
    failed = sum(load.totals["failed"] for load in every)
    also = f"; {_count(failed, 'turn')} failed" if failed else ""
    if broken := [f"{words} ({_count(load.load.sessions, 'session')})" for load in every for words in load.broken]:
        return f"promises broken: {'; '.join(broken)}{also}"
    if unmeasured := [
        f"{load.unmeasured} ({_count(load.load.sessions, 'session')})" for load in every if load.unmeasured
    ]:
        return f"not all was measured: {'; '.join(unmeasured)}{also}"
    interrupts = sum(load.totals["interrupts"] for load in every)
    return f"promises kept: {_count(interrupts, 'interrupt')}, each acknowledged, and nothing came after{also}"


def as_json(
    loads: Iterable[Measured], *, url: str, question: str, pace: Pace, seconds: float, warmup_s: float
) -> bytes:
    """Return everything as JSON.

    Args:
        loads: What was measured.
        url: The server's, as it may be shown: without a key.
        question: What was asked.
        pace: What was learned before.
        seconds: How long each load counted.
        warmup_s: How long each load ran before.
    """
    every = list(loads)
    return msgspec.json.format(
        msgspec.json.encode(
            {
                "format": FORMAT,
                "url": url,
                "time": datetime.now(UTC).isoformat(timespec="seconds"),
                "versions": {"voxint": __version__, "python": platform.python_version()},
                "question": question,
                "pace": pace,
                "seconds": seconds,
                "warmup_s": warmup_s,
                "kept": all(load.kept for load in every),
                "loads": [_load(load) for load in every],
            }
        ),
        indent=1,
    )


def _load(measured: Measured) -> dict[str, Any]:
    return {
        "sessions": measured.load.sessions,
        "figures": {name: _figure(figure) for name, figure in measured.figures.items()},
        "totals": measured.totals,
        "broken": measured.broken,
        "unmeasured": measured.unmeasured,
        "problems": measured.problems,
    }


def _figure(figure: Distribution) -> dict[str, Any]:
    """Return a figure's statistics; of one without values, that there are none."""
    if not figure.count:
        return {"count": 0}
    percentiles = {
        f"p{q}": {
            "value": round(figure.percentile(q), 3),
            "low": round(figure.interval(q).low, 3),
            "high": round(figure.interval(q).high, 3),
            "supported": figure.supports(q),
        }
        for q in PERCENTILES
    }
    return {"count": figure.count, **percentiles, "max": round(figure.maximum, 3), "histogram": figure.encode()}


def _cells(figure: Distribution) -> list[str]:
    p50, *rest = (("" if figure.supports(q) else "~") + _number(figure.percentile(q)) for q in PERCENTILES)
    low, high = figure.interval(50)
    return [str(figure.count), p50, f"{_number(low)}–{_number(high)}", *rest, _number(figure.maximum)]


def _ratios(figure: Distribution, floor: Distribution) -> list[str]:
    ratios = [f"{figure.percentile(q) / least:.1f}" if (least := floor.percentile(q)) else "–" for q in PERCENTILES]
    return ["", ratios[0], "", *ratios[1:], ""]


def _number(value: float) -> str:
    """Return a number with three digits that matter, none below a hundredth."""
    decimals = 0 if value >= 100 else 1 if value >= 10 else 2
    return f"{value:.{decimals}f}" if value else "0"


def _count(number: float, what: str) -> str:
    return f"{number:.0f} {what}" + ("" if number == 1 else "s")
