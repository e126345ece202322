from __future__ import annotations

import pytest
from attrs import evolve

from bench.ramp import CAPACITIES
from bench.report.names import LOAD_OF
from bench.report.summary import Row, held, summarize
from bench.schema import Results, Slot
from tests.bench.make_results import encoded, make_results, make_slot, only


def row_of(results: Results, target: str) -> Row:
    """Return a target's row in the first case."""
    row = summarize(results).cases[0].row(target)
    assert row is not None
    return row


def run_of(*slots: Slot) -> Results:
    """Return a run of those slots."""
    return evolve(make_results((), rounds=0), slots=slots)


def with_figures(target: str, **figures: list[float]) -> Slot:
    """Return a slot with those values."""
    encoded_figures = {name: encoded(values) for name, values in figures.items()}
    return evolve(make_slot("streaming-1", target, count=0), figures=encoded_figures)


def test_ratios_are_percentile_to_percentile() -> None:
    """To the floor's echo and to voxint's own figure, p50 to p50 and p99 to p99."""
    values = {"echo": 1.0, "voxint": 2.0, "pipecat": 8.0}
    floor = with_figures("echo", echo_ms=[1.0] * 98 + [3.0] * 2)
    voxint = with_figures("voxint", ack_ms=[values["voxint"]] * 98 + [6.0] * 2)
    pipecat = with_figures("pipecat", ack_ms=[values["pipecat"]] * 98 + [12.0] * 2)
    run = run_of(floor, voxint, pipecat)
    assert row_of(run, "voxint").to_floor("ack_ms") == pytest.approx((2, 2), rel=0.002)
    assert row_of(run, "pipecat").to_floor("ack_ms") == pytest.approx((8, 4), rel=0.002)
    assert row_of(run, "pipecat").to_subject("ack_ms") == pytest.approx((4, 2), rel=0.002)


def test_the_floor_may_come_from_another_case_with_as_many_sessions() -> None:
    """A case in which the floor has no slot is measured by the floor of its number of sessions, and of no other."""
    run = run_of(make_slot("streaming-1", "echo"), make_slot("upload-1", "voxint"), make_slot("mass-50", "voxint"))
    ratios = {case.name: case.rows[-1].to_floor("ack_ms") for case in summarize(run).cases}
    assert ratios["upload-1"] is not None
    assert ratios["mass-50"] is None


@pytest.mark.parametrize(
    ("most", "latest", "mark"),
    [(0.0, 4.9, ""), (0.0, 5.1, "late stamp"), (0.9, 5.1, "late stamp"), (1.1, 4.9, ""), (1.1, 5.1, "early ack")],
)
def test_an_early_acknowledgement_is_told_from_late_stamps(most: float, latest: float, mark: str) -> None:
    """Where most streams end behind it and some long behind, nothing counts; where only some do, they are said."""
    closed = [most] * 95 + [latest] * 5
    row = row_of(run_of(with_figures("flag", ack_ms=[1.0], closed_after_ack_ms=closed)), "flag")
    assert row.early == (mark == "early ack")
    assert row.counts == (not row.early)
    assert [found for found in row.marks if found in ("early ack", "late stamp")] == [mark] * bool(mark)


def test_where_the_kernel_has_the_watch_one_late_end_is_enough() -> None:
    """Its stamps are never late, so that an end behind the acknowledgement is no matter of opinion."""
    closed = [0.0] * 99 + [5.1]
    run = run_of(with_figures("flag", ack_ms=[1.0], closed_after_ack_ms=closed))
    stamped = tuple(evolve(slot, totals={**slot.totals, "unstamped": 0.0}) for slot in run.slots)
    exact = evolve(run, slots=stamped)
    assert row_of(run, "flag").marks == ("late stamp",)
    assert row_of(exact, "flag").marks == ("early ack",)
    assert not row_of(exact, "flag").counts


def test_what_no_upstream_saw_is_unproven_and_not_compared() -> None:
    """Where the model could not be connected to, anybody can say that it has stopped."""
    row = row_of(run_of(with_figures("flag", ack_ms=[1.0])), "flag")
    assert row.marks == ("unproven",)
    assert row.counts
    assert not row.compared


def test_a_capacity_says_what_it_rests_on() -> None:
    """At least so many where the measuring was full first; a star where acknowledgements do not count."""
    closed = [9.0] * 10
    early = with_figures("flag", ack_ms=[1.0], closed_after_ack_ms=closed)
    step = evolve(early, case="capacity-1000", scenario="capacity", sessions=1000)
    beyond = evolve(step, target="voxint", case="capacity-1500", sessions=1500)  # not held, whatever it said
    found = {"sessions_per_core": {"voxint": 198.0, "flag": 1200.0}, "idle_sessions": {"voxint": 2000.0}}
    run = evolve(run_of(step, beyond), capacity=found, at_least={"sessions_per_core": ("voxint",)})
    texts = {it.target: it.text for it in held(run, summarize(run), "sessions_per_core")}
    assert texts == {"voxint": "≥ 198", "flag": "1,200 *"}
    assert [it.text for it in held(run, summarize(run), "idle_sessions")] == ["2,000"]
    assert {name: capacity.scenario for name, capacity in CAPACITIES.items()} == LOAD_OF


def test_totals_of_rounds_are_added_averaged_or_the_worst() -> None:
    """Counts are added up, shares averaged, the generator's lag is that of the worst round."""
    slots = [
        evolve(
            make_slot("streaming-1", "voxint", number, count=10),
            totals={
                "interrupts": 10,
                "leak_after_ack": number,
                "cpu_share": 0.1 + number / 10,
                "generator_lag_ms": number,
            },
        )
        for number in range(3)
    ]
    row = row_of(run_of(*slots), "voxint")
    assert row.rounds == 3
    expected = {"interrupts": 30, "leak_after_ack": 3, "cpu_share": pytest.approx(0.2), "generator_lag_ms": 2}
    assert row.totals == expected
    assert not row.counts
    assert "leak 3" in row.marks


def test_cpu_for_a_minute_of_speech_is_all_cpu_over_all_speech() -> None:
    """Rounds with more speech weigh more."""
    made = make_slot("steady-10", "voxint")
    slots = [
        evolve(made, round=at, totals={"cpu_s": cpu, "speech_s": said})
        for at, (cpu, said) in enumerate([(1, 60), (1, 180)])
    ]
    assert row_of(run_of(*slots), "voxint").totals["cpu_s_per_speech_min"] == pytest.approx(0.5)


def test_unanswered_and_problems_are_marked() -> None:
    """A problem that every round had is said once."""
    made = evolve(make_slot("streaming-1", "voxint"), totals={"unanswered": 2.0}, problems=("generator saturated",))
    row = row_of(run_of(made, evolve(made, round=1)), "voxint")
    assert row.marks == ("unanswered 4", "problem")
    assert row.problems == ("generator saturated",)


@pytest.mark.parametrize(("case", "target", "share", "mark"), [
    ("streaming-50", "voxint", 0.676, ("67 % speaking",)),
    ("streaming-50", "voxint", 0.899, ("89 % speaking",)),
    ("streaming-50", "voxint", 0.9, ()),
    ("streaming-50", "echo", 0.0, ()),
    ("upload-10", "voxint", 0.0, ()),
    ("stalled_headers-10", "voxint", 0.0, ()),
    ("slow_reader-10", "voxint", 0.0, ()),
])  # fmt: skip
def test_a_target_that_had_not_begun_to_speak_is_marked(
    case: str, target: str, share: float, mark: tuple[str, ...]
) -> None:
    """Where interrupts are meant to meet speech; a caller that reads nothing can't tell."""
    made = evolve(make_slot(case, target, count=0), totals={"interrupts": 10.0, "speaking_share": share})
    assert row_of(run_of(made), target).marks == mark


def test_what_was_never_interrupted_has_no_share() -> None:
    """The share of nothing is 0, and says nothing."""
    made = evolve(make_slot("streaming-1", "voxint", count=0), totals={"interrupts": 0.0, "speaking_share": 0.0})
    assert row_of(run_of(made), "voxint").marks == ()


def test_the_steps_of_a_ramp_are_no_cases() -> None:
    """Each target has its own, so nobody is missing from them."""
    step = evolve(make_slot("steady-15", "voxint"), case="capacity-15", scenario="capacity")
    summary = summarize(run_of(make_slot("steady-10", "voxint"), step))
    assert [case.name for case in summary.cases] == ["steady-10"]
    assert [(case.name, case.missing) for case in summary.steps] == [("capacity-15", ())]


def test_who_is_absent_or_cannot_is_named_with_the_reason() -> None:
    """A target without a slot never vanishes silently."""
    summary = summarize(only(make_results(("upload-1",), rounds=1), "echo", "voxint", "flag"))
    assert ("pipecat", "not installed: python -m bench install pipecat") in summary.absent
    assert summary.cases[0].missing == (("flag", "no STT"),)


def test_a_figure_without_values_is_no_figure() -> None:
    """A slot of no interrupts has no latency, and no ratio."""
    row = row_of(make_results(("streaming-1",), rounds=1, count=0), "voxint")
    assert row.figures == {}
    assert row.latency is None
    assert row.to_floor("ack_ms") is None
