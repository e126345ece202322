"""Who runs dry soonest comes first; who is dry already, in fair turns; who is cancelled, not at all."""

from __future__ import annotations

import pytest
import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st

from voxint.core.turns import LANE
from voxint.providers._deadline_turns import DeadlineQueue, DeadlineTurns

pytestmark = pytest.mark.virtual_time


def taken(queue: DeadlineQueue[str], now: float) -> list[str]:
    """Take all out of a queue."""
    found = []
    while queue:
        found.append(queue.pop(now))
    return found


def test_who_runs_dry_soonest_comes_first() -> None:
    """Those who have something left to play come by how much, whoever came first and in whatever lane."""
    queue: DeadlineQueue[str] = DeadlineQueue()
    for lane, dry_at in (("a", 5.0), ("a", 3.0), ("b", 4.0)):
        queue.push((lane,), dry_at, f"{lane}{dry_at:g}")
    assert taken(queue, now=1.0) == ["a3", "b4", "a5"]


def test_who_is_dry_comes_before_who_is_not() -> None:
    """A newcomer has nothing to play, and comes before all who have."""
    queue: DeadlineQueue[str] = DeadlineQueue()
    queue.push(("a",), 1.5, "supplied")
    queue.push(("b",), 1.0, "newcomer")
    assert taken(queue, now=1.0) == ["newcomer", "supplied"]


def test_turns_go_round_the_callers_where_all_are_dry() -> None:
    """A caller with many sessions makes its own wait, not another's; and one caller's sessions take turns too."""
    queue: DeadlineQueue[str] = DeadlineQueue()
    for number, lane in enumerate([("many", "x"), ("many", "x"), ("many", "y"), ("one", "z")]):
        queue.push(lane, -1.0, f"{'/'.join(lane)} {number}")
    assert taken(queue, now=0.0) == ["many/x 0", "one/z 3", "many/y 2", "many/x 1"]


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.floats(-5, 5), st.booleans()), max_size=20),
    st.floats(-5, 5),
)
def test_everybody_has_a_turn_but_who_has_left(items: list[tuple[str, float, bool]], now: float) -> None:
    """Whatever the times and the lanes: each comes once, and whoever has left never."""
    queue: DeadlineQueue[str] = DeadlineQueue()
    for number, (lane, dry_at, _) in enumerate(items):
        queue.push((lane,), dry_at, str(number))
    first = [queue.pop(now)] if items else []
    for number, (lane, _, leaves) in enumerate(items):
        if leaves and str(number) not in first:
            queue.remove((lane,), str(number))
    left = {str(number) for number, (_, _, leaves) in enumerate(items) if leaves} - set(first)
    assert sorted(first + taken(queue, now)) == sorted({str(number) for number in range(len(items))} - left)


async def test_one_at_a_time() -> None:
    """While one has its turn, others wait; then comes who needs it most."""
    turns = DeadlineTurns(1)
    order: list[str] = []

    async def work(name: str, dry_at: float) -> None:
        LANE.set((name,))
        async with turns.turn(dry_at):
            order.append(name)
            await trio.sleep(1)

    async with trio.open_nursery() as nursery:
        for name, dry_at in (("first", 0.0), ("rich", 100.0), ("poor", 50.0), ("dry", 0.0)):
            nursery.start_soon(work, name, dry_at)
            await trio.testing.wait_all_tasks_blocked()
    assert order == ["first", "dry", "poor", "rich"]
    assert trio.current_time() == pytest.approx(4.0, abs=0.1)


async def test_who_is_cancelled_leaves_at_once() -> None:
    """One who waits and is cancelled has left the queue, and its turn goes to the next; one who works gives it back."""
    turns = DeadlineTurns(1)
    ran: list[str] = []

    async def work(name: str, scope: trio.CancelScope) -> None:
        with scope:
            async with turns.turn(0.0):
                ran.append(name)
                await trio.sleep(10)

    scopes = {name: trio.CancelScope() for name in ("holds", "leaves", "stays")}
    async with trio.open_nursery() as nursery:
        for name, scope in scopes.items():
            nursery.start_soon(work, name, scope)
            await trio.testing.wait_all_tasks_blocked()
        begin = trio.current_time()
        scopes["leaves"].cancel()
        scopes["holds"].cancel()
        await trio.testing.wait_all_tasks_blocked()
        assert ran == ["holds", "stays"]
        assert trio.current_time() == begin
        scopes["stays"].cancel()
    async with turns.turn(0.0):
        ran.append("after all")
    assert ran[-1] == "after all"
