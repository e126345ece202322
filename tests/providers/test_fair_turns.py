"""One caller who asks for much of pocketsphinx makes no other wait, and who says nothing holds no process of it."""

from __future__ import annotations

import trio
import trio.testing

from tests.providers.spoken import QUIET, Utterance, hear
from voxint.core.stages import Transcript
from voxint.core.turns import LANE
from voxint.providers.pocketsphinx import PocketSphinx


async def test_who_has_said_nothing_holds_no_process() -> None:
    """Four microphones are open and silent, not a byte of them comes: another caller is heard by the one process."""
    async with PocketSphinx(max_workers=1, wait_s=0.05) as stt, trio.open_nursery() as nursery:
        silent = [Utterance(stt) for _ in range(4)]
        for utterance in silent:
            nursery.start_soon(utterance.run)
        await trio.testing.wait_all_tasks_blocked(0.01)
        assert await hear(stt, QUIET) == [Transcript("", is_final=True)]
        for utterance in silent:
            await utterance.end()
            assert utterance.error is None


async def test_one_who_asks_for_much_makes_nobody_wait() -> None:
    """Ten utterances of one caller wait for the one process; another caller's one gets it next."""
    order: list[str] = []
    async with PocketSphinx(max_workers=1, wait_s=30) as stt, trio.open_nursery() as nursery:

        async def one(caller: str, utterance: Utterance) -> None:
            LANE.set((caller, "s"))
            await utterance.run()
            order.append(caller)

        callers = ["many"] * 10 + ["one"]
        utterances = [Utterance(stt) for _ in callers]
        for caller, utterance in zip(callers, utterances, strict=True):
            nursery.start_soon(one, caller, utterance)
            await utterance.begin()
            await trio.testing.wait_all_tasks_blocked(0.01)
        for utterance in utterances:
            utterance.close()
    assert order.index("one") == 1


async def test_one_who_holds_all_it_may_leaves_one_to_others() -> None:
    """Two are what one caller may have, and it has them and says nothing more: its third waits, another's does not."""
    async with PocketSphinx(max_workers=2, wait_s=5) as stt, trio.open_nursery() as nursery:

        async def one(caller: str, utterance: Utterance) -> None:
            LANE.set((caller, "s"))
            await utterance.run()

        held = [Utterance(stt) for _ in range(3)]
        for utterance in held:
            nursery.start_soon(one, "many", utterance)
            await utterance.begin()
        other = Utterance(stt)
        nursery.start_soon(one, "one", other)
        with trio.fail_after(4):
            await other.speak()
            await other.end()
        assert other.error is None
        for utterance in held:
            assert not utterance.stopped.is_set()
            utterance.scope.cancel()
