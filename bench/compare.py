"""What got slower from one run to another, beyond what noise explains."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from math import exp, log

from attrs import evolve, frozen
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bench.report.names import AVERAGED, FLOORS, SUBJECT, number
from bench.schema import Results, Slot
from voxint.measure.distribution import Distribution, Statistic
from voxint.measure.verdict import ONE_OF_MANY, Verdict, Word, compare, discount
from voxint.printable import printable

__all__ = ["Change", "Comparison", "compare_results", "comparison_lines", "print_comparison"]

TOTALS = ("cpu_s_per_speech_min", "rss_per_session_kib", "rss_kib")
"""Totals that are compared, one number a round each, by their means."""

NEVER = "leak_after_ack"
"""Totals of which a single one is a fault, whatever the noise: the acknowledgement was a lie."""

FAULTS = ("unanswered", "failed", "lost")
LEAST_FAULTS = 5
"""How many faults are no chance: of faults as likely in both runs, so many fall into the new one alone once in 32."""

UNHEARD = {"audio_late_ms": 1.0}
"""Milliseconds below which nobody hears how late a frame was: a ratio of two such figures would alarm for nothing."""

BUSY = 0.5
"""A load average, for each core, that began a run on a machine where something else was running."""

ANSWERS = {True: "yes", False: "no", None: "not recorded"}

STAMPED = ("llm_close_ms", "tts_close_ms", "stt_close_ms", "closed_after_ack_ms", "wasted_tokens", "wasted_audio_ms")
"""Figures that rest on the stamps of connections' ends; other stamps make other figures of them."""

NAMED = 3
"""How many figures the first line names; the table has the rest."""

Place = tuple[str, str]
"""A case and a target."""


@frozen
class Change:
    """One figure of one target in one case, in both runs.

    Args:
        case: Such as ``streaming-50``.
        target: Which system.
        figure: Its name.
        statistic: ``p50``, ``p99`` or ``mean``.
        old: As it was measured then.
        new: As it was measured now.
        verdict: How it changed; there the machine's part has been taken out.
    """

    case: str
    target: str
    figure: str
    statistic: str
    old: float
    new: float
    verdict: Verdict


@frozen
class Comparison:
    """Two runs side by side.

    Args:
        judged: The targets that `slower` and the first line are about.
        floor: The figure of the machine's floor, old and new; None if a run has none.
        scale: How much slower the machine itself had become.
        changes: Every figure that both runs have, in the order of the new run.
        faults: What a judged target began to do wrong.
        warnings: Why to doubt it.
        capacity: How many sessions a core held; one search each, so that nobody can tell its noise.
        apart: What only one run has.
        refused: Why nothing was compared, or empty.
    """

    judged: tuple[str, ...]
    scale: float = 1.0
    floor: tuple[float, float] | None = None
    changes: tuple[Change, ...] = ()
    faults: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    capacity: tuple[str, ...] = ()
    apart: tuple[str, ...] = ()
    refused: str = ""

    def said(self, *words: Word, judged: bool = True) -> list[Change]:
        """Return the changes with one of those verdicts, of the judged targets or of the others; the largest first."""
        found = [it for it in self.changes if it.verdict.word in words and (it.target in self.judged) is judged]
        return sorted(found, key=lambda change: -abs(log(change.verdict.ratio)))

    @property
    def slower(self) -> bool:
        """Whether a judged target got slower beyond noise, costs more, or began to fail."""
        return bool(self.faults or self.said("slower"))

    @property
    def empty(self) -> bool:
        """Whether nothing can be said of the judged targets: no figure in common, and no fault."""
        return bool(self.refused) or not (self.faults or any(it.target in self.judged for it in self.changes))

    @property
    def headline(self) -> str:
        """The verdict in one sentence."""
        if self.refused:
            return f"nothing was compared: {self.refused}"
        return "; ".join([*self.faults, self._figures()])

    def _figures(self) -> str:
        """Return what is to be said of the judged targets' figures."""
        if not any(change.target in self.judged for change in self.changes):
            return f"nothing was compared: the runs have no figure of {' and '.join(self.judged)} in common"
        slower = self.said("slower")
        if not slower:
            return "nothing got slower beyond noise"
        figures = "1 figure" if len(slower) == 1 else f"{len(slower)} figures"
        return f"{figures} got slower beyond noise: {_named(slower, len(self.judged) > 1)}"

    @property
    def suspects(self) -> list[Change]:
        """The figures of judged targets that would be called slower if nobody had looked at so many; worst first."""
        return [it for it in self.said("unclear") if it.verdict.why == ONE_OF_MANY and it.verdict.ratio > 1]


def compare_results(old: Results, new: Results, *, judged: Collection[str] = (SUBJECT,)) -> Comparison:
    """Compare every figure that two runs have in common.

    Of each distribution the median and the 99th percentile are compared (the mean in place of a median that is 0 for
    nearly everybody), and processor time and memory by their means. Rounds that had a problem are left out. By
    `discount` at most 5 % of the changes named are false alarms: among the judged targets, and among the others.

    Args:
        old: What is compared with.
        new: What is judged.
        judged: Targets; the others are shown, too, but don't count.
    """
    if refused := _refusal(old, new):
        return Comparison(tuple(judged), refused=refused)
    floor, scale = _floor(old, new)
    before, after = _sound(old.slots), _sound(new.slots)
    common = [place for place in after if place in before and place[1] not in FLOORS]
    changes = [
        change
        for place in common
        for change in _changes(before[place], after[place], scale)
        if change.figure not in STAMPED or old.machine.kernel_stamps == new.machine.kernel_stamps
    ]
    for ours in (True, False):
        found = {at: it.verdict for at, it in enumerate(changes) if (it.target in judged) is ours}
        for at, verdict in discount(found).items():
            changes[at] = evolve(changes[at], verdict=verdict)
    faults = [fault for target in judged for fault in _faults(old, new, target)]
    warnings = [*_doubts(old, new), *_left_out("old", old), *_left_out("new", new)]
    if floor is None:
        warnings.append("a run has no floor: how much the machine itself moved is unknown")
    return Comparison(
        judged=tuple(judged),
        scale=scale,
        floor=floor,
        changes=tuple(changes),
        faults=tuple(faults),
        warnings=tuple(warnings),
        capacity=tuple(line for target in judged for line in _capacity(old, new, target)),
        apart=tuple(_apart(before, after)),
    )


def comparison_lines(comparison: Comparison) -> list[str]:
    """Return a comparison in words: the verdict, how the machine moved, what to doubt, what is missing."""
    lines = [comparison.headline]
    if comparison.refused:
        return lines
    if comparison.floor is not None:
        was, is_now = comparison.floor
        lines.append(f"the machine itself: echo_ms p50 {was:.3f} -> {is_now:.3f} ms ({comparison.scale - 1:+.0%})")
    words = Counter(change.verdict.word for change in comparison.changes if change.target in comparison.judged)
    order: tuple[Word, ...] = ("slower", "faster", "same", "unclear")
    lines.append(f"{', '.join(comparison.judged)}: " + ", ".join(f"{words[word]} {word}" for word in order))
    if suspects := comparison.suspects:
        named = _named(suspects, len(comparison.judged) > 1)
        lines.append(f"suspected, though among so many figures chance would do it: {named}")
    return [*lines, *comparison.capacity, *(f"warning: {text}" for text in comparison.warnings), *comparison.apart]


def print_comparison(comparison: Comparison, console: Console) -> None:
    """Print the verdict, then every figure that changed beyond noise, the worst first."""
    first, *others = comparison_lines(comparison)
    console.print(
        printable(first),
        style="bold red" if comparison.slower else "bold",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
    for line in others:
        console.print(printable(line), markup=False, highlight=False, soft_wrap=True)
    rows = [
        *comparison.said("slower"),
        *comparison.said("faster"),
        *comparison.said("slower", "faster", judged=False),
    ]
    if not rows:
        return
    table = Table("case", "target", "figure", title="Changed beyond noise, without the machine's part", box=None)
    for heading in ("old", "new", "new / old", "95 %"):
        table.add_column(heading, justify="right")
    table.add_column("")
    for it in rows:
        verdict = it.verdict
        span = f"{verdict.low:.2f} .. {verdict.high:.2f}"
        values = (number(it.old), number(it.new), f"{verdict.ratio:.2f}", span)
        words = (it.case, it.target, f"{it.figure} {it.statistic}", *values, verdict.word)
        table.add_row(*(Text(printable(word)) for word in words))
    console.print(table)


def _named(changes: Sequence[Change], with_target: bool) -> str:
    """Return the first of some changes in words."""
    named = [
        f"{it.figure} {it.statistic} of {f'{it.target} in ' * with_target}{it.case} by {_percent(it.verdict.ratio)}"
        for it in changes[:NAMED]
    ]
    return ", ".join(named) + (f" and {len(changes) - NAMED} more" if len(changes) > NAMED else "")


def _percent(ratio: float) -> str:
    """Return by how much a ratio above 1 is more; beyond ten times a percentage says nothing."""
    return f"{ratio - 1:.0%}" if ratio < 10 else f"{number(ratio)} times"


def _refusal(old: Results, new: Results) -> str:
    """Return why the runs can't be compared: no floor makes up for another processor."""
    one, other = old.machine, new.machine
    if one.cpu != other.cpu:
        return f"another processor: {one.cpu} -> {other.cpu}"
    return f"another machine: {one.cores} -> {other.cores} cores" if one.cores != other.cores else ""


def _doubts(old: Results, new: Results) -> Iterator[str]:
    """Yield what differs, and may be why the figures do."""
    if old.mode != new.mode:
        yield f"another mode: {old.mode} -> {new.mode}"
    if old.machine.system != new.machine.system:
        yield f"another system: {old.machine.system} -> {new.machine.system}"
    for what, then, now in (
        ("the generator a real-time process", old.machine.generator_first, new.machine.generator_first),
        ("ends of connections stamped by the kernel", old.machine.kernel_stamps, new.machine.kernel_stamps),
    ):
        if then != now:
            yield f"{what}: {ANSWERS[then]} -> {ANSWERS[now]}"
    if old.machine.kernel_stamps != new.machine.kernel_stamps:
        yield f"stamped otherwise, and left out: {', '.join(STAMPED)}"
    for name, results in (("old", old), ("new", new)):
        if results.machine.load > BUSY * results.machine.cores:
            yield f"the machine was busy before the {name} run: load average {results.machine.load:.2f}"
    for target, info in new.targets.items():
        was = old.targets[target].versions if target in old.targets else {}
        for package, version in info.versions.items():
            # voxint's own version is what is compared
            if package != SUBJECT and was.get(package, version) != version:
                yield f"{target} with another {package}: {was[package]} -> {version}"


def _floor(old: Results, new: Results) -> tuple[tuple[float, float] | None, float]:
    """Return the floor's figure in both runs, and their ratio: geometric means over the cases that both have."""
    measured = ({slot.target for slot in results.slots} for results in (old, new))
    both = set.intersection(*measured)
    name = next((name for name in FLOORS if name in both), None)
    echoes = []
    for results in (old, new):
        slots = _sound(slot for slot in results.slots if slot.target == name)
        found = {case: _figure(rounds, "echo_ms") for (case, _), rounds in slots.items()}
        echoes.append({case: echo.percentile(50) for case, echo in found.items() if echo.count})
    before, after = echoes
    common = [case for case in after if case in before and before[case] > 0 and after[case] > 0]
    if not common:
        return None, 1.0
    was, is_now = (exp(sum(log(echo[case]) for case in common) / len(common)) for echo in (before, after))
    return (was, is_now), is_now / was


def _sound(slots: Iterable[Slot]) -> dict[Place, list[Slot]]:
    """Return the rounds without problems of each target in each case."""
    found: dict[Place, list[Slot]] = {}
    for slot in slots:
        if not slot.problems:
            found.setdefault((slot.case, slot.target), []).append(slot)
    return found


def _figure(slots: Iterable[Slot], name: str) -> Distribution:
    return Distribution.decode_all(slot.figures[name] for slot in slots if name in slot.figures)


def _total(slots: Iterable[Slot], name: str) -> Distribution:
    return Distribution.joined(Distribution.of([slot.totals[name]]) for slot in slots if name in slot.totals)


def _changes(old: Sequence[Slot], new: Sequence[Slot], scale: float) -> Iterator[Change]:
    """Yield every figure that a target has in a case of both runs."""
    readers: dict[str, Callable[[Iterable[Slot], str], Distribution]] = {}
    readers.update(dict.fromkeys(dict.fromkeys(name for slot in new for name in slot.figures), _figure))
    readers.update(dict.fromkeys(TOTALS, _total))
    for figure, read in readers.items():
        before, after = read(old, figure), read(new, figure)
        if not (before.count and after.count):
            continue
        moves = scale if figure.endswith("_ms") or figure.startswith("cpu_") else 1.0
        for name, statistic in _statistics(figure, before, after).items():
            verdict = compare(before, after, statistic, scale=moves)
            was, is_now = before.at(statistic), after.at(statistic)
            if max(was, is_now) < UNHEARD.get(figure, 0):
                verdict = evolve(verdict, word="same", chance=1.0, why="too little to be heard")
            yield Change(new[0].case, new[0].target, figure, name, was, is_now, verdict)


def _statistics(figure: str, old: Distribution, new: Distribution) -> Mapping[str, Statistic]:
    if figure in TOTALS:
        return {"mean": "mean"}
    silent = figure in AVERAGED or not (old.percentile(50) and new.percentile(50))
    return {"mean": "mean", "p99": 99} if silent else {"p50": 50, "p99": 99}


def _faults(old: Results, new: Results, target: str) -> Iterator[str]:
    """Yield what never went wrong in the old run and does now; here rounds with problems count, too."""

    def total(results: Results, case: str, name: str) -> float:
        mine = (slot for slot in results.slots if (slot.case, slot.target) == (case, target))
        return sum(slot.totals.get(name, 0.0) for slot in mine)

    for case in dict.fromkeys(slot.case for slot in new.slots if slot.target == target):
        for name, least in ((NEVER, 1), *((name, LEAST_FAULTS) for name in FAULTS)):
            if not total(old, case, name) and (count := total(new, case, name)) >= least:
                yield f"{target} in {case}: {name} 0 -> {count:.0f}"


def _capacity(old: Results, new: Results, target: str) -> Iterator[str]:
    for figure, found in new.capacity.items():
        was = old.capacity.get(figure, {})
        if target in found and target in was:
            texts = [
                f"{'≥ ' if target in run.at_least.get(figure, ()) else ''}{number(run.capacity[figure][target])}"
                for run in (old, new)
            ]
            values = " -> ".join(texts)
            yield f"{figure} of {target}: {values} (one search each, no verdict)"


def _left_out(run: str, results: Results) -> Iterator[str]:
    """Yield, for each target, which rounds were left out and why."""
    targets = dict.fromkeys(slot.target for slot in results.slots if slot.problems)
    for target in targets:
        bad = [slot for slot in results.slots if slot.problems and slot.target == target]
        cases = Counter(slot.case for slot in bad)
        where = ", ".join(f"{count} of {case}" for case, count in cases.items())
        yield f"rounds of {target} left out of the {run} run: {where} ({bad[0].problems[0]})"


def _apart(before: Mapping[Place, object], after: Mapping[Place, object]) -> Iterator[str]:
    """Yield, for each target, the cases that only one run has sound rounds of."""
    for run, mine, others in (("old", before, after), ("new", after, before)):
        cases: dict[str, list[str]] = {}
        for case, target in mine:
            if (case, target) not in others:
                cases.setdefault(target, []).append(case)
        for target, names in cases.items():
            yield f"only in the {run} run: {target}: {', '.join(names)}"
