"""Those who only want to talk while somebody else attacks: callers of the load generator, in its process."""

from __future__ import annotations

from collections.abc import Callable

import trio

from bench.attacks.keys import RIGHT_KEY
from bench.attacks.results import Calm
from bench.attacks.served import Served
from bench.attacks.verdict import calm_of
from bench.generator import Job, Window
from bench.processes import Cores, generate
from voxint.client import connect
from voxint.core.events import Text
from voxint.errors import VoxintError
from voxint.measure import Workload

__all__ = ["BYSTANDERS", "WARMUP_S", "is_served", "watch_bystanders"]

BYSTANDERS = 6
"""Callers, so that there are some thirty acknowledgements in eight seconds; chosen here."""

WARMUP_S = 1.5
TALK = Workload(delay_s=(0.2, 1.1), share=0.9, behind=0.5, answer_s=2.5)
"""Each is interrupted about once a second; one answer in ten is heard for longer, which is where late audio shows."""

SERVED_S = 8.0
"""For a caller to connect, register, ask and have words, after the attack. Ours."""


async def watch_bystanders(
    served: Served, cores: Cores, seconds: float, first: int, counting: Callable[[Window], None] = lambda window: None
) -> Calm:
    """Let them talk for so many seconds.

    Args:
        served: The server.
        cores: Who runs where.
        seconds: That count.
        first: The number of the first turn: a session's request ids are its own, but a person reads them.
        counting: Called with the span that counts, before it begins.

    Raises:
        GeneratorFailed: Their process failed.
    """
    job = Job(
        url=served.url,
        dialect="voxint_keyed",
        workload=TALK,
        sessions=BYSTANDERS,
        warmup_s=WARMUP_S,
        seconds=seconds,
        seed=first,
        first=first,
    )
    return calm_of(await generate(job, cores, counting))


async def is_served(served: Served) -> bool:
    """Return whether a caller with a key of its own is let in and has words in answer to a question."""
    with trio.move_on_after(SERVED_S):
        try:
            async with connect(served.url, api_key=RIGHT_KEY) as client:
                reply = await client.send_text("turn 7")
                async for event in reply:
                    if isinstance(event, Text):
                        return True
        except VoxintError:
            return False
    return False
