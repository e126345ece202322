"""The load generator, a process of its own: a job as JSON on standard input, the recording as JSON on standard output.

The first line of output tells when the load counts, so that the benchmark measures the server in the same span.
"""

from __future__ import annotations

import gc
import os
import sys

import msgspec
import trio
from attrs import frozen

from bench.dialects import DIALECTS
from voxint.measure import ARRIVE_S, Recording, Workload, plan, run_load

__all__ = ["MOST_TURNS", "Job", "Window"]


ARRIVED = 0.75
"""The share of the warm-up within which callers have arrived: their first questions dial connections."""

MOST_TURNS = 8000
"""Of one load. Samples carry the numbers of turns, and hold 32,767 at most: four loads in turn have numbers of their
own, so that a target that is still busy with the last load's can't be mistaken in the next."""


@frozen
class Job:
    """A load that the generator is told to run.

    Args:
        url: The target's WebSocket.
        dialect: How it is spoken to.
        workload: What the callers do.
        sessions: How many callers.
        warmup_s: Not counted.
        seconds: Counted.
        seed: Of the plan; all targets of a round get the same.
        first: The number of the first turn.
    """

    url: str
    dialect: str
    workload: Workload
    sessions: int
    warmup_s: float
    seconds: float
    seed: int
    first: int


@frozen
class Window:
    """When a load counts, on CLOCK_MONOTONIC."""

    counted_from: float
    until: float


async def _run(job: Job) -> Recording:
    seconds = job.warmup_s + job.seconds + job.workload.longest_s
    arrive_s = min(ARRIVE_S, ARRIVED * job.warmup_s)
    plans = plan(job.workload, job.sessions, seconds, seed=job.seed, first=job.first, arrive_s=arrive_s)
    if sum(map(len, plans)) > MOST_TURNS:
        raise ValueError(
            f"{job.sessions} sessions make more than {MOST_TURNS} turns in {seconds:g} s: measure for less"
        )

    def counting(counted_from: float, until: float) -> None:
        _say(Window(counted_from, until))

    return await run_load(
        job.url, DIALECTS[job.dialect], plans, warmup_s=job.warmup_s, seconds=job.seconds, counting=counting
    )


def _say(data: Window | Recording) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(data) + b"\n")
    sys.stdout.buffer.flush()


def _step_back() -> None:
    """Let all others go first again: what is left to do here takes 70 ms, and the upstream still has ends to stamp."""
    if os.sched_getscheduler(0) != os.SCHED_OTHER:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


if __name__ == "__main__":
    gc.disable()  # for good: a collection at the load's end would hold up the upstream as well
    recorded = trio.run(_run, msgspec.json.decode(sys.stdin.buffer.read(), type=Job))
    _step_back()
    _say(recorded)
