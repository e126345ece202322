"""Student's t distribution, against the tables of any textbook."""

from __future__ import annotations

import pytest

from voxint.measure.student_t import t_beyond, t_within


@pytest.mark.parametrize(
    ("freedom", "distance"), [(1, 12.706), (2, 4.303), (3, 3.182), (4, 2.776), (5, 2.571), (10, 2.228), (30, 2.042)]
)
def test_the_table_of_95_per_cent(freedom: int, distance: float) -> None:
    """The distances are those of the tables, and the two functions undo each other."""
    assert t_within(0.95, freedom) == pytest.approx(distance, abs=5e-4)
    assert t_beyond(distance, freedom) == pytest.approx(0.05, rel=1e-3)


def test_no_distance_is_always_exceeded() -> None:
    """And one that is huge never is."""
    assert t_beyond(0.0, 4) == 1.0
    assert t_beyond(1e6, 40) == 0.0


def test_many_degrees_are_the_normal_distribution() -> None:
    """Nearly, as for one round of thousands of values."""
    assert t_within(0.95, 100_000) == pytest.approx(1.96, rel=0.01)
