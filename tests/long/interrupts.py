"""Random interrupts against scripted stages, in virtual time: requests overlap, stages linger, fail and never end."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Literal

import structlog
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from tests.end_to_end.operations import Op, Promises, Temper, make_agent
from tests.talk import SPOKEN, WRITTEN, open_talk
from voxint.testing.stages import ScriptedEars, ScriptedModel, ScriptedVoice

__all__ = ["random_interrupts"]

PER_CLIENT = 60
"""Operations of one client, of which a good third interrupt."""

ENDED_S = 30.0
"""Virtual seconds after the last interrupt of all, in which everything has ended: what lingers does so for 2 s."""

KINDS: tuple[Literal["good", "silent", "broken", "fast", "endless"], ...] = (
    "good",
    "good",
    "good",
    "fast",
    "silent",
    "broken",
    "endless",
)

VERBS: dict[str, float] = {
    "ask": 18,
    "begin": 8,
    "speak": 8,
    "end": 8,
    "interrupt": 30,
    "interrupt all": 8,
    "played": 4,
    "wait": 16,
}


def random_interrupts(seed: int, count: int, first: int = 0) -> tuple[int, int]:
    """Have clients, one after the other, interrupt at least so many times; return how often, and how many clients.

    Args:
        seed: Of all chance but the scheduler's.
        count: INTERRUPTs in all.
        first: The number of the first client; a failure's note says its own.

    Raises:
        AssertionError: A promise is broken, the dialogue is not what was read, or a stage still runs.
    """
    done, number = 0, first
    while done < count:
        rng = Random(f"{seed}/{number}")
        operations = _operations(rng)
        tempers = _tempers(rng)
        spoken = rng.random() < 0.5
        try:
            with structlog.testing.capture_logs() as logs:
                done += trio.run(_client, operations, tempers, spoken, clock=MockClock(autojump_threshold=0))
            assert [entry for entry in logs if entry["log_level"] == "error"] == []
        except BaseException as error:
            error.add_note(f"seed {seed}, client {number}")
            raise
        number += 1
    return done, number - first


def _operations(rng: Random) -> list[Op]:
    verbs = rng.choices(list(VERBS), weights=list(VERBS.values()), k=PER_CLIENT)
    return [
        Op(
            verb=verb,  # type: ignore[arg-type]  # one of its own
            name=rng.randrange(4),
            amount=rng.choice((0, 1, 2, 5, 24)) if rng.random() < 0.5 else rng.randrange(64),
            spoken=rng.choice((None, None, True, False)),
            at_once=rng.random() < 0.4,
        )
        for verb in verbs
    ]


def _tempers(rng: Random) -> Sequence[Temper]:
    return [
        Temper(rng.choice(KINDS), rng.choice((0.0, 0.0, 0.125, 0.24, 2.0)), rng.random() < 0.2)
        for _ in range(rng.randrange(1, 6))
    ]


async def _client(operations: Sequence[Op], tempers: Sequence[Temper], spoken: bool) -> int:
    agent = make_agent(list(tempers))
    async with open_talk(agent) as talk:
        talk.register(SPOKEN if spoken else WRITTEN)
        promises = Promises(talk, exact=True)
        interrupts = 0
        for op in operations:
            if op.verb == "wait":
                await trio.sleep(op.amount / 64)
            if not op.at_once or promises.knows(promises.request_id(op)):
                await wait_all_tasks_blocked()
            promises.do(op)
            interrupts += op.verb.startswith("interrupt")
        promises.do(Op("interrupt all"))
        await trio.sleep(ENDED_S)
        promises.ended()
        promises.remembered(talk.history)
        for stage in (agent.stt, agent.llm, agent.tts):
            assert isinstance(stage, ScriptedEars | ScriptedModel | ScriptedVoice)
            assert stage.running == 0
    return interrupts + 1
