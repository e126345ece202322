from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from voxint.server.buckets import DAY_S, Bucket, DayUse, Rate


def test_a_burst_and_then_the_rate() -> None:
    """Three at once, and then one each two seconds."""
    bucket = Bucket.full(Rate(30, 3))
    for _ in range(3):
        assert bucket.wait_s(0) == 0
        bucket = bucket.take(0)
    assert bucket.wait_s(0) == 2
    assert bucket.wait_s(1.5) == 0.5
    assert bucket.wait_s(2) == 0
    assert bucket.take(2).wait_s(2) == 2


def test_a_debt_is_paid_off_first() -> None:
    """Where it is known afterwards how much was taken, what was taken too much is waited for."""
    bucket = Bucket.full(Rate(60, 2)).take(0, 5)
    assert bucket.wait_s(0) == 4
    assert not bucket.is_full(4)
    assert bucket.is_full(5)


def test_without_a_rate_there_is_no_bound() -> None:
    """0 a minute: as much as anybody wants."""
    bucket = Bucket.full(Rate(0, 0)).take(0, 1e9)
    assert bucket.wait_s(0) == 0
    assert bucket.is_full(0)


@given(
    st.floats(1, 1000), st.integers(1, 50), st.lists(st.floats(0, 5, allow_subnormal=False), min_size=1, max_size=200)
)
def test_never_more_than_the_burst_and_what_came_back(per_minute: float, burst: int, gaps: list[float]) -> None:
    """Whoever takes whenever there is something gets no more than that, whatever the pauses."""
    bucket, now, taken = Bucket.full(Rate(per_minute, burst)), 0.0, 0
    for gap in gaps:
        now += gap
        if not bucket.wait_s(now):
            bucket = bucket.take(now)
            taken += 1
    assert taken <= burst + now * per_minute / 60 + 1e-6


def test_a_day_begins_with_the_first_use() -> None:
    """A budget is back 24 hours after the first that was taken of it, and not at midnight."""
    use = DayUse().add(1000, 60).add(5000, 40)
    assert use.wait_s(6000, 101) == 0
    assert use.wait_s(6000, 100) == DAY_S - 5000
    assert use.wait_s(1000 + DAY_S, 100) == 0
    assert use.add(1000 + DAY_S, 1) == DayUse(1, 1000 + DAY_S)
    assert use.wait_s(6000, 0) == 0
