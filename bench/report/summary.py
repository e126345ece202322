"""From slots to rows: rounds put together, percentiles, ratios to the floor and between systems, and what to doubt."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence

from attrs import field, frozen

from bench.report.names import FIGURES, FLOORS, LOAD_OF, SPOKEN_TO, SUBJECT, number
from bench.scenarios import LOADS, SCENARIOS
from bench.schema import Results, Slot
from voxint.measure.distribution import Distribution, Interval, Statistic

__all__ = ["EARLY_MS", "Figure", "Held", "MeasuredCase", "Row", "Summary", "held", "ratio", "summarize"]

AT_ONCE_MS = 1.0
"""A stream that seems to end so soon behind the acknowledgement was ended first: an upstream's own stamp takes that
long."""

EARLY_MS = 5.0
"""A connection to an upstream that ended later than this behind the acknowledgement proves that it came early.

Chosen above what a packet and two wakeups take on the busy machine of a run: an end that was under way is not early.
"""

SPEAKING = 0.9
"""With fewer of the interrupts meeting a turn that has begun to speak, the row is of another situation than its name
says. Chosen here: the plan lets an answer begin late now and then."""

RAMPS = frozenset(LOADS) - frozenset(SCENARIOS)
"""The loads whose cases are steps on the way to a capacity."""


@frozen
class Figure:
    """One figure of one target in one case, its rounds put together."""

    name: str
    count: int
    p50: float
    p95: float
    p99: float
    maximum: float
    distribution: Distribution = field(eq=False, repr=False)

    @classmethod
    def of(cls, name: str, rounds: Iterable[str]) -> Figure | None:
        """Return the figure of those encoded rounds, or None if there was nothing to measure."""
        whole = Distribution.decode_all(rounds)
        if not whole.count:
            return None
        p50, p95, p99 = (whole.percentile(q) for q in (50, 95, 99))
        return cls(name, whole.count, p50, p95, p99, whole.maximum, whole)

    @property
    def mean(self) -> float:
        """The mean of the values, which says more than a median of 0."""
        return self.distribution.mean

    @property
    def tail(self) -> str:
        """The 99th percentile as it is written, with a ~ if there are too few values for it."""
        return ("" if self.supports(99) else "~") + number(self.p99)

    def interval(self, statistic: Statistic) -> Interval:
        """Return the 95 % bootstrap interval of a percentile or the mean; dear, so that only who shows it asks."""
        return self.distribution.interval(statistic)

    def supports(self, q: float) -> bool:
        """Tell whether there are values enough for a percentile to mean anything."""
        return self.distribution.supports(q)


@frozen
class Row:
    """One target in one case.

    Args:
        target: Which.
        scenario: Of its case.
        figures: By name, in the order of the tables.
        totals: Sums, means or worst of its rounds, as each name asks.
        problems: Said by any of its rounds, each once.
        floor: The floor's `echo_ms` in this case or under as many sessions; None if there was none.
        subject: The figures of the system that others are compared with.
        exact: Whether the kernel stamped all ends of its connections to the upstream (bench/closings.py).
    """

    target: str
    scenario: str
    rounds: int
    seconds: float
    figures: Mapping[str, Figure]
    totals: Mapping[str, float]
    problems: tuple[str, ...] = ()
    floor: Figure | None = None
    subject: Mapping[str, Figure] = field(factory=dict, repr=False)
    exact: bool = False

    @property
    def early(self) -> bool:
        """Whether the ack came before the target's work had stopped: all of it; most, by an upstream's own stamps."""
        closed = self.figures.get("closed_after_ack_ms")
        return closed is not None and closed.maximum > EARLY_MS and (self.exact or closed.p50 > AT_ONCE_MS)

    @property
    def late_stamp(self) -> bool:
        """Whether some ends look late and may not be: an upstream that is held up, as on a full core, looks so."""
        closed = self.figures.get("closed_after_ack_ms")
        return closed is not None and closed.maximum > EARLY_MS and not self.early

    @property
    def counts(self) -> bool:
        """Whether the target's acknowledgement means that everything has stopped: only then do its figures count."""
        return not self.early and not self.totals.get("leak_after_ack")

    @property
    def unproven(self) -> bool:
        """Whether no upstream saw the end of anything: its acknowledgements may be early, and nobody can tell."""
        return "ack_ms" in self.figures and "closed_after_ack_ms" not in self.figures

    @property
    def compared(self) -> bool:
        """Whether the row may be set against others: it counts, and nothing was wrong while it was measured."""
        return self.counts and not self.unproven and not self.problems

    @property
    def silent(self) -> bool:
        """Whether too many of the row's interrupts met an answer that had not begun."""
        if self.scenario not in SPOKEN_TO or self.target in FLOORS or not self.totals.get("interrupts"):
            return False
        return self.totals.get("speaking_share", 1.0) < SPEAKING

    @property
    def marks(self) -> tuple[str, ...]:
        """What a reader must know beside the row's figures, in a word or two each."""
        counted = {"leak_after_ack": "leak", "unanswered": "unanswered", "failed": "failed"}
        marks = [f"{word} {self.totals[name]:.0f}" for name, word in counted.items() if self.totals.get(name)]
        kinds = (("early ack", self.early), ("late stamp", self.late_stamp), ("unproven", self.unproven))
        when = [word for word, told in kinds if told]
        if self.silent:
            marks.append(f"{math.floor(100 * self.totals['speaking_share'])} % speaking")
        return (*when, *marks, *(("problem",) if self.problems else ()))

    @property
    def latency(self) -> Figure | None:
        """How soon the target answers an interrupt; of one that only echoes, its echo."""
        return self.figures.get("ack_ms") or self.figures.get("echo_ms")

    def to_floor(self, figure: str) -> tuple[float, float] | None:
        """Return a figure's p50 and p99 as multiples of the floor's p50 and p99."""
        return ratio(self.figures.get(figure), self.floor)

    def to_subject(self, figure: str) -> tuple[float, float] | None:
        """Return a figure's p50 and p99 as multiples of voxint's: above 1, voxint is the faster."""
        return ratio(self.figures.get(figure), self.subject.get(figure))


@frozen
class MeasuredCase:
    """One scenario with so many sessions; `missing` says for each target without a row why it has none."""

    name: str
    scenario: str
    sessions: int
    rows: tuple[Row, ...]
    missing: tuple[tuple[str, str], ...]

    def row(self, target: str) -> Row | None:
        """Return a target's row."""
        return next((row for row in self.rows if row.target == target), None)


@frozen
class Summary:
    """A whole run.

    Args:
        cases: What was measured of the scenarios.
        absent: Says of each target that was not measured at all, why.
        steps: What the ramps measured on their way to the capacities: each target has its own.
    """

    cases: tuple[MeasuredCase, ...]
    absent: tuple[tuple[str, str], ...]
    steps: tuple[MeasuredCase, ...] = ()

    def of(self, scenario: str) -> list[MeasuredCase]:
        """Return a scenario's cases, those with few sessions first."""
        return sorted((case for case in self.cases if case.scenario == scenario), key=lambda case: case.sessions)


@frozen
class Held:
    """How many sessions a target's core held.

    Args:
        target: Which.
        sessions: So many.
        at_least: Perhaps more: those that measure were full first.
        counts: Whether its acknowledgements mean something; by them it is judged.
    """

    target: str
    sessions: float
    at_least: bool = False
    counts: bool = True

    @property
    def text(self) -> str:
        """The number of sessions as a table shows it."""
        return f"{'≥ ' if self.at_least else ''}{self.sessions:,.0f}{'' if self.counts else ' *'}"


def held(results: Results, summary: Summary, figure: str) -> list[Held]:
    """Return what was found of a capacity, in the order of the tables."""
    found, load = results.capacity.get(figure, {}), LOAD_OF.get(figure)
    doubted = {
        row.target
        for step in summary.steps
        for row in step.rows
        if step.scenario == load and step.sessions <= found.get(row.target, 0) and not row.counts
    }
    return [
        Held(name, found[name], name in results.at_least.get(figure, ()), name not in doubted)
        for name in results.targets
        if name in found
    ]


def ratio(figure: Figure | None, base: Figure | None) -> tuple[float, float] | None:
    """Return p50 to p50 and p99 to p99, or None where one is missing or zero."""
    if figure is None or base is None or base.p50 <= 0 or base.p99 <= 0:
        return None
    return figure.p50 / base.p50, figure.p99 / base.p99


def _sum(values: Sequence[float]) -> float:
    return sum(values)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


ROUNDS: Mapping[str, Callable[[Sequence[float]], float]] = {
    **dict.fromkeys(
        ("interrupts", "unanswered", "failed", "lost", "turns", "leak_after_ack", "unstamped", "cpu_s", "speech_s"),
        _sum,
    ),
    **dict.fromkeys(("rss_kib", "rss_per_session_kib", "generator_lag_ms", "generator_cpu_share", "saturated"), max),
}
"""How a total's rounds become one number; a name that is not here is averaged."""


def _totals_of(slots: Sequence[Slot]) -> dict[str, float]:
    names = dict.fromkeys(name for slot in slots for name in slot.totals)
    values = {name: [slot.totals[name] for slot in slots if name in slot.totals] for name in names}
    totals = {name: ROUNDS.get(name, _mean)(values[name]) for name in names}
    if totals.get("speech_s") and "cpu_s" in totals:
        totals["cpu_s_per_speech_min"] = 60 * totals["cpu_s"] / totals["speech_s"]
    return totals


def _figures_of(slots: Sequence[Slot]) -> dict[str, Figure]:
    names = {name for slot in slots for name in slot.figures}
    ordered = [*(name for name in FIGURES if name in names), *sorted(names - set(FIGURES))]
    figures = {
        name: Figure.of(name, [slot.figures[name] for slot in slots if name in slot.figures]) for name in ordered
    }
    return {name: figure for name, figure in figures.items() if figure is not None}


def _missing_from(case: str, scenario: str, results: Results, there: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Say why a target has no row; who is absent from the whole run is said once, not for each case."""
    left = [(name, info) for name, info in results.targets.items() if name not in there and not info.absent]
    unknown = "not measured in this run"
    return tuple((name, info.cannot.get(scenario) or info.cannot.get(case) or unknown) for name, info in left)


def summarize(results: Results) -> Summary:
    """Put a run's rounds together and compare them.

    Args:
        results: A run, or any part of one.
    """
    order = {name: position for position, name in enumerate(results.targets)}
    floor_target = next((name for name in FLOORS if any(slot.target == name for slot in results.slots)), "")
    grouped: dict[str, dict[str, list[Slot]]] = {}
    for slot in results.slots:
        grouped.setdefault(slot.case, {}).setdefault(slot.target, []).append(slot)

    figures = {case: {target: _figures_of(slots) for target, slots in rows.items()} for case, rows in grouped.items()}
    echoes: dict[int, Figure] = {}
    for case, rows in grouped.items():
        echo = figures[case].get(floor_target, {}).get("echo_ms")
        if echo is not None:
            echoes.setdefault(rows[floor_target][0].sessions, echo)

    cases: list[MeasuredCase] = []
    steps: list[MeasuredCase] = []
    for name, rows in grouped.items():
        first = next(iter(rows.values()))[0]
        floor = figures[name].get(floor_target, {}).get("echo_ms") or echoes.get(first.sessions)
        made = [
            Row(
                target=target,
                scenario=first.scenario,
                rounds=len({slot.round for slot in slots}),
                seconds=sum(slot.seconds for slot in slots),
                figures=figures[name][target],
                totals=_totals_of(slots),
                problems=tuple(dict.fromkeys(problem for slot in slots for problem in slot.problems)),
                floor=floor,
                subject=figures[name].get(SUBJECT, {}),
                exact=all(slot.totals.get("unstamped") == 0 for slot in slots if slot.totals),
            )
            for target, slots in sorted(rows.items(), key=lambda item: order.get(item[0], len(order)))
        ]
        ramp = first.scenario in RAMPS
        missing = () if ramp else _missing_from(name, first.scenario, results, rows)
        (steps if ramp else cases).append(MeasuredCase(name, first.scenario, first.sessions, tuple(made), missing))
    absent = tuple((name, info.absent) for name, info in results.targets.items() if info.absent)
    return Summary(tuple(cases), absent, tuple(steps))
