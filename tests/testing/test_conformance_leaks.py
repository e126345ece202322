"""The conformance check finds the tasks that a stage leaves behind, and lets a pool keep its own."""

from __future__ import annotations

import itertools
import math
from contextlib import nullcontext

import pytest
import trio

from voxint.core.stages import Delta, ModelOutput, Turn
from voxint.testing.conformance import check_language_model
from voxint.testing.stages import ScriptedModel

pytestmark = pytest.mark.virtual_time

TURN = Turn(())

Out = trio.abc.SendChannel[ModelOutput]


class Leaks:
    """Keeps a task for each call in a nursery of its own."""

    def __init__(self, nursery: trio.Nursery) -> None:
        self.nursery = nursery

    async def generate(self, turn: Turn, out: Out) -> None:
        """Write a word, and leave a task if the second is never reached."""
        leak = trio.CancelScope()

        async def stay() -> None:
            with leak:
                await trio.sleep_forever()

        self.nursery.start_soon(stay)
        await trio.sleep(1)
        await out.send(Delta("there."))
        leak.cancel()


async def test_a_task_that_is_left_is_found() -> None:
    """A stage that starts tasks outside of its call leaves them behind when it is cancelled."""
    async with trio.open_nursery() as nursery:
        complaint = (
            r"Leaks, cancelled after . steps, left a task running, and 40 more in 40 more such runs \(.*\.stay\)"
        )
        with pytest.raises(AssertionError, match=complaint):
            await check_language_model(Leaks(nursery), TURN)
        nursery.cancel_scope.cancel()


async def test_a_system_task_that_is_left_is_found() -> None:
    """It belongs to nobody, and inherits nothing of the call."""

    class Spawns(ScriptedModel):
        async def generate(self, turn: Turn, out: Out) -> None:
            trio.lowlevel.spawn_system_task(trio.sleep, 600)
            await super().generate(turn, out)

    with pytest.raises(AssertionError, match=r"Spawns, .*, left a task running, and 40 more in .* \(trio.sleep\)"):
        await check_language_model(Spawns("Hello."), TURN)


async def test_a_task_that_only_a_whole_run_leaves_is_found() -> None:
    """As one that is started behind the last word."""

    class Follows(ScriptedModel):
        async def generate(self, turn: Turn, out: Out) -> None:
            await super().generate(turn, out)
            nursery.start_soon(trio.sleep_forever)

    async with trio.open_nursery() as nursery:
        with pytest.raises(AssertionError, match="Follows left a task running, and 40 more in 40 more such runs"):
            await check_language_model(Follows("Hello.", 0.5), TURN)
        nursery.cancel_scope.cancel()


async def test_a_task_that_only_every_second_run_leaves_is_found() -> None:
    """Some runs at a time are looked at together: one that leaves none acquits nobody."""
    runs = itertools.count()

    class Sometimes(ScriptedModel):
        async def generate(self, turn: Turn, out: Out) -> None:
            if next(runs) % 2:
                nursery.start_soon(trio.sleep_forever)
            await super().generate(turn, out)

    async with trio.open_nursery() as nursery:
        with pytest.raises(AssertionError, match=r"Sometimes, .*, left a task running, and 20 more in 40 more such"):
            await check_language_model(Sometimes("Hello.", 0.5), TURN)
        nursery.cancel_scope.cancel()


class Room:
    """A part of a stage, with its nursery."""

    __slots__ = ("nursery", "unused")

    nursery: trio.Nursery


class Manager(ScriptedModel):
    """Has a task since before its first call, which starts others.

    Args:
        most: So many.
    """

    def __init__(self, most: float) -> None:
        super().__init__("Hello.", 0.5)
        self.most = most
        self.give, self.take = trio.open_memory_channel[None](math.inf)
        self.room = Room()

    async def manage(self) -> None:
        """Start a task for each call."""
        async for _ in self.take:
            if len(self.room.nursery.child_tasks) <= self.most:
                self.room.nursery.start_soon(trio.sleep_forever)

    async def generate(self, turn: Turn, out: Out) -> None:
        """Say that there is a call."""
        self.give.send_nowait(None)
        await super().generate(turn, out)


async def test_what_a_task_of_before_starts_is_found_in_the_nurseries_of_the_stage() -> None:
    """It has not inherited the mark of a run; in a part of the stage too, and a bound is one there as well."""
    for most in (math.inf, 30):
        model = Manager(most)
        async with trio.open_nursery() as nursery:
            model.room.nursery = nursery
            nursery.start_soon(model.manage)
            with nullcontext() if most == 30 else pytest.raises(AssertionError, match=r"Manager, .*, left a task"):
                await check_language_model(model, TURN)
            nursery.cancel_scope.cancel()


@pytest.mark.parametrize("bound", [7, 30])
async def test_a_pool_that_is_filled_run_by_run_is_no_leak(bound: int) -> None:
    """It has a bound: what each run adds comes to an end."""
    kept: set[object] = set()

    async def keep() -> None:
        kept.add(object())
        await trio.sleep_forever()

    class Pool(ScriptedModel):
        async def generate(self, turn: Turn, out: Out) -> None:
            if len(kept) < bound:
                nursery.start_soon(keep)
            await super().generate(turn, out)

    async with trio.open_nursery() as nursery:
        await check_language_model(Pool("Hello.", 0.5), TURN)
        nursery.cancel_scope.cancel()
    assert len(kept) == bound


async def test_tasks_of_others_are_not_taken_for_the_stages() -> None:
    """A server for the test may live in the same loop: its tasks come and go as they like."""

    async def others() -> None:
        while True:
            await trio.sleep(0.125)
            nursery.start_soon(trio.sleep_forever)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(others)
        await check_language_model(ScriptedModel.says("Hello. ", "Bye.", every=0.5), TURN)
        nursery.cancel_scope.cancel()


async def test_what_lives_longer_than_a_call_is_no_leak() -> None:
    """A task that the provider keeps for all of its calls is there after the first."""

    class Pool(ScriptedModel):
        kept = False

        async def generate(self, turn: Turn, out: Out) -> None:
            if not self.kept:
                self.kept = True
                nursery.start_soon(trio.sleep_forever)
            await super().generate(turn, out)

    async with trio.open_nursery() as nursery:
        await check_language_model(Pool("Hello.", 0.5), TURN)
        nursery.cancel_scope.cancel()
