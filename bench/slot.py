"""One target through one case in one round: load it, ask the upstream, make the figures."""

from __future__ import annotations

from collections.abc import Mapping
from time import monotonic

import psutil
import trio
from attrs import define, frozen

from bench.fleet import Fleet
from bench.generator import MOST_TURNS, Job, Window
from bench.processes import Cores, GeneratorFailed, Target, cpu_s, generate
from bench.scenarios import CHUNK_MS, LOADS, Case
from bench.schema import Slot
from bench.upstream import upstream_figures, waterfall_of
from voxint.background import open_background
from voxint.measure import figures_of, saturation, totals_of
from voxint.measure.distribution import Distribution

__all__ = ["FULL_CORE", "Place", "rest", "run_slot", "stolen_s", "try_slot"]

FULL_CORE = 0.95
"""The share of their cores that generator and upstream may use: with more they can't be trusted with a millisecond."""

MEMORY_S = 0.5
"""Seconds between two looks at a target's memory."""

TRACED_SESSIONS = 1
"""The waterfall shows one interrupt of one caller: with more, what it shows is a queue."""

REST_S = 5.0
LOOK_S = 0.2
IDLE_SHARE = 0.1
"""A target that uses a tenth of its core is at rest; one that has not come to it in 5 s is left behind."""

KINDS = 4
"""Turns are numbered from 1, 8001, 16001 or 24001 on, by the load (bench/generator.py)."""


@frozen
class Place:
    """Where and for which round a slot is measured.

    Args:
        cores: Who runs where.
        round: Which.
        serial: Counts the slots of the run.
    """

    cores: Cores
    round: int
    serial: int


@define
class _Used:
    """What the target and the upstream used of each second in which the load counted."""

    target: float = 0.0
    upstream: float = 0.0
    stolen: float = 0.0
    rss: int = 0
    gone: bool = False


async def try_slot(case: Case, target: Target, fleet: Fleet, place: Place) -> Slot:
    """Return the slot of `run_slot`; where the generator failed, one that says why and has no figures."""
    try:
        return await run_slot(case, target, fleet, place)
    except GeneratorFailed as error:
        why = (str(error),)
        return Slot(case.name, case.scenario, case.sessions, target.name, place.round, case.seconds, problems=why)


async def run_slot(case: Case, target: Target, fleet: Fleet, place: Place) -> Slot:
    """Run a load against a target and return its figures.

    Raises:
        GeneratorFailed: The load could not be run to its end.
    """
    scenario = LOADS[case.scenario]
    await fleet.forget()
    target.forget()
    used = _Used()
    job = Job(
        url=target.said.url,
        dialect=target.said.dialect,
        workload=scenario.workload,
        sessions=case.sessions,
        warmup_s=case.warmup_s,
        seconds=case.seconds,
        seed=place.round,
        first=1 + MOST_TURNS * (place.serial % KINDS),
    )
    async with open_background() as nursery:

        def counting(window: Window) -> None:
            nursery.start_soon(_watch, window, target, fleet.sim.pid, used)

        recording = await generate(job, place.cores, counting)
    ledger = await fleet.ledger()
    values = {**figures_of(recording), **upstream_figures(recording, ledger, CHUNK_MS)}
    if target.said.dialect == "echo":
        values = {"echo_ms": values["ack_ms"]}
    totals = totals_of(recording)
    totals = {**totals, **_usage(case, target, used, totals["speech_s"])}
    judged = {turn.number for turn in recording.counted if turn.interrupted is not None}
    unstamped = fleet.closings.unstamped
    totals["unstamped"] = float(sum(it.id in unstamped and it.turn in judged for it in ledger.requests))
    totals["upstream_cpu_share"] = used.upstream
    totals["measuring_share"] = (used.upstream + recording.cpu_s / case.seconds) / len(place.cores.rest)
    full = saturation(totals) or _full_core(totals)
    totals["saturated"] = float(bool(full))
    problems = [*dict.fromkeys(recording.lost), *(["the target ended"] if used.gone else []), *([full] if full else [])]
    traced = case.sessions == TRACED_SESSIONS and case.scenario == "streaming"
    return Slot(
        case=case.name,
        scenario=case.scenario,
        sessions=case.sessions,
        target=target.name,
        round=place.round,
        seconds=case.seconds,
        figures={name: Distribution.of(found).encode() for name, found in values.items() if found},
        totals=totals,
        problems=tuple(problems),
        waterfall=waterfall_of(recording, ledger, target.cancelled()) if traced else None,
    )


def _full_core(totals: Mapping[str, float]) -> str:
    """Return which of those that measure had too little of a core, or nothing."""
    together, upstream = totals["measuring_share"], totals["upstream_cpu_share"]
    if together > FULL_CORE:
        return f"generator saturated: with the upstream it used {together:.0%} of its cores"
    return f"upstream saturated: it used {upstream:.0%} of a core" if upstream > FULL_CORE else ""


async def rest(target: Target) -> None:
    """Wait until a target has done with what the load has left it, or `REST_S`: the next one has the same core."""
    with trio.move_on_after(REST_S):
        used_s = target.cpu_s()
        while True:
            await trio.sleep(LOOK_S)
            used_s, before_s = target.cpu_s(), used_s
            if used_s - before_s < IDLE_SHARE * LOOK_S:
                return


async def _watch(window: Window, target: Target, sim_pid: int, used: _Used) -> None:
    """Measure processor time and memory in the span that counts."""
    upstream = psutil.Process(sim_pid)
    offset = trio.current_time() - monotonic()  # of trio's clock, which apart from it is CLOCK_MONOTONIC too
    try:
        await trio.sleep_until(window.counted_from + offset)
        before = target.cpu_s(), cpu_s(upstream), stolen_s(), monotonic()
        until = window.until + offset
        while (now := trio.current_time()) < until:
            used.rss = max(used.rss, target.rss())
            await trio.sleep(min(MEMORY_S, until - now))
        after = target.cpu_s(), cpu_s(upstream), stolen_s(), monotonic()
    except psutil.Error:
        used.gone = True
        return
    # A share of the seconds that really went by: this process is the last to get the core, and may be late for both.
    *grown, seconds = (end - begin for end, begin in zip(after, before, strict=True))
    used.target, used.upstream, used.stolen = (each / seconds for each in grown)
    used.gone = target.ended


def stolen_s() -> float:
    """Return the seconds that the machine's host has kept its processors from it; 0 where that can't be known."""
    return float(getattr(psutil.cpu_times(), "steal", 0.0))


def _usage(case: Case, target: Target, used: _Used, speech_s: float) -> Mapping[str, float]:
    seconds = used.target * case.seconds
    usage = {"cpu_s": seconds, "cpu_share": used.target, "stolen_share": used.stolen, "rss_kib": used.rss / 1024}
    usage["rss_per_session_kib"] = max(0, used.rss - target.rss_at_start) / 1024 / case.sessions
    if speech_s:
        usage["cpu_s_per_speech_min"] = seconds / speech_s * 60
    return usage
