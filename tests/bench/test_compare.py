"""Two runs side by side, made up so that the truth is known."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import numpy as np
import pytest
from attrs import evolve
from rich.console import Console

from bench.compare import Comparison, compare_results, comparison_lines, print_comparison
from bench.schema import Machine, Results, Slot, TargetInfo
from voxint.measure.distribution import Distribution

MACHINE = Machine("Linux 6.1", "a processor", 2, 4000, 0.1)
TARGETS = {"echo": TargetInfo(), "voxint": TargetInfo({"python": "3.11", "voxint": "0.4"}), "peer": TargetInfo()}
MEDIANS = {"echo": {"echo_ms": 0.3}, "voxint": {"ack_ms": 2.0, "next_text_ms": 24.0}, "peer": {"ack_ms": 9.0}}


def make_run(
    seed: int,
    factors: Mapping[str, float] | None = None,
    *,
    cases: Iterable[str] = ("streaming-1", "streaming-10"),
    rounds: int = 5,
    totals: Mapping[str, float] | None = None,
) -> Results:
    """Return a run; `factors` multiply a figure of a target, as in ``voxint ack_ms``, and ``*`` every other one."""
    random, factors = np.random.default_rng(seed), factors or {}

    def measure(target: str, name: str, median: float) -> str:
        factor = factors.get(f"{target} {name}", factors.get("*", 1.0))
        drift = 0.02 * random.normal()
        return Distribution.of(median * factor * np.exp(drift + random.normal(0, 0.3, 200))).encode()

    slots = []
    for case in cases:
        for number in range(rounds):
            for target, medians in MEDIANS.items():
                figures = {name: measure(target, name, median) for name, median in medians.items()}
                used = {"cpu_s_per_speech_min": 0.24 + 0.002 * random.normal(), "rss_kib": 90_000.0, **(totals or {})}
                slots.append(Slot(case, "streaming", 1, target, number, 10.0, figures, used))
    return Results("full", "2026-03-01T12:00:00Z", "0123456", MACHINE, TARGETS, tuple(slots))


def change_slots(results: Results, which: Callable[[Slot], bool], change: Callable[[Slot], Slot]) -> Results:
    """Return a run in which some slots are changed."""
    return evolve(results, slots=tuple(change(slot) if which(slot) else slot for slot in results.slots))


def slower_figures(comparison: Comparison) -> set[tuple[str, str, str]]:
    """Return the case, figure and statistic of what got slower in the judged targets."""
    return {(change.case, change.figure, change.statistic) for change in comparison.said("slower")}


def test_two_runs_of_the_same_are_the_same() -> None:
    """Nothing is named, though no two numbers agree."""
    for seed in range(5):
        comparison = compare_results(make_run(2 * seed), make_run(2 * seed + 1))
        assert not comparison.slower, comparison.headline
        assert comparison.headline == "nothing got slower beyond noise"
        assert comparison.warnings == comparison.apart == ()


def test_what_got_slower_is_named_first() -> None:
    """With its case, its percentile and by how much."""
    new = make_run(2, {"voxint ack_ms": 1.5})
    comparison = compare_results(make_run(1), new)
    assert comparison.slower
    assert {("streaming-1", "ack_ms", "p50"), ("streaming-10", "ack_ms", "p50")} <= slower_figures(comparison)
    assert {figure for _, figure, _ in slower_figures(comparison)} == {"ack_ms"}
    assert "got slower beyond noise: ack_ms p" in comparison.headline
    assert all(1.3 < change.verdict.ratio < 1.7 for change in comparison.said("slower"))
    assert [change.verdict.word for change in compare_results(new, make_run(1)).said("faster")]


def test_a_peer_that_got_slower_is_shown_but_does_not_count() -> None:
    """Unless it is the one that is judged."""
    old, new = make_run(1), make_run(2, {"peer ack_ms": 1.5})
    comparison = compare_results(old, new)
    assert not comparison.slower
    assert {change.target for change in comparison.said("slower", judged=False)} == {"peer"}
    both = compare_results(old, new, judged=("voxint", "peer"))
    assert both.slower
    assert "of peer in streaming-" in both.headline


def test_a_slower_machine_is_told_and_taken_out() -> None:
    """Where everything takes half as long again, the floor included, nothing got slower."""
    comparison = compare_results(make_run(1), make_run(2, {"*": 1.5}))
    assert comparison.scale == pytest.approx(1.5, rel=0.05)
    assert not comparison.slower
    machine = next(line for line in comparison_lines(comparison) if line.startswith("the machine itself"))
    assert machine.endswith("%)")
    assert 40 < int(machine.rpartition("(+")[2].removesuffix("%)")) < 60


def test_processor_time_and_memory_are_compared() -> None:
    """One number a round, and memory doesn't depend on how fast the machine is."""
    new = make_run(2, totals={"cpu_s_per_speech_min": 0.36, "rss_kib": 120_000.0})
    changes = compare_results(make_run(1), new).said("slower")
    assert {change.figure for change in changes} == {"cpu_s_per_speech_min", "rss_kib"}
    assert {change.statistic for change in changes} == {"mean"}
    faster_machine = compare_results(make_run(1), make_run(2, {"*": 0.5}, totals={"rss_kib": 90_000.0}))
    memory = [change for change in faster_machine.changes if change.figure == "rss_kib"]
    assert {change.verdict.word for change in memory} == {"same"}


def test_what_chance_would_do_among_many_is_suspected() -> None:
    """A change that would be named alone, but not as one of 60 figures, is told apart from the verdict."""
    cases = [f"case-{number}" for number in range(10)]
    slow = make_run(4, {"voxint ack_ms": 1.14}, cases=["case-0"])
    calm = make_run(2, cases=cases)
    new = evolve(calm, slots=tuple(slot for slot in calm.slots if slot.case != "case-0") + slow.slots)
    comparison = compare_results(make_run(1, cases=cases), new)
    assert not comparison.slower
    assert {(change.case, change.figure) for change in comparison.suspects} == {("case-0", "ack_ms")}
    assert any("suspected" in line and "ack_ms p50 of case-0 by " in line for line in comparison_lines(comparison))


@pytest.mark.parametrize("machine", [evolve(MACHINE, cpu="another"), evolve(MACHINE, cores=4)])
def test_another_machine_is_refused(machine: Machine) -> None:
    """No floor makes up for another processor."""
    comparison = compare_results(make_run(1), evolve(make_run(2), machine=machine))
    assert comparison.refused
    assert not comparison.slower
    assert comparison_lines(comparison) == [comparison.headline]
    assert comparison.headline.startswith("nothing was compared: another ")


def test_what_may_explain_a_change_is_told() -> None:
    """Mode, system, load and versions; but not voxint's own version, which is what is compared."""
    targets = {**TARGETS, "voxint": TargetInfo({"python": "3.12", "voxint": "0.5"})}
    machine = evolve(MACHINE, system="Linux 6.8", load=1.7, generator_first=True, kernel_stamps=False)
    new = evolve(make_run(2), mode="quick", machine=machine, targets=targets)
    assert compare_results(make_run(1), new).warnings == (
        "another mode: full -> quick",
        "another system: Linux 6.1 -> Linux 6.8",
        "the generator a real-time process: not recorded -> yes",
        "ends of connections stamped by the kernel: not recorded -> no",
        "stamped otherwise, and left out: llm_close_ms, tts_close_ms, stt_close_ms, closed_after_ack_ms, "
        "wasted_tokens, wasted_audio_ms",
        "the machine was busy before the new run: load average 1.70",
        "voxint with another python: 3.11 -> 3.12",
    )


def test_a_run_without_its_floor_is_compared_as_it_is() -> None:
    """And says that nobody knows how the machine moved."""
    new = make_run(2, {"*": 2.0})
    comparison = compare_results(make_run(1), evolve(new, slots=tuple(it for it in new.slots if it.target != "echo")))
    assert (comparison.floor, comparison.scale) == (None, 1.0)
    assert "a run has no floor: how much the machine itself moved is unknown" in comparison.warnings
    assert comparison.slower


def test_what_only_one_run_has_is_listed() -> None:
    """In either direction, for each target."""
    old, new = make_run(1, cases=("a", "b")), make_run(2, cases=("b", "c", "d"))
    apart = compare_results(old, new).apart
    assert "only in the old run: voxint: a" in apart
    assert "only in the new run: voxint: c, d" in apart
    nothing = compare_results(make_run(1, cases=("a",)), make_run(2, cases=("b",)))
    assert nothing.headline == "nothing was compared: the runs have no figure of voxint in common"
    assert nothing.empty
    assert not compare_results(old, new).empty


def test_rounds_with_problems_are_left_out() -> None:
    """They measured something else, and the reader is told."""
    slow = make_run(2, {"voxint ack_ms": 9.0})
    broken = {(slot.case, slot.round): slot for slot in slow.slots if slot.target == "voxint" and slot.round < 2}
    new = change_slots(
        make_run(2),
        lambda slot: slot.target == "voxint" and slot.round < 2,
        lambda slot: evolve(broken[slot.case, slot.round], problems=("generator saturated",)),
    )
    comparison = compare_results(make_run(1), new)
    assert not comparison.slower
    assert comparison.warnings == (
        "rounds of voxint left out of the new run: 2 of streaming-1, 2 of streaming-10 (generator saturated)",
    )


@pytest.mark.parametrize(
    ("name", "count", "fault"), [("leak_after_ack", 1, True), ("failed", 1, False), ("lost", 5, True)]
)
def test_a_new_fault_is_worse_than_slowness(name: str, count: int, fault: bool) -> None:
    """One frame after the acknowledgement suffices; of what may happen once by chance it takes some."""
    new = change_slots(
        make_run(2),
        lambda slot: (slot.case, slot.target, slot.round) == ("streaming-1", "voxint", 0),
        lambda slot: evolve(slot, totals={**slot.totals, name: float(count)}, problems=("it went wrong",)),
    )
    comparison = compare_results(make_run(1), new)
    assert comparison.slower is fault
    assert comparison.headline.startswith(f"voxint in streaming-1: {name} 0 -> {count}; ") is fault
    assert not compare_results(new, new).faults


def test_figures_that_are_mostly_zero_are_compared_by_their_mean() -> None:
    """Their median is 0 for everybody and says nothing; and lateness that nobody hears is no slowness."""

    def with_figures(results: Results, stale: float, late: float) -> Results:
        figures = {
            "stale_audio_ms": Distribution.of([0.0] * 90 + [stale] * 60).encode(),
            "audio_late_ms": Distribution.of([late] * 150).encode(),
        }
        return change_slots(results, lambda _: True, lambda slot: evolve(slot, figures={**slot.figures, **figures}))

    comparison = compare_results(with_figures(make_run(1), 40, 0.1), with_figures(make_run(2), 80, 0.5))
    changes = comparison.said("slower")
    assert {change.figure for change in changes} == {"stale_audio_ms"}
    assert {change.statistic for change in changes} == {"mean", "p99"}


def test_capacities_are_shown_without_a_verdict() -> None:
    """Each is one search, whose noise nobody knows."""
    old, new = (evolve(make_run(1), capacity={"sessions_per_core": {"voxint": value}}) for value in (150.0, 120.0))
    assert compare_results(old, new).capacity == (
        "sessions_per_core of voxint: 150 -> 120 (one search each, no verdict)",
    )


def test_the_table_shows_what_changed() -> None:
    """Old and new as measured, the ratio with its interval, and the verdict; without changes there is no table."""
    console = Console(width=140)
    with console.capture() as printed:
        print_comparison(compare_results(make_run(1), make_run(2, {"voxint ack_ms": 1.5})), console)
    text = printed.get()
    assert "got slower beyond noise" in text.splitlines()[0]
    assert any(line.split()[:4] == ["streaming-1", "voxint", "ack_ms", "p50"] for line in text.splitlines())
    with console.capture() as printed:
        print_comparison(compare_results(make_run(1), make_run(1)), console)
    assert "new / old" not in printed.get()
