"""A run on disk."""

from __future__ import annotations

from pathlib import Path

import pytest
from attrs import evolve

from bench.schema import Machine, Results, Slot, TargetInfo, load
from bench.store import SLOTS, Store

FRESH = Results("full", "2026-01-01T00:00:00+00:00", "abc", Machine("Linux", "a cpu", 2, 1024, 0.1), {}, ())
SLOT = Slot("streaming-1", "streaming", 1, "voxint", 0, 10.0, {"ack_ms": "..."}, {"interrupts": 3.0})


def filled(folder: Path) -> None:
    """Leave a run of one slot in a folder."""
    store = Store(folder, FRESH, resume=False)
    store.know({"voxint": TargetInfo(versions={"trio": "1"})})
    store.add(SLOT)
    store.capacity("sessions_per_core", "voxint", 90.0, at_least=False)
    store.close()


def test_a_run_is_resumed_with_all_it_had(tmp_path: Path) -> None:
    """Slots, targets and capacities come back, and what is there is known to be."""
    filled(tmp_path)
    store = Store(tmp_path, evolve(FRESH, began="later"), resume=True)
    store.close()
    assert store.has("streaming-1", "voxint", 0)
    assert not store.has("streaming-1", "voxint", 1)
    assert store.results == evolve(
        FRESH,
        slots=(SLOT,),
        targets={"voxint": TargetInfo(versions={"trio": "1"})},
        capacity={"sessions_per_core": {"voxint": 90.0}},
    )


def test_a_line_that_was_cut_off_is_measured_again(tmp_path: Path) -> None:
    """A power cut in the middle of a write costs that slot and nothing else, and the next one stands alone."""
    filled(tmp_path)
    with (tmp_path / SLOTS).open("ab") as file:
        file.write(b'{"case":"streaming-1","sc')
    store = Store(tmp_path, FRESH, resume=True)
    assert store.results.slots == (SLOT,)
    store.add(evolve(SLOT, round=1))
    store.close()
    again = Store(tmp_path, FRESH, resume=True)
    again.close()
    assert [slot.round for slot in again.results.slots] == [0, 1]


def test_a_folder_with_a_run_is_not_overwritten(tmp_path: Path) -> None:
    """Hours of measuring are not lost to a repeated command."""
    filled(tmp_path)
    with pytest.raises(ValueError, match="--resume"):
        Store(tmp_path, FRESH, resume=False)


@pytest.mark.parametrize("other", [evolve(FRESH, commit="def"), evolve(FRESH, mode="quick")])
def test_two_runs_are_not_mixed(tmp_path: Path, other: Results) -> None:
    """Slots of another commit or mode can't be compared with those that are there."""
    filled(tmp_path)
    with pytest.raises(ValueError, match="can't be one run"):
        Store(tmp_path, other, resume=True)


def test_the_whole_run_is_one_file(tmp_path: Path) -> None:
    """The result file holds the slots too, and is read back as it was."""
    filled(tmp_path)
    store = Store(tmp_path, FRESH, resume=True)
    path = store.finish()
    store.close()
    assert load(path) == store.results


def test_a_file_that_is_no_result_is_refused(tmp_path: Path) -> None:
    """The error names the file."""
    path = tmp_path / "x.json"
    path.write_text('{"mode": 3}')
    with pytest.raises(ValueError, match=r"x\.json"):
        load(path)
