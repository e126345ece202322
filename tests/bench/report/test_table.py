from __future__ import annotations

import io

import pytest
from attrs import evolve
from rich.console import Console

from bench.report.table import print_tables
from bench.schema import Results
from tests.bench.make_results import CASES, STEADY, make_results, make_slot, only


def printed(results: Results) -> str:
    """Return what is printed, whatever the width of the terminal."""
    written = io.StringIO()
    print_tables(results, Console(file=written, width=60))
    return written.getvalue()


def test_every_case_has_its_table_within_120_columns() -> None:
    """With many values and few, nothing is cut off or wrapped away."""
    for count in (60, 300):
        text = printed(make_results(rounds=1, count=count))
        assert max(len(line.rstrip()) for line in text.splitlines()) <= 120
        assert "…" not in text
        for case in CASES + STEADY:
            assert f"{case}, 1 round" in text


def test_what_does_not_count_is_shown_as_such() -> None:
    """The mark stands in the row, and its meaning below the table."""
    text = printed(make_results(("streaming-1",), rounds=1))
    flag = next(line for line in text.splitlines() if line.startswith(" flag"))
    assert flag.rstrip().endswith("early ack")
    assert "early ack: a connection to an upstream ended over 5 ms" in text


def test_what_the_machine_did_not_permit_is_said() -> None:
    """Stamps that may be late and a generator that had to wait are told beside the machine; what was granted is not."""
    made = make_results(("streaming-1",), rounds=1)
    denied = evolve(made, machine=evolve(made.machine, generator_first=False, kernel_stamps=False))
    granted = evolve(made, machine=evolve(made.machine, generator_first=True, kernel_stamps=True))
    for words in ("no real-time process", "stamped the ends of their connections themselves"):
        assert words in " ".join(printed(denied).split())
        assert words not in " ".join(printed(granted).split())


def test_a_late_target_is_marked() -> None:
    """With its share in the row, and what that means below the table."""
    run = only(make_results(("streaming-1",), rounds=1), "voxint")
    slots = tuple(evolve(slot, totals={**slot.totals, "speaking_share": 0.42}) for slot in run.slots)
    text = printed(evolve(run, slots=slots))
    assert next(line for line in text.splitlines() if line.startswith(" voxint")).rstrip().endswith("42 % speaking")
    assert "% speaking: only so many interrupts" in text
    assert max(len(line.rstrip()) for line in text.splitlines()) <= 120


def test_a_ramp_has_one_table() -> None:
    """What it found, not what it went through; a step that was disturbed is named below it."""
    run = make_results(("steady-10",), rounds=1)
    steps = [
        evolve(make_slot("steady-15", "voxint"), case=f"{scenario}-15", scenario=scenario, problems=problems)
        for scenario, problems in (("capacity", ("generator saturated",)), ("upload_capacity", ()), ("idle", ()))
    ]
    text = printed(evolve(run, slots=(*run.slots, *steps)))
    assert "Sessions speaking at once on one core" in text
    assert [line.strip() for line in text.splitlines() if "-15" in line] == ["voxint, capacity-15: generator saturated"]


def test_the_floor_measures_itself() -> None:
    """Its echo stands where others have their acknowledgement, at a ratio of one."""
    text = printed(make_results(("streaming-1",), rounds=1))
    echo = next(line for line in text.splitlines() if line.startswith(" echo (floor)"))
    assert echo.rstrip().endswith("1/1")


def test_problems_and_absences_are_said() -> None:
    """With the target's name, and as plain text: brackets are no markup."""
    run = only(make_results(("upload-1",), rounds=1), "echo", "voxint", "flag")
    slots = tuple(evolve(slot, problems=("generator [red]saturated",)) for slot in run.slots)
    text = printed(evolve(run, slots=slots))
    assert "voxint: generator [red]saturated" in text
    assert "flag is missing: no STT" in text
    assert "pipecat is absent: not installed" in text


@pytest.mark.parametrize("count", [0, 1, 3])
def test_hardly_anything_is_still_a_table(count: int) -> None:
    """Percentiles that so few values can't have are marked; no values are a dash."""
    text = printed(only(make_results(("streaming-1",), rounds=1, count=count), "voxint"))
    assert ("too few values" in text) == (count > 0)


def test_nothing_is_said_to_be_nothing() -> None:
    """A run without slots has no tables, but says where it ran."""
    text = printed(make_results((), rounds=0))
    assert "Nothing was measured." in text
    assert "540e17d+" in text
