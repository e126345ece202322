from __future__ import annotations

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import wait_all_tasks_blocked

from tests.talk import open_place
from voxint.core.agent import Agent
from voxint.core.stages import Delta, ModelOutput, Turn
from voxint.core.turns import LANE, FairQueue, Lane, Shared

pytestmark = pytest.mark.virtual_time

LANES = st.lists(st.sampled_from("abc"), max_size=2).map(tuple)


def drained(queue: FairQueue[str]) -> list[str]:
    """Return what comes out of a queue, in that order."""
    taken = []
    while queue:
        taken.append(queue.pop())
    return taken


def test_one_who_asks_for_much_makes_nobody_else_wait() -> None:
    """Fifty of one caller, then one of another: that comes second."""
    queue = FairQueue[str]()
    for number in range(50):
        queue.push(("many", "s1"), f"many {number}")
    queue.push(("one", "s2"), "one")
    assert drained(queue)[:3] == ["many 0", "one", "many 1"]


def test_it_goes_round_the_callers_and_within_one_round_its_sessions() -> None:
    """More sessions get a caller no more turns."""
    queue = FairQueue[str]()
    for lane in (("a", "1"), ("a", "1"), ("a", "2"), ("a", "3"), ("b", "1"), ("b", "1")):
        queue.push(lane, "".join(lane))
    assert drained(queue) == ["a1", "b1", "a2", "b1", "a3", "a1"]


def test_who_waits_no_more_is_passed_over() -> None:
    """It is taken out of its lane, and the lane of which it was the last is forgotten."""
    queue = FairQueue[str]()
    queue.push(("a", "1"), "first")
    queue.push(("b",), "second")
    assert queue.remove(("a", "1"), "first")
    assert not queue.remove(("a", "1"), "first")
    assert not queue.remove(("b",), "first")
    assert drained(queue) == ["second"]
    with pytest.raises(IndexError):
        queue.pop()


@given(st.lists(LANES, max_size=40))
def test_everybody_has_a_turn_in_the_order_of_their_lane(lanes: list[Lane]) -> None:
    """Whatever the lanes, all come out once, and those of one lane as they came in."""
    queue = FairQueue[tuple[Lane, int]]()
    for number, lane in enumerate(lanes):
        queue.push(lane, (lane, number))
    out = []
    while queue:
        out.append(queue.pop())
    assert sorted(number for _, number in out) == list(range(len(lanes)))
    for lane in set(lanes):
        assert [number for of, number in out if of == lane] == sorted(number for of, number in out if of == lane)


async def test_a_thing_is_shared_in_fair_turns() -> None:
    """Five tasks of one caller and one of another want the same thing: the other comes second."""
    shared, order, all_wait = Shared("thing"), list[str](), trio.Event()

    async def use(caller: str) -> None:
        LANE.set((caller, "s"))
        async with shared.turn() as thing:
            assert thing == "thing"
            order.append(caller)
            await all_wait.wait()

    async with trio.open_nursery() as nursery:
        for _ in range(5):
            nursery.start_soon(use, "many")
            await wait_all_tasks_blocked()
        nursery.start_soon(use, "one")
        await wait_all_tasks_blocked()
        all_wait.set()
    assert order == ["many", "one", "many", "many", "many", "many"]


async def test_a_cancelled_wait_takes_nothing() -> None:
    """Nor does one that is cancelled when it comes: the thing goes to the next who asks."""
    shared = Shared("thing")
    async with shared.turn():
        with trio.move_on_after(1) as waiting:
            await shared.take()
        assert waiting.cancelled_caught
    with trio.CancelScope() as scope:
        scope.cancel()
        await shared.take()
    assert scope.cancelled_caught
    with trio.fail_after(1):
        assert await shared.take() == "thing"


class Nosy:
    """A model that says in which lane it works, its own tasks included."""

    def __init__(self) -> None:
        self.lanes: list[Lane] = []

    async def generate(self, turn: Turn, out: trio.abc.SendChannel[ModelOutput]) -> None:
        """Note the lane, in a task below and in a thread's place."""

        async def below() -> None:
            self.lanes.append(LANE.get())

        async with trio.open_nursery() as nursery:
            nursery.start_soon(below)
        await out.send(Delta("Yes."))


async def test_a_stage_works_in_the_lane_of_its_caller() -> None:
    """Sessions of one key share a caller; each has a lane of its own in it. Nobody else's task is touched."""
    model = Nosy()
    async with open_place(Agent(llm=model)) as place:
        talks = [place.join("192.0.2.1"), place.join("192.0.2.1"), place.join("192.0.2.2")]
        for talk in talks:
            talk.register()
            talk.ask("r1")
            await trio.sleep(1)
        ids = [talk.registered.session_id for talk in talks]
    callers = [caller for caller, _ in model.lanes]
    assert [session for _, session in model.lanes] == ids
    assert callers[0] == callers[1] != callers[2]
    assert LANE.get() == ()


async def test_the_patient_wait_for_all_others() -> None:
    """Whoever is not patient goes first, even one of the same caller who came later; among the patient it is fair."""
    shared, got = Shared("thing"), list[str]()

    async def wait(lane: Lane, name: str, patient: bool) -> None:
        LANE.set(lane)
        async with shared.turn(patient=patient):
            got.append(name)

    async with trio.open_nursery() as nursery, shared.turn():
        for lane, name, patient in (
            (("a",), "a looks", True),
            (("a",), "a looks again", True),
            (("b",), "b looks", True),
            (("a",), "a settles", False),
            (("b",), "b settles", False),
        ):
            nursery.start_soon(wait, lane, name, patient)
            await wait_all_tasks_blocked()
    assert got == ["a settles", "b settles", "a looks", "b looks", "a looks again"]


async def test_a_thing_that_is_no_good_is_given_up() -> None:
    """Nobody gets it any more; one that somebody has, or that is not there, is left alone."""
    shared = Shared("good", "bad")
    shared.discard("bad")
    shared.discard("bad")
    assert await shared.take() == "good"
    shared.discard("good")
    shared.put("good")
    assert await shared.take() == "good"
    with trio.move_on_after(1) as scope:
        await shared.take()
    assert scope.cancelled_caught
